"""What a plan does to clusters: how full they are before and after, and which nodes are opened."""

from __future__ import annotations

import numpy as np

from yuheng.model.fleet import Cluster
from yuheng.model.fleet_plan import ClusterReport, NewNodes
from yuheng.model.plan import Allocation
from yuheng.placement.assignment import Assignment

__all__ = ["cluster_report", "new_nodes"]


def new_nodes(assignment: Assignment) -> tuple[NewNodes, ...]:
    """The nodes of pools that pods were placed on."""
    found = []
    for s, site in enumerate(assignment.sites):
        first = int(assignment.terrain.first[s])
        used = np.flatnonzero(site.engine.cluster.pods > 0)
        counts = np.bincount(site.group_of[used], minlength=len(site.groups)) if len(used) else ()
        for g, group in enumerate(site.groups):
            if not group.exists and len(counts) and counts[g]:
                price = assignment.terrain.whole_price(first + g)
                found.append(NewNodes(site.cluster.name, group.pool, int(counts[g]), int(counts[g]) * price))
    return tuple(found)


def cluster_report(cluster: Cluster, assignment: Assignment, s: int | None) -> ClusterReport:
    """A cluster before and after; ``s`` is its place in the fleet, None where it is lost."""
    if s is None:
        return _lost(cluster)
    site = assignment.sites[s]
    exists = np.array([group.exists for group in site.groups], dtype=np.bool_)
    mask = exists[site.group_of] if len(site.groups) else np.zeros(0, dtype=np.bool_)
    arrays = site.engine.cluster
    allocation, free, largest = {}, {}, {}
    for column, name in enumerate(site.engine.resources.names):
        whole = int(arrays.allocatable[mask, column].sum())
        if whole:
            before, after = (int(used[mask, column].sum()) for used in (site.engine.used_before, arrays.used))
            left = np.maximum(arrays.allocatable - site.engine.used_before, 0)[mask, column]
            free[name], largest[name] = int(left.sum()), int(left.max())
            allocation[name] = Allocation(round(before / whole, 4), round(after / whole, 4))
    return ClusterReport(
        cluster=cluster.name,
        provider=cluster.provider,
        region=cluster.region,
        zones=cluster.zones,
        nodes=int(mask.sum()),
        pools=sum(pool.maximum for pool in cluster.pools),
        pods=len(site.engine.bound),
        allocation=allocation,
        free=free,
        largest=largest,
        cheapest=assignment.terrain.cheapest(s),
        missing=assignment.terrain.missing(s),
    )


def _lost(cluster: Cluster) -> ClusterReport:
    return ClusterReport(
        cluster=cluster.name,
        provider=cluster.provider,
        region=cluster.region,
        zones=cluster.zones,
        nodes=len(cluster.snapshot.nodes),
        pools=sum(pool.maximum for pool in cluster.pools),
        pods=sum(pod.node is not None for pod in cluster.snapshot.pods),
        allocation={},
        cheapest={},
        lost=True,
    )
