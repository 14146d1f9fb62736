"""Budgets for the terminal: spent, forecast, thresholds passed, and spend that has run away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.fleet_plan import told_instant
from yuheng.model.words import count
from yuheng.reporting.fleet_wording import day_text
from yuheng.reporting.tables.sheet import Column, Sheet
from yuheng.reporting.wording import percent

if TYPE_CHECKING:
    from rich.console import Console

    from yuheng.model.budget import BudgetReport, BudgetStatus

__all__ = ["write_budgets"]

_COLUMNS: Final = (
    Column("BUDGET"),
    Column("STATE"),
    Column("LIMIT", number=True),
    Column("SPENT", number=True),
    Column("", number=True),
    Column("MONTH'S END", number=True),
    Column("", number=True),
    Column("80% INTERVAL", number=True),
    Column("$/HOUR", number=True),
    Column("USUAL", number=True),
)
_STATES: Final = {
    "within": "within",
    "warned": "warned",
    "forecast": "will be exceeded",
    "exceeded": "EXCEEDED",
}
_NONE: Final = "-"


def write_budgets(report: BudgetReport, console: Console, *, wide: bool = False) -> None:
    """Write how budgets stand for people.

    Args:
        report: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: with the selectors, and what each forecast rests on.
    """
    sheet = Sheet(console, wide=wide)
    month = f"{day_text(report.start)[:10]} to {day_text(report.end)[:10]} (UTC)"
    sheet.line(
        (count(len(report.budgets), "budget"), "bold"), f", month of {month}, as at {told_instant(report.time)}."
    )
    sheet.line()
    sheet.table(_COLUMNS, [_row(one) for one in report.budgets], indent=2)
    _write_alarms(sheet, report)
    _write_alerts(sheet, report)
    if wide:
        _write_forecasts(sheet, report)
    sheet.warnings(report.warnings)


def _row(status: BudgetStatus) -> tuple[str, ...]:
    budget, forecast = status.budget, status.forecast
    interval = (
        _NONE if forecast.low is None or forecast.high is None else f"{forecast.low:,.2f} to {forecast.high:,.2f}"
    )
    return (
        budget.name,
        f"{_STATES[status.state]}{' (ALARM)' if status.alarm else ''}",
        f"{budget.limit:,.2f}",
        f"{status.spent:,.2f}",
        percent(status.spent / budget.limit),
        f"{forecast.expected:,.2f}",
        percent(forecast.expected / budget.limit),
        interval,
        _NONE if status.rate is None else f"{status.rate:,.4f}",
        _NONE if status.usual is None else f"{status.usual:,.4f}",
    )


def _write_alarms(sheet: Sheet, report: BudgetReport) -> None:
    found = [(one.budget.name, one.alarm) for one in report.budgets if one.alarm is not None]
    if found:
        sheet.heading("Spend has run away")
    for name, alarm in found:
        words = f" (median of {alarm.compared:,}, by {alarm.like})"
        sheet.line(alarm.text, words, label=(f"{name}: ", "bold red"), indent=2)


def _write_alerts(sheet: Sheet, report: BudgetReport) -> None:
    found = [one for one in report.budgets if one.alerts]
    if found:
        sheet.heading("Thresholds")
    for one in found:
        for alert in one.alerts if sheet.wide else one.alerts[:1]:
            style = "bold" if alert.kind == "spent" else "yellow"
            sheet.line(alert.text, label=(f"{one.budget.name}: ", style), indent=2)


def _write_forecasts(sheet: Sheet, report: BudgetReport) -> None:
    sheet.heading("What the forecasts rest on")
    for one in report.budgets:
        forecast = one.forecast
        tried = f"; made of earlier days, {forecast.held} of {forecast.tried} held" if forecast.tried else ""
        chosen = ", ".join(f"{key}={'|'.join(patterns)}" for key, patterns in one.budget.selector.items())
        sheet.line(
            f"{chosen or 'all costs'} ({count(one.groups, 'group')}); {forecast.method}, "
            f"of {count(forecast.days, 'day')}{tried}",
            label=(f"{one.budget.name}: ", "bold"),
            indent=2,
        )
