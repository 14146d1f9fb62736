"""The spend of one budget as a series: its groups found, their costs added up, on a grid without holes."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.model.spend import Spend
from yuheng.model.units import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Series", "by_day", "matches", "series_of"]

Numbers = NDArray[np.float64]


class Series(NamedTuple):
    """What was spent, stretch of time by stretch of time.

    Attributes:
        start: when the first stretch begins, in seconds since the epoch.
        step: seconds of a stretch.
        cost: (N,) US dollars; NaN for a stretch of which no cost of anybody is known.
        groups: how many groups are added up.
    """

    start: float
    step: float
    cost: Numbers
    groups: int

    @property
    def end(self) -> float:
        """When the last stretch ends."""
        return self.start + self.step * len(self.cost)

    def until(self, time: float) -> Series:
        """The stretches that have ended by a time."""
        count = int(max(np.floor((time - self.start) / self.step + 1e-9), 0))
        return self._replace(cost=self.cost[:count])

    def between(self, start: float, end: float) -> float:
        """US dollars of the stretches that begin between two times.

        The last one may be under way: what is told of it was spent before the end, for nobody tells the future.
        """
        begins = self.start + self.step * np.arange(len(self.cost))
        return float(np.nansum(self.cost[(begins >= start) & (begins < end)]))


def matches(group: Mapping[str, str], selector: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether a group is one of those that a selector means."""
    return all(
        any(fnmatchcase(group.get(key, ""), pattern) for pattern in patterns) for key, patterns in selector.items()
    )


def series_of(spend: Spend, selector: Mapping[str, tuple[str, ...]]) -> Series:
    """The costs of the groups that a selector means.

    Args:
        spend: of all groups; there is at least one row.
        selector: shell patterns by key.
    """
    wanted = np.array([matches(group, selector) for group in spend.groups], dtype=np.bool_)
    start = float(spend.start.min())
    place = np.rint((spend.start - start) / spend.step).astype(np.int64)
    count = int(place.max()) + 1
    own = wanted[spend.who]
    cost = np.bincount(place[own], weights=spend.cost[own], minlength=count).astype(np.float64)
    cost[np.bincount(place, minlength=count) == 0] = np.nan
    return Series(start, spend.step, cost, int(wanted.sum()))


def by_day(series: Series) -> Series:
    """The same by days (UTC); one that is known in part counts what is known of it."""
    if series.step == DAY:
        return series
    first = series.start // DAY * DAY
    place = ((series.start + series.step * np.arange(len(series.cost)) - first) // DAY).astype(np.int64)
    count = int(place[-1]) + 1 if len(place) else 0
    known = ~np.isnan(series.cost)
    cost = np.bincount(place[known], weights=series.cost[known], minlength=count).astype(np.float64)
    cost[np.bincount(place[known], minlength=count) == 0] = np.nan
    return Series(first, DAY, cost, series.groups)
