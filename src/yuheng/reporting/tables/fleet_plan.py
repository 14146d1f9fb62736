"""A fleet plan for the terminal: what it costs, what goes where and what else it could have been, what has no place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.fleet_plan import told_instant
from yuheng.model.words import count
from yuheng.reporting.fleet_facts import (
    alternatives,
    by_reason,
    by_region,
    flows,
    home,
    idle,
    moved_text,
    opened,
    own_pending,
    placed_pods,
    replicas_by_cluster,
    shown_resources,
    unplaced,
)
from yuheng.reporting.fleet_wording import (
    carbon_text,
    day_text,
    gigabytes_text,
    hours_text,
    money_text,
    optimality,
    placed_text,
)
from yuheng.reporting.tables.plan import write_pending
from yuheng.reporting.tables.sheet import Column, Sheet
from yuheng.reporting.tables.workflows import write_workflows
from yuheng.reporting.wording import duration_text, number_text, percent, seconds_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from yuheng.model.fleet_plan import FleetPlan, ParetoRow, WorkloadPlan
    from yuheng.model.plan import Allocation
    from yuheng.reporting.tables.sheet import Part

__all__ = ["write_fleet_plan"]

_WORKLOADS: Final = (
    Column("WORKLOAD"),
    Column("REPLICAS"),
    Column("MARKET"),
    Column("START (UTC)"),
    Column("FINISH (UTC)"),
    Column("$/H", number=True),
    Column("TOTAL", number=True),
    Column("CO2", number=True),
)
_PARETO: Final = (
    Column("OBJECTIVE"),
    Column("COST", number=True),
    Column("HOURS", number=True),
    Column("CO2", number=True),
    Column("UNSCHEDULABLE", number=True),
    Column("MARKS"),
    Column("REPLICAS"),
)
_CLUSTERS: Final = (
    Column("CLUSTER"),
    Column("REGION"),
    Column("NODES", number=True),
    Column("NEW", number=True),
    Column("PODS", number=True),
    Column("PLACED", number=True),
    Column("REPLICAS", number=True),
)
_NODES: Final = (Column("CLUSTER"), Column("POOL"), Column("NODES", number=True), Column("$/H", number=True))
_TRANSFERS: Final = (
    Column("WORKLOAD"),
    Column("DATA"),
    Column("SIZE", number=True),
    Column("FROM"),
    Column("TO"),
    Column("COST", number=True),
    Column("TAKES", number=True),
)
_ALTERNATIVES: Final = (Column("WORKLOAD"), Column("ALTERNATIVE"))
_REFUSED: Final = (Column("WORKLOAD"), Column("CLUSTER"), Column("REASON"))
_PLACEMENTS: Final = (Column("POD"), Column("NODE"), Column("CLUSTER"), Column("DEVICES"))
_ROWS_SHOWN: Final = 20
_RUNNERS_SHOWN: Final = 10
_REFUSED_SHOWN: Final = 10
_CLUSTERS_NAMED: Final = 3


def write_fleet_plan(plan: FleetPlan, console: Console, *, wide: bool = False) -> None:
    """Write the plan of a fleet for people.

    Args:
        plan: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every workload, pod, refused cluster and transfer, instead of the first rows and sums.
    """
    sheet = Sheet(console, wide=wide)
    _write_summary(sheet, plan)
    _write_pareto(sheet, plan.pareto)
    _write_workloads(sheet, plan)
    _write_unplaced(sheet, plan)
    if wide:
        _write_refused(sheet, plan.workloads)
    write_workflows(sheet, plan.workflows)
    write_pending(sheet, own_pending(plan))
    _write_new_nodes(sheet, plan)
    _write_transfers(sheet, plan)
    _write_clusters(sheet, plan)
    if wide:
        _write_placements(sheet, plan)
    sheet.warnings(plan.warnings)


def _write_summary(sheet: Sheet, plan: FleetPlan) -> None:
    summary = plan.summary
    sheet.line(("Fleet plan", "bold"), f" for {plan.objective} with policy {plan.policy}: ", *_outcome(plan))
    without = f" without {', '.join(plan.without)}" if plan.without else ""
    sheet.line(
        f"{count(summary.clusters, 'cluster')}{without}, as at {told_instant(plan.time)}, "
        f"planned in {seconds_text(summary.seconds)}."
    )
    if summary.placed:
        horizon = f"services over {number_text(summary.horizon)} h"
        sheet.line(
            f"{money_text(summary.per_hour)}/h; in all {money_text(summary.total)} and "
            f"{carbon_text(summary.carbon_grams)} of CO2 ({horizon}); {hours_text(summary.hours)} until done, summed "
            "over workloads."
        )
        sheet.line(f"{_capital(optimality(summary))}.")


def _outcome(plan: FleetPlan) -> Iterable[Part]:
    summary = plan.summary
    if not summary.workloads:
        return ("no workload is to be placed", _idle(plan), _pods(plan), ".")
    placed = f"{summary.placed:,} of {count(summary.workloads, 'workload')} placed"
    lacking = f"{summary.unschedulable:,} unschedulable"
    return (
        (placed, "green" if summary.placed else ""),
        ", ",
        (lacking, "yellow" if summary.unschedulable else ""),
        _idle(plan),
        _pods(plan),
        ".",
    )


def _idle(plan: FleetPlan) -> str:
    """How many workloads there is nothing to decide of."""
    found = idle(plan.workloads)
    return f", {found:,} without replicas" if found else ""


def _pods(plan: FleetPlan) -> str:
    summary = plan.summary
    pending = f", {summary.pending:,} pending" if summary.pending else ""
    return f"; {count(summary.pods, 'pod')} placed{pending}" if summary.pods or summary.pending else ""


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _write_pareto(sheet: Sheet, rows: Sequence[ParetoRow]) -> None:
    if not rows:
        return
    sheet.heading("Objectives side by side")
    sheet.pages(_PARETO, [_pareto_row(sheet, row) for row in rows], indent=2)
    if any(row.dominated for row in rows):
        sheet.line(("dominated: another is no worse in anything, and better in something", "dim"), indent=2)


def _pareto_row(sheet: Sheet, row: ParetoRow) -> tuple[str, ...]:
    marks = [word for word, is_so in (("this plan", row.chosen), ("dominated", row.dominated)) if is_so]
    return (
        row.objective,
        money_text(row.cost),
        f"{row.hours:,.1f}",
        carbon_text(row.carbon_grams),
        f"{row.unschedulable:,}",
        ", ".join(marks),
        placed_text(row.clusters, _named(sheet, row.clusters)),
    )


def _named(sheet: Sheet, clusters: Iterable[str]) -> int:
    """How many clusters of a list are named."""
    return len(tuple(clusters)) if sheet.wide else _CLUSTERS_NAMED


def _write_workloads(sheet: Sheet, plan: FleetPlan) -> None:
    placed = [workload for workload in plan.workloads if workload.replicas]
    if not placed:
        return
    sheet.heading(f"Placed: {count(len(placed), 'workload')}")
    shown = placed if sheet.wide else placed[:_ROWS_SHOWN]
    sheet.pages(_WORKLOADS, [_workload_row(sheet, workload) for workload in shown], indent=2)
    sheet.more(len(placed) - len(shown), indent=2)
    _write_alternatives(sheet, [workload for workload in placed if any(alternatives(workload))])


def _write_alternatives(sheet: Sheet, told: Sequence[WorkloadPlan]) -> None:
    if not told:
        return
    sheet.heading("What else it could have been")
    if sheet.wide:
        sheet.table(_ALTERNATIVES, [(one.workload, "; ".join(alternatives(one))) for one in told], indent=2)
        return
    for workload in told[:_RUNNERS_SHOWN]:
        sheet.line("; ".join(alternatives(workload)), label=(f"{workload.workload}  ", ""), indent=2)
    sheet.more(len(told) - _RUNNERS_SHOWN, indent=2)


def _workload_row(sheet: Sheet, workload: WorkloadPlan) -> tuple[str, ...]:
    return (
        workload.workload,
        placed_text(workload.replicas, _named(sheet, workload.replicas)),
        workload.market or "-",
        day_text(workload.start),
        day_text(workload.finish),
        money_text(workload.per_hour),
        money_text(workload.total),
        carbon_text(workload.carbon_grams),
    )


def _write_unplaced(sheet: Sheet, plan: FleetPlan) -> None:
    found = unplaced(plan.workloads)
    if found:
        sheet.heading(f"Unschedulable: {count(len(found), 'workload')}")
    shown = found if sheet.wide else found[:_REFUSED_SHOWN]
    for workload in shown:
        moved = f" ({moved_text(workload)})" if workload.moved else ""
        sheet.line(workload.reason, (moved, "dim"), label=(f"{workload.workload}  ", "yellow"), indent=2)
        for reason, clusters in by_reason(workload.refused) if not sheet.wide else ():
            sheet.line(reason, label=f"{_names(clusters)}  ", indent=4)
    sheet.more(len(found) - len(shown), indent=2)


def _names(clusters: Sequence[str]) -> str:
    hidden = len(clusters) - _CLUSTERS_NAMED
    named = ", ".join(clusters[:_CLUSTERS_NAMED])
    return f"{named} and {count(hidden, 'more cluster')}" if hidden > 0 else named


def _write_refused(sheet: Sheet, workloads: Sequence[WorkloadPlan]) -> None:
    rows = [(one.workload, item.cluster, item.reason) for one in workloads for item in one.refused]
    if rows:
        sheet.heading("Refused clusters")
        sheet.table(_REFUSED, rows, indent=2)


def _write_new_nodes(sheet: Sheet, plan: FleetPlan) -> None:
    if not plan.new_nodes:
        return
    nodes = sum(item.nodes for item in plan.new_nodes)
    price = money_text(sum(item.per_hour for item in plan.new_nodes))
    sheet.heading(f"To be opened: {count(nodes, 'node')}, {price}/h whole, however full they are")
    shown = plan.new_nodes if sheet.wide else plan.new_nodes[:_ROWS_SHOWN]
    rows = [(item.cluster, item.pool, f"{item.nodes:,}", money_text(item.per_hour)) for item in shown]
    sheet.table(_NODES, rows, indent=2)
    sheet.more(len(plan.new_nodes) - len(shown), indent=2)


def _write_transfers(sheet: Sheet, plan: FleetPlan) -> None:
    moved = flows(plan.workloads)
    if not moved:
        return
    size = gigabytes_text(sum(flow.gigabytes for flow in moved))
    sheet.heading(f"Data that moves between regions: {size} for {money_text(sum(flow.cost for flow in moved))}")
    if sheet.wide:
        rows = [
            (
                workload.workload,
                item.data,
                gigabytes_text(item.gigabytes),
                item.source,
                item.destination,
                money_text(item.cost),
                duration_text(item.seconds),
            )
            for workload in plan.workloads
            for item in workload.transfers
            if item.source != item.destination
        ]
        sheet.table(_TRANSFERS, rows, indent=2)
        return
    for flow in moved[:_ROWS_SHOWN]:
        whose = count(flow.workloads, "workload")
        amount = f"{gigabytes_text(flow.gigabytes)} for {money_text(flow.cost)}, {whose}"
        sheet.line(f"{flow.source} to {flow.destination}  ", (amount, "dim"), indent=2)
    sheet.more(len(moved) - _ROWS_SHOWN, indent=2)


def _write_clusters(sheet: Sheet, plan: FleetPlan) -> None:
    if not plan.clusters:
        return
    sheet.heading("Clusters by region: requested of what is allocatable on nodes that exist")
    ordered = by_region(plan.clusters)
    shown = ordered if sheet.wide else ordered[:_ROWS_SHOWN]
    resources = shown_resources([cluster.allocation for cluster in shown])
    replicas, placed, new = replicas_by_cluster(plan.workloads), placed_pods(plan), opened(plan)
    rows = [
        (
            cluster.cluster,
            f"{home(cluster) or '-'}{' (lost)' if cluster.lost else ''}",
            *(f"{number:,}" for number in (cluster.nodes, new[cluster.cluster], cluster.pods)),
            *(f"{number[cluster.cluster]:,}" for number in (placed, replicas)),
            *(_step(cluster.allocation.get(resource)) for resource in resources),
        )
        for cluster in shown
    ]
    sheet.pages((*_CLUSTERS, *(Column(name.upper(), number=True) for name in resources)), rows, indent=2)
    sheet.more(len(ordered) - len(shown), indent=2)


def _step(share: Allocation | None) -> str:
    if share is None:
        return "-"
    before, after = percent(share.before), percent(share.after)
    return before if before == after else f"{before} to {after}"


def _write_placements(sheet: Sheet, plan: FleetPlan) -> None:
    if plan.placements:
        sheet.heading(f"Pods: {count(len(plan.placements), 'pod')} placed")
        rows = [(item.pod, item.node, cluster, ",".join(map(str, item.devices))) for cluster, item in plan.placements]
        sheet.names(_PLACEMENTS, rows, indent=2)
