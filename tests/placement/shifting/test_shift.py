"""Many jobs shifted by a forecast, measured on the truth."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from statistics import mean

import numpy as np
import pytest
from made_series import DAY, HOUR, MIDNIGHT, at, hourly

from yuheng.errors import InputError
from yuheng.model.series import Series
from yuheng.model.shifting import ShiftableJob, ShiftRule, ShiftWorkload
from yuheng.placement.shifting import draw_jobs, forecast, limits, shift

YEAR = (datetime(2020, 1, 1, tzinfo=UTC).timestamp(), datetime(2020, 12, 31, tzinfo=UTC).timestamp())
TRAINING = ShiftWorkload(start=YEAR[0], end=YEAR[1], count=3387, shortest=4 * HOUR, longest=89.5 * HOUR)


def noisy(days: int) -> Series:
    """Hours of some days, dear at noon."""
    hours = np.arange(24.0 * days)
    wave = 300 - 200 * np.cos(2 * np.pi * hours / 24)
    return Series(MIDNIGHT + HOUR * hours, wave + np.random.default_rng(7).uniform(0, 50, len(hours)))


def test_a_job_moves_to_where_it_costs_least() -> None:
    job = ShiftableJob(name="a", issued=at(0), duration=2 * HOUR, weight=2.0)
    series = hourly(5, 4, 1, 2, 6, 1)
    found = shift([job], series, ShiftRule(after=4 * HOUR))
    assert found.jobs[0].parts == ((at(2), at(4)),)
    assert (found.before, found.after) == (2 * 9 * HOUR, 2 * 3 * HOUR)
    assert found.saved_percent == pytest.approx(100 * 6 / 9)
    split = shift([job], series, ShiftRule(after=4 * HOUR, interruptible=True))
    assert split.jobs[0].parts == ((at(2), at(3)), (at(5), at(6)))
    assert split.saved_percent == pytest.approx(100 * 7 / 9)


def test_without_slack_nothing_moves() -> None:
    jobs = draw_jobs(ShiftWorkload(start=at(0), end=at(48), daily=5, shortest=HOUR, longest=9 * HOUR), 1)
    found = shift(jobs, noisy(5), ShiftRule(interruptible=True), error=0.5, seed=3)
    assert [job.parts for job in found.jobs] == [((job.issued, job.issued + job.duration),) for job in jobs]
    assert found.saved_percent == pytest.approx(0.0)


def test_no_jobs_save_nothing() -> None:
    assert shift([], noisy(1), ShiftRule()).saved_percent == 0.0


def test_savings_are_measured_on_the_truth() -> None:
    job = ShiftableJob(name="a", issued=at(0), duration=HOUR)
    series = hourly(*[100.0] * 12)
    found = shift([job], series, ShiftRule(after=11 * HOUR), error=0.3, seed=1)
    assert found.saved_percent == pytest.approx(0.0)
    assert found.jobs[0].parts[0][0] > at(0)


def test_errors_of_a_forecast_are_independent_and_as_large_as_said() -> None:
    truth = Series(MIDNIGHT + HOUR * np.arange(20_000.0), np.full(20_000, 250.0))
    errors = forecast(truth, 0.05, 1).values / 250.0 - 1
    assert errors.mean() == pytest.approx(0.0, abs=0.002)
    assert errors.std() == pytest.approx(0.05, rel=0.03)
    assert np.corrcoef(errors[:-1], errors[1:])[0, 1] == pytest.approx(0.0, abs=0.03)
    assert forecast(truth, 0.05, 1).values.tolist() == forecast(truth, 0.05, 1).values.tolist()
    assert forecast(truth, 0.05, 2).values[0] != forecast(truth, 0.05, 1).values[0]
    assert forecast(truth, 0.0, 1) is truth


def test_a_wrong_forecast_saves_less() -> None:
    jobs = draw_jobs(ShiftWorkload(start=at(0), end=at(24 * 25), daily=4, shortest=HOUR, longest=9 * HOUR), 1)
    rule = ShiftRule(limit="semi-weekly", interruptible=True)
    exact, slightly, badly = (
        shift(jobs, noisy(40), rule, error=error, seed=1).saved_percent for error in (0, 0.1, 0.5)
    )
    assert exact > slightly > badly > 0


def test_a_job_that_no_window_lets_start_is_told() -> None:
    job = ShiftableJob(name="nightly", issued=at(8), duration=HOUR)
    for interruptible in (False, True):
        with pytest.raises(InputError, match="nightly: found no moment to start"):
            shift([job], noisy(2), ShiftRule(after=HOUR, windows=((60, 120),), interruptible=interruptible))


def test_restarts_are_paid_for() -> None:
    job = ShiftableJob(name="a", issued=at(0), duration=2 * HOUR)
    rule = ShiftRule(after=3 * HOUR, interruptible=True, restart=HOUR / 2)
    found = shift([job], hourly(1, 3, 1, 9, 9), rule)
    assert found.jobs[0].parts == ((at(0), at(1)), (at(1.5), at(3)))
    assert found.after == 3.5 * HOUR


@pytest.mark.parametrize("interruptible", [False, True])
def test_jobs_stay_within_their_limits(interruptible: bool) -> None:
    jobs = draw_jobs(ShiftWorkload(start=at(0), end=at(24 * 13), count=60, shortest=HOUR, longest=70 * HOUR), 5)
    rule = ShiftRule(limit="next-workday", interruptible=interruptible)
    for job, ran in zip(jobs, shift(jobs, noisy(30), rule, error=0.05).jobs, strict=True):
        earliest, deadline = limits(rule, job)
        assert earliest <= ran.parts[0][0]
        assert ran.parts[-1][1] <= deadline
        assert all(before[1] < after[0] for before, after in pairwise(ran.parts))
        assert sum(end - start for start, end in ran.parts) == pytest.approx(job.duration)


def test_jobs_are_drawn_within_what_is_asked_for() -> None:
    jobs = draw_jobs(TRAINING, 3)
    assert len(jobs) == 3387
    assert jobs == draw_jobs(TRAINING, 3)
    assert jobs != draw_jobs(TRAINING, 4)
    assert {datetime.fromtimestamp(job.issued, UTC).weekday() for job in jobs} == {0, 1, 2, 3, 4}
    assert {job.issued % DAY / HOUR for job in jobs} == {9 + i / 2 for i in range(16)}
    assert {job.duration / HOUR for job in jobs} == {4 + i / 2 for i in range(172)}
    assert all(one.issued <= other.issued for one, other in pairwise(jobs))


def test_as_many_jobs_each_day() -> None:
    nightly = ShiftWorkload(
        start=at(0), end=at(24 * 6), daily=2, workdays=False, opens=60, closes=90, shortest=HOUR, longest=HOUR
    )
    assert [job.issued for job in draw_jobs(nightly, 1)] == [at(24 * day + 1) for day in range(7) for _ in range(2)]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"end": at(-24)}, "no day"),
        ({"start": at(24 * 5), "end": at(24 * 6)}, "no day"),
        ({"opens": 600, "closes": 600}, "no moment of the day"),
        ({"longest": HOUR / 2, "step": 60.0}, "no duration"),
    ],
)
def test_there_has_to_be_something_to_draw_from(fields: dict[str, float], message: str) -> None:
    workload = {"start": at(0), "end": at(24), "shortest": HOUR, "longest": HOUR, **fields}
    with pytest.raises(InputError, match=message):
        draw_jobs(ShiftWorkload(**workload), 1)


def half_hours(path: Path) -> Series:
    """The values of 2020 at whole half hours, as the published experiment takes them."""
    with path.open(newline="") as lines:
        rows = [
            (datetime.fromisoformat(row[0]).replace(tzinfo=UTC), float(row[1])) for row in list(csv.reader(lines))[1:]
        ]
    kept = [(moment.timestamp(), value) for moment, value in rows if moment.year > 2019 and moment.minute % 30 == 0]
    return Series(np.array([moment for moment, _ in kept]), np.array([value for _, value in kept]))


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("country", "interruptible", "published"),
    [("ger", False, 5.91), ("ger", True, 7.93), ("gb", False, 6.56), ("gb", True, 9.03)],
)
def test_published_savings(shared: Path, country: str, interruptible: bool, published: float) -> None:
    """Wiesner et al., "Let's Wait Awhile" (Middleware '21), scenario II, next workday, forecasts off by 5 %.

    As in the published code, a job that would end on a Friday evening is due on Saturday morning, and the last half
    hour of a forecast begins at the limit.
    """
    series = half_hours(shared / f"data/carbon/{country}_ci.csv")
    rule = ShiftRule(limit="next-morning", after=HOUR / 2, interruptible=interruptible)
    found = mean(shift(draw_jobs(TRAINING, seed), series, rule, error=0.05, seed=seed).saved_percent for seed in (0, 1))
    assert found == pytest.approx(published, abs=0.3)
    # To the letter of the rule's name Friday evening's jobs are due on Monday, which saves a point more.
    monday = ShiftRule(limit="next-workday", interruptible=interruptible)
    assert 0.5 < shift(draw_jobs(TRAINING, 0), series, monday, error=0.05).saved_percent - published < 1.2
