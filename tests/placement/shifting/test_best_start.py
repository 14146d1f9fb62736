"""The best start of a job that runs in one go: no start is better."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_series import DAY, HOUR, QUARTER, WINDOWS, at, hourly, is_open, some_series

from yuheng.model.series import Series
from yuheng.placement.shifting import best_start


@pytest.mark.parametrize(
    ("duration", "earliest", "latest", "start", "value"),
    [
        # Hours cost 5, 1, 4, 2, 3: the cheapest hour, then the cheapest stretches.
        (1.0, 0, 4, 1, 1),
        (0.5, 0, 4, 1, 0.5),
        (2.0, 0, 3, 1, 5),
        (3.0, 0, 2, 1, 7),
        # Its end meets a change, not its start: 1 + 4/2 is dearer than 5/2 + ... no; half of the 5 is dearer than the
        # 4.
        (1.5, 0, 3, 1, 3),
        (1.5, 2, 3.5, 3, 3.5),
        # It has to wait no longer than allowed, or not at all.
        (1.0, 0, 0.5, 0.5, 3),
        (1.0, 2, 2, 2, 4),
    ],
)
def test_the_cheapest_start(duration: float, earliest: float, latest: float, start: float, value: float) -> None:
    found = best_start(hourly(5, 1, 4, 2, 3), duration * HOUR, at(earliest), at(latest))
    assert found is not None
    assert (found.start, found.value) == (at(start), pytest.approx(value * HOUR))


def test_the_end_of_the_run_may_be_what_meets_a_change() -> None:
    found = best_start(hourly(3, 2, 1, 9, 9), 1.5 * HOUR, at(0), at(4))
    assert found is not None
    assert found.start == at(1.5)


def test_of_equally_good_starts_the_first() -> None:
    assert best_start(Series.constant(0.1), 5 * HOUR, at(0.3), at(20)) == (at(0.3), pytest.approx(0.5 * HOUR))
    found = best_start(hourly(*[7, 3, 5] * 8), HOUR, at(0), at(23))
    assert found is not None
    assert found.start == at(1)


@pytest.mark.parametrize(
    ("windows", "start"),
    [
        ((), 3),
        (((60, 120),), 1),
        (((240, 360),), 4),
        # Over midnight: 22 to 2 o'clock.
        (((1320, 120),), 23),
        (((330, 330),), 3),
        (((60, 120), (150, 190)), 3),
        # One within the other: the outer one is open after the inner one has closed.
        (((0, 420), (60, 120)), 3),
        (((60, 120), (90, 200), (0, 20)), 3),
    ],
)
def test_it_starts_within_windows_of_the_day(windows: tuple[tuple[int, int], ...], start: float) -> None:
    values = [9.0, 8, 8, 1, 5, 6] + [7.0] * 17 + [4.0]
    found = best_start(hourly(*values), HOUR, at(0), at(23), windows)
    assert found is not None
    assert found.start == at(start)


@pytest.mark.parametrize(("earliest", "latest", "windows"), [(2, 1, ()), (3, 5, ((60, 120),))])
def test_there_may_be_no_moment_to_start(earliest: float, latest: float, windows: tuple[tuple[int, int], ...]) -> None:
    assert best_start(hourly(1, 2, 3), HOUR, at(earliest), at(latest), windows) is None


def test_a_blend_weighs_its_series() -> None:
    price, carbon = hourly(1, 2, 3, 4), hourly(300, 200, 100, 90)
    starts = [best_start([(weight, price), (1.0, carbon)], HOUR, at(0), at(3)) for weight in (0.0, 50.0, 100.5, 200.0)]
    assert [start.start for start in starts if start] == [at(3), at(2), at(0), at(0)]


@given(
    some_series(),
    st.integers(0, 40).map(lambda n: n * QUARTER),
    st.integers(0, 96).map(lambda n: n / 4),
    st.integers(0, 192),
    WINDOWS,
)
def test_no_start_is_better(
    series: Series, duration: float, earliest: float, quarters: int, windows: tuple[tuple[int, int], ...]
) -> None:
    starts = [at(earliest) + QUARTER * i for i in range(quarters + 1)]
    values = [series.integral(start, start + duration) for start in starts if is_open(windows, start)]
    found = best_start(series, duration, starts[0], starts[-1], windows)
    if not values:
        assert found is None
        return
    assert found is not None
    assert found.value == pytest.approx(min(values), abs=1e-3)
    assert series.integral(found.start, found.start + duration) == pytest.approx(found.value, abs=1e-3)
    assert starts[0] <= found.start <= starts[-1]
    assert is_open(windows, found.start)


@given(some_series(), st.floats(1.0, 2 * DAY), st.floats(0.0, 3 * DAY), st.floats(0.0, 1.0))
def test_no_moment_between_is_better(series: Series, duration: float, span: float, part: float) -> None:
    found = best_start(series, duration, at(0), at(0) + span)
    assert found is not None
    other = at(0) + part * span
    assert found.value <= series.integral(other, other + duration) + 1e-2


def test_a_blend_is_the_sum_of_its_parts() -> None:
    draws = np.random.default_rng(42)
    price, carbon = (hourly(*draws.uniform(0, 100, 60)) for _ in range(2))
    together = Series(price.times, 3 * price.values + 0.5 * carbon.values)
    blend = best_start([(3.0, price), (0.5, carbon)], 7.3 * HOUR, at(1.1), at(50))
    assert blend == pytest.approx(best_start(together, 7.3 * HOUR, at(1.1), at(50)))
