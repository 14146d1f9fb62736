"""A fleet as it stands: its clusters with what is free and what they cost, its regions with what is known of them."""

from __future__ import annotations

from collections import Counter

from yuheng.model.fleet import Cluster, Fleet, Region
from yuheng.model.fleet_plan import ClusterReport, FleetState, RegionReport
from yuheng.model.plan import Allocation
from yuheng.placement.machines import stock_of
from yuheng.placement.terrain import Terrain

__all__ = ["survey"]

DAY = 86400


def survey(fleet: Fleet, now: float | None = None) -> FleetState:
    """Look at a fleet; nothing is planned.

    Args:
        fleet: the fleet.
        now: the time of prices and carbon intensities, in seconds since the epoch; None for the latest that the input
            tells of.
    """
    time = next((one for one in (now, fleet.time) if one is not None), 0.0)
    terrain = Terrain(fleet, [stock_of(cluster, fleet, time, 1) for cluster in fleet.clusters], time)
    return FleetState(
        time=time,
        clusters=tuple(_cluster(cluster, terrain, s) for s, cluster in enumerate(fleet.clusters)),
        regions=tuple(_region(key, region, fleet, time) for key, region in sorted(fleet.regions.items())),
        workloads=sum(1 for workload in fleet.workloads if workload.pods),
        replicas=sum(len(workload.pods) for workload in fleet.workloads),
        running=sum(sum(workload.previous.values()) for workload in fleet.workloads),
        policies=len(fleet.policies),
        workflows=len(fleet.workflows),
        prices=len(fleet.prices),
        skipped={item.kind: item.count for item in fleet.skipped},
        warnings=fleet.warnings,
    )


def _cluster(cluster: Cluster, terrain: Terrain, s: int) -> ClusterReport:
    used: dict[str, Counter[str]] = {}
    running = [pod for pod in cluster.snapshot.pods if pod.node is not None]
    for pod in running:
        held = used.setdefault(pod.node or "", Counter())
        for name, amount in pod.spec.requests.items():
            held[name] += amount
        held["pods"] += 1
    whole: Counter[str] = Counter()
    free: Counter[str] = Counter()
    largest: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    for node in cluster.snapshot.nodes:
        held = used.get(node.name, Counter())
        for name, amount in node.allocatable.items():
            left = max(amount - held[name], 0)
            whole[name] += amount
            free[name] += left
            taken[name] += held[name]
            largest[name] = max(largest[name], left)
    shares = {name: round(taken[name] / amount, 4) for name, amount in sorted(whole.items()) if amount}
    return ClusterReport(
        cluster=cluster.name,
        provider=cluster.provider,
        region=cluster.region,
        zones=cluster.zones,
        nodes=len(cluster.snapshot.nodes),
        pools=sum(pool.maximum for pool in cluster.pools),
        pods=len(running),
        allocation={name: Allocation(share, share) for name, share in shares.items() if name != "pods"},
        free=dict(sorted(free.items())),
        largest=dict(sorted(largest.items())),
        cheapest=terrain.cheapest(s),
        missing=terrain.missing(s),
    )


def _region(key: str, region: Region, fleet: Fleet, time: float) -> RegionReport:
    series = region.carbon
    day = [series.at(time + 1800 * step) for step in range(DAY // 1800)] if series is not None else []
    egress = {
        other: (link.egress or region.internet)[0].per_gb
        for other in sorted(fleet.regions)
        if other != key and ((link := region.links.get(other)) is not None) and (link.egress or region.internet)
    }
    return RegionReport(
        region=key,
        clusters=tuple(cluster.name for cluster in fleet.clusters if cluster.region_key == key),
        carbon=series.at(time) if series is not None else None,
        low=min(day, default=None),
        high=max(day, default=None),
        egress=egress,
        latency={other: link.latency for other, link in sorted(region.links.items()) if link.latency is not None},
        concurrency=region.concurrency,
    )
