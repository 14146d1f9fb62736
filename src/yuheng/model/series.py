"""A quantity over time that keeps its value until the next point: a price, a carbon intensity."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from yuheng.model.units import DAY, WEEK

__all__ = ["Series", "SeriesTable"]


class Series:
    """Values over time, each from its time on until the next.

    Before its first point and after its end a series repeats itself in whole weeks, so that an hour of the day and
    a day of the week keep their meaning; in whole days where it is shorter than a week. One that is shorter than a day
    keeps its last value after its end, and its first before its start.

    Attributes:
        times: (N,) seconds since the epoch, ascending.
        values: (N,) the value from each time on.
        end: when the last value ends: as long after the last time as the last two times are apart.
    """

    def __init__(self, times: NDArray[np.float64], values: NDArray[np.float64]) -> None:
        """Take points in.

        Args:
            times: (N,) seconds since the epoch, strictly ascending; at least one.
            values: (N,) the value from each time on.
        """
        self.times = times
        self.values = values
        step = float(times[-1] - times[-2]) if len(times) > 1 else 0.0
        self.end = float(times[-1]) + step

    @classmethod
    def constant(cls, value: float) -> Series:
        """The same value at all times."""
        return cls(np.zeros(1), np.array([value], dtype=np.float64))

    @cached_property
    def _area(self) -> NDArray[np.float64]:
        """(N + 1,) the integral from the first time to each of the others, and to the end."""
        spans = np.diff(self.times, append=self.end)
        return np.concatenate(([0.0], np.cumsum(spans * self.values)))

    @cached_property
    def period(self) -> float:
        """Seconds after which the series repeats itself; 0 when it is too short to."""
        length = self.end - float(self.times[0])
        unit = WEEK if length >= WEEK else DAY
        return length // unit * unit

    def at(self, time: float) -> float:
        """The value at a time."""
        return float(self.values[max(bisect_right(self.times, self._within(time)) - 1, 0)])

    def mean(self, start: float, end: float) -> float:
        """The mean value from one time to a later one; at one moment when both are the same."""
        return self.at(start) if end <= start else self.integral(start, end) / (end - start)

    def integral(self, start: float, end: float) -> float:
        """The integral over seconds from one time to a later one."""
        return self._integral_to(end) - self._integral_to(start)

    def values_at(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """(M,) the values at (M,) times: `at` for many."""
        within, _ = _folded(times, float(self.times[0]), self.end, self.period)
        found: NDArray[np.float64] = self.values[np.maximum(np.searchsorted(self.times, within, side="right") - 1, 0)]
        return found

    def integrals_to(self, times: NDArray[np.float64]) -> NDArray[np.float64]:
        """(M,) the integrals from the first time on to (M,) times, below 0 before it; differences are `integral`."""
        within, rounds = _folded(times, float(self.times[0]), self.end, self.period)
        index = np.clip(np.searchsorted(self.times, within, side="right") - 1, 0, len(self.times) - 1)
        inner: NDArray[np.float64] = self._area[index] + self.values[index] * (within - self.times[index])
        if not self.period:
            return inner
        first = float(self.times[0])
        before, after = self._part(first, self.period), self._part(self.end - self.period, self.period)
        return inner + rounds * np.where(rounds < 0, before, after)

    def changes(self, start: float, end: float) -> NDArray[np.float64]:
        """The times after one and before another at which a new value begins, ascending; repeated ones as well."""
        first, last = float(self.times[0]), self.end
        found = [self.times[np.searchsorted(self.times, start, "right") : np.searchsorted(self.times, end, "left")]]
        if self.period and start < first:
            pattern = self.times[: np.searchsorted(self.times, first + self.period, "left")]
            found.insert(0, _repeated(pattern, self.period, start, min(end, first)))
        if self.period and end > last:
            origin = last - self.period
            pattern = np.unique(np.append(self.times[np.searchsorted(self.times, origin, "left") :], origin))
            found.append(_repeated(pattern, self.period, max(start, np.nextafter(last, first)), end))
        return np.concatenate(found)

    def _within(self, time: float) -> float:
        """The time within the series whose value holds."""
        first = float(self.times[0])
        if not self.period or first <= time < self.end:
            return time
        # The last whole periods stand for the future, the first for the past.
        origin = self.end - self.period if time >= self.end else first
        return origin + (time - origin) % self.period

    def _integral_to(self, time: float) -> float:
        """The integral from the first time on, below 0 before it."""
        first = float(self.times[0])
        if first <= time <= self.end:
            return self._inner(time)
        if not self.period:
            value = self.values[0] if time < first else self.values[-1]
            return float(self._area[-1] if time > self.end else 0.0) + float(value) * (
                time - (self.end if time > self.end else first)
            )
        if time > self.end:
            rounds, rest = divmod(time - self.end, self.period)
            one = self._inner(self.end) - self._inner(self.end - self.period)
            return self._inner(self.end) + rounds * one + self._part(self.end - self.period, rest)
        rounds, rest = divmod(time - first, self.period)
        return rounds * self._part(first, self.period) + self._part(first, rest)

    def _part(self, origin: float, length: float) -> float:
        return self._inner(origin + length) - self._inner(origin)

    def _inner(self, time: float) -> float:
        """The integral from the first time to one within the series."""
        i = min(max(bisect_right(self.times, time) - 1, 0), len(self.times) - 1)
        return float(self._area[i]) + float(self.values[i]) * (time - float(self.times[i]))


class SeriesTable:
    """Several series side by side, for the integrals of many stretches of many of them at once."""

    def __init__(self, series: Sequence[Series]) -> None:
        """Lay series side by side.

        Args:
            series: at least one.
        """
        self._first = np.array([one.times[0] for one in series])
        self._end = np.array([one.end for one in series])
        self._period = np.array([one.period for one in series])
        self._before = np.array([one._part(float(one.times[0]), one.period) for one in series])
        self._after = np.array([one._part(one.end - one.period, one.period) for one in series])
        sizes = [len(one.times) for one in series]
        self._lowest = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        self._highest = np.cumsum(sizes) - 1
        # One axis for all of them, on which each has a stretch of its own.
        self._stretch = np.concatenate([[0.0], np.cumsum(self._end - self._first + 1.0)[:-1]])
        self._axis = np.concatenate([one.times for one in series]) + np.repeat(self._stretch - self._first, sizes)
        self._times = np.concatenate([one.times for one in series])
        self._values = np.concatenate([one.values for one in series])
        self._area = np.concatenate([one._area[:-1] for one in series])

    def integrals(
        self, which: NDArray[np.int64], start: NDArray[np.float64], end: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(M,) the integrals of the (M,) series with these numbers from (M,) times to (M,) later ones."""
        return self._integrals_to(which, end) - self._integrals_to(which, start)

    def _integrals_to(self, which: NDArray[np.int64], times: NDArray[np.float64]) -> NDArray[np.float64]:
        """`Series.integrals_to`, each time in its own series."""
        first, end, period = self._first[which], self._end[which], self._period[which]
        within, rounds = _folded(times, first, end, period)
        position = np.minimum(np.maximum(within, first), end) - first + self._stretch[which]
        index = np.searchsorted(self._axis, position, side="right") - 1
        index = np.minimum(np.maximum(index, self._lowest[which]), self._highest[which])
        inner: NDArray[np.float64] = self._area[index] + self._values[index] * (within - self._times[index])
        found: NDArray[np.float64] = inner + rounds * np.where(rounds < 0, self._before[which], self._after[which])
        return found


def _folded(
    times: NDArray[np.float64],
    first: NDArray[np.float64] | float,
    end: NDArray[np.float64] | float,
    period: NDArray[np.float64] | float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(M,) times within a series whose values hold, and how many of its periods away they are (0 within).

    Args:
        times: (M,) in seconds since the epoch.
        first: when the series begins, or (M,) that of each time.
        end: when it ends, or (M,) that of each time.
        period: after which it repeats itself, or (M,) that of each time; 0 where it does not.
    """
    origin = np.where(times >= end, end - period, first)
    rounds = np.floor((times - origin) / (period + (period == 0)))
    rounds[((times >= first) & (times < end)) | (period == 0)] = 0.0
    return times - rounds * period, rounds


def _repeated(pattern: NDArray[np.float64], period: float, start: float, end: float) -> NDArray[np.float64]:
    """The times of a pattern, shifted by whole periods, that lie after one time and before another."""
    rounds = np.arange(np.floor((start - pattern[-1]) / period), np.ceil((end - pattern[0]) / period) + 1)
    times = np.add.outer(rounds * period, pattern).ravel()
    return times[(times > start) & (times < end)]
