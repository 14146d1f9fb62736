"""How good a plan can be at best: a bound that no plan beats, and so a gap that is never below the true one.

The bound is that of a relaxation: workloads may be cut into fractions, and a group of nodes is one big machine. Each
workload pays the least it could for its time, and for its data in proportion to what is in a region. Of a node that is
bought its pods pay no more than their part, of whichever resource that is largest for all on the node together.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.model.objective import Terms
from yuheng.placement.assignment import Assignment
from yuheng.placement.cases import Case
from yuheng.placement.exact import Bound
from yuheng.placement.program import Program
from yuheng.placement.terrain import Terrain

__all__ = ["bound_of"]

# Variables of a relaxation that is solved; beyond, the bound is that of every workload alone.
MOST_VARIABLES: Final = 20_000
# The solver's answers hold to about so many digits: the bound is lowered by it.
TOLERANCE: Final = 1e-6
MOST_ITERATIONS: Final = 1_000_000


def bound_of(
    assignment: Assignment, cases: Mapping[str, Case], factors: Terms, total: Terms, known: Bound | None
) -> float:
    """No plan that places the same workloads has a lower value.

    Args:
        assignment: the plan.
        cases: the workloads, by key.
        factors: what a dollar, a second and a gram weigh in the plan's objective.
        total: the terms of the plan, which are kept for what the objective did not place.
        known: what was found when the plan was improved.
    """
    free = [case for key, case in sorted(cases.items()) if _is_free(assignment, key, case, factors)]
    keys = frozenset(case.workload.identity for case in free)
    others = assignment.opened.without(keys)
    mine = Terms(cost=assignment.opened.bill - math.fsum(others.values()))
    for case in free:
        mine = mine.plus(assignment.tenures[case.workload.identity].proposal.terms)
    placed = _sum(factors, mine)
    fixed = _sum(factors, total) - placed
    if not free:
        return fixed + placed
    kept = [case for key, case in sorted(cases.items()) if key in assignment.tenures and key not in keys]
    alone = _alone(assignment, free, kept, others)
    if known is not None and known.keys == keys:
        alone = max(alone, known.value - TOLERANCE * abs(known.value))
    if placed <= alone * (1 + TOLERANCE):
        return fixed + min(alone, placed)
    size = sum(int(case.usable(assignment.terrain).sum()) * len(case.counts) for case in free)
    if size > MOST_VARIABLES:
        return fixed + alone
    return fixed + max(alone, _relaxed(assignment, free, kept, others))


def _sum(factors: Terms, terms: Terms) -> float:
    return sum(weight * amount for weight, amount in zip(factors, terms, strict=True))


def _alone(assignment: Assignment, cases: list[Case], kept: list[Case], others: Mapping[int, float]) -> float:
    """The sum of the least that each workload could add, whatever else there is.

    Nodes that others are on are free for them; or they are not, and what the others pay beyond their part is taken off.
    """
    terrain = assignment.terrain
    free = np.isin(np.arange(len(terrain.groups)), list(others))
    with_them = without = 0.0
    for case in cases:
        usable = case.usable(terrain)
        if not usable.any():
            continue
        counts, fixed = np.array(case.counts), case.factors.cost * float(case.quote.fixed[terrain.region[usable]].min())
        score = _rest(assignment, case)
        parts = score + case.factors.cost * _parts(assignment, case)
        without += fixed + float(counts @ parts[:, usable].min(axis=1))
        with_them += fixed + float(counts @ np.where(free, score, parts)[:, usable].min(axis=1))
    beyond = math.fsum(others.values())
    for case in kept:
        parts = _parts(assignment, case)
        where = assignment.tenures[case.workload.identity].proposal.parts
        beyond -= sum(part.pods * float(parts[part.template, part.group]) for part in where)
    return max(with_them, without - cases[0].factors.cost * beyond)


def _parts(assignment: Assignment, case: Case) -> NDArray[np.float64]:
    """(T, G) US dollars of one pod's part of a node that is bought, in the ratio of the default rates; 0 elsewhere."""
    found: NDArray[np.float64] = case.quote.part * _per_dollar(assignment, case) * assignment.terrain.bought
    return found


def _rest(assignment: Assignment, case: Case) -> NDArray[np.float64]:
    """(T, G) what a pod adds to the objective beside the node that is bought for it."""
    bought = case.quote.open & assignment.terrain.bought
    found: NDArray[np.float64] = case.score - np.where(bought, case.factors.cost * case.quote.money, 0.0)
    return found


def _per_dollar(assignment: Assignment, case: Case) -> NDArray[np.float64]:
    """(G,) what a workload pays for a node at the least, for each dollar that the node costs per hour today.

    Who waits for a slot may come to pay less than is known now, where prices change.
    """
    terrain, quote = assignment.terrain, case.quote
    found: NDArray[np.float64] = quote.whole / np.where(terrain.whole > 0, terrain.whole, 1.0)
    for g in terrain.changing_prices:
        if quote.ends and assignment.is_limited(int(terrain.region[g])):
            found[g] = 0.0
    return found


