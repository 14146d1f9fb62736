"""A fitted generator: what was generated is found again, and a trace's jobs come back in kind."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from made_generators import (
    DAILY,
    DAY,
    GIB,
    THURSDAY_NOON,
    WEEK,
    WEEKLY,
    constant,
    generator,
    job_class,
    lognormal,
    template,
    workload,
)

from yuheng.errors import InputError
from yuheng.model.scenario import Distribution, Generator
from yuheng.model.workload import Workload
from yuheng.readers.traces import read_trace
from yuheng.simulation.distributions import draw
from yuheng.simulation.fit import fit
from yuheng.simulation.fitted_classes import MOST_CLASSES
from yuheng.simulation.fitted_distributions import distance, fit_distribution
from yuheng.simulation.generate import generate

HEAVY = Distribution(kind="weibull", a=9e4, b=0.7)


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def mean_one(factors: Sequence[float]) -> list[float]:
    return (np.array(factors) / np.mean(factors)).tolist()


# Arrivals


@pytest.mark.parametrize("variation", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("epoch", [None, THURSDAY_NOON])
def test_the_arrivals_that_were_drawn_are_found(variation: float, epoch: float | None) -> None:
    """Nine and a half weeks: some days were seen ten times, some nine."""
    drawn = generator(rate=200.0, variation=variation, daily=DAILY, weekly=WEEKLY, length=9.5 * WEEK)
    found = fit(generate(drawn, 21, epoch))
    arrivals = found.generator.arrivals
    assert found.warnings == ()
    assert arrivals.rate == pytest.approx(200.0, rel=0.03)
    assert arrivals.variation == pytest.approx(variation, rel=0.03)
    assert arrivals.daily == pytest.approx(mean_one(DAILY), abs=0.08)
    assert arrivals.weekly == pytest.approx(mean_one(WEEKLY), abs=0.05)


def test_the_epoch_given_goes_before_that_of_the_trace() -> None:
    drawn = generate(generator(rate=500.0, daily=DAILY, length=2 * WEEK), 22, THURSDAY_NOON)
    midnight = fit(drawn, epoch=0.0).generator.arrivals.daily
    assert midnight == pytest.approx(np.roll(mean_one(DAILY), -12), abs=0.1)


def test_a_part_of_a_week_does_not_pass_for_a_busy_one() -> None:
    """Nine days at one rate have two Mondays and one Friday, and no busy day."""
    found = fit(generate(generator(rate=600.0, length=9 * DAY), 23, None)).generator.arrivals
    assert found.weekly == pytest.approx((1.0,) * 7, abs=0.05)
    assert found.rate == pytest.approx(600.0, rel=0.02)


def test_a_part_of_a_day_does_not_pass_for_a_busy_one() -> None:
    """A day and a half at one rate has its first twelve hours twice."""
    found = fit(generate(generator(rate=3000.0, length=1.5 * DAY), 23, None)).generator.arrivals
    assert found.daily == pytest.approx((1.0,) * 24, abs=0.08)


@pytest.mark.parametrize(
    ("length", "flat", "words"),
    [(3 * DAY, ("weekly",), ["shorter than a week"]), (DAY / 2, ("daily", "weekly"), ["than a day", "than a week"])],
)
def test_a_short_trace_tells_no_shape(length: float, flat: tuple[str, ...], words: list[str]) -> None:
    found = fit(generate(generator(rate=300.0, daily=DAILY, weekly=WEEKLY, length=length), 24, None))
    for name in ("daily", "weekly"):
        factors = getattr(found.generator.arrivals, name)
        assert (max(factors) == min(factors) == 1.0) == (name in flat)
    assert len(found.warnings) == len(words)
    assert all(word in sentence for word, sentence in zip(words, found.warnings, strict=True))


def test_few_jobs_make_no_wild_factors() -> None:
    """Sixty jobs: by chance none in some hours of the day and six in others."""
    few = fit(generate(generator(rate=0.2, length=2 * WEEK), 25, None)).generator.arrivals
    assert 0.4 < min(few.daily) <= max(few.daily) < 2.0


def test_a_few_old_jobs_do_not_thin_out_the_rest() -> None:
    busy = generate(generator(rate=100.0, length=30 * DAY), 26, None).submit
    submit = np.concatenate((np.linspace(0.0, 90 * DAY, 30), 100 * DAY + busy))
    found = fit(workload(submit))
    assert found.generator.arrivals.rate == pytest.approx(100.0, rel=0.03)
    assert found.generator.arrivals.variation == pytest.approx(1.0, rel=0.05)
    assert found.generator.jobs == len(submit)
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("99% of the jobs arrive within 29.7 of the 130 days of the trace")


def test_a_regular_trace_can_be_drawn_again() -> None:
    found = fit(workload(np.arange(0.0, 30 * DAY, 600.0))).generator
    assert found.arrivals.rate == pytest.approx(6.0, rel=1e-4)
    assert 0.0 < found.arrivals.variation < 0.01
    assert np.diff(generate(found, 1, None).submit) == pytest.approx(600.0, rel=0.01, abs=30.0)


@pytest.mark.parametrize(
    ("submit", "found"),
    [([], "no jobs"), ([5.0], "1 jobs that"), ([5.0, 5.0], "2 jobs that are submitted at one")],
)
def test_what_tells_no_rate(submit: list[float], found: str) -> None:
    with pytest.raises(InputError, match=f"submit: found {found}.*, expected two jobs at different times at least"):
        fit(workload(submit))


# Durations


@pytest.mark.parametrize(
    "drawn",
    [
        Distribution(kind="exponential", a=300.0),
        Distribution(kind="lognormal", a=7200.0, b=1.2),
        Distribution(kind="lognormal", a=7200.0, b=1.2, least=60.0, most=7 * DAY),
        Distribution(kind="weibull", a=900.0, b=0.6),
        Distribution(kind="weibull", a=900.0, b=2.5),
        Distribution(kind="pareto", a=60.0, b=1.3),
    ],
)
def test_the_family_that_was_drawn_is_found(drawn: Distribution) -> None:
    values = draw(drawn, rng(), 10_000)
    found = fit_distribution(values)
    assert found.kind == drawn.kind
    assert (found.a, found.b) == pytest.approx((drawn.a, drawn.b), rel=0.05)
    assert (found.least, found.most) == pytest.approx((values.min(), values.max()), rel=1e-5)


def test_what_is_of_no_family_is_told_by_quantiles() -> None:
    """Two peaks, far apart."""
    values = np.concatenate((rng(1).normal(100, 5, 3000), rng(2).normal(10_000, 500, 7000)))
    found = fit_distribution(values)
    assert (found.kind, len(found.values)) == ("empirical", 101)
    again = draw(found, rng(3), 20_000)
    for share in (0.1, 0.29, 0.5, 0.9):
        assert np.quantile(again, share) == pytest.approx(np.quantile(values, share), rel=0.03)
    assert again.mean() == pytest.approx(values.mean(), rel=0.02)


def test_the_last_hundredth_keeps_its_mean() -> None:
    """A line to the largest value would double the mean of all."""
    values = np.concatenate((np.tile([10.0, 5000.0], 5000), [1e6] * 10, [1e8]))
    found = fit_distribution(values)
    assert found.kind == "empirical"
    assert np.trapezoid(found.values) / 100 == pytest.approx(values.mean(), rel=0.02)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([7.0], "constant"),
        ([7.0] * 50, "constant"),
        ([0.0] * 50, "constant"),
        ([1.0, 2.0, 9.0], "empirical"),
        ([0.0] * 40 + [30.0] * 60, "empirical"),
        ([0.0] * 40 + [float(value) for value in range(60)], "empirical"),
    ],
)
def test_samples_that_are_small_or_odd(values: list[float], kind: str) -> None:
    found = fit_distribution(np.array(values))
    assert found.kind == kind
    again = draw(found, rng(), 2000)
    assert min(values) <= again.min() <= again.max() <= max(values)
    assert again.mean() == pytest.approx(np.mean(values), rel=0.1)


def test_the_distance_of_a_sample_from_its_family() -> None:
    """By hand: the exponential of mean 1 has 0.632 below 1 and 0.950 below 3, where the sample has half."""
    exponential = Distribution(kind="exponential", a=1.0)
    assert distance(exponential, np.array([1.0])) == pytest.approx(1 - math.exp(-1))
    assert distance(exponential, np.array([1.0, 1.0, 3.0, 3.0])) == pytest.approx(1 - math.exp(-1))
    bounded = Distribution(kind="exponential", a=1.0, least=1.0, most=3.0)
    assert distance(bounded, np.array([1.0, 1.0, 3.0, 3.0])) == pytest.approx(1 - math.exp(-3) - 0.5)


def test_the_distance_is_that_of_scipy() -> None:
    from scipy import stats  # noqa: PLC0415 -- seconds, for this test alone

    values = np.sort(draw(Distribution(kind="weibull", a=10.0, b=0.8), rng(), 300))
    cases = [
        (Distribution(kind="exponential", a=9.0), stats.expon(scale=9.0)),
        (Distribution(kind="lognormal", a=6.0, b=1.4), stats.lognorm(1.4, scale=6.0)),
        (Distribution(kind="weibull", a=11.0, b=0.9), stats.weibull_min(0.9, scale=11.0)),
        (Distribution(kind="pareto", a=0.5, b=0.4), stats.pareto(0.4, scale=0.5)),
    ]
    for ours, theirs in cases:
        assert distance(ours, values) == pytest.approx(stats.kstest(values, theirs.cdf).statistic, abs=1e-12)


# Classes


def test_the_classes_that_were_drawn_are_found() -> None:
    small = job_class("small", 3.0, lognormal(600.0, 0.8), template=template(500, queue="a"))
    large = job_class(
        "large",
        1.0,
        Distribution(kind="weibull", a=9e4, b=0.7),
        template=template(8000, 64 * GIB, 4000),
        pods=constant(8),
    )
    found = fit(generate(generator(small, large, jobs=20_000), 31, None)).generator.classes
    by_cpu = {item.template.spec.requests["cpu"]: item for item in found}
    assert set(by_cpu) == {500, 8000}
    for drawn in (small, large):
        item = by_cpu[drawn.template.spec.requests["cpu"]]
        assert item.share == pytest.approx(drawn.share / 4, abs=0.01)
        assert (item.template.spec, item.template.queue) == (drawn.template.spec, drawn.template.queue)
        assert item.duration.kind == drawn.duration.kind
        assert (item.duration.a, item.duration.b) == pytest.approx((drawn.duration.a, drawn.duration.b), rel=0.05)
        assert (item.pods, item.gang) == (drawn.pods, True)


def test_templates_that_differ_by_name_are_one_class() -> None:
    templates = [template(labels={"b": "1", "a": "2"}), template(labels={"a": "2", "b": "1"}, created=4.0)]
    (found,) = fit(workload([0.0, 9.0], templates=templates)).generator.classes
    assert (found.name, found.template.name, found.share) == ("class-01", "class-01", 1.0)
    assert found.template.created == math.inf


def test_rare_jobs_are_counted_in_the_nearest_class() -> None:
    """Of 60 kinds, 40 stay; the smallest are told as their neighbours, in the same queue."""
    kinds = [template(100 * (n + 1), queue="even" if n % 2 == 0 else "odd") for n in range(60)]
    jobs = [kinds[n] for n in range(60) for _ in range(n + 1)]
    found = fit(workload([float(n) for n in range(len(jobs))], templates=jobs))
    classes = found.generator.classes
    assert len(classes) == MOST_CLASSES
    assert sum(item.share for item in classes) == pytest.approx(1.0, abs=1e-4)
    odd = sum(item.share for item in classes if item.template.queue == "odd")
    assert odd == pytest.approx(sum(pod.queue == "odd" for pod in jobs) / len(jobs), abs=1e-4)
    assert found.warnings[-1].startswith("210 of 1,830 jobs look like none of the 40 classes")


def test_few_large_jobs_stay_where_they_ask_for_much() -> None:
    """One job in a hundred has all the GPUs: it is a class, however rare."""
    jobs = [template(1000 + 10 * (n % 60)) for n in range(990)] + [template(64_000, gpu=8000)] * 10
    classes = fit(workload([float(n) for n in range(1000)], templates=jobs)).generator.classes
    assert next(item.share for item in classes if item.template.spec.devices.count == 8) == pytest.approx(0.01)


def test_sizes_that_vary_stay_as_they_were() -> None:
    pods = [1] * 60 + [8] * 40
    found = fit(workload([float(n) for n in range(100)], pods=pods))
    drawn = generate(found.generator, 3, None).pods
    assert np.isin(drawn, [1, 8]).mean() > 0.97
    assert np.mean(generate(_with_jobs(found.generator, 20_000), 4, None).pods) == pytest.approx(3.8, rel=0.03)


def test_gangs_are_told_and_partial_ones_warned_of() -> None:
    times = [float(n) for n in range(4)]
    assert fit(workload(times, pods=4)).generator.classes[0].gang
    assert not fit(workload(times, pods=4, minimum=1)).generator.classes[0].gang
    partly = fit(workload(times, pods=4, minimum=[3, 4, 4, 4]))
    assert partly.generator.classes[0].gang
    assert "1 jobs need only some of their pods to start" in partly.warnings[-1]


def test_jobs_that_never_end_are_a_class_of_their_own() -> None:
    durations = [60.0, math.inf, 60.0, 60.0]
    found = fit(workload([0.0, 1.0, 2.0, 3.0], durations))
    told = [(item.name, item.share, item.duration.a) for item in found.generator.classes]
    assert told == [("class-01", 0.75, 60.0), ("class-01-endless", 0.25, math.inf)]
    assert found.warnings[-1] == "1 of 4 jobs never end in the trace: as many are drawn that never end"


def test_what_a_generator_does_not_tell_is_said() -> None:
    jobs = workload([0.0, 1.0], usage={"memory": np.ones(2), "cpu": np.ones(2)})
    jobs.estimate[:] = 60.0
    assert fit(jobs).warnings[-2:] == (
        "estimates of how long jobs work are not told by a generator",
        "usage (cpu, memory) is not told by a generator",
    )


# The openb trace


@pytest.mark.shared_data
def test_the_openb_trace_and_what_is_drawn_after_it(shared: Path) -> None:
    trace = read_trace(shared / "data/openb/openb_pod_list_default.csv", queue_by="qos")
    found = fit(trace)
    assert len(found.generator.classes) == MOST_CLASSES
    assert "arrive within 33.4 of the 149 days" in found.warnings[0]
    again = generate(found.generator, 41, None)
    busy = trace.submit[trace.submit > trace.submit[-1] - 33.4 * DAY]
    assert per_hour(again.submit) == pytest.approx(per_hour(busy), rel=0.05)
    assert demand(again) == pytest.approx(demand(trace), rel=0.05)
    for share in (0.25, 0.5, 0.75):
        assert np.quantile(again.duration, share) == pytest.approx(np.quantile(trace.duration, share), rel=0.15)
    assert queues(again) == pytest.approx(queues(trace), abs=0.02)


def per_hour(submit: np.ndarray) -> float:
    return len(submit) / (submit[-1] - submit[0]) * 3600


def demand(jobs: Workload) -> list[float]:
    """Milli-cores, bytes and thousandths of GPUs of the mean job."""
    specs = [pod.spec for pod in jobs.templates]
    gpus = [spec.devices.count * spec.devices.milli for spec in specs]
    asked = [
        (spec.requests.get("cpu", 0), spec.requests.get("memory", 0), gpu)
        for spec, gpu in zip(specs, gpus, strict=True)
    ]
    return np.array(asked)[jobs.template].mean(axis=0).tolist()


def queues(jobs: Workload) -> dict[str, float]:
    """The share of each queue of a hundredth or more."""
    names = np.array([pod.queue for pod in jobs.templates])[jobs.template]
    shares = {name: float(np.mean(names == name)) for name in ("LS", "BE")}
    assert sum(shares.values()) > 0.9
    return shares


def _with_jobs(drawn: Generator, jobs: int) -> Generator:
    return msgspec.structs.replace(drawn, jobs=jobs)
