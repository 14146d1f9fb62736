"""Budgets as CSV: a row a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.reporting.rows_csv import rows_csv

if TYPE_CHECKING:
    from yuheng.model.budget import BudgetReport, BudgetStatus

__all__ = ["budgets_csv"]

_TITLES: Final = (
    "budget",
    "state",
    "limit_usd",
    "spent_usd",
    "forecast_usd",
    "forecast_low_usd",
    "forecast_high_usd",
    "usd_per_hour",
    "usual_usd_per_hour",
    "highest_threshold_spent",
    "highest_threshold_forecast",
    "alarm",
)


def budgets_csv(report: BudgetReport) -> str:
    """How each budget stands; ``alarm`` is 1 where spend has run away."""
    return rows_csv(_TITLES, (_row(one) for one in report.budgets))


def _row(status: BudgetStatus) -> tuple[object, ...]:
    forecast = status.forecast
    return (
        status.budget.name,
        status.state,
        status.budget.limit,
        status.spent,
        forecast.expected,
        forecast.low,
        forecast.high,
        status.rate,
        status.usual,
        max((one.threshold for one in status.alerts if one.kind == "spent"), default=None),
        max((one.threshold for one in status.alerts), default=None),
        int(status.alarm is not None),
    )
