"""Volcano's objects as they travel: the fields that scheduling looks at."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

import msgspec

from yuheng.model.pod import OwnerReference
from yuheng.model.selectors import LabelSelector
from yuheng.readers.wire import QuantityText
from yuheng.readers.workloads.fields import Template, Workload

__all__ = [
    "Budget",
    "HyperNodeObject",
    "JobSpec",
    "JobStatus",
    "Member",
    "Named",
    "NetworkTopologySpec",
    "PodGroupObject",
    "QueueObject",
    "QueueSpec",
    "SubGroupSpec",
    "Task",
    "VolcanoJob",
]

Amounts = dict[str, QuantityText]
Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


class Part(msgspec.Struct, rename="camel"):
    """The base of all: camel case, as Kubernetes writes."""


class Named(msgspec.Struct, rename="camel", kw_only=True):
    """``metadata`` of an object that has a name, and annotations that count."""

    name: str
    namespace: str = ""
    uid: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    owner_references: tuple[OwnerReference, ...] = ()
    creation_timestamp: Timestamp | None = None
    deletion_timestamp: Timestamp | None = None

    def created(self) -> float:
        """Seconds since the epoch; infinity where they are not known."""
        return float("inf") if self.creation_timestamp is None else self.creation_timestamp.timestamp()

    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace or 'default'}/{self.name}"


class Guarantee(Part):
    """``guarantee`` of a queue."""

    resource: Amounts = {}


class GroupAffinity(Part):
    """Names of node groups that a queue must, or would rather, use (or not)."""

    required: tuple[str, ...] = msgspec.field(default=(), name=REQUIRED)
    preferred: tuple[str, ...] = msgspec.field(default=(), name=PREFERRED)


class QueueAffinity(Part):
    """``affinity`` of a queue."""

    node_group_affinity: GroupAffinity = msgspec.field(default_factory=GroupAffinity)
    node_group_anti_affinity: GroupAffinity = msgspec.field(default_factory=GroupAffinity)


class QueueSpec(Part):
    """``spec`` of a Queue."""

    weight: int = 1
    capability: Amounts = {}
    guarantee: Guarantee = msgspec.field(default_factory=Guarantee)
    deserved: Amounts = {}
    reclaimable: bool = True
    priority: int = 0
    parent: str = ""
    dequeue_strategy: Literal["", "fifo", "traverse"] = ""
    affinity: QueueAffinity = msgspec.field(default_factory=QueueAffinity)


class QueueStatus(Part):
    """``status`` of a Queue."""

    state: str = ""


class QueueObject(Part):
    """A Queue."""

    metadata: Named
    spec: QueueSpec = msgspec.field(default_factory=QueueSpec)
    status: QueueStatus = msgspec.field(default_factory=QueueStatus)


class NetworkTopologySpec(Part):
    """``networkTopology`` of a job, a pod group, or a part of one."""

    mode: Literal["", "hard", "soft"] = ""
    highest_tier_allowed: int | None = None
    highest_tier_name: str = ""


class SubGroupSpec(Part):
    """One of ``subGroupPolicy``."""

    name: str = ""
    label_selector: LabelSelector | None = None
    match_label_keys: tuple[str, ...] = ()
    sub_group_size: int | None = None
    min_sub_groups: int | None = None
    network_topology: NetworkTopologySpec | None = None


class PodGroupSpec(Part):
    """``spec`` of a PodGroup."""

    min_member: int = 1
    min_task_member: dict[str, int] = {}
    min_resources: Amounts | None = None
    queue: str = ""
    priority_class_name: str = ""
    network_topology: NetworkTopologySpec | None = None
    sub_group_policy: tuple[SubGroupSpec, ...] = ()


class PodGroupStatus(Part):
    """``status`` of a PodGroup."""

    phase: str = ""
    succeeded: int = 0


class PodGroupObject(Part):
    """A PodGroup."""

    metadata: Named
    spec: PodGroupSpec = msgspec.field(default_factory=PodGroupSpec)
    status: PodGroupStatus = msgspec.field(default_factory=PodGroupStatus)


class DependsOn(Part):
    """Tasks that have to run before."""

    name: tuple[str, ...] = ()
    iteration: Literal["", "any", "all"] = ""


class PartitionPolicy(Part):
    """How the pods of a task form groups, by their index."""

    total_partitions: int = 0
    partition_size: int = 0
    min_partitions: int = 0
    network_topology: NetworkTopologySpec | None = None


class Task(Part, kw_only=True):
    """A task of a Job."""

    name: str = ""
    replicas: int = 0
    min_available: int | None = None
    depends_on: DependsOn = msgspec.field(default_factory=DependsOn)
    partition_policy: PartitionPolicy | None = None
    template: Template


class JobVolume(Part):
    """A volume that every pod of a Job mounts."""

    volume_claim_name: str = ""


class JobSpec(Part):
    """``spec`` of a Job."""

    min_available: int = 0
    tasks: tuple[Task, ...] = ()
    volumes: tuple[JobVolume, ...] = ()
    queue: str = ""
    priority_class_name: str = ""
    running_estimate: str = ""
    network_topology: NetworkTopologySpec | None = None


class JobState(Part):
    """The state of a Job."""

    phase: str = ""


class TaskState(Part):
    """How many pods of a task are in which phase."""

    phase: dict[str, int] = {}


class JobStatus(Part):
    """``status`` of a Job."""

    state: JobState = msgspec.field(default_factory=JobState)
    task_status_count: dict[str, TaskState] = {}


class VolcanoJob(Workload, kw_only=True):
    """A Job of ``batch.volcano.sh``."""

    KIND: ClassVar[str] = "Job.batch.volcano.sh"
    spec: JobSpec
    status: JobStatus = msgspec.field(default_factory=JobStatus)

    @property
    def subject(self) -> str:
        """How error messages call it: with its group, as Kubernetes' own Job is another."""
        return f"{self.KIND} {self.key}"

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.metadata.namespace}/{self.metadata.name}"


class ExactMatch(Part):
    """One member, by its name."""

    name: str = ""


class RegexMatch(Part):
    """Members whose name matches."""

    pattern: str = ""


class MemberSelector(Part):
    """Which members are meant."""

    exact_match: ExactMatch | None = None
    regex_match: RegexMatch | None = None
    label_match: LabelSelector | None = None


class Member(Part):
    """Members of a HyperNode."""

    type: Literal["Node", "HyperNode"]
    selector: MemberSelector = msgspec.field(default_factory=MemberSelector)


class HyperNodeSpec(Part):
    """``spec`` of a HyperNode."""

    tier: int = 0
    tier_name: str = ""
    members: tuple[Member, ...] = ()


class HyperNodeObject(Part):
    """A HyperNode."""

    metadata: Named
    spec: HyperNodeSpec = msgspec.field(default_factory=HyperNodeSpec)


class Budget(msgspec.Struct, frozen=True):
    """How many pods of a job may be evicted, as written."""

    min_available: str = ""
    max_unavailable: str = ""
