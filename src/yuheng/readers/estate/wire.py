"""Kubernetes objects as they travel: the fields that cost money, and nothing else (see `yuheng.readers.wire`)."""

from __future__ import annotations

import msgspec

from yuheng.model.pod import OwnerReference
from yuheng.readers.wire import ABSENT, Metadata, QuantityText, Timestamp, Wire

__all__ = [
    "AutoscalerObject",
    "ClaimObject",
    "ClaimTemplate",
    "ContainerPart",
    "ContainerState",
    "JobTemplate",
    "NamespaceObject",
    "PodObject",
    "ScaledObject",
    "ServiceObject",
    "Specification",
    "Template",
    "VolcanoJob",
    "VolumeObject",
    "WorkloadObject",
]

Texts = dict[str, str]


class OwnedMetadata(Metadata):
    """``metadata`` with labels, annotations and owners."""

    generate_name: str = ""
    labels: Texts | None = None
    annotations: Texts | None = None
    owner_references: tuple[OwnerReference, ...] | None = None


class ContainerPart(Wire):
    """A container."""

    name: str = ""
    image: str = ""
    restart_policy: str | None = None
    resources: msgspec.Raw = ABSENT
    env: msgspec.Raw = ABSENT
    command: msgspec.Raw = ABSENT
    args: msgspec.Raw = ABSENT


class Terminated(Wire):
    """How a container ended."""

    reason: str | None = None
    finished_at: Timestamp | None = None


class State(Wire):
    """What has become of a container."""

    terminated: Terminated | None = None


class ContainerState(Wire):
    """What the kubelet tells of a container."""

    name: str = ""
    restart_count: int = 0
    state: State | None = None
    last_state: State | None = None


class Status(Wire):
    """``status`` of a pod."""

    start_time: Timestamp | None = None
    container_statuses: tuple[ContainerState, ...] | None = None
    init_container_statuses: tuple[ContainerState, ...] | None = None


class Amount(Wire):
    """``resources`` of a claim."""

    requests: dict[str, QuantityText] | None = None


class ClaimSpecification(Wire):
    """``spec`` of a claim."""

    resources: Amount | None = None
    storage_class_name: str | None = None
    volume_name: str | None = None


class ClaimTemplate(Wire):
    """A template of a claim."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: ClaimSpecification | None = None


class ClaimSource(Wire):
    """A volume that is a claim."""

    claim_name: str = ""


class EphemeralSource(Wire):
    """A volume that is a claim of its pod's own."""

    volume_claim_template: ClaimTemplate | None = None


class Volume(Wire):
    """A volume of a pod."""

    name: str = ""
    persistent_volume_claim: ClaimSource | None = None
    ephemeral: EphemeralSource | None = None


class Specification(Wire):
    """``spec`` of a pod."""

    containers: tuple[ContainerPart, ...] = ()
    init_containers: tuple[ContainerPart, ...] | None = None
    volumes: tuple[Volume, ...] | None = None
    overhead: msgspec.Raw = ABSENT
    resources: msgspec.Raw = ABSENT


class PodMetadata(Metadata):
    """``metadata`` of a pod that runs or waits; labels and owner are known from its snapshot."""

    annotations: msgspec.Raw = ABSENT


class RunningSpecification(Wire):
    """``spec`` of a pod that runs or waits; its claims are known from its snapshot."""

    containers: tuple[ContainerPart, ...] = ()
    init_containers: tuple[ContainerPart, ...] | None = None
    overhead: msgspec.Raw = ABSENT
    resources: msgspec.Raw = ABSENT


class PodObject(Wire):
    """A Pod."""

    metadata: PodMetadata = msgspec.field(default_factory=PodMetadata)
    spec: RunningSpecification = msgspec.field(default_factory=RunningSpecification)
    status: Status | None = None


class Template(Wire):
    """A pod template, or a pod that is written as a manifest."""

    metadata: OwnedMetadata = msgspec.field(default_factory=OwnedMetadata)
    spec: Specification = msgspec.field(default_factory=Specification)


