"""Karmada's objects as they travel: the fields that placing looks at.

The parts of a policy are nouns of the model already (`yuheng.model.propagation`); here is what is around them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final, Literal, TypeVar

import msgspec

from yuheng.errors import InputError
from yuheng.model.node import Taint
from yuheng.model.propagation import ClusterAffinity, Overriders, OverrideRule, Placement, PurgeMode, ResourceSelector
from yuheng.readers.decoding import misfit
from yuheng.readers.wire import Condition, LabelledMetadata, Metadata, Presence, Wire

__all__ = [
    "BindingObject",
    "ClusterObject",
    "ObjectReference",
    "OverrideObject",
    "PropagationObject",
    "RebalancerObject",
    "Unused",
    "decoded",
]

T = TypeVar("T")
Timestamp = Annotated[datetime, msgspec.Meta(tz=True)]
Int32 = Annotated[int, msgspec.Meta(ge=-(2**31), lt=2**31)]
Replicas = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
# What may stand in the fields that know a few words only.
CHOICES: Final = {
    "component": "Registry, Repository or Tag",
    "dynamicWeight": "AvailableReplicas",
    "effect": "NoSchedule, PreferNoSchedule or NoExecute",
    "preemption": "Always or Never",
    "purgeMode": "Directly or Gracefully",
    "replicaDivisionPreference": "Aggregated or Weighted",
    "replicaSchedulingType": "Duplicated or Divided",
    "spreadByField": "cluster, region, zone or provider",
}
OPERATORS: Final = {
    "argsOverrider": "add or remove",
    "clusterTolerations": "Exists or Equal",
    "commandOverrider": "add or remove",
    "fieldSelector": "In or NotIn",
    "labelSelector": "In, NotIn, Exists or DoesNotExist",
}


class ClusterFailover(Wire):
    """``failover.cluster``: what becomes of replicas on a cluster that fails."""

    purge_mode: PurgeMode = "Gracefully"


class Failover(Wire):
    """``failover`` of a policy."""

    cluster: ClusterFailover | None = None


class PropagationSpec(Wire):
    """``spec`` of a PropagationPolicy."""

    resource_selectors: tuple[ResourceSelector, ...] = ()
    placement: Placement = Placement()
    priority: Int32 | None = None
    preemption: Literal["Always", "Never"] = "Never"
    failover: Failover | None = None


class PropagationObject(Wire):
    """A PropagationPolicy or ClusterPropagationPolicy."""

    kind: str = "PropagationPolicy"
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: PropagationSpec = msgspec.field(default_factory=PropagationSpec)


class UnusedPlacement(Wire):
    """What is not used of a placement."""

    workload_affinity: Presence | None = None


class UnusedFailover(Wire):
    """What is not used of a failover."""

    application: Presence | None = None


class UnusedSpec(Wire):
    """What is not used of a policy although it has to do with placing."""

    placement: UnusedPlacement | None = None
    failover: UnusedFailover | None = None
    suspension: Presence | None = None
    schedule_priority: Presence | None = None
    activation_preference: str = ""
    dependent_overrides: tuple[str, ...] = ()
    scheduler_name: str = ""


class Unused(Wire):
    """A PropagationPolicy, seen as what is not used of it."""

    spec: UnusedSpec = msgspec.field(default_factory=UnusedSpec)


class OverrideSpec(Wire):
    """``spec`` of an OverridePolicy; its last two fields are how rules were written before Karmada 1.0."""

    resource_selectors: tuple[ResourceSelector, ...] = ()
    override_rules: tuple[OverrideRule, ...] = ()
    target_cluster: ClusterAffinity | None = None
    overriders: Overriders = Overriders()


class OverrideObject(Wire):
    """An OverridePolicy or ClusterOverridePolicy."""

    kind: str = "OverridePolicy"
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: OverrideSpec = msgspec.field(default_factory=OverrideSpec)


class ClusterSpec(Wire):
    """``spec`` of a Cluster."""

    provider: str = ""
    region: str = ""
    zone: str = ""
    zones: tuple[str, ...] = ()
    taints: tuple[Taint, ...] = ()


class ClusterStatus(Wire):
    """``status`` of a Cluster."""

    conditions: tuple[Condition, ...] = ()


class ClusterObject(Wire):
    """A Cluster of ``cluster.karmada.io``."""

    metadata: LabelledMetadata = msgspec.field(default_factory=LabelledMetadata)
    spec: ClusterSpec = msgspec.field(default_factory=ClusterSpec)
    status: ClusterStatus = msgspec.field(default_factory=ClusterStatus)


class ObjectReference(Wire):
    """Which object is meant."""

    api_version: str
    kind: str
    name: str
    namespace: str = ""


class TargetCluster(Wire):
    """A cluster that an object is on, and with how many replicas."""

    name: str
    replicas: Replicas = 0


class EvictionTask(Wire):
    """A cluster that an object is leaving."""

    from_cluster: str
    replicas: Replicas | None = None
    reason: str = ""


class BindingSpec(Wire):
    """``spec`` of a ResourceBinding."""

    resource: ObjectReference
    clusters: tuple[TargetCluster, ...] = ()
    graceful_eviction_tasks: tuple[EvictionTask, ...] = ()
    reschedule_triggered_at: Timestamp | None = None


class BindingStatus(Wire):
    """``status`` of a ResourceBinding."""

    affinity: str = msgspec.field(default="", name="schedulerObservingAffinityName")
    last_scheduled_time: Timestamp | None = None


class BindingAnnotations(msgspec.Struct, frozen=True):
    """The annotations that name the policy."""

    namespace: str = msgspec.field(default="", name="propagationpolicy.karmada.io/namespace")
    policy: str = msgspec.field(default="", name="propagationpolicy.karmada.io/name")
    cluster_policy: str = msgspec.field(default="", name="clusterpropagationpolicy.karmada.io/name")


class BindingMetadata(Metadata):
    """``metadata`` of a ResourceBinding."""

    annotations: BindingAnnotations = BindingAnnotations()


class BindingObject(Wire):
    """A ResourceBinding or ClusterResourceBinding."""

    spec: BindingSpec
    metadata: BindingMetadata = msgspec.field(default_factory=BindingMetadata)
    status: BindingStatus = msgspec.field(default_factory=BindingStatus)


class RebalancerSpec(Wire):
    """``spec`` of a WorkloadRebalancer."""

    workloads: tuple[ObjectReference, ...] = ()


class RebalancerStatus(Wire):
    """``status`` of a WorkloadRebalancer."""

    finish_time: Timestamp | None = None


class RebalancerObject(Wire):
    """A WorkloadRebalancer."""

    spec: RebalancerSpec = msgspec.field(default_factory=RebalancerSpec)
    status: RebalancerStatus = msgspec.field(default_factory=RebalancerStatus)


def decoded(text: bytes | msgspec.Raw, kind: type[T]) -> T:
    """An object of one of these kinds.

    Raises:
        InputError: the object is not what Karmada defines; of a field with a few words only it says which.
    """
    try:
        return msgspec.json.decode(text, type=kind)
    except msgspec.ValidationError as error:
        found = misfit(error)
        choices = _choices(found.field) if "Invalid enum value" in str(error) else ""
        raise InputError(found.found, choices or found.expected, field=found.field) from error


def _choices(field: str) -> str:
    """What may stand in a field; empty when it is not known here."""
    last = field.rpartition(".")[2]
    if last != "operator":
        return CHOICES.get(last, "")
    return next((words for part, words in OPERATORS.items() if part in field), "add, remove or replace")
