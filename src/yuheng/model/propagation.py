"""Karmada's policies: which workloads go to which clusters, how their replicas are divided, what differs per cluster.

The words are those of ``policy.karmada.io/v1alpha1``. The parts of a policy decode directly from Karmada's own JSON
(camel case); the policies themselves know their name and namespace, and are cluster-wide when the namespace is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol

import msgspec

from yuheng.model.node import Toleration
from yuheng.model.selectors import LabelSelector, NodeSelectorRequirement

if TYPE_CHECKING:
    from yuheng.model.fleet import Cluster

__all__ = [
    "GRACE_PERIOD",
    "Binding",
    "ClusterAffinity",
    "ClusterAffinityTerm",
    "ClusterPreferences",
    "ClusterToleration",
    "CommandArgsOverrider",
    "Eviction",
    "FieldOverrider",
    "FieldSelector",
    "ImageOverrider",
    "ImagePredicate",
    "LabelAnnotationOverrider",
    "OverflowAffinity",
    "OverridePolicy",
    "OverrideRule",
    "Overriders",
    "PatchOperation",
    "Placement",
    "PlaintextOverrider",
    "PropagationPolicy",
    "PurgeMode",
    "ReplicaScheduling",
    "ResourceSelector",
    "SpreadConstraint",
    "StaticClusterWeight",
    "Strategy",
    "Target",
]

PurgeMode = Literal["Directly", "Gracefully"]
# Seconds after which replicas leave a failed cluster in any case (Karmada's --graceful-eviction-timeout).
GRACE_PERIOD: Final = 600.0
Strategy = Literal["Duplicated", "StaticWeight", "DynamicWeight", "Aggregated"]
SpreadField = Literal["cluster", "region", "zone", "provider"]
Operator = Literal["add", "remove", "replace"]


class Target(Protocol):
    """What selectors look at in an object; a `yuheng.model.fleet.FleetWorkload` is one."""

    @property
    def api_version(self) -> str:
        """Such as ``apps/v1``."""

    @property
    def kind(self) -> str:
        """Such as ``Deployment``."""

    @property
    def namespace(self) -> str:
        """Empty for cluster-wide objects."""

    @property
    def name(self) -> str:
        """Of the object."""

    @property
    def labels(self) -> Mapping[str, str]:
        """Of the object."""


class ResourceSelector(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Which objects a policy is for.

    Attributes:
        api_version, kind: of the objects, such as ``apps/v1`` and ``Deployment``.
        namespace: of the objects; empty for the policy's own, or for any where the policy is cluster-wide.
        name: of the object; empty for all.
        label_selector: on the objects' labels; it does not count beside a name.
    """

    api_version: str
    kind: str
    namespace: str = ""
    name: str = ""
    label_selector: LabelSelector | None = None

    def precision(self, target: Target) -> int:
        """How precisely the selector means an object: 3 by name, 2 by labels, 1 by kind alone, 0 not at all.

        Karmada calls this the implicit priority (``util.ResourceSelectorPriority``).
        """
        if (self.api_version, self.kind) != (target.api_version, target.kind):
            return 0
        if self.namespace and self.namespace != target.namespace:
            return 0
        if self.name:
            return 3 if self.name == target.name else 0
        if self.label_selector is None:
            return 1
        return 2 if self.label_selector.matches(target.labels) else 0


class FieldSelector(msgspec.Struct, frozen=True, rename="camel"):
    """Requirements on a cluster's ``provider``, ``region`` and ``zone``, ``In`` or ``NotIn``; all of them must hold."""

    match_expressions: tuple[NodeSelectorRequirement, ...] = ()

    def matches(self, cluster: Cluster) -> bool:
        """Whether the cluster meets all requirements.

        A cluster with several zones is ``In`` when any of its zones is listed, and ``NotIn`` when none is; a field that
        the cluster does not have meets ``NotIn`` only.
        """
        return all(_holds(requirement, cluster) for requirement in self.match_expressions)


