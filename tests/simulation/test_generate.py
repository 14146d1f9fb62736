"""Generated workloads: as many jobs, at the hours, in the bursts, and of the classes that were asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_generators import (
    DAILY,
    DAY,
    THURSDAY_NOON,
    WEEK,
    WEEKLY,
    constant,
    generator,
    job_class,
    lognormal,
    template,
)

from yuheng.errors import InputError
from yuheng.model.scenario import ArrivalProcess, Distribution, Generator
from yuheng.model.workload import Workload
from yuheng.simulation.arrivals import Clock
from yuheng.simulation.generate import generate

COLUMNS = ("submit", "template", "duration", "pods", "minimum")
MIXED = (
    job_class("short", 3.0, Distribution(kind="exponential", a=30.0)),
    job_class("none", 0.0),
    job_class("long", 1.0, lognormal(3600.0, 1.2, least=60.0, most=7 * DAY), pods=constant(4.0)),
)


def hour_of_week(seconds: np.ndarray, monday: float = 0.0) -> np.ndarray:
    return ((seconds + monday) % WEEK // 3600).astype(int)


def same(one: Workload, other: Workload, *columns: str) -> list[bool]:
    return [np.array_equal(getattr(one, column), getattr(other, column)) for column in columns]


@pytest.mark.parametrize("variation", [0.0, 0.5, 1.0, 3.0])
def test_the_mean_rate(variation: float) -> None:
    length = 20 * WEEK
    found = len(generate(generator(rate=50.0, variation=variation, daily=DAILY, length=length), 1, None))
    expected = 50.0 * length / 3600
    assert abs(found - expected) <= 4 * max(variation, 0.01) * math.sqrt(expected)


@pytest.mark.parametrize("variation", [0.4, 1.0, 4.0])
def test_bursty_arrivals_are_no_more_at_the_start_than_later(variation: float) -> None:
    """What whoever starts to watch finds is a process that runs already: the mean count is the rate from second 0."""
    drawn = generator(rate=20.0, variation=variation, length=3600.0)
    counts = np.array([len(generate(drawn, seed, None)) for seed in range(2000)])
    assert counts.mean() == pytest.approx(20.0, abs=4 * counts.std() / math.sqrt(len(counts)))


@pytest.mark.parametrize("epoch", [None, THURSDAY_NOON])
def test_the_shape_of_the_week(epoch: float | None) -> None:
    weeks = 50
    drawn = generator(rate=40.0, daily=DAILY, weekly=WEEKLY, length=weeks * WEEK)
    monday = 0.0 if epoch is None else 3.5 * DAY
    counts = np.bincount(hour_of_week(generate(drawn, 2, epoch).submit, monday), minlength=168)
    shape = np.outer(np.array(WEEKLY) / np.mean(WEEKLY), np.array(DAILY) / np.mean(DAILY)).ravel()
    expected = 40.0 * weeks * shape
    # Pearson's statistic of Poisson counts with 168 degrees of freedom: mean 168, deviation 18.
    assert 168 - 4 * 18.3 < np.sum((counts - expected) ** 2 / expected) < 168 + 4 * 18.3


def test_factors_count_by_their_ratio_only() -> None:
    plain = generate(generator(daily=DAILY, jobs=500), 3, None)
    tripled = generate(generator(daily=tuple(3 * factor for factor in DAILY), jobs=500), 3, None)
    assert tripled.submit == pytest.approx(plain.submit)


def test_nothing_arrives_in_hours_of_rate_0() -> None:
    working = (0.0,) * 9 + (1.0,) * 8 + (0.0,) * 7
    submit = generate(generator(daily=working, weekly=(0, 1, 1, 1, 1, 0, 0), jobs=50_000), 4, None).submit
    assert set(hour_of_week(submit)) == {24 * day + hour for day in (1, 2, 3, 4) for hour in range(9, 17)}


def test_a_day_of_work_ends_where_the_next_begins() -> None:
    """Eight jobs are expected from 9 to 17; the ninth begins to be expected at 9 on the next day."""
    working = (0.0,) * 9 + (3.0,) * 8 + (0.0,) * 7
    clock = Clock(ArrivalProcess(rate=1.0 / 3.0, daily=working), None)
    found = clock.seconds(np.array([0.0, 1.0, 7.5, 8.0, 9.0]))
    assert found / 3600 == pytest.approx([9.0, 10.0, 16.5, 33.0, 34.0])


@pytest.mark.parametrize("variation", [0.0, 0.3, 1.0, 2.5])
def test_the_variation_of_times_between_arrivals(variation: float) -> None:
    steady = np.diff(generate(generator(variation=variation, jobs=100_000), 5, None).submit)[1:]
    assert steady.std() / steady.mean() == pytest.approx(variation, rel=0.03, abs=1e-6)
    waves = generator(variation=variation, daily=DAILY, weekly=WEEKLY, jobs=100_000)
    operational = np.diff(Clock(waves.arrivals, None).operational(generate(waves, 5, None).submit))[1:]
    assert operational.std() / operational.mean() == pytest.approx(variation, rel=0.03, abs=1e-6)


def test_as_many_jobs_as_asked_for_or_as_arrive_in_time() -> None:
    assert len(generate(generator(jobs=1234), 6, None)) == 1234
    assert len(generate(generator(jobs=0), 6, None)) == 0
    both = generator(rate=1000.0, jobs=10, length=DAY)
    assert len(generate(both, 6, None)) == 10
    assert generate(generator(rate=1000.0, length=DAY), 6, None).submit[-1] < DAY
    assert len(generate(generator(rate=1e-9, length=1.0), 6, None)) == 0


def test_classes_have_their_shares_durations_and_sizes() -> None:
    drawn = generate(generator(*MIXED, jobs=40_000), 7, None)
    assert np.bincount(drawn.template, minlength=3) / len(drawn) == pytest.approx([0.75, 0.0, 0.25], abs=0.01)
    short, long = drawn.template == 0, drawn.template == 2
    assert drawn.duration[short].mean() == pytest.approx(30.0, rel=0.03)
    assert np.median(drawn.duration[long]) == pytest.approx(3600.0, rel=0.05)
    assert (drawn.duration[long].min(), drawn.duration[long].max()) >= (60.0, 60.0)
    assert (set(drawn.pods[short]), set(drawn.pods[long])) == ({1}, {4})


def test_classes_and_columns_are_drawn_independently() -> None:
    even = Distribution(kind="uniform", a=0.0, b=1000.0)
    drawn = generate(generator(job_class(duration=even, pods=even), job_class(duration=even), jobs=4000), 7, None)
    one, other = (drawn.duration[drawn.template == number][:1500] for number in (0, 1))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.1
    assert abs(np.corrcoef(one, drawn.pods[drawn.template == 0][:1500])[0, 1]) < 0.1


def test_a_gang_starts_together_and_others_one_by_one() -> None:
    sizes = Distribution(kind="uniform", a=0.0, b=5.0)
    drawn = generate(generator(job_class(pods=sizes), job_class(pods=sizes, gang=False), jobs=2000), 8, None)
    gang = drawn.template == 0
    assert np.array_equal(drawn.minimum[gang], drawn.pods[gang])
    assert set(drawn.minimum[~gang]) == {1}
    assert set(drawn.pods) == {1, 2, 3, 4, 5}


def test_what_nobody_said_is_unknown() -> None:
    drawn = generate(generator(job_class(template=template(cpu=70)), jobs=3), 9, THURSDAY_NOON)
    assert (drawn.names, drawn.usage, drawn.epoch) == ((), {}, THURSDAY_NOON)
    assert np.all(np.isnan(drawn.estimate))
    assert drawn.name(2) == "job-0000002"
    assert drawn.templates[0].spec.requests["cpu"] == 70


def test_the_seed_decides() -> None:
    drawn = generator(*MIXED, jobs=300, variation=2.0)
    assert all(same(generate(drawn, 10, None), generate(drawn, 10, None), *COLUMNS))
    assert not any(same(generate(drawn, 10, None), generate(drawn, 11, None), "submit", "template", "duration"))


def test_one_change_does_not_reshuffle_the_rest() -> None:
    before = generate(generator(*MIXED, jobs=400), 12, None)
    other = job_class("short", 3.0, Distribution(kind="weibull", a=9.0, b=0.5), pods=lognormal(3.0, 1.0))
    after = generate(generator(other, *MIXED[1:], jobs=400), 12, None)
    long = before.template == 2
    assert same(before, after, "submit", "template") == [True, True]
    assert np.array_equal(before.duration[long], after.duration[long])
    faster = generate(generator(*MIXED, jobs=400, rate=900.0), 12, None)
    assert same(before, faster, "submit", "template", "duration", "pods") == [False, True, True, True]


def test_more_jobs_are_the_same_jobs_and_more() -> None:
    few, many = (generate(generator(jobs=count, variation=2.0), 13, None) for count in (100, 200))
    assert np.array_equal(few.submit, many.submit[:100])


@given(
    st.floats(0.01, 1e4),
    st.lists(st.floats(0, 5), min_size=24, max_size=24).filter(lambda factors: sum(factors) > 0.1),
    st.floats(0, 2e9),
)
def test_the_clock_runs_both_ways(rate: float, daily: list[float], epoch: float) -> None:
    clock = Clock(ArrivalProcess(rate=rate, daily=tuple(daily)), epoch)
    jobs = np.linspace(0.0, 3 * rate * 168, 200)
    seconds = clock.seconds(jobs)
    assert np.all(np.diff(seconds) >= 0)
    assert clock.operational(seconds) == pytest.approx(jobs, rel=1e-6, abs=1e-6 * rate * 168)


@given(st.integers(0, 2**64), st.floats(0, 50), st.floats(0, 10 * DAY))
def test_jobs_arrive_in_order_and_in_time(seed: int, variation: float, length: float) -> None:
    submit = generate(generator(rate=10.0, variation=variation, daily=DAILY, length=length), seed, None).submit
    assert np.all(np.diff(submit) >= 0)
    assert np.all((submit >= 0) & (submit < max(length, 1e-9)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Generator(arrivals=ArrivalProcess(rate=1.0), classes=(), jobs=1), "classes: found no classes"),
        (generator(job_class(share=0.0), jobs=1), "classes: found shares from 0 to 0, expected 0 or more, not all 0"),
        (generator(job_class(share=-1.0), job_class(), jobs=1), "classes: found shares from -1 to 1"),
        (generator(), "jobs: found neither a number of jobs nor a length, expected one of them"),
        (generator(length=-5.0), "length: found -5 seconds, expected a length of 0 or more"),
        (generator(rate=0.0, jobs=1), "arrivals.rate: found 0 jobs per hour, expected a rate above 0"),
        (
            generator(variation=-1.0, jobs=1),
            "arrivals.variation: found -1, expected a coefficient of variation from 0 to 1000",
        ),
        (generator(daily=(1.0,) * 23, jobs=1), "arrivals.daily: found 23 factors from 1 to 1, expected 24 factors"),
        (generator(weekly=(0.0,) * 7, jobs=1), "arrivals.weekly: found 7 factors from 0 to 0, expected 7 factors"),
    ],
)
def test_what_cannot_be_drawn(wrong: Generator, message: str) -> None:
    with pytest.raises(InputError) as caught:
        generate(wrong, 1, None)
    assert str(caught.value).startswith(message)
