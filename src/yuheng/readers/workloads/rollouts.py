"""Which ReplicaSets stand for which Deployment, and how many pods each of them is to have.

A Deployment acts through its ReplicaSets. In a rollout several are active, and how far it has come is written
in them alone; otherwise the Deployment's own count holds, also where it was changed just now to ask what if.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Final

from yuheng.model.pod import OwnerReference
from yuheng.readers.workloads.fields import Deployment, ReplicaSet, Workload

__all__ = ["Rollouts", "refers_to"]

REVISION: Final = "deployment.kubernetes.io/revision"
Key = tuple[str, str]


class Rollouts:
    """The ReplicaSets of every Deployment.

    Args:
        deployments: all Deployments of the input.
        replica_sets: all ReplicaSets of the input.
    """

    def __init__(self, deployments: Iterable[Deployment], replica_sets: Iterable[ReplicaSet]) -> None:
        self._deployments: dict[Key, Deployment] = {}
        self._by_namespace: defaultdict[str, list[Deployment]] = defaultdict(list)
        self._replica_sets: defaultdict[Key, list[ReplicaSet]] = defaultdict(list)
        for deployment in deployments:
            self._deployments[_key(deployment)] = deployment
            self._by_namespace[deployment.metadata.namespace].append(deployment)
        for replica_set in replica_sets:
            parent = self._deployment_of(replica_set)
            if parent is not None:
                self._replica_sets[_key(parent)].append(replica_set)

    def replica_sets_of(self, deployment: Deployment) -> list[ReplicaSet]:
        """The ReplicaSets that stand for a Deployment."""
        return self._replica_sets[_key(deployment)]

    def wanted(self, replica_set: ReplicaSet) -> int:
        """How many pods a ReplicaSet is to have."""
        deployment = self._deployment_of(replica_set)
        if deployment is None or deployment.metadata.deletion_timestamp is not None:
            return replica_set.spec.replicas
        siblings = self.replica_sets_of(deployment)
        active = [sibling for sibling in siblings if sibling.spec.replicas > 0]
        if len(active) > 1 or replica_set is not max(active or siblings, key=_age):
            return replica_set.spec.replicas
        return deployment.spec.replicas

    def _deployment_of(self, replica_set: ReplicaSet) -> Deployment | None:
        """The Deployment that controls a ReplicaSet; one that nobody controls is adopted by its labels."""
        metadata = replica_set.metadata
        owner = metadata.controller()
        if owner is None:
            candidates = self._by_namespace[metadata.namespace]
            return next((one for one in candidates if one.spec.selects(metadata.labels)), None)
        named = self._deployments.get((metadata.namespace, owner.name))
        return named if named and refers_to(owner, named) else None


def refers_to(owner: OwnerReference | None, workload: Workload) -> bool:
    """Whether an owner reference means this object: by uid, or by kind and name where a uid is not known."""
    if owner is None:
        return False
    uid = workload.metadata.uid
    if uid and owner.uid:
        return uid == owner.uid
    return (owner.kind, owner.name) == (workload.kind, workload.metadata.name)


def _key(workload: Workload) -> Key:
    return workload.metadata.namespace, workload.metadata.name


def _age(replica_set: ReplicaSet) -> tuple[int, str, str]:
    """Younger ReplicaSets sort last: by the Deployment's revision, then by creation time and name."""
    metadata = replica_set.metadata
    revision = metadata.annotations.get(REVISION, "")
    return int(revision) if revision.isdecimal() else 0, metadata.created(), metadata.name
