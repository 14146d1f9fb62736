"""What keeps pods waiting, as the tables of plans, explanations and headrooms all word it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.reporting.tables.sheet import Column

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yuheng.model.plan import NearMiss, Reason
    from yuheng.reporting.tables.sheet import Sheet

__all__ = ["lacks_text", "write_closest", "write_reasons"]

_REASONS: Final = (Column("NODES", number=True), Column("REASON"), Column("FILTER"))
_CLOSEST: Final = (Column("NODE"), Column("LACKS"))


def lacks_text(miss: NearMiss) -> str:
    """What a close node lacks: ``cpu 500m, TaintToleration: untolerated taint {gpu: true}``."""
    return ", ".join(
        f"{what}: {words}" if what[:1].isupper() else f"{what} {words}"  # filters are capitalised, resources never
        for what, words in miss.lacks.items()
    )


def write_reasons(sheet: Sheet, title: str, reasons: Sequence[Reason]) -> None:
    """The reasons with the number of nodes each was given for, most nodes first."""
    if reasons:
        ranked = sorted(reasons, key=lambda reason: (-reason.nodes, reason.detail, reason.filter))
        sheet.heading(title)
        sheet.table(_REASONS, [(f"{r.nodes:,}", r.detail, r.filter) for r in ranked], indent=2)


def write_closest(sheet: Sheet, closest: Sequence[NearMiss]) -> None:
    """The nodes that come closest, in the engine's order, each with what it lacks."""
    if closest:
        sheet.heading("Closest nodes")
        sheet.table(_CLOSEST, [(miss.node, lacks_text(miss)) for miss in closest], indent=2)
