"""The one table of filters and scores.

To add a score that looks at what a node holds, write its kernel under `scores/`, give it a code here and a line in
`node_score`. To add one that looks at what a node *is*, write a vector function in `scores/nature.py` and list it
there. A filter likewise: its bits in `arrays`, its words in `WORDS`, its test in `filters` or `room`.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from yuheng.scheduling import arrays as a
from yuheng.scheduling.arrays import Cluster, Rules, Window
from yuheng.scheduling.kernel import kernel
from yuheng.scheduling.scores import gpu, resources

__all__ = ["BALANCED", "DYNAMIC_SCORES", "FILTERS", "LEAST_ALLOCATED", "SCORES", "WORDS", "Rejection", "node_score"]

LEAST_ALLOCATED: Final = 0
MOST_ALLOCATED: Final = 1
CAPACITY_RATIO: Final = 2
BALANCED: Final = 3
FRAGMENTATION: Final = 4
PACKING: Final = 5
CLUSTERING: Final = 6
DOT_PRODUCT: Final = 7
BEST_FIT: Final = 8
BIN_PACK: Final = 10
WORST_FIT: Final = 9


@kernel
def node_score(cluster: Cluster, window: Window, rules: Rules, plugin: int, w: int, n: int) -> int:  # noqa: PLR0911, C901 -- this is the table: one line a score
    """The score, 0 to 100, that a dynamic plugin gives node ``n`` for one more pod of class ``w``."""
    if plugin == LEAST_ALLOCATED:
        return resources.least_allocated(cluster, window, rules, w, n)
    if plugin == MOST_ALLOCATED:
        return resources.most_allocated(cluster, window, rules, w, n)
    if plugin == CAPACITY_RATIO:
        return resources.requested_to_capacity_ratio(cluster, window, rules, w, n)
    if plugin == BALANCED:
        return resources.balanced_allocation(cluster, window, rules, w, n)
    if plugin == FRAGMENTATION:
        return gpu.fragmentation_gradient(cluster, window, rules, w, n)
    if plugin == PACKING:
        return gpu.gpu_packing(cluster, window, w, n)
    if plugin == CLUSTERING:
        return gpu.gpu_clustering(cluster, window, w, n)
    if plugin == DOT_PRODUCT:
        return gpu.dot_product(cluster, window, w, n)
    if plugin == BEST_FIT:
        return gpu.best_fit(cluster, window, w, n)
    if plugin == BIN_PACK:
        return resources.bin_pack(cluster, window, rules, w, n)
    return gpu.worst_fit(cluster, window, w, n)


# NodeResourcesFit's code is that of its strategy.
STRATEGIES: Final = {
    "LeastAllocated": LEAST_ALLOCATED,
    "MostAllocated": MOST_ALLOCATED,
    "RequestedToCapacityRatio": CAPACITY_RATIO,
}
DYNAMIC_SCORES: Final = {
    "NodeResourcesBalancedAllocation": BALANCED,
    "FragmentationGradient": FRAGMENTATION,
    "GpuPacking": PACKING,
    "GpuClustering": CLUSTERING,
    "DotProduct": DOT_PRODUCT,
    "BestFit": BEST_FIT,
    "WorstFit": WORST_FIT,
    "BinPack": BIN_PACK,
}
TOPOLOGY_SCORES: Final = ("PodTopologySpread", "InterPodAffinity")
NATURE_SCORES: Final = ("TaintToleration", "NodeAffinity", "ImageLocality", "LoadAware", "Price")
SCORES: Final = frozenset(("NodeResourcesFit", *DYNAMIC_SCORES, *TOPOLOGY_SCORES, *NATURE_SCORES))


class Rejection(NamedTuple):
    """What one bit of a node's record says: the filter, and its words as kube-scheduler writes them."""

    filter: str
    words: str


# Bits that stand for one resource each are worded from the resource's name: see `explain`.
WORDS: Final = {
    a.BIT_OUTSIDE: Rejection("NodeAffinity", "node(s) didn't satisfy plugin(s) [NodeAffinity]"),
    a.BIT_UNSCHEDULABLE: Rejection("NodeUnschedulable", "node(s) were unschedulable"),
    a.BIT_NODE_NAME: Rejection("NodeName", "node(s) didn't match the requested node name"),
    a.BIT_TAINT: Rejection("TaintToleration", "node(s) had untolerated taint(s)"),
    a.BIT_ENFORCED_AFFINITY: Rejection("NodeAffinity", "node(s) didn't match scheduler-enforced node affinity"),
    a.BIT_AFFINITY: Rejection("NodeAffinity", "node(s) didn't match Pod's node affinity/selector"),
    a.BIT_PORTS: Rejection("NodePorts", "node(s) didn't have free ports for the requested pod ports"),
    a.BIT_PODS: Rejection("NodeResourcesFit", "Too many pods"),
    a.BIT_DEVICE_MODEL: Rejection("DeviceFit", "node(s) didn't have the requested GPU model"),
    a.BIT_DEVICE_WHOLE: Rejection("DeviceFit", "node(s) didn't have enough untouched GPUs"),
    a.BIT_DEVICE_SHARE: Rejection("DeviceFit", "node(s) didn't have a GPU with enough left for the share"),
    a.BIT_VOLUME_ZONE: Rejection("VolumeZone", "node(s) had no available volume zone"),
    a.BIT_VOLUME_AFFINITY: Rejection("VolumeZone", "node(s) didn't match PersistentVolume's node affinity"),
    a.BIT_SPREAD_LABEL: Rejection(
        "PodTopologySpread", "node(s) didn't match pod topology spread constraints (missing required label)"
    ),
    a.BIT_SPREAD_SKEW: Rejection("PodTopologySpread", "node(s) didn't match pod topology spread constraints"),
    a.BIT_POD_AFFINITY: Rejection("InterPodAffinity", "node(s) didn't match pod affinity rules"),
    a.BIT_POD_ANTI_AFFINITY: Rejection("InterPodAffinity", "node(s) didn't match pod anti-affinity rules"),
    a.BIT_NODE_GROUP: Rejection("nodegroup", "node(s) didn't belong to the node groups of the queue"),
    a.BIT_ZONE: Rejection("tdm", "node(s) were in a revocable zone that is closed, or closed to the pod"),
    a.BIT_RESERVE: Rejection("reserve", "node(s) kept the rest of their room for services"),
    a.BIT_ABSENT: Rejection("absent", "node(s) were not there at the time"),
    a.BIT_EXISTING_ANTI_AFFINITY: Rejection(
        "InterPodAffinity", "node(s) didn't satisfy existing pods anti-affinity rules"
    ),
}
RESOURCE_FILTER: Final = "NodeResourcesFit"
# In force no matter which filters the policy names: what batch plugins fence off, and nodes that are not there.
STANDING_BITS: Final = (1 << a.BIT_NODE_GROUP) | (1 << a.BIT_ZONE) | (1 << a.BIT_RESERVE) | (1 << a.BIT_ABSENT)
FILTERS: Final = frozenset(
    (RESOURCE_FILTER, *(item.filter for bit, item in WORDS.items() if not STANDING_BITS & (1 << bit)))
)
