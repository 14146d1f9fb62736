"""A headroom for the terminal: how many more fit, where, and what runs out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.words import count
from yuheng.reporting.tables.reasons import write_reasons
from yuheng.reporting.tables.sheet import Column, Sheet

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.model.plan import Headroom

__all__ = ["write_headroom"]

_NODES: Final = (Column("NODE"), Column("PODS", number=True))
_NODES_SHOWN: Final = 20


def write_headroom(headroom: Headroom, console: Console, *, wide: bool = False) -> None:
    """Write a headroom for people.

    Args:
        headroom: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every node that takes at least one pod, instead of those that take most.
    """
    sheet = Sheet(console, wide=wide)
    more = f"{headroom.total:,} more" if headroom.total else "no more"
    verb = "fits" if headroom.total == 1 else "fit"
    style = "green" if headroom.total else "yellow"
    sheet.line((headroom.pod, "bold"), ": ", (f"{more} {verb}", style), f" with policy {headroom.policy}.")
    if headroom.limit:
        sheet.line(headroom.limit, label="runs out first  ")
    if headroom.message:
        sheet.line(headroom.message, label="the next one    ")
    _write_nodes(sheet, headroom)
    write_reasons(sheet, "Why the next one does not fit", headroom.reasons)


def _write_nodes(sheet: Sheet, headroom: Headroom) -> None:
    if headroom.nodes:
        shown = headroom.nodes if sheet.wide else headroom.nodes[:_NODES_SHOWN]
        sheet.heading(f"Fit on {count(len(headroom.nodes), 'node')}")
        sheet.table(_NODES, [(node.node, f"{node.pods:,}") for node in shown], indent=2)
        sheet.more(len(headroom.nodes) - len(shown), indent=2)
