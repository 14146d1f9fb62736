"""Which workload goes where: everybody takes the best that is left, then places are exchanged.

1. In order of priority, and of what it would lose by not getting its best, each workload takes the best place left.
2. A workload that is worse off than it would be alone tries to have a better place: those who hold it move to their
   next best, one or two of them, if all together are better off then.

Every step is carried out on the compiled clusters and taken back where it does not pay: what is accepted fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Final

import numpy as np

from yuheng.placement.assignment import Assignment, Case

__all__ = ["improve", "place_all", "take_best"]

# What trying exchanges may cost, in nodes looked at: plans of thousands of workloads must not wait for it.
MOST_VISITS: Final = 2_000_000
# What a trial costs at least, and how often it looks at every node of a cluster.
LEAST_VISITS: Final = 1_000
LOOKS: Final = 4
# How many of those who hold a wanted place are asked to move.
MOST_HOLDERS: Final = 8
MOST_PLACES: Final = 4
# An exchange has to be worth so much of what there is, lest rounding makes it go round in circles.
WORTH: Final = 1e-9


def place_all(
    assignment: Assignment, cases: Iterable[Case], had_its_turn: Callable[[], None] = lambda: None
) -> list[Case]:
    """Let every workload take the best place left; those that find none.

    Args:
        assignment: where they go.
        cases: the workloads.
        had_its_turn: called after each.
    """
    left = []
    for case in _ordered(cases):
        if not take_best(assignment, case):
            left.append(case)
        had_its_turn()
    return left


def take_best(assignment: Assignment, case: Case) -> bool:
    """Give a workload the best place left; whether there is one."""
    refused: set[int] = set()
    while True:
        proposal = assignment.best(case, refused)
        if proposal is None:
            return False
        if assignment.settle(case, proposal):
            return True
        # Room for its templates one by one is not always room for all of them together.
        refused |= {part.site for part in proposal.parts}


def _ordered(cases: Iterable[Case]) -> list[Case]:
    """Who has the first turn: the higher priority, then who would lose most, then the larger, then by name."""

    def turn(case: Case) -> tuple[float, float, int, str]:
        priority = max(pod.priority for pod in case.workload.pods)
        return (-priority, -_regret(case), -sum(case.counts), case.workload.identity)

    return sorted(cases, key=turn)


def _regret(case: Case) -> float:
    """What it loses when it does not get its best group but its second best; infinite when there is no second."""
    total = np.array(case.counts) @ np.where(np.isfinite(case.score), case.score, np.inf)
    order = np.sort(total[case.quote.open])
    if len(order) < 2:
        return float("inf") if len(order) else 0.0
    return float(order[1] - order[0])


def improve(assignment: Assignment, cases: Sequence[Case], left: Sequence[Case]) -> list[Case]:
    """Exchange places as long as it pays; the workloads that find none even so.

    Args:
        assignment: where everybody is.
        cases: those that may be moved, placed or not.
        left: those of them that have no place.
    """
    budget = [MOST_VISITS]
    without = [case for case in left if not _squeeze_in(assignment, case, cases, budget)]
    improved = True
    while improved and budget[0] > 0:
        improved = False
        for case in _worst_off(assignment, cases):
            if budget[0] <= 0:
                break
            improved |= _exchange(assignment, case, cases, budget)
    return without


def _worst_off(assignment: Assignment, cases: Sequence[Case]) -> list[Case]:
    """Those that are worse off than they would be alone, the worst first."""
    found = []
    for case in cases:
        tenure = assignment.tenures.get(case.workload.identity)
        if tenure is not None:
            loss = tenure.proposal.score - case.ideal(assignment.terrain)
            if loss > WORTH * max(abs(tenure.proposal.score), 1e-12):
                found.append((loss, case))
    return [case for _, case in sorted(found, key=lambda item: (-item[0], item[1].workload.identity))]


def _squeeze_in(assignment: Assignment, case: Case, cases: Sequence[Case], budget: list[int]) -> bool:
    """Let others move, whatever that costs, so that a workload finds a place; whether it does."""
    for site in _wanted_sites(assignment, case):
        for movers in _movers(assignment, cases, case, site):
            if budget[0] <= 0:
                return False
            budget[0] -= LEAST_VISITS + LOOKS * len(assignment.sites[site].group_of)
            if _moved(assignment, case, movers, site, float("inf")):
                return True
    return False


def _exchange(assignment: Assignment, case: Case, cases: Sequence[Case], budget: list[int]) -> bool:
    """Let one workload have a better place at the expense of others, if all together gain; whether it did."""
    here = {part.site for part in assignment.tenures[case.workload.identity].proposal.parts}
    for site in _wanted_sites(assignment, case):
        sets = [(), *_movers(assignment, cases, case, site)]
        for movers in sets:
            if budget[0] <= 0:
                return False
            budget[0] -= LEAST_VISITS + LOOKS * len(assignment.sites[site].group_of)
            before = sum(assignment.tenures[one.workload.identity].proposal.score for one in (case, *movers))
            if _moved(assignment, case, movers, site, before - WORTH * max(abs(before), 1e-12)):
                return True
        if here == {site}:
            break
    return False


def _wanted_sites(assignment: Assignment, case: Case) -> list[int]:
    """The clusters that would be best for it if it were alone, the best first."""
    terrain = assignment.terrain
    usable = case.usable(terrain)
    fixed = case.factors.cost * case.quote.fixed[terrain.region]
    worth = np.array(case.counts) @ np.where(usable, case.score, 0.0) + fixed
    best: dict[int, float] = {}
    for g in np.flatnonzero(usable).tolist():
        s = int(terrain.site[g])
        best[s] = min(best.get(s, np.inf), float(worth[g]))
    return sorted(best, key=lambda s: (best[s], s))[:MOST_PLACES]


def _movers(assignment: Assignment, cases: Sequence[Case], case: Case, site: int) -> list[tuple[Case, ...]]:
    """Who could make way in a cluster: one of those that lose least by it, or two."""
    found = []
    for other in cases:
        tenure = assignment.tenures.get(other.workload.identity)
        if tenure is None or other.workload.identity == case.workload.identity:
            continue
        if any(part.site == site for part in tenure.proposal.parts):
            found.append((_loss(assignment, other, site) - tenure.proposal.score, other))
    ranked = [other for _, other in sorted(found, key=lambda item: (item[0], item[1].workload.identity))][:MOST_HOLDERS]
    return [*((one,) for one in ranked), *combinations(ranked, 2)]


def _loss(assignment: Assignment, case: Case, site: int) -> float:
    """The least a workload would be worth anywhere but in a cluster."""
    terrain = assignment.terrain
    usable = case.usable(terrain) & (terrain.site != site)
    if not usable.any():
        return float("inf")
    return float(np.array(case.counts) @ case.score[:, usable].min(axis=1))


def _moved(assignment: Assignment, case: Case, movers: Sequence[Case], site: int, limit: float) -> bool:
    """Take workloads off, place one in a cluster and the others wherever it is best; undone if not below a limit."""
    everyone = [one for one in (case, *movers) if one.workload.identity in assignment.tenures]
    before = [(one, assignment.release(one.workload.identity)) for one in everyone]
    done: list[Case] = []
    others = frozenset(range(len(assignment.sites))) - {site}
    total = 0.0
    for one in (case, *movers):
        proposal = assignment.best(one, others if one is case else ())
        if proposal is None or total + proposal.score >= limit or not assignment.settle(one, proposal):
            break
        done.append(one)
        total += assignment.tenures[one.workload.identity].proposal.score
    if len(done) == 1 + len(movers) and total < limit:
        return True
    for one in done:
        assignment.release(one.workload.identity)
    for one, tenure in before:
        assignment.restore(one.workload.identity, tenure)
    return False
