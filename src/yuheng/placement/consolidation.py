"""Moves of several workloads at once, which nodes that are paid whole make necessary.

Nobody gains by leaving such a node alone, nor by opening a cheaper one alone: its tenants leave it together, or several
workloads open one together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.placement.assignment import Assignment
from yuheng.placement.cases import Case

__all__ = ["LEAST_VISITS", "LOOKS", "WORTH", "consolidate", "rearranged", "saving"]

# What a trial costs at least, in nodes looked at, and how often it looks at every node of a cluster.
LEAST_VISITS: Final = 1_000
LOOKS: Final = 4
# A move has to be worth so much of what there is, lest rounding makes it go round in circles.
WORTH: Final = 1e-9
# How many workloads move together, and how many groups of nodes they try.
MOST_TENANTS: Final = 8
MOST_GROUPS: Final = 4


def consolidate(assignment: Assignment, cases: Sequence[Case], budget: list[int]) -> bool:
    """Empty nodes that are bought, and open others for those who would gain by it together; whether that was done.

    Args:
        assignment: where everybody is.
        cases: the workloads that may be moved.
        budget: nodes that may still be looked at; it is used up.
    """
    if not assignment.terrain.bought.any():
        return False
    by_key = {case.workload.identity: case for case in cases if case.workload.identity in assignment.tenures}
    improved = False
    for g, keys in assignment.opened.crowds(MOST_TENANTS):
        crowd = [by_key[key] for key in keys if key in by_key]
        if len(crowd) == len(keys):
            improved |= _emptied(assignment, g, crowd, budget)
    for g, crowd in _Gains(assignment, list(by_key.values())).crowds():
        only = np.arange(len(assignment.terrain.groups)) == g
        improved |= _tried(assignment, crowd, [case.limited(only) for case in crowd], budget)
    return improved


def _emptied(assignment: Assignment, g: int, crowd: Sequence[Case], budget: list[int]) -> bool:
    """Let the tenants of a node go elsewhere: each where it is best, or together to another group."""
    groups = np.arange(len(assignment.terrain.groups))
    if _tried(assignment, crowd, [case.limited(groups != g) for case in crowd], budget):
        return True
    return any(
        _tried(assignment, crowd, [case.limited(groups == other) for case in crowd], budget)
        for other in _cheapest(assignment, g, crowd)
    )


def _cheapest(assignment: Assignment, g: int, crowd: Sequence[Case]) -> list[int]:
    """Other groups to which a crowd may go, by what a node of them and all the rest would cost it."""
    terrain = assignment.terrain
    usable = terrain.bought & np.logical_and.reduce([case.usable(terrain) for case in crowd])
    usable[g] = False
    worth = np.zeros(len(terrain.groups))
    for case in crowd:
        worth[usable] += _beside(assignment, case)[usable]
    worth += np.max([case.factors.cost * case.quote.whole for case in crowd], axis=0)
    return sorted(np.flatnonzero(usable).tolist(), key=lambda other: (float(worth[other]), other))[:MOST_GROUPS]


def _beside(assignment: Assignment, case: Case) -> NDArray[np.float64]:
    """(G,) what all of a workload adds to the objective in a group, beside nodes that are bought there."""
    terrain, quote = assignment.terrain, case.quote
    counts = np.array(case.counts, dtype=np.float64)
    money = np.where(terrain.bought, 0.0, counts @ quote.money) + quote.fixed[terrain.region]
    found: NDArray[np.float64] = case.factors.cost * money + case.factors.carbon * (counts @ quote.grams)
    return found + case.factors.time * quote.time


class _Gains:
    """What workloads would gain by being on nodes of each group that is bought, if the nodes were free."""

    def __init__(self, assignment: Assignment, cases: Sequence[Case]) -> None:
        terrain = assignment.terrain
        self._assignment = assignment
        self._cases = cases
        self._groups = np.flatnonzero(terrain.bought)
        self._gains = np.full((len(cases), len(self._groups)), -np.inf)
        self._sizes = np.ones((len(cases), len(self._groups)))
        for i, case in enumerate(cases):
            usable = case.usable(terrain)[self._groups]
            gains = saving(assignment, case) - _beside(assignment, case)[self._groups]
            self._gains[i, usable] = gains[usable]
            parts = np.array(case.counts) @ case.quote.part[:, self._groups]
            self._sizes[i] = parts / np.where(terrain.whole[self._groups] > 0, terrain.whole[self._groups], 1.0)

    def crowds(self) -> Iterator[tuple[int, list[Case]]]:
        """By group, those who together would gain more by filling one node than it costs."""
        for j, g in enumerate(self._groups.tolist()):
            gains, sizes = self._gains[:, j], self._sizes[:, j]
            order = np.lexsort((np.arange(len(gains)), -gains / np.maximum(sizes, 1e-9)))
            mine = order[gains[order] > 0]
            mine = mine[np.cumsum(sizes[mine]) <= 1 + 1e-9][:MOST_TENANTS]
            price = max((self._cases[i].factors.cost * float(self._cases[i].quote.whole[g]) for i in mine), default=0.0)
            if len(mine) > 1 and float(gains[mine].sum()) > price:
                yield g, [self._cases[i] for i in mine.tolist()]


def saving(assignment: Assignment, case: Case) -> float:
    """What a workload adds to the objective where it is: what would be saved if it left."""
    tenure = assignment.tenures[case.workload.identity]
    return tenure.proposal.score + case.factors.cost * assignment.alone(tenure)[0]


def _tried(assignment: Assignment, crowd: Sequence[Case], limited: Sequence[Case], budget: list[int]) -> bool:
    """Move a crowd, each to where it may go then, if that is worth it and may still be tried."""
    sites = {part.site for case in crowd for part in assignment.tenures[case.workload.identity].proposal.parts}
    cost = LEAST_VISITS * len(crowd) + LOOKS * sum(len(assignment.sites[s].group_of) for s in sites)
    if budget[0] < cost:
        return False
    budget[0] -= cost
    return rearranged(assignment, crowd, limited)


def rearranged(assignment: Assignment, movers: Sequence[Case], limited: Sequence[Case], most: float = 0.0) -> bool:
    """Take workloads off and place them anew, if that is worth it; whether it was. If not, all is as before.

    What they add to the bill of nodes that are bought counts, and what they take from it by leaving.

    Args:
        assignment: where everybody is.
        movers: the workloads, placed or not.
        limited: the same, as they may go now; in the order of their turns.
        most: they may be worth so much more than before.
    """
    opened, cost = assignment.opened, movers[0].factors.cost
    everyone = [case for case in movers if case.workload.identity in assignment.tenures]
    worth = sum(assignment.tenures[case.workload.identity].proposal.score for case in everyone) + cost * opened.bill
    limit = worth + most - WORTH * max(abs(worth), 1e-12)
    before = [(case, assignment.release(case.workload.identity)) for case in everyone]
    done: list[Case] = []
    own = 0.0
    for case in limited:
        proposal = assignment.best(case)
        if proposal is None or own + cost * opened.bill + proposal.score >= limit:
            break
        if not assignment.settle(case, proposal):
            break
        done.append(case)
        own += assignment.tenures[case.workload.identity].proposal.score
    if len(done) == len(limited) and own + cost * opened.bill < limit:
        return True
    for case in done:
        assignment.release(case.workload.identity)
    for case, tenure in before:
        assignment.restore(case.workload.identity, tenure)
    return False
