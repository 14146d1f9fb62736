"""A generator in the words of a scenario file: nothing is lost, and what would be is said."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_generators import DAY, GIB, constant, generator, job_class, lognormal, template, workload

from yuheng.model.duration import parse_duration
from yuheng.model.node import Toleration
from yuheng.model.pod import DeviceRequest, Pod, PodSpec
from yuheng.model.scenario import ArrivalProcess, Distribution, Generator
from yuheng.readers.scenario.generation import GenerateFields
from yuheng.simulation.description import described, undescribed
from yuheng.simulation.fit import fit

AFTERNOONS = (0.5,) * 12 + (1.5,) * 12
WORKDAYS = (1.2,) * 5 + (0.5, 0.5)


def duration_of(distribution: Distribution) -> object:
    (section,) = described(generator(job_class(duration=distribution), jobs=1))["classes"]
    return section["duration"]


def test_a_generator_in_full() -> None:
    training = job_class(
        "training",
        0.25,
        lognormal(7200.0, 1.2, least=60.0, most=7 * DAY),
        pods=Distribution(kind="uniform", a=2.0, b=8.0),
        gang=False,
        template=template(
            4000, 16 * GIB, 500, ("A100", "V100"), queue="research", priority=5, labels={"team": "x"}, namespace="ml"
        ),
    )
    drawn = generator(training, rate=120.5, variation=1.5, daily=AFTERNOONS, weekly=WORKDAYS, length=30 * DAY)
    assert described(drawn) == {
        "arrivals": {"rate": "120.5/h", "daily": list(AFTERNOONS), "weekly": list(WORKDAYS), "variation": 1.5},
        "length": "720h",
        "classes": [
            {
                "name": "training",
                "share": 0.25,
                "pods": {"uniform": {"from": 2, "to": 8}},
                "gang": False,
                "cpu": 4,
                "memory": "16Gi",
                "gpu": 0.5,
                "gpuModel": ["A100", "V100"],
                "queue": "research",
                "priority": 5,
                "labels": {"team": "x"},
                "namespace": "ml",
                "duration": {"lognormal": {"median": "2h", "sigma": 1.2}, "least": "1m", "most": "168h"},
            }
        ],
    }


def test_what_is_the_default_is_left_out() -> None:
    drawn = generator(job_class("a", 1.0, constant(90.0), template=template(1500, 0)), rate=1e-5, jobs=10)
    assert described(drawn) == {
        "arrivals": {"rate": "0.00001/h", "variation": 1},
        "jobs": 10,
        "classes": [{"name": "a", "share": 1, "cpu": "1500m", "duration": "1m30s"}],
    }


@pytest.mark.parametrize(
    ("distribution", "words"),
    [
        (constant(0.0), "0s"),
        (constant(math.inf), "never"),
        (Distribution(kind="constant", a=5.0, least=60.0), "1m"),
        (Distribution(kind="uniform", a=1.5, b=3600.0), {"uniform": {"from": "1.5s", "to": "1h"}}),
        (Distribution(kind="exponential", a=100.0), {"exponential": {"mean": "1m40s"}}),
        (Distribution(kind="pareto", a=60.0, b=1.5), {"pareto": {"least": "1m", "tail": 1.5}}),
        (Distribution(kind="weibull", a=60.0, b=0.5), {"weibull": {"scale": "1m", "shape": 0.5}}),
        (Distribution(kind="empirical", values=(1.0, 61.0), most=9.0), {"empirical": ["1s", "1m1s"], "most": "9s"}),
    ],
)
def test_distributions(distribution: Distribution, words: object) -> None:
    assert duration_of(distribution) == words


@given(st.floats(0, 9e9).filter(lambda seconds: seconds == 0 or seconds > 1e-6))
def test_no_digit_of_a_duration_is_lost(seconds: float) -> None:
    text = duration_of(constant(seconds))
    assert isinstance(text, str)
    assert parse_duration(text) == seconds


KINDS = st.sampled_from(["uniform", "exponential", "lognormal", "pareto", "weibull", "empirical"])
AMOUNTS = st.floats(0.001, 1e6).map(lambda value: float(f"{value:.6g}"))


@st.composite
def distributions(draw: st.DrawFn) -> Distribution:
    kind = draw(KINDS)
    a, b = sorted(draw(st.lists(AMOUNTS, min_size=2, max_size=2)))
    if kind == "empirical":
        return Distribution(kind=kind, values=tuple(sorted(draw(st.lists(AMOUNTS, min_size=1)))), least=a)
    return Distribution(kind=kind, a=a, b=0.0 if kind == "exponential" else b, most=draw(AMOUNTS | st.just(math.inf)))


@given(distributions(), distributions(), AMOUNTS, AMOUNTS, st.booleans())
def test_a_scenario_reads_what_was_written(
    duration: Distribution, pods: Distribution, rate: float, share: float, gang: bool
) -> None:
    job = job_class("a", share, duration, pods=pods, gang=gang)
    read = GenerateFields.model_validate(described(generator(job, rate=rate, daily=AFTERNOONS, jobs=7))).generator()
    assert read.arrivals == ArrivalProcess(rate=rate, daily=AFTERNOONS)
    (found,) = read.classes
    assert (found.share, found.duration, found.pods, found.gang) == (share, duration, pods, gang)
    assert read.jobs == 7


def test_a_scenario_reads_what_was_fitted() -> None:
    jobs = workload(
        [float(n) for n in range(30)],
        [60.0 + n for n in range(30)],
        templates=[template(1000 * (1 + n % 3), gpu=500 * (n % 3), labels={"qos": "LS"}) for n in range(30)],
    )
    written = fit(jobs).generator
    read = GenerateFields.model_validate(described(written)).generator()
    assert (read.arrivals, read.jobs, len(read.classes)) == (written.arrivals, 30, 3)
    for found, given_ in zip(read.classes, written.classes, strict=True):
        assert (found.duration, found.share, found.name) == (given_.duration, given_.share, given_.name)
        assert (found.template.labels, found.template.name) == (given_.template.labels, given_.template.name)
        assert found.template.spec.devices == given_.template.spec.devices
        assert found.template.spec.requests["cpu"] == given_.template.spec.requests["cpu"]


def test_what_the_words_do_not_reach_is_said() -> None:
    plain = job_class("plain")
    spec = PodSpec(
        requests={"cpu": 1, "example.com/nic": 2},
        node_selector={"zone": "a"},
        tolerations=(Toleration(operator="Exists"),),
        devices=DeviceRequest(1, 1000, memory=GIB),
    )
    fenced = job_class("fenced", template=Pod(name="x", spec=spec, preempts=False))
    drawn: Generator = generator(plain, fenced, jobs=1)
    assert undescribed(drawn) == (
        "fenced: a scenario's classes do not tell preempts, node selector, tolerations, example.com/nic, device memory",
    )
