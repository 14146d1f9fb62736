"""Many jobs shifted by a forecast, and what it came to in truth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from yuheng.errors import InputError
from yuheng.model.series import Series
from yuheng.model.shifting import ShiftableJob, ShiftedJob, Shifting, ShiftRule
from yuheng.placement.shifting.cost import Cost
from yuheng.placement.shifting.limits import limits
from yuheng.placement.shifting.slots import best_slots
from yuheng.placement.shifting.start import best_start

__all__ = ["decide", "forecast", "shift"]

Parts = tuple[tuple[float, float], ...]


def forecast(series: Series, error: float, seed: int | Sequence[int]) -> Series:
    """A series as somebody could have foretold it: each value off by an error of its own.

    The errors are normal and independent, with the same standard deviation at all times, whether they are about the
    next hour or the next week: the model of Wiesner et al., "Let's Wait Awhile" (Middleware '21).

    Args:
        series: the truth.
        error: standard deviation over the mean of the series' values; 0 or more.
        seed: the same one draws the same errors.
    """
    if not error:
        return series
    draws = np.random.default_rng(seed).normal(0.0, error * float(series.values.mean()), len(series.values))
    return Series(series.times, series.values + draws)


def shift(
    jobs: Iterable[ShiftableJob], truth: Series, rule: ShiftRule, *, error: float = 0.0, seed: int = 0
) -> Shifting:
    """Run each job when a forecast says it is best, and measure on the truth.

    Jobs do not compete: there is room for all of them at any time.

    Args:
        jobs: those that may be shifted.
        truth: a price or a carbon intensity over time; see `ShiftableJob.weight` for units.
        rule: how far jobs may be shifted, and whether they may be split.
        error: of the `forecast` that decisions are made on.
        seed: of its errors.

    Raises:
        InputError: a job has no moment at which it may start: the rule's windows are never open in time.
    """
    seen = forecast(truth, error, seed)
    return Shifting(error=error, seed=seed, jobs=tuple(_shifted(job, truth, seen, rule) for job in jobs))


def decide(job: ShiftableJob, seen: Cost, rule: ShiftRule) -> Parts:
    """When a job runs, by what is seen of prices or carbon: start and end of each uninterrupted run.

    Raises:
        InputError: it has no moment at which it may start.
    """
    earliest, deadline = limits(rule, job)
    if rule.interruptible:
        slots = best_slots(seen, job.duration, earliest, deadline, rule.windows, restart=rule.restart)
        if slots is not None:
            return slots.parts
    else:
        start = best_start(seen, job.duration, earliest, deadline - job.duration, rule.windows)
        if start is not None:
            return ((start.start, start.start + job.duration),)
    raise InputError(
        "no moment to start between the earliest start and the latest", "windows that are open then", subject=job.name
    )


def _shifted(job: ShiftableJob, truth: Series, seen: Series, rule: ShiftRule) -> ShiftedJob:
    parts = decide(job, seen, rule)
    before = truth.integral(job.issued, job.issued + job.duration)
    after = sum(truth.integral(start, end) for start, end in parts)
    return ShiftedJob(job.name, parts, job.weight * before, job.weight * after)
