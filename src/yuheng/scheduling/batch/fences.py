"""Nodes that a queue or a job closes to its pods: node groups, and revocable zones outside their windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.model.cluster import Snapshot
from yuheng.model.pod import Pod
from yuheng.model.queue import NodeGroupAffinity, Queue
from yuheng.scheduling.arrays import BIT_NODE_GROUP, BIT_ZONE
from yuheng.scheduling.batch.settings import Settings
from yuheng.scheduling.classes import Fence
from yuheng.scheduling.machines import Machines

__all__ = ["NODE_GROUP", "REVOCABLE_ZONE", "Fences"]

NODE_GROUP: Final = "volcano.sh/nodegroup-name"
REVOCABLE_ZONE: Final = "volcano.sh/revocable-zone"
# Ten times those of Volcano, so that a preference is not lost among the scores for how full nodes are.
_REQUIRED_SCORE: Final = 1000
_PREFERRED_SCORE: Final = 500
_ZONE_SCORE: Final = 1000


class Fences:
    """Makes the fence of a pod.

    Args:
        machines: the nodes.
        snapshot: the queues.
        settings: what is on.
        queue_of: the queue of a pod, by name.
        is_batch: whether a pod is work that ends.
        now: in seconds since the epoch.
    """

    def __init__(
        self,
        machines: Machines,
        snapshot: Snapshot,
        settings: Settings,
        queue_of: Callable[[Pod], str],
        is_batch: Callable[[Pod], bool],
        now: float,
    ) -> None:
        self._machines = machines
        self._settings = settings
        self._queue_of = queue_of
        self._is_batch = is_batch
        self._now = now
        self._queues: Mapping[str, Queue] = {queue.name: queue for queue in snapshot.queues}
        self._known: dict[tuple[object, ...], Fence] = {}

    def __call__(self, pod: Pod) -> Fence:
        """The fence of a pod; the same object for pods that are fenced alike."""
        affinity = self._affinity(self._queue_of(pod)) if self._settings.node_groups else None
        revocable = pod.revocable if self._settings.zones is not None else None
        batch = self._is_batch(pod) if self._settings.reserve else False
        key = (affinity, revocable, batch)
        if key not in self._known:
            self._known[key] = self._made(key, affinity, revocable, batch=batch)
        return self._known[key]

    def _affinity(self, name: str) -> NodeGroupAffinity:
        """A queue's node groups: its own, or those of the nearest queue above that has any."""
        seen: set[str] = set()
        while name in self._queues and name not in seen:
            seen.add(name)
            queue = self._queues[name]
            if not queue.affinity.is_empty() or not queue.parent:
                return queue.affinity
            name = queue.parent
        return NodeGroupAffinity()

    def _made(
        self, key: tuple[object, ...], affinity: NodeGroupAffinity | None, revocable: bool | None, *, batch: bool
    ) -> Fence:
        closed: list[tuple[int, NDArray[np.bool_]]] = []
        bonus = np.zeros(len(self._machines), dtype=np.int64)
        if affinity is not None:
            mask, score = self._groups(affinity)
            closed.append((BIT_NODE_GROUP, mask))
            bonus += score
        if revocable is not None:
            mask, score = self._zones(revocable=revocable)
            closed.append((BIT_ZONE, mask))
            bonus += score
        return Fence(key, tuple(closed), bonus if bonus.any() else None, batch)

    def _groups(self, affinity: NodeGroupAffinity) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which nodes are closed to a queue, and how the others score, as Volcano's ``nodegroup`` says."""
        column = self._machines.column(NODE_GROUP)
        allowed = {*affinity.required, *affinity.preferred} - set(affinity.anti_required) | set(affinity.anti_preferred)
        values = column.values
        opened = np.array([value in allowed for value in values] + [False], dtype=np.bool_)
        if affinity.is_empty():
            opened[-1] = not self._settings.strict_groups
        score = np.array([self._group_score(affinity, value) for value in values] + [0], dtype=np.int64)
        # Scores of nodes are never negative: below zero stands for a node without room.
        return ~opened[column.ids], (score - score.min())[column.ids]

    def _group_score(self, affinity: NodeGroupAffinity, group: str) -> int:
        if group in affinity.anti_preferred:
            return -1
        score = _REQUIRED_SCORE if group in affinity.required else 0
        if group in affinity.preferred:
            place = affinity.preferred.index(group) if self._settings.preferred_order else 0
            count = len(affinity.preferred) if self._settings.preferred_order else 1
            score += _PREFERRED_SCORE * (count - place) // count
        return score

    def _zones(self, *, revocable: bool) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Which nodes a pod may not use for the time of day, and how those of open zones score."""
        column = self._machines.column(REVOCABLE_ZONE)
        zones = self._settings.zones or {}
        usable = [revocable and value in zones and zones[value].is_open(self._now) for value in column.values]
        opened = np.array([*usable, False], dtype=np.bool_)
        in_zone = column.ids >= 0
        return in_zone & ~opened[column.ids], np.where(opened[column.ids], _ZONE_SCORE, 0).astype(np.int64)
