"""The keys that Karmada's objects may have, and those of an object that are none of them.

A key that Karmada does not define is dropped by its API server without a word, and what was meant does not happen: a
policy that says ``spreadConstraint`` spreads nothing. The keys are those of ``policy.karmada.io/v1alpha1``,
``cluster.karmada.io/v1alpha1``, ``work.karmada.io/v1alpha1`` and ``v1alpha2`` and ``apps.karmada.io/v1alpha1`` as of
August 2026, whether they are used or not; what is below ``metadata`` and ``status`` is free.
"""

# ruff: noqa: ANN401 -- manifests are plain data of any shape

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from yuheng.readers.decoding import joined

__all__ = ["Stray", "stray_keys"]

# What a map may have, by name; None for anything. A list has what its items may have.
Keys = Mapping[str, Any]


def _keys(*plain: str, **deeper: Keys) -> Keys:
    """Keys with anything below them, and such with keys of their own."""
    return {**dict.fromkeys(plain), **deeper}


_EXPRESSION: Final = _keys("key", "operator", "values")
_LABELS: Final = _keys("matchLabels", matchExpressions=_EXPRESSION)
_AFFINITY: Final = _keys(
    "clusterNames", "exclude", labelSelector=_LABELS, fieldSelector=_keys(matchExpressions=_EXPRESSION)
)
_TERM: Final = {**_AFFINITY, "affinityName": None}
_PLACEMENT: Final = _keys(
    clusterAffinity=_AFFINITY,
    clusterAffinities={**_TERM, "overflowAffinities": _TERM},
    clusterTolerations=_keys("effect", "key", "operator", "tolerationSeconds", "value"),
    spreadConstraints=_keys("maxGroups", "minGroups", "spreadByField", "spreadByLabel"),
    replicaScheduling=_keys(
        "replicaDivisionPreference",
        "replicaSchedulingType",
        weightPreference=_keys("dynamicWeight", staticWeightList=_keys("weight", targetCluster=_AFFINITY)),
    ),
    workloadAffinity=_keys(affinity=_keys("groupByLabelKey"), antiAffinity=_keys("groupByLabelKey")),
)
_SELECTOR: Final = _keys("apiVersion", "kind", "name", "namespace", labelSelector=_LABELS)
_PRESERVATION: Final = _keys(rules=_keys("aliasLabelName", "jsonPath"))
_FAILOVER: Final = _keys(
    application=_keys(
        "gracePeriodSeconds",
        "purgeMode",
        decisionConditions=_keys("tolerationSeconds"),
        statePreservation=_PRESERVATION,
    ),
    cluster=_keys("purgeMode", statePreservation=_PRESERVATION),
)
_DISPATCHING: Final = _keys("dispatching", dispatchingOnClusters=_keys("clusterNames"))
_PROPAGATION: Final = _keys(
    "activationPreference",
    "association",
    "conflictResolution",
    "dependentOverrides",
    "preemption",
    "preserveResourcesOnDeletion",
    "priority",
    "propagateDeps",
    "schedulerName",
    failover=_FAILOVER,
    placement=_PLACEMENT,
    resourceSelectors=_SELECTOR,
    schedulePriority=_keys("priorityClassName", "priorityClassSource"),
    suspension=_DISPATCHING,
)
_CHANGE: Final = _keys("operator", "value")
_OPERATION: Final = _keys("operator", "subPath", "value")
_OVERRIDERS: Final = _keys(
    annotationsOverrider=_CHANGE,
    argsOverrider=_keys("containerName", "operator", "value"),
    commandOverrider=_keys("containerName", "operator", "value"),
    fieldOverrider=_keys("fieldPath", json=_OPERATION, yaml=_OPERATION),
    imageOverrider=_keys("component", "operator", "value", predicate=_keys("path")),
    labelsOverrider=_CHANGE,
    plaintext=_keys("operator", "path", "value"),
)
_RULE: Final = _keys(overriders=_OVERRIDERS, targetCluster=_AFFINITY)
_OVERRIDE: Final = {**_RULE, "overrideRules": _RULE, "resourceSelectors": _SELECTOR}
_TARGET: Final = _keys("name", "replicas", components=_keys("name", "replicas"))
_BINDING: Final = _keys(
    "components",
    "conflictResolution",
    "preserveResourcesOnDeletion",
    "propagateDeps",
    "replicaRequirements",
    "replicas",
    "rescheduleTriggeredAt",
    "schedulePriority",
    "schedulerName",
    "workloadAffinityGroups",
    clusters=_TARGET,
    failover=_FAILOVER,
    gracefulEvictionTasks=_keys(
        "clustersBeforeFailover",
        "creationTimestamp",
        "fromCluster",
        "gracePeriodSeconds",
        "message",
        "preservedLabelState",
        "producer",
        "purgeMode",
        "reason",
        "replicas",
        "suppressDeletion",
    ),
    placement=_PLACEMENT,
    requiredBy=_keys("name", "namespace", clusters=_TARGET),
    resource=_keys(
        "apiVersion", "kind", "name", "namespace", "replicas", "resourcePerReplicas", "resourceVersion", "uid"
    ),
    suspension={**_DISPATCHING, "scheduling": None},
)
_CLUSTER: Final = _keys(
    "apiEndpoint",
    "id",
    "impersonatorSecretRef",
    "insecureSkipTLSVerification",
    "provider",
    "proxyHeader",
    "proxyURL",
    "region",
    "resourceModels",
    "secretRef",
    "syncMode",
    "zone",
    "zones",
    taints=_keys("effect", "key", "timeAdded", "value"),
)
SPECS: Final[Mapping[str, Keys]] = {
    "Cluster": _CLUSTER,
    "ClusterOverridePolicy": _OVERRIDE,
    "ClusterPropagationPolicy": _PROPAGATION,
    "ClusterResourceBinding": _BINDING,
    "OverridePolicy": _OVERRIDE,
    "PropagationPolicy": _PROPAGATION,
    "ResourceBinding": _BINDING,
    "WorkloadRebalancer": _keys("ttlSecondsAfterFinished", workloads=_keys("apiVersion", "kind", "name", "namespace")),
}


