"""Pods, from the wire to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.errors import InputError
from yuheng.model.pod import OwnerReference, Pod
from yuheng.readers.objects.devices import held_devices
from yuheng.readers.objects.specs import SpecReader
from yuheng.readers.sharing import Shared
from yuheng.readers.wire import PodMetadata, PodObject

if TYPE_CHECKING:
    from yuheng.readers.objects.priorities import Priorities

__all__ = ["PodReader"]

FINISHED: Final = ("Succeeded", "Failed")
UNKNOWN_TIME: Final = float("inf")


class PodReader:
    """Makes pods of the model; what pods have in common they share.

    Args:
        priorities: the priority classes of the cluster.
    """

    def __init__(self, priorities: Priorities) -> None:
        self._priorities = priorities
        self._decoder = msgspec.json.Decoder(PodObject)
        self._labels = Shared[dict[str, str]](dict[str, str], {}, "metadata.labels")
        self._specs = SpecReader()
        self._empty: list[str] = []

    def read(self, text: bytes | msgspec.Raw) -> Pod | None:
        """The pod of this JSON text; None for one that is finished, or is deleted before it was placed.

        Raises:
            InputError: the pod is not one the API server would take; ``field`` says where.
            msgspec.ValidationError: the same, found by the decoder.
        """
        return self._pod(self._decoder.decode(text))

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
        terminating = metadata.deletion_timestamp is not None
        finished = source.status is not None and source.status.phase in FINISHED
        if finished or (terminating and node is None):
            return None
        if not spec.containers:
            self._empty.append(f"{metadata.namespace or 'default'}/{metadata.name}")
        labels = self._labels.get(bytes(metadata.labels))
        return Pod(
            name=metadata.name,
            namespace=metadata.namespace or "default",
            spec=self._specs.read(source, labels),
            labels=labels,
            node=node,
            priority=self._priorities.resolve(spec.priority, spec.priority_class_name),
            created=metadata.creation_timestamp.timestamp() if metadata.creation_timestamp else UNKNOWN_TIME,
            owner=_controller(metadata),
            terminating=terminating,
            device_indices=held_devices(metadata.annotations) if node and metadata.annotations else (),
        )


def _controller(metadata: PodMetadata) -> OwnerReference | None:
    return next((owner for owner in metadata.owner_references or () if owner.controller), None)
