"""The estate: what a cluster is paid for, container by container.

A `Snapshot` knows of a pod what scheduling looks at, its containers summed up. Money is looked at more closely: which
container asks for what, who owns it, which disk and which load balancer it has, how far an autoscaler may take it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from yuheng.model.cluster import Snapshot

__all__ = [
    "NOTHING",
    "Autoscaler",
    "Claim",
    "Container",
    "Estate",
    "LoadBalancer",
    "Owner",
    "PodEstate",
    "Requested",
    "WorkloadEstate",
    "requested_together",
]


class Owner(msgspec.Struct, frozen=True):
    """The controller that people know: the Deployment of a ReplicaSet, the CronJob of a Job."""

    kind: str = ""
    name: str = ""


class Requested(msgspec.Struct, frozen=True, kw_only=True):
    """What room is set aside for on a node.

    Attributes:
        cpu: milli-cores.
        memory: bytes.
        gpus: devices; a share counts as its part of one.
    """

    cpu: int = 0
    memory: int = 0
    gpus: float = 0.0


NOTHING = Requested()


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """A container of a pod, or of a pod template.

    Attributes:
        name: unique in its pod.
        image: as written.
        cpu: requested, in milli-cores; 0 when not stated (a limit alone is a request, as in Kubernetes).
        memory: requested, in bytes; 0 when not stated.
        gpus: requested devices; a share counts as its part of one.
        cpu_limit: in milli-cores; None for no limit.
        memory_limit: in bytes; None for no limit.
        heap: bytes that the largest heap of its Java virtual machine may take by its flags; None where none is set.
        heap_share: the same as a share of the memory limit, such as 0.75 for ``-XX:MaxRAMPercentage=75``; None where
            it is not set.
        out_of_memory: when it was last killed for want of memory, in seconds since the epoch (0 where the time is not
            told); None when it was not.
        killed_at: the memory request, in bytes, that its pods had when killed so; the highest of several. None where
            that is not known apart from `memory`: what is written may have been changed since.
        killed_limit: the memory limit that they had then, likewise; None for none, or where it is not known.
        restarts: how often it was started again.
        sidecar: whether it is an init container that runs on; other init containers count in what their pod sets
            aside (``least`` of `PodEstate`) only.
    """

    name: str
    image: str = ""
    cpu: int = 0
    memory: int = 0
    gpus: float = 0.0
    cpu_limit: int | None = None
    memory_limit: int | None = None
    heap: int | None = None
    heap_share: float | None = None
    out_of_memory: float | None = None
    killed_at: int | None = None
    killed_limit: int | None = None
    restarts: int = 0
    sidecar: bool = False


def requested_together(containers: Sequence[Container], least: Requested, overhead: Requested) -> Requested:
    """What kube-scheduler sets aside for a pod, as long as it is bound (``PodRequests`` of component-helpers).

    Args:
        containers: of the pod, sidecars too.
        least: at least so much, whatever the containers request (see `PodEstate`).
        overhead: on top of both.
    """
    return Requested(
        cpu=max(sum(one.cpu for one in containers), least.cpu) + overhead.cpu,
        memory=max(sum(one.memory for one in containers), least.memory) + overhead.memory,
        gpus=max(sum(one.gpus for one in containers), least.gpus) + overhead.gpus,
    )


class PodEstate(msgspec.Struct, frozen=True, kw_only=True):
    """A pod that is bound to a node, or waits.

    Attributes:
        node: where it runs; empty while it waits.
        owner: its controller.
        queue: of Volcano or Kueue; empty for none.
        containers: those that run on, sidecars first.
        least: what is set aside for them together at least: what an init container asks for beside the sidecars that
            started before it, or what is requested for the pod as a whole.
        overhead: ``spec.overhead``: what its runtime class takes beside containers.
        claims: names of the PersistentVolumeClaims that it mounts.
        started: when it began to run, in seconds since the epoch; None when unknown.
    """

    namespace: str
    name: str
    node: str = ""
    owner: Owner = Owner()
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    queue: str = ""
    containers: tuple[Container, ...] = ()
    least: Requested = NOTHING
    overhead: Requested = NOTHING
    claims: tuple[str, ...] = ()
    started: float | None = None

    @property
    def requested(self) -> Requested:
        """What is set aside for it on its node, the same as the scheduler counts."""
        return requested_together(self.containers, self.least, self.overhead)


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A PersistentVolumeClaim, or a template of one.

    Attributes:
        size: in bytes; what is provisioned where that is known, else what is requested.
        storage_class: empty for the cluster's default.
    """

    namespace: str
    name: str
    size: int
    storage_class: str = ""


