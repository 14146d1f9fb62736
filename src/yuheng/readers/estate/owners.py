"""Whose a pod is: the controller that people know, not the one in between.

A ReplicaSet is a Deployment's, a Job may be a CronJob's. Where those objects are not in the input, their names tell:
a Deployment names its ReplicaSets after itself with the hash of the template, which is also a label of the pods; a
CronJob names its Jobs after itself with the minutes since the epoch.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from yuheng.model.estate import Owner

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yuheng.model.pod import Pod

__all__ = ["Ownership"]

# The label that a controller of ReplicaSets puts on their pods, and the controller.
HASHES: Final = (("pod-template-hash", "Deployment"), ("rollouts-pod-template-hash", "Rollout"))
# Minutes since the epoch have had eight digits since 1989.
_SCHEDULED: Final = re.compile(r".+-\d{8,10}")


class Ownership:
    """Finds the owners of pods.

    Args:
        above: the controller of an object, by its kind, namespace and name; None of one that has none.
    """

    def __init__(self, above: Mapping[tuple[str, str, str], Owner | None]) -> None:
        self._above = above

    def of(self, pod: Pod) -> Owner:
        """The owner of a pod; an empty one for a pod of nobody's."""
        owner = pod.owner
        if owner is None:
            return Owner()
        known = (owner.kind, pod.namespace, owner.name)
        if known in self._above:
            return self._above[known] or Owner(owner.kind, owner.name)
        if owner.kind == "ReplicaSet":
            return _by_hash(owner.name, pod.labels)
        if owner.kind == "Job":
            return self._of_job(pod.namespace, owner.name)
        return Owner(owner.kind, owner.name)

    def _of_job(self, namespace: str, name: str) -> Owner:
        """The owner of a Job that is not in the input."""
        stem = name.rpartition("-")[0]
        if _SCHEDULED.fullmatch(name) or ("CronJob", namespace, stem) in self._above:
            return Owner("CronJob", stem)
        return Owner("Job", name)


def _by_hash(name: str, labels: Mapping[str, str]) -> Owner:
    """The owner of a ReplicaSet by its name, which ends with the hash of its template."""
    for label, kind in reversed(HASHES):
        end = f"-{labels[label]}" if labels.get(label) else ""
        if end and name.endswith(end) and name != end:
            return Owner(kind, name.removesuffix(end))
    return Owner("ReplicaSet", name)
