"""What a dispatch did, as tables: what changed in each cluster, and how the workloads' shares are."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.model.dispatch import Action, Carried, DispatchReport

__all__ = ["write_dispatch"]

_ORDER: Final[tuple[Action, ...]] = ("create", "change", "prune", "left", "failed", "unchanged")


def write_dispatch(report: DispatchReport, console: Console, *, wide: bool) -> None:
    """Print a dispatch.

    Args:
        report: what was done.
        console: where to.
        wide: with the objects that stay as they are.
    """
    would = "would be done" if report.dry_run else "done"
    console.print(f"fleet {escape(report.fleet)}: {escape(_counted(report))} {would}", highlight=False)
    shown = [one for one in report.objects if wide or one.action != "unchanged"]
    if shown:
        console.print(_objects(shown))
    if report.shares:
        console.print(_shares(report))
    for moved in report.moved:
        console.print(f"moved: {escape(moved)}", highlight=False)


def _counted(report: DispatchReport) -> str:
    counts = Counter(one.action for one in report.objects)
    return ", ".join(f"{counts[action]} {action}" for action in _ORDER if counts[action]) or "nothing"


def _objects(shown: list[Carried]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("CLUSTER", "ACTION", "OBJECT"):
        table.add_column(name, no_wrap=True)
    table.add_column("FIELDS", overflow="fold")
    for one in shown:
        why = one.reason or ", ".join(one.fields)
        table.add_row(*(escape(text) for text in (one.cluster, one.action, f"{one.kind} {one.key}", why)))
    return table


def _shares(report: DispatchReport) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("WORKLOAD", "CLUSTER"):
        table.add_column(name, no_wrap=True)
    for name in ("REPLICAS", "READY"):
        table.add_column(name, justify="right")
    for one in report.shares:
        ready = "?" if one.ready is None else str(one.ready)
        table.add_row(escape(f"{one.kind} {one.workload}"), escape(one.cluster), str(one.replicas), ready)
    return table
