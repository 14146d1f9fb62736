"""How budgets stand: spent, forecast, thresholds passed, and whether spend has run away."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.errors import InputError
from yuheng.finops.budgets.clocks import without_strays
from yuheng.finops.budgets.forecasting import FEWEST_DAYS, LEVEL, outlook, tried
from yuheng.finops.budgets.runaway import Rate, is_runaway, rate_of
from yuheng.finops.budgets.series import Series, by_day, series_of
from yuheng.model.budget import Alert, BudgetReport, BudgetStatus, Forecast, RateAlarm
from yuheng.model.fleet_plan import told_instant
from yuheng.model.months import month_of
from yuheng.model.spend import Spend
from yuheng.model.units import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yuheng.finops.budgets.forecasting import Outlook
    from yuheng.model.budget import Budget

__all__ = ["budget_report"]

Numbers = NDArray[np.float64]

# How many days of the same hour are needed to say how a day is spread over its hours.
_PROFILE_DAYS: Final = 3
_METHOD: Final = "exponential smoothing of daily spend with a damped trend, weekday factors, bootstrapped residuals"
_TOO_SHORT: Final = "the mean of the days so far: too few for an interval"
_MOST_TRIED: Final = 14


class _Month(NamedTuple):
    """A calendar month (UTC), and how far it has come, in seconds since the epoch."""

    start: float
    now: float
    end: float


def budget_report(
    budgets: Sequence[Budget], spend: Spend, *, time: float | None = None, seed: int = 0, warnings: Sequence[str] = ()
) -> BudgetReport:
    """How budgets stand.

    Args:
        budgets: what they allow.
        spend: what was spent; there is at least one row.
        time: what time it is, in seconds since the epoch; None for when the costs end, those of a wrong clock left out.
            Costs after it do not count.
        seed: of the intervals.
        warnings: what had to be assumed before.

    Raises:
        InputError: all costs come after the time.
    """
    spend, strays = (spend, "") if time is not None else without_strays(spend)
    since = float(spend.start.min())
    if time is not None and time <= since:
        expected = f"a time after {told_instant(since)}, when costs begin"
        raise InputError(told_instant(time) or "", expected, field="--now")
    now = spend.end if time is None else time
    # At the stroke of a month's end it is that month that is asked about.
    start, end = month_of(now if time is not None else now - 1.0)
    month = _Month(start, now, end)
    statuses = tuple(_status(budget, spend, month, seed) for budget in budgets)
    told = (*warnings, *spend.notes, strays, *_doubts(statuses, spend, month))
    return BudgetReport(
        budgets=statuses,
        time=now,
        start=start,
        end=end,
        since=since,
        warnings=tuple(dict.fromkeys(filter(None, told))),
    )


def _doubts(statuses: Sequence[BudgetStatus], spend: Spend, month: _Month) -> list[str]:
    found = [
        f"budget {one.budget.name} selects no group that has costs: nothing is counted"
        for one in statuses
        if not one.groups
    ]
    whole = series_of(spend, {})
    first = max(month.start, whole.start)
    edges = whole.start + whole.step * np.arange(len(whole.cost))
    missing = int(np.isnan(whole.cost[(edges >= first) & (edges < month.now)]).sum())
    what = "hours" if spend.step == HOUR else "days"
    if missing:
        found.append(f"no costs are told of {missing} {what} of this month: what was spent then is not counted")
    if whole.start > month.start:
        late = _days(whole.start - month.start)
        found.append(f"costs are told only from {late} after the month began: what was spent before is not known")
    if month.now - spend.end >= DAY:
        late = _days(month.now - spend.end)
        found.append(f"costs end {late} before now: what was spent since is part of the forecast")
    return found


def _days(seconds: float) -> str:
    """``1 day``, ``2.5 days``, ``2,219.2 days``."""
    text = f"{seconds / DAY:,.1f}".removesuffix(".0")
    return f"{text} day" if text == "1" else f"{text} days"


def _status(budget: Budget, spend: Spend, month: _Month, seed: int) -> BudgetStatus:
    series = series_of(spend, budget.selector)
    told = min(month.now, spend.end)
    spent = series.between(month.start, told)
    so_far = _Month(month.start, told, month.end)
    ahead = _ahead(series, so_far, seed)
    forecast = _forecast(series, ahead, spent, so_far)
    rate = rate_of(series.until(told), (budget.alarm.hours if budget.alarm else 3))
    return BudgetStatus(
        budget=budget,
        spent=spent,
        forecast=forecast,
        rate=rate.now if rate else None,
        usual=rate.usual if rate else None,
        alerts=_alerts(budget, spent, forecast, ahead, month.now),
        alarm=_alarm(budget, spent, rate, so_far),
        groups=series.groups,
    )


class _Ahead(NamedTuple):
    """The rest of the month.

    Attributes:
        outlook: what its days cost.
        starts: (H,) when each of them begins, or goes on.
        ends: (H,) when each of them ends.
    """

    outlook: Outlook
    starts: Numbers
    ends: Numbers


def _ahead(series: Series, month: _Month, seed: int) -> _Ahead:
    """What the days from now to the end of the month cost; days of months before it are passed over."""
    now, end = month.now, month.end
    days = by_day(series)
    today = now // DAY * DAY
    history = days.until(today).cost
    firsts = np.arange(today, end, DAY) if end > now else np.empty(0)
    starts, ends = np.maximum(firsts, now), firsts + DAY
    parts = (ends - starts) / DAY
    if len(parts):
        parts[0] = _left_of_day(series, now)
    parts[starts < month.start] = 0.0
    weekday = datetime.fromtimestamp(today, UTC).weekday()
    if not len(history):
        # A month whose first day is under way: the rate so far is all that is known.
        elapsed = max(now - series.start, 1.0)
        history = np.array([series.between(series.start, now) / elapsed * DAY])
    return _Ahead(outlook(history, weekday, parts, seed), starts, ends)


def _left_of_day(series: Series, now: float) -> float:
    """The share of a day's spend that comes after a time of day: as in the days before, where hours are told."""
    hour = (now % DAY) / HOUR
    plain = 1.0 - hour / 24
    if series.step != HOUR:
        return plain
    first = int(-(series.start // HOUR) % 24)
    whole = series.until(now // DAY * DAY).cost[first:]
    table = whole[: len(whole) // 24 * 24].reshape(-1, 24)
    table = table[~np.isnan(table).any(axis=1)][-28:]
    if len(table) < _PROFILE_DAYS or not table.sum() > 0:
        return plain
    profile = np.concatenate([[0.0], np.cumsum(table.sum(axis=0) / table.sum())])
    return float(1.0 - np.interp(hour, np.arange(25), profile))


def _forecast(series: Series, ahead: _Ahead, spent: float, month: _Month) -> Forecast:
    found = ahead.outlook
    days = by_day(series)
    history = days.until(month.now // DAY * DAY).cost
    weekday = datetime.fromtimestamp(month.now // DAY * DAY, UTC).weekday()
    horizon = min(max(len(ahead.starts), 1), _MOST_TRIED)
    count, held = tried(history, weekday, horizon) if found.low is not None else (0, 0)
    return Forecast(
        expected=spent + found.total,
        low=None if found.low is None else spent + found.low,
        high=None if found.high is None else spent + found.high,
        level=LEVEL,
        days=found.days,
        method=_METHOD if found.days >= FEWEST_DAYS else _TOO_SHORT,
        tried=count,
        held=held,
    )


def _alerts(budget: Budget, spent: float, forecast: Forecast, ahead: _Ahead, now: float) -> tuple[Alert, ...]:
    """The thresholds that are passed, or will be, the highest first."""
    found = []
    for threshold in sorted(budget.thresholds, reverse=True):
        limit = threshold * budget.limit
        if spent >= limit:
            text = f"{threshold:.0%} of the limit is spent: ${spent:,.2f} of ${budget.limit:,.2f}"
            found.append(Alert(threshold=threshold, kind="spent", text=text))
        elif forecast.expected >= limit:
            when = _when(limit - spent, ahead, now)
            on = datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d")
            # Costs may end before now.
            text = f"{threshold:.0%} of the limit will be spent on {on}, if it goes on like this"
            if when < now:
                text = f"{threshold:.0%} of the limit was spent on {on}, if it went on like this"
            found.append(Alert(threshold=threshold, kind="forecast", time=when, text=text))
    return tuple(found)


def _when(amount: float, ahead: _Ahead, now: float) -> float:
    """When so much more will be spent, in seconds since the epoch."""
    sums = np.cumsum(ahead.outlook.daily)
    day = int(np.searchsorted(sums, amount))
    if day >= len(sums):
        return float(ahead.ends[-1]) if len(ahead.ends) else now
    before = float(sums[day - 1]) if day else 0.0
    part = (amount - before) / max(float(ahead.outlook.daily[day]), 1e-12)
    return float(ahead.starts[day] + part * (ahead.ends[day] - ahead.starts[day]))


def _alarm(budget: Budget, spent: float, rate: Rate | None, month: _Month) -> RateAlarm | None:
    rule = budget.alarm
    if rule is None or rate is None or not is_runaway(rate, rule):
        return None
    reached = month.now + max(budget.limit - spent, 0.0) / rate.now * HOUR
    until = reached if month.now < reached < month.end else None
    lasting = spent + rate.now * max(month.end - month.now, 0.0) / HOUR
    times = f"{rate.now / rate.usual:.1f} times the usual" if rate.usual > 0 else "where nothing is usual:"
    text = f"${rate.now:,.2f} an hour in the last {rate.hours:g} hours, {times} ${rate.usual:,.2f}"
    if until is not None:
        when = datetime.fromtimestamp(until, UTC).strftime("%Y-%m-%d %H:%M")
        text += f"; at this rate the limit is reached on {when} UTC"
    text += f"; if it lasts, the month ends at ${lasting:,.2f}"
    return RateAlarm(
        rate=rate.now,
        usual=rate.usual,
        hours=rate.hours,
        score=rate.score,
        compared=rate.compared,
        like=rate.like,
        lasting=lasting,
        until=until,
        text=text,
    )
