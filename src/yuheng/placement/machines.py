"""What a cluster can offer: its nodes, and those it could have, in groups that cost the same.

A group is what a workload chooses between inside a cluster: nodes of one instance type, bought on one market, at one
price. Which node of the group a pod gets is for the scheduler to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import islice, repeat
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.fleet import Cluster, ClusterPool, Fleet
from yuheng.model.labels import CAPACITY_TYPE, HOSTNAME, INSTANCE_TYPE, OLD_INSTANCE_TYPE, ZONE
from yuheng.model.node import Node
from yuheng.model.prices import Market
from yuheng.scheduling.templates import first_of, numbered

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
_name_of, _labels_of, _model_of = attrgetter("name"), attrgetter("labels"), attrgetter("devices.model")
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
    given = cluster.snapshot.nodes
    names = list(map(_name_of, given))
    pools = {pool.name: pool for pool in cluster.pools}
    stems = tuple(f"{name}-" for name in pools)
    near = [i for i, name in enumerate(names) if name.startswith(stems)] if stems else []
    origins = {i: pool.name for i in near if (pool := _pool_of(given[i], pools)) is not None}
    alike = numbered(_told(given, origins), len(given))
    number: dict[_Kind, int] = {}
    groups: list[int] = []
    zones: dict[int, set[str]] = {}
    for i in first_of(alike).tolist():
        kind = _kind(given[i], cluster, fleet, time, pools[origins[i]] if i in origins else None)
        groups.append(number.setdefault(kind, len(number)))
        zones.setdefault(groups[-1], set()).add(given[i].labels.get(ZONE, ""))
    ids = [np.array(groups, dtype=np.int32)[alike]]
    nodes = list(given)
    taken = set(names)
    for pool in sorted(cluster.pools, key=_name_of):
        open_ = sum(names[i].rpartition("-")[0] == pool.name for i in near)
        members = _members(pool, min(max(pool.maximum - open_, 0), most), taken)
        if members:
            group = number.setdefault(_kind(pool.node, cluster, fleet, time, pool), len(number))
            zones.setdefault(group, set()).add(pool.node.labels.get(ZONE, ""))
            nodes += members
            ids.append(np.full(len(members), group, dtype=np.int32))
    order = sorted(range(len(nodes)), key=list(map(_name_of, nodes)).__getitem__)
    group_of = np.concatenate(ids)[order]
    ordered = tuple(map(nodes.__getitem__, order))
    return Stock(tuple(_groups(number, ordered, group_of, zones)), ordered, group_of)


def _told(nodes: Sequence[Node], origins: Mapping[int, str]) -> Iterable[tuple[object, ...]]:
    """What each node says that makes a difference to its group: its telling labels, its GPU model, its pool."""
    labels = list(map(_labels_of, nodes))
    there = set().union(*labels)
    columns = [[one.get(key) for one in labels] for key in TELLING if key in there]
    pools = map(origins.get, range(len(nodes))) if origins else repeat(None, len(nodes))
    return zip(*columns, map(_model_of, nodes), pools, strict=True)


class _Kind(NamedTuple):
    """What makes a group (see `Group`)."""

    pool: str
    instance_type: str
    gpu_model: str
    market: Market
    price: float | None
    delay: float


def _groups(
    number: Mapping[_Kind, int], nodes: Sequence[Node], group_of: NDArray[np.int32], zones: Mapping[int, Set[str]]
) -> list[Group]:
    """The groups by number."""
    sizes = np.bincount(group_of, minlength=len(number)).tolist()
    samples = first_of(group_of).tolist()
    return [
        Group(
            pool=kind.pool,
            instance_type=kind.instance_type,
            gpu_model=kind.gpu_model,
            market=kind.market,
            price=kind.price,
            zone=next(iter(zones[group])) if len(zones[group]) == 1 else "",
            delay=kind.delay,
            sample=nodes[samples[group]],
            size=sizes[group],
        )
        for kind, group in number.items()
    ]


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
