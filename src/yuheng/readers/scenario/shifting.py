"""A scenario of kind ``shifting``: jobs that may be put off or split, and what they cost over time."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from yuheng.errors import ConfigError, InputError
from yuheng.model.duration import parse_window
from yuheng.model.objective import Objective, parse_objective
from yuheng.model.scenario import Output
from yuheng.model.series import Series
from yuheng.model.shifting import (
    SHIFT_POLICIES,
    ShiftableJob,
    ShiftingScenario,
    ShiftLimit,
    ShiftRule,
    ShiftWorkload,
)
from yuheng.model.simulation import MEASURES
from yuheng.model.units import DAY
from yuheng.readers.scenario.refusals import Fields, nearest, one_of, refused, said, unfit
from yuheng.readers.scenario.schema import OutputFields, Seeds
from yuheng.readers.scenario.values import Epoch, Name, PositiveSeconds, Seconds, above, at_least, within
from yuheng.readers.scheduler_config.refusals import refusal

__all__ = ["KIND", "ShiftingFields", "read_shifting"]

KIND: Final = "shifting"
OF_FILES: Final = ("column", "timeColumn", "timezone")
KILO: Final = 1000.0
# Beyond these a scenario takes for ever and all memory; it is a slip of the pen.
LONGEST: Final = 3660 * DAY
MOST_JOBS: Final = 10**6
MOST_DURATIONS: Final = 10**6


def _window(value: object) -> tuple[int, int]:
    if not isinstance(value, str):
        raise refused(value, "a window of the day such as 22:00-06:30")
    return said(parse_window, value)


def _span(value: float) -> float:
    if value > LONGEST:
        raise refused(value, f"no more than {LONGEST / DAY:.0f}d")
    return value


Span = Annotated[Seconds, AfterValidator(_span)]
PositiveSpan = Annotated[PositiveSeconds, AfterValidator(_span)]
Window = Annotated[tuple[int, int], BeforeValidator(_window, json_schema_input_type=str)]
Amount = Annotated[float, at_least(0)]


class SeriesPointFields(Fields):
    """A value from a time on."""

    at: Epoch = Field(description="From when on.")
    value: Amount = Field(description="The value.")


class SeriesFields(Fields):
    """A value over time: a number, a list of points in time, or a column of a file."""

    constant: Amount | None = Field(default=None, description="The value at all times.")
    series: list[SeriesPointFields] = Field(default=[], description="Values from times on, ascending.")
    file: Name | None = Field(default=None, description="CSV with a column of times and one or more of values.")
    column: Name | None = Field(
        default=None, description="The column of the file; without it the only one beside the times."
    )
    time_column: Name | None = Field(default=None, description="The column of the times; without it the first.")
    timezone: Name = Field(default="UTC", description="Of times that do not say theirs, such as `Europe/Berlin`.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if one_of(self, "constant", "series", "file") != "file":
            beside = next((key for key in self.given() if key in OF_FILES), "")
            if beside:
                raise unfit(f"{beside} without a file", "a file", f".{beside}")
        if "series" in self.given() and not self.series:
            raise unfit("no point", "one or more", ".series")
        for index, (before, after) in enumerate(pairwise(self.series), 1):
            if after.at <= before.at:
                raise unfit("a time that is not after the one before", "ascending times", f".series[{index}].at")
        return self

    def read(self, folder: Path, field: str) -> Series:
        """The series.

        Args:
            folder: what paths are relative to.
            field: where these fields are, for errors.

        Raises:
            InputError: the file is not what it should be.
            NotFoundError: there is no such file.
        """
        # The fleet's reader builds on this package.
        from yuheng.readers.fleet.carbon import read_carbon  # noqa: PLC0415
        from yuheng.readers.fleet.region_fields import CarbonFields  # noqa: PLC0415

        if self.constant is not None:
            return Series.constant(self.constant)
        if self.file is None:
            return Series(
                np.array([point.at for point in self.series]), np.array([point.value for point in self.series])
            )
        written = {
            key: getattr(self, name) for key, name in zip(OF_FILES, ("column", "time_column", "timezone"), strict=True)
        }
        written = {key: value for key, value in written.items() if value is not None}
        try:
            return read_carbon(CarbonFields.model_validate({"file": self.file, **written}), folder)
        except InputError as error:
            if error.source:
                raise
            raise InputError(error.found, error.expected, field=f"{field}.timezone") from error


def _as_series(value: object) -> object:
    if isinstance(value, list):
        return {"series": value}
    return value if isinstance(value, dict) else {"constant": value}


Source = Annotated[
    SeriesFields | None,
    BeforeValidator(_as_series, json_schema_input_type=float | list[SeriesPointFields] | SeriesFields),
]


class ShiftableJobFields(Fields):
    """A job that may be shifted."""

    name: Name = Field(description="The name of the job; unique.")
    issued: Epoch = Field(description="When it starts if nothing is shifted.")
    duration: PositiveSpan = Field(description="How long it runs.")
    machines: Annotated[float, above(0)] = Field(default=1.0, description="How many machines it runs on.")


def _step(value: float) -> float:
    if value < 1:
        raise refused(value, "a second or more")
    return value


class DrawnJobsFields(Fields):
    """Jobs to draw: days, moments of the day and durations are equally likely."""

    first: Epoch = Field(description="The first day.")
    last: Epoch = Field(description="The last day.")
    count: Annotated[int, within(1, MOST_JOBS)] | None = Field(
        default=None, description="How many jobs in all, spread over the days at random."
    )
    daily: Annotated[int, within(1, MOST_JOBS)] | None = Field(default=None, description="How many jobs on each day.")
    days: Literal["workdays", "all"] = Field(default="workdays", description="On which days jobs are issued.")
    issued: Window = Field(
        default="09:00-17:00",
        validate_default=True,
        description="Between which times of a day (UTC), the end not included.",
    )
    shortest: PositiveSpan = Field(description="The shortest duration.")
    longest: PositiveSpan = Field(description="The longest duration.")
    step: Annotated[PositiveSeconds, AfterValidator(_step)] = Field(
        default=1800.0, description="Times and durations are multiples of it."
    )
    machines: Annotated[float, above(0)] = Field(default=1.0, description="How many machines each job runs on.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        one_of(self, "count", "daily")
        if self.last < self.first:
            raise unfit("a day before the first", "the first day or a later one", ".last")
        if self.longest < self.shortest:
            raise unfit("less than the shortest", "the shortest duration or a longer one", ".longest")
        if (self.longest - self.shortest) / self.step > MOST_DURATIONS:
            raise unfit("too many durations", f"no more than {MOST_DURATIONS:,} steps between both", ".longest")
        if (self.last - self.first) / DAY * (self.daily or 0) > MOST_JOBS:
            raise refused(self.daily, f"no more than {MOST_JOBS:,} jobs in all", ".daily")
        if self.issued[1] <= self.issued[0]:
            raise unfit("a window that is empty or goes over midnight", "one within a day", ".issued")
        return self

    def workload(self) -> ShiftWorkload:
        """What is drawn from."""
        return ShiftWorkload(
            start=self.first // DAY * DAY,
            end=self.last // DAY * DAY,
            count=self.count or 0,
            daily=self.daily or 1,
            workdays=self.days == "workdays",
            opens=self.issued[0],
            closes=self.issued[1],
            shortest=self.shortest,
            longest=self.longest,
            step=self.step,
            weight=self.machines,
        )


class ShiftingFields(Fields):
    """Jobs that may be shifted in time, what they cost over time, and the policies to compare on them."""

    api_version: Literal["yuheng.io/v1alpha1"] | None = Field(default=None, description="The version of this format.")
    kind: Literal["shifting"] = Field(description="Says that it is a scenario of this kind.")
    name: Name | None = Field(
        default=None, description="What it is called in reports; without it the name of the file."
    )
    carbon: Source = Field(default=None, description="Carbon intensity of the electricity, in grams of CO2 per kWh.")
    price: Source = Field(default=None, description="What a machine costs, in US dollars per hour.")
    power: Annotated[float, above(0)] = Field(default=1000.0, description="What a machine draws, in watts.")
    pue: Annotated[float, at_least(1)] = Field(
        default=1.0, description="Power usage effectiveness: the data centre's energy over that of its machines."
    )
    objective: Name | None = Field(
        default=None,
        description="What is minimised: `carbon`, `cost`, or a blend such as `0.7*carbon+0.3*cost`, each relative to "
        "the mean of its series; without it carbon where that is known, else cost.",
    )
    jobs: list[ShiftableJobFields] = Field(default=[], description="The jobs.")
    draw: DrawnJobsFields | None = Field(default=None, description="Jobs to draw, in place of `jobs`.")
    limit: ShiftLimit = Field(
        default="flexible",
        description="When jobs have to be done. `flexible`: `after` after they would be. `next-workday`: what would "
        "end outside working hours, by the beginning of the next working day. `next-morning`: the same, but what would "
        "end on a Friday evening by Saturday morning. `semi-weekly`: by the next Monday or Thursday morning.",
    )
    before: Span = Field(default=0.0, description="How much earlier than issued jobs may start.")
    after: Span = Field(default=0.0, description="How much later than `limit` says jobs may end.")
    working_hours: Window = Field(
        default="09:00-17:00", validate_default=True, description="Of Monday to Friday (UTC), for `limit`."
    )
    windows: list[Window] = Field(
        default=[], description="The parts of the day (UTC) in which jobs may start or go on; without them any."
    )
    restart: Span = Field(default=0.0, description="How long a job runs after an interruption until it works again.")
    error: Amount = Field(
        default=0.0, description="Standard deviation of the forecasts' error, relative to the mean of the series."
    )
    policies: list[Name] = Field(
        default=["as-issued", "whole", "parts"],
        description="What to compare; the others are compared with the first. "
        + " ".join(f"`{name}`: {purpose}." for name, purpose in SHIFT_POLICIES.items()),
    )
    seeds: Seeds = Field(
        default=(42,), description="One run of each policy for each seed: a number, a range `42-51`, or a list."
    )
    measures: list[str] = Field(default=[], description="The measures to compare; without it all.")
    confidence: float = Field(default=0.95, description="Of the intervals over seeds, between 0 and 1.")
    outputs: list[OutputFields] = Field(default=[], description="Files to write.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.jobs) == (self.draw is not None):
            raise unfit("both jobs and draw" if self.jobs else "neither jobs nor draw", "one of them")
        if self.carbon is None and self.price is None:
            raise unfit("neither carbon nor price", "one of them, or both")
        if not 0 < self.confidence < 1:
            raise refused(self.confidence, "a number between 0 and 1", ".confidence")
        if self.working_hours[1] <= self.working_hours[0]:
            raise unfit("hours that are none or go over midnight", "some within a day", ".workingHours")
        if not self.policies:
            raise unfit("no policy", "one or more", ".policies")
        self._once("policies", self.policies)
        self._once("jobs", [job.name for job in self.jobs])
        self._known("policies", self.policies, SHIFT_POLICIES)
        self._known("measures", self.measures, MEASURES)
        self.minimised()
        return self

    def _once(self, key: str, names: list[str]) -> None:
        for index, name in enumerate(names):
            if name in names[:index]:
                raise refused(name, f"a name that comes once in {key}", f".{key}[{index}]")

    def _known(self, key: str, names: list[str], known: Mapping[str, object]) -> None:
        for index, name in enumerate(names):
            if name not in known:
                raise unfit(f"{name!r}{nearest(name, known)}", f"one of {', '.join(known)}", f".{key}[{index}]")

    def minimised(self) -> Objective:
        """What is minimised."""
        written = self.objective or ("carbon" if self.carbon is not None else "cost")
        try:
            objective = parse_objective(written)
        except ConfigError:
            raise refused(written, "carbon, cost, or a blend such as 0.7*carbon+0.3*cost", ".objective") from None
        weights = objective.weights
        if weights.time:
            raise refused(written, "one without time, which shifting spends", ".objective")
        for weight, given, key in ((weights.carbon, self.carbon, "carbon"), (weights.cost, self.price, "price")):
            if weight and given is None:
                raise unfit(f"{written!r} without {key}", f"{key} over time beside it", ".objective")
        return objective

    def rule(self) -> ShiftRule:
        """How far jobs may be shifted."""
        opens, closes = self.working_hours
        return ShiftRule(
            limit=self.limit,
            before=self.before,
            after=self.after,
            opens=opens,
            closes=closes,
            windows=tuple(self.windows),
            restart=self.restart,
        )


def read_shifting(document: Mapping[str, Any], folder: Path, source: str, name: str, text: str) -> ShiftingScenario:
    """The scenario.

    Args:
        document: what is written.
        folder: what paths are relative to.
        source: the file, for errors.
        name: what it is called if it does not say.
        text: as it was written.

    Raises:
        InputError: a key, or a file that it refers to, is not what it should be.
        NotFoundError: there is no such file.
    """
    try:
        fields = ShiftingFields.model_validate(document)
    except ValidationError as error:
        raise refusal(error).at(source=source) from None
    try:
        return _scenario(fields, folder, name, text)
    except InputError as error:
        raise error.at(source=source) from error.__cause__


def _scenario(fields: ShiftingFields, folder: Path, name: str, text: str) -> ShiftingScenario:
    jobs = tuple(
        ShiftableJob(name=job.name, issued=job.issued, duration=job.duration, weight=job.machines)
        for job in fields.jobs
    )
    return ShiftingScenario(
        name=fields.name or name,
        jobs=jobs,
        workload=fields.draw.workload() if fields.draw else None,
        carbon=fields.carbon.read(folder, "carbon") if fields.carbon else None,
        price=fields.price.read(folder, "price") if fields.price else None,
        power=fields.power * fields.pue / KILO,
        objective=fields.minimised(),
        rule=fields.rule(),
        error=fields.error,
        policies=tuple(fields.policies),
        seeds=fields.seeds,
        measures=tuple(fields.measures),
        confidence=fields.confidence,
        outputs=tuple(Output(output.format, str(folder / output.path)) for output in fields.outputs),
        text=text,
    )
