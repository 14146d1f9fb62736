"""What a workload needs beyond its pods, as it is written in a `PlacementPolicy`."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from yuheng.errors import ConfigError
from yuheng.model.duration import parse_window
from yuheng.model.objective import PRESETS, parse_objective
from yuheng.model.prices import Market
from yuheng.model.requirements import DataUse, LatencyObjective, Requirements, RunTime
from yuheng.readers.fleet.cluster_fields import as_list
from yuheng.readers.fleet.values import Gigabytes, Time, parse_time
from yuheng.readers.scenario.refusals import Fields, refused, said, unfit
from yuheng.readers.scenario.values import Name, PositiveSeconds, Seconds, above

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ANY_MACHINE", "DataUseFields", "RequirementFields"]

ANY_MACHINE = "*"


def _number_first(value: object) -> object:
    return value if isinstance(value, dict) else {"mean": value}


class RunTimeFields(Fields):
    """A distribution of run times: a mean, percentiles, or both."""

    mean: PositiveSeconds | None = Field(default=None, description="Without it that of the percentiles.")
    p50: PositiveSeconds | None = Field(default=None, description="The median.")
    p90: PositiveSeconds | None = Field(default=None, description="Nine in ten runs take no longer.")
    p95: PositiveSeconds | None = Field(default=None, description="95 in a hundred runs take no longer.")
    p99: PositiveSeconds | None = Field(default=None, description="99 in a hundred runs take no longer.")
    quantiles: dict[str, PositiveSeconds] = Field(default={}, description='Any others, by their level: `"0.999": 3h`.')

    @model_validator(mode="after")
    def _check(self) -> RunTimeFields:
        for name in self.quantiles:
            if not _is_level(name):
                raise refused(name, "a level between 0 and 1", f".quantiles.{name}")
        found = self._pairs()
        for (_, before), (level, after) in pairwise(found):
            if after < before:
                raise unfit(f"{after:g} s at {level:g}", f"no less than the {before:g} s of the level before")
        if self.mean is None and not found:
            raise unfit("neither a mean nor percentiles", "one of them")
        return self

    def run_time(self) -> RunTime:
        """The run time."""
        pairs = self._pairs()
        return RunTime(self.mean if self.mean is not None else _mean(pairs), tuple(pairs))

    def _pairs(self) -> list[tuple[float, float]]:
        """Levels and seconds, ascending."""
        named = ((0.5, self.p50), (0.9, self.p90), (0.95, self.p95), (0.99, self.p99))
        found = {level: seconds for level, seconds in named if seconds is not None}
        return sorted((found | {float(name): seconds for name, seconds in self.quantiles.items()}).items())


def _is_level(name: str) -> bool:
    try:
        return 0 < float(name) < 1
    except ValueError:
        return False


def _mean(pairs: list[tuple[float, float]]) -> float:
    """The mean of a distribution that is known by some levels: straight lines between them, flat beyond."""
    levels = [0.0, *(level for level, _ in pairs), 1.0]
    values = [pairs[0][1], *(seconds for _, seconds in pairs), pairs[-1][1]]
    steps = pairwise(zip(levels, values, strict=True))
    return sum((after - before) * (low + high) / 2 for (before, low), (after, high) in steps)


class DataUseFields(Fields):
    """A data set that is read or written."""

    name: Name = Field(description="Of the data set.")
    size_gb: Gigabytes = Field(alias="sizeGB", description="How much is moved: gigabytes, or text such as `1.5TB`.")
    regions: Annotated[list[Name], BeforeValidator(as_list, json_schema_input_type=str | list[str])] = Field(
        default=[], description="Where it lives, or is written to; without it where the workload runs."
    )
    may_live_in: Annotated[list[Name], BeforeValidator(as_list, json_schema_input_type=str | list[str])] = Field(
        default=[],
        description="The regions it may be in, as in `regions` of the policy: the workload runs nowhere else.",
    )
    copies: bool = Field(
        default=False,
        description="Whether a copy is kept, and paid for, where the workload runs for as long as it runs.",
    )

    def use(self) -> DataUse:
        """The data set."""
        return DataUse(
            name=self.name,
            gigabytes=self.size_gb,
            regions=tuple(self.regions),
            may_live_in=tuple(self.may_live_in),
            copies=self.copies,
        )


class LatencyFields(Fields):
    """A service level: so many of the requests are answered in time."""

    quantile: Annotated[float, above(0)] = Field(default=0.95, description="Of the requests.")
    within: PositiveSeconds = Field(description="In which they are answered: network both ways, and run time.")
    users: Annotated[list[Name], BeforeValidator(as_list, json_schema_input_type=str | list[str])] = Field(
        default=[], description="The regions that requests come from."
    )

    @model_validator(mode="after")
    def _check(self) -> LatencyFields:
        if self.quantile >= 1:
            raise refused(self.quantile, "a number between 0 and 1", ".quantile")
        return self

    def objective(self) -> LatencyObjective:
        """The service level."""
        return LatencyObjective(quantile=self.quantile, seconds=self.within, users=tuple(self.users))


def _windows(value: object) -> object:
    texts = value if isinstance(value, list) else [value]
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise refused(text, "a window of the day such as 22:00-06:30", f"[{index}]")
    return [said(parse_window, text) for text in texts]


def _deadline(value: object) -> object:
    """A time, or a duration from now on; told apart by what they look like."""
    if isinstance(value, str) and "-" in value:
        return {"at": said(parse_time, value)}
    return {"within": value}


def _objective(text: str) -> str:
    """The text of an objective that can be read."""
    try:
        parse_objective(text)
    except ConfigError:
        raise refused(text, f"one of {', '.join(PRESETS)}, or a sum such as 0.6*cost+0.4*time") from None
    return text


class DeadlineFields(Fields):
    """When something has to be finished."""

    at: float | None = Field(default=None, description="Seconds since the epoch.")
    within: PositiveSeconds | None = Field(default=None, description="Seconds from the time of the plan on.")


RunTimes = Annotated[
    dict[str, Annotated[RunTimeFields, BeforeValidator(_number_first, json_schema_input_type=str | RunTimeFields)]],
    BeforeValidator(
        lambda value: value if isinstance(value, dict) else {ANY_MACHINE: value},
        json_schema_input_type=str | dict[str, str | RunTimeFields],
    ),
]
Texts = Annotated[list[Name], BeforeValidator(as_list, json_schema_input_type=str | list[str])]


class RequirementFields(Fields):
    """What a workload needs beyond its pods."""

    run_time: RunTimes = Field(
        default={},
        description="How long it runs, by machine (instance type, GPU model, or `*` for any other): a duration, or a "
        "distribution. A duration alone is that on any machine.",
    )
    reads: list[DataUseFields] = Field(default=[], description="Data that it reads before it starts.")
    writes: list[DataUseFields] = Field(default=[], description="Data that it writes when it is done.")
    regions: Texts = Field(
        default=[], description="Where it may run: names, `provider/name`, or shell patterns of them."
    )
    markets: Annotated[list[Market], BeforeValidator(as_list, json_schema_input_type=Market | list[Market])] = Field(
        default=[],
        description="How its machines may be bought. Without it on-demand, reserved, and spot where it is "
        "interruptible.",
    )
    deadline: Annotated[DeadlineFields, BeforeValidator(_deadline, json_schema_input_type=str)] | None = Field(
        default=None, description="When it has to be finished: a time, or a duration from the time of the plan on."
    )
    not_before: Time | None = Field(default=None, description="Its earliest start.")
    windows: Annotated[list[tuple[int, int]], BeforeValidator(_windows, json_schema_input_type=str | list[str])] = (
        Field(default=[], description="The parts of a day (UTC) in which it may start, such as `22:00-06:00`.")
    )
    latest_start: Seconds = Field(
        default=0.0, description="How long its start may be put off for a lower price or less carbon."
    )
    interruptible: bool = Field(default=False, description="Whether it can go on from a checkpoint.")
    checkpoint: Seconds = Field(default=0.0, description="Work that an interruption or a move costs.")
    slo: LatencyFields | None = Field(default=None, description="Its service level.")
    objective: Annotated[Name, AfterValidator(_objective)] | None = Field(
        default=None,
        description="What is minimised for it, such as `cost` or `carbon`; without it what the plan is for.",
    )

    @model_validator(mode="after")
    def _check(self) -> RequirementFields:
        last = self.deadline.at if self.deadline else None
        if last is not None and self.not_before is not None and last <= self.not_before:
            raise unfit("a deadline that is not after notBefore", "a later one", ".deadline")
        return self

    def parts(self) -> dict[str, Any]:
        """What is written, as fields of `Requirements`."""
        made: Mapping[str, Any] = {
            "runTime": {"run_time": {name: fields.run_time() for name, fields in self.run_time.items()}},
            "reads": {"reads": tuple(fields.use() for fields in self.reads)},
            "writes": {"writes": tuple(fields.use() for fields in self.writes)},
            "regions": {"regions": tuple(self.regions)},
            "markets": {"markets": tuple(self.markets)},
            "deadline": {
                "deadline": self.deadline.at if self.deadline else None,
                "within": self.deadline.within if self.deadline else None,
            },
            "notBefore": {"not_before": self.not_before},
            "windows": {"windows": tuple(self.windows)},
            "latestStart": {"latest_start": self.latest_start},
            "interruptible": {"interruptible": self.interruptible},
            "checkpoint": {"checkpoint": self.checkpoint},
            "slo": {"latency": self.slo.objective() if self.slo else None},
            "objective": {"objective": self.objective or ""},
        }
        return {name: value for key in self.given() if key in made for name, value in made[key].items()}

    def requirements(self) -> Requirements:
        """The requirements that these alone are."""
        return Requirements(**self.parts())