class Stray(NamedTuple):
    """A key that Karmada does not define: its path, and the one that is likely meant; empty where none is."""

    path: str
    meant: str


def stray_keys(kind: str, document: Any) -> Iterator[Stray]:
    """The keys of an object that Karmada does not define, in the order of the object.

    Args:
        kind: of the object, such as ``PropagationPolicy``.
        document: the object, decoded.
    """
    whole = _keys("apiVersion", "kind", "metadata", "status", spec=SPECS[kind])
    for above, key, known in _unknown(document, whole, ""):
        near = get_close_matches(key, known, 1)
        yield Stray(joined(above, key), joined(above, near[0]) if near else _elsewhere(key, whole, ""))


def _unknown(value: Any, known: Keys | None, path: str) -> Iterator[tuple[str, str, Keys]]:
    """Each unknown key: the path of the map it is in, the key, and what could have been in its place."""
    if known is None:
        return
    if isinstance(value, list):
        for number, item in enumerate(value):
            if not isinstance(item, list):
                yield from _unknown(item, known, f"{path}[{number}]")
    elif isinstance(value, dict):
        for key, below in value.items():
            if key in known:
                yield from _unknown(below, known[key], joined(path, key))
            else:
                yield path, key, known


def _elsewhere(name: str, known: Keys, path: str) -> str:
    """Where a key of this name belongs, the place closest to the top; empty where nowhere."""
    if name in known:
        return joined(path, name)
    deeper = (_elsewhere(name, below, joined(path, key)) for key, below in known.items() if below is not None)
    return min(filter(None, deeper), key=lambda place: (place.count("."), place), default="")
