"""What the rest of a month will cost: weekdays, levels and trends are followed, and the interval holds what comes."""

from __future__ import annotations

from math import isclose

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yuheng.finops.budgets.forecasting import FEWEST_DAYS, outlook, tried

WEEK = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.3, 0.2])


def coming(days):
    return np.ones(days)


def test_what_costs_the_same_every_day_goes_on_like_that():
    found = outlook(np.full(20, 7.0), 3, coming(10))
    assert isclose(found.total, 70.0)
    assert found.low is not None
    assert found.high is not None
    assert isclose(found.low, 70.0)
    assert isclose(found.high, 70.0)


def test_a_part_of_a_day_counts_as_that_part():
    assert isclose(outlook(np.full(20, 7.0), 3, np.array([0.25, 1.0])).total, 8.75)


def test_weekdays_are_told_apart_from_two_weeks_on():
    history = 100 * WEEK[np.arange(28) % 7]
    found = outlook(history, 0, coming(7))
    assert np.allclose(found.daily / found.daily.sum(), WEEK / WEEK.sum(), atol=0.02)
    assert isclose(found.total, 100 * WEEK.sum(), rel_tol=0.02)
    weekend = outlook(history[:-2], 5, coming(2))
    assert isclose(weekend.total, 50.0, rel_tol=0.15)


def test_days_without_a_pattern_are_not_given_one():
    history = np.random.default_rng(1).normal(100, 10, 42)
    found = outlook(history, 0, coming(7))
    # A damped trend is all that tells the days apart.
    assert np.allclose(np.diff(found.daily, 2), 0, atol=0.05)


def test_a_new_level_is_followed():
    history = np.concatenate([np.full(30, 100.0), np.full(8, 200.0)])
    assert outlook(history, 0, coming(10)).total > 1800


def test_growth_goes_on():
    history = 100 + 3.0 * np.arange(40)
    found = outlook(history, 0, coming(10))
    assert found.total > 10 * history[-1]


def test_one_day_that_ran_away_does_not_make_its_weekday_dear():
    history = 100 * WEEK[np.arange(35) % 7]
    history[21] *= 20
    monday = outlook(history, 0, coming(7)).daily
    assert monday[0] < 1.5 * monday[1]


def test_days_that_nothing_is_known_of_are_passed_over():
    history = 100 * WEEK[np.arange(28) % 7]
    history[[8, 16]] = np.nan
    found = outlook(history, 0, coming(7))
    assert isclose(found.total, 100 * WEEK.sum(), rel_tol=0.06)
    assert found.days == 26


@pytest.mark.parametrize("days", range(FEWEST_DAYS))
def test_too_few_days_have_no_interval(days):
    found = outlook(np.full(days, 5.0), 0, coming(4))
    assert (found.low, found.high, found.days) == (None, None, days)
    assert isclose(found.total, 20.0 if days else 0.0)


def test_the_same_seed_is_the_same_interval():
    history = np.random.default_rng(0).gamma(3, 30, 25)
    assert outlook(history, 0, coming(9), 4)[1:] == outlook(history, 0, coming(9), 4)[1:]


@given(
    st.lists(st.floats(0, 1e6), min_size=4, max_size=60),
    st.integers(0, 6),
    st.integers(0, 31),
)
def test_the_interval_holds_the_forecast_and_nothing_is_negative(history, weekday, days):
    found = outlook(np.array(history), weekday, coming(days))
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= found.total <= found.high
    assert (found.daily >= 0).all()
    assert np.isfinite([found.low, found.total, found.high]).all()


def made(kind, random, days=80):
    """A series of daily spend of some kind."""
    base = 100 * WEEK[np.arange(days) % 7] if kind == "weekly" else np.full(days, 100.0)
    if kind == "wandering":
        base = 100 * np.exp(np.cumsum(random.normal(0, 0.03, days)))
    if kind == "batch":
        return random.gamma(1.2, 80, days) * (random.random(days) < 0.7)
    return base * np.exp(random.normal(0, 0.1, days))


@pytest.mark.parametrize("kind", ["flat", "weekly", "wandering", "batch"])
def test_the_interval_holds_about_as_often_as_it_says(kind):
    random = np.random.default_rng(7)
    held = []
    for _ in range(60):
        history = made(kind, random)
        now = int(random.integers(20, 60))
        found = outlook(history[:now], now % 7, coming(14))
        held.append(found.low <= history[now : now + 14].sum() <= found.high)
    assert 0.65 <= np.mean(held) <= 1.0


def test_forecasts_of_earlier_days_are_tried():
    random = np.random.default_rng(2)
    count, held = tried(made("weekly", random), 80 % 7, 10)
    assert count == 10
    assert 5 <= held <= 10
    assert tried(np.full(60, 5.0), 0, 10) == (6, 6)
    assert tried(np.full(20, 5.0), 0, 10) == (0, 0)
    assert tried(np.full(60, 5.0), 0, 0) == (0, 0)
