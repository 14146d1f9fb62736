"""The keys of a `Cluster`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from yuheng.model.fleet import ClusterPool
from yuheng.model.labels import CAPACITY_TYPE, HOSTNAME, INSTANCE_TYPE, OS, REGION, ZONE
from yuheng.model.node import DeviceInventory, Node, Taint
from yuheng.model.prices import Market, PriceBook
from yuheng.readers.fleet.objects import Object
from yuheng.readers.fleet.values import Currency, Money
from yuheng.readers.scenario.nodes import MODEL_LABEL, MOST_NODES, POOL_LABEL
from yuheng.readers.scenario.nodes import TaintFields as NodeTaintFields
from yuheng.readers.scenario.refusals import Fields, refused, unfit
from yuheng.readers.scenario.values import GPU, MOST_GPUS, Amounts, Name, Seconds, within

__all__ = ["ClusterObject", "NodePoolFields", "RateFields"]

PODS = 110


def as_list(value: object) -> object:
    """A single text as a list of one."""
    return [value] if isinstance(value, str) else value


Markets = Annotated[list[Market], BeforeValidator(as_list, json_schema_input_type=Market | list[Market])]
Zones = Annotated[list[Name], BeforeValidator(as_list, json_schema_input_type=str | list[str])]


class RateFields(Fields):
    """What an hour of a resource costs where no price of a machine is known."""

    cpu: Money = Field(description="Per core and hour.")
    memory: Money = Field(description="Per GiB and hour.")
    gpu: Money = Field(default=0.0, description="Per GPU and hour.")


class NodePoolFields(Fields):
    """Nodes of one kind that a cluster could have and does not have yet."""

    name: Name = Field(description="Unique in the cluster.")
    instance_type: Name = Field(description="The machine, as the price book calls it.")
    zones: Zones = Field(default=[], description="Where they may be; without it the zones of the cluster.")
    markets: Markets = Field(default=["on-demand"], description="How they may be bought.")
    maximum: Annotated[int, within(0, MOST_NODES)] = Field(
        description="How many there can be, in each zone and market."
    )
    provisioning_delay: Seconds = Field(default=0.0, description="From asking for a node until it is ready.")
    resources: Amounts = Field(
        default={},
        description="What a node offers to pods: `cpu`, `memory`, `gpu` and others, as Kubernetes quantities. Without "
        "it what the price book says that the machine has.",
    )
    gpu_model: str = Field(default="", description="The model of its GPUs.")
    labels: dict[str, str] = Field(default={}, description="Labels, beside those that clouds set.")
    taints: list[NodeTaintFields] = Field(default=[], description="Taints.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.markets:
            raise unfit("no market", "one or more", ".markets")
        if self.resources and not {"cpu", "memory"} <= set(self.resources):
            raise unfit(", ".join(self.resources), "cpu and memory among the resources", ".resources")
        if self.resources.get(GPU, 0) > MOST_GPUS:
            raise refused(self.resources[GPU], f"at most {MOST_GPUS} GPUs", ".resources.gpu")
        return self

    def pools(self, region: str, zones: tuple[str, ...], book: PriceBook) -> list[ClusterPool] | None:
        """The pool, for each zone and market; None when nobody knows what its nodes have.

        Args:
            region: of the cluster.
            zones: of the cluster.
            book: tells what machines have.
        """
        found = self._shape(book)
        if found is None:
            return None
        amounts, model = found
        places = [(zone, market) for zone in self.zones or zones or ("",) for market in self.markets]
        return [
            ClusterPool(
                name=(name := "-".join((self.name, *_told_apart(places, zone, market)))),
                node=self._node(name, (region, zone, market), amounts, model),
                maximum=self.maximum,
                delay=self.provisioning_delay,
                market=market,
            )
            for zone, market in places
        ]

    def _shape(self, book: PriceBook) -> tuple[dict[str, int], str] | None:
        """What a node has, and the model of its GPUs."""
        known = book.shape(self.instance_type)
        if self.resources:
            return {"pods": PODS, **self.resources}, self.gpu_model or (known.gpu_model if known else "")
        if known is None or not known.memory:
            return None
        gpus = {GPU: known.gpus} if known.gpus else {}
        return {"cpu": known.cpu_milli, "memory": known.memory, "pods": PODS, **gpus}, self.gpu_model or known.gpu_model

    def _node(self, name: str, place: tuple[str, str, Market], amounts: dict[str, int], model: str) -> Node:
        region, zone, market = place
        gpus = amounts.get(GPU, 0)
        labels = {
            HOSTNAME: name,
            INSTANCE_TYPE: self.instance_type,
            REGION: region,
            ZONE: zone,
            MODEL_LABEL: model if gpus else "",
            CAPACITY_TYPE: market,
            POOL_LABEL: self.name,
            OS: "linux",
        }
        return Node(
            name=name,
            allocatable=amounts,
            labels={key: value for key, value in (labels | self.labels).items() if value},
            taints=tuple(Taint(taint.key, taint.effect, taint.value) for taint in self.taints),
            devices=DeviceInventory(count=gpus, model=model if gpus else ""),
        )


def _told_apart(places: list[tuple[str, Market]], zone: str, market: Market) -> list[str]:
    """What the name of a pool needs beside that of its kind."""
    zones, markets = ({place[part] for place in places} for part in (0, 1))
    return ([zone] if len(zones) > 1 else []) + ([market] if len(markets) > 1 else [])


class ClusterSpecFields(Fields):
    """A cluster: where it is, its state, what it costs. Its state may come from several of the three sources."""

    provider: str = Field(default="", description="Who runs the machines, such as `aws`.")
    region: str = Field(default="", description="Where it is; the name of a `Region`.")
    zones: Zones = Field(default=[], description="Without it those that its nodes tell of.")
    labels: dict[str, str] = Field(default={}, description="Of the cluster itself, beside those of its metadata.")
    taints: list[NodeTaintFields] = Field(
        default=[], description="Of the cluster itself: workloads without a toleration do not come here."
    )
    manifests: Annotated[list[Name], BeforeValidator(as_list, json_schema_input_type=str | list[str])] = Field(
        default=[], description="Files and folders with its state, whatever `yuheng plan` reads."
    )
    context: str | None = Field(
        default=None, description="The context of a kubeconfig: its state is asked for with `kubectl`."
    )
    kubeconfig: Name | None = Field(default=None, description="The kubeconfig; without it the one `kubectl` takes.")
    node_pools: list[NodePoolFields] = Field(default=[], description="Nodes that do not exist yet.")
    rates: RateFields | None = Field(default=None, description="What its resources cost, in place of the price book.")
    currency: Currency | None = Field(default=None, description="Of `rates`; without it that of the fleet.")
    price_factor: Money = Field(
        default=1.0, description="Prices of the book are multiplied by it; 0 for a cluster that is paid for already."
    )
    startup_delay: Seconds = Field(
        default=0.0, description="From when a pod has its node until it works: image, volumes, start."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        seen = set()
        for index, pool in enumerate(self.node_pools):
            if pool.name in seen:
                raise refused(pool.name, "a name that comes once in nodePools", f".nodePools[{index}].name")
            seen.add(pool.name)
        if self.context is not None and not _is_context(self.context):
            raise refused(self.context, "the name of a context", ".context")
        if self.kubeconfig and self.context is None:
            raise refused(self.kubeconfig, "a context of it", ".kubeconfig")
        return self


def _is_context(name: str) -> bool:
    """Whether a context can be called so: one line that no command takes for an option."""
    return bool(name.strip()) and name.isprintable() and not name.startswith("-")


class ClusterObject(Object):
    """A cluster of the fleet."""

    kind: Literal["Cluster"] = Field(description="`Cluster`.")
    spec: ClusterSpecFields = Field(default=ClusterSpecFields(), description="What it is.")
