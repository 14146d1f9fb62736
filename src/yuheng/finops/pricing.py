"""What an hour of each node costs, and of each core, GiB and GPU of it.

A node says of itself what it is (instance type, region, zone, how it was bought); the price book says what that costs.
Where it has no row, each resource has a rate. A price is split over cpu, memory and GPUs in the ratio of those rates,
scaled to sum to it again (OpenCost specification, "Cost of Resources": the parts of a node always add up to the node).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from yuheng.model.fleet import Cluster
from yuheng.model.labels import INSTANCE_TYPE, OLD_INSTANCE_TYPE, REGIONS, ZONES
from yuheng.model.node import Node
from yuheng.model.node_price import NodePrice
from yuheng.model.prices import DEFAULT_RATES, Market, Price, PriceBook, Rates
from yuheng.model.words import first_of
from yuheng.placement.machines import market_of

__all__ = ["OWN_RATES", "price_cluster", "price_nodes", "price_of_node", "provider_of"]

# Who puts labels of these domains on nodes: their own services and drivers.
DOMAINS: Final[Mapping[str, str]] = {
    "eks.amazonaws.com": "aws",
    "karpenter.k8s.aws": "aws",
    "alpha.eksctl.io": "aws",
    "k8s.io/cloud-provider-aws": "aws",
    "topology.ebs.csi.aws.com": "aws",
    "cloud.google.com": "gcp",
    "topology.gke.io": "gcp",
    "kubernetes.azure.com": "azure",
    "karpenter.azure.com": "azure",
    "topology.disk.csi.azure.com": "azure",
    "ibm-cloud.kubernetes.io": "ibm",
    "k8s.scaleway.com": "scaleway",
    "oci.oraclecloud.com": "oci",
}
# Of nodes of a cluster that has rates of its own: then no price is missed.
OWN_RATES: Final = "by rates, which its cluster has of its own"
# US dollars per hour below which rates are none.
_NOTHING: Final = 1e-100


class _Place(NamedTuple):
    """What a node's price is looked up by."""

    instance_type: str
    market: Market
    provider: str
    region: str
    zone: str

    @property
    def words(self) -> str:
        """``m5.large spot in eu-west-1a``."""
        where = self.zone or self.region
        return f"{self.instance_type} {self.market}" + (f" in {where}" if where else "")


class _Found(NamedTuple):
    """What the book says of a place."""

    price: Price | None
    why: str
    rivals: tuple[Price, ...] = ()


def price_of_node(
    node: Node,
    book: PriceBook,
    *,
    time: float,
    rates: Rates = DEFAULT_RATES,
    provider: str = "",
    region: str = "",
    cluster: str = "",
) -> NodePrice:
    """What an hour of one node costs (see `price_nodes`, which looks through the book once for many)."""
    return price_nodes((node,), book, time=time, rates=rates, provider=provider, region=region, cluster=cluster)[0]


def price_nodes(
    nodes: Iterable[Node],
    book: PriceBook,
    *,
    time: float,
    rates: Rates = DEFAULT_RATES,
    provider: str = "",
    region: str = "",
    cluster: str = "",
) -> tuple[NodePrice, ...]:
    """What an hour of each node costs, in the order of the nodes.

    A reserved node without a price of its own is as dear as on-demand: what was saved by reserving is not known.

    Args:
        nodes: of one cluster.
        book: the price book.
        time: when prices are looked up, in seconds since the epoch.
        rates: of resources of nodes that the book has no price of; their ratio splits all prices.
        provider: of nodes whose labels do not tell theirs; empty for any.
        region: of nodes without a label of their region.
        cluster: the name of their cluster.
    """
    known = tuple(nodes)
    shelf = _Shelf(book, {_type_of(node) for node in known}, time)
    return tuple(_priced(node, shelf.look(_place_of(node, provider, region)), rates, cluster) for node in known)


def price_cluster(
    cluster: Cluster, book: PriceBook, *, time: float, rates: Rates = DEFAULT_RATES
) -> tuple[NodePrice, ...]:
    """What an hour of each node of a fleet's cluster costs, by its own rates or factor where it has them.

    Args:
        cluster: the cluster; its provider and region count for nodes that do not tell theirs.
        book: the price book of the fleet.
        time: when prices are looked up, in seconds since the epoch.
        rates: of the fleet.
    """
    nodes, name = cluster.snapshot.nodes, cluster.name
    if cluster.rates is not None:
        told = _Found(None, OWN_RATES)
        return tuple(_priced(node, told, cluster.rates, name) for node in nodes)
    found = price_nodes(
        nodes, book, time=time, rates=rates, provider=cluster.provider, region=cluster.region, cluster=name
    )
    return found if cluster.price_factor == 1 else tuple(_multiplied(one, cluster.price_factor) for one in found)


def provider_of(labels: Mapping[str, str]) -> str:
    """The provider whose services labelled a node; empty when none did."""
    for key in labels:
        found = DOMAINS.get(key.partition("/")[0]) or DOMAINS.get(key)
        if found:
            return found
    return ""


def _place_of(node: Node, provider: str, region: str) -> _Place:
    labels = node.labels
    return _Place(
        _type_of(node),
        market_of(labels),
        provider_of(labels) or provider,
        _first(labels, REGIONS) or region,
        _first(labels, ZONES),
    )


