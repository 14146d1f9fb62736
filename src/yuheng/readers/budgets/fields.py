"""The keys of a `Budget` as people write it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from yuheng.readers.fleet.objects import Object
from yuheng.readers.fleet.values import CURRENCY, Currency
from yuheng.readers.scenario.refusals import Fields, refused
from yuheng.readers.scenario.values import Name, above, at_least

__all__ = ["BudgetObject", "BudgetSpecFields", "RateAlarmFields", "SelectorFields"]

_MOST_HOURS = 24 * 14
_HIGHEST = 10.0


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _thresholds(value: list[float]) -> list[float]:
    for index, one in enumerate(value):
        if not 0 < one <= _HIGHEST:
            raise refused(one, f"a share of the limit above 0, such as 0.8, and {_HIGHEST:g} at most", f"[{index}]")
    return sorted(set(value))


def _hours(value: int) -> int:
    if not 1 <= value <= _MOST_HOURS:
        raise refused(value, f"1 to {_MOST_HOURS} hours")
    return value


Patterns = Annotated[list[Name], BeforeValidator(_listed, json_schema_input_type=str | list[str])]


class SelectorFields(Fields):
    """Which costs count: those of groups that match one of the patterns of every key that is written."""

    cluster: Patterns = Field(default=[], description="Names of clusters; shell patterns such as `prod-*`.")
    namespace: Patterns = Field(default=[], description="Names of namespaces; the same.")
    controller: Patterns = Field(default=[], description="Controllers, as `yuheng cost --by controller` calls them.")
    queue: Patterns = Field(default=[], description="Queues of Volcano or Kueue.")
    labels: dict[str, Patterns] = Field(default={}, description="By label of the pods: its values.")
    annotations: dict[str, Patterns] = Field(default={}, description="By annotation of the pods: its values.")
    columns: dict[str, Patterns] = Field(
        default={}, description="By column of a table of costs, such as `ServiceName` of a FOCUS bill: its values."
    )


class RateAlarmFields(Fields):
    """When spend counts as running away."""

    factor: Annotated[float, above(1)] = Field(default=2.0, description="How many times the usual rate.")
    hours: Annotated[int, AfterValidator(_hours)] = Field(
        default=3, description="Over how many of the last hours; whole days where costs are told by the day."
    )
    least: Annotated[float, at_least(0)] = Field(
        default=1.0, description="How much per hour above the usual it is at least, in the budget's currency."
    )


class BudgetSpecFields(Fields):
    """What a group may cost."""

    monthly: Annotated[float, above(0)] = Field(description="The limit of a calendar month (UTC).")
    currency: Currency = Field(default=CURRENCY, description="Of the amounts; others than USD need `exchangeRate`.")
    exchange_rate: Annotated[float, above(0)] | None = Field(
        default=None, description="US dollars for one unit of the currency."
    )
    selector: SelectorFields = Field(default=SelectorFields(), description="Which costs count; without it all.")
    thresholds: Annotated[list[float], AfterValidator(_thresholds)] = Field(
        default=[0.5, 0.8, 1.0], description="Shares of the limit to alert at, when they are spent or forecast."
    )
    rate_alarm: RateAlarmFields | Literal[False] = Field(
        default=RateAlarmFields(), description="When spend counts as running away; `false` for never."
    )


class BudgetObject(Object):
    """A budget."""

    kind: Literal["Budget"] = Field(description="`Budget`.")
    spec: BudgetSpecFields = Field(description="What it allows.")
