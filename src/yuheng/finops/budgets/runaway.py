"""Spend that has run away: the last hours against what is usual for such hours ("denial of wallet").

What is usual is the median of the same hours of earlier weeks; of earlier days where there are too few weeks; of any
earlier hours where there are too few days. How far it usually strays from that is the median absolute deviation, as a
standard deviation; a score above 3.5 is an outlier (Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993).
A rate is an alarm only if it is also so many times the usual, and so many dollars above it, as the budget says: what is
remarkable is not always worth waking somebody for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.model.units import DAY, HOUR, WEEK

if TYPE_CHECKING:
    from yuheng.finops.budgets.series import Series
    from yuheng.model.budget import RateRule

__all__ = ["Rate", "is_runaway", "rate_of"]

Numbers = NDArray[np.float64]

_OUTLIER: Final = 3.5
# The median absolute deviation of a normal distribution, times this, is its standard deviation.
_MAD: Final = 1.4826
# Rates stray by so much of themselves at least: where they never have, the first cent would be infinitely remarkable.
_FLOOR: Final = 0.05
_FEWEST: Final = 3
# What is looked back at: how far apart earlier stretches of time are, and what they are called, by the step.
_LIKE: Final = {
    HOUR: ((WEEK, "hour of the week"), (DAY, "hour of the day"), (HOUR, "any hour")),
    DAY: ((WEEK, "weekday"), (DAY, "any day")),
}


class Rate(NamedTuple):
    """How fast money is spent.

    Attributes:
        now: US dollars per hour in the last hours.
        usual: median of such hours before.
        score: by how many robust standard deviations it is above the usual.
        hours: how long was looked at.
        compared: how many stretches of time before.
        like: which those are.
    """

    now: float
    usual: float
    score: float
    hours: float
    compared: int
    like: str


def rate_of(series: Series, hours: int) -> Rate | None:
    """How fast money is spent at the end of a series; None where there is nothing to compare with.

    Args:
        series: of what was spent, up to now.
        hours: how many of the last hours are looked at; whole days where it is a series of days.
    """
    width = max(round(hours * HOUR / series.step), 1)
    sums = _sums(series.cost, width)
    if len(sums) < 2 or np.isnan(sums[-1]):
        return None
    long = width * series.step / HOUR
    for apart, like in _LIKE[series.step]:
        before = _before(sums, width, round(apart / series.step)) / long
        if len(before) >= _FEWEST:
            usual = float(np.median(before))
            spread = _MAD * float(np.median(np.abs(before - usual)))
            now = float(sums[-1]) / long
            score = (now - usual) / max(spread, _FLOOR * usual, 1e-9)
            return Rate(now, usual, score, long, len(before), like)
    return None


def is_runaway(rate: Rate, rule: RateRule) -> bool:
    """Whether a rate is an alarm."""
    above = rate.now - rate.usual
    return rate.score >= _OUTLIER and rate.now >= rule.factor * rate.usual and above >= rule.least


def _sums(cost: Numbers, width: int) -> Numbers:
    """Sums over each so many stretches in a row; NaN where one of them is not known."""
    if len(cost) < width:
        return np.empty(0)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(cost, width).sum(axis=1))


def _before(sums: Numbers, width: int, apart: int) -> Numbers:
    """Earlier sums, so far apart from the last one and from each other; none that overlaps with the last."""
    apart = apart * -(-width // apart)
    earlier = sums[:-1][::-1][apart - 1 :: apart]
    return np.asarray(earlier[~np.isnan(earlier)])
