"""What happens to nodes: failures, markets, events; and what they cost."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self, cast

from pydantic import BeforeValidator, Field, model_validator

from yuheng.model.scenario import Failures, Market, NodeChange, Pricing
from yuheng.readers.scenario.nodes import Labelled, Price, Selector, check_points, price_series
from yuheng.readers.scenario.refusals import Fields, one_of, unfit
from yuheng.readers.scenario.values import Name, PositiveSeconds, Seconds
from yuheng.readers.traces.spot import read_availability

__all__ = ["EventFields", "FailureFields", "MarketFields", "PricingFields"]

Verb = Literal["add", "remove", "fail", "recover", "drain", "uncordon"]
VERBS: Final = ("add", "remove", "fail", "recover", "drain", "uncordon")
RANDOM: Final = "random"


class FailureFields(Fields):
    """Nodes that fail and are repaired, at times drawn from the seed."""

    nodes: Selector = Field(default=Selector(), description="Which nodes; without it all.")
    mtbf: PositiveSeconds = Field(description="Mean time from the repair of a node to its next failure.")
    mttr: PositiveSeconds = Field(description="Mean time until a failed node is back.")

    def failures(self) -> Failures:
        """The failures."""
        return Failures(labels=self.nodes.all_labels(), mtbf=self.mtbf, mttr=self.mttr)


def _offset(value: object) -> object:
    """``random`` as None: what is drawn from the seed is not known yet."""
    return None if value == RANDOM else value


Offset = Annotated[Seconds | None, BeforeValidator(_offset, json_schema_input_type=Seconds | Literal["random"])]


class MarketFields(Fields):
    """Nodes that are there only while their market has capacity (spot)."""

    name: Name = Field(description="Of the market, unique.")
    nodes: Selector = Field(description="Which nodes, by `labels` or `pool`.")
    availability: Name = Field(
        description="A JSON file `{metadata: {gap_seconds: ...}, data: [0, 1, ...]}`; 1 where there is capacity. After "
        "its last element it starts anew."
    )
    offset: Offset = Field(
        default=0.0, description="How far into the file the simulation starts; `random` to draw it from the seed."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.nodes.all_labels():
            raise unfit("all nodes", "labels, or a pool", ".nodes")
        return self

    def market(self, folder: Path) -> Market:
        """The market.

        Raises:
            InputError: the file is not what it should be.
            NotFoundError: there is no such file.
        """
        found = read_availability(folder / self.availability)
        return Market(
            name=self.name,
            labels=self.nodes.all_labels(),
            gap=found.gap,
            available=found.available,
            offset=self.offset,
        )


class EventFields(Fields):
    """What happens to nodes at a time that is known: one of the verbs, with the names of nodes."""

    at: Seconds = Field(description="When, since the start.")
    add: list[str] | None = Field(default=None, description="These nodes come; before it they are not there.")
    remove: list[str] | None = Field(default=None, description="These nodes go.")
    fail: list[str] | None = Field(default=None, description="These nodes fail.")
    recover: list[str] | None = Field(default=None, description="These nodes are back from a failure.")
    drain: list[str] | None = Field(
        default=None, description="Nothing new starts on these nodes; what runs there is evicted and waits again."
    )
    uncordon: list[str] | None = Field(default=None, description="These nodes take pods again.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        verb = one_of(self, *VERBS)
        if not getattr(self, verb):
            raise unfit("no node", "names of nodes", f".{verb}")
        return self

    def verb(self) -> str:
        """What happens."""
        return one_of(self, *VERBS)

    def change(self) -> NodeChange:
        """The change."""
        verb = self.verb()
        return NodeChange(self.at, cast("Verb", verb), tuple(getattr(self, verb)))


class PricingFields(Fields):
    """The price of nodes; of several that speak of a node the first counts."""

    nodes: Labelled = Field(default=Labelled(), description="Which nodes; without it all.")
    price: Price = Field(
        description="US dollars per hour of one node, or a list of prices with the times from which they hold, first "
        "`at: 0s`."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_points(self.price, ".price")
        return self

    def pricing(self) -> Pricing:
        """The price."""
        return Pricing(self.nodes.labels, price_series(self.price))
