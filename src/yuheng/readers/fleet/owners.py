"""Which workload a pod belongs to: by its job, its controller, or the name of its Deployment's ReplicaSet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from yuheng.model.pod import Pod

__all__ = ["VOLCANO_JOB", "Identity", "Owners"]

Identity = tuple[str, str]
VOLCANO_JOB: Final = "Job.batch.volcano.sh"
GANGS: Final = (VOLCANO_JOB, "PodGroup")


class Owners:
    """Finds the workload of a pod.

    Args:
        workloads: kind and key (``namespace/name``) of every workload; a kind is that of Kubernetes, a gang's is
            ``Job.batch.volcano.sh`` or ``PodGroup``.
    """

    def __init__(self, workloads: Iterable[Identity]) -> None:
        self._known = set(workloads)
        # There are far fewer owners than pods.
        self._by_owner: dict[tuple[str, str, str], Identity | None] = {}
        self._gangs = {key: (kind, key) for kind, key in self._known if kind in GANGS}

    def of(self, pod: Pod) -> Identity | None:
        """The workload of a pod; None when it is none of those that are known."""
        if pod.job and pod.job in self._gangs:
            return self._gangs[pod.job]
        owner = pod.owner
        if owner is None:
            return self._own(pod)
        place = (pod.namespace, owner.kind, owner.name)
        if place not in self._by_owner:
            self._by_owner[place] = next(filter(self._known.__contains__, _candidates(*place)), None)
        return self._by_owner[place] or self._own(pod)

    def _own(self, pod: Pod) -> Identity | None:
        """The pod itself, where it is a workload."""
        own = ("Pod", f"{pod.namespace}/{pod.name}")
        return own if own in self._known else None


def _candidates(namespace: str, kind: str, name: str) -> Iterator[Identity]:
    """What the pods of an owner may belong to, the most likely first."""
    yield kind, f"{namespace}/{name}"
    if kind == "Job":
        yield VOLCANO_JOB, f"{namespace}/{name}"
    elif kind == "ReplicaSet":
        # A Deployment names its ReplicaSets after itself, with a dash and one word.
        yield "Deployment", f"{namespace}/{name.rpartition('-')[0]}"
