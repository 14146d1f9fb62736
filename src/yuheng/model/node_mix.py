"""The cheapest mix of machines that holds a workload: what to buy, what it costs, and how much cheaper it could be."""

from __future__ import annotations

from typing import Any

import msgspec

from yuheng.model.plan import API_VERSION, Placement
from yuheng.model.prices import Market
from yuheng.model.units import per_month

__all__ = ["BaselineMix", "BoughtNodes", "NodeMix", "Unheld"]


class BoughtNodes(msgspec.Struct, frozen=True, kw_only=True):
    """So many nodes of one type.

    Attributes:
        instance_type, provider, region, zone: what and where; empty when the price book does not say.
        market: how they are bought.
        count: how many.
        each: US dollars per hour of one.
        cpu, memory, gpus: what one has for pods, in milli-cores, bytes and devices, DaemonSets taken off.
        gpu_model: of its GPUs; empty for none, or when not known.
        pods: how many pods they hold, DaemonSets' left out.
        allocation: the share of each resource that those pods ask for.
    """

    instance_type: str
    provider: str = ""
    region: str = ""
    zone: str = ""
    market: Market
    count: int
    each: float
    cpu: int
    memory: int
    gpus: int = 0
    gpu_model: str = ""
    pods: int = 0
    allocation: dict[str, float] = {}

    def to_dict(self) -> dict[str, Any]:
        """The nodes in the public format."""
        return {
            "instanceType": self.instance_type,
            "provider": self.provider,
            "region": self.region,
            "zone": self.zone,
            "market": self.market,
            "count": self.count,
            "hourlyCostEach": round(self.each, 6),
            "hourlyCost": round(self.each * self.count, 6),
            "monthlyCost": per_month(self.each * self.count),
            "cpuMilli": self.cpu,
            "memoryBytes": self.memory,
            "gpus": self.gpus,
            "gpuModel": self.gpu_model,
            "pods": self.pods,
            "allocation": self.allocation,
        }


class BaselineMix(msgspec.Struct, frozen=True, kw_only=True):
    """What another rule would buy for the same pods.

    Attributes:
        rule: its name.
        per_hour: US dollars per hour.
        nodes: how many.
        types: how many of each type, by name.
    """

    rule: str
    per_hour: float
    nodes: int
    types: dict[str, int] = {}

    def to_dict(self) -> dict[str, Any]:
        """The baseline in the public format."""
        return {
            "rule": self.rule,
            "hourlyCost": round(self.per_hour, 6),
            "monthlyCost": per_month(self.per_hour),
            "nodes": self.nodes,
            "types": self.types,
        }


class Unheld(msgspec.Struct, frozen=True, kw_only=True):
    """Pods that no machine holds, and why."""

    pods: tuple[str, ...]
    reason: str


class NodeMix(msgspec.Struct, frozen=True, kw_only=True):
    """What to buy.

    Attributes:
        nodes: dearest first.
        per_hour: US dollars per hour of all of them.
        bound: no mix of these machines can cost less per hour.
        baselines: what other rules would buy; the first is Karpenter's.
        allocation: the share of each resource of all nodes that pods ask for, DaemonSets' room taken off.
        pods: how many pods are held.
        placements: which pod is on which of the new nodes.
        unheld: those that no machine holds.
        scheduler: how many of the pods find a place when the scheduler puts them on these nodes as it likes, and
            under which policy; None when it was not tried.
        offers: how many machines there were to choose from.
        patterns: how many ways to fill a machine were looked at.
        seconds: how long it took.
        warnings: what had to be assumed.
    """

    nodes: tuple[BoughtNodes, ...]
    per_hour: float
    bound: float
    baselines: tuple[BaselineMix, ...] = ()
    allocation: dict[str, float] = {}
    pods: int = 0
    placements: tuple[Placement, ...] = ()
    unheld: tuple[Unheld, ...] = ()
    scheduler: tuple[int, str] | None = None
    offers: int = 0
    patterns: int = 0
    seconds: float = 0.0
    warnings: tuple[str, ...] = ()

    @property
    def gap(self) -> float:
        """How far the price is above the bound, relative to the bound; 0 for nothing to hold."""
        return self.per_hour / self.bound - 1 if self.bound > 0 else 0.0

    @property
    def count(self) -> int:
        """How many nodes there are."""
        return sum(nodes.count for nodes in self.nodes)

    def saving(self, baseline: BaselineMix) -> float:
        """How much cheaper than a baseline it is, as a share of the baseline's price; negative where it is dearer."""
        return 1 - self.per_hour / baseline.per_hour if baseline.per_hour > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The mix in the public format."""
        scheduler = None
        if self.scheduler is not None:
            scheduler = {"placed": self.scheduler[0], "of": self.pods, "policy": self.scheduler[1]}
        return {
            "apiVersion": API_VERSION,
            "kind": "NodeMix",
            "summary": {
                "currency": "USD",
                "pods": self.pods,
                "unheld": sum(len(one.pods) for one in self.unheld),
                "nodes": self.count,
                "hourlyCost": round(self.per_hour, 6),
                "monthlyCost": per_month(self.per_hour),
                "hourlyBound": round(self.bound, 6),
                "gap": round(self.gap, 6),
                "allocation": self.allocation,
                "offers": self.offers,
                "patterns": self.patterns,
                "seconds": round(self.seconds, 3),
            },
            "nodes": [nodes.to_dict() for nodes in self.nodes],
            "baselines": [one.to_dict() | {"saving": round(self.saving(one), 6)} for one in self.baselines],
            "scheduler": scheduler,
            "unheld": [{"pods": list(one.pods), "reason": one.reason} for one in self.unheld],
            "placements": [{"pod": one.pod, "node": one.node} for one in self.placements],
            "warnings": list(self.warnings),
        }
