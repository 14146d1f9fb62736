"""Generated workloads: when jobs arrive, what they are, and how quantities are distributed."""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from yuheng.model.pod import Pod
from yuheng.model.scenario import ArrivalProcess, Distribution, Generator, JobClass
from yuheng.readers.openb import pod_spec
from yuheng.readers.scenario.refusals import Fields, one_of, refused, unfit
from yuheng.readers.scenario.values import (
    MOST_GPUS,
    Bytes,
    Milli,
    Name,
    PerHour,
    PositiveSeconds,
    Seconds,
    above,
    at_least,
    no_text,
    within,
)
from yuheng.readers.traces.requests import devices_of

__all__ = ["GenerateFields"]

MOST_JOBS: Final = 100_000_000
INFINITE: Final = float("inf")
KINDS: Final = ("constant", "uniform", "exponential", "lognormal", "pareto", "weibull", "empirical")
Above0 = Annotated[float, above(0)]


class Uniform(Fields):
    """Anything between two values."""

    from_: Seconds = Field(alias="from", description="The least.")
    to: Seconds = Field(description="The most.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.to < self.from_:
            raise refused(self.to, f"no less than from, which is {self.from_:g}", ".to")
        return self


class Exponential(Fields):
    """Many short, few long; without memory."""

    mean: PositiveSeconds = Field(description="The mean.")


class Lognormal(Fields):
    """A logarithm that is normally distributed: durations of jobs often are close to it."""

    median: PositiveSeconds = Field(description="The median.")
    sigma: Annotated[float, at_least(0)] = Field(description="The standard deviation of the logarithm.")


class Pareto(Fields):
    """A heavy tail: a few are very long."""

    least: PositiveSeconds = Field(description="The smallest value.")
    tail: Above0 = Field(description="The tail index: the lower, the heavier; the mean is infinite up to 1.")


class Weibull(Fields):
    """Between a heavy tail (shape below 1) and nearly equal values (shape far above 1)."""

    scale: PositiveSeconds = Field(description="The value that 63 % stay below.")
    shape: Above0 = Field(description="The shape; 1 is exponential.")


class DistributionFields(Fields):
    """How a quantity is distributed: one of the kinds, and bounds to which draws beyond them are moved.

    Of numbers of pods all values are numbers, where durations are named.
    """

    constant: Seconds | None = Field(default=None, description="Always this value.")
    uniform: Uniform | None = Field(default=None, description="Anything between two values.")
    exponential: Exponential | None = Field(default=None, description="An exponential distribution.")
    lognormal: Lognormal | None = Field(default=None, description="A lognormal distribution.")
    pareto: Pareto | None = Field(default=None, description="A Pareto distribution.")
    weibull: Weibull | None = Field(default=None, description="A Weibull distribution.")
    empirical: list[Seconds] | None = Field(
        default=None, description="Measured values, as equally likely quantiles; between them is interpolated."
    )
    least: Seconds = Field(default=0.0, description="No draw is below.")
    most: Seconds | None = Field(default=None, description="No draw is above.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        one_of(self, *KINDS)
        if self.most is not None and self.most < self.least:
            raise refused(self.most, f"no less than least, which is {self.least:g}", ".most")
        if self.empirical is not None and not self.empirical:
            raise unfit("an empty list", "values", ".empirical")
        return self

    def distribution(self) -> Distribution:
        """The distribution, in seconds where the values were durations."""
        kind = one_of(self, *KINDS)
        chosen = getattr(self, kind)
        bounds: dict[str, Any] = {"least": self.least, "most": INFINITE if self.most is None else self.most}
        if kind == "constant":
            return Distribution(kind="constant", a=chosen, **bounds)
        if kind == "empirical":
            return Distribution(kind="empirical", values=tuple(sorted(chosen)), **bounds)
        a, *b = chosen.model_dump().values()
        return Distribution(kind=kind, a=a, b=b[0] if b else 0.0, **bounds)  # type: ignore[arg-type]


def _as_distribution(value: object) -> object:
    """A plain value as a constant."""
    return value if isinstance(value, dict | DistributionFields) else {"constant": value}


Durations = Annotated[
    DistributionFields, BeforeValidator(_as_distribution, json_schema_input_type=Seconds | DistributionFields)
]
Numbers = Annotated[
    DistributionFields,
    BeforeValidator(lambda value: _as_distribution(no_text(value)), json_schema_input_type=float | DistributionFields),
]


class ArrivalFields(Fields):
    """When jobs arrive: how many, in which hours, and how regularly."""

    rate: PerHour = Field(description="How many on average, such as `120/h`, `2/min` or `5000/d`.")
    daily: list[Annotated[float, at_least(0)]] | None = Field(
        default=None,
        description="24 factors of the rate by hour of the day (UTC), hour 0 first; their mean counts as 1.",
    )
    weekly: list[Annotated[float, at_least(0)]] | None = Field(
        default=None, description="7 factors of the rate by day of the week, Monday first; their mean counts as 1."
    )
    variation: Annotated[float, above(0)] = Field(
        default=1.0,
        description="Coefficient of variation of the times between arrivals; 1 is Poisson, more comes in bursts.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, factors, count in (("daily", self.daily, 24), ("weekly", self.weekly, 7)):
            if factors is not None and (len(factors) != count or not any(factors)):
                raise unfit(f"{len(factors)} factors", f"{count}, not all of them 0", f".{name}")
        return self

    def process(self) -> ArrivalProcess:
        """The arrival process."""
        return ArrivalProcess(
            rate=self.rate,
            daily=tuple(self.daily or (1.0,) * 24),
            weekly=tuple(self.weekly or (1.0,) * 7),
            variation=self.variation,
        )


def _models(value: object) -> object:
    return [value] if isinstance(value, str) else value


class ClassFields(Fields):
    """Jobs of one kind."""

    name: Name = Field(description="Unique; messages name the class by it.")
    share: Annotated[float, above(0)] = Field(
        default=1.0, description="How many of all jobs are of it, relative to the other classes."
    )
    duration: Durations = Field(description="How long each pod works: a duration, or a distribution of durations.")
    pods: Numbers = Field(
        default=DistributionFields(constant=1.0),
        description="How many pods a job has: a number, or a distribution of numbers.",
    )
    gang: bool = Field(default=True, description="Whether all its pods have to start together.")
    cpu: Milli = Field(default=0, description="What a pod asks for, as a Kubernetes quantity.")
    memory: Bytes = Field(default=0, description="What a pod asks for, as a Kubernetes quantity.")
    gpu: Annotated[float, at_least(0)] = Field(
        default=0.0, description="How many GPUs a pod asks for: whole ones, or a share of one, in thousandths."
    )
    gpu_model: Annotated[list[str], BeforeValidator(_models, json_schema_input_type=str | list[str])] = Field(
        default=[], description="The GPU models that will do; any, where none is named."
    )
    queue: str = Field(default="", description="The queue of its jobs; without it the queue `default`.")
    priority: Annotated[int, within(-(2**31), 2**31 - 1)] = Field(
        default=0, description="Of its pods; more goes first."
    )
    labels: dict[str, str] = Field(default={}, description="Of its pods.")
    namespace: Name = Field(default="default", description="Of its pods.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        milli = round(self.gpu * 1000, 6)
        if milli % 1 or (milli > 1000 and milli % 1000) or milli > 1000 * MOST_GPUS:
            expected = f"a share of one GPU in thousandths, or up to {MOST_GPUS} whole ones"
            raise refused(self.gpu, expected, ".gpu")
        if self.gpu_model and not self.gpu:
            raise unfit("GPU models of pods without GPUs", "gpu above 0, or no gpuModel", ".gpuModel")
        return self

    def job_class(self) -> JobClass:
        """The class."""
        devices = devices_of(round(self.gpu * 1000), "|".join(self.gpu_model))
        template = Pod(
            name=self.name,
            namespace=self.namespace,
            spec=pod_spec(self.cpu, self.memory, devices),
            labels=self.labels,
            priority=self.priority,
            queue=self.queue,
        )
        return JobClass(
            name=self.name,
            share=self.share,
            template=template,
            duration=self.duration.distribution(),
            pods=self.pods.distribution(),
            gang=self.gang,
        )


class GenerateFields(Fields):
    """A workload that is drawn from each seed."""

    arrivals: ArrivalFields = Field(description="When jobs arrive.")
    jobs: Annotated[int, within(1, MOST_JOBS)] | None = Field(
        default=None, description="How many jobs arrive; this or `length`."
    )
    length: PositiveSeconds | None = Field(default=None, description="For how long jobs arrive; this or `jobs`.")
    classes: list[ClassFields] = Field(description="What the jobs are.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        one_of(self, "jobs", "length")
        if not self.classes:
            raise unfit("no class", "one or more", ".classes")
        seen: set[str] = set()
        for index, job_class in enumerate(self.classes):
            if job_class.name in seen:
                raise refused(job_class.name, "a name that no other class has", f".classes[{index}].name")
            seen.add(job_class.name)
        return self

    def generator(self) -> Generator:
        """The generator."""
        return Generator(
            arrivals=self.arrivals.process(),
            classes=tuple(job_class.job_class() for job_class in self.classes),
            length=INFINITE if self.length is None else self.length,
            jobs=self.jobs,
        )
