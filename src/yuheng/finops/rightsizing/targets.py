"""What is to be sized: the containers of workloads, with the rows of usage that are theirs.

A pod that runs says who owns it. Most of a history is of pods that are gone: these are known by their names, which a
controller makes from its own (``web-5d8f7c9b6d-x2x4q`` of Deployment ``web``).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from yuheng.finops.mean_rates import mean_rates
from yuheng.model.estate import NOTHING, Autoscaler, Container, Estate, PodEstate, Requested, WorkloadEstate
from yuheng.model.node import Node
from yuheng.model.node_price import NodePrice
from yuheng.model.usage_matrices import PodContainer

__all__ = ["Target", "Targets", "WorkloadKey", "find_targets"]

# How controllers name their pods; the first that leads to a workload counts.
_NAMES: Final[tuple[tuple[str, re.Pattern[str]], ...]] = (
    ("StatefulSet", re.compile(r"(.+)-\d+")),
    ("CronJob", re.compile(r"(.+)-\d{5,10}-[a-z0-9]{5}")),
    ("Deployment", re.compile(r"(.+)-[a-z0-9]{1,10}-[a-z0-9]{5}")),
    ("DaemonSet", re.compile(r"(.+)-[a-z0-9]{5}")),
    ("ReplicaSet", re.compile(r"(.+)-[a-z0-9]{5}")),
    ("Job", re.compile(r"(.+)-[a-z0-9]{5}")),
)
_COMING_AND_GOING: Final = ("Job", "CronJob")


class WorkloadKey(NamedTuple):
    """Which workload."""

    kind: str
    namespace: str
    name: str


class Target(NamedTuple):
    """A container of a workload.

    Attributes:
        container: as it is written, with the last kill for want of memory of any of its pods.
        rows: of the usage, one for each of its pods.
    """

    container: Container
    rows: tuple[int, ...]


class Targets(NamedTuple):
    """A workload and its containers.

    Attributes:
        replicas: that run, or are wanted where none does; None where only usage can tell.
        cpu: US dollars per hour of one core, the mean over its pods' nodes.
        memory: US dollars per hour of one GiB, likewise.
        autoscaler: None for none.
        least, overhead: what is set aside for each pod beyond its containers (see `PodEstate`).
    """

    key: WorkloadKey
    containers: tuple[Target, ...]
    replicas: int | None
    cpu: float
    memory: float
    autoscaler: Autoscaler | None
    least: Requested = NOTHING
    overhead: Requested = NOTHING


def find_targets(
    estate: Estate, names: Sequence[PodContainer], prices: Sequence[NodePrice]
) -> tuple[list[Targets], int]:
    """The workloads of an estate by kind, namespace and name, and how many rows of usage are of none of them.

    Args:
        estate: what there is.
        names: whose usage is known, a row each.
        prices: of the nodes; none for default rates.
    """
    workloads = {WorkloadKey(item.kind, item.namespace, item.name): item for item in estate.workloads}
    pods: dict[WorkloadKey, list[PodEstate]] = defaultdict(list)
    owners: dict[tuple[str, str], WorkloadKey] = {}
    for pod in estate.pods.values():
        key = _owner(pod, workloads)
        pods[key].append(pod)
        owners[pod.namespace, pod.name] = key
    for key, found in pods.items():
        workloads.setdefault(key, _told_by_pods(key, found))
    rows, strangers = _rows(names, owners, workloads)
    scaled = {WorkloadKey(a.target.kind, a.namespace, a.target.name): a for a in estate.autoscalers}
    rates = _Rates(estate.snapshot.nodes, prices)
    targets = []
    for key, workload in sorted(workloads.items()):
        cpu, memory = rates.of(pods.get(key, ()))
        containers = tuple(
            Target(_with_history(item, pods.get(key, ())), tuple(rows.get((key, item.name), ())))
            for item in workload.containers
        )
        running = len(pods.get(key, ())) or workload.replicas
        replicas = None if key.kind in _COMING_AND_GOING else running
        beyond = workload.least, workload.overhead
        targets.append(Targets(key, containers, replicas, cpu, memory, scaled.get(key), *beyond))
    return targets, strangers


def _owner(pod: PodEstate, workloads: Mapping[WorkloadKey, WorkloadEstate]) -> WorkloadKey:
    """Whose pod it is; where a ReplicaSet is not among the objects, its name leads to its Deployment."""
    key = WorkloadKey(pod.owner.kind or "Pod", pod.namespace, pod.owner.name or pod.name)
    if key.kind == "ReplicaSet" and key not in workloads:
        above = WorkloadKey("Deployment", pod.namespace, key.name.rpartition("-")[0])
        return above if above in workloads else key
    return key


def _told_by_pods(key: WorkloadKey, pods: Sequence[PodEstate]) -> WorkloadEstate:
    """A workload of which only pods are known."""
    newest = max(pods, key=lambda pod: (pod.started or 0.0, pod.name))
    return WorkloadEstate(
        kind=key.kind,
        namespace=key.namespace,
        name=key.name,
        containers=newest.containers,
        least=newest.least,
        overhead=newest.overhead,
    )


def _rows(
    names: Sequence[PodContainer],
    owners: Mapping[tuple[str, str], WorkloadKey],
    workloads: Mapping[WorkloadKey, WorkloadEstate],
) -> tuple[dict[tuple[WorkloadKey, str], list[int]], int]:
    """The rows of each container, and how many are nobody's."""
    found: dict[tuple[WorkloadKey, str], list[int]] = defaultdict(list)
    strangers = 0
    for row, name in enumerate(names):
        key = owners.get((name.namespace, name.pod)) or next(_made_by(name, workloads), None)
        if key is None or all(item.name != name.container for item in workloads[key].containers):
            strangers += 1
        else:
            found[key, name.container].append(row)
    return found, strangers


