"""Pods: what they ask for, where they may and may not run, and who owns them.

A `PodSpec` is what scheduling looks at, and is shared by all pods of one template; a `Pod` is one of them with its
name, its labels and, when it is bound, its node.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from yuheng.model.node import Toleration
from yuheng.model.selectors import LabelSelector, NodeSelector, PreferredSchedulingTerm, Weight

__all__ = [
    "Affinity",
    "DeviceRequest",
    "HostPort",
    "NodeAffinity",
    "OwnerReference",
    "Pod",
    "PodAffinity",
    "PodAffinityTerm",
    "PodSpec",
    "TopologySpreadConstraint",
    "WeightedPodAffinityTerm",
]

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
InclusionPolicy = Literal["Honor", "Ignore"]
Count = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]


class NodeAffinity(msgspec.Struct, frozen=True):
    """Which nodes a pod must, and would rather, run on."""

    required: NodeSelector | None = msgspec.field(default=None, name=REQUIRED)
    preferred: tuple[PreferredSchedulingTerm, ...] = msgspec.field(default=(), name=PREFERRED)


class PodAffinityTerm(msgspec.Struct, frozen=True, rename="camel"):
    """A rule about other pods in the same topology domain.

    An absent selector matches no pod. The term speaks of the pod's own namespace unless ``namespaces`` or
    ``namespaceSelector`` say otherwise (an empty ``namespaceSelector`` means all namespaces).
    """

    topology_key: str
    label_selector: LabelSelector | None = None
    namespaces: tuple[str, ...] = ()
    namespace_selector: LabelSelector | None = None
    match_label_keys: tuple[str, ...] = ()
    mismatch_label_keys: tuple[str, ...] = ()


class WeightedPodAffinityTerm(msgspec.Struct, frozen=True, rename="camel"):
    """A preferred pod (anti-)affinity term and its weight (1 to 100)."""

    weight: Weight
    pod_affinity_term: PodAffinityTerm


class PodAffinity(msgspec.Struct, frozen=True):
    """Required and preferred rules about other pods; serves affinity and anti-affinity alike."""

    required: tuple[PodAffinityTerm, ...] = msgspec.field(default=(), name=REQUIRED)
    preferred: tuple[WeightedPodAffinityTerm, ...] = msgspec.field(default=(), name=PREFERRED)


class Affinity(msgspec.Struct, frozen=True, rename="camel"):
    """A pod's affinity: to nodes, to pods, away from pods."""

    node_affinity: NodeAffinity = NodeAffinity()
    pod_affinity: PodAffinity = PodAffinity()
    pod_anti_affinity: PodAffinity = PodAffinity()


class TopologySpreadConstraint(msgspec.Struct, frozen=True, rename="camel"):
    """How evenly matching pods spread over the domains of a topology key."""

    max_skew: Count
    topology_key: str
    when_unsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"]
    label_selector: LabelSelector | None = None
    min_domains: Count = 1
    node_affinity_policy: InclusionPolicy = "Honor"
    node_taints_policy: InclusionPolicy = "Ignore"
    match_label_keys: tuple[str, ...] = ()


class HostPort(msgspec.Struct, frozen=True):
    """A port taken on the host; ``0.0.0.0`` clashes with every address."""

    port: int
    protocol: str = "TCP"
    ip: str = "0.0.0.0"  # noqa: S104 -- Kubernetes' own spelling of "any address"


class DeviceRequest(msgspec.Struct, frozen=True):
    """GPUs a pod asks for: ``count`` whole devices, or a share of one.

    Attributes:
        count: how many devices; 0 means none.
        milli: thousandths of each device: 1000 is a whole one, less is a share (then ``count`` is 1).
        memory: bytes of device memory the share needs at least; 0 when not asked for.
        models: GPU models that will do; empty means any.
    """

    count: int = 0
    milli: int = 1000
    memory: int = 0
    models: tuple[str, ...] = ()

    def is_share(self) -> bool:
        """Whether a part of one device is asked for, rather than whole ones."""
        return self.count == 1 and (self.milli < 1000 or self.memory > 0)


class OwnerReference(msgspec.Struct, frozen=True, rename="camel"):
    """The object that owns another (for a pod: its ReplicaSet, StatefulSet, Job, DaemonSet)."""

    kind: str
    name: str
    uid: str = ""
    controller: bool = False


class PodSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What scheduling looks at in a pod; pods of one template share it.

    Attributes:
        requests: effective request by resource name, in the units of `Node.allocatable`: containers and sidecars,
            the init-container rule, pod-level resources and overhead are summed up already.
        scoring_requests: ``(cpu milli, memory bytes)`` as the LeastAllocated family counts them: a container
            that states no request counts 100m and 200 MiB.
        held_requests: the same for a pod that runs: kube-scheduler then counts pod-level resources too. None when
            there are none, and both are equal.
        images: images of all init containers and containers, in order, as written (one per container).
        volume_images: images of image volumes.
        node_name: the only node a pod that is not bound yet may go to; empty for any.
        claims: names of the PersistentVolumeClaims it mounts.
    """

    requests: dict[str, int] = {}
    scoring_requests: tuple[int, int] = (0, 0)
    held_requests: tuple[int, int] | None = None
    node_selector: dict[str, str] = {}
    affinity: Affinity = Affinity()
    tolerations: tuple[Toleration, ...] = ()
    spread: tuple[TopologySpreadConstraint, ...] = ()
    host_ports: tuple[HostPort, ...] = ()
    images: tuple[str, ...] = ()
    volume_images: tuple[str, ...] = ()
    node_name: str = ""
    claims: tuple[str, ...] = ()
    devices: DeviceRequest = DeviceRequest()
    gates: tuple[str, ...] = ()


class Pod(msgspec.Struct, frozen=True, kw_only=True):
    """A pod: bound when ``node`` is set, pending otherwise. Finished pods are not part of a snapshot.

    Attributes:
        created: seconds since the epoch (or since a trace's start); pods without a creation time sort last.
        terminating: being deleted: it holds its resources still, but counts in no spread.
        device_indices: the GPUs a bound pod holds, where they are known.
        job: the ``namespace/name`` of its `Job`; empty when it belongs to none.
        task: the name of its task in that job.
        queue: the queue it names itself; empty for that of its job.
        preemptable: whether it may be evicted for others (``volcano.sh/preemptable``); None where it does not say.
        preempts: whether others may be evicted for it (``preemptionPolicy`` is not ``Never``).
        revocable: whether it may run on nodes of a revocable zone (``volcano.sh/revocable-zone``).
        started: when it began to run, in seconds since the epoch; None when unknown.
        estimate: how long it runs, in seconds; None when unknown.
    """

    name: str
    namespace: str = "default"
    spec: PodSpec = PodSpec()
    labels: dict[str, str] = {}
    node: str | None = None
    priority: int = 0
    created: float = float("inf")
    owner: OwnerReference | None = None
    terminating: bool = False
    device_indices: tuple[int, ...] = ()
    job: str = ""
    task: str = ""
    queue: str = ""
    preemptable: bool | None = None
    preempts: bool = True
    revocable: bool = False
    started: float | None = None
    estimate: float | None = None

    @property
    def key(self) -> str:
        """``namespace/name``: unique in a cluster."""
        return f"{self.namespace}/{self.name}"
