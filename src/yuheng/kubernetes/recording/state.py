"""The cluster as a record tells of it, in plain lists: shown of a moment, and what other policies start from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from yuheng.kubernetes.recording.turn import Turn
from yuheng.model.cluster import Snapshot
from yuheng.model.live import Came, Change, Closed, Decisions, Guarded, Renewed, Went
from yuheng.model.plan import Placement
from yuheng.model.pod import Pod

__all__ = ["Plain", "bound_pods"]

_EMPTY: Final = Snapshot()


class Plain:
    """A cluster that follows what was told, and what was decided.

    Attributes:
        running: the pods that are on nodes, by ``namespace/name``.
        closed: nodes that had changed: nothing was placed on them.
    """

    def __init__(self) -> None:
        self.running: dict[str, Pod] = {}
        self.closed: set[str] = set()
        self._base = _EMPTY
        self._nodes: frozenset[str] = frozenset()
        self._used: Counter[str] = Counter()
        self._requested: Counter[str] = Counter()
        self._total: Counter[str] = Counter()

    def take(self, told: Iterable[Change]) -> None:
        """Take in what was told."""
        for change in told:
            match change:
                case Came(pod):
                    if pod.node in self._nodes:
                        self.seat(pod)
                case Went(key):
                    self._leave(key)
                case Closed(nodes):
                    self.closed.update(nodes)
                case Guarded(budgets):
                    self._base = msgspec.structs.replace(self._base, budgets=budgets)
                case Renewed(snapshot):
                    self._renew(snapshot)

    def _renew(self, snapshot: Snapshot) -> None:
        self._base = snapshot
        self._nodes = frozenset(node.name for node in snapshot.nodes)
        self.running, self.closed = {}, set()
        self._used, self._requested, self._total = Counter(), Counter(), Counter()
        for node in snapshot.nodes:
            self._total.update(node.allocatable)
        for pod in snapshot.pods:
            if pod.node is not None:
                self.seat(pod)

    def seat(self, pod: Pod) -> None:
        """A pod is on a node."""
        self._leave(pod.key)
        self.running[pod.key] = pod
        self._used[pod.node or ""] += 1
        self._requested.update(pod.spec.requests)

    def _leave(self, key: str) -> None:
        pod = self.running.pop(key, None)
        if pod is not None:
            self._used[pod.node or ""] -= 1
            self._requested.subtract(pod.spec.requests)

    def follow(self, turn: Turn) -> None:
        """Take in what was decided in a turn."""
        if isinstance(turn.outcome, Decisions):
            for pod in bound_pods(self.asked(turn), turn.outcome.placements):
                self.seat(pod)

    def asked(self, turn: Turn) -> Mapping[str, Pod]:
        """The pods that could be placed in a turn, by ``namespace/name``: those of the state, too."""
        waiting = {pod.key: pod for pod in self._base.pods if pod.node is None} if turn.begins else {}
        return {**waiting, **{pod.key: pod for pod in turn.pods}}

    def snapshot(self, waiting: Sequence[Pod]) -> Snapshot:
        """The state, with these pods waiting."""
        pods = {**self.running, **{pod.key: pod for pod in waiting if pod.key not in self.running}}
        found: Snapshot = msgspec.structs.replace(
            self._base, pods=tuple(sorted(pods.values(), key=lambda pod: (pod.namespace, pod.name)))
        )
        return found

    def cordoned(self, waiting: Sequence[Pod]) -> Snapshot:
        """The same, the closed nodes unschedulable: for engines that are told of nothing else."""
        found = self.snapshot(waiting)
        nodes = tuple(
            msgspec.structs.replace(node, unschedulable=True) if node.name in self.closed else node
            for node in found.nodes
        )
        cordoned: Snapshot = msgspec.structs.replace(found, nodes=nodes)
        return cordoned

    def nodes_used(self, placed: Iterable[Pod]) -> int:
        """The nodes with a pod on them, once these are there, too."""
        used = {node for node, count in self._used.items() if count > 0}
        return len(used.union(pod.node or "" for pod in placed))

    def requested(self, placed: Iterable[Pod]) -> dict[str, float]:
        """The share that is requested of each resource once these pods are there, too: cpu, memory, and extended ones.

        Those that no node offers are left out.
        """
        more: Counter[str] = Counter()
        for pod in placed:
            more.update(pod.spec.requests)
        return {
            name: (self._requested[name] + more[name]) / total
            for name, total in sorted(self._total.items())
            if total > 0 and (name in ("cpu", "memory") or "/" in name)
        }


def bound_pods(asked: Mapping[str, Pod], placements: Iterable[Placement]) -> list[Pod]:
    """Pods on the nodes they were placed on."""
    return [
        msgspec.structs.replace(asked[one.pod], node=one.node, device_indices=one.devices)
        for one in placements
        if one.pod in asked
    ]
