"""Which nodes can go: the steps in their order, every eviction named, and how near that is to the least there could be.

The dictionary that ``to_dict`` gives is of the public format ``yuheng.io/v1alpha1``.
"""

from __future__ import annotations

from typing import Any

import msgspec

from yuheng.model.plan import API_VERSION, Placement
from yuheng.model.units import per_month

__all__ = ["Consolidation", "Relocation", "Stay", "Step"]


class Relocation(msgspec.Struct, frozen=True):
    """A pod that is evicted, and the node where it goes.

    Attributes:
        pod: ``namespace/name``.
        node: where it goes.
        devices: the GPUs it gets there, by index; empty for a pod without any.
        round: within the step, from 1 on. Pods of one round may be evicted together; those of the next only when they
            run again, for a PodDisruptionBudget or a gang allows no more at once.
    """

    pod: str
    node: str
    devices: tuple[int, ...] = ()
    round: int = 1


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A node that goes.

    Attributes:
        node: its name.
        instance_type: its machine; empty when it does not say.
        market: how it is bought.
        replacement: the instance type of the node that is started in its place; empty where none is.
        replacement_node: the name that the plan gives that node; empty where there is none.
        per_hour: US dollars per hour that are saved.
        disruption: what it disrupts: 1 for the node, and for each evicted pod its eviction cost.
        score: share of the savings divided by share of the disruption (see `yuheng.finops.consolidation.worth`).
        evictions: the pods that leave it, in the order of their eviction.
        vanish: pods that end with the node: of DaemonSets, static, or terminating.
    """

    node: str
    instance_type: str = ""
    market: str = "on-demand"
    replacement: str = ""
    replacement_node: str = ""
    per_hour: float
    disruption: float
    score: float
    evictions: tuple[Relocation, ...] = ()
    vanish: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The step in the public format."""
        return {
            "action": "replace" if self.replacement else "remove",
            "node": self.node,
            "instanceType": self.instance_type,
            "market": self.market,
            "replacement": self.replacement,
            "replacementNode": self.replacement_node,
            "savedPerMonth": per_month(self.per_hour),
            "disruption": round(self.disruption, 4),
            "score": round(self.score, 4),
            "evictions": [
                {"pod": one.pod, "node": one.node, "devices": list(one.devices), "round": one.round}
                for one in self.evictions
            ],
            "vanish": list(self.vanish),
        }


class Stay(msgspec.Struct, frozen=True):
    """A node that stays, and the first obstacle that was met.

    Attributes:
        node: its name.
        per_hour: US dollars per hour that it costs.
        reason: why it stays, as a sentence.
        pod: the pod that the reason is about, ``namespace/name``; empty for none.
    """

    node: str
    per_hour: float
    reason: str
    pod: str = ""


class Consolidation(msgspec.Struct, frozen=True, kw_only=True):
    """How a cluster gets cheaper by the nodes it has.

    Attributes:
        policy: the name of the policy that decides where evicted pods go.
        k: how much disruption was allowed for the savings.
        nodes: how many there are before.
        per_hour: US dollars per hour of all nodes before.
        bound: US dollars per hour that no set of these nodes can be below which holds the same pods, as long as those
            nodes are among them that have to stay.
        kept: how many have to stay whatever it saves: of the control plane, or with a pod that may not be evicted.
        steps: the nodes that go, in their order.
        stays: the nodes that stay, the dearest first.
        waiting: where pods go that wait for a node now; their room is kept.
        unplaced: pods that wait and find no place, before and after.
        assumptions: what the numbers stand on, a sentence each.
        warnings: what has to be known to read the result rightly.
    """

    policy: str
    k: float
    nodes: int
    per_hour: float
    bound: float
    kept: int = 0
    steps: tuple[Step, ...] = ()
    stays: tuple[Stay, ...] = ()
    waiting: tuple[Placement, ...] = ()
    unplaced: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def saved(self) -> float:
        """US dollars per hour that all steps save."""
        return sum(step.per_hour for step in self.steps)

    @property
    def after(self) -> float:
        """US dollars per hour of the nodes that are left."""
        return self.per_hour - self.saved

    @property
    def nodes_after(self) -> int:
        """How many nodes are left, those counted that replace others."""
        return self.nodes - sum(not step.replacement for step in self.steps)

    @property
    def gap(self) -> float:
        """By how much of the bound the nodes that are left cost more than it; 0 where nothing needs a node."""
        return max(self.after - self.bound, 0.0) / self.bound if self.bound > 0 else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The result in the public format."""
        return {
            "apiVersion": API_VERSION,
            "kind": "Consolidation",
            "policy": self.policy,
            "currency": "USD",
            # JSON has no infinity: null is any disruption for any savings.
            "k": self.k if self.k < float("inf") else None,
            "before": {"nodes": self.nodes, "perMonth": per_month(self.per_hour)},
            "after": {"nodes": self.nodes_after, "perMonth": per_month(self.after)},
            "savedPerMonth": per_month(self.saved),
            "bound": {"perMonth": per_month(self.bound), "gap": round(self.gap, 6), "nodesKept": self.kept},
            "steps": [step.to_dict() for step in self.steps],
            "stays": [
                {"node": stay.node, "perMonth": per_month(stay.per_hour), "reason": stay.reason, "pod": stay.pod}
                for stay in self.stays
            ],
            "waiting": [{"pod": one.pod, "node": one.node} for one in self.waiting],
            "unplaced": list(self.unplaced),
            "assumptions": list(self.assumptions),
            "warnings": list(self.warnings),
        }