def _type_of(node: Node) -> str:
    return _first(node.labels, (INSTANCE_TYPE, OLD_INSTANCE_TYPE))


def _first(labels: Mapping[str, str], keys: Sequence[str]) -> str:
    return next((labels[key] for key in keys if labels.get(key)), "")


class _Shelf:
    """The rows of the book that some machines have, and what was looked up already.

    Args:
        book: the price book.
        types: the machines.
        time: when prices are looked up.
    """

    def __init__(self, book: PriceBook, types: set[str], time: float) -> None:
        self._book = book
        self._time = time
        self._rows: defaultdict[str, list[Price]] = defaultdict(list)
        for row in book:
            if row.instance_type in types:
                self._rows[row.instance_type].append(row)
        self._known: dict[_Place, _Found] = {}

    def look(self, place: _Place) -> _Found:
        """What the book says of a place."""
        if place not in self._known:
            self._known[place] = self._look(place)
        return self._known[place]

    def _look(self, place: _Place) -> _Found:
        if not place.instance_type:
            return _Found(None, f"by rates: the node has no label {INSTANCE_TYPE}")
        price = self._find(place, place.market)
        if price is not None:
            return _Found(price, f"by {_way(place, price)}", self._rivals(place, price))
        if place.market == "reserved" and (price := self._find(place, "on-demand")) is not None:
            why = f"as on-demand, since nothing is known of what was reserved: by {_way(place, price)}"
            return _Found(price, why, self._rivals(place, price))
        return _Found(None, f"by rates: no price of {place.words}{self._elsewhere(place)}")

    def _find(self, place: _Place, market: Market) -> Price | None:
        return self._book.find(
            place.instance_type,
            market,
            provider=place.provider,
            region=place.region,
            zone=place.zone,
            time=self._time,
        )

    def _rivals(self, place: _Place, price: Price) -> tuple[Price, ...]:
        """The rows that say as much of the place as the one that counts, and another price."""
        same = [
            row
            for row in self._rows[place.instance_type]
            if (row.market, row.region, row.zone) == (price.market, price.region, price.zone)
            and (not place.provider or row.provider in ("", place.provider))
            and row.per_hour != price.per_hour
        ]
        since = self._current({row.since for row in (*same, price)})
        return tuple(row for row in same if row.since == since)

    def _current(self, starts: set[float]) -> float:
        """The last of these times that has begun, or the first there will be."""
        return max((start for start in starts if start <= self._time), default=min(starts))

    def _elsewhere(self, place: _Place) -> str:
        """Where the book has prices of the machine, for whoever wonders why it has none here."""
        rows = self._rows[place.instance_type]
        if not rows:
            return "" if len(self._book) else ": there is no price book"
        sold = [row for row in rows if not place.provider or row.provider in ("", place.provider)]
        if not sold:
            return f"; it is sold by {first_of(sorted({row.provider for row in rows}))}, and not by {place.provider}"
        if not place.region:
            return f"; the node has no label {REGIONS[0]}"
        here = {row.market for row in sold if row.region in (place.region, "")}
        if here:
            return f"; here it is {first_of(sorted(here))}"
        return f"; it has some in {first_of(sorted({row.region for row in sold}))}"


def _way(place: _Place, price: Price) -> str:
    """By what a row was found."""
    kind = f"instance type {price.instance_type} ({price.market})"
    if not price.region:
        return f"{kind}, for all regions"
    if not price.zone:
        return f"{kind}, region {price.region}"
    if price.zone == place.zone:
        return f"{kind}, zone {price.zone}"
    lacking = f"zone {place.zone} has no price" if place.zone else "the node's zone is not known"
    return f"{kind}, the cheapest zone of {price.region}, {price.zone}: {lacking}"


def _priced(node: Node, found: _Found, rates: Rates, cluster: str) -> NodePrice:
    """The node's price, split over its resources."""
    place = _place_of(node, "", "")
    cpu, memory = node.allocatable.get("cpu", 0), node.allocatable.get("memory", 0)
    amount = rates.of(cpu, memory, node.devices.count)
    price = found.price
    if price is None:
        per_hour, shares, scale = amount, rates, 1.0
    else:
        # Rates of 0 (of who has paid already) have no ratio to split a price by, nor have those that are next to it.
        shares = rates if amount > _NOTHING else DEFAULT_RATES
        whole = shares.of(cpu, memory, node.devices.count)
        per_hour, scale = price.per_hour, price.per_hour / whole if whole else 0.0
    return NodePrice(
        node=node.name,
        cluster=cluster,
        instance_type=place.instance_type,
        region=place.region or (price.region if price else ""),
        zone=place.zone,
        market=place.market,
        per_hour=per_hour,
        cpu=shares.cpu * scale,
        memory=shares.memory * scale,
        gpu=shares.gpu * scale,
        price=price,
        why=found.why,
        rivals=found.rivals,
    )


def _multiplied(found: NodePrice, factor: float) -> NodePrice:
    """A price in a cluster that pays only a part of it, or more."""
    changed: NodePrice = msgspec.structs.replace(
        found,
        per_hour=found.per_hour * factor,
        cpu=found.cpu * factor,
        memory=found.memory * factor,
        gpu=found.gpu * factor,
        why=f"{found.why}; times {factor:g}, the price factor of its cluster",
    )
    return changed