def _made_by(name: PodContainer, workloads: Mapping[WorkloadKey, WorkloadEstate]) -> Iterator[WorkloadKey]:
    """The workloads that would name a pod so."""
    for kind, pattern in _NAMES:
        match = pattern.fullmatch(name.pod)
        key = WorkloadKey(kind, name.namespace, match[1] if match else "")
        if key in workloads:
            yield key
    key = WorkloadKey("Pod", name.namespace, name.pod)
    if key in workloads:
        yield key


def _with_history(container: Container, pods: Sequence[PodEstate]) -> Container:
    """The container with the last kill for want of memory of any pod, and the most memory that a pod had then."""
    kills = [
        (item.out_of_memory, item)
        for pod in pods
        for item in pod.containers
        if item.name == container.name and item.out_of_memory is not None
    ]
    if not kills:
        return container
    known: Container = msgspec.structs.replace(
        container,
        out_of_memory=max(time for time, _ in kills),
        killed_at=max(item.memory for _, item in kills),
        killed_limit=max((item.memory_limit for _, item in kills if item.memory_limit is not None), default=None),
    )
    return known


class _Rates:
    """What a core and a GiB cost where pods run."""

    def __init__(self, nodes: Sequence[Node], prices: Sequence[NodePrice]) -> None:
        self._nodes = {price.node: price for price in prices}
        usual = mean_rates((node, self._nodes[node.name]) for node in nodes if node.name in self._nodes)
        self._usual = usual.cpu, usual.memory

    def of(self, pods: Sequence[PodEstate]) -> tuple[float, float]:
        """US dollars per hour of a core and of a GiB, the mean over the pods; of all nodes where none runs."""
        rates = [self._nodes[pod.node] for pod in pods if pod.node in self._nodes]
        if not rates:
            return self._usual
        # Pods of a workload ask for the same: each counts as much as another.
        return sum(rate.cpu for rate in rates) / len(rates), sum(rate.memory for rate in rates) / len(rates)
