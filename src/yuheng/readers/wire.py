"""Kubernetes objects as they travel: the fields that scheduling looks at, and nothing else.

Everything that is not named here is skipped without being built, which is most of an object (managed fields,
probes, mounts, statuses). Fields of type `msgspec.Raw` keep their text: pods of one template repeat it letter
by letter, so that text is a key under which the decoded value is found again (`yuheng.readers.sharing`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from yuheng.model.node import ContainerImage, Taint
from yuheng.model.pod import OwnerReference
from yuheng.model.selectors import LabelSelector, NodeSelector

__all__ = [
    "Annotations",
    "Budget",
    "Claim",
    "Container",
    "ContainerPort",
    "ContainerStatus",
    "Head",
    "Metadata",
    "NodeObject",
    "Object",
    "PodObject",
    "PodSpecification",
    "PriorityClass",
    "QuantityText",
    "Resources",
    "SchedulingGate",
    "Selecting",
    "Service",
    "Volume",
]

QuantityText = str | int | float
Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]
Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]
Seconds = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]
Port = Annotated[int, msgspec.Meta(ge=0, lt=2**16)]
ABSENT = msgspec.Raw()


class Wire(msgspec.Struct, rename="camel"):
    """The base of all: camel case, as Kubernetes writes."""


class Head(Wire):
    """What tells one object from another before it is decoded."""

    kind: str | None = None
    api_version: str | None = None
    metadata: msgspec.Raw = ABSENT
    items: list[msgspec.Raw] | msgspec.UnsetType | None = msgspec.UNSET


class Annotations(msgspec.Struct, frozen=True):
    """The annotations that speak of devices, of jobs and of queues."""

    gpu_milli: str = msgspec.field(default="", name="alibabacloud.com/gpu-milli")
    gpu_count: str = msgspec.field(default="", name="alibabacloud.com/gpu-count")
    gpu_model: str = msgspec.field(default="", name="alibabacloud.com/gpu-card-model")
    gpu_index: str = msgspec.field(default="", name="alibabacloud.com/gpu-index")
    vgpu_index: str = msgspec.field(default="", name="volcano.sh/gpu-index")
    vgpu_register: str = msgspec.field(default="", name="volcano.sh/node-vgpu-register")
    group: str = msgspec.field(default="", name="scheduling.k8s.io/group-name")
    volcano_group: str = msgspec.field(default="", name="scheduling.volcano.sh/group-name")
    job_name: str = msgspec.field(default="", name="volcano.sh/job-name")
    task_spec: str = msgspec.field(default="", name="volcano.sh/task-spec")
    queue: str = msgspec.field(default="", name="scheduling.volcano.sh/queue-name")
    job_queue: str = msgspec.field(default="", name="volcano.sh/queue-name")
    preemptable: str = msgspec.field(default="", name="volcano.sh/preemptable")
    revocable_zone: str = msgspec.field(default="", name="volcano.sh/revocable-zone")
    estimate: str = msgspec.field(default="", name="yuheng.io/running-estimate")
    pod_group_total: str = msgspec.field(default="", name="kueue.x-k8s.io/pod-group-total-count")


class Metadata(Wire):
    """``metadata`` of any object."""

    name: str = ""
    namespace: str = ""


class LabelledMetadata(Metadata):
    """``metadata`` of an object whose labels count and are its own."""

    labels: dict[str, str] | None = None


class NodeMetadata(Metadata):
    """``metadata`` of a node."""

    labels: msgspec.Raw = ABSENT
    annotations: Annotations | None = None


class PodMetadata(NodeMetadata):
    """``metadata`` of a pod."""

    generate_name: str = ""
    creation_timestamp: Timestamp | None = None
    deletion_timestamp: Timestamp | None = None
    owner_references: tuple[OwnerReference, ...] | None = None


class Object(Wire):
    """Any object, by its name alone."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)


class Resources(Wire):
    """``resources`` of a container or of a pod."""

    requests: dict[str, QuantityText] = {}
    limits: dict[str, QuantityText] = {}


class ContainerPort(Wire):
    """A port of a container; 0 where it is not given."""

    container_port: Port = 0
    host_port: Port = 0
    protocol: str = "TCP"
    host_ip: str = msgspec.field(default="", name="hostIP")


class Container(Wire):
    """A container or an init container."""

    name: str = ""
    image: str = ""
    restart_policy: str | None = None
    resources: msgspec.Raw = ABSENT
    ports: msgspec.Raw = ABSENT


class ClaimSource(Wire):
    """A volume that is a claim."""

    claim_name: str = ""


class ImageSource(Wire):
    """A volume that is an image."""

    reference: str = ""


