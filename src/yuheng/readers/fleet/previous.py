"""Where workloads run already, and the pods of theirs that no cluster has placed."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yuheng.model.fleet import Cluster
    from yuheng.readers.fleet.owners import Identity, Owners

__all__ = ["running"]


def running(
    clusters: Iterable[Cluster], owners: Owners
) -> tuple[list[Cluster], dict[Identity, dict[str, tuple[str, ...]]]]:
    """The clusters without pending pods of the workloads, and the keys of each workload's pods that have nodes.

    A pod that is being deleted is not among them: its replica is on its way out.

    Args:
        clusters: with their states.
        owners: finds the workload of a pod.
    """
    found: defaultdict[Identity, defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    left = []
    for cluster in clusters:
        kept = []
        for pod in cluster.snapshot.pods:
            identity = owners.of(pod)
            if identity is None or pod.node is not None:
                kept.append(pod)
            if identity is not None and pod.node is not None and not pod.terminating:
                found[identity][cluster.name].append(pod.key)
        if len(kept) < len(cluster.snapshot.pods):
            state = msgspec.structs.replace(cluster.snapshot, pods=tuple(kept))
            left.append(msgspec.structs.replace(cluster, snapshot=state))
        else:
            left.append(cluster)
    return left, {
        identity: {cluster: tuple(keys) for cluster, keys in by_cluster.items()}
        for identity, by_cluster in found.items()
    }
