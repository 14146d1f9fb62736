"""Pods, from the wire to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.errors import InputError
from yuheng.model.duration import parse_duration
from yuheng.model.pod import OwnerReference, Pod
from yuheng.readers.batch.annotations import PREEMPTABLE, annotation_path, parsed_truth
from yuheng.readers.batch.members import NOWHERE, Belonging, Member, Members
from yuheng.readers.objects.devices import held_devices
from yuheng.readers.objects.specs import SpecReader
from yuheng.readers.sharing import Shared
from yuheng.readers.wire import Annotations, PodMetadata, PodObject, PodStatus

if TYPE_CHECKING:
    from collections.abc import Container

    from yuheng.readers.objects.priorities import Priorities

__all__ = ["UNKNOWN_TIME", "PodReader"]

FINISHED: Final = ("Succeeded", "Failed")
UNKNOWN_TIME: Final = float("inf")
NO_ANNOTATIONS: Final = Annotations()
ESTIMATE: Final = "yuheng.io/running-estimate"


class PodReader:
    """Makes pods of the model; what pods have in common they share.

    Args:
        priorities: the priority classes of the cluster.
        members: finds the jobs of pods; without it no pod has one.
    """

    def __init__(self, priorities: Priorities, members: Members | None = None) -> None:
        self._priorities = priorities
        self._members = members or Members()
        self._decoder = msgspec.json.Decoder(PodObject)
        self._labels = Shared[dict[str, str]](dict[str, str], {}, "metadata.labels")
        self._specs = SpecReader(self._members.ignored_gates())
        self._empty: list[str] = []
        self._words: dict[Annotations, Annotations] = {}

    def read(self, text: bytes | msgspec.Raw) -> Pod | None:
        """The pod of this JSON text; None for one that is finished, or is deleted before it was placed.

        Raises:
            InputError: the pod is not one the API server would take; ``field`` says where.
            msgspec.ValidationError: the same, found by the decoder.
        """
        return self._pod(self._decoder.decode(text))

    def read_apart(self, text: bytes | msgspec.Raw) -> tuple[Pod | None, Member]:
        """The pod of this JSON text, as `read`, and what tells where it belongs, for those who know that only later.

        Raises:
            InputError: as `read`.
            msgspec.ValidationError: as `read`.
        """
        source = self._decoder.decode(text)
        pod = self._pod(source)
        metadata = source.metadata
        words = metadata.annotations or NO_ANNOTATIONS
        phase = "" if source.status is None else source.status.phase
        return pod, Member(
            metadata.namespace or "default",
            metadata.name,
            self._labels.get(bytes(metadata.labels)),
            # Pods of one group have the same.
            self._words.setdefault(words, words),
            _controller(metadata),
            metadata.creation_timestamp.timestamp() if metadata.creation_timestamp else UNKNOWN_TIME,
            ended=phase in FINISHED,
            well=phase == "Succeeded",
        )

    def read_manifest(self, text: bytes | msgspec.Raw) -> Pod:
        """The pod of this JSON text as it would be created, whatever has become of it since.

        It has a node only if the manifest names one; the node of a pod that runs already is the scheduler's choice.

        Raises:
            InputError: the pod is not one the API server would take; ``field`` says where.
            msgspec.ValidationError: the same, found by the decoder.
        """
        source = self._decoder.decode(text)
        source.metadata.name = source.metadata.name or source.metadata.generate_name.rstrip("-")
        if source.metadata.creation_timestamp is not None or (source.status is not None and source.status.phase):
            source.spec.node_name = None
        source.metadata.deletion_timestamp = source.metadata.creation_timestamp = source.status = None
        pod = self._pod(source)
        if pod is None:
            raise InputError("a pod that is finished", "a pod to be created")
        return pod

    def __len__(self) -> int:
        """How much is remembered of pods that were read: specifications, labels and annotations."""
        return len(self._specs) + len(self._labels) + len(self._words)

    def forget(self, used: Container[int]) -> None:
        """Forget what is remembered only for the sake of pods to come; for one that reads for weeks.

        Args:
            used: the identities of the specifications that somebody has: pods to come share them still.
        """
        self._specs.forget(used)
        self._labels.forget()
        self._words.clear()
        self._empty.clear()

    def warnings(self) -> list[str]:
        """What had to be assumed of the pods that were read, one sentence each."""
        found = self._specs.warnings()
        if self._empty:
            found.append(f"{len(self._empty)} pods have no containers and request nothing: {self._empty[0]}, ...")
        return found

    def _pod(self, source: PodObject) -> Pod | None:
        metadata, spec = source.metadata, source.spec
        if not metadata.name:
            raise InputError("nothing", "a name", field="metadata.name")
        node = spec.node_name or None
        if self._is_gone(source):
            return None
        namespace = metadata.namespace or "default"
        if not spec.containers:
            self._empty.append(f"{namespace}/{metadata.name}")
        labels = self._labels.get(bytes(metadata.labels))
        words = metadata.annotations or NO_ANNOTATIONS
        owner = _controller(metadata)
        home = self._home(metadata, labels, owner)
        return Pod(
            name=metadata.name,
            namespace=namespace,
            spec=self._specs.read(source, labels),
            labels=labels,
            node=node,
            priority=self._priorities.resolve(spec.priority, spec.priority_class_name),
            created=metadata.creation_timestamp.timestamp() if metadata.creation_timestamp else UNKNOWN_TIME,
            owner=owner,
            terminating=metadata.deletion_timestamp is not None,
            device_indices=held_devices(words) if node else (),
            job=home.job,
            task=home.task,
            queue=home.queue,
            preemptable=_preemptable(words, labels),
            preempts=self._priorities.preempts(spec.preemption_policy, spec.priority_class_name),
            revocable=_is_revocable(words),
            started=_started(source.status),
            estimate=self._estimate(source, words, home, owner),
        )

    def _is_gone(self, source: PodObject) -> bool:
        """Whether a pod is finished, or is deleted before it was placed."""
        if source.status is not None and source.status.phase in FINISHED:
            self._note_end(source.metadata, source.status)
            return True
        return source.metadata.deletion_timestamp is not None and not source.spec.node_name

    def _home(self, metadata: PodMetadata, labels: dict[str, str], owner: OwnerReference | None) -> Belonging:
        """The job, task and queue of a pod."""
        if metadata.annotations is None and not self._members.are_known():
            return NOWHERE
        return self._members.belonging(
            (metadata.namespace or "default", metadata.name),
            labels,
            metadata.annotations or NO_ANNOTATIONS,
            owner,
            metadata.creation_timestamp.timestamp() if metadata.creation_timestamp else UNKNOWN_TIME,
        )

    def _note_end(self, metadata: PodMetadata, status: PodStatus) -> None:
        """Tell a pod's job that the pod has ended."""
        if self._members.are_known():
            try:
                home = self._home(metadata, self._labels.get(bytes(metadata.labels)), _controller(metadata))
            except InputError:
                # What has ended need not be in order.
                return
            self._members.note_end(home, metadata.name, well=status.phase == "Succeeded")

    def _estimate(
        self, source: PodObject, words: Annotations, home: Belonging, owner: OwnerReference | None
    ) -> float | None:
        """How long a pod runs: as it says itself, as its job says, or until its deadline."""
        if words.estimate:
            try:
                return parse_duration(words.estimate)
            except InputError as error:
                raise error.at(field=annotation_path(ESTIMATE)) from None
        if home.estimate is not None:
            return home.estimate
        deadline = source.spec.active_deadline_seconds
        return float(deadline) if deadline else self._members.deadline(source.metadata.namespace or "default", owner)


def _preemptable(words: Annotations, labels: dict[str, str]) -> bool | None:
    text = words.preemptable or labels.get(PREEMPTABLE)
    return None if text is None else parsed_truth(text)


def _is_revocable(words: Annotations) -> bool:
    """As Volcano has it: what may be preempted may use a revocable zone, unless it says otherwise."""
    if words.revocable_zone:
        return words.revocable_zone == "*"
    return parsed_truth(words.preemptable)


def _started(status: PodStatus | None) -> float | None:
    return None if status is None or status.start_time is None else status.start_time.timestamp()


def _controller(metadata: PodMetadata) -> OwnerReference | None:
    return next((owner for owner in metadata.owner_references or () if owner.controller), None)
