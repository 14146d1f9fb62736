"""The keys of a scenario of kind ``deadline``: a job that has to be done in time, on spot markets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator

from yuheng.errors import InputError
from yuheng.model.deadline import DEADLINE_POLICIES, DeadlineJob, DeadlineScenario, SpotZone
from yuheng.model.scenario import Output
from yuheng.model.simulation import MEASURES
from yuheng.readers.scenario.refusals import Fields, nearest, one_of, refused, unfit
from yuheng.readers.scenario.schema import OutputFields, Seeds
from yuheng.readers.scenario.values import Name, PositiveSeconds, Seconds, at_least, no_text, within
from yuheng.readers.scheduler_config.refusals import refusal
from yuheng.readers.traces.spot import read_availability

__all__ = ["KIND", "DeadlineFields", "read_deadline"]

KIND: Final = "deadline"
MOST_STARTS: Final = 100_000
Money = Annotated[float, at_least(0)]


def _fractions(value: object) -> object:
    """One fraction as a list of one."""
    return value if isinstance(value, list) else [value]


Fractions = Annotated[list[float], BeforeValidator(_fractions, json_schema_input_type=float | list[float])]


class DeadlinePricesFields(Fields):
    """What an instance costs."""

    on_demand: Money = Field(description="US dollars per hour on-demand.")
    spot: Money = Field(description="US dollars per hour on spot.")


class ZoneFields(Fields):
    """A zone: when its spot market has capacity, and what it costs."""

    trace: Name = Field(
        description='A file `{"metadata": {"gap_seconds": 195}, "data": [0, 1, ...]}`, plain or compressed with gzip: '
        "whether an instance can be had at each time."
    )
    name: Name | None = Field(default=None, description="Unique; without it the name of the trace's file.")
    prices: DeadlinePricesFields | None = Field(default=None, description="Without it the scenario's `prices`.")
    egress: Money = Field(default=0.0, description="US dollars to carry the job's state out of this zone into another.")


class DeadlineFields(Fields):
    """A job that has to be done in time, and may run on spot instances; the policies to compare on it."""

    api_version: Literal["yuheng.io/v1alpha1"] | None = Field(default=None, description="The version of this format.")
    kind: Literal["deadline"] = Field(description="Says that it is a scenario of this kind.")
    name: Name | None = Field(
        default=None, description="What it is called in reports; without it the name of the file."
    )
    work: PositiveSeconds = Field(description="The work, as time on one instance that is never interrupted.")
    deadline: PositiveSeconds | None = Field(default=None, description="From the start until the work has to be done.")
    job_fraction: Fractions | None = Field(
        default=None,
        description="In place of `deadline`: work divided by the time there is for it; with a list, every policy runs "
        "with each.",
    )
    change_over: Seconds = Field(
        description="From the start of any instance until it works: boot, image, restore of the checkpoint."
    )
    prices: DeadlinePricesFields | None = Field(default=None, description="Of zones that do not tell their own.")
    zones: list[ZoneFields] = Field(description="Where the job may run.")
    candidates: Literal["single", "all"] = Field(
        default="single",
        description="`single`: runs in each zone alone, starts spread over all traces. `all`: runs that may move "
        "between all zones, whose traces are taken to begin together.",
    )
    policies: list[str] = Field(
        default=list(DEADLINE_POLICIES),
        description="What to compare; the others are compared with the first. "
        + " ".join(f"`{name}`: {purpose}." for name, purpose in DEADLINE_POLICIES.items()),
    )
    starts: Annotated[int, BeforeValidator(no_text), within(1, MOST_STARTS)] = Field(
        default=200, description="How many starts, spread evenly over the traces; with `seeds` drawn from each seed."
    )
    seeds: Seeds = Field(default=(), description="Seeds to draw starts from: a number, a range `42-51`, or a list.")
    history: Seconds = Field(
        default=0.0,
        description="How long before its start the markets were watched. Only `yuheng` looks at it.",
    )
    measures: list[str] = Field(default=[], description="The measures to compare; without it all.")
    confidence: float = Field(default=0.95, description="Of the intervals over starts, between 0 and 1.")
    outputs: list[OutputFields] = Field(default=[], description="Files to write.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        one_of(self, "deadline", "jobFraction")
        if not self.zones:
            raise unfit("no zone", "one or more", ".zones")
        if not 0 < self.confidence < 1:
            raise refused(self.confidence, "a number between 0 and 1", ".confidence")
        _check_names(self.policies, DEADLINE_POLICIES, "policies")
        _check_names(self.measures, MEASURES, "measures")
        if not self.policies:
            raise unfit("no policy", "one or more", ".policies")
        self._check_zones()
        self._check_times()
        return self

    def _check_zones(self) -> None:
        seen: set[str] = set()
        for index, zone in enumerate(self.zones):
            name = _zone_name(zone)
            if name in seen:
                raise refused(name, "a name that comes once in zones", f".zones[{index}].name")
            seen.add(name)
            if zone.prices is None and self.prices is None:
                raise unfit("no prices", "prices of the zone, or of the scenario", f".zones[{index}]")

    def _check_times(self) -> None:
        least = self.work + self.change_over
        if self.deadline is not None and self.deadline < least:
            raise unfit(f"a deadline of {self.deadline:g} s", f"{least:g} s or more: {_LEAST}", ".deadline")
        for index, fraction in enumerate(self.job_fraction or ()):
            at = f".jobFraction[{index}]"
            if not 0 < fraction <= 1:
                raise refused(fraction, "a number above 0, of 1 or less", at)
            if self.work / fraction < least - 1e-9:
                raise refused(fraction, f"{self.work / least:.6g} or less, to leave time for {_LEAST}", at)

    def jobs(self) -> tuple[DeadlineJob, ...]:
        """The job with each of its deadlines."""
        times = [self.deadline] if self.deadline else [self.work / fraction for fraction in self.job_fraction or ()]
        return tuple(DeadlineJob(self.work, time, self.change_over) for time in times)


_LEAST: Final = "the work and one change-over"


def read_deadline(document: Mapping[str, Any], folder: Path, source: str, name: str, text: str) -> DeadlineScenario:
    """The scenario in a document.

    Args:
        document: what is written.
        folder: what paths are relative to.
        source: the file, for errors.
        name: what it is called if it does not say.
        text: as it was written.

    Raises:
        InputError: a key, or a trace, is not what it should be.
        NotFoundError: there is no such trace.
    """
    try:
        fields = DeadlineFields.model_validate(document)
    except ValidationError as error:
        raise refusal(error).at(source=source) from None
    zones = tuple(_zone(zone, fields.prices, folder) for zone in fields.zones)
    return DeadlineScenario(
        name=fields.name or name,
        jobs=fields.jobs(),
        zones=zones,
        candidates=fields.candidates,
        policies=tuple(fields.policies),
        starts=fields.starts,
        seeds=fields.seeds,
        history=fields.history,
        measures=tuple(fields.measures),
        confidence=fields.confidence,
        outputs=tuple(Output(output.format, str(folder / output.path)) for output in fields.outputs),
        text=text,
        warnings=tuple(_assumed(fields, zones)),
    )


def _zone(fields: ZoneFields, shared: DeadlinePricesFields | None, folder: Path) -> SpotZone:
    found = read_availability(folder / fields.trace)
    prices = fields.prices or shared
    if prices is None:
        raise InputError("no prices", "prices of the zone, or of the scenario")
    return SpotZone(
        name=_zone_name(fields),
        gap=found.gap,
        available=found.available,
        on_demand=prices.on_demand,
        spot=prices.spot,
        egress=fields.egress,
    )


def _zone_name(fields: ZoneFields) -> str:
    return fields.name or Path(fields.trace).name.partition(".")[0]


def _assumed(fields: DeadlineFields, zones: tuple[SpotZone, ...]) -> list[str]:
    """What was assumed, one sentence each."""
    said = []
    time = max(job.time for job in fields.jobs())
    short = [zone.name for zone in zones if len(zone.available) * zone.gap < time]
    if short:
        said.append(f"zones {', '.join(short)}: the trace is shorter than the deadline, and begins anew at its end")
    if fields.candidates == "all" and len({(zone.gap, len(zone.available)) for zone in zones}) > 1:
        said.append(
            "the traces differ in length or interval: decisions are made at the shortest interval, and shorter traces "
            "begin anew at their end"
        )
    return said


def _check_names(names: list[str], known: Mapping[str, object], key: str) -> None:
    for index, name in enumerate(names):
        if name not in known:
            raise unfit(f"{name!r}{nearest(name, known)}", f"one of {', '.join(known)}", f".{key}[{index}]")
        if name in names[:index]:
            raise refused(name, f"a name that comes once in {key}", f".{key}[{index}]")
