"""Queues: a tenant's share of a cluster. Queues form a tree.

The words are those of Volcano's ``Queue`` (``scheduling.volcano.sh/v1beta1``); Kueue's ``ClusterQueue`` and ``Cohort``
are read into the same shape.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

__all__ = ["DEFAULT_QUEUE", "ROOT_QUEUE", "NodeGroupAffinity", "Queue"]

DEFAULT_QUEUE: Final = "default"
ROOT_QUEUE: Final = "root"


class NodeGroupAffinity(msgspec.Struct, frozen=True):
    """Which node groups (label ``volcano.sh/nodegroup-name``) a queue's pods must, would rather, and must not use."""

    required: tuple[str, ...] = ()
    preferred: tuple[str, ...] = ()
    anti_required: tuple[str, ...] = ()
    anti_preferred: tuple[str, ...] = ()

    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        return not (self.required or self.preferred or self.anti_required or self.anti_preferred)


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue. Amounts are by resource name, in the units of `Node.allocatable`.

    Attributes:
        name: unique in the cluster.
        kind: what it was read from.
        parent: the queue above it; empty for the root of the tree.
        weight: its part of what it shares with its siblings.
        deserved: what it may claim back from others (capacity); None where nothing was written.
        guarantee: what nobody else may use.
        capability: the most it may use; a resource that is not named has no limit.
        reclaimable: whether others may reclaim what it uses beyond its deserved amount.
        priority: of two queues the one with the higher priority goes first, and is reclaimed from last.
        closed: takes no new jobs.
        dequeue: ``fifo``: when the first job cannot start, none behind it does; ``traverse``: the next is tried.
        affinity: the node groups of its pods.
        node_group_limits: the most it may use of a node group, by group.
        public: jobs of private queues may use it (see the plugin ``publicqueue``).
        private_priority: the least priority of jobs that may stay in a private queue when the public one has no room.
        reclaims: whose pods it may reclaim: of any priority, of lower priority only, or nobody's.
        preempts: whose pods in the same queue its jobs may preempt (Kueue's ``withinClusterQueue``).
        created: seconds since the epoch.
    """

    name: str
    kind: Literal["Queue", "ClusterQueue", "Cohort"] = "Queue"
    parent: str = ""
    weight: float = 1
    deserved: dict[str, int] | None = None
    guarantee: dict[str, int] = {}
    capability: dict[str, int] = {}
    reclaimable: bool = True
    priority: int = 0
    closed: bool = False
    dequeue: Literal["traverse", "fifo"] = "traverse"
    affinity: NodeGroupAffinity = NodeGroupAffinity()
    node_group_limits: dict[str, dict[str, int]] = {}
    public: bool = False
    private_priority: int | None = None
    reclaims: Literal["Any", "LowerPriority", "Never"] = "Any"
    preempts: Literal["LowerPriority", "Never"] = "LowerPriority"
    created: float = float("inf")