def _is_free(assignment: Assignment, key: str, case: Case, factors: Terms) -> bool:
    """Whether the plan's own objective chose a workload's place."""
    tenure = assignment.tenures.get(key)
    return tenure is not None and case.factors == factors and not case.by_policy


def _relaxed(assignment: Assignment, cases: list[Case], kept: list[Case], others: Mapping[int, float]) -> float:
    """The value of the linear relaxation, lowered by the solver's tolerance."""
    terrain, program = assignment.terrain, Program()
    free = _free_amounts(assignment, cases)
    room: dict[tuple[int, str], list[tuple[int, float]]] = {}
    parts: dict[tuple[int, str], list[tuple[int, float]]] = {}
    for case in cases:
        pods = max(sum(case.counts), 1)
        fixed = case.factors.cost * case.quote.fixed[terrain.region] / pods
        rest, whole = _rest(assignment, case), terrain.whole * _per_dollar(assignment, case)
        usable = np.flatnonzero(case.usable(terrain)).tolist()
        for t, count in enumerate(case.counts):
            columns = []
            for g in usable:
                column = program.column(float(rest[t, g] + fixed[g]))
                columns.append((column, 1.0))
                for name, amount in _asked(case, t, terrain.clusters[int(terrain.site[g])].name).items():
                    room.setdefault((g, name), []).append((column, float(amount)))
                    if terrain.bought[g] and (most := _offered(terrain, g, name)):
                        parts.setdefault((g, name), []).append((column, amount / most * float(whole[g])))
            program.row(columns, float(count), float(count))
    for (g, name), terms in sorted(room.items()):
        # Bytes and cores in one program: solvers like amounts that are near one.
        most = float(free[g].get(name, 0)) or 1.0
        program.row([(column, amount / most) for column, amount in terms], upper=1.0 if free[g].get(name, 0) else 0.0)
    bills = {g: program.column(cases[0].factors.cost) for g in sorted({g for g, _ in parts})}
    taken = _taken(assignment, kept)
    for (g, name), terms in sorted(parts.items()):
        program.row([*terms, (bills[g], -1.0)], upper=others.get(g, 0.0) - taken[g, name])
    found = program.relaxed(MOST_ITERATIONS)
    return found.bound - TOLERANCE * abs(found.bound) if found.is_proven and not found.is_infeasible else -math.inf


def _taken(assignment: Assignment, kept: list[Case]) -> dict[tuple[int, str], float]:
    """By group that is bought and resource, US dollars of the part of it that workloads take that stay."""
    terrain = assignment.terrain
    found: dict[tuple[int, str], float] = defaultdict(float)
    for case in kept:
        whole = terrain.whole * _per_dollar(assignment, case)
        for part in assignment.tenures[case.workload.identity].proposal.parts:
            for name, amount in _asked(case, part.template, terrain.clusters[part.site].name).items():
                if terrain.bought[part.group] and (most := _offered(terrain, part.group, name)):
                    found[part.group, name] += part.pods * amount / most * float(whole[part.group])
    return found


def _offered(terrain: Terrain, g: int, name: str) -> float:
    """What a node of a group has, GPUs in thousandths."""
    sample = terrain.groups[g].sample
    return 1000.0 * sample.devices.count if name == "gpu" else float(sample.allocatable.get(name, 0))


def _asked(case: Case, template: int, cluster: str) -> dict[str, int]:
    """What one pod takes of a group, GPUs in thousandths."""
    spec = case.pod(template, cluster).spec
    found = {name: amount for name, amount in spec.requests.items() if amount}
    found["pods"] = 1
    if spec.devices.count:
        found["gpu"] = spec.devices.count * min(spec.devices.milli, 1000)
    return found


def _free_amounts(assignment: Assignment, cases: list[Case]) -> dict[int, dict[str, int]]:
    """By group, what is free there if none of these workloads had been placed."""
    found: dict[int, dict[str, int]] = {}
    for s, site in enumerate(assignment.sites):
        arrays, first = site.engine.cluster, int(assignment.terrain.first[s])
        free = np.maximum(arrays.allocatable - arrays.used, 0)
        slots = np.maximum(arrays.pod_limit - arrays.pods, 0)
        devices = np.maximum(arrays.device_free, 0).sum(axis=1)
        for g in range(len(site.groups)):
            here = site.group_of == g
            amounts = {name: int(free[here, c].sum()) for c, name in enumerate(site.engine.resources.names)}
            found[first + g] = {**amounts, "pods": int(slots[here].sum()), "gpu": int(devices[here].sum())}
    for case in cases:
        for part in assignment.tenures[case.workload.identity].proposal.parts:
            asked = _asked(case, part.template, assignment.terrain.clusters[part.site].name)
            for name, amount in asked.items():
                found[part.group][name] = found[part.group].get(name, 0) + amount * part.pods
    return found
