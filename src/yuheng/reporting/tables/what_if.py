"""What changes would cost, for the terminal: a row a change, then what each risks and stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.words import count
from yuheng.reporting.tables.sheet import Column, Sheet
from yuheng.reporting.wording import month_text

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.model.what_if import WhatIf

__all__ = ["write_what_if"]

_ROWS: Final = (
    Column("CHANGE"),
    Column("NODES", number=True),
    Column("AFTER", number=True),
    Column("$/MONTH", number=True),
    Column("AFTER", number=True),
    Column("SAVED", number=True),
    Column("RISK", number=True),
    Column("COUNTED IN"),
)
_PODS_SHOWN: Final = 5


def write_what_if(result: WhatIf, console: Console, *, wide: bool = False) -> None:
    """Write changes for people.

    Args:
        result: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every pod without a place.
    """
    sheet = Sheet(console, wide=wide)
    last = result.changes[-1]
    verb = "less" if result.saved >= 0 else "more"
    sheet.line(
        (f"${month_text(abs(result.saved))} a month {verb}", "bold"),
        f": ${month_text(result.per_hour)} for {count(result.nodes, 'node')} now, "
        f"${month_text(last.per_hour)} for {count(last.nodes, 'node')} after all changes.",
    )
    sheet.heading("Changes, each on top of those before")
    sheet.table(_ROWS, [_row(result, place) for place in range(len(result.changes))], indent=2)
    for change in result.changes:
        sheet.heading(change.change)
        sheet.line(change.text, label="what     ", indent=2)
        sheet.line(change.risk.text, label="risk     ", indent=2)
        for sentence in change.assumptions:
            sheet.line(sentence, label="assumes  ", indent=2)
        if change.unplaced:
            pods = ", ".join(change.unplaced if wide else change.unplaced[:_PODS_SHOWN])
            hidden = 0 if wide else len(change.unplaced) - _PODS_SHOWN
            more = f" and {hidden:,} more (-o wide)" if hidden > 0 else ""
            sheet.line(f"{count(len(change.unplaced), 'pod')}: {pods}{more}", label="no place ", indent=2)
    sheet.heading("What all of this rests on")
    for sentence in result.assumptions:
        sheet.line(sentence, label="- ", indent=2)
    sheet.warnings(result.warnings)


def _row(result: WhatIf, place: int) -> tuple[str, ...]:
    change = result.changes[place]
    nodes, per_hour = result.before(place)
    risk = f"{change.risk.amount:,.1f}".removesuffix(".0") if change.risk.unit else ""
    return (
        change.change,
        f"{nodes:,}",
        f"{change.nodes:,}",
        month_text(per_hour),
        month_text(change.per_hour),
        month_text(per_hour - change.per_hour),
        risk,
        change.risk.unit,
    )
