"""What if something fails: a fleet without a cluster, a zone, a region or a provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Final, NamedTuple

import msgspec

from yuheng.errors import ConfigError, NotFoundError
from yuheng.model.fleet import Cluster, Fleet, FleetWorkload
from yuheng.model.labels import ZONES
from yuheng.model.node import Node
from yuheng.model.pod import Pod

__all__ = ["Loss", "Remains", "losses_of", "parse_loss", "without"]

FIELDS: Final = ("cluster", "zone", "region", "provider")
# Controllers whose pods go with their node.
BOUND_TO_NODES: Final = ("DaemonSet", "Node")


class Loss(NamedTuple):
    """Something that is lost: a field (``cluster``, ``zone``, ``region``, ``provider``) and its value."""

    field: str
    value: str

    def __str__(self) -> str:
        return f"{self.field}={self.value}"

    def takes(self, cluster: Cluster) -> bool:
        """Whether it takes a whole cluster."""
        if self.field == "cluster":
            return cluster.name == self.value
        if self.field == "region":
            return bool(cluster.region) and self.value in (cluster.region, cluster.region_key)
        return self.field == "provider" and cluster.provider == self.value

    def takes_node(self, node: Node, cluster: Cluster) -> bool:
        """Whether it takes one node of a cluster that stays; a cluster of one zone has its nodes there."""
        if self.field != "zone":
            return False
        told = next((node.labels[key] for key in ZONES if key in node.labels), None)
        return (told or (cluster.zones[0] if len(cluster.zones) == 1 else "")) == self.value


class Remains(NamedTuple):
    """What is left of a fleet.

    Attributes:
        fleet: the clusters and nodes that are left, with what runs on them.
        lost: the clusters that are gone, by name.
        nodes: how many nodes are gone.
        pods: the pods that ran on them, by cluster.
    """

    fleet: Fleet
    lost: tuple[str, ...]
    nodes: int
    pods: Mapping[str, tuple[Pod, ...]]


def parse_loss(text: str) -> Loss:
    """A loss from text such as ``region=eu-west-1``; a name alone is that of a cluster.

    Raises:
        ConfigError: there is no such field, or no value.
    """
    field, sign, value = text.partition("=")
    if not sign:
        field, value = "cluster", text
    if field.strip() not in FIELDS or not value.strip():
        raise ConfigError(f"--without {text!r}: expected a cluster's name, or one of {'=..., '.join(FIELDS)}=...")
    return Loss(field.strip(), value.strip())


def losses_of(fleet: Fleet) -> list[Loss]:
    """Each cluster, zone, region and provider that could be lost, in this order, each by name."""
    found: dict[str, set[str]] = {field: set() for field in FIELDS}
    for cluster in fleet.clusters:
        found["cluster"].add(cluster.name)
        found["region"].add(cluster.region_key if cluster.region else "")
        found["provider"].add(cluster.provider)
        found["zone"] |= _zones(cluster)
    return [Loss(field, value) for field in FIELDS for value in sorted(found[field]) if value]


def _zones(cluster: Cluster) -> set[str]:
    nodes = (*cluster.snapshot.nodes, *(pool.node for pool in cluster.pools))
    told = {node.labels.get(key, "") for node in nodes for key in ZONES}
    return (told | set(cluster.zones)) - {""}


def without(fleet: Fleet, losses: Sequence[Loss]) -> Remains:
    """A fleet after losses.

    Args:
        fleet: before.
        losses: all of them at once.

    Raises:
        NotFoundError: one of them takes nothing.
    """
    left, lost, nodes = [], [], 0
    pods: dict[str, tuple[Pod, ...]] = {}
    taken = dict.fromkeys(losses, False)
    mine = _running_keys(fleet)
    for cluster in fleet.clusters:
        whole = [loss for loss in losses if loss.takes(cluster)]
        taken.update(dict.fromkeys(whole, True))
        if whole:
            lost.append(cluster.name)
            nodes += len(cluster.snapshot.nodes)
            pods[cluster.name] = tuple(pod for pod in cluster.snapshot.pods if pod.node is not None)
            continue
        reduced, gone = _reduced(cluster, losses, taken, mine.get(cluster.name, frozenset()))
        nodes += len(cluster.snapshot.nodes) - len(reduced.snapshot.nodes)
        if gone:
            pods[cluster.name] = gone
        left.append(reduced)
    for loss, found in taken.items():
        if not found:
            raise NotFoundError(f"--without {loss}: found nothing in the fleet that it takes")
    workloads = tuple(_bereft(workload, lost, pods) for workload in fleet.workloads)
    rest: Fleet = msgspec.structs.replace(fleet, clusters=tuple(left), workloads=workloads)
    return Remains(rest, tuple(lost), nodes, pods)


def _reduced(
    cluster: Cluster, losses: Sequence[Loss], taken: dict[Loss, bool], mine: Set[str]
) -> tuple[Cluster, tuple[Pod, ...]]:
    """A cluster without the nodes that are lost, and the pods that ran on them."""
    zones = [loss for loss in losses if loss.field == "zone"]
    if not zones:
        return cluster, ()
    gone: set[str] = set()
    touched = False
    for loss in zones:
        names = {node.name for node in cluster.snapshot.nodes if loss.takes_node(node, cluster)}
        pools = any(loss.takes_node(pool.node, cluster) for pool in cluster.pools)
        taken[loss] = taken[loss] or bool(names) or pools or loss.value in cluster.zones
        gone |= names
        touched = touched or bool(names) or pools or loss.value in cluster.zones
    if not touched:
        return cluster, ()
    snapshot = cluster.snapshot
    kept: Cluster = msgspec.structs.replace(
        cluster,
        snapshot=msgspec.structs.replace(
            snapshot,
            nodes=tuple(node for node in snapshot.nodes if node.name not in gone),
            pods=tuple(left for pod in snapshot.pods if (left := _after(pod, gone, mine)) is not None),
        ),
        zones=tuple(zone for zone in cluster.zones if all(loss.value != zone for loss in zones)),
        pools=tuple(pool for pool in cluster.pools if not any(loss.takes_node(pool.node, cluster) for loss in zones)),
    )
    return kept, tuple(pod for pod in snapshot.pods if pod.node in gone)


def _running_keys(fleet: Fleet) -> dict[str, set[str]]:
    """By cluster, the running pods that belong to workloads of the fleet."""
    found: dict[str, set[str]] = {}
    for workload in fleet.workloads:
        for name, keys in workload.running.items():
            found.setdefault(name, set()).update(keys)
    return found


def _after(pod: Pod, gone: Set[str], mine: Set[str]) -> Pod | None:
    """A pod of a cluster that has lost nodes; None when nobody starts it again there.

    The plan decides on the pods of the fleet's workloads; those of other controllers wait for a node of their cluster.
    """
    if pod.node not in gone:
        return pod
    if pod.key in mine or pod.owner is None or pod.owner.kind in BOUND_TO_NODES:
        return None
    waiting: Pod = msgspec.structs.replace(pod, node=None, device_indices=(), started=None)
    return waiting


def _bereft(workload: FleetWorkload, lost: Iterable[str], pods: Mapping[str, tuple[Pod, ...]]) -> FleetWorkload:
    """A workload without the replicas that are lost."""
    gone = {cluster: {pod.key for pod in found} for cluster, found in pods.items()}
    away = set(lost)
    if not any(name in away or name in gone for name in workload.previous):
        return workload
    previous, running = {}, {}
    for name, count in workload.previous.items():
        if name in away:
            continue
        keys = workload.running.get(name, ())
        kept = tuple(key for key in keys if key not in gone.get(name, ()))
        left = count - (len(keys) - len(kept))
        if left > 0:
            previous[name], running[name] = left, kept
    rest: FleetWorkload = msgspec.structs.replace(workload, previous=previous, running=running)
    return rest
