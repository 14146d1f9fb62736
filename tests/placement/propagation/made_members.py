"""Fleets, policies and workloads in a few words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from yuheng.model.fleet import Cluster, FleetWorkload
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.propagation import Placement, PropagationPolicy, ResourceSelector

POD = Pod(name="web", namespace="default", spec=PodSpec(requests={"cpu": 1000}))


def make_workload(replicas: int = 1, **fields: Any) -> FleetWorkload:
    """A Deployment of so many replicas."""
    fields = {"key": "default/web", "kind": "Deployment", "api_version": "apps/v1", **fields}
    return FleetWorkload(pods=(POD,) * replicas, **fields)


def make_placement(**fields: Any) -> Placement:
    """A placement, in Karmada's own words."""
    return msgspec.convert(fields, Placement)


def make_policy(name: str = "policy", namespace: str = "default", **fields: Any) -> PropagationPolicy:
    """A policy for all Deployments whose placement is in Karmada's own words."""
    own = {
        key: fields.pop(key) for key in ("priority", "preempts", "resource_selectors", "purge_mode") if key in fields
    }
    own.setdefault("resource_selectors", (ResourceSelector(api_version="apps/v1", kind="Deployment"),))
    return PropagationPolicy(name=name, namespace=namespace, placement=make_placement(**fields), **own)


def make_clusters(names: Iterable[str], **fields: Any) -> list[Cluster]:
    """Clusters that differ in their names only."""
    return [Cluster(name=name, **fields) for name in names]


def room(by_cluster: Mapping[str, int]) -> Callable[[str], int]:
    """Headroom as a table; none elsewhere."""
    return lambda name: by_cluster.get(name, 0)


def divided(preference: str, **weights: Any) -> dict[str, Any]:
    """A ``replicaScheduling`` that divides."""
    return {
        "replicaSchedulingType": "Divided",
        "replicaDivisionPreference": preference,
        **({"weightPreference": weights} if weights else {}),
    }


DYNAMIC = divided("Weighted", dynamicWeight="AvailableReplicas")
AGGREGATED = divided("Aggregated")


def static(weights: Iterable[tuple[str, int]]) -> dict[str, Any]:
    """A ``replicaScheduling`` with a weight for each cluster."""
    rules = [{"targetCluster": {"clusterNames": [name]}, "weight": weight} for name, weight in weights]
    return divided("Weighted", staticWeightList=rules)


def affinity(*names: str) -> dict[str, Any]:
    """A ``clusterAffinity`` by names."""
    return {"clusterNames": list(names)}
