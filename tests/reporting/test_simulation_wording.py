"""How measures are worded: every one has its words, values read like values, differences have a sign and a verdict."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_simulations import swept

from yuheng.model.simulation import MEASURES, Measure, Run
from yuheng.reporting.comparison import Comparison
from yuheng.reporting.measures import (
    clock_text,
    column_title,
    difference_text,
    meaning,
    measure_of,
    spread_text,
    value_text,
)
from yuheng.reporting.scale import steps


def compared(*totals):
    """Policies a, b, c, ... with a tuple of totals each, one a seed."""
    runs = [
        Run(policy=policy, seed=seed, totals=found, series=())
        for policy, by_seed in zip("abcdef", totals, strict=False)
        for seed, found in enumerate(by_seed)
    ]
    return Comparison(swept("made", runs))


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_has_a_title_for_a_column_and_a_sentence(name):
    assert len(column_title(name)) <= 13
    assert column_title(name).isupper()
    assert re.fullmatch(r"[A-Z].*\.", meaning(name))


def test_titles_tell_measures_apart():
    assert len({column_title(name) for name in MEASURES}) == len(MEASURES)


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("cost_usd", MEASURES["cost_usd"]),
        ("pending_jobs", Measure("jobs pending", "", "lower")),
        ("held_gpu_percent", Measure("held gpu", "%")),
        ("queue_wait_seconds", Measure("queue wait", "s")),
        ("percent", Measure("percent", "")),
        ("moons", Measure("moons", "")),
    ],
)
def test_a_measure_that_nobody_knows_speaks_for_itself(name, measure):
    assert measure_of(name) == measure


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.25, "0.25s"),
        (0.999, "1s"),
        (9.94, "9.9s"),
        (59.4, "59s"),
        (59.6, "1m"),
        (312, "5m 12s"),
        (3599.7, "1h"),
        (4980, "1h 23m"),
        (86399, "1d"),
        (273600, "3d 4h"),
        (-90, "-1m 30s"),
        (-0.001, "0s"),
        (40_000_000, "462d 23h"),
    ],
)
def test_seconds_are_told_in_their_two_largest_units(seconds, text):
    assert clock_text(seconds) == text


@given(st.floats(0, 1e8))
def test_a_duration_is_never_far_from_what_it_says(seconds):
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    parts = re.findall(r"([\d.,]+)([dhms])", clock_text(seconds))
    said = sum(float(number.replace(",", "")) * units[unit] for number, unit in parts)
    assert math.isclose(said, seconds, rel_tol=0.06, abs_tol=0.006)
    assert all(float(number.replace(",", "")) < 60 for number, unit in parts if unit != "d")


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("%", 4.605, "4.61%"),
        ("%", -0.001, "0.00%"),
        ("h", 1204.46, "1,204.5 h"),
        ("USD", 3120.5, "$3,120.50"),
        ("USD", -3, "-$3.00"),
        ("1/h", 12.44, "12.4/h"),
        ("", 10725.0, "10,725"),
        ("", 0.98765, "0.988"),
        ("s", 4980, "1h 23m"),
    ],
)
def test_values_have_their_units(unit, value, text):
    assert value_text(unit, value) == text


@pytest.mark.parametrize(
    ("unit", "mean", "half", "text"),
    [
        ("%", 4.605, 0.1234, "4.61 ± 0.12%"),
        ("1/h", 35.53, 0.46, "35.5 ± 0.5/h"),
        ("", 12, 0.5, "12.0 ± 0.5"),
        ("", 2.0561, 0.0774, "2.056 ± 0.077"),
        ("s", 4980, 93, "1h 23m ± 1m 33s"),
        ("USD", 41365.1, 222.914, "$41,365.10 ± 222.91"),
    ],
)
def test_an_interval_has_as_many_decimals_as_its_mean(unit, mean, half, text):
    assert spread_text(unit, mean, mean - half, mean + half) == text


@pytest.mark.parametrize(
    ("unit", "value", "width", "text"),
    [
        ("%", -2.314, None, "-2.31 pp"),
        ("%", 2.314, 0.2, "+2.31 ± 0.20 pp"),
        ("%", 0.0, None, "0.00 pp"),
        ("%", -0.001, None, "0.00 pp"),
        ("s", 725, None, "+12m 5s"),
        ("", -35.0, None, "-35"),
        ("USD", -1751.37, 303.77, "-$1,751.37 ± 303.77"),
    ],
)
def test_differences_have_a_sign_and_percents_become_points(unit, value, width, text):
    assert difference_text(unit, value, width) == text


def test_the_best_is_the_lowest_or_the_highest_and_nothing_where_neither_is_better():
    found = compared(
        [{"jobs": 1.0, "refused": 3.0, "finished": 9.0}],
        [{"jobs": 2.0, "refused": 2.0, "finished": 5.0}],
        [{"jobs": 3.0, "refused": 2.0, "finished": 5.0}],
    )
    best = {measure: [policy for policy in "abc" if found.best(policy, measure)] for measure in found.measures}
    assert best == {"jobs": [], "finished": ["a"], "refused": ["b", "c"]}


def test_nothing_is_best_where_all_have_the_same_or_there_is_nobody_else():
    same = compared([{"refused": 2.0}], [{"refused": 2.0}])
    assert same.varying == []
    assert not same.best("a", "refused")
    alone = compared([{"refused": 2.0}])
    assert alone.varying == ["refused"]
    assert not alone.best("a", "refused")


def test_a_measure_that_a_policy_lacks_is_not_the_same_for_all():
    found = compared([{"jobs": 2.0, "cost_usd": 5.0}], [{"jobs": 2.0}])
    assert found.varying == ["cost_usd"]
    assert not found.best("a", "cost_usd")


@pytest.mark.parametrize(
    ("measure", "base", "other", "verdict"),
    [
        ("refused", (10.0, 11.0, 12.0), (1.0, 2.0, 3.5), "better"),
        ("refused", (1.0, 2.0, 3.5), (10.0, 11.0, 12.0), "worse"),
        ("finished", (1.0, 2.0, 3.5), (10.0, 11.0, 12.0), "better"),
        ("jobs", (1.0, 2.0, 3.5), (10.0, 11.0, 12.0), "differs"),
        ("refused", (1.0, 9.0, 5.0), (2.0, 5.0, 8.0), ""),
        ("refused", (1.0,), (9.0,), ""),
        ("refused", (1.0, 1.0), (9.0, 9.0), "worse"),
    ],
)
def test_a_verdict_needs_several_seeds_and_an_interval_without_zero(measure, base, other, verdict):
    found = compared([{measure: value} for value in base], [{measure: value} for value in other])
    assert found.verdict(found.difference("b", measure)) == verdict


def test_a_measure_that_one_seed_alone_tells_has_no_interval():
    found = compared([{"jobs": 1.0, "cost_usd": 1.0}, {"jobs": 1.0}], [{"jobs": 2.0, "cost_usd": 9.0}, {"jobs": 3.0}])
    assert found.several_seeds
    assert not found.has_interval("a", "cost_usd")
    assert found.verdict(found.difference("b", "cost_usd")) == ""


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(2, 12), st.sampled_from(["", "s", "%"]))
def test_an_axis_has_round_numbers_within_its_range_and_not_too_many(low, span, most, unit):
    high = low + max(span, abs(low) * 1e-6)
    found = steps(low, high, most, unit)
    step = (high - low) * 1e-6
    assert len(found) <= most + 1
    assert all(low - step <= value <= high + step for value in found)
    assert found == sorted(set(found))


def test_an_axis_of_time_is_cut_as_a_clock_is():
    assert steps(0, 7200, 4, "s") == [0, 1800, 3600, 5400, 7200]
    assert steps(0, 14 * 86400, 7, "s") == [0, 172800, 345600, 518400, 691200, 864000, 1036800, 1209600]
    assert steps(-2.5, 11, 5) == [0, 5, 10]
