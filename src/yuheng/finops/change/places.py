"""The clusters of a fleet, or the one there is, as what a change is tried on: prices of nodes, pools, mean rates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from yuheng.errors import ConfigError
from yuheng.finops.change.rates import carbon_intensity
from yuheng.finops.change.study import Place, concerned
from yuheng.finops.mean_rates import mean_rates
from yuheng.finops.price_list import NEWEST, doubts
from yuheng.finops.pricing import price_cluster
from yuheng.model.cluster import Snapshot
from yuheng.model.cost_change import ChangeRates
from yuheng.model.estate import Estate
from yuheng.model.fleet import Cluster, ClusterPool, Fleet
from yuheng.model.labels import INSTANCE_TYPE, ZONE
from yuheng.model.node import Node
from yuheng.model.node_price import NodePrice
from yuheng.model.prices import PriceBook, Rates
from yuheng.model.words import count, first_of
from yuheng.placement.machines import price_of

__all__ = ["Surroundings", "as_fleet", "surroundings"]

ReadBoth = Callable[[Sequence[Node]], tuple[Estate, Estate]]
"""Reads both versions as they are on these nodes."""
_NAMED: Final = 5


class Surroundings(NamedTuple):
    """What a change meets.

    Attributes:
        rates: the mean of the nodes.
        places: the clusters.
        assumptions: what had to be assumed of them.
    """

    rates: ChangeRates
    places: tuple[Place, ...]
    assumptions: tuple[str, ...]


def as_fleet(state: Fleet | Snapshot, book: PriceBook, rates: Rates) -> Fleet:
    """The state as a fleet, of one nameless cluster where it is one, with these prices beside its own.

    Args:
        state: as it was read.
        book: prices that were given; those of a fleet count for what these do not price.
        rates: of nodes without a price; a fleet's own count where these are the defaults.
    """
    if isinstance(state, Snapshot):
        return Fleet(clusters=(Cluster(name="", snapshot=state),), prices=book, rates=rates, time=state.time)
    merged: Fleet = msgspec.structs.replace(state, prices=book.over(state.prices), rates=rates.over(state.rates))
    return merged


def surroundings(
    fleet: Fleet, written: tuple[Estate, Estate], read_both: ReadBoth, wanted: Sequence[str], time: float | None
) -> Surroundings:
    """The clusters that a change is for.

    Args:
        fleet: all clusters.
        written: both versions, to find out who runs them.
        read_both: reads them for the nodes of a cluster.
        wanted: names of clusters; empty for those that run a pod of either version, or else all.
        time: when prices and carbon are looked up, in seconds since the epoch; None for the latest the input tells of.

    Raises:
        ConfigError: a cluster is not in the fleet, has no nodes, or the price book knows none of them.
    """
    clusters = _chosen(fleet, written, wanted)
    moment = fleet.time if time is None else time
    at = NEWEST if moment is None else moment
    priced = [price_cluster(one, fleet.prices, time=at, rates=fleet.rates) for one in clusters]
    prices = [price for found in priced for price in found]
    _check(fleet, prices)
    places = tuple(
        Place(
            cluster.name,
            cluster.snapshot,
            {price.node: price for price in found},
            [(pool, _price_of_pool(pool, cluster, fleet, at)) for pool in cluster.pools],
            *read_both(cluster.snapshot.nodes),
        )
        for cluster, found in zip(clusters, priced, strict=True)
    )
    nodes = [node for cluster in clusters for node in cluster.snapshot.nodes]
    rates = ChangeRates(
        compute=mean_rates(zip(nodes, prices, strict=True), fleet.rates),
        carbon=carbon_intensity(clusters, fleet.regions, 0.0 if moment is None else moment),
        source=_source(clusters, len(nodes)),
    )
    return Surroundings(rates, places, doubts(prices))


def _chosen(fleet: Fleet, written: tuple[Estate, Estate], wanted: Sequence[str]) -> list[Cluster]:
    known = {cluster.name: cluster for cluster in fleet.clusters}
    for name in wanted:
        if name not in known:
            there = ", ".join(sorted(filter(None, known))[:_NAMED])
            expected = f"one of the fleet's clusters: {there}" if there else "none: --fleet is the state of one cluster"
            raise ConfigError(f"--cluster: found {name!r}, expected {expected}")
    names = list(dict.fromkeys(wanted)) or concerned({name: one.snapshot for name, one in known.items()}, *written)
    for name in names:
        if not known[name].snapshot.nodes and not known[name].pools:
            where = f"cluster {name}" if name else "the input"
            raise ConfigError(f"--fleet: found no nodes in {where}, expected the nodes that the change is to run on")
    return [known[name] for name in names]


def _check(fleet: Fleet, prices: Sequence[NodePrice]) -> None:
    """Tell a price book that has nothing to do with the nodes.

    Raises:
        ConfigError: it prices none of them.
    """
    if not len(fleet.prices) or not prices or any(one.price is not None for one in prices):
        return
    first = prices[0]
    raise ConfigError(
        f"--prices: found no price of any of {len(prices)} nodes (node {first.node}: {first.why}), "
        "expected prices of the nodes of --fleet"
    )


def _price_of_pool(pool: ClusterPool, cluster: Cluster, fleet: Fleet, time: float) -> float:
    """US dollars per hour of a node of a pool: the book's, or by rates."""
    labels, offered = pool.node.labels, pool.node.allocatable
    found = price_of(cluster, fleet, labels.get(INSTANCE_TYPE, ""), pool.market, labels.get(ZONE, ""), time)
    if found is not None:
        return found
    rates = cluster.rates or fleet.rates
    return rates.of(offered.get("cpu", 0), offered.get("memory", 0), pool.node.devices.count)


def _source(clusters: Sequence[Cluster], nodes: int) -> str:
    counted = count(nodes, "node")
    names = [cluster.name for cluster in clusters if cluster.name]
    if not names:
        return f"the mean of {counted}"
    shown = first_of(names)
    return f"the mean of {counted} of {shown}"
