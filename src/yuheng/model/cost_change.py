"""What a change of manifests costs: the money of two versions, workload by workload, and the difference.

An autoscaler may run a workload with few or many replicas, so that money is a range. A difference is taken at the same
demand on both sides: a workload that wants so many replicas runs as many of them as either version allows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from yuheng.model.plan import API_VERSION, listed
from yuheng.model.prices import DEFAULT_RATES, Rates
from yuheng.model.units import GIB

__all__ = [
    "Change",
    "ChangeFit",
    "ChangeRates",
    "ChangeRow",
    "ChangeSide",
    "CostChange",
    "CostRange",
    "MoreNodes",
    "NoPlace",
]

# 8760 hours of a year over 12.
Change = Literal["added", "removed", "changed", "moved"]


class CostRange(msgspec.Struct, frozen=True):
    """A range of an amount a month, of money or of grams: with the fewest replicas, and with the most."""

    low: float = 0.0
    high: float = 0.0

    def __add__(self, other: CostRange) -> CostRange:
        return CostRange(self.low + other.low, self.high + other.high)

    def __mul__(self, factor: float) -> CostRange:
        return CostRange(self.low * factor, self.high * factor)

    @property
    def exact(self) -> bool:
        """Whether both ends are the same to a millionth."""
        return abs(self.high - self.low) <= 1e-6 * max(abs(self.high), abs(self.low), 1e-9)

    def to_dict(self) -> dict[str, float]:
        """``low`` and ``high``, without noise."""
        return {"low": _rounded(self.low), "high": _rounded(self.high)}


class ChangeRates(msgspec.Struct, frozen=True, kw_only=True):
    """What resources cost.

    The defaults are OpenCost's: those of its ``default.json`` for a cluster on premises, and of a load balancer the
    price of the first five forwarding rules.

    Attributes:
        compute: of cores, GiB of memory and GPUs, in US dollars per hour.
        storage: US dollars per GiB and month.
        classes: the same of storage classes with a price of their own, by name.
        balancer: US dollars per hour of a load balancer.
        carbon: grams of CO2 equivalent per kWh at the socket of the machines, the data centre's own share (PUE)
            included; None when unknown.
        source: where the rates of compute are from, in words.
    """

    compute: Rates = DEFAULT_RATES
    storage: float = 0.04
    classes: Mapping[str, float] = {}
    balancer: float = 0.025
    carbon: float | None = None
    source: str = "the default rates"

    def storage_per_month(self, size: float, storage_class: str = "") -> float:
        """US dollars a month of so many bytes of a class; the empty class is the cluster's default."""
        return self.classes.get(storage_class, self.storage) * size / GIB


class ChangeSide(msgspec.Struct, frozen=True, kw_only=True):
    """A workload, claim or load balancer in one version.

    Attributes:
        minimum, maximum: replicas; None where their number is not known (a DaemonSet on an unknown cluster).
        cpu: requested by one replica, in milli-cores.
        memory: the same in bytes.
        gpus: the same in devices; a share counts as its part of one.
        storage: of one replica's own claims, or of the claim, in bytes.
        storage_class: of a claim; empty for the cluster's default.
        scaled: by which autoscaler; empty for none.
        per_month: US dollars; None where it is not known how many replicas run, or how long.
        per_hour: US dollars per hour of all that may run at a time; what a run of a job costs by the hour.
        carbon: grams of CO2 equivalent a month; None when unknown.
    """

    minimum: int | None = 1
    maximum: int | None = 1
    cpu: int = 0
    memory: int = 0
    gpus: float = 0.0
    storage: int = 0
    storage_class: str = ""
    scaled: str = ""
    per_month: CostRange | None = None
    per_hour: float = 0.0
    carbon: CostRange | None = None

    def to_dict(self) -> dict[str, Any]:
        """The side as it stands in the public format: amounts in cores and bytes."""
        return {
            "replicas": {"minimum": self.minimum, "maximum": self.maximum},
            "autoscaler": self.scaled,
            "cpu": self.cpu / 1000,
            "memory": self.memory,
            "gpus": _rounded(self.gpus),
            "storage": self.storage,
            "storageClass": self.storage_class,
            "perMonth": _told(self.per_month),
            "perHour": _rounded(self.per_hour),
            "carbonGrams": _told(self.carbon),
        }


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """What changes about one object that costs money.

    Attributes:
        kind: ``Deployment``, ``PersistentVolumeClaim``, ``Service`` ...
        namespace: where it is in the head; of one that is removed, where it was.
        moved_from: the namespace it was in, where that is another.
        before, after: in both versions; None where it is not in that one.
        increase: US dollars a month more, over all demands that either version can meet; None where a side's money
            is not known.
        carbon: grams of CO2 equivalent a month more; None when unknown.
    """

    kind: str
    namespace: str
    name: str
    change: Change
    moved_from: str = ""
    before: ChangeSide | None = None
    after: ChangeSide | None = None
    increase: CostRange | None = None
    carbon: CostRange | None = None

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"

    def to_dict(self) -> dict[str, Any]:
        """The row as it stands in the public format."""
        return {
            "kind": self.kind,
            "namespace": self.namespace,
            "name": self.name,
            "change": self.change,
            "movedFrom": self.moved_from,
            "before": None if self.before is None else self.before.to_dict(),
            "after": None if self.after is None else self.after.to_dict(),
            "increase": _told(self.increase),
            "carbonGrams": _told(self.carbon),
        }


