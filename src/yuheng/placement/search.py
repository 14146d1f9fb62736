"""Which workload goes where: everybody takes the best that is left, then places are exchanged.

1. In order of priority, and of what it would lose by not getting its best, each workload takes the best place left.
2. A workload that is worse off than it would be alone tries to have a better place: those who hold it move to their
   next best, one or two of them, if all together are better off then. Nodes that are bought are emptied, or filled by
   those who would gain by it (see `yuheng.placement.consolidation`).

Every step is carried out on the compiled clusters and taken back where it does not pay: what is accepted fits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Final

import numpy as np

from yuheng.placement.assignment import Assignment
from yuheng.placement.cases import Case
from yuheng.placement.consolidation import LEAST_VISITS, LOOKS, WORTH, consolidate, rearranged, saving

__all__ = ["improve", "place_all", "take_best"]

# What trying exchanges may cost, in nodes looked at: plans of thousands of workloads must not wait for it.
MOST_VISITS: Final = 2_000_000
# How many of those who hold a wanted place are asked to move.
MOST_HOLDERS: Final = 8
MOST_PLACES: Final = 4


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
        improved |= consolidate(assignment, cases, budget)
    return without


def _worst_off(assignment: Assignment, cases: Sequence[Case]) -> list[Case]:
    """Those that could be better off if they were alone, the worst first."""
    found = []
    for case in cases:
        tenure = assignment.tenures.get(case.workload.identity)
        if tenure is not None:
            score = saving(assignment, case)
            loss = score - _ideal(assignment, case)
            if loss > WORTH * max(abs(score), 1e-12):
                found.append((loss, case))
    return [case for _, case in sorted(found, key=lambda item: (-item[0], item[1].workload.identity))]


def _ideal(assignment: Assignment, case: Case) -> float:
    """The least it could add to the objective if all room were its own, nodes that are in use among it."""
    terrain = assignment.terrain
    usable = case.usable(terrain)
    pods = float(np.array(case.counts) @ assignment.filling.hoped(case)[:, usable].min(axis=1))
    return pods + case.factors.cost * float(case.quote.fixed[terrain.region[usable]].min())


def _squeeze_in(assignment: Assignment, case: Case, cases: Sequence[Case], budget: list[int]) -> bool:
    """Let others move, whatever that costs, so that a workload finds a place; whether it does."""
    for site in _wanted_sites(assignment, case):
        for movers in _movers(assignment, cases, case, site):
            if budget[0] <= 0:
                return False
            if _moved(assignment, case, movers, site, budget, float("inf")):
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
            if _moved(assignment, case, movers, site, budget):
                return True
        if here == {site}:
            break
    return False


def _wanted_sites(assignment: Assignment, case: Case) -> list[int]:
    """The clusters that would be best for it if it were alone, the best first."""
    terrain = assignment.terrain
    usable = case.usable(terrain)
    fixed = case.factors.cost * case.quote.fixed[terrain.region]
    worth = np.array(case.counts) @ np.where(usable, assignment.filling.hoped(case), 0.0) + fixed
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
            found.append((_loss(assignment, other, site) - saving(assignment, other), other))
    ranked = [other for _, other in sorted(found, key=lambda item: (item[0], item[1].workload.identity))][:MOST_HOLDERS]
    return [*((one,) for one in ranked), *combinations(ranked, 2)]


def _loss(assignment: Assignment, case: Case, site: int) -> float:
    """The least a workload would be worth anywhere but in a cluster."""
    terrain = assignment.terrain
    usable = case.usable(terrain) & (terrain.site != site)
    if not usable.any():
        return float("inf")
    return float(np.array(case.counts) @ assignment.filling.hoped(case)[:, usable].min(axis=1))


def _moved(
    assignment: Assignment,
    case: Case,
    movers: Sequence[Case],
    site: int,
    budget: list[int],
    most: float = 0.0,
) -> bool:
    """Take workloads off, place one in a cluster and the others wherever it is best; whether that is done."""
    budget[0] -= LEAST_VISITS + LOOKS * len(assignment.sites[site].group_of)
    there = case.limited(assignment.terrain.site == site)
    return rearranged(assignment, (case, *movers), (there, *movers), most)
