"""The best start of a job that runs in one go.

What a run costs is a function of its start that is linear between the moments at which the run's start or its end meets
a change of the series: it has its least value at one of those, or at an end of a stretch in which it may start. Those
are few, so all of them are looked at; nothing is sampled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from yuheng.placement.shifting.cost import Cost, areas, changes
from yuheng.placement.shifting.windows import Window, allowed, openings

__all__ = ["Start", "best_start"]

# Values that differ by less are the same: sums over a year of seconds do not hold more digits.
SAME: Final = 1e-9


class Start(NamedTuple):
    """When a job starts, in seconds since the epoch, and what its run costs."""

    start: float
    value: float


def best_start(
    cost: Cost, duration: float, earliest: float, latest_start: float, windows: Sequence[Window] = ()
) -> Start | None:
    """The start at which a run costs least; of several, the first.

    Args:
        cost: of a second; see `Cost`. Values below 0 are fine, as prices of electricity can be.
        duration: of the run, in seconds; 0 or more.
        earliest: the first moment at which it may start, in seconds since the epoch.
        latest_start: the last.
        windows: the parts of the day (UTC) in which it may start, as first and last minute; none for any.

    Returns:
        The start and the integral of `cost` over the run; None when there is no moment at which it may start.
    """
    stretches = openings(windows, earliest, latest_start)
    if not len(stretches):
        return None
    begins = changes(cost, earliest, latest_start)
    ends = changes(cost, earliest + duration, latest_start + duration) - duration
    starts = np.concatenate((begins, ends))
    starts = np.concatenate((stretches.ravel(), starts[allowed(stretches, starts)]))
    values = areas(cost, starts + duration) - areas(cost, starts)
    least = float(values.min())
    start = float(starts[values <= least + SAME * abs(least)].min())
    return Start(start, float(areas(cost, np.array([start + duration]))[0] - areas(cost, np.array([start]))[0]))
