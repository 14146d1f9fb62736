"""The policy: which filters and scores decide, with which weights and arguments.

The words are those of ``KubeSchedulerConfiguration``: a profile of plugins, their weights and their arguments.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from yuheng.model.batch import BatchPolicy
from yuheng.model.labels import HOSTNAME, ZONE
from yuheng.model.pod import NodeAffinity, TopologySpreadConstraint

__all__ = [
    "DEFAULT_SPREAD",
    "KUBERNETES_FILTERS",
    "KUBERNETES_SCORES",
    "Policy",
    "ResourceWeight",
    "ScoreWeight",
    "ScoringStrategy",
    "ShapePoint",
]


class ResourceWeight(msgspec.Struct, frozen=True):
    """How much one resource counts in a score."""

    name: str
    weight: int = 1


class ShapePoint(msgspec.Struct, frozen=True):
    """A point of the RequestedToCapacityRatio function: utilization in percent, score from 0 to 10."""

    utilization: int
    score: int


CPU_AND_MEMORY: Final = (ResourceWeight("cpu"), ResourceWeight("memory"))


class ScoringStrategy(msgspec.Struct, frozen=True):
    """How NodeResourcesFit scores: the strategy's name, the resources that count, and the ratio's shape."""

    type: Literal["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"] = "LeastAllocated"
    resources: tuple[ResourceWeight, ...] = CPU_AND_MEMORY
    shape: tuple[ShapePoint, ...] = ()


class ScoreWeight(msgspec.Struct, frozen=True):
    """A score plugin and the weight its normalised score (0 to 100) is multiplied by."""

    plugin: str
    weight: int = 1


KUBERNETES_FILTERS: Final = (
    "NodeUnschedulable",
    "NodeName",
    "TaintToleration",
    "NodeAffinity",
    "NodePorts",
    "NodeResourcesFit",
    "DeviceFit",
    "VolumeZone",
    "PodTopologySpread",
    "InterPodAffinity",
)
KUBERNETES_SCORES: Final = (
    ScoreWeight("TaintToleration", 3),
    ScoreWeight("NodeAffinity", 2),
    ScoreWeight("PodTopologySpread", 2),
    ScoreWeight("InterPodAffinity", 2),
    ScoreWeight("NodeResourcesFit", 1),
    ScoreWeight("NodeResourcesBalancedAllocation", 1),
    ScoreWeight("ImageLocality", 1),
)
DEFAULT_SPREAD: Final = (
    TopologySpreadConstraint(3, HOSTNAME, "ScheduleAnyway"),
    TopologySpreadConstraint(5, ZONE, "ScheduleAnyway"),
)


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What is preferred, and what is allowed.

    Attributes:
        filters: the filter plugins that are on; they always run in the order of the registry.
        scores: the score plugins that are on, each with its weight.
        strategy: NodeResourcesFit's scoring strategy.
        balanced: the resources of NodeResourcesBalancedAllocation.
        ignored_resources: extended resources that NodeResourcesFit does not check.
        ignored_resource_groups: the same by the part before the ``/``.
        default_spread: spread constraints of pods that have none and belong to a service or controller.
        system_defaulted: whether ``default_spread`` is kube-scheduler's own (then nodes without a zone still count).
        hard_pod_affinity_weight: what required affinity of running pods counts in InterPodAffinity's score.
        ignore_preferred_terms: whether that score is left out for pods without preferred terms of their own.
        added_affinity: node affinity that holds for every pod.
        pick: ``best`` takes the feasible node with the highest score, ``random`` any, drawn from the seed.
        ties: ``name`` breaks ties by node name, ``shuffled`` by a permutation drawn from the seed.
        devices: which device a GPU share takes: the ``tightest`` that fits, ``any`` (drawn from the seed), or the
            one with the best FragmentationGradient (``fragmentation``).
        pack: the resources of BinPack and their weights.
        batch: how queues and jobs are scheduled; None for Volcano's default where a snapshot has any.
        warnings: what the configuration asked for and Yuheng does not have, one sentence each.
    """

    name: str = "kubernetes"
    filters: tuple[str, ...] = KUBERNETES_FILTERS
    scores: tuple[ScoreWeight, ...] = KUBERNETES_SCORES
    strategy: ScoringStrategy = ScoringStrategy()
    balanced: tuple[ResourceWeight, ...] = CPU_AND_MEMORY
    ignored_resources: tuple[str, ...] = ()
    ignored_resource_groups: tuple[str, ...] = ()
    default_spread: tuple[TopologySpreadConstraint, ...] = DEFAULT_SPREAD
    system_defaulted: bool = True
    hard_pod_affinity_weight: int = 1
    ignore_preferred_terms: bool = False
    added_affinity: NodeAffinity = NodeAffinity()
    pick: Literal["best", "random"] = "best"
    ties: Literal["name", "shuffled"] = "name"
    devices: Literal["tightest", "any", "fragmentation"] = "tightest"
    pack: tuple[ResourceWeight, ...] = CPU_AND_MEMORY
    batch: BatchPolicy | None = None
    warnings: tuple[str, ...] = ()
