"""Series: a value that holds until the next, repeated before the first point and after the end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.model.series import Series, SeriesTable
from yuheng.model.units import DAY, HOUR, WEEK

# Some day in 2026, away from 0 and not at midnight.
FIRST = 1_770_000_000.0


def series(*points: tuple[float, float], first: float = FIRST) -> Series:
    """A series of (hours after the first moment, value)."""
    return Series(np.array([first + HOUR * hour for hour, _ in points]), np.array([value for _, value in points]))


def hourly(count: int, first: float = FIRST) -> Series:
    """The value of each hour is its number."""
    return Series(first + HOUR * np.arange(float(count)), np.arange(float(count)))


def plain_value(given: Series, time: float) -> float:
    """What a value is, by walking: by whole periods into the series, and then from point to point."""
    first, end = float(given.times[0]), given.end
    period = plain_period(given)
    while period and time >= end:
        time -= period
    while period and time < first:
        time += period
    held = float(given.values[0])
    for moment, value in zip(given.times, given.values, strict=True):
        if moment <= time:
            held = float(value)
    return held


def plain_period(given: Series) -> float:
    """Whole weeks of the series, or whole days."""
    length = given.end - float(given.times[0])
    for unit in (WEEK, DAY):
        whole = sum(1 for n in range(1, 1000) if n * unit <= length)
        if whole:
            return whole * unit
    return 0.0


def plain_integral(given: Series, start: float, end: float, step: float) -> float:
    """The sum over steps; exact where all points are multiples of the step away from the start."""
    return sum(step * plain_value(given, start + i * step) for i in range(round((end - start) / step)))


@st.composite
def some_series(draw: st.DrawFn) -> Series:
    """Points at quarters of an hour, from an hour's length to three weeks'."""
    gaps = draw(st.lists(st.sampled_from([0.25, 1.0, 2.5, 6.0, 24.0, 100.0]), min_size=0, max_size=12))
    hours = np.concatenate(([0.0], np.cumsum(gaps)))
    values = draw(st.lists(st.integers(-50, 500), min_size=len(hours), max_size=len(hours)))
    return Series(FIRST + HOUR * hours, np.array(values, dtype=np.float64))


QUARTERS = st.integers(-4 * 24 * 40, 4 * 24 * 40)


def at(quarters: int) -> float:
    return FIRST + HOUR * quarters / 4


@pytest.mark.parametrize(
    ("hour", "value"),
    [(0, 10.0), (0.99, 10.0), (1, 20.0), (2.5, 20.0), (3, 30.0), (4.99, 30.0), (5, 30.0), (99, 30.0), (-1, 10.0)],
)
def test_a_value_holds_until_the_next(hour: float, value: float) -> None:
    assert series((0, 10.0), (1, 20.0), (3, 30.0)).at(FIRST + HOUR * hour) == value


def test_the_last_value_lasts_as_long_as_the_one_before() -> None:
    assert series((0, 10.0), (1, 20.0), (3, 30.0)).end == FIRST + 5 * HOUR


@pytest.mark.parametrize(
    ("hours", "period"),
    [(1, 0.0), (23, 0.0), (24, DAY), (47, DAY), (48, 2 * DAY), (167, 6 * DAY), (168, WEEK), (400, 2 * WEEK)],
)
def test_it_repeats_in_whole_weeks_or_else_days(hours: int, period: float) -> None:
    assert hourly(hours).period == period


@pytest.mark.parametrize(
    ("hours", "hour", "value"),
    [
        # Thirty hours: the last 24 stand for what comes, the first 24 for what was.
        (30, 30, 6.0),
        (30, 53, 29.0),
        (30, 54, 6.0),
        (30, -1, 23.0),
        (30, -24, 0.0),
        (30, -25, 23.0),
        # Eight days: by whole weeks.
        (192, 192, 24.0),
        (192, 192 + 168, 24.0),
        (192, -1, 167.0),
    ],
)
def test_an_hour_keeps_its_meaning_outside(hours: int, hour: int, value: float) -> None:
    assert hourly(hours).at(FIRST + HOUR * hour) == value


def test_a_constant_is_the_same_at_all_times() -> None:
    constant = Series.constant(7.0)
    assert [constant.at(time) for time in (-1e9, 0.0, 2e9)] == [7.0, 7.0, 7.0]
    assert constant.integral(-100.0, 300.0) == 2800.0
    assert constant.mean(-1e9, 2e9) == pytest.approx(7.0)
    assert list(constant.changes(-1e9, 2e9)) in ([], [0.0])


def test_the_mean_of_no_time_is_the_value() -> None:
    assert hourly(24).mean(FIRST + 1.5 * HOUR, FIRST + 1.5 * HOUR) == 1.0


def test_the_mean_weighs_values_by_how_long_they_hold() -> None:
    assert series((0, 10.0), (1, 20.0), (3, 30.0)).mean(FIRST, FIRST + 4 * HOUR) == pytest.approx(20.0)


@given(some_series(), QUARTERS)
def test_values_are_those_of_walking(given: Series, quarter: int) -> None:
    assert given.at(at(quarter)) == plain_value(given, at(quarter))


@given(some_series(), QUARTERS, st.integers(1, 400))
def test_integrals_are_sums(given: Series, quarter: int, length: int) -> None:
    start, end = at(quarter), at(quarter + length)
    expected = plain_integral(given, start, end, HOUR / 4)
    assert given.integral(start, end) == pytest.approx(expected, abs=1e-3)
    assert given.mean(start, end) == pytest.approx(expected / (end - start), abs=1e-6)


@given(some_series(), QUARTERS, QUARTERS, QUARTERS)
def test_integrals_add_up(given: Series, first: int, second: int, third: int) -> None:
    one, two, three = sorted(map(at, (first, second, third)))
    assert given.integral(one, two) + given.integral(two, three) == pytest.approx(given.integral(one, three), abs=1e-3)


@given(some_series(), st.lists(QUARTERS, min_size=1, max_size=20))
def test_many_times_at_once_are_as_one_by_one(given: Series, quarters: list[int]) -> None:
    times = np.array([at(quarter) for quarter in quarters])
    assert given.values_at(times).tolist() == [given.at(float(time)) for time in times]
    areas = given.integrals_to(times) - given.integrals_to(np.array([FIRST]))
    assert areas == pytest.approx([given.integral(FIRST, float(time)) for time in times], abs=1e-3)


@given(
    st.lists(some_series(), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 3), QUARTERS, st.integers(0, 400)), min_size=1, max_size=20),
)
def test_series_side_by_side_are_as_one_by_one(given: list[Series], asked: list[tuple[int, int, int]]) -> None:
    which = np.array([number % len(given) for number, _, _ in asked])
    start = np.array([at(quarter) for _, quarter, _ in asked])
    end = np.array([at(quarter + length) for _, quarter, length in asked])
    expected = [given[i].integral(float(a), float(b)) for i, a, b in zip(which, start, end, strict=True)]
    assert SeriesTable(given).integrals(which, start, end) == pytest.approx(expected, abs=1e-3)


@given(some_series(), QUARTERS, st.integers(1, 400))
def test_between_changes_values_stay(given: Series, quarter: int, length: int) -> None:
    start, end = at(quarter), at(quarter + length)
    changes = given.changes(start, end)
    assert changes.tolist() == sorted(set(changes.tolist()))
    assert all(start < time < end for time in changes)
    for i in range(1, length):
        time = at(quarter + i)
        if given.at(time) != given.at(at(quarter + i - 1)):
            assert time in changes


def test_changes_outside_are_those_of_the_repetition() -> None:
    found = hourly(30).changes(FIRST + 28 * HOUR, FIRST + 33 * HOUR)
    assert found.tolist() == [FIRST + HOUR * hour for hour in (29, 30, 31, 32)]
    found = hourly(30).changes(FIRST - 2 * HOUR, FIRST + 2 * HOUR)
    assert found.tolist() == [FIRST + HOUR * hour for hour in (-1, 0, 1)]