class Presence(msgspec.Struct):
    """Something of which only the presence matters."""


class Volume(Wire):
    """A volume of a pod."""

    name: str = ""
    persistent_volume_claim: ClaimSource | None = None
    ephemeral: Presence | None = None
    image: ImageSource | None = None


class SchedulingGate(Wire):
    """A gate that keeps a pod from being scheduled."""

    name: str


class PodSpecification(Wire):
    """``spec`` of a pod."""

    node_name: str | None = None
    node_selector: msgspec.Raw = ABSENT
    affinity: msgspec.Raw = ABSENT
    tolerations: msgspec.Raw = ABSENT
    topology_spread_constraints: msgspec.Raw = ABSENT
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] | None = None
    overhead: msgspec.Raw = ABSENT
    resources: msgspec.Raw = ABSENT
    host_network: bool | None = None
    volumes: tuple[Volume, ...] | None = None
    scheduling_gates: msgspec.Raw = ABSENT
    priority: Int32 | None = None
    priority_class_name: str | None = None
    preemption_policy: str | None = None
    active_deadline_seconds: Seconds | None = None


class ContainerStatus(Wire):
    """What a running container has been given, which differs from its spec while it is being resized."""

    name: str = ""
    allocated_resources: msgspec.Raw = ABSENT
    resources: msgspec.Raw = ABSENT


class PodCondition(Wire):
    """A condition of a pod."""

    type: str = ""
    reason: str | None = None


class PodStatus(Wire):
    """``status`` of a pod."""

    phase: str | None = None
    start_time: Timestamp | None = None
    conditions: tuple[PodCondition, ...] | None = None
    container_statuses: tuple[ContainerStatus, ...] | None = None
    init_container_statuses: tuple[ContainerStatus, ...] | None = None


class PodObject(Wire):
    """A Pod."""

    metadata: PodMetadata = msgspec.field(default_factory=PodMetadata)
    spec: PodSpecification = msgspec.field(default_factory=PodSpecification)
    status: PodStatus | None = None


class NodeSpecification(Wire):
    """``spec`` of a node."""

    taints: tuple[Taint, ...] | None = None
    unschedulable: bool | None = None


class Condition(Wire):
    """A condition of a node."""

    type: str = ""
    status: str = ""
    last_heartbeat_time: Timestamp | None = None


class NodeStatus(Wire):
    """``status`` of a node."""

    allocatable: dict[str, QuantityText] | None = None
    capacity: dict[str, QuantityText] | None = None
    conditions: tuple[Condition, ...] | None = None
    images: tuple[ContainerImage, ...] | None = None


class NodeObject(Wire):
    """A Node."""

    metadata: NodeMetadata = msgspec.field(default_factory=NodeMetadata)
    spec: NodeSpecification | None = None
    status: NodeStatus | None = None


class PriorityClass(Object):
    """A PriorityClass."""

    value: Int32 = 0
    global_default: bool | None = None
    preemption_policy: str | None = None


class ServiceSpecification(Wire):
    """``spec`` of a Service or a ReplicationController: its selector is a plain map."""

    selector: dict[str, str] | None = None


class Service(Object):
    """A Service or a ReplicationController."""

    spec: ServiceSpecification | None = None


class SelectingSpecification(Wire):
    """``spec`` of what selects pods by a label selector."""

    selector: LabelSelector | None = None


class Selecting(Object):
    """A ReplicaSet or a StatefulSet, seen as what it selects."""

    spec: SelectingSpecification | None = None


class BudgetStatus(Wire):
    """``status`` of a PodDisruptionBudget."""

    disruptions_allowed: int = 0


class Budget(Object):
    """A PodDisruptionBudget."""

    spec: SelectingSpecification | None = None
    status: BudgetStatus | None = None


class ClaimSpecification(Wire):
    """``spec`` of a PersistentVolumeClaim."""

    volume_name: str | None = None


class Claim(Object):
    """A PersistentVolumeClaim."""

    spec: ClaimSpecification | None = None


class VolumeNodeAffinity(Wire):
    """From which nodes a volume can be reached."""

    required: NodeSelector | None = None


class VolumeSpecification(Wire):
    """``spec`` of a PersistentVolume."""

    node_affinity: VolumeNodeAffinity | None = None


class VolumeObject(Wire):
    """A PersistentVolume."""

    metadata: LabelledMetadata = msgspec.field(default_factory=LabelledMetadata)
    spec: VolumeSpecification | None = None


class NamespaceObject(Wire):
    """A Namespace."""

    metadata: LabelledMetadata = msgspec.field(default_factory=LabelledMetadata)
