"""The price of a change for the terminal: a row an object, the sum, room, and what it all rests on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.words import count
from yuheng.reporting.change_wording import (
    budget_text,
    carbon_range_text,
    differences,
    fit_text,
    increase_text,
    object_text,
    range_text,
    rates_text,
    side_money_text,
)
from yuheng.reporting.tables.sheet import Column, Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from yuheng.model.cost_change import CostChange
    from yuheng.reporting.tables.sheet import Part

__all__ = ["write_change"]

_ROWS: Final = (
    Column("CHANGE"),
    Column("OBJECT"),
    Column("WHAT"),
    Column("BEFORE", number=True),
    Column("AFTER", number=True),
    Column("$/MONTH MORE", number=True),
)
_ROWS_SHOWN: Final = 50
_REFUSED_SHOWN: Final = 5


def write_change(change: CostChange, console: Console, *, wide: bool = False) -> None:
    """Write the price of a change for people.

    Args:
        change: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: every object, instead of the first of them.
    """
    sheet = Sheet(console, wide=wide)
    sheet.line(*_summary(change))
    if change.carbon is not None:
        sheet.line(f"{carbon_range_text(change.carbon)} of CO2 equivalent a month.")
    arrow = sheet.sign("→", "->")
    shown = change.rows if wide else change.rows[:_ROWS_SHOWN]
    if shown:
        sheet.line()
        sheet.table(
            _ROWS,
            [
                (
                    row.change,
                    object_text(row),
                    differences(row, arrow),
                    side_money_text(row.before),
                    side_money_text(row.after),
                    increase_text(row.increase),
                )
                for row in shown
            ],
        )
        sheet.more(len(change.rows) - len(shown))
    _write_room(change, sheet)
    sheet.heading("What this rests on")
    for text in (rates_text(change.rates), *change.assumptions):
        sheet.line(text, label="- ", indent=2)


def _summary(change: CostChange) -> Iterator[Part]:
    high = change.increase.high
    yield increase_text(change.increase), "bold yellow" if high > 0 else "bold green"
    yield f" a month: {range_text(change.before)} before, {range_text(change.after)} after; "
    yield f"{count(len(change.rows), 'object')} changed, {change.unchanged:,} the same."
    if change.budget is not None:
        style = "red" if change.over_budget else "green"
        yield " This "
        yield budget_text(change), style
        yield "."


def _write_room(change: CostChange, sheet: Sheet) -> None:
    if not change.fits:
        return
    sheet.heading("Room")
    ranged = {fit.cluster for fit in change.fits if fit.replicas == "fewest"}
    for fit in change.fits:
        place = f"{fit.cluster}: " if fit.cluster else ""
        replicas = f"with the {fit.replicas} replicas, " if fit.cluster in ranged else ""
        style = "green" if fit.fits and not fit.more else "yellow" if fit.fits else "red"
        pods = f"; {fit.pods:,} pods to place, {fit.kept:,} stay, {fit.removed:,} go"
        sheet.line(f"{place}{replicas}", (fit_text(fit), style), (pods, "dim"), indent=2)
        told = fit.refused if sheet.wide else fit.refused[:_REFUSED_SHOWN]
        for item in told:
            sheet.line(item.reason, label=f"{item.workload}, {count(item.pods, 'pod')}  ", indent=4)
        sheet.more(len(fit.refused) - len(told), indent=4)
