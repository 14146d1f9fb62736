"""The fleet: clusters in regions, what they cost, and the workloads that are decided for together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from yuheng.model.cluster import Skipped, Snapshot
from yuheng.model.job import Job
from yuheng.model.node import Node, Taint
from yuheng.model.pod import Pod
from yuheng.model.prices import DEFAULT_RATES, Market, PriceBook, Rates, Tier
from yuheng.model.requirements import Requirements
from yuheng.model.series import Series

if TYPE_CHECKING:
    from yuheng.model.propagation import PropagationPolicy
    from yuheng.model.workflow import Workflow

__all__ = ["Cluster", "ClusterPool", "Fleet", "FleetWorkload", "Link", "PowerModel", "Region", "SpotTrace"]


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to move data from one region to another.

    Attributes:
        egress: US dollars per gigabyte, by tiers; empty when unknown.
        latency: seconds one way; None when unknown.
        bandwidth: bytes per second; None when unknown.
    """

    egress: tuple[Tier, ...] = ()
    latency: float | None = None
    bandwidth: float | None = None


class SpotTrace(msgspec.Struct, frozen=True, kw_only=True):
    """When spot capacity could be had, as it was observed.

    Attributes:
        zone: where.
        instance_type: of what; empty for any machine.
        gap: seconds that each element stands for.
        available: whether an instance could be had, oldest first.
    """

    zone: str
    instance_type: str = ""
    gap: float
    available: tuple[bool, ...]


class Region(msgspec.Struct, frozen=True, kw_only=True):
    """A region of a provider.

    Attributes:
        name: such as ``eu-west-1``.
        provider: such as ``aws``; empty when it is not said.
        links: by the key of the region they lead to.
        internet: what a gigabyte to regions without a link costs, by tiers; empty when unknown.
        carbon: grams of CO2 equivalent per kWh over time; None when unknown.
        pue: power usage effectiveness: energy of the data centre over that of its machines.
        concurrency: how many pods of the plan's jobs may run at a time; None for no limit.
        speed: how fast machines are here relative to what run times were measured on (2 halves them).
        storage: US dollars per gigabyte and month of stored copies; None when unknown.
        spot: when spot capacity could be had in its zones.
    """

    name: str
    provider: str = ""
    links: Mapping[str, Link] = {}
    internet: tuple[Tier, ...] = ()
    carbon: Series | None = None
    pue: float = 1.0
    concurrency: int | None = None
    speed: float = 1.0
    storage: float | None = None
    spot: tuple[SpotTrace, ...] = ()

    @property
    def key(self) -> str:
        """``provider/name``, or the name alone where no provider is known: unique in a fleet."""
        return f"{self.provider}/{self.name}" if self.provider else self.name


class PowerModel(msgspec.Struct, frozen=True, kw_only=True):
    """The electric power of machines: an idle part, and one proportional to use.

    Attributes:
        instance_type: shell pattern of the machines it speaks of; such as ``m5.*``.
        idle, full: watts of a whole machine that is idle, and in full use.
        utilisation: how much of what pods ask for is used, between 0 and 1.
    """

    instance_type: str
    idle: float
    full: float
    utilisation: float = 0.5