class JobSpecification(Wire):
    """``spec`` of a Job."""

    template: Template = msgspec.field(default_factory=Template)
    parallelism: int | None = None
    completions: int | None = None
    suspend: bool | None = None


class JobTemplate(Wire):
    """``spec.jobTemplate`` of a CronJob."""

    metadata: OwnedMetadata = msgspec.field(default_factory=OwnedMetadata)
    spec: JobSpecification = msgspec.field(default_factory=JobSpecification)


class WorkloadSpecification(JobSpecification):
    """``spec`` of any workload of Kubernetes; each kind has some of these fields."""

    replicas: int | None = None
    volume_claim_templates: tuple[ClaimTemplate, ...] | None = None
    job_template: JobTemplate | None = None


class WorkloadObject(Wire):
    """A Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job or CronJob."""

    metadata: OwnedMetadata = msgspec.field(default_factory=OwnedMetadata)
    spec: WorkloadSpecification = msgspec.field(default_factory=WorkloadSpecification)


class Task(Wire):
    """A task of a Volcano Job."""

    name: str = ""
    replicas: int | None = None
    template: Template = msgspec.field(default_factory=Template)


class VolcanoSpecification(Wire):
    """``spec`` of a Volcano Job."""

    tasks: tuple[Task, ...] | None = None
    queue: str | None = None


class VolcanoJob(Wire):
    """A Volcano Job."""

    metadata: OwnedMetadata = msgspec.field(default_factory=OwnedMetadata)
    spec: VolcanoSpecification = msgspec.field(default_factory=VolcanoSpecification)


class Provisioned(Wire):
    """What has a capacity."""

    capacity: dict[str, QuantityText] | None = None
    storage_class_name: str | None = None


class ClaimObject(ClaimTemplate):
    """A PersistentVolumeClaim."""

    status: Provisioned | None = None


class VolumeObject(Wire):
    """A PersistentVolume."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: Provisioned | None = None


class ServiceSpecification(Wire):
    """``spec`` of a Service."""

    type: str | None = None
    selector: Texts | None = None


class ServiceObject(Wire):
    """A Service."""

    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: ServiceSpecification | None = None


class NamespaceMetadata(Metadata):
    """``metadata`` of a namespace."""

    annotations: Texts | None = None


class NamespaceObject(Wire):
    """A Namespace."""

    metadata: NamespaceMetadata = msgspec.field(default_factory=NamespaceMetadata)


class TargetReference(Wire):
    """What is scaled."""

    kind: str = "Deployment"
    name: str = ""


class MetricTarget(Wire):
    """What a metric is steered to."""

    average_utilization: int | None = None


class ResourceMetric(Wire):
    """A metric of cpu or memory."""

    name: str = ""
    target: MetricTarget | None = None
    target_average_utilization: int | None = None


class Metric(Wire):
    """A metric of an autoscaler."""

    type: str = ""
    resource: ResourceMetric | None = None
    container_resource: ResourceMetric | None = None


class AutoscalerSpecification(Wire):
    """``spec`` of a HorizontalPodAutoscaler, of v1 or v2."""

    scale_target_ref: TargetReference
    max_replicas: int
    min_replicas: int | None = None
    metrics: tuple[Metric, ...] | None = None
    target_cpu: int | None = msgspec.field(default=None, name="targetCPUUtilizationPercentage")


class AutoscalerObject(Wire):
    """A HorizontalPodAutoscaler."""

    spec: AutoscalerSpecification
    metadata: Metadata = msgspec.field(default_factory=Metadata)


class Trigger(Wire):
    """A trigger of a ScaledObject."""

    type: str = ""
    metric_type: str | None = None
    metadata: Texts | None = None


class ScaledSpecification(Wire):
    """``spec`` of a ScaledObject."""

    scale_target_ref: TargetReference
    min_replica_count: int | None = None
    max_replica_count: int | None = None
    triggers: tuple[Trigger, ...] | None = None


class ScaledObject(Wire):
    """KEDA's ScaledObject."""

    spec: ScaledSpecification
    metadata: Metadata = msgspec.field(default_factory=Metadata)
