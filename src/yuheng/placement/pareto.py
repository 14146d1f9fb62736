"""The same fleet under each objective, side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from yuheng.model.fleet import Fleet
from yuheng.model.fleet_plan import FleetPlan, ParetoRow
from yuheng.model.objective import PRESETS
from yuheng.placement.planner import Question, plan

__all__ = ["pareto"]

# Amounts that differ by less are the same.
SAME = 1e-9
# The row of a plan in which Karmada's policies had their own way.
BY_POLICY = "as the policies divide"


def pareto(fleet: Fleet, question: Question, progress: Callable[[int, int], None] | None = None) -> FleetPlan:
    """The plan, and beside it the plan of each other objective.

    Args:
        fleet: as for `yuheng.placement.planner.plan`.
        question: what is asked; its objective is that of the plan itself.
        progress: called with the plans made and the plans to make.

    Raises:
        YuhengError: as for `yuheng.placement.planner.plan`.
    """
    own = plan(fleet, question)
    # Without an objective, Karmada's policies divide as Karmada does: that is no point of the front.
    chosen = BY_POLICY if question.objective is None and fleet.policies else own.objective
    names = list(dict.fromkeys((*PRESETS, chosen)))
    plans = {}
    for done, name in enumerate(names, 1):
        plans[name] = own if name == chosen else plan(fleet, question._replace(objective=name))
        if progress is not None:
            progress(done, len(names))
    rows = [_row(name, plans[name], chosen) for name in names]
    told: FleetPlan = msgspec.structs.replace(own, pareto=tuple(_marked(row, rows) for row in rows))
    return told


def _row(name: str, found: FleetPlan, chosen: str) -> ParetoRow:
    clusters: Counter[str] = Counter()
    for workload in found.workloads:
        clusters.update(workload.replicas)
    summary = found.summary
    return ParetoRow(
        objective=name,
        cost=summary.total,
        hours=summary.hours,
        carbon_grams=summary.carbon_grams,
        unschedulable=summary.unschedulable,
        dominated=False,
        clusters=dict(sorted(clusters.items())),
        chosen=name == chosen,
    )


def _marked(row: ParetoRow, rows: Sequence[ParetoRow]) -> ParetoRow:
    """A row, marked when another is no worse in all and better in one."""
    dominated = any(_beats(other, row) for other in rows)
    marked: ParetoRow = msgspec.structs.replace(row, dominated=dominated)
    return marked


def _beats(one: ParetoRow, other: ParetoRow) -> bool:
    ours = (one.unschedulable, one.cost, one.hours, one.carbon_grams)
    theirs = (other.unschedulable, other.cost, other.hours, other.carbon_grams)
    scale = [max(abs(a), abs(b)) * SAME for a, b in zip(ours, theirs, strict=True)]
    no_worse = all(a <= b + s for a, b, s in zip(ours, theirs, scale, strict=True))
    return no_worse and any(a < b - s for a, b, s in zip(ours, theirs, scale, strict=True))
