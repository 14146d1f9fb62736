"""Node pools, which nodes something speaks of, and what nodes cost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from yuheng.model.labels import HOSTNAME
from yuheng.model.node import DeviceInventory, Node, Taint
from yuheng.model.scenario import NodePool, PriceSeries
from yuheng.readers.scenario.refusals import Fields, refused, unfit
from yuheng.readers.scenario.values import GPU, MOST_GPUS, Amounts, Bytes, Milli, Name, Seconds, at_least, within

__all__ = ["POOL_LABEL", "Labelled", "PoolFields", "Price", "Selector", "price_series"]

POOL_LABEL: Final = "yuheng.io/pool"
MODEL_LABEL: Final = "nvidia.com/gpu.product"
MOST_NODES: Final = 1_000_000


class PricePoint(Fields):
    """A price from a time on."""

    at: Seconds = Field(description="From when on, since the start.")
    price: Annotated[float, at_least(0)] = Field(description="US dollars per hour of one node.")


def _points(value: object) -> object:
    """A single price as one that holds from the start."""
    return [{"at": 0, "price": value}] if isinstance(value, int | float) and not isinstance(value, bool) else value


Price = Annotated[list[PricePoint], BeforeValidator(_points, json_schema_input_type=float | list[PricePoint])]


def price_series(points: Sequence[PricePoint]) -> PriceSeries:
    """The price over time."""
    return PriceSeries(tuple(point.at for point in points), tuple(point.price for point in points))


def check_points(points: Sequence[PricePoint], at: str) -> None:
    """Check that a price is known from the start on.

    Raises:
        PydanticCustomError: the times do not ascend from 0.
    """
    if not points or points[0].at != 0:
        raise refused(points[0].at if points else None, "a first price at 0s", f"{at}[0].at" if points else at)
    for index, (before, after) in enumerate(pairwise(points), 1):
        if after.at <= before.at:
            raise refused(after.at, f"a time after {before.at:g} seconds", f"{at}[{index}].at")


class TaintFields(Fields):
    """A taint, as in Kubernetes."""

    key: Name = Field(description="Its key.")
    value: str = Field(default="", description="Its value.")
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        description="What happens to pods without a toleration."
    )


class NodeFields(Fields):
    """What each node of a pool looks like."""

    cpu: Milli = Field(description="Allocatable cpu, as a Kubernetes quantity.")
    memory: Bytes = Field(description="Allocatable memory, as a Kubernetes quantity.")
    gpu: Annotated[int, within(0, MOST_GPUS)] = Field(default=0, description="How many GPUs it has.")
    gpu_model: str = Field(default="", description="The model of its GPUs.")
    pods: Annotated[int, within(1, MOST_NODES)] = Field(default=110, description="How many pods it takes.")
    labels: dict[str, str] = Field(default={}, description="Labels, beside the hostname and `yuheng.io/pool`.")
    taints: list[TaintFields] = Field(default=[], description="Taints.")
    resources: Amounts = Field(default={}, description="Other resources, as Kubernetes quantities by name.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        """What has a key of its own must not come a second time under another name."""
        if self.gpu_model and not self.gpu:
            raise unfit("a GPU model of a node without GPUs", "gpu above 0, or no gpuModel", ".gpuModel")
        for name in ("cpu", "memory", "pods", GPU):
            if name in self.resources:
                raise unfit("a resource that has a key of its own", "other resources", f".resources.{name}")
        return self

    def node(self, pool: str) -> Node:
        """A node of a pool; its name and hostname are for whoever adds it."""
        gpus = {GPU: self.gpu} if self.gpu else {}
        model = {MODEL_LABEL: self.gpu_model} if self.gpu_model else {}
        return Node(
            name=pool,
            allocatable={"cpu": self.cpu, "memory": self.memory, "pods": self.pods, **gpus, **self.resources},
            labels={HOSTNAME: pool, **model, **self.labels, POOL_LABEL: pool},
            taints=tuple(Taint(taint.key, taint.effect, taint.value) for taint in self.taints),
            devices=DeviceInventory(count=self.gpu, model=self.gpu_model),
        )


class PoolFields(Fields):
    """Nodes of one kind that come when pods need them, and go when nobody does."""

    name: Name = Field(description="Unique; its nodes are called `NAME-0`, `NAME-1` and so on.")
    node: NodeFields = Field(description="What each of its nodes looks like.")
    min: Annotated[int, within(0, MOST_NODES)] = Field(default=0, description="How many nodes there are at least.")
    max: Annotated[int, within(0, MOST_NODES)] = Field(description="How many nodes there are at most.")
    initial: Annotated[int, within(0, MOST_NODES)] | None = Field(
        default=None, description="How many nodes there are at the start; without it `min`."
    )
    delay: Seconds = Field(default=0.0, description="From asking for a node until it is ready.")
    idle: Seconds | None = Field(
        default=None, description="How long a node stays without pods before it goes; without it nodes stay."
    )
    price: Price | None = Field(
        default=None,
        description="US dollars per hour of one node, or a list of prices with the times from which they hold, first "
        "`at: 0s`.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.min > self.max:
            raise refused(self.min, f"no more than max, which is {self.max}", ".min")
        if self.initial is not None and not self.min <= self.initial <= self.max:
            raise refused(self.initial, f"a number from min ({self.min}) to max ({self.max})", ".initial")
        if self.price is not None:
            check_points(self.price, ".price")
        return self

    def pool(self) -> NodePool:
        """The pool."""
        return NodePool(
            name=self.name,
            node=self.node.node(self.name),
            minimum=self.min,
            maximum=self.max,
            initial=self.min if self.initial is None else self.initial,
            delay=self.delay,
            idle=float("inf") if self.idle is None else self.idle,
            price=price_series(self.price) if self.price is not None else None,
        )


class Labelled(Fields):
    """Nodes by their labels."""

    labels: dict[str, str] = Field(default={}, description="They have all of these labels.")


class Selector(Labelled):
    """Nodes by their labels or their pool."""

    pool: str = Field(default="", description="They are of this pool.")

    def all_labels(self) -> dict[str, str]:
        """The labels that nodes have to have."""
        return {**self.labels, POOL_LABEL: self.pool} if self.pool else dict(self.labels)
