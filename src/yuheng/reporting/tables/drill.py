"""A drill for the terminal: a row a loss, and what would find no place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.words import count
from yuheng.reporting.fleet_facts import Verdict, verdict
from yuheng.reporting.fleet_wording import money_text, more_money_text
from yuheng.reporting.tables.sheet import Column, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from yuheng.model.fleet_plan import Drill, DrillRow
    from yuheng.reporting.tables.sheet import Part

__all__ = ["write_drill"]

_ROWS: Final = (
    Column("LOST"),
    Column("NODES", number=True),
    Column("PODS", number=True),
    Column("MOVED", number=True),
    Column("UNPLACED", number=True),
    Column("STRANDED", number=True),
    Column("$/H MORE", number=True),
    Column("ONCE", number=True),
    Column("NEW NODES", number=True),
)
_ROWS_SHOWN: Final = 50
_LOSSES_TOLD: Final = 10
_REASONS_SHOWN: Final = 3


def write_drill(drill: Drill, console: Console, *, wide: bool = False) -> None:
    """Write a drill for people.

    Args:
        drill: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every loss and everything that finds no place, instead of the first of them.
    """
    sheet = Sheet(console, wide=wide)
    sheet.line(
        ("Drill", "bold"),
        f" for {drill.objective}: the loss of one thing at a time; what runs costs {money_text(drill.per_hour)}/h.",
    )
    if drill.rows:
        sheet.line(*_outcome(verdict(drill)))
        sheet.line()
        shown = drill.rows if wide else drill.rows[:_ROWS_SHOWN]
        sheet.pages(_ROWS, [_row(row) for row in shown])
        sheet.more(len(drill.rows) - len(shown))
        sheet.line(("stranded: pods that belong to what is lost alone; nobody starts them elsewhere", "dim"))
    _write_unplaced(sheet, [row for row in drill.rows if row.unplaced])
    sheet.warnings(drill.warnings)


def _outcome(found: Verdict) -> Iterator[Part]:
    if found.felt:
        style = "green" if found.got_over == found.felt else "yellow"
        yield f"{found.got_over:,} of {_counted(found.felt)}", style
        yield ": everything finds another place."
    if found.unfelt:
        takes = "takes" if found.unfelt == 1 else "take"
        yield f"{' ' if found.felt else ''}{_counted(found.unfelt)} {takes} nothing that runs."


def _counted(losses: int) -> str:
    return "1 loss" if losses == 1 else f"{losses:,} losses"


def _row(row: DrillRow) -> tuple[str, ...]:
    numbers = (row.nodes, row.pods, row.moved, sum(row.unplaced.values()), row.stranded)
    return (
        row.lost,
        *(f"{number:,}" for number in numbers),
        more_money_text(row.per_hour),
        money_text(row.once),
        f"{row.new_nodes:,}",
    )


def _write_unplaced(sheet: Sheet, rows: Sequence[DrillRow]) -> None:
    if not rows:
        return
    sheet.heading("What finds no place")
    shown = rows if sheet.wide else rows[:_LOSSES_TOLD]
    for row in shown:
        sheet.line((row.lost, "yellow"), indent=2)
        names = list(row.unplaced)
        told = names if sheet.wide else names[:_REASONS_SHOWN]
        for name in told:
            amount = count(row.unplaced[name], "pod")
            reason = row.reasons.get(name, "")
            sheet.line(reason, label=f"{name}, {amount}{'  ' if reason else ''}", indent=4)
        sheet.more(len(names) - len(told), indent=4)
    sheet.more(len(rows) - len(shown), indent=2)
