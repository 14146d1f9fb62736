"""Durations and windows of the day."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.errors import InputError
from yuheng.model.duration import parse_duration, parse_period, parse_window


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("1h30m", 5400),
        ("1h2m3s4ms5us6ns", 3723.004005006),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("1.s", 1),
        ("1µs", 1e-6),
        ("1\N{GREEK SMALL LETTER MU}s", 1e-6),
        ("-1m", -60),
        ("+1m", 60),
        ("90m90m", 10800),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds, abs=0)


@pytest.mark.parametrize(
    "text", ["", "1", "h", "1d", "1h ", " 1h", "1h-1m", ".s", "1,5h", "1H", "٣s", "1e3s", "9" * 99]
)
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(InputError, match="expected a duration such as 1h30m or 45s"):
        parse_duration(text)


def test_a_duration_beyond_what_go_can_hold() -> None:
    with pytest.raises(InputError, match="less than 292 years"):
        parse_duration("9999999999h")


@given(st.integers(0, 10**5), st.integers(0, 10**5), st.integers(0, 10**5))
def test_parts_add_up(hours: int, minutes: int, seconds: int) -> None:
    assert parse_duration(f"{hours}h{minutes}m{seconds}s") == hours * 3600 + minutes * 60 + seconds


@pytest.mark.parametrize(
    ("text", "window"),
    [("10:00-21:00", (600, 1260)), ("22:00-06:30", (1320, 390)), (" 0:05-23:59 ", (5, 1439)), ("1:00-1:00", (60, 60))],
)
def test_windows(text: str, window: tuple[int, int]) -> None:
    assert parse_window(text) == window


@pytest.mark.parametrize(
    "text", ["", "10:00", "10:00-", "24:00-25:00", "10:60-11:00", "1-2", "10:00-11:00-12:00", "a-b"]
)
def test_what_is_no_window(text: str) -> None:
    with pytest.raises(InputError, match="expected a window of the day such as"):
        parse_window(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30d", 2592000), ("2w", 1209600), ("1w2d3h4m5s6ms", 788645.006), ("1.5d", 129600), ("0", 0), ("90s", 90)],
)
def test_periods_may_count_days_and_weeks(text: str, seconds: float) -> None:
    assert parse_period(text) == pytest.approx(seconds, abs=0)


@pytest.mark.parametrize("text", ["", "1", "d", "-1d", "+1d", "1 d", "1y", "1d-1h", "1M", "9" * 99])
def test_what_is_no_period(text: str) -> None:
    with pytest.raises(InputError, match="expected a duration such as 30d, 1h30m or 45s"):
        parse_period(text)


def test_a_period_beyond_what_go_can_hold() -> None:
    with pytest.raises(InputError, match="less than 292 years"):
        parse_period("99999w")
