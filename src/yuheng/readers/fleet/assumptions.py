"""What nobody said of a fleet, and what counts in its place: one sentence each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yuheng.model.labels import INSTANCE_TYPE
from yuheng.model.words import first_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from yuheng.model.fleet import Cluster, Fleet, FleetWorkload

__all__ = ["assumptions", "listed"]


def assumptions(fleet: Fleet, implied: Sequence[str], summed: Sequence[str]) -> list[str]:
    """What had to be assumed.

    Args:
        fleet: as it was read.
        implied: regions that are only named.
        summed: clusters of whose state only the sum is known.
    """
    return [
        *_of_clusters(fleet.clusters, set(summed)),
        *_of_states(fleet.clusters),
        *_of_prices(fleet),
        *_of_regions(fleet, implied),
    ]


def listed(names: Iterable[str]) -> str:
    """Some names, and how many more there are."""
    return first_of(sorted(names))


def _of_clusters(clusters: Iterable[Cluster], summed: set[str]) -> list[str]:
    clusters = list(clusters)
    found = []
    if lost := [cluster.name for cluster in clusters if not cluster.region]:
        found.append(f"no region is known of {_counted('cluster', lost)}: data move to and from there for nothing")
    if empty := [cluster.name for cluster in clusters if not cluster.snapshot.nodes and not cluster.pools]:
        found.append(f"no nodes are known of {_counted('cluster', empty)}: nothing fits there")
    # One that has a state of its own does not stand for itself.
    if single := [cluster.name for cluster in clusters if cluster.name in summed and _is_sum(cluster)]:
        found.append(f"only the sum of free resources is known of {_counted('cluster', single)}: it counts as one node")
    return found


def _is_sum(cluster: Cluster) -> bool:
    nodes = cluster.snapshot.nodes
    return len(nodes) == 1 and nodes[0].name == f"{cluster.name}-summary"


def _of_states(clusters: Iterable[Cluster]) -> list[str]:
    """What the readers of clusters had to assume; the same of several clusters is said once."""
    said: dict[str, list[str]] = {}
    for cluster in clusters:
        for warning in cluster.snapshot.warnings:
            said.setdefault(warning, []).append(cluster.name)
    return [f"{_counted('cluster', names)}: {warning}" for warning, names in said.items()]


def _of_prices(fleet: Fleet) -> list[str]:
    unpriced = [cluster.name for cluster in fleet.clusters if cluster.rates is None and _lacks_prices(cluster, fleet)]
    if not unpriced:
        return []
    rates = fleet.rates
    found = f"the price book has no price of some machines of {_counted('cluster', unpriced)}"
    each = f"{rates.cpu:g} $ per core, {rates.memory:g} $ per GiB and {rates.gpu:g} $ per GPU and hour"
    return [f"{found}: their resources count at {each}"]


def _lacks_prices(cluster: Cluster, fleet: Fleet) -> bool:
    if not cluster.price_factor:
        return False
    nodes = (*cluster.snapshot.nodes, *(pool.node for pool in cluster.pools))
    machines = {node.labels.get(INSTANCE_TYPE, "") for node in nodes}
    return any(
        fleet.prices.find(
            machine, "on-demand", provider=cluster.provider, region=cluster.region, time=fleet.time or 0.0
        )
        is None
        for machine in machines
    )


def _of_regions(fleet: Fleet, implied: Sequence[str]) -> list[str]:
    regions = fleet.regions
    found = []
    if implied:
        found.append(f"no Region describes {_counted('region', implied)}: only tables of prices may speak of them")
    dark = [key for key, region in regions.items() if region.carbon is None]
    if dark:
        found.append(f"no carbon intensity is known of {_counted('region', dark)}")
    if len(regions) > 1 and any(_moves_data(workload) for workload in fleet.workloads):
        found += _of_links(fleet)
    return found


def _moves_data(workload: FleetWorkload) -> bool:
    """Whether it matters for a workload what lies between regions."""
    needs = workload.requirements
    return bool(needs.reads or needs.writes or (needs.latency and needs.latency.users))


def _of_links(fleet: Fleet) -> list[str]:
    found = []
    for what, count in (
        ("price of egress", "that to the internet, else the dearest of the provider, else nothing,"),
        ("latency", "0 s"),
        ("bandwidth", "no limit"),
    ):
        lacking = [key for key in fleet.regions if _lacks(fleet, key, what)]
        if lacking:
            found.append(f"no {what} is known from {_counted('region', lacking)} to some others: {count} is assumed")
    return found


def _lacks(fleet: Fleet, key: str, what: str) -> bool:
    links = fleet.regions[key].links
    for other in fleet.regions:
        link = links.get(other)
        if other == key:
            continue
        if link is None:
            return True
        known = {"price of egress": bool(link.egress), "latency": link.latency is not None}
        if not known.get(what, link.bandwidth is not None):
            return True
    return False


def _counted(what: str, names: Sequence[str]) -> str:
    plural = "" if len(names) == 1 else "s"
    return f"{len(names)} {what}{plural} ({listed(names)})"
