"""The best parts of an interruptible job: no other parts are better."""

from __future__ import annotations

from itertools import pairwise, product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from made_series import HOUR, QUARTER, WINDOWS, at, hourly, is_open, some_series

from yuheng.model.series import Series
from yuheng.placement.shifting import best_slots, best_start
from yuheng.placement.shifting.slots import Slots

Windows = tuple[tuple[int, int], ...]


@pytest.mark.parametrize(
    ("duration", "earliest", "deadline", "parts", "value"),
    [
        # Hours cost 5, 1, 4, 2, 3.
        (1.0, 0, 5, [(1, 2)], 1),
        (2.0, 0, 5, [(1, 2), (3, 4)], 3),
        (3.0, 0, 5, [(1, 2), (3, 5)], 6),
        (5.0, 0, 5, [(0, 5)], 15),
        (1.5, 1.5, 4, [(1.5, 2), (3, 4)], 2.5),
        # What is left for a dearer hour is where it makes no interruption.
        (2.5, 0, 5, [(1, 2), (3, 4.5)], 4.5),
        (3.5, 0, 5, [(1, 2.5), (3, 5)], 8),
    ],
)
def test_the_cheapest_hours(
    duration: float, earliest: float, deadline: float, parts: list[tuple[float, float]], value: float
) -> None:
    found = best_slots(hourly(5, 1, 4, 2, 3), duration * HOUR, at(earliest), at(deadline))
    assert found is not None
    assert found.parts == tuple((at(start), at(end)) for start, end in parts)
    assert found.value == pytest.approx(value * HOUR)


def test_what_is_left_joins_the_hour_after_it() -> None:
    found = best_slots(hourly(9, 5, 1), 1.5 * HOUR, at(0), at(3))
    assert found is not None
    assert found.parts == ((at(1.5), at(3)),)


def test_equally_cheap_hours_make_no_interruption() -> None:
    found = best_slots(Series.constant(0.1), 5 * HOUR, at(0.3), at(20))
    assert found is not None
    assert found.parts == ((at(0.3), at(5.3)),)


def test_of_many_equally_cheap_hours_the_first() -> None:
    found = best_slots(hourly(*[2, 1] * 40), 3 * HOUR, at(0), at(80))
    assert found is not None
    assert found.parts == ((at(1), at(2)), (at(3), at(4)), (at(5), at(6)))


@pytest.mark.parametrize(
    ("restart", "parts"),
    [
        (0.0, [(0, 1), (2, 3)]),
        # Half an hour at the price of 3 is paid for an hour at 1 instead of 3.
        (0.5, [(0, 1), (1.5, 3)]),
        # A whole hour at 3 is not.
        (1.0, [(0, 2)]),
    ],
)
def test_an_interruption_has_to_be_worth_its_restart(restart: float, parts: list[tuple[float, float]]) -> None:
    found = best_slots(hourly(1, 3, 1, 9, 9), 2 * HOUR, at(0), at(5), restart=restart * HOUR)
    assert found is not None
    assert found.parts == tuple((at(start), at(end)) for start, end in parts)


@pytest.mark.parametrize(
    ("duration", "restart", "windows"), [(3.5, 0.0, ()), (3.5, 600.0, ()), (2.0, 0.0, ((600, 660),))]
)
def test_there_may_be_too_little_time(duration: float, restart: float, windows: Windows) -> None:
    assert best_slots(hourly(1, 2, 3), duration * HOUR, at(0), at(3), windows, restart=restart) is None


@given(some_series(), st.integers(1, 60), st.integers(0, 40), st.integers(0, 100))
def test_no_other_quarters_are_cheaper(series: Series, work: int, earliest: int, spare: int) -> None:
    start = at(earliest / 4)
    end = start + QUARTER * (work + spare)
    quarters = sorted(series.at(start + QUARTER * i) * QUARTER for i in range(work + spare))
    found = best_slots(series, QUARTER * work, start, end)
    assert found is not None
    assert found.value == pytest.approx(sum(quarters[:work]), abs=1e-3)
    check(found, series, QUARTER * work, start, end)


def check(found: Slots, series: Series, length: float, start: float, end: float) -> None:
    """Parts that are apart, within the time, as long as they have to be, and cost what is said."""
    assert all(before[1] < after[0] for before, after in pairwise(found.parts))
    assert all(begin < finish for begin, finish in found.parts)
    assert start <= found.parts[0][0]
    assert found.parts[-1][1] <= end + 1e-6
    assert sum(finish - begin for begin, finish in found.parts) == pytest.approx(length)
    assert found.value == pytest.approx(sum(series.integral(*part) for part in found.parts), abs=1e-3)


def every_plan(series: Series, work: int, hours: int, windows: Windows, restart: float) -> list[float]:
    """What each choice of hours costs that is allowed."""
    found = []
    for chosen in product((False, True), repeat=hours):
        if sum(chosen) != work:
            continue
        begins = [i for i in range(hours) if chosen[i] and not (i and chosen[i - 1])]
        starts = [at(hour) - (restart if n else 0.0) for n, hour in enumerate(begins)]
        ends = [at(i + 1) for i in range(hours) if chosen[i] and not (i + 1 < hours and chosen[i + 1])]
        apart = all(end < start for end, start in zip(ends, starts[1:], strict=False))
        if apart and all(is_open(windows, start) for start in starts):
            found.append(sum(series.integral(*part) for part in zip(starts, ends, strict=True)))
    return found


@settings(deadline=None)
@example(values=[0, 0, -1, 0, 0, -1, 0, 0, 0], work=3, windows=(), restart=3600.0)
@given(
    st.lists(st.integers(-20, 100), min_size=9, max_size=9),
    st.integers(1, 5),
    WINDOWS,
    st.sampled_from([0.0, 600.0, 1800.0, 3600.0, 5400.0]),
)
def test_no_other_hours_are_cheaper_with_restarts_and_windows(
    values: list[int], work: int, windows: Windows, restart: float
) -> None:
    series = hourly(*values)
    plans = every_plan(series, work, 9, windows, restart)
    found = best_slots(series, HOUR * work, at(0), at(9), windows, restart=restart)
    if not plans:
        assert found is None
        return
    assert found is not None
    if windows or restart:
        assert found.value == pytest.approx(min(plans), abs=1e-3)
    check(found, series, HOUR * work + restart * (len(found.parts) - 1), at(0), at(9))


@given(
    some_series(),
    st.floats(600.0, 40_000.0),
    st.floats(0.0, 50_000.0),
    st.floats(0.0, 90_000.0),
    WINDOWS,
    st.sampled_from([0.0, 60.0, 1000.0]),
)
@settings(deadline=None, max_examples=50)
def test_it_is_never_worse_than_in_one_go(
    series: Series, work: float, earliest: float, spare: float, windows: Windows, restart: float
) -> None:
    start = at(0) + earliest
    end = start + work + spare
    whole = best_start(series, work, start, end - work, windows)
    found = best_slots(series, work, start, end, windows, restart=restart)
    if whole is not None:
        assert found is not None
        assert found.value <= whole.value + 1e-3
    if found is not None:
        check(found, series, work + restart * (len(found.parts) - 1), start, end)
        assert all(is_open(windows, begin) or begin == found.parts[0][0] for begin, _ in found.parts)