class ClusterAffinity(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A set of clusters.

    Attributes:
        label_selector: on the clusters' labels; None or empty for any.
        field_selector: on provider, region and zone; None or empty for any.
        cluster_names: the clusters by name; empty for any.
        exclude_clusters: these are not in the set, whatever else is said.
    """

    label_selector: LabelSelector | None = None
    field_selector: FieldSelector | None = None
    cluster_names: tuple[str, ...] = ()
    exclude_clusters: tuple[str, ...] = msgspec.field(default=(), name="exclude")

    def matches(self, cluster: Cluster) -> bool:
        """Whether the cluster is in the set (Karmada's ``util.ClusterMatches``)."""
        if cluster.name in self.exclude_clusters:
            return False
        if self.label_selector is not None and not self.label_selector.matches(cluster.labels):
            return False
        if self.field_selector is not None and not self.field_selector.matches(cluster):
            return False
        return not self.cluster_names or cluster.name in self.cluster_names


class OverflowAffinity(ClusterAffinity, frozen=True, rename="camel", kw_only=True):
    """A set of clusters that takes what the sets before it have no room for."""

    affinity_name: str


class ClusterAffinityTerm(ClusterAffinity, frozen=True, rename="camel", kw_only=True):
    """One of several sets of clusters that are tried in order.

    Attributes:
        affinity_name: unique in the placement.
        overflow_affinities: further sets, in order, for what this one has no room for.
    """

    affinity_name: str
    overflow_affinities: tuple[OverflowAffinity, ...] = ()


class ClusterToleration(Toleration, frozen=True, rename="camel"):
    """A toleration of clusters' taints.

    Attributes:
        toleration_seconds: how long a ``NoExecute`` taint is tolerated by what runs there; None for ever.
    """

    toleration_seconds: int | None = None


class SpreadConstraint(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Over how many groups of clusters a workload is spread.

    Attributes:
        spread_by_field: what makes a group; empty when `spread_by_label` does.
        spread_by_label: the key of the clusters' label that makes a group.
        min_groups: at least so many groups.
        max_groups: at most so many groups; 0 for no limit.
    """

    spread_by_field: SpreadField | Literal[""] = ""
    spread_by_label: str = ""
    min_groups: int = 1
    max_groups: int = 0


class StaticClusterWeight(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The weight of each cluster of a set, at least 1."""

    target_cluster: ClusterAffinity
    weight: int


class ClusterPreferences(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How clusters are weighted.

    Attributes:
        static_weight_list: a cluster counts with its largest weight; one that is in none of the sets gets nothing.
        dynamic_weight: ``AvailableReplicas`` weights clusters by their headroom, and the list does not count.
    """

    static_weight_list: tuple[StaticClusterWeight, ...] = ()
    dynamic_weight: Literal["", "AvailableReplicas"] = ""


class ReplicaScheduling(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """How many replicas each of the chosen clusters gets.

    Attributes:
        replica_scheduling_type: all of them everywhere, or each cluster a part.
        replica_division_preference: in parts by weight, or on as few clusters as possible.
        weight_preference: None weights all clusters the same.
    """

    replica_scheduling_type: Literal["Duplicated", "Divided"] = "Divided"
    replica_division_preference: Literal["Aggregated", "Weighted"] = "Weighted"
    weight_preference: ClusterPreferences | None = None


class Placement(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Where workloads go.

    Attributes:
        cluster_affinity: the candidates; None for all clusters, or where `cluster_affinities` says.
        cluster_affinities: sets of candidates in the order in which they are tried; not beside `cluster_affinity`.
        cluster_tolerations: the taints of clusters that do not keep workloads away.
        spread_constraints: over how many clusters, regions and so on; empty for all candidates.
        replica_scheduling: None duplicates.
    """

    cluster_affinity: ClusterAffinity | None = None
    cluster_affinities: tuple[ClusterAffinityTerm, ...] = ()
    cluster_tolerations: tuple[ClusterToleration, ...] = ()
    spread_constraints: tuple[SpreadConstraint, ...] = ()
    replica_scheduling: ReplicaScheduling | None = None

    @property
    def strategy(self) -> Strategy:
        """How replicas are assigned, by the names of Karmada's scheduler."""
        scheduling = self.replica_scheduling
        if scheduling is None or scheduling.replica_scheduling_type == "Duplicated":
            return "Duplicated"
        if scheduling.replica_division_preference == "Aggregated":
            return "Aggregated"
        preference = scheduling.weight_preference
        return "DynamicWeight" if preference is not None and preference.dynamic_weight else "StaticWeight"


class PropagationPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A PropagationPolicy, or a ClusterPropagationPolicy where the namespace is empty.

    Attributes:
        name, namespace: of the policy.
        resource_selectors: which workloads it is for; one that matches is enough.
        placement: where they go.
        priority: the policy with the highest comes first.
        preempts: whether it takes workloads over that a policy of lower priority has placed already.
        purge_mode: what becomes of the replicas on a cluster that fails. ``Gracefully``: they leave when those that
            replace them are ready, or after `GRACE_PERIOD`; ``Directly``: they leave at once.
        source: the file it was read from.
    """

    name: str
    namespace: str = ""
    resource_selectors: tuple[ResourceSelector, ...] = ()
    placement: Placement = Placement()
    priority: int = 0
    preempts: bool = False
    purge_mode: PurgeMode = "Gracefully"
    source: str = ""

    @property
    def key(self) -> str:
        """``namespace/name``, or the name alone of a cluster-wide policy."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def kind(self) -> str:
        """Its Kubernetes kind."""
        return "PropagationPolicy" if self.namespace else "ClusterPropagationPolicy"


class ImagePredicate(msgspec.Struct, frozen=True):
    """Which image is meant: the JSON pointer of the field, such as ``/spec/template/spec/containers/0/image``."""

    path: str


class ImageOverrider(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a part of an image's name, ``[registry/]repository[:tag|@digest]``.

    Attributes:
        component: the part.
        operator: ``add`` appends to the part, ``replace`` puts the value in its place, ``remove`` empties it.
        value: of ``add`` and ``replace``.
        predicate: the one image that is meant; None for those of all containers.
    """

    component: Literal["Registry", "Repository", "Tag"]
    operator: Operator
    value: str = ""
    predicate: ImagePredicate | None = None


class CommandArgsOverrider(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A change of a container's command or arguments: values are appended, or every one of them is left out."""

    container_name: str
    operator: Literal["add", "remove"]
    value: tuple[str, ...] = ()


class LabelAnnotationOverrider(msgspec.Struct, frozen=True, kw_only=True):
    """A change of labels or annotations; ``remove`` and ``replace`` leave keys alone that are not there."""

    operator: Operator
    value: dict[str, str] = {}


class PlaintextOverrider(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON patch operation (RFC 6902): ``path`` is a JSON pointer, ``value`` any JSON."""

    path: str
    operator: Operator
    value: Any = None


class PatchOperation(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A JSON patch operation inside a document that is the text of a field."""

    sub_path: str
    operator: Operator
    value: Any = None


class FieldOverrider(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Changes of a document that is the text of a field, such as a file in a ConfigMap; ``json`` or ``yaml``."""

    field_path: str
    json: tuple[PatchOperation, ...] = ()
    yaml: tuple[PatchOperation, ...] = ()


class Overriders(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Changes of an object, applied in this order."""

    image_overrider: tuple[ImageOverrider, ...] = ()
    command_overrider: tuple[CommandArgsOverrider, ...] = ()
    args_overrider: tuple[CommandArgsOverrider, ...] = ()
    labels_overrider: tuple[LabelAnnotationOverrider, ...] = ()
    annotations_overrider: tuple[LabelAnnotationOverrider, ...] = ()
    field_overrider: tuple[FieldOverrider, ...] = ()
    plaintext: tuple[PlaintextOverrider, ...] = ()


class OverrideRule(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Changes of an object on some clusters; None for all clusters."""

    target_cluster: ClusterAffinity | None = None
    overriders: Overriders = Overriders()


class OverridePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """An OverridePolicy, or a ClusterOverridePolicy where the namespace is empty.

    Attributes:
        name, namespace: of the policy.
        resource_selectors: which objects it is for; empty for all (of its namespace).
        rules: in order; each applies to what those before it made.
        source: the file it was read from.
    """

    name: str
    namespace: str = ""
    resource_selectors: tuple[ResourceSelector, ...] = ()
    rules: tuple[OverrideRule, ...] = ()
    source: str = ""

    @property
    def key(self) -> str:
        """``namespace/name``, or the name alone of a cluster-wide policy."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name

    @property
    def kind(self) -> str:
        """Its Kubernetes kind."""
        return "OverridePolicy" if self.namespace else "ClusterOverridePolicy"


class Eviction(msgspec.Struct, frozen=True, kw_only=True):
    """Replicas that are leaving a cluster gracefully: it is no candidate until they have left."""

    from_cluster: str
    replicas: int = 0
    reason: str = ""


class Binding(msgspec.Struct, frozen=True, kw_only=True):
    """A ResourceBinding or ClusterResourceBinding: where Karmada has placed an object.

    Attributes:
        api_version, kind, namespace, name: of the object.
        clusters: replicas by cluster.
        policy: the key of the policy that placed it; empty when it is not said.
        affinity: the name of the cluster affinity it was placed by; empty when it is not said.
        evictions: clusters that it is leaving.
        reschedule: whether a rebalance was asked for that has not been done yet.
        source: the file it was read from.
    """

    api_version: str
    kind: str
    namespace: str = ""
    name: str
    clusters: dict[str, int] = {}
    policy: str = ""
    affinity: str = ""
    evictions: tuple[Eviction, ...] = ()
    reschedule: bool = False
    source: str = ""


def _holds(requirement: NodeSelectorRequirement, cluster: Cluster) -> bool:
    """One requirement of a field selector on a cluster."""
    if requirement.key == "zone":
        listed = not set(requirement.values).isdisjoint(cluster.zones)
        return listed == (requirement.operator == "In")
    found = {"provider": cluster.provider, "region": cluster.region}.get(requirement.key, "")
    return requirement.matches({requirement.key: found} if found else {})