class MoreNodes(msgspec.Struct, frozen=True, kw_only=True):
    """Nodes that have to be added.

    Attributes:
        like: the pool they are from, or the instance type of nodes that are there already, or else one such node.
        nodes: how many.
        per_month: US dollars of all of them; None when their price is not known.
    """

    like: str
    nodes: int
    per_month: float | None

    def to_dict(self) -> dict[str, Any]:
        """The nodes as they stand in the public format."""
        return {"like": self.like, "nodes": self.nodes, "perMonth": _rounded(self.per_month)}


class NoPlace(msgspec.Struct, frozen=True):
    """Pods of a workload that fit on no node, however many are added, and what the scheduler says of one of them."""

    workload: str
    pods: int
    reason: str


class ChangeFit(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the head fits on a cluster.

    Attributes:
        cluster: its name; empty when there is only one.
        replicas: whether autoscaled workloads run with the fewest replicas or with the most.
        pods: how many have to be placed.
        kept: pods of these workloads that stay where they are: nothing of theirs changes.
        removed: pods that run now and go.
        nodes: of the cluster.
        more: nodes to add, cheapest kind first choice; empty when everything fits on those there are.
        refused: what fits nowhere.
    """

    cluster: str = ""
    replicas: Literal["fewest", "most"] = "most"
    pods: int = 0
    kept: int = 0
    removed: int = 0
    nodes: int = 0
    more: tuple[MoreNodes, ...] = ()
    refused: tuple[NoPlace, ...] = ()

    @property
    def fits(self) -> bool:
        """Whether every pod has a place, on nodes that are to be added too."""
        return not self.refused

    @property
    def more_nodes(self) -> int:
        """How many nodes are to be added."""
        return sum(item.nodes for item in self.more)

    @property
    def per_month(self) -> float | None:
        """US dollars a month of the nodes to be added; None when the price of one is not known."""
        prices = [item.per_month for item in self.more if item.per_month is not None]
        return sum(prices) if len(prices) == len(self.more) else None

    def to_dict(self) -> dict[str, Any]:
        """The answer as it stands in the public format."""
        return {
            "cluster": self.cluster,
            "replicas": self.replicas,
            "fits": self.fits,
            "nodes": self.nodes,
            "moreNodes": self.more_nodes,
            "more": [item.to_dict() for item in self.more],
            "perMonth": _rounded(self.per_month),
            "pods": self.pods,
            "kept": self.kept,
            "removed": self.removed,
            "refused": listed(msgspec.to_builtins(self.refused)),
        }


class CostChange(msgspec.Struct, frozen=True, kw_only=True):
    """The price of a change: what `yuheng cost diff` shows.

    Attributes:
        base, head: where the two versions were read from.
        rates: what resources cost.
        rows: what changes, dearest increase first, then by kind, namespace and name.
        unchanged: how many objects that cost money are the same in both.
        before, after: US dollars a month of everything that is priced.
        increase: the sum of the rows' increases.
        carbon: grams of CO2 equivalent a month more; None when unknown.
        fits: an answer for each cluster; empty where none was given.
        budget: US dollars a month that the increase may be; None for no limit.
        assumptions: what the numbers rest on, one sentence each.
    """

    base: str
    head: str
    rates: ChangeRates
    rows: tuple[ChangeRow, ...]
    unchanged: int = 0
    before: CostRange = CostRange()
    after: CostRange = CostRange()
    increase: CostRange = CostRange()
    carbon: CostRange | None = None
    fits: tuple[ChangeFit, ...] = ()
    budget: float | None = None
    assumptions: tuple[str, ...] = ()

    @property
    def over_budget(self) -> bool:
        """Whether the increase may pass the budget: its upper end does, by half a cent at least."""
        return self.budget is not None and self.increase.high >= self.budget + 0.005

    def to_dict(self) -> dict[str, Any]:
        """The change in the public format (kind ``CostChange``)."""
        return {
            "apiVersion": API_VERSION,
            "kind": "CostChange",
            "base": self.base,
            "head": self.head,
            "currency": "USD",
            "rates": _rates(self.rates),
            "rows": [row.to_dict() for row in self.rows],
            "unchanged": self.unchanged,
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "increase": self.increase.to_dict(),
            "carbonGrams": _told(self.carbon),
            "fits": [fit.to_dict() for fit in self.fits],
            "budget": self.budget,
            "overBudget": self.over_budget,
            "assumptions": list(self.assumptions),
        }


def _rates(rates: ChangeRates) -> Mapping[str, Any]:
    return {
        "cpu": _rounded(rates.compute.cpu),
        "memory": _rounded(rates.compute.memory),
        "gpu": _rounded(rates.compute.gpu),
        "storage": rates.storage,
        "storageClasses": dict(sorted(rates.classes.items())),
        "loadBalancer": rates.balancer,
        "carbonPerKwh": _rounded(rates.carbon),
        "source": rates.source,
    }


def _told(found: CostRange | None) -> dict[str, float] | None:
    return None if found is None else found.to_dict()


def _rounded(value: Any) -> Any:  # noqa: ANN401 -- a number, or none
    return None if value is None else float(f"{value:.9g}")
