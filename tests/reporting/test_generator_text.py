"""A generator as text: what is read back from it is the generator."""

from __future__ import annotations

import msgspec
import pytest
import yaml

from yuheng.errors import InputError
from yuheng.model.pod import DeviceRequest, Pod
from yuheng.model.scenario import ArrivalProcess, Distribution, Generator, JobClass
from yuheng.readers.openb import pod_spec
from yuheng.readers.scenario.generation import GenerateFields
from yuheng.reporting.generator_text import generator_text

GIB = 2**30
FOREVER = Distribution(kind="constant", a=float("inf"))
DISTRIBUTIONS = (
    Distribution(kind="constant", a=90.0),
    Distribution(kind="uniform", a=1.0, b=2.5),
    Distribution(kind="exponential", a=60.0, most=3600.0),
    Distribution(kind="lognormal", a=1e-05, b=1.5, least=1.0, most=1e7),
    Distribution(kind="pareto", a=10.0, b=1.1),
    Distribution(kind="weibull", a=100.0, b=0.5),
    Distribution(kind="empirical", values=(1.0, 2.5, 1e6)),
)
TEMPLATES = (
    {"spec": pod_spec(500, GIB, DeviceRequest())},
    {"spec": pod_spec(11_908, 3 * GIB + 1, DeviceRequest(count=1, milli=470, models=("T4", "V100")))},
    {"spec": pod_spec(0, 0, DeviceRequest(count=8))},
    {"spec": pod_spec(1000, 0, DeviceRequest()), "queue": "1e3", "priority": -5, "namespace": "yes"},
    {"spec": pod_spec(1000, 0, DeviceRequest()), "labels": {"team": "null", "a/b": "# no comment"}},
)


def job_class(name="a", template=TEMPLATES[0], duration=DISTRIBUTIONS[0], **rest):
    return JobClass(name=name, share=0.25, template=Pod(name=name, **template), duration=duration, **rest)


def generator(*classes, jobs=100, **rest):
    arrivals = ArrivalProcess(rate=9.9226, daily=tuple(map(float, range(24))), variation=1.3)
    return Generator(arrivals=arrivals, classes=classes, jobs=jobs, **rest)


def read_back(text):
    return GenerateFields.model_validate(yaml.safe_load(text)["generate"]).generator()


@pytest.mark.parametrize("duration", DISTRIBUTIONS, ids=lambda duration: duration.kind)
def test_a_distribution_is_read_back_as_it_was(duration):
    told = generator(job_class(duration=duration))
    assert read_back(generator_text(told)) == told


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_pods_ask_for_is_read_back_as_it_was(template):
    told = generator(job_class(template=template))
    assert read_back(generator_text(told)) == told


@pytest.mark.parametrize("gang", [True, False])
def test_the_pods_of_a_job_are_read_back_as_they_were(gang):
    pods = Distribution(kind="empirical", values=(1.0, 2.0, 8.0))
    told = generator(job_class(pods=pods, gang=gang))
    assert read_back(generator_text(told)) == told


def test_a_length_is_read_back_as_it_was():
    told = generator(job_class(), jobs=None, length=86400.0)
    assert read_back(generator_text(told)) == told


@pytest.mark.parametrize("rate", [1e-7, 0.1, 3.0, 123456.789, 1e9])
def test_a_rate_is_written_so_that_a_file_may_say_it(rate):
    told = msgspec.structs.replace(generator(job_class()), arrivals=ArrivalProcess(rate=rate))
    assert read_back(generator_text(told)).arrivals.rate == pytest.approx(rate, rel=1e-15)


def test_arrivals_that_are_regular_stay_all_but_regular():
    told = msgspec.structs.replace(generator(job_class()), arrivals=ArrivalProcess(rate=1.0, variation=0.0))
    assert 0 < read_back(generator_text(told)).arrivals.variation <= 1e-6


def test_notes_are_comments_whatever_is_in_them():
    text = generator_text(generator(job_class()), ["one", "two\nclasses: []"])
    assert text.startswith("# one\n# two\\nclasses: []\ngenerate:\n")


def test_jobs_that_never_end_are_left_out_with_a_note():
    told = generator(job_class("a"), job_class("b", duration=FOREVER))
    text = generator_text(told)
    assert text.startswith("# left out, as their jobs never end (50.000% of all): b\n")
    back = read_back(text)
    assert [item.name for item in back.classes] == ["a"]
    assert (back.jobs, back.arrivals.rate) == (50, pytest.approx(9.9226 / 2))


def test_jobs_none_of_which_ends_are_refused():
    with pytest.raises(InputError, match="found no job that ends, expected one or more"):
        generator_text(generator(job_class(duration=FOREVER)))
