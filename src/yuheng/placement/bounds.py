"""How good a plan can be at best: a bound that no plan beats, and so a gap that is never below the true one.

The bound is that of a relaxation: workloads may be cut into fractions, and a group of nodes is one big machine. Each
workload pays the least it could for its time, and for its data in proportion to what is in a region.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import highspy
import numpy as np
from numpy.typing import NDArray

from yuheng.model.objective import Terms
from yuheng.placement.assignment import Assignment, Case
from yuheng.placement.exact import Bound

__all__ = ["bound_of"]

# Variables of a relaxation that is solved; beyond, the bound is that of every workload alone.
MOST_VARIABLES: Final = 20_000
# The solver's answers hold to about so many digits: the bound is lowered by it.
TOLERANCE: Final = 1e-6


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
    mine = Terms()
    for case in free:
        mine = mine.plus(assignment.tenures[case.workload.identity].proposal.terms)
    fixed = sum(w * (whole - part) for w, whole, part in zip(factors, total, mine, strict=True))
    alone = sum(case.ideal(assignment.terrain) for case in free)
    if known is not None:
        others = (case for case in free if case.workload.identity not in known.keys)
        solved = known.value + sum(case.ideal(assignment.terrain) for case in others)
        alone = (
            max(alone, solved - TOLERANCE * abs(solved)) if known.keys <= {c.workload.identity for c in free} else alone
        )
    placed = sum(assignment.tenures[case.workload.identity].proposal.score for case in free)
    if placed <= alone * (1 + TOLERANCE) or not free:
        return fixed + min(alone, placed)
    size = sum(int(case.usable(assignment.terrain).sum()) * len(case.counts) for case in free)
    if size > MOST_VARIABLES:
        return fixed + alone
    return fixed + max(alone, _relaxed(assignment, free))


def _is_free(assignment: Assignment, key: str, case: Case, factors: Terms) -> bool:
    """Whether the plan's own objective chose a workload's place."""
    tenure = assignment.tenures.get(key)
    return tenure is not None and case.factors == factors and not case.by_policy


def _relaxed(assignment: Assignment, cases: list[Case]) -> float:
    """The value of the linear relaxation, lowered by the solver's tolerance."""
    terrain = assignment.terrain
    costs: list[float] = []
    rows: list[tuple[int, int, float]] = []
    demand: list[float] = []
    free = _free_amounts(assignment, cases)
    names = sorted({name for amounts in free.values() for name in amounts})
    capacity = {(g, name): i for i, (g, name) in enumerate((g, name) for g in sorted(free) for name in names)}
    for case in cases:
        pods = max(sum(case.counts), 1)
        fixed = case.factors.cost * case.quote.fixed[terrain.region] / pods
        usable = np.flatnonzero(case.usable(terrain)).tolist()
        for t, count in enumerate(case.counts):
            row = len(capacity) + len(demand)
            demand.append(float(count))
            for g in usable:
                column = len(costs)
                costs.append(float(case.score[t, g] + fixed[g]))
                rows.append((row, column, 1.0))
                asked = _asked(case, t, terrain.clusters[int(terrain.site[g])].name)
                rows += [(capacity[g, name], column, float(asked[name])) for name in names if asked.get(name)]
    upper = [float(free[g].get(name, 0)) for g, name in capacity]
    value = _solved(np.array(costs), rows, upper, demand)
    return value - TOLERANCE * abs(value)


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


def _solved(
    costs: NDArray[np.float64], rows: list[tuple[int, int, float]], upper: list[float], demand: list[float]
) -> float:
    """The least cost of a linear program with capacities first and demands after them; minus infinity on failure."""
    solver: Any = highspy.Highs()  # type: ignore[no-untyped-call]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    rows = sorted(rows)
    count = len(upper) + len(demand)
    starts = np.searchsorted([row for row, _, _ in rows], np.arange(count + 1))
    program = highspy.HighsLp()
    program.num_col_, program.num_row_ = len(costs), count
    program.col_cost_ = costs
    program.col_lower_, program.col_upper_ = np.zeros(len(costs)), np.full(len(costs), highspy.kHighsInf)
    program.row_lower_ = np.array([-highspy.kHighsInf] * len(upper) + demand)
    program.row_upper_ = np.array(upper + demand)
    program.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    program.a_matrix_.start_ = starts
    program.a_matrix_.index_ = np.array([column for _, column, _ in rows])
    program.a_matrix_.value_ = np.array([value for _, _, value in rows])
    solver.passModel(program)
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return float("-inf")
    return float(solver.getObjectiveValue())
