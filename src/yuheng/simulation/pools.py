"""Node pools: nodes are ordered when pods wait that would fit on them, and given back when they stay empty.

As Kubernetes' Cluster Autoscaler does it: waiting pods are packed, first fit in the order of their turns, on the nodes
that are coming already, then on new ones; every new node takes its delay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from yuheng.model.node import Node
from yuheng.model.pod import PodSpec
from yuheng.model.scenario import NodePool, PriceSeries

__all__ = ["Orders", "PoolNodes", "Pools", "price_at"]

# Waiting pods that are looked at in one go.
MOST_PODS: Final = 2000
# Nodes that are ordered for one pod before it is given up: it fits by its size, and something else keeps it away.
MOST_ORDERS: Final = 3


class PoolNodes(NamedTuple):
    """A pool, and the numbers of the nodes it may have."""

    pool: NodePool
    nodes: Sequence[int]


class Orders(NamedTuple):
    """What pools have to know of those who wait.

    Attributes:
        waiting: the first so many pods that wait, in the order of their turns.
        spec: what a pod asks for.
        may_run_on: whether a node's labels, taints and kind suit a pod.
        to_be_had: whether the market has a node at the moment.
    """

    waiting: Callable[[int], Iterable[int]]
    spec: Callable[[int], PodSpec]
    may_run_on: Callable[[int, int], bool]
    to_be_had: Callable[[int], bool]


def price_at(price: PriceSeries | None, now: float) -> float:
    """US dollars per hour at a time; infinite where nobody knows."""
    if price is None:
        return float("inf")
    return price.values[int(np.searchsorted(price.times, now, side="right")) - 1]


class _Coming:
    """A node that is on its way, and what will be free on it."""

    def __init__(self, node: Node, ready: float) -> None:
        self.ready = ready
        self.free = dict(node.allocatable)
        self.devices = [1000] * node.devices.count
        self.memory = node.devices.memory

    def take(self, spec: PodSpec) -> list[int] | None:
        """Put a pod there, if it fits; the GPUs it takes, or None where it does not fit."""
        asked = {**spec.requests, "pods": 1}
        if any(amount > self.free.get(name, 0) for name, amount in asked.items() if amount):
            return None
        chosen = self._devices_for(spec)
        if chosen is not None:
            self._shift(spec, chosen, 1)
        return chosen

    def give_back(self, spec: PodSpec, chosen: list[int]) -> None:
        """A pod that was put there needs it no more."""
        self._shift(spec, chosen, -1)

    def _shift(self, spec: PodSpec, chosen: list[int], sign: int) -> None:
        for d in chosen:
            self.devices[d] -= sign * (spec.devices.milli if spec.devices.is_share() else 1000)
        for name, amount in {**spec.requests, "pods": 1}.items():
            self.free[name] = self.free.get(name, 0) - sign * amount

    def _devices_for(self, spec: PodSpec) -> list[int] | None:
        """The GPUs a pod would take; None where there are too few."""
        request = spec.devices
        if request.is_share():
            fitting = [d for d, free in enumerate(self.devices) if free >= min(request.milli, 1000)]
            return fitting[:1] if fitting and request.memory <= self.memory else None
        whole = [d for d, free in enumerate(self.devices) if free == 1000][: request.count]
        return whole if len(whole) == request.count else None


class Pools:
    """Orders nodes and gives them back."""

    def __init__(self, pools: Sequence[PoolNodes], nodes: Sequence[Node], orders: Orders) -> None:
        """Take pools over.

        Args:
            pools: the pools, and the numbers of their nodes; the first so many are there at the start.
            nodes: all nodes by number.
            orders: who waits.
        """
        self._pools = pools
        self._nodes = nodes
        self._orders = orders
        self._of = {node: p for p, one in enumerate(pools) for node in one.nodes}
        self._spare = [list(one.nodes[one.pool.initial :])[::-1] for one in pools]
        self._empty_since: dict[int, float] = {}
        self._coming: dict[int, _Coming] = {}
        # The nodes that were ordered, in order, and by specification up to where they were tried.
        self._line: list[int] = []
        self._tried: dict[int, int] = {}
        self._covered: dict[int, tuple[int, list[int]]] = {}
        self._ordered: dict[int, int] = {}
        self._cheapest: list[int] = []
        self.price_changed(0.0)

    def price_changed(self, now: float) -> None:
        """Order from the cheapest pool first, from now on."""
        prices = [price_at(one.pool.price, now) for one in self._pools]
        self._cheapest = sorted(range(len(prices)), key=lambda p: (prices[p], p))

    def at_least(self) -> list[tuple[float, int]]:
        """Nodes that pools must have and lack at the start: when each is ready, and its number."""
        found = []
        for p, one in enumerate(self._pools):
            for _ in range(one.pool.minimum - one.pool.initial):
                node = self._spare[p].pop()
                self._coming[node] = _Coming(self._nodes[node], one.pool.delay)
                self._line.append(node)
                found.append((one.pool.delay, node))
        return found

    def order(self, now: float) -> list[tuple[float, int]]:
        """Order nodes for pods that wait and fit on none that is coming.

        Returns:
            When each is ready, and its number.
        """
        found: list[tuple[float, int]] = []
        if not self._coming and not any(spare and self._orders.to_be_had(spare[-1]) for spare in self._spare):
            return found
        hopeless: set[int] = set()
        for pod in self._orders.waiting(MOST_PODS):
            kind = id(self._orders.spec(pod))
            if kind in hopeless or pod in self._covered or self._ordered.get(pod, 0) >= MOST_ORDERS:
                continue
            if self._finds_place(pod):
                continue
            node = self._new_for(pod, now)
            if node is not None:
                found.append((self._coming[node].ready, node))
            else:
                hopeless.add(kind)
        return found

    def _finds_place(self, pod: int) -> bool:
        """Whether a pod fits on a node that is coming already; where one like it did not fit, it does not either."""
        spec = self._orders.spec(pod)
        first = self._tried.get(id(spec), 0)
        for place in range(first, len(self._line)):
            node = self._line[place]
            coming = self._coming.get(node)
            if coming is None or not self._orders.may_run_on(pod, node):
                continue
            chosen = coming.take(spec)
            if chosen is not None:
                self._covered[pod] = node, chosen
                self._tried[id(spec)] = place
                return True
        self._tried[id(spec)] = len(self._line)
        return False

    def _new_for(self, pod: int, now: float) -> int | None:
        """A new node for a pod, of the cheapest pool that has one it fits on."""
        spec = self._orders.spec(pod)
        for p in self._cheapest:
            spare = self._spare[p]
            if not spare or not self._orders.to_be_had(spare[-1]):
                continue
            node = spare[-1]
            coming = _Coming(self._nodes[node], now + self._pools[p].pool.delay)
            chosen = coming.take(spec) if self._orders.may_run_on(pod, node) else None
            if chosen is not None:
                self._spare[p].pop()
                self._coming[node] = coming
                self._line.append(node)
                self._covered[pod] = node, chosen
                self._ordered[pod] = self._ordered.get(pod, 0) + 1
                return node
        return None

    def arrived(self, node: int, now: float) -> bool:
        """An ordered node is ready; False when a market took it back on its way, and it may be ordered anew by now."""
        coming = self._coming.get(node)
        if coming is None or coming.ready != now:
            return False
        self._forget(node)
        return True

    def _forget(self, node: int) -> list[int]:
        """A node comes no more: it is there, or was taken back; the pods that it was meant for."""
        del self._coming[node]
        if not self._coming:
            self._line.clear()
            self._tried.clear()
        pods = [pod for pod, (home, _) in self._covered.items() if home == node]
        for pod in pods:
            del self._covered[pod]
        return pods

    def settled(self, pod: int) -> None:
        """A pod was placed: whatever was ordered for it is there for others."""
        self._ordered.pop(pod, None)
        covered = self._covered.pop(pod, None)
        if covered is not None:
            node, chosen = covered
            self._coming[node].give_back(self._orders.spec(pod), chosen)
            self._tried.clear()

    def initially_there(self) -> list[int]:
        """The nodes of all pools that are there at the start."""
        return [node for one in self._pools for node in one.nodes[: one.pool.initial]]

    def reclaimed(self, node: int) -> bool:
        """A node was taken away; whether it is a pool's, which has to order it anew."""
        p = self._of.get(node)
        if p is None:
            return False
        if node in self._coming:
            for pod in self._forget(node):
                # An order that was not carried out does not count.
                self._ordered[pod] = self._ordered.get(pod, 1) - 1
        if node not in self._spare[p]:
            self._spare[p].append(node)
            self._empty_since.pop(node, None)
        return True

    def idle_since(self, node: int, now: float) -> float | None:
        """A node is empty from now on: when to look whether it still is; None for never."""
        p = self._of.get(node)
        if p is None or self._pools[p].pool.idle == float("inf"):
            return None
        self._empty_since[node] = now
        return now + self._pools[p].pool.idle

    def gives_back(self, node: int, now: float) -> bool:
        """Whether an empty node goes now: it was empty long enough, and its pool has more than it must."""
        p = self._of[node]
        one = self._pools[p]
        there = len(one.nodes) - len(self._spare[p])
        since = self._empty_since.get(node)
        if since is None or now < since + one.pool.idle or there <= one.pool.minimum:
            return False
        self._spare[p].append(node)
        del self._empty_since[node]
        return True
