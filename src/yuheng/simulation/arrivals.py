"""When jobs arrive: renewals in operational time, mapped to the clock through the rate of each hour of the week.

In operational time one job is expected per unit, whatever the hour. A stationary renewal process lives there, and the
inverse of the cumulative rate carries its events to the clock: busy hours are stretches where operational time runs
fast. The number of jobs expected until any moment is then exactly the cumulative rate, and their variability is that
of the renewals (Gerhardt and Nelson, "Transforming Renewal Processes for Simulation of Nonstationary Arrival
Processes", INFORMS Journal on Computing 21, 2009). Times between arrivals are gamma distributed. That rates follow
the hour of the day and the day of the week is what traces show (Feitelson, "Workload Modeling for Computer Systems
Performance Evaluation", 2015, on arrivals and daily cycles; Lublin and Feitelson, "The workload on parallel
supercomputers", JPDC 63, 2003).
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from yuheng.errors import InputError
from yuheng.model.scenario import ArrivalProcess
from yuheng.simulation.distributions import Numbers

__all__ = ["HOUR", "HOURS", "WEEK", "Clock", "arrivals", "second_of_week"]

HOUR: Final = 3600
HOURS: Final = 168
WEEK: Final = HOUR * HOURS
# The first of January 1970 was a Thursday; weeks begin on Monday.
_THURSDAY: Final = 3 * 24 * HOUR
# Standard deviations by which the first draw exceeds what is expected: a second is then hardly ever needed.
_RESERVE: Final = 5.0
# Coefficients of variation: less makes no difference, more leaves no bursts to speak of but one.
_REGULAR: Final = 1e-6
_WILDEST: Final = 1000.0


def second_of_week(epoch: float | None) -> float:
    """Seconds since Monday midnight (UTC) of a time in seconds since the epoch; 0 where it is None."""
    return 0.0 if epoch is None else (epoch + _THURSDAY) % WEEK


class Clock:
    """The cumulative rate of arrivals and its inverse: the clock against operational time.

    Args:
        process: its rate and factors; the variation plays no part here.
        epoch: what second 0 is in seconds since the epoch; None for a Monday at midnight.

    Raises:
        InputError: there are not 24 and 7 factors, one is negative or not finite, or no job would ever arrive.
    """

    def __init__(self, process: ArrivalProcess, epoch: float | None) -> None:
        hourly = process.rate * np.outer(_factors(process.weekly, 7, "weekly"), _factors(process.daily, 24, "daily"))
        self._rates = hourly.ravel()
        if not (math.isfinite(process.rate) and process.rate > 0.0):
            raise InputError(f"{process.rate:g} jobs per hour", "a rate above 0", field="arrivals.rate")
        self._total = np.concatenate(([0.0], np.cumsum(self._rates)))
        self._weekly = float(self._total[-1])
        self._start = second_of_week(epoch)
        self._before = float(np.interp(self._start / HOUR, np.arange(HOURS + 1), self._total))
        busy = np.flatnonzero(self._rates)
        self._first, self._last = int(busy[0]), int(busy[-1])

    def operational(self, times: Numbers) -> Numbers:
        """How many jobs are expected from second 0 until each of these seconds."""
        weeks, rest = np.divmod(times + self._start, WEEK)
        return weeks * self._weekly + np.interp(rest / HOUR, np.arange(HOURS + 1), self._total) - self._before

    def seconds(self, operational: Numbers) -> Numbers:
        """The seconds at which these numbers of jobs are expected; ascending when they are."""
        weeks, rest = np.divmod(operational + self._before, self._weekly)
        # From the right: hours in which nothing arrives have no width, and are passed over.
        hour = np.clip(np.searchsorted(self._total, rest, side="right") - 1, self._first, self._last)
        within = (rest - self._total[hour]) / self._rates[hour]
        times = weeks * WEEK + (hour + within) * HOUR - self._start
        return np.maximum.accumulate(np.maximum(times, 0.0))


def arrivals(
    process: ArrivalProcess,
    rng: np.random.Generator,
    epoch: float | None,
    *,
    jobs: int | None = None,
    length: float = math.inf,
) -> Numbers:
    """When jobs arrive.

    Args:
        process: the rate, its shape over the week, and how irregular arrivals are.
        rng: where the random numbers come from.
        epoch: what second 0 is in seconds since the epoch; None for a Monday at midnight.
        jobs: how many arrive at most; None for all that arrive within ``length``.
        length: seconds during which they arrive.

    Returns:
        Seconds since the start, ascending.

    Raises:
        InputError: the rate or the factors cannot be used, or neither ``jobs`` nor ``length`` sets an end.
    """
    if jobs is None and not math.isfinite(length):
        raise InputError("neither a number of jobs nor a length", "one of them", field="jobs")
    if not length >= 0.0:
        raise InputError(f"{length:g} seconds", "a length of 0 or more", field="length")
    clock = Clock(process, epoch)
    if math.isfinite(length):
        end = float(clock.operational(np.array([length]))[0])
        renewed = _until(process.variation, rng, end)[:jobs]
    else:
        renewed = np.cumsum(_intervals(process.variation, rng, jobs or 0, first=True))
    return clock.seconds(renewed)


def _until(variation: float, rng: np.random.Generator, end: float) -> Numbers:
    """Renewals before the end, in operational time."""
    reserve = _RESERVE * max(1.0, variation) * math.sqrt(end)
    # Bursts can ask for any reserve; twice what is expected has to do for a start.
    size = math.ceil(end + min(reserve, end)) + 1
    times = np.cumsum(_intervals(variation, rng, size, first=True))
    while times[-1] < end:
        times = np.concatenate((times, times[-1] + np.cumsum(_intervals(variation, rng, size, first=False))))
    return times[: np.searchsorted(times, end)]


def _intervals(variation: float, rng: np.random.Generator, size: int, *, first: bool) -> Numbers:
    """Times between renewals, of mean 1.

    The very first is what is left of an interval that began earlier, as whoever starts to watch finds it: a uniform
    part of a length-biased interval (Cox, "Renewal Theory", 1962). Without that, bursty arrivals would come in too
    great numbers at the start.
    """
    if not 0.0 <= variation <= _WILDEST:
        raise InputError(
            f"{variation:g}", f"a coefficient of variation from 0 to {_WILDEST:g}", field="arrivals.variation"
        )
    if variation < _REGULAR:
        intervals = np.ones(size)
        return _equilibrium(intervals, rng.random()) if first else intervals
    shape = variation**-2
    # Drawn before all others: how many are drawn does not change the first ones.
    left = rng.random() * rng.standard_gamma(shape + 1.0) / shape if first else 1.0
    intervals = rng.standard_gamma(shape, size) / shape
    return _equilibrium(intervals, left) if first else intervals


def _equilibrium(intervals: Numbers, first: float) -> Numbers:
    intervals[:1] = first
    return intervals


def _factors(factors: tuple[float, ...], count: int, field: str) -> Numbers:
    """Factors of mean 1."""
    given = np.array(factors, dtype=np.float64)
    if len(given) != count or not np.all(np.isfinite(given)) or np.any(given < 0.0) or not np.any(given > 0.0):
        raise InputError(
            f"{len(given)} factors from {min(factors, default=0.0):g} to {max(factors, default=0.0):g}",
            f"{count} factors of 0 or more, not all 0",
            field=f"arrivals.{field}",
        )
    of_mean_1: Numbers = given / given.mean()
    return of_mean_1
