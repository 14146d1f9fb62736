"""What is there already: the objects, the pods by their owner, and the names that are taken."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import count
from typing import Final, TypeVar

from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.readers.workloads.fields import Deployment, Metadata, ReplicaSet, Template, Workload
from yuheng.readers.workloads.rollouts import Rollouts, refers_to
from yuheng.readers.workloads.template import MakePod

__all__ = ["LONGEST_PREFIX", "Scene", "living", "random_part", "template_hash"]

W = TypeVar("W", bound=Workload)
# Kubernetes' alphabet for random names: no vowels, no look-alikes, hence no words and no misreadings.
ALPHABET: Final = "bcdfghjklmnpqrstvwxz2456789"
RANDOM_LENGTH: Final = 5
LONGEST_PREFIX: Final = 63 - RANDOM_LENGTH


class Scene:
    """Everything the controllers look at.

    Args:
        workloads: the objects of the input.
        pods: the pods that exist and are not finished.
        nodes: the nodes of the cluster.
        make_pod: from a complete v1 Pod to a pod of the model.
    """

    def __init__(
        self, workloads: Sequence[Workload], pods: Iterable[Pod], nodes: Sequence[Node], make_pod: MakePod
    ) -> None:
        self.nodes = nodes
        self.make_pod = make_pod
        self._workloads = workloads
        self._names: set[tuple[str, str]] = set()
        self._children: defaultdict[tuple[str, str], list[Workload]] = defaultdict(list)
        self._by_uid: defaultdict[str, list[Pod]] = defaultdict(list)
        self._by_name: defaultdict[tuple[str, str, str], list[Pod]] = defaultdict(list)
        self._by_grandparent: defaultdict[tuple[str, str, str], list[Pod]] = defaultdict(list)
        for workload in workloads:
            if owner := workload.metadata.controller():
                self._children[owner.kind, owner.name].append(workload)
        for pod in pods:
            self._note(pod)

    @cached_property
    def rollouts(self) -> Rollouts:
        """Which ReplicaSets stand for which Deployment."""
        return Rollouts(self.all_of(Deployment), self.all_of(ReplicaSet))

    def _note(self, pod: Pod) -> None:
        self._names.add((pod.namespace, pod.name))
        owner = pod.owner
        if owner is None:
            return
        self._by_name[pod.namespace, owner.kind, owner.name].append(pod)
        # What Deployments and CronJobs create is named after them, with a dash and one word without a dash.
        self._by_grandparent[pod.namespace, owner.kind, owner.name.rpartition("-")[0]].append(pod)
        if owner.uid:
            self._by_uid[owner.uid].append(pod)

    def all_of(self, kind: type[W]) -> list[W]:
        """The objects of one kind, in the order of the input."""
        return [workload for workload in self._workloads if isinstance(workload, kind)]

    def controlled_by(self, workload: Workload) -> list[Workload]:
        """The objects that an object controls: the Jobs of a CronJob, the ReplicaSets of a Deployment."""
        metadata = workload.metadata
        return [
            child
            for child in self._children[workload.kind, metadata.name]
            if child.metadata.namespace == metadata.namespace and refers_to(child.metadata.controller(), workload)
        ]

    def pods_below(self, namespace: str, kind: str, name: str) -> Sequence[Pod]:
        """The pods of all objects of a kind that are named ``<name>-<one word>``, in the input or not."""
        return self._by_grandparent[namespace, kind, name]

    def owned_by(self, workload: Workload) -> list[Pod]:
        """The pods that an object controls: by uid, or by kind and name where a uid is not known."""
        metadata = workload.metadata
        named = self._by_name[metadata.namespace, workload.kind, metadata.name]
        if not metadata.uid:
            return list(named)
        vague = [pod for pod in named if pod.owner and not pod.owner.uid]
        return self._by_uid[metadata.uid] + vague

    def is_taken(self, namespace: str, name: str) -> bool:
        """Whether a pod of this name exists or has been named already."""
        return (namespace, name) in self._names

    def generated_name(self, metadata: Metadata, prefix: str, index: int | str) -> str:
        """A free name for a pod: the prefix, and five characters that the workload and the index decide.

        Args:
            metadata: of the workload.
            prefix: what the name begins with, its last dash included; cut where the name would be too long.
            index: what tells the pod from the others of its workload.
        """
        kept = prefix[:LONGEST_PREFIX]
        for attempt in count():
            seed = f"{metadata.namespace}/{prefix}/{metadata.uid}/{index}/{attempt}"
            name = kept + random_part(seed)
            if not self.is_taken(metadata.namespace, name):
                break
        self._names.add((metadata.namespace, name))
        return name


def living(pods: Iterable[Pod]) -> list[Pod]:
    """The pods that are not being deleted: those a controller counts."""
    return [pod for pod in pods if not pod.terminating]


def random_part(seed: str) -> str:
    """Five characters of Kubernetes' alphabet for generated names, always the same for the same seed."""
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8])
    letters = []
    for _ in range(RANDOM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[digit])
    return "".join(letters)


def template_hash(template: Template) -> str:
    """A hash of a template in the form of ``pod-template-hash``.

    The value is not the one that a controller computes, which hashes Go's memory layout of the template.
    """
    content: Mapping[str, object] = {
        "labels": template.metadata.labels,
        "annotations": template.metadata.annotations,
        "spec": template.spec,
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).digest()
    return "".join(ALPHABET[ord(digit) % len(ALPHABET)] for digit in str(int.from_bytes(digest[:4])))
