"""When a job may start: between two moments, and within parts of the day."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Window", "allowed", "openings"]

# The first and the last minute (UTC) of a part of the day, as `yuheng.model.duration.parse_window` reads it.
Window = tuple[int, int]

DAY: Final = 86400.0
MINUTE: Final = 60.0


def openings(windows: Sequence[Window], earliest: float, latest: float) -> NDArray[np.float64]:
    """The stretches of time in which a start is allowed.

    Args:
        windows: parts of the day; none for any time. One that ends before it begins, or when it begins, ends on the
            next day.
        earliest: the first moment that is allowed, in seconds since the epoch.
        latest: the last.

    Returns:
        (K, 2) first and last moment of each stretch, both ascending; empty when there is none.
    """
    if latest < earliest:
        return np.empty((0, 2))
    if not windows:
        return np.array([[earliest, latest]])
    days = np.arange(np.floor(earliest / DAY) - 1, np.floor(latest / DAY) + 1) * DAY
    ends = [(MINUTE * opens, MINUTE * closes + (DAY if closes <= opens else 0.0)) for opens, closes in windows]
    found = np.concatenate([np.column_stack((days + opens, days + closes)) for opens, closes in ends])
    found = np.column_stack((np.maximum(found[:, 0], earliest), np.minimum(found[:, 1], latest)))
    found = found[found[:, 0] <= found[:, 1]]
    found = found[np.argsort(found[:, 0], kind="stable")]
    # What overlaps lasts as long as the longest of it.
    return np.column_stack((found[:, 0], np.maximum.accumulate(found[:, 1])))


def allowed(stretches: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(M,) whether each of (M,) times lies in one of the stretches that `openings` found."""
    index = np.searchsorted(stretches[:, 0], times, side="right") - 1
    found: NDArray[np.bool_] = (index >= 0) & (times <= stretches[index, 1])
    return found
