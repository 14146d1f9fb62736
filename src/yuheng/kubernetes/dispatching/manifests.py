"""From an object as it is written to what one cluster is given of it.

Overrides first; then the share, since how many there are is decided by placement and not by a cluster; then what it is
known by. What only a server writes is left out: a folder may hold what ``kubectl get -o yaml`` gave, and a foreign uid
or owner would have the object refused, or collected as garbage. So is the time after which a Job that is done takes
itself away, as Karmada leaves it out: a Job that is gone would be run again by the next dispatch.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec

from yuheng.kubernetes.dispatching.decision import ANNOTATION, Decision
from yuheng.kubernetes.dispatching.owned import FLEET, MANAGED_BY, MANAGER
from yuheng.kubernetes.dispatching.runs import print_of
from yuheng.kubernetes.dispatching.scaled import PAUSED
from yuheng.placement.propagation.apportion import webster
from yuheng.readers.decoding import without_nulls
from yuheng.readers.karmada import overridden

if TYPE_CHECKING:
    from yuheng.model.fleet import Cluster
    from yuheng.model.propagation import OverridePolicy
    from yuheng.readers.sources.documents import Item

__all__ = ["made_for", "paused", "stamped", "with_share"]

Manifest = dict[str, Any]
_OF_SERVERS: Final = (
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "ownerReferences",
    "resourceVersion",
    "selfLink",
    "uid",
)
_PASSING: Final = ("kubectl.kubernetes.io/last-applied-configuration", "deployment.kubernetes.io/revision")
_LIFE: Final = "ttlSecondsAfterFinished"
_REPLICATED: Final = frozenset(("Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"))


def made_for(item: Item, api_version: str, overrides: Sequence[OverridePolicy], cluster: Cluster) -> Manifest:
    """An object as it is written, and as override policies make it for a cluster.

    Args:
        item: the object.
        api_version: where it does not say its own.
        overrides: all of them.
        cluster: where it goes.

    Raises:
        InputError: an override cannot be applied to it.
    """
    manifest: Manifest = without_nulls(msgspec.json.decode(item.text))
    manifest["apiVersion"] = manifest.get("apiVersion") or api_version
    manifest["kind"] = manifest.get("kind") or item.kind
    manifest = overridden(manifest, overrides, cluster) or manifest
    manifest.pop("status", None)
    if print_of(manifest) and isinstance(manifest.get("spec"), dict):
        manifest["spec"] = {key: value for key, value in manifest["spec"].items() if key != _LIFE}
    metadata = manifest.setdefault("metadata", {})
    for name in _OF_SERVERS:
        metadata.pop(name, None)
    return manifest


def with_share(manifest: Manifest, share: str, replicas: Mapping[str, int], wanted: int) -> Manifest:
    """A workload with the replicas of one cluster.

    A Job's completions are divided as its replicas are, unless each cluster has all of it.

    Args:
        manifest: the workload.
        share: which cluster.
        replicas: by cluster, of all clusters.
        wanted: how many it asks for.
    """
    changed = copy.deepcopy(manifest)
    spec = changed.setdefault("spec", {})
    is_divided = len(replicas) > 1 and sum(replicas.values()) <= wanted
    if changed["kind"] in _REPLICATED:
        spec["replicas"] = replicas[share]
    elif changed["kind"] == "Job" and changed["apiVersion"].startswith("batch/") and is_divided:
        spec["parallelism"] = replicas[share]
        completions = spec.get("completions")
        if isinstance(completions, int) and completions > 0:
            spec["completions"] = webster(replicas, completions)[share]
    return changed


def paused(manifest: Manifest, *, is_scaled: bool = False) -> Manifest:
    """A workload with no replicas; one that says so in other words (a Job's ``suspend``) is as it is written.

    Args:
        manifest: the workload.
        is_scaled: whether it is marked as paused: an autoscaler sets its replicas otherwise.
    """
    if manifest["kind"] not in _REPLICATED:
        return manifest
    metadata = dict(manifest.get("metadata") or {})
    if is_scaled:
        metadata["annotations"] = {**(metadata.get("annotations") or {}), PAUSED: "true"}
    return {**manifest, "metadata": metadata, "spec": {**(manifest.get("spec") or {}), "replicas": 0}}


def stamped(manifest: Manifest, fleet: str, decision: Decision | None) -> Manifest:
    """An object with what a fleet's own is known by.

    Args:
        manifest: the object.
        fleet: the name of the fleet.
        decision: on the workload that it is; None for what is none.
    """
    metadata = dict(manifest.get("metadata") or {})
    metadata["labels"] = {**(metadata.get("labels") or {}), MANAGED_BY: MANAGER}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key not in _PASSING}
    annotations[FLEET] = fleet
    annotations.pop(ANNOTATION, None)
    if decision is not None:
        annotations[ANNOTATION] = msgspec.json.encode(decision).decode()
    metadata["annotations"] = annotations
    return {**manifest, "metadata": metadata}
