"""How good a request was: what was asked for, and for how long usage was above it.

A strategy sees the first part of a series and is judged on the rest. Two numbers, because each alone is easily had:
the mean request as a share of the series' peak, and the minutes in which usage was above the request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from yuheng.finops.rightsizing.samples import F64, Samples
from yuheng.model.units import DAY

__all__ = ["Measured", "Strategy", "Verdict", "dominates", "judge", "judge_daily", "verdict"]

TOUCHING: Final = 1e-9
"""Usage above a request by no more than this share of it is rounding."""

Strategy = Callable[[Samples, F64], F64 | float]
"""What was seen, and (M,) later times -> (M,) requests at these, or one for all."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a strategy did on one series.

    Attributes:
        requested: mean request as a share of the peak of the whole series.
        minutes: minutes above request.
        share: the share of the judged time above request.
    """

    requested: float
    minutes: float
    share: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Many series together: means of the shares, the sum of the minutes."""

    requested: float
    minutes: float
    share: float


def judge(series: Samples, strategy: Strategy, split: float = 0.7) -> Measured:
    """Fit once on the first part, judge on the rest.

    Args:
        series: evenly spaced, with a peak above 0; at least two samples on either side of the split.
        strategy: what asks.
        split: the share of the series that is seen.
    """
    seen = int(split * len(series.values))
    asked = strategy(Samples(series.times[:seen], series.values[:seen]), series.times[seen:])
    return _measured(series, np.broadcast_to(asked, (len(series.values) - seen,)))


def judge_daily(series: Samples, strategy: Strategy, split: float = 0.7) -> Measured:
    """As `judge`, but the strategy is fitted anew every 24 hours on all that has passed by then."""
    times, usage = series
    seen = int(split * len(usage))
    starts = np.searchsorted(times, np.arange(times[seen], times[-1] + 1e-6, DAY))
    asked = [
        np.broadcast_to(strategy(Samples(times[:start], usage[:start]), times[start:end]), (end - start,))
        for start, end in zip(starts, [*starts[1:], len(times)], strict=True)
    ]
    return _measured(series, np.concatenate(asked))


def verdict(measured: Iterable[Measured]) -> Verdict:
    """Many series together, each counting the same."""
    each = list(measured)
    return Verdict(
        requested=float(np.mean([m.requested for m in each])),
        minutes=float(sum(m.minutes for m in each)),
        share=float(np.mean([m.share for m in each])),
    )


def dominates(ours: Verdict, other: Verdict, cheaper: float = 0.1) -> bool:
    """Whether no more minutes are above request, and at least a tenth less is requested."""
    return ours.minutes <= other.minutes and ours.requested <= (1 - cheaper) * other.requested


def _measured(series: Samples, asked: F64) -> Measured:
    judged = series.values[-len(asked) :]
    above = judged > asked * (1 + TOUCHING)
    step = float(np.median(np.diff(series.times))) / 60.0
    return Measured(float(asked.mean()) / float(series.values.max()), step * float(above.sum()), float(above.mean()))
