"""Cluster of ``cluster.karmada.io``: where a cluster is, what repels workloads from it, whether it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yuheng.model.fleet import Cluster
from yuheng.readers.karmada.wire import ClusterObject, decoded

if TYPE_CHECKING:
    import msgspec

__all__ = ["read_karmada_cluster"]


def read_karmada_cluster(text: bytes | msgspec.Raw) -> Cluster:
    """A member cluster, without its nodes: those are read from the cluster's own state.

    Its deprecated ``zone`` counts where there are no ``zones``. It is ready unless its condition ``Ready`` is not true.

    Raises:
        InputError: a field is not what Karmada defines.
    """
    found = decoded(text, ClusterObject)
    spec = found.spec
    ready = [condition.status == "True" for condition in found.status.conditions if condition.type == "Ready"]
    return Cluster(
        name=found.metadata.name,
        provider=spec.provider,
        region=spec.region,
        zones=spec.zones or ((spec.zone,) if spec.zone else ()),
        labels=found.metadata.labels or {},
        taints=spec.taints,
        ready=all(ready),
    )
