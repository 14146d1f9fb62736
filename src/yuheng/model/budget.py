"""Budgets: what may be spent in a month, what was, what will have been, and whether spend has run away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from yuheng.model.fleet_plan import told_instant
from yuheng.model.plan import API_VERSION

__all__ = [
    "THRESHOLDS",
    "Alert",
    "Budget",
    "BudgetReport",
    "BudgetState",
    "BudgetStatus",
    "Forecast",
    "RateAlarm",
    "RateRule",
]

BudgetState = Literal["within", "warned", "forecast", "exceeded"]
THRESHOLDS: Final = (0.5, 0.8, 1.0)


class RateRule(msgspec.Struct, frozen=True, kw_only=True):
    """When spend counts as running away.

    Attributes:
        factor: how many times the usual rate.
        hours: over how many of the last hours; whole days where costs are told by the day.
        least: US dollars per hour above the usual below which nobody is woken up.
    """

    factor: float = 2.0
    hours: int = 3
    least: float = 1.0


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What a group may cost in a calendar month (UTC).

    Attributes:
        name: unique among the budgets.
        limit: US dollars a month.
        selector: shell patterns by key (``namespace``, ``cluster``, ``label:team``); a group is counted when, for every
            key, its value matches one of the patterns. Empty for everything.
        thresholds: shares of the limit at which to alert.
        alarm: when spend counts as running away; None for never.
        source: the file it was read from.
    """

    name: str
    limit: float
    selector: Mapping[str, tuple[str, ...]] = {}
    thresholds: tuple[float, ...] = THRESHOLDS
    alarm: RateRule | None = RateRule()
    source: str = ""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What a month will have cost at its end.

    Attributes:
        expected: US dollars, what was spent included.
        low, high: the interval that holds it with the probability ``level``; None where the history is too short.
        level: such as 0.8.
        days: complete days that it was made of.
        method: in words.
        tried, held: how many times the same forecast was made of an earlier part of the history, and how often what
            came was within the interval; 0 where the history is too short to try.
    """

    expected: float
    low: float | None
    high: float | None
    level: float
    days: int
    method: str
    tried: int = 0
    held: int = 0


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold that is passed.

    Attributes:
        threshold: share of the limit.
        kind: ``spent`` where it was passed, ``forecast`` where it will be.
        time: when it will be, in seconds since the epoch; None for what has happened.
        text: the same as a sentence.
    """

    threshold: float
    kind: Literal["spent", "forecast"]
    time: float | None = None
    text: str = ""


class RateAlarm(msgspec.Struct, frozen=True, kw_only=True):
    """Spend that has run away: the last hours against the same hours of the days and weeks before.

    Attributes:
        rate: US dollars per hour in the last hours.
        usual: median of the same hours before.
        hours: how many hours were looked at.
        score: by how many robust standard deviations it is above the usual.
        compared: how many earlier stretches of time the usual is the median of.
        like: which those are: ``hour of the week``, ``hour of the day``, ``any hour``, ``weekday``, ``any day``.
        lasting: US dollars that the month will have cost if it goes on at this rate.
        until: when the limit is reached at this rate, in seconds since the epoch; None where it is already, or not
            before the month ends.
        text: the same as a sentence.
    """

    rate: float
    usual: float
    hours: float
    score: float
    compared: int
    like: str
    lasting: float
    until: float | None = None
    text: str = ""


class BudgetStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A budget and how it stands.

    Attributes:
        budget: what it says.
        spent: US dollars since the month began.
        forecast: of the month's end.
        rate, usual: US dollars per hour in the last hours, and in the same hours before; None where not enough is
            known.
        alerts: thresholds that are passed, the highest first.
        alarm: that spend has run away; None where it has not.
        groups: how many groups are counted.
    """

    budget: Budget
    spent: float
    forecast: Forecast
    rate: float | None = None
    usual: float | None = None
    alerts: tuple[Alert, ...] = ()
    alarm: RateAlarm | None = None
    groups: int = 0

    @property
    def state(self) -> BudgetState:
        """``exceeded`` by what was spent, else by the ``forecast``; ``warned`` by a lower threshold; ``within``."""
        limit = self.budget.limit
        if self.spent > limit:
            return "exceeded"
        if self.forecast.expected > limit:
            return "forecast"
        return "warned" if any(alert.kind == "spent" for alert in self.alerts) else "within"

    def to_dict(self) -> dict[str, Any]:
        """The budget as it stands in the public format."""
        budget, forecast, alarm = self.budget, self.forecast, self.alarm
        return {
            "budget": budget.name,
            "selector": {key: list(patterns) for key, patterns in budget.selector.items()},
            "groups": self.groups,
            "limit": _told(budget.limit),
            "spent": _told(self.spent),
            "spentShare": _share(self.spent, budget.limit),
            "forecast": {
                "expected": _told(forecast.expected),
                "low": _told(forecast.low),
                "high": _told(forecast.high),
                "level": forecast.level,
                "expectedShare": _share(forecast.expected, budget.limit),
                "days": forecast.days,
                "method": forecast.method,
                "tried": forecast.tried,
                "held": forecast.held,
            },
            "ratePerHour": _told(self.rate),
            "usualRatePerHour": _told(self.usual),
            "state": self.state,
            "alerts": [
                {"threshold": one.threshold, "kind": one.kind, "time": told_instant(one.time), "text": one.text}
                for one in self.alerts
            ],
            "alarm": None
            if alarm is None
            else {
                "ratePerHour": _told(alarm.rate),
                "usualRatePerHour": _told(alarm.usual),
                "hours": alarm.hours,
                "score": _told(alarm.score),
                "compared": alarm.compared,
                "like": alarm.like,
                "lasting": _told(alarm.lasting),
                "until": told_instant(alarm.until),
                "text": alarm.text,
            },
        }


class BudgetReport(msgspec.Struct, frozen=True, kw_only=True):
    """How all budgets stand.

    Attributes:
        budgets: as they were written.
        time: what time it is, in seconds since the epoch.
        start, end: of the month.
        since: from when on costs are told.
        warnings: what had to be assumed.
    """

    budgets: tuple[BudgetStatus, ...]
    time: float
    start: float
    end: float
    since: float
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The report in the public format (kind ``Budgets``)."""
        return {
            "apiVersion": API_VERSION,
            "kind": "Budgets",
            "currency": "USD",
            "time": told_instant(self.time),
            "month": {"start": told_instant(self.start), "end": told_instant(self.end)},
            "since": told_instant(self.since),
            "budgets": [one.to_dict() for one in self.budgets],
            "warnings": list(self.warnings),
        }


def _told(value: float | None) -> float | None:
    """A number without the noise of binary fractions."""
    return None if value is None else float(f"{value:.12g}")


def _share(amount: float, limit: float) -> float | None:
    return round(amount / limit, 6) if limit else None
