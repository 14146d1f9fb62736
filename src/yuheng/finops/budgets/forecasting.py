"""What the rest of a month will cost, with an interval.

Days are told apart by their weekday: each weekday has a factor by which the daily series is divided (classical
multiplicative decomposition), where weekdays explain enough of it. What is left is smoothed exponentially, with a level
and a damped trend (ETS(A,Ad,N)); how fast both follow is not chosen but weighed: each pair of smoothing parameters
counts by Akaike's weight. How far off a forecast can be is found by drawing paths of coming days: a pair of parameters
by its weight, a level as uncertain as a filter leaves it, and day by day one of the errors that the same smoothing made
in the past, which the level follows. The sum over a path is one possible end of the month; the interval lies between
the 10% and the 90% quantile of the sums.

Source: Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", 3rd edition, sections 3.4, 4.3 (strength of
seasonality), 5.5 (bootstrapped residuals), 8.2 and 8.5; Burnham and Anderson, "Model Selection and Multimodel
Inference" (weights). Few days tell little of how far off one can be: errors are widened by Student's t over the normal
quantile.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST_DAYS", "LEVEL", "Outlook", "outlook", "tried"]

Numbers = NDArray[np.float64]

# The probability that the interval has.
LEVEL: Final = 0.8
# With fewer complete days there is no interval; with fewer than two weeks weekdays are not told apart.
FEWEST_DAYS: Final = 4
_WEEK: Final = 7
# Older days say nothing of how things are now.
_LONGEST: Final = 91
# How fast level and trend follow, in pairs; without a trend at first.
_PAIRS: Final = np.array(
    [(alpha, beta) for beta in (0.0, 0.05, 0.15, 0.3) for alpha in (0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9)]
)
_DAMPING: Final = 0.97
_PATHS: Final = 2000
# The share of the variance that weekdays have to explain.
_STRENGTH: Final = 0.3
# How many numbers the smoothing is fitted by.
_FITTED: Final = 3
# The normal quantile of the interval's ends.
_Z: Final = 1.2815515655446004


class Outlook(NamedTuple):
    """What coming days cost.

    Attributes:
        daily: (H,) expected US dollars of each day.
        total: expected in all.
        low, high: the ends of the interval of the total; None where the history is too short.
        days: complete days of the history that counted.
    """

    daily: Numbers
    total: float
    low: float | None
    high: float | None
    days: int


class _Fit(NamedTuple):
    """The smoothed series, once for each of K pairs of parameters.

    Attributes:
        level, trend: (K,) the last ones.
        errors: (N, K) one-step errors in US dollars.
        weights: (K,) how much each pair counts; they sum up to 1.
    """

    level: Numbers
    trend: Numbers
    errors: Numbers
    weights: Numbers


def outlook(history: Numbers, weekday: int, parts: Numbers, seed: int = 0) -> Outlook:
    """Forecast the sum of coming days.

    Args:
        history: (N,) US dollars of complete days, oldest first; NaN for a day that nothing is known of.
        weekday: of the first coming day, 0 for Monday.
        parts: (H,) how much of each coming day counts, 0 to 1; the first may be under way.
        seed: of the paths.
    """
    known = history[-_LONGEST:]
    days = int(np.count_nonzero(~np.isnan(known)))
    horizon = len(parts)
    if not days:
        return Outlook(np.zeros(horizon), 0.0, None, None, 0)
    factors = _weekday_factors(known, weekday)
    past = factors[(weekday - len(known) + np.arange(len(known))) % _WEEK]
    fit = _fitted(known / past)
    shape = factors[(weekday + np.arange(horizon)) % _WEEK] * parts
    daily = _expected(fit, horizon) * shape
    total = float(daily.sum())
    if days < FEWEST_DAYS:
        return Outlook(daily, total, None, None, days)
    low, high = _interval(fit, shape, seed)
    return Outlook(daily, total, min(low, total), max(high, total), days)


def tried(history: Numbers, weekday: int, horizon: int, *, least: int = 3 * _WEEK) -> tuple[int, int]:
    """How often the same forecast, made earlier, would have held what came.

    Args:
        history: (N,) US dollars of complete days, as for `outlook`.
        weekday: of the day after them, 0 for Monday.
        horizon: how many days ahead.
        least: how many days a forecast is made of at least.

    Returns:
        How many forecasts were made, half a horizon apart, and how many intervals held what came.
    """
    count = held = 0
    for origin in range(len(history) - horizon, least - 1, -max(horizon // 2, 1)) if horizon else ():
        came = history[origin : origin + horizon]
        made = outlook(history[:origin], (weekday - (len(history) - origin)) % _WEEK, np.ones(horizon), seed=origin)
        if made.low is None or made.high is None or np.isnan(came).any():
            continue
        count += 1
        # What costs the same every day is held, whatever the last digits are.
        slack = 1e-9 * max(abs(made.total), 1.0)
        held += bool(made.low - slack <= float(came.sum()) <= made.high + slack)
    return count, held


def _weekday_factors(history: Numbers, weekday: int) -> Numbers:
    """(7,) how much a weekday costs against the mean of its week, Monday first.

    All are 1 before two weeks are known, and where weekdays explain too little.
    """
    plain = np.ones(_WEEK)
    if len(history) < 2 * _WEEK:
        return plain
    days = (weekday - len(history) + np.arange(len(history))) % _WEEK
    means = _around(history)
    ratios = np.divide(history, means, out=np.full(len(history), np.nan), where=means > 0)
    known = ~np.isnan(ratios)
    groups = [ratios[known & (days == day)] for day in range(_WEEK)]
    # Medians: one day that ran away must not make every such weekday dear.
    factors = np.array([float(np.median(group)) if len(group) else 1.0 for group in groups])
    noise = _variance(ratios[known] - factors[days[known]]) * known.sum() / max(known.sum() - _WEEK, 1)
    if noise > (1.0 - _STRENGTH) * _variance(ratios[known] - 1.0):
        return plain
    # What few weeks say is drawn towards 1 by as much as it may be noise (James and Stein).
    counts = np.array([max(len(group), 1) for group in groups])
    signal = max(float(np.var(factors - 1.0)) - noise / counts.mean(), 1e-12)
    factors = np.maximum(1.0 + (factors - 1.0) * counts / (counts + noise / signal), 1e-3)
    return np.asarray(factors * (_WEEK / factors.sum()))


def _variance(values: Numbers) -> float:
    """The variance, of values whose mean is 0; a few that are far off do not count."""
    return float(1.4826 * np.median(np.abs(values))) ** 2 if len(values) else 0.0


def _around(history: Numbers) -> Numbers:
    """(N,) the mean of the week around each day; at the ends of the first and of the last week."""
    windows = np.lib.stride_tricks.sliding_window_view(history, _WEEK)
    known = np.count_nonzero(~np.isnan(windows), axis=1)
    means = np.nansum(windows, axis=1) / np.maximum(known, 1)
    half = _WEEK // 2
    return np.concatenate([np.repeat(means[0], half), means, np.repeat(means[-1], half)])


def _fitted(series: Numbers) -> _Fit:
    """Smoothing with each pair of parameters; a day that nothing is known of leaves level and trend as they go on."""
    alpha, beta = _PAIRS.T
    first = series[~np.isnan(series)][:_WEEK]
    level = np.full(len(_PAIRS), first.mean())
    trend = np.zeros(len(_PAIRS))
    errors = []
    for value in series:
        ahead = level + _DAMPING * trend
        error = np.zeros(len(_PAIRS)) if np.isnan(value) else value - ahead
        level = ahead + alpha * error
        trend = _DAMPING * trend + alpha * beta * error
        if not np.isnan(value):
            errors.append(error)
    table = np.array(errors)
    squares = np.maximum((table**2).mean(axis=0), (1e-9 * max(abs(float(first.mean())), 1e-9)) ** 2)
    penalty = np.where(beta > 0, 2.0, 0.0)
    score = len(table) * np.log(squares) + 2 * penalty
    weights = np.exp(-0.5 * (score - score.min()))
    return _Fit(level, trend, table, weights / weights.sum())


def _expected(fit: _Fit, horizon: int) -> Numbers:
    """(H,) what the days after the series cost, but for their weekdays."""
    damped = np.cumsum(_DAMPING ** np.arange(1, horizon + 1))
    return np.asarray(np.maximum(fit.level[:, None] + fit.trend[:, None] * damped, 0.0).T @ fit.weights)


def _interval(fit: _Fit, shape: Numbers, seed: int) -> tuple[float, float]:
    """The ends of the interval of the sum over coming days."""
    random = np.random.default_rng(seed)
    count = len(fit.errors)
    which = random.choice(len(_PAIRS), size=_PATHS, p=fit.weights)
    alpha, beta = _PAIRS[which].T
    errors = fit.errors - fit.errors.mean(axis=0)
    widening = _widening(count)
    spread = errors.std(axis=0)[which] * widening
    level = fit.level[which] + random.normal(size=_PATHS) * spread * np.sqrt(np.maximum(alpha * (1 - alpha), 1 / count))
    trend = fit.trend[which]
    total = np.zeros(_PATHS)
    for part in shape:
        error = errors[random.integers(count, size=_PATHS), which] * widening
        ahead = level + _DAMPING * trend
        total += np.maximum(ahead + error, 0.0) * part
        level = ahead + alpha * error
        trend = _DAMPING * trend + alpha * beta * error
    tail = (1.0 - LEVEL) / 2
    low, high = np.quantile(total, (tail, 1.0 - tail))
    return float(low), float(high)


def _widening(count: int) -> float:
    """What errors are multiplied by, since so few are known, and the smoothing was fitted to them.

    Student's t over the normal quantile (the expansion of Cornish and Fisher; Abramowitz and Stegun, 26.7.5), times the
    usual correction of a standard deviation for what was fitted: level, trend and how fast they follow.
    """
    free = max(count - 1, 1)
    t = _Z + (_Z**3 + _Z) / (4 * free) + (5 * _Z**5 + 16 * _Z**3 + 3 * _Z) / (96 * free**2)
    return float(t / _Z * np.sqrt(count / max(count - _FITTED, 1)))
