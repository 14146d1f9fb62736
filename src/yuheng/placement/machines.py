"""What a cluster can offer: its nodes, and those it could have, in groups that cost the same.

A group is what a workload chooses between inside a cluster: nodes of one instance type, bought on one market, at one
price. Which node of the group a pod gets is for the scheduler to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from itertools import islice
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.fleet import Cluster, ClusterPool, Fleet
from yuheng.model.labels import CAPACITY_TYPE, HOSTNAME, INSTANCE_TYPE, OLD_INSTANCE_TYPE, ZONE
from yuheng.model.node import Node
from yuheng.model.prices import Market

__all__ = ["Group", "Stock", "market_of", "pool_nodes", "stock_of"]

# The labels by which provisioners tell how a node is bought, and what their values mean.
CAPACITY_TYPES: Final[Mapping[str, Mapping[str, Market]]] = {
    CAPACITY_TYPE: {"spot": "spot", "on-demand": "on-demand", "reserved": "reserved"},
    "eks.amazonaws.com/capacityType": {"SPOT": "spot", "ON_DEMAND": "on-demand", "CAPACITY_BLOCK": "reserved"},
    "cloud.google.com/gke-spot": {"true": "spot"},
    "cloud.google.com/gke-preemptible": {"true": "spot"},
    "cloud.google.com/gke-provisioning": {"spot": "spot", "preemptible": "spot", "standard": "on-demand"},
    "kubernetes.azure.com/scalesetpriority": {"spot": "spot", "regular": "on-demand"},
    "yuheng.io/market": {"spot": "spot", "on-demand": "on-demand", "reserved": "reserved"},
}
TELLING: Final = (INSTANCE_TYPE, OLD_INSTANCE_TYPE, ZONE, *CAPACITY_TYPES)


class Group(NamedTuple):
    """Nodes of a cluster that cost the same.

    Attributes:
        pool: the pool they would come from; empty for nodes that exist.
        instance_type, gpu_model: what they are; empty when unknown.
        market: how they are bought.
        price: of one node, in US dollars per hour; None when there is none: then resources have rates.
        zone: where, when they are all in one; else empty.
        delay: seconds until one is ready.
        sample: one of them.
        size: how many they are.
    """

    pool: str
    instance_type: str
    gpu_model: str
    market: Market
    price: float | None
    zone: str
    delay: float
    sample: Node
    size: int

    @property
    def name(self) -> str:
        """The pool, or else the instance type: what people call it."""
        return self.pool or self.instance_type

    @property
    def exists(self) -> bool:
        """Whether its nodes are there already."""
        return not self.pool


class Stock(NamedTuple):
    """A cluster's groups, and the nodes in them.

    Attributes:
        groups: in order of appearance.
        nodes: of the cluster and of its pools, in the engine's order (by name).
        group_of: (N,) the group of each node.
    """

    groups: tuple[Group, ...]
    nodes: tuple[Node, ...]
    group_of: NDArray[np.int32]


def market_of(labels: Mapping[str, str]) -> Market:
    """How a node is bought, by its labels; on-demand when they do not say."""
    for key, meanings in CAPACITY_TYPES.items():
        if (value := labels.get(key)) is not None and value in meanings:
            return meanings[value]
    return "on-demand"


def stock_of(cluster: Cluster, fleet: Fleet, time: float, most: int) -> Stock:
    """Sort the nodes of a cluster into groups, and add the nodes of its pools.

    Args:
        cluster: the cluster.
        fleet: has the price book.
        time: when prices are looked up.
        most: how many nodes of a pool could be of use at the most: one for each replica to place.
    """
    known: dict[tuple[object, ...], _Kind] = {}
    number: dict[_Kind, int] = {}
    nodes: list[Node] = []
    ids: list[int] = []
    pools = {pool.name: pool for pool in cluster.pools}
    telling = [key for key in TELLING if any(key in node.labels for node in cluster.snapshot.nodes)]
    stems = tuple(f"{name}-" for name in pools)
    for node in cluster.snapshot.nodes:
        pool = _pool_of(node, pools) if stems and node.name.startswith(stems) else None
        told = (*map(node.labels.get, telling), node.devices.model, pool and pool.name)
        if told not in known:
            known[told] = _kind(node, cluster, fleet, time, pool)
        ids.append(number.setdefault(known[told], len(number)))
        nodes.append(node)
    names = {node.name for node in cluster.snapshot.nodes}
    for pool in sorted(cluster.pools, key=lambda pool: pool.name):
        open_ = sum(name.rpartition("-")[0] == pool.name for name in names)
        members = _members(pool, min(max(pool.maximum - open_, 0), most), names)
        if members:
            group = number.setdefault(_kind(pool.node, cluster, fleet, time, pool), len(number))
            nodes += members
            ids += [group] * len(members)
    order = sorted(range(len(nodes)), key=[node.name for node in nodes].__getitem__)
    group_of = np.array([ids[i] for i in order], dtype=np.int32)
    ordered = tuple(nodes[i] for i in order)
    return Stock(tuple(_groups(number, ordered, group_of)), ordered, group_of)


class _Kind(NamedTuple):
    """What makes a group (see `Group`)."""

    pool: str
    instance_type: str
    gpu_model: str
    market: Market
    price: float | None
    delay: float


def _groups(number: Mapping[_Kind, int], nodes: tuple[Node, ...], group_of: NDArray[np.int32]) -> list[Group]:
    """The groups by number."""
    found = []
    order = np.argsort(group_of, kind="stable")
    ends = np.cumsum(np.bincount(group_of, minlength=len(number)))
    for kind, group in number.items():
        members = order[ends[group - 1] if group else 0 : ends[group]].tolist()
        zones = {nodes[i].labels.get(ZONE, "") for i in members}
        zone = zones.pop() if len(zones) == 1 else ""
        found.append(
            Group(
                pool=kind.pool,
                instance_type=kind.instance_type,
                gpu_model=kind.gpu_model,
                market=kind.market,
                price=kind.price,
                zone=zone,
                delay=kind.delay,
                sample=nodes[members[0]],
                size=len(members),
            )
        )
    return found


def _kind(node: Node, cluster: Cluster, fleet: Fleet, time: float, pool: ClusterPool | None = None) -> _Kind:
    name = node.labels.get(INSTANCE_TYPE) or node.labels.get(OLD_INSTANCE_TYPE) or ""
    market = pool.market if pool is not None else market_of(node.labels)
    price = price_of(cluster, fleet, name, market, node.labels.get(ZONE, ""), time)
    own = (pool.name, pool.delay) if pool is not None else ("", 0.0)
    return _Kind(own[0], name, node.devices.model, market, price, own[1])


def price_of(cluster: Cluster, fleet: Fleet, kind: str, market: Market, zone: str, time: float) -> float | None:
    """US dollars per hour of a node; None when its resources have rates instead.

    A reserved machine without a price of its own is as dear as on-demand: what was saved by reserving it is not known.
    """
    if cluster.rates is not None or not kind:
        return None
    markets: tuple[Market, ...] = ("reserved", "on-demand") if market == "reserved" else (market,)
    for wanted in markets:
        found = fleet.prices.find(kind, wanted, provider=cluster.provider, region=cluster.region, zone=zone, time=time)
        if found is not None:
            return found.per_hour * cluster.price_factor
    return None


def _members(pool: ClusterPool, count: int, taken: Set[str]) -> list[Node]:
    """The first nodes of a pool whose names are free."""
    numbers = (number for number in range(count + len(taken)) if f"{pool.name}-{number}" not in taken)
    return [_member(pool, number) for number in islice(numbers, count)]


def pool_nodes(pool: ClusterPool, names: Set[str]) -> list[Node]:
    """The nodes of a pool with these names; other names are passed over."""
    found = []
    for name in sorted(names):
        stem, _, number = name.rpartition("-")
        if stem == pool.name and number.isdigit():
            found.append(_member(pool, int(number)))
    return found


def _pool_of(node: Node, pools: Mapping[str, ClusterPool]) -> ClusterPool | None:
    """The pool that a node that exists was opened from: the nodes that a plan opens are bought like the next ones."""
    stem, _, number = node.name.rpartition("-")
    pool = pools.get(stem)
    return pool if pool is not None and number.isdigit() and _member(pool, int(number)) == node else None


def _member(pool: ClusterPool, number: int) -> Node:
    """A node of a pool, with a name and a hostname of its own."""
    name = f"{pool.name}-{number}"
    node: Node = msgspec.structs.replace(pool.node, name=name, labels={**pool.node.labels, HOSTNAME: name})
    return node
