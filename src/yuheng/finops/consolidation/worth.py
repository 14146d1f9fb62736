"""Is a saving worth its disruption? The rule of Karpenter's policy ``Balanced``.

A node that goes saves a share of what all nodes cost, and disrupts a share of what could be disrupted at all. It may go
when the first is at least 1/k of the second: with k = 2, whoever saves a tenth of the money may disrupt up to a fifth
of the cluster. An infinite k allows whatever saves anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

__all__ = ["NODE_DISRUPTION", "Worth", "eviction_cost", "node_disruption"]

# A node that goes is a disruption by itself: no share is ever divided by nothing.
NODE_DISRUPTION: Final = 1.0
_PRIORITY_UNIT: Final = 2**25
_DELETION_UNIT: Final = 2**27
_LEAST: Final = -10.0
_MOST: Final = 10.0


class Worth(NamedTuple):
    """What one change of the nodes saves and disrupts, against what there is.

    Attributes:
        saved: US dollars per hour.
        disruption: of the nodes and pods that are touched.
        cost: US dollars per hour of all nodes.
        whole: the disruption of all nodes together.
        k: how much disruption a saving may cause.
    """

    saved: float
    disruption: float
    cost: float
    whole: float
    k: float

    @property
    def score(self) -> float:
        """Share of the savings divided by share of the disruption; 0 where nothing is saved."""
        if self.saved <= 0 or self.cost <= 0 or self.disruption <= 0:
            return 0.0
        return (self.saved / self.cost) / (self.disruption / self.whole)

    @property
    def is_approved(self) -> bool:
        """Whether the savings are worth the disruption."""
        return self.saved > 0 and self.score >= 1 / self.k

    @property
    def refusal(self) -> str:
        """Why it is not approved, as a sentence."""
        if self.saved <= 0:
            return "it costs nothing"
        share, disrupted = self.saved / self.cost, self.disruption / self.whole
        return (
            f"not worth it: it would save {share:.2%} of the cost and disrupt {disrupted:.2%} of the cluster, "
            f"score {self.score:.2f} below 1/k = {1 / self.k:.2f}"
        )


def eviction_cost(priority: int, deletion_cost: int) -> float:
    """What the eviction of a pod counts: 1, more with its priority and its deletion cost (Karpenter's formula).

    Args:
        priority: of the pod.
        deletion_cost: its annotation ``controller.kubernetes.io/pod-deletion-cost``; 0 without.
    """
    return min(max(1.0 + priority / _PRIORITY_UNIT + deletion_cost / _DELETION_UNIT, _LEAST), _MOST)


def node_disruption(costs: Iterable[float]) -> float:
    """What it disrupts when a node goes: the node, and its pods that cost anything.

    Args:
        costs: the eviction cost of each of its pods.
    """
    return NODE_DISRUPTION + sum(max(cost, 0.0) for cost in costs)
