"""What consolidation works on: every pod with its fate, every node with its price, its disruption and its obstacle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.errors import InputError
from yuheng.finops.consolidation.obstacles import DELETION_COST, Annotations, Fate, fates, node_obstacle
from yuheng.finops.consolidation.worth import Worth, eviction_cost, node_disruption
from yuheng.model.cluster import Snapshot
from yuheng.model.node_price import NodePrice
from yuheng.model.plan import Placement
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.scheduling.planner import plan

__all__ = ["Ground", "Settled", "settled"]


class Settled(NamedTuple):
    """A cluster in which nobody waits who has a place.

    Attributes:
        snapshot: the cluster; every pod is bound.
        waiting: where those went that waited.
        unplaced: those that have no place.
    """

    snapshot: Snapshot
    waiting: tuple[Placement, ...] = ()
    unplaced: tuple[str, ...] = ()


def settled(snapshot: Snapshot, policy: Policy, seed: int, now: float | None) -> Settled:
    """Bind the pods that wait where a plan puts them, so that nobody takes their room away.

    Args:
        snapshot: the cluster.
        policy: what decides.
        seed: of everything random.
        now: what time it is, in seconds since the epoch.

    Raises:
        InputError: a pod is bound to a node that is not in the snapshot.
        ConfigError: the policy names a filter or score that does not exist.
    """
    if not any(pod.node is None for pod in snapshot.pods):
        return Settled(snapshot)
    decided = plan(snapshot, policy, seed, now=now)
    places = {one.pod: one for one in decided.placements}
    gone = {one.pod for one in decided.evictions}
    pods = []
    for pod in snapshot.pods:
        if pod.key in gone:
            continue
        if pod.node is not None:
            pods.append(pod)
        elif pod.key in places:
            where = places[pod.key]
            pods.append(msgspec.structs.replace(pod, node=where.node, device_indices=where.devices))
    bound: Snapshot = msgspec.structs.replace(snapshot, pods=tuple(pods))
    return Settled(bound, decided.placements, tuple(one.pod for one in decided.unschedulable))


class Ground:
    """A settled cluster, and what there is to know of it before anything is tried.

    Letters for sizes: N nodes, P pods.

    Attributes:
        snapshot: the cluster; every pod is bound.
        fates: (P,) what becomes of each pod when its node goes.
        pods_on: (N,) the numbers of the pods on each node, those first that are evicted first: higher priority, then
            larger.
        per_hour: (N,) US dollars per hour.
        disruption: (N,) what it disrupts when the node goes.
        obstacles: (N,) what keeps a node whatever room there is elsewhere: the pod, or empty, and the sentence.
        k: how much disruption a saving may cause.
    """

    def __init__(
        self,
        found: Settled,
        prices: Sequence[NodePrice],
        annotations: Annotations,
        *,
        k: float,
        bare: bool,
        steady: bool,
    ) -> None:
        """Look at a cluster.

        Args:
            found: the cluster.
            prices: of all its nodes.
            annotations: of the pods, by ``namespace/name``.
            k: how much disruption a saving may cause.
            bare: whether pods without a controller may be evicted.
            steady: whether obstacles of the moment count for nothing.

        Raises:
            InputError: a pod is bound to a node that is not in the snapshot, or a deletion cost is no number.
        """
        self.snapshot = snapshot = found.snapshot
        self.k = k
        self.index = {node.name: n for n, node in enumerate(snapshot.nodes)}
        self.fates: list[Fate] = fates(snapshot, annotations, bare=bare, steady=steady)
        self._fresh = {one.pod for one in found.waiting}
        priced = {price.node: price for price in prices}
        self.prices = [priced[node.name] for node in snapshot.nodes]
        self.per_hour: NDArray[np.float64] = np.array([price.per_hour for price in self.prices], dtype=np.float64)
        self.costs = [self._cost(pod, fate, annotations) for pod, fate in zip(snapshot.pods, self.fates, strict=True)]
        self.pods_on = self._pods_by_node()
        self.disruption = np.array([node_disruption(self.costs[i] for i in pods) for pods in self.pods_on])
        self.obstacles = [self._obstacle(n) for n in range(len(snapshot.nodes))]

    def _cost(self, pod: Pod, fate: Fate, annotations: Annotations) -> float:
        """What the eviction of a pod counts; nothing where it ends with its node anyhow, or does not run yet."""
        if fate.vanishes or pod.key in self._fresh:
            return 0.0
        return eviction_cost(pod.priority, _deletion_cost(pod, annotations.get(pod.key, {})))

    def _pods_by_node(self) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in self.snapshot.nodes]
        largest = self._largest()
        for i, pod in enumerate(self.snapshot.pods):
            n = self.index.get(pod.node or "")
            if n is None:
                raise InputError(
                    repr(pod.node), "the name of a node in the input", subject=f"Pod {pod.key}", field="spec.nodeName"
                )
            found[n].append(i)
        sizes = [_size(pod, largest) for pod in self.snapshot.pods]
        pods = self.snapshot.pods
        for mine in found:
            mine.sort(key=lambda i: (-pods[i].priority, -sizes[i], pods[i].key))
        return found

    def _largest(self) -> dict[str, int]:
        largest: dict[str, int] = {}
        for node in self.snapshot.nodes:
            for name, amount in node.allocatable.items():
                largest[name] = max(largest.get(name, 0), amount)
        return largest

    def _obstacle(self, n: int) -> tuple[str, str] | None:
        reason = node_obstacle(self.snapshot.nodes[n])
        if reason:
            return "", reason
        blocked = (i for i in self.pods_on[n] if self.fates[i].obstacle)
        i = next(blocked, None)
        return None if i is None else (self.snapshot.pods[i].key, self.fates[i].obstacle)

    def leaving(self, n: int) -> list[int]:
        """The pods of a node that have to go elsewhere, in the order of their eviction."""
        return [i for i in self.pods_on[n] if not self.fates[i].vanishes]

    def vanishing(self, n: int) -> list[int]:
        """The pods that end with a node."""
        return [i for i in self.pods_on[n] if self.fates[i].vanishes]

    def is_fresh(self, pod: int) -> bool:
        """Whether a pod waits still: nobody has to evict it."""
        return self.snapshot.pods[pod].key in self._fresh

    def by_score(self, nodes: Iterable[int]) -> list[int]:
        """Nodes in the order of what they save for what they disrupt, the best first; equals by name."""
        score = self.per_hour / self.disruption
        return sorted(nodes, key=lambda n: (-score[n], self.snapshot.nodes[n].name))

    def worth(self, saved: float, disruption: float) -> Worth:
        """What a change saves and disrupts, against the whole cluster."""
        return Worth(saved, disruption, float(self.per_hour.sum()), float(self.disruption.sum()), self.k)


def _size(pod: Pod, largest: Mapping[str, int]) -> float:
    """The largest share of a largest node that a pod asks for."""
    shares = [amount / largest[name] for name, amount in pod.spec.requests.items() if largest.get(name)]
    return max(shares, default=0.0)


def _deletion_cost(pod: Pod, notes: Mapping[str, str]) -> int:
    text = notes.get(DELETION_COST)
    if text is None:
        return 0
    try:
        return int(text)
    except ValueError:
        field = f"metadata.annotations[{DELETION_COST}]"
        raise InputError(repr(text), "a whole number", subject=f"Pod {pod.key}", field=field) from None