class ClusterPool(msgspec.Struct, frozen=True, kw_only=True):
    """Nodes of one kind that a cluster could have and does not have yet.

    Attributes:
        name: unique in the cluster; its nodes are called ``name-0``, ``name-1`` and so on.
        node: what each of them looks like; labels tell instance type, zone and market.
        maximum: how many there can be.
        delay: seconds from asking for a node until it is ready.
        market: how they are bought.
    """

    name: str
    node: Node
    maximum: int
    delay: float = 0.0
    market: Market = "on-demand"


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster of the fleet.

    Attributes:
        name: unique in the fleet.
        provider, region: where it is; empty when it is not said.
        zones: of the cluster; those its nodes tell of where it does not say.
        labels: of the cluster itself.
        taints: of the cluster itself; workloads without a toleration do not come here.
        ready: whether it answers.
        snapshot: its state.
        pools: nodes it could have.
        rates: what its resources cost, in place of the price book; None for the book.
        price_factor: the book's prices are multiplied by it; 0 for a cluster that is paid for already.
        startup: seconds from when a pod has its node until it works: image, volumes, start.
        source: the file it was read from.
    """

    name: str
    provider: str = ""
    region: str = ""
    zones: tuple[str, ...] = ()
    labels: Mapping[str, str] = {}
    taints: tuple[Taint, ...] = ()
    ready: bool = True
    snapshot: Snapshot = Snapshot()
    pools: tuple[ClusterPool, ...] = ()
    rates: Rates | None = None
    price_factor: float = 1.0
    startup: float = 0.0
    source: str = ""

    @property
    def region_key(self) -> str:
        """The key of its `Region`."""
        return f"{self.provider}/{self.region}" if self.provider else self.region


class FleetWorkload(msgspec.Struct, frozen=True, kw_only=True):
    """A workload that is placed as a whole: its replicas may be on several clusters.

    Attributes:
        key: ``namespace/name``.
        kind: such as ``Deployment`` or ``Job``.
        api_version: such as ``apps/v1``.
        labels: of the object.
        pods: one for each replica, all of them pending; more than one template where a job has several tasks.
        divisible: whether its replicas may be on several clusters; a gang's may not.
        job: what its pods name as theirs (`Pod.job`), to be among the jobs of the cluster they go to; None for none.
        variants: the pods as an OverridePolicy makes them, by cluster; absent where none applies.
        previous: replicas by cluster where it runs already, or is bound to by a ResourceBinding.
        running: the keys of its pods that have nodes, by cluster.
        policy_name: of the placement that bound it, where a ResourceBinding tells.
        affinity: the name of the cluster affinity it was placed by the last time; empty when unknown.
        leaving: clusters that a ResourceBinding says it is being evicted from.
        rebalance: whether it was asked for to be placed anew (`WorkloadRebalancer`).
        requirements: what it needs beyond its pods.
        source: the file it was read from.
    """

    key: str
    kind: str
    api_version: str = ""
    labels: Mapping[str, str] = {}
    pods: tuple[Pod, ...]
    divisible: bool = True
    job: Job | None = None
    variants: Mapping[str, tuple[Pod, ...]] = {}
    previous: Mapping[str, int] = {}
    running: Mapping[str, tuple[str, ...]] = {}
    policy_name: str = ""
    affinity: str = ""
    leaving: tuple[str, ...] = ()
    rebalance: bool = False
    requirements: Requirements = Requirements()
    source: str = ""

    @property
    def identity(self) -> str:
        """Unique in a fleet: two kinds may have objects of one name."""
        return f"{self.api_version}/{self.kind} {self.key}"

    @property
    def namespace(self) -> str:
        """Its namespace."""
        return self.key.split("/", 1)[0]

    @property
    def name(self) -> str:
        """Its name."""
        return self.key.split("/", 1)[1]


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is decided for together.

    Attributes:
        clusters: sorted by name. Their snapshots hold no pending pods of `workloads`.
        regions: by key; every cluster that names a region has its own here.
        prices: the price book, in US dollars.
        rates: of resources of nodes without a price.
        power: the first that speaks of a machine counts.
        workloads: sorted by key.
        policies: Karmada's policies, sorted by namespace and name; cluster-wide ones have no namespace.
        workflows: sorted by key.
        time: what time it is, in seconds since the epoch; None when the input tells of none.
        skipped: kinds that were in the input and are not used.
        warnings: what the reader had to assume, one sentence each.
    """

    clusters: tuple[Cluster, ...] = ()
    regions: Mapping[str, Region] = {}
    prices: PriceBook = PriceBook()
    rates: Rates = DEFAULT_RATES
    power: tuple[PowerModel, ...] = ()
    workloads: tuple[FleetWorkload, ...] = ()
    policies: tuple[PropagationPolicy, ...] = ()
    workflows: tuple[Workflow, ...] = ()
    time: float | None = None
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()
