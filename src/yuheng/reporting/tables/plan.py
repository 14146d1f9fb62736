"""A plan for the terminal: the numbers, which jobs wait, which pods go, which stay pending and why, what goes where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.words import count
from yuheng.reporting.pending import grouped
from yuheng.reporting.tables.jobs import write_evictions, write_jobs
from yuheng.reporting.tables.reasons import lacks_text
from yuheng.reporting.tables.sheet import Column, Sheet
from yuheng.reporting.wording import by_importance, devices_text, percent, points, seconds_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from yuheng.model.plan import NearMiss, Plan, Refusal
    from yuheng.reporting.pending import PendingGroup
    from yuheng.reporting.tables.sheet import Part

__all__ = ["write_pending", "write_plan"]

_ALLOCATION: Final = (
    Column("RESOURCE"),
    Column("BEFORE", number=True),
    Column("AFTER", number=True),
    Column("POINTS", number=True),
)
_PLACEMENTS: Final = (Column("POD"), Column("NODE"), Column("DEVICES"))
_GROUPS_SHOWN: Final = 10
_ROWS_SHOWN: Final = 20
_PODS_NAMED: Final = 3
_HINTS_SHOWN: Final = 3


def write_plan(plan: Plan, console: Console, *, wide: bool = False) -> None:
    """Write a plan for people.

    Args:
        plan: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every placement, refusal, job and eviction in full, instead of groups and the first rows.
    """
    sheet = Sheet(console, wide=wide)
    _write_summary(sheet, plan)
    write_jobs(sheet, plan.jobs)
    write_evictions(sheet, plan.evictions)
    write_pending(sheet, plan.unschedulable)
    _write_placements(sheet, plan)
    sheet.warnings(plan.warnings)


def _write_summary(sheet: Sheet, plan: Plan) -> None:
    summary = plan.summary
    sheet.line(("Plan", "bold"), f" with policy {plan.policy}: ", *_outcome(plan))
    sheet.line(
        f"{count(summary.nodes, 'node')}, {count(summary.bound, 'pod')} bound before, "
        f"planned in {seconds_text(summary.seconds)}."
    )
    if summary.allocation:
        sheet.heading("Requested of what is allocatable")
        ordered = sorted(summary.allocation.items(), key=lambda item: by_importance(item[0]))
        rows = [
            (resource, percent(share.before), percent(share.after), points(share.before, share.after))
            for resource, share in ordered
        ]
        sheet.table(_ALLOCATION, rows, indent=2)


def _outcome(plan: Plan) -> Iterable[Part]:
    summary = plan.summary
    evicted = f", {count(len(plan.evictions), 'running pod')} evicted" if plan.evictions else ""
    if summary.pods == 0:
        return ("nothing is pending", (evicted, "red"), ".")
    placed = f"{summary.placed:,} of {count(summary.pods, 'pending pod')} placed"
    unschedulable = f"{summary.unschedulable:,} unschedulable"
    return (
        (placed, "green" if summary.placed else ""),
        ", ",
        (unschedulable, "yellow" if summary.unschedulable else ""),
        (evicted, "red"),
        ".",
    )


def write_pending(sheet: Sheet, refusals: tuple[Refusal, ...]) -> None:
    """Write the pods that stay pending: by reason, or each of them on a wide sheet."""
    if sheet.wide:
        _write_refusals(sheet, refusals)
    else:
        _write_groups(sheet, refusals)


def _write_groups(sheet: Sheet, refusals: tuple[Refusal, ...]) -> None:
    groups = grouped(refusals)
    if groups:
        sheet.heading(f"Pending: {count(len(refusals), 'pod')} for {count(len(groups), 'reason')}")
    shown = groups[:_GROUPS_SHOWN]
    width = max((len(count(group.pods, "pod")) for group in shown), default=0)
    for group in shown:
        _write_group(sheet, group, width)
    sheet.more(len(groups) - len(shown), indent=2)


def _write_group(sheet: Sheet, group: PendingGroup, width: int) -> None:
    label = (f"{count(group.pods, 'pod'):>{width}}  ", "yellow")
    sheet.line(group.example.message, label=label, indent=2)
    indent = width + 4
    if not group.same_message:
        sheet.line(("the numbers of nodes differ from pod to pod", "dim"), indent=indent)
    for hint, pods in group.hints[:_HINTS_SHOWN]:
        whom = "" if pods == group.pods else f" (for {count(pods, 'pod')})"
        sheet.line(hint, (whom, "dim"), label="hint     ", indent=indent)
    sheet.more(len(group.hints) - _HINTS_SHOWN, indent=indent + 9)
    if group.example.closest:
        sheet.line(_closest_text(group.example.closest[:1]), label="closest  ", indent=indent)
    sheet.line(_names(group), label="pods     ", indent=indent)


def _names(group: PendingGroup) -> str:
    named = ", ".join(refusal.pod for refusal in group.refusals[:_PODS_NAMED])
    hidden = group.pods - _PODS_NAMED
    return f"{named} and {hidden:,} more" if hidden > 0 else named


def _closest_text(closest: Iterable[NearMiss]) -> str:
    return "; ".join(f"{miss.node} lacks {lacks_text(miss)}" for miss in closest)


def _write_refusals(sheet: Sheet, refusals: tuple[Refusal, ...]) -> None:
    if refusals:
        sheet.heading(f"Pending: {count(len(refusals), 'pod')}")
    for refusal in refusals:
        sheet.line((refusal.pod, "yellow"), f"  {refusal.message}", indent=2)
        if refusal.closest:
            sheet.line(_closest_text(refusal.closest), label="closest  ", indent=4)
        if refusal.hint:
            sheet.line(refusal.hint, label="hint     ", indent=4)


def _write_placements(sheet: Sheet, plan: Plan) -> None:
    if not plan.placements:
        return
    sheet.heading(f"Placed: {count(len(plan.placements), 'pod')}")
    shown = plan.placements if sheet.wide else plan.placements[:_ROWS_SHOWN]
    columns = _PLACEMENTS if any(placement.devices for placement in shown) else _PLACEMENTS[:2]
    rows = [(placement.pod, placement.node, devices_text(placement)) for placement in shown]
    sheet.names(columns, [row[: len(columns)] for row in rows], indent=2)
    sheet.more(len(plan.placements) - len(shown), indent=2)
