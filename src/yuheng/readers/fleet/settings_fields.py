"""The keys of a `Fleet`: what holds for all of it. There is one at most."""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from yuheng.readers.fleet.cluster_fields import RateFields
from yuheng.readers.fleet.objects import Object
from yuheng.readers.fleet.values import CURRENCY, Currency, Share, Time
from yuheng.readers.scenario.refusals import Fields, nearest, refused, unfit
from yuheng.readers.scenario.values import Name, above, at_least

__all__ = ["BOOK_FIELDS", "EgressFileFields", "FleetObject", "FleetSpecFields", "PriceBookFields"]

# What a price book of our own has; `columns` says what another one calls it.
BOOK_FIELDS: Final = {
    "provider": "provider",
    "region": "region",
    "zone": "zone",
    "instanceType": "instance_type",
    "market": "market",
    "currency": "currency",
    "pricePerHour": "price_per_hour",
    "validFrom": "valid_from",
    "vcpu": "vcpu",
    "memoryGiB": "memory_gib",
    "gpuModel": "gpu_model",
    "gpuCount": "gpu_count",
}


def _file(value: object) -> object:
    return {"file": value} if isinstance(value, str) else value


class PriceBookFields(Fields):
    """A price book: a file, and what it does not say itself."""

    file: Name = Field(description="CSV.")
    provider: str = Field(default="", description="Of rows without one; without it told by the name of the file.")
    currency: Currency | None = Field(default=None, description="Of rows without one; without it that of the fleet.")
    columns: dict[str, Name] = Field(
        default={},
        description=f"What its columns are called, for files with a header of their own: {', '.join(BOOK_FIELDS)}.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name in self.columns:
            if name not in BOOK_FIELDS:
                expected = f"one of {', '.join(BOOK_FIELDS)}"
                raise unfit(f"an unknown key{nearest(name, BOOK_FIELDS)}", expected, f".columns.{name}")
        if self.columns and not {"instanceType", "pricePerHour"} <= set(self.columns):
            raise unfit(", ".join(self.columns), "instanceType and pricePerHour among them", ".columns")
        return self


class EgressFileFields(Fields):
    """Prices of moving data for many regions: a matrix, prices by region, or prices to the internet."""

    file: Name = Field(description="CSV.")
    provider: str = Field(default="", description="Of rows without one; without it told by the name of the file.")
    currency: Currency | None = Field(default=None, description="Without it that of the fleet.")
    extra_regions: bool | None = Field(
        default=None,
        description="Whether it may name regions that are not in the fleet. Without it, if most of them are not: then "
        "it is a provider's own table, and no slip of the pen.",
    )


class PowerFields(Fields):
    """The electric power of machines."""

    instance_type: Name = Field(description="Which machines; a shell pattern such as `m5.*`.")
    idle: Annotated[float, at_least(0)] = Field(description="Watts of a whole machine that is idle.")
    full: Annotated[float, at_least(0)] = Field(description="Watts of a whole machine in full use.")
    utilisation: Share = Field(default=0.5, description="How much of what pods ask for is used.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.full < self.idle:
            raise refused(self.full, f"no less than idle, which is {self.idle:g}", ".full")
        return self


def _positive_rates(value: dict[str, float]) -> dict[str, float]:
    for name in value:
        if len(name) != 3 or not name.isupper():
            raise refused(name, "a currency's three letters such as EUR", f".{name}")
    if value.get(CURRENCY, 1.0) != 1.0:
        raise refused(value[CURRENCY], "1: prices are converted to US dollars", f".{CURRENCY}")
    return value


Book = Annotated[PriceBookFields, BeforeValidator(_file, json_schema_input_type=str | PriceBookFields)]
EgressFile = Annotated[EgressFileFields, BeforeValidator(_file, json_schema_input_type=str | EgressFileFields)]


class FleetSpecFields(Fields):
    """What holds for the whole fleet."""

    currency: Currency = Field(default=CURRENCY, description="Of prices that do not say theirs.")
    exchange_rates: Annotated[dict[str, Annotated[float, above(0)]], AfterValidator(_positive_rates)] = Field(
        default={}, description="US dollars for one unit of each other currency, such as `EUR: 1.09`."
    )
    rates: RateFields | None = Field(
        default=None, description="What resources of nodes without a price cost; without it the defaults of OpenCost."
    )
    power: list[PowerFields] = Field(default=[], description="The first that speaks of a machine counts.")
    time: Time | None = Field(default=None, description="What time it is; without it the latest that the state tells.")
    price_books: list[Book] = Field(
        default=[], description="Price books, beside the CSV in the input that is one by its header."
    )
    egress: list[EgressFile] = Field(
        default=[], description="Egress prices of many regions, beside the CSV in the input that is one by its header."
    )


class FleetObject(Object):
    """Settings of the fleet."""

    kind: Literal["Fleet"] = Field(description="`Fleet`.")
    spec: FleetSpecFields = Field(default=FleetSpecFields(), description="What they are.")
