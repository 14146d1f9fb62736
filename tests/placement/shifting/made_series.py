"""Series and windows for tests of shifting: all on quarters of an hour, so that sums over quarters are exact."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from yuheng.model.series import Series

HOUR = 3600.0
QUARTER = 900.0
DAY = 24 * HOUR
# A midnight, so that hours are those of the clock: Monday, 5 January 2026.
MIDNIGHT = 1_767_571_200.0

WINDOWS = st.lists(
    st.tuples(st.integers(0, 23).map(lambda hour: 60 * hour), st.integers(0, 23).map(lambda hour: 60 * hour)),
    max_size=2,
).map(tuple)


def at(hours: float) -> float:
    """So many hours after that midnight."""
    return MIDNIGHT + HOUR * hours


def hourly(*values: float) -> Series:
    """A value for each hour from that midnight on."""
    return Series(MIDNIGHT + HOUR * np.arange(float(len(values))), np.array(values, dtype=np.float64))


@st.composite
def some_series(draw: st.DrawFn) -> Series:
    """From some hours to some days, of values that may be below 0, from some time before that midnight."""
    gaps = draw(st.lists(st.sampled_from([0.25, 1.0, 1.5, 6.0]), min_size=0, max_size=15))
    hours = draw(st.integers(-20, 5)) + np.concatenate(([0.0], np.cumsum(gaps)))
    values = draw(st.lists(st.integers(-20, 300), min_size=len(hours), max_size=len(hours)))
    return Series(MIDNIGHT + HOUR * hours, np.array(values, dtype=np.float64))


def is_open(windows: tuple[tuple[int, int], ...], time: float) -> bool:
    """Whether a moment lies in one of the windows; both ends are in."""
    minute = time % DAY / 60
    return not windows or any(
        opens <= minute <= closes if opens < closes else minute >= opens or minute <= closes
        for opens, closes in windows
    )