class LoadBalancer(msgspec.Struct, frozen=True, kw_only=True):
    """A Service of type LoadBalancer, with the labels of the pods behind it."""

    namespace: str
    name: str
    selector: Mapping[str, str] = {}


class Autoscaler(msgspec.Struct, frozen=True, kw_only=True):
    """A HorizontalPodAutoscaler, or KEDA's ScaledObject.

    Attributes:
        target: the workload that it scales.
        minimum: replicas.
        maximum: replicas.
        utilization: by resource (``cpu``, ``memory``), the share of the request it steers for, such as 0.8.
    """

    namespace: str
    name: str
    target: Owner
    minimum: int
    maximum: int
    utilization: Mapping[str, float] = {}


class WorkloadEstate(msgspec.Struct, frozen=True, kw_only=True):
    """A Deployment, StatefulSet, DaemonSet, Job, CronJob, bare pod ...: what is written, whether or not it runs.

    Attributes:
        replicas: wanted; None for one on each node that it fits (DaemonSet).
        labels, annotations: of the pod template, those of the object where the template has none of that key.
        containers, least, overhead: of each pod (see `PodEstate`).
        claims: of a StatefulSet, made once for each replica.
        uses: names of the claims that its pods share.
        source: where it was read from.
    """

    kind: Literal["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"] | str
    namespace: str
    name: str
    replicas: int | None = 1
    labels: Mapping[str, str] = {}
    annotations: Mapping[str, str] = {}
    containers: tuple[Container, ...] = ()
    least: Requested = NOTHING
    overhead: Requested = NOTHING
    claims: tuple[Claim, ...] = ()
    uses: tuple[str, ...] = ()
    source: str = ""

    @property
    def key(self) -> str:
        """``kind namespace/name``."""
        return f"{self.kind} {self.namespace}/{self.name}"

    @property
    def requested(self) -> Requested:
        """What is set aside for each of its pods."""
        return requested_together(self.containers, self.least, self.overhead)


class Estate(msgspec.Struct, frozen=True, kw_only=True):
    """What a cluster is paid for.

    Attributes:
        cluster: its name; empty when nothing tells it.
        snapshot: the same as scheduling sees it: nodes, pods, namespaces.
        pods: those that run or wait, by ``namespace/name``.
        workloads: as they are written.
        claims: all PersistentVolumeClaims.
        balancers: all load balancers.
        autoscalers: all horizontal autoscalers.
        namespaces: labels by namespace; ``annotations`` likewise.
        time: when the state was told, in seconds since the epoch; None when nothing tells it.
        warnings: what had to be assumed.
    """

    snapshot: Snapshot
    cluster: str = ""
    pods: Mapping[str, PodEstate] = {}
    workloads: tuple[WorkloadEstate, ...] = ()
    claims: tuple[Claim, ...] = ()
    balancers: tuple[LoadBalancer, ...] = ()
    autoscalers: tuple[Autoscaler, ...] = ()
    namespaces: Mapping[str, Mapping[str, str]] = {}
    annotations: Mapping[str, Mapping[str, str]] = {}
    time: float | None = None
    warnings: tuple[str, ...] = ()
