"""Deployments, ReplicaSets and StatefulSets: so many pods that are all alike.

Where the ReplicaSets of a Deployment are in the input they stand for it; where only the Deployment is (a
manifest, or a dump without ReplicaSets), its pods are told by its selector and the name of their ReplicaSet.
"""

from __future__ import annotations

from typing import Final

from yuheng.model.pod import OwnerReference, Pod
from yuheng.readers.workloads.fields import Deployment, ReplicaSet, StatefulSet
from yuheng.readers.workloads.scene import Scene, living, template_hash
from yuheng.readers.workloads.template import REVISION_HASH, Press, owner_reference

__all__ = ["deployment_pods", "replica_set_pods", "stateful_set_pods"]

TEMPLATE_HASH: Final = "pod-template-hash"


def deployment_pods(deployment: Deployment, scene: Scene) -> list[Pod]:
    """The pods a Deployment lacks; none when ReplicaSets of the input stand for it."""
    if scene.rollouts.replica_sets_of(deployment):
        return []
    existing = _pods_of_unseen_replica_sets(deployment, scene)
    numbers = range(len(existing), deployment.spec.replicas)
    if not numbers:
        return []
    owner = _replica_set_to_join(deployment, existing)
    press = Press(
        deployment,
        "spec.template",
        deployment.spec.template,
        owner=owner_reference("ReplicaSet", owner.name, owner.uid),
        labels={TEMPLATE_HASH: owner.name.rpartition("-")[2]},
        make_pod=scene.make_pod,
    )
    return [press.pod(scene.generated_name(deployment.metadata, f"{owner.name}-", number)) for number in numbers]


def replica_set_pods(replica_set: ReplicaSet, scene: Scene) -> list[Pod]:
    """The pods a ReplicaSet lacks."""
    existing = living(scene.owned_by(replica_set))
    numbers = range(len(existing), scene.rollouts.wanted(replica_set))
    if not numbers:
        return []
    metadata = replica_set.metadata
    press = Press(
        replica_set,
        "spec.template",
        replica_set.spec.template,
        owner=owner_reference("ReplicaSet", metadata.name, metadata.uid),
        labels={},
        make_pod=scene.make_pod,
    )
    return [press.pod(scene.generated_name(metadata, f"{metadata.name}-", number)) for number in numbers]


def stateful_set_pods(stateful_set: StatefulSet, scene: Scene) -> list[Pod]:
    """The pods a StatefulSet lacks: one for every ordinal whose name is free.

    A pod that is being deleted keeps its ordinal: the controller waits for the name.
    """
    metadata, spec = stateful_set.metadata, stateful_set.spec
    ordinals = range(spec.ordinals.start, spec.ordinals.start + spec.replicas)
    named = {ordinal: f"{metadata.name}-{ordinal}" for ordinal in ordinals}
    missing = {ordinal: name for ordinal, name in named.items() if not scene.is_taken(metadata.namespace, name)}
    if not missing:
        return []
    revision = stateful_set.status.update_revision or f"{metadata.name}-{template_hash(spec.template)}"
    press = Press(
        stateful_set,
        "spec.template",
        spec.template,
        owner=owner_reference("StatefulSet", metadata.name, metadata.uid),
        labels={REVISION_HASH: revision},
        make_pod=scene.make_pod,
    )
    return [_stateful_pod(stateful_set, press, ordinal, name) for ordinal, name in missing.items()]


def _stateful_pod(stateful_set: StatefulSet, press: Press, ordinal: int, name: str) -> Pod:
    labels = {"statefulset.kubernetes.io/pod-name": name, "apps.kubernetes.io/pod-index": str(ordinal)}
    volumes = [claim.metadata.name for claim in stateful_set.spec.volume_claim_templates]
    if not volumes:
        return press.pod(name, labels)
    return press.pod_with_claims(name, labels, {volume: f"{volume}-{name}" for volume in volumes})


def _pods_of_unseen_replica_sets(deployment: Deployment, scene: Scene) -> list[Pod]:
    """The living pods of a Deployment whose ReplicaSets are not in the input."""
    metadata = deployment.metadata
    pods = living(scene.pods_below(metadata.namespace, "ReplicaSet", metadata.name))
    return [pod for pod in pods if deployment.spec.selects(pod.labels)]


def _replica_set_to_join(deployment: Deployment, existing: list[Pod]) -> OwnerReference:
    """The ReplicaSet of the youngest pod, or the one that the controller would create for the first."""
    first = OwnerReference("ReplicaSet", f"{deployment.metadata.name}-{template_hash(deployment.spec.template)}")
    if not existing:
        return first
    youngest = max(existing, key=lambda pod: (pod.created, pod.name))
    return youngest.owner or first
