"""Step functions: what is held over time, as the sum of what came and went."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Steps"]

F64 = NDArray[np.float64]


class Steps(NamedTuple):
    """A function that is constant between its steps, and 0 before the first.

    Attributes:
        times: (S,) ascending.
        values: (S,) each from its time on.
    """

    times: F64
    values: F64

    @classmethod
    def of(cls, since: F64, until: F64, amount: F64) -> Steps:
        """The sum of amounts, each held from one time until another.

        Args:
            since: (S,) from when.
            until: (S,) to when.
            amount: (S,) how much.
        """
        times = np.concatenate([since, until])
        order = np.argsort(times, kind="stable")
        values = np.cumsum(np.concatenate([amount, -amount])[order])
        return cls(times[order], values)

    def at(self, times: F64) -> F64:
        """(T,) the values at some times, right after whatever happens then."""
        places = np.searchsorted(self.times, times, side="right") - 1
        found: F64 = np.where(places >= 0, self.values[np.maximum(places, 0)], 0.0) if len(self.times) else 0 * times
        return found

    def until(self, times: F64) -> F64:
        """(T,) the integral from the beginning of time up to each of some times (value times seconds)."""
        if not len(self.times):
            return np.zeros(len(times))
        areas = np.concatenate([[0.0], np.cumsum(self.values[:-1] * np.diff(self.times))])
        places = np.searchsorted(self.times, times, side="right") - 1
        inside = np.maximum(places, 0)
        found: F64 = np.where(places >= 0, areas[inside] + self.values[inside] * (times - self.times[inside]), 0.0)
        return found
