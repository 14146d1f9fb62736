"""The keys of a `Region`."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from yuheng.readers.fleet.objects import Object
from yuheng.readers.fleet.values import DEFAULT, Bandwidth, Currency, Money, Time, as_pairs
from yuheng.readers.scenario.refusals import Fields, one_of, refused, unfit
from yuheng.readers.scenario.values import Name, Seconds, above, at_least, within

__all__ = ["CarbonFields", "RegionObject", "RegionSpecFields", "TierFields", "Tiers"]

MOST_PODS = 10**9


class TierFields(Fields):
    """A price that holds from an amount on."""

    above_gb: Annotated[float, at_least(0)] = Field(alias="aboveGB", description="Gigabytes a month from which on.")
    per_gb: Money = Field(alias="perGB", description="Per gigabyte.")


def _tiers(value: object) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return [{"aboveGB": 0, "perGB": value}] if is_number else value


def _pairs_of_tiers(value: object) -> object:
    return {DEFAULT: value} if isinstance(value, list) else as_pairs(value)


def _ascending(tiers: list[TierFields], at: str) -> None:
    if not tiers:
        raise unfit("no tier", "one or more", at)
    first = tiers[0].above_gb
    if first != 0:
        expected = f"0 in the first tier ({{aboveGB: 0, perGB: 0}} before this one where {first:g} GB are free)"
        raise refused(first, expected, f"{at}[0].aboveGB")
    for index, (before, after) in enumerate(pairwise(tiers), 1):
        if after.above_gb <= before.above_gb:
            raise refused(after.above_gb, f"more than {before.above_gb:g}", f"{at}[{index}].aboveGB")


Tiers = Annotated[list[TierFields], BeforeValidator(_tiers, json_schema_input_type=float | list[TierFields])]


class CarbonPoint(Fields):
    """A carbon intensity from a time on."""

    at: Time = Field(description="From when on.")
    intensity: Annotated[float, at_least(0)] = Field(description="Grams of CO2 equivalent per kWh.")


class CarbonFields(Fields):
    """The carbon intensity of a region's electricity: a number, a list of points in time, or a column of a file."""

    constant: Annotated[float, at_least(0)] | None = Field(default=None, description="Grams per kWh at all times.")
    series: list[CarbonPoint] = Field(default=[], description="Grams per kWh over time, ascending.")
    file: Name | None = Field(default=None, description="CSV with a column of times and one or more of grams per kWh.")
    column: Name | None = Field(
        default=None, description="The column of the file; without it the only one beside the times."
    )
    time_column: Name | None = Field(default=None, description="The column of the times; without it the first.")
    timezone: Name = Field(default="UTC", description="Of times that do not say theirs, such as `Europe/Berlin`.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if one_of(self, "constant", "series", "file") != "file":
            beside = next((key for key in self.given() if key in ("column", "timeColumn", "timezone")), "")
            if beside:
                raise unfit(f"{beside} without a file", "a file", f".{beside}")
        if "series" in self.given() and not self.series:
            raise unfit("no point", "one or more", ".series")
        for index, (before, after) in enumerate(pairwise(self.series), 1):
            if after.at <= before.at:
                raise unfit("a time that is not after the one before", "ascending times", f".series[{index}].at")
        return self


def _carbon(value: object) -> object:
    if isinstance(value, list):
        return {"series": value}
    return value if isinstance(value, dict) else {"constant": value}


class SpotFields(Fields):
    """When spot capacity could be had in a zone, as it was observed."""

    zone: Name = Field(description="Where.")
    instance_type: str = Field(default="", description="Of which machine; without it of any.")
    trace: Name = Field(description='JSON of the form `{"metadata": {"gap_seconds": 195}, "data": [0, 1, ...]}`.')


class RegionSpecFields(Fields):
    """A region: what lies between it and others, its electricity, its limits.

    What holds between two regions is a map from the other region (`name` or `provider/name`) to a value; the key
    `default` speaks of all that are not named, and a value without a map of all.
    """

    provider: str = Field(default="", description="Whose region it is, such as `aws`.")
    currency: Currency | None = Field(default=None, description="Of its prices; without it that of the fleet.")
    egress: Annotated[
        dict[str, Tiers],
        BeforeValidator(
            _pairs_of_tiers, json_schema_input_type=float | list[TierFields] | dict[str, float | list[TierFields]]
        ),
    ] = Field(default={}, description="What a gigabyte to another region costs: a number, or tiers.")
    egress_matrix: Name | None = Field(
        default=None, description="CSV, region by region: what a gigabyte from the row to the column costs."
    )
    internet_egress: Tiers | None = Field(
        default=None, description="What a gigabyte to regions of which nothing is said costs: a number, or tiers."
    )
    latency: Annotated[
        dict[str, Seconds],
        BeforeValidator(as_pairs, json_schema_input_type=str | float | dict[str, str | float]),
    ] = Field(default={}, description="One way.")
    bandwidth: Annotated[
        dict[str, Bandwidth],
        BeforeValidator(as_pairs, json_schema_input_type=str | float | dict[str, str | float]),
    ] = Field(default={}, description="Bytes per second (`125M`), or bits (`1Gbps`).")
    carbon: (
        Annotated[
            CarbonFields,
            BeforeValidator(_carbon, json_schema_input_type=float | list[CarbonPoint] | CarbonFields),
        ]
        | None
    ) = Field(default=None, description="Grams of CO2 equivalent per kWh.")
    pue: Annotated[float, at_least(1)] = Field(
        default=1.0, description="Energy of the data centre over that of its machines."
    )
    concurrency: Annotated[int, within(0, MOST_PODS)] | None = Field(
        default=None, description="How many pods of jobs may run at a time; without it any number."
    )
    speed: Annotated[float, above(0)] = Field(
        default=1.0, description="How fast its machines are relative to what run times were measured on."
    )
    storage_per_gb_month: Money | None = Field(
        default=None, alias="storagePerGBMonth", description="What a gigabyte of a stored copy costs in a month."
    )
    spot: list[SpotFields] = Field(default=[], description="Observations of spot capacity.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, tiers in self.egress.items():
            _ascending(tiers, f".egress.{name}")
        if self.internet_egress is not None:
            _ascending(self.internet_egress, ".internetEgress")
        return self


class RegionObject(Object):
    """A region of a provider."""

    kind: Literal["Region"] = Field(description="`Region`.")
    spec: RegionSpecFields = Field(default=RegionSpecFields(), description="What it is.")
