"""The snapshot: everything that is known of a cluster at one instant."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from yuheng.model.job import HyperNode, Job
from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.model.queue import Queue
from yuheng.model.selectors import LabelSelector, NodeSelector

__all__ = ["PersistentVolume", "PodDisruptionBudget", "PodSelector", "Skipped", "Snapshot"]


class PodSelector(msgspec.Struct, frozen=True):
    """A Service or controller seen as what it selects: the source of kube-scheduler's default spreading."""

    kind: str
    name: str
    namespace: str
    selector: LabelSelector


class PodDisruptionBudget(msgspec.Struct, frozen=True):
    """How many of the pods it selects may be disrupted at the moment."""

    name: str
    namespace: str
    selector: LabelSelector
    disruptions_allowed: int = 0


class PersistentVolume(msgspec.Struct, frozen=True):
    """Where a bound volume can be reached from.

    Attributes:
        topology: allowed values by topology label (zone, region), from the volume's own labels.
        node_affinity: the volume's required node affinity.
    """

    name: str
    topology: dict[str, tuple[str, ...]] = {}
    node_affinity: NodeSelector | None = None


class Skipped(msgspec.Struct, frozen=True):
    """A kind that was read and is not used, and how many objects of it there were."""

    kind: str
    count: int


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The state of a cluster at one instant: what exists and what is pending.

    Attributes:
        nodes: sorted by name.
        pods: bound and pending, sorted by namespace and name; finished pods are left out.
        namespaces: labels by namespace name.
        volumes: the bound volume of a claim, by ``namespace/claim``.
        queues: sorted by name; every parent is among them, or empty.
        jobs: sorted by namespace and name; the pods of a job name it by `Pod.job`.
        hyper_nodes: the parts of the network, sorted by tier and name.
        configuration: the scheduler's configuration, where the input has one.
        time: the latest time that the input tells of, in seconds since the epoch; None when it tells of none.
        skipped: kinds that were in the input and are not used.
        warnings: what the reader had to assume, one sentence each.
    """

    nodes: tuple[Node, ...] = ()
    pods: tuple[Pod, ...] = ()
    namespaces: Mapping[str, Mapping[str, str]] = {}
    selectors: tuple[PodSelector, ...] = ()
    budgets: tuple[PodDisruptionBudget, ...] = ()
    volumes: Mapping[str, PersistentVolume] = {}
    queues: tuple[Queue, ...] = ()
    jobs: tuple[Job, ...] = ()
    hyper_nodes: tuple[HyperNode, ...] = ()
    configuration: Policy | None = None
    time: float | None = None
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[str, ...] = ()

    def is_batch(self) -> bool:
        """Whether it has queues or jobs: then queues decide whose turn it is."""
        return bool(self.queues or self.jobs)

    def pending(self) -> list[Pod]:
        """The pods to place, in scheduling order: priority (high first), creation time, then name."""
        waiting = [pod for pod in self.pods if pod.node is None]
        return sorted(waiting, key=lambda pod: (-pod.priority, pod.created, pod.namespace, pod.name))
