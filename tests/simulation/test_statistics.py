"""Means, intervals and paired differences: tables worked out by hand, scipy, and how often intervals are right."""

from __future__ import annotations

import math

import numpy as np
import pytest

from yuheng.errors import InputError
from yuheng.model.simulation import MEASURES, Difference, Run, Summary
from yuheng.simulation.statistics import differences, interval, summarise
from yuheng.simulation.student import incomplete_beta, two_sided_quantile

# Student's t with two degrees of freedom at 95%, 4.303 in any table, by its closed form.
T_2 = 0.95 * math.sqrt(2 / (1 - 0.95**2))


def run(policy: str, seed: int, **totals: float) -> Run:
    return Run(policy=policy, seed=seed, totals=totals, series=())


RUNS = (
    run("fgd", 1, finished=10.0, allocated_gpu_percent=80.0),
    run("best", 1, finished=7.0, allocated_gpu_percent=70.0, cost_usd=5.0),
    run("fgd", 2, finished=20.0, allocated_gpu_percent=80.0),
    run("best", 3, finished=28.0, allocated_gpu_percent=72.0),
    run("fgd", 3, finished=30.0, allocated_gpu_percent=80.0),
    run("best", 2, finished=19.0, allocated_gpu_percent=71.0),
)


def test_means_and_intervals_by_hand() -> None:
    """fgd finished 10, 20, 30: mean 20, deviation 10; best 7, 19, 28: mean 18, deviation sqrt(111)."""
    fgd, best = 10 * T_2 / math.sqrt(3), math.sqrt(111) * T_2 / math.sqrt(3)
    allocated = T_2 / math.sqrt(3)
    expected = [
        Summary("fgd", "finished", 20.0, 20 - fgd, 20 + fgd),
        Summary("fgd", "allocated_gpu_percent", 80.0, 80.0, 80.0),
        Summary("best", "finished", 18.0, 18 - best, 18 + best),
        Summary("best", "allocated_gpu_percent", 71.0, 71 - allocated, 71 + allocated),
        Summary("best", "cost_usd", 5.0, 5.0, 5.0),
    ]
    found = summarise(RUNS, 0.95)
    assert [(one.policy, one.measure) for one in found] == [(one.policy, one.measure) for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert (one.mean, one.low, one.high) == pytest.approx((other.mean, other.low, other.high), rel=1e-12)


def test_differences_are_paired_by_seed() -> None:
    """best minus fgd: -3, -1, -2 jobs finished: mean -2, deviation 1, whatever the seeds do to both."""
    half = T_2 / math.sqrt(3)
    finished, allocated = differences(RUNS, "fgd", 0.95)
    assert (finished.policy, finished.baseline, finished.measure) == ("best", "fgd", "finished")
    assert (finished.mean, finished.low, finished.high) == pytest.approx((-2, -2 - half, -2 + half), rel=1e-12)
    assert (allocated.measure, allocated.mean) == ("allocated_gpu_percent", -9.0)


def test_only_seeds_that_both_have_count() -> None:
    runs = (run("a", 1, finished=1.0), run("a", 2, finished=100.0), run("b", 2, finished=101.0), run("b", 3, jobs=9.0))
    assert differences(runs, "a", 0.95) == (Difference("b", "a", "finished", 1.0, 1.0, 1.0),)
    assert differences(runs, "b", 0.95) == (Difference("a", "b", "finished", -1.0, -1.0, -1.0),)


@pytest.mark.parametrize("runs", [(), (run("a", 1, finished=1.0),), (run("b", 1, finished=1.0),)])
def test_without_pairs_there_is_no_difference(runs: tuple[Run, ...]) -> None:
    assert differences(runs, "a", 0.95) == ()


def test_measures_come_in_their_own_order_and_only_those_asked_for() -> None:
    runs = (run("a", 1, **dict.fromkeys(reversed(MEASURES), 1.0)),)
    assert [one.measure for one in summarise(runs, 0.9)] == list(MEASURES)
    assert [one.measure for one in summarise(runs, 0.9, ("slowdown_p99", "jobs"))] == ["jobs", "slowdown_p99"]


def test_what_is_not_finite_does_not_count() -> None:
    runs = (run("a", 1, finished=math.nan, jobs=math.inf), run("a", 2, finished=4.0))
    assert summarise(runs, 0.95) == (Summary("a", "finished", 4.0, 4.0, 4.0),)


def test_an_unknown_measure() -> None:
    for ask in (lambda: summarise(RUNS, 0.95, ["speed"]), lambda: differences(RUNS, "fgd", 0.95, ["speed"])):
        with pytest.raises(InputError, match="measures: found 'speed', expected one of jobs, finished"):
            ask()


@pytest.mark.parametrize("value", [0.1, -3.7, 1e300, 0.0])
def test_identical_values_have_no_width(value: float) -> None:
    assert interval([value] * 7, 0.95) == (value, value, value)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize("size", [3, 10])
def test_intervals_cover_the_mean_as_often_as_they_say(confidence: float, size: int) -> None:
    rng = np.random.Generator(np.random.PCG64(77))
    samples = rng.normal(5.0, 3.0, (2000, size)).tolist()
    intervals = [interval(sample, confidence) for sample in samples]
    covered = sum(low <= 5.0 <= high for _mean, low, high in intervals) / 2000
    assert covered == pytest.approx(confidence, abs=0.02)


def test_quantiles_are_those_of_scipy() -> None:
    from scipy import stats  # noqa: PLC0415 -- seconds, for this test alone

    for freedom in (1, 2, 3, 4, 5, 9, 30, 99, 1000, 10_000):
        for confidence in (0.01, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.999999):
            expected = stats.t.isf((1 - confidence) / 2, freedom)
            assert two_sided_quantile(freedom, confidence) == pytest.approx(expected, rel=1e-9)


def test_the_incomplete_beta_function_is_that_of_scipy() -> None:
    from scipy import special  # noqa: PLC0415 -- seconds, for this test alone

    for a, b in ((0.5, 0.5), (2.0, 3.0), (40.0, 0.5), (0.5, 400.0), (7.5, 7.5)):
        for x in (0.0, 1e-9, 0.1, 0.5, 0.77, 0.999, 1.0):
            expected = special.betainc(a, b, x)
            assert incomplete_beta(a, b, x, 1 - x) == pytest.approx(expected, rel=1e-10, abs=1e-300)


@pytest.mark.parametrize(
    ("freedom", "confidence", "expected"),
    [(1, 0.5, 1.0), (2, 0.5, math.sqrt(2 / 3)), (3, 0.0, 0.0), (1, 0.9, math.tan(0.45 * math.pi))],
)
def test_quantiles_with_a_closed_form(freedom: int, confidence: float, expected: float) -> None:
    assert two_sided_quantile(freedom, confidence) == pytest.approx(expected, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize(("freedom", "confidence"), [(0, 0.9), (3, 1.0), (3, -0.1), (3, math.nan)])
def test_there_is_no_such_quantile(freedom: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="no quantile for"):
        two_sided_quantile(freedom, confidence)
