"""Pods that run or wait, with their containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from yuheng.model.estate import Container, Owner, PodEstate, WorkloadEstate
from yuheng.readers.batch.members import QUEUE_LABEL
from yuheng.readers.estate.owners import Ownership
from yuheng.readers.estate.parts import Parts, held_by
from yuheng.readers.estate.wire import PodObject
from yuheng.readers.estate.workloads import VOLCANO_JOB, told
from yuheng.readers.refusing import Refuse, readable, strictly
from yuheng.readers.sharing import Shared
from yuheng.readers.wire import Annotations

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from yuheng.model.cluster import Snapshot
    from yuheng.model.pod import Pod
    from yuheng.readers.estate.containers import ContainerReader
    from yuheng.readers.sources.documents import Item

__all__ = ["Pods", "pods_of"]

Text = bytes | msgspec.Raw
# What the container of a pod is called of which only the sum is known (a row of a trace).
WHOLE_POD: Final = "pod"


class _PodReader:
    """Makes pods of the model of what `Snapshot` has of them already, and their objects."""

    def __init__(self, snapshot: Snapshot, containers: ContainerReader, owners: Ownership) -> None:
        self._pods = {pod.key: pod for pod in snapshot.pods}
        self._device_memory = {node.name: node.devices.memory for node in snapshot.nodes if node.devices.memory}
        self._queues = {f"{job.namespace}/{job.name}": job.queue for job in snapshot.jobs}
        self._containers = containers
        self._owners = owners
        self._decoder = msgspec.json.Decoder(PodObject)
        self._words = Shared[Annotations](Annotations, Annotations(), "metadata.annotations")
        self._annotations = Shared[dict[str, str]](dict[str, str], {}, "metadata.annotations", told)

    def read(self, text: Text) -> PodEstate | None:
        """The pod of this JSON text; None for one that is not in the snapshot: it is finished."""
        source = self._decoder.decode(text)
        pod = self._pods.get(f"{source.metadata.namespace or 'default'}/{source.metadata.name}")
        if pod is None:
            return None
        status = source.status
        states = (*(status.container_statuses or ()), *(status.init_container_statuses or ())) if status else ()
        written = bytes(source.metadata.annotations)
        memory = self._device_memory.get(pod.node or "", 0)
        parts = self._containers.read(source.spec, self._words.get(written), states, memory, pod.spec)
        return self.made(pod, parts, self._annotations.get(written))

    def made(self, pod: Pod, parts: Parts, annotations: Mapping[str, str]) -> PodEstate:
        """A pod of the snapshot with what asks for something in it."""
        return PodEstate(
            namespace=pod.namespace,
            name=pod.name,
            node=pod.node or "",
            owner=self._owners.of(pod),
            labels=pod.labels,
            annotations=annotations,
            queue=self._queue(pod, annotations),
            containers=parts.containers,
            least=parts.least,
            overhead=parts.overhead,
            claims=pod.spec.claims,
            started=pod.started,
        )

    def _queue(self, pod: Pod, annotations: Mapping[str, str]) -> str:
        """The queue of a pod's job, or that it names itself."""
        return (
            self._queues.get(pod.job, "")
            or pod.queue
            or annotations.get("scheduling.volcano.sh/queue-name", "")
            or annotations.get("volcano.sh/queue-name", "")
            or pod.labels.get(QUEUE_LABEL, "")
        )


class Pods(NamedTuple):
    """The pods of a snapshot.

    Attributes:
        by_key: by ``namespace/name``, in the order of the snapshot.
        bare: those that no controller made, as workloads.
    """

    by_key: dict[str, PodEstate]
    bare: list[WorkloadEstate]


def pods_of(
    items: Iterable[Item],
    snapshot: Snapshot,
    workloads: Sequence[WorkloadEstate],
    containers: ContainerReader,
    owners: Ownership,
    refuse: Refuse = strictly,
) -> Pods:
    """The pods of a snapshot.

    Args:
        items: their objects.
        snapshot: which of them run or wait, also those that workloads have not created yet.
        workloads: as they are written.
        containers: makes their containers.
        owners: finds their owners.
        refuse: is told of pods that are not what Kubernetes defines.
    """
    reader = _PodReader(snapshot, containers, owners)
    found: dict[str, PodEstate] = {}
    bare: dict[str, WorkloadEstate] = {}
    for item, one in readable(items, reader.read, refuse):
        key = f"{one.namespace}/{one.name}" if one is not None else ""
        if one is not None and key not in found:
            found[key] = one
            if not one.owner.kind:
                bare[key] = _as_workload(one, item.source)
    templates = {(one.kind, one.namespace, one.name): one for one in workloads}
    for pod in snapshot.pods:
        if pod.key not in found:
            template = _template(pod, owners.of(pod), templates)
            parts = _parts_of(template) if template else Parts((_sum_of(pod),))
            found[pod.key] = reader.made(pod, parts, template.annotations if template else {})
    return Pods({pod.key: found[pod.key] for pod in snapshot.pods}, list(bare.values()))


def _as_workload(pod: PodEstate, source: str) -> WorkloadEstate:
    """A pod of nobody's, as a workload of its own."""
    return WorkloadEstate(
        kind="Pod",
        namespace=pod.namespace,
        name=pod.name,
        labels=pod.labels,
        annotations=pod.annotations,
        containers=pod.containers,
        least=pod.least,
        overhead=pod.overhead,
        uses=pod.claims,
        source=source,
    )


def _template(
    pod: Pod, owner: Owner, templates: Mapping[tuple[str, str, str], WorkloadEstate]
) -> WorkloadEstate | None:
    """The workload that a pod is of which there is no object yet; None for a row of a trace."""
    names = [(owner.kind, owner.name), (VOLCANO_JOB, owner.name), (VOLCANO_JOB, f"{owner.name}/{pod.task}")]
    return next(
        (templates[kind, pod.namespace, name] for kind, name in names if (kind, pod.namespace, name) in templates), None
    )


def _parts_of(template: WorkloadEstate) -> Parts:
    return Parts(template.containers, template.least, template.overhead)


def _sum_of(pod: Pod) -> Container:
    """All containers of a pod as one."""
    held = held_by(pod.spec, 0)
    return Container(name=WHOLE_POD, cpu=held.cpu, memory=held.memory, gpus=held.gpus)
