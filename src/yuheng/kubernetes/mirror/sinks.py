"""What is kept of the kinds that are watched beside pods and nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.kubernetes.mirror.claims import Claim, StorageClass
from yuheng.kubernetes.mirror.offers import Volume
from yuheng.readers import wire
from yuheng.readers.sources.documents import Item

__all__ = ["SOURCE", "WATCHED", "Watched", "item_of", "key_of", "tolerant"]

# What stands for the name of a file.
SOURCE: Final = "the cluster"


class Watched(NamedTuple):
    """A kind that is kept as it is.

    Attributes:
        kind: what its readers call it.
        form: the fields that are kept of it; None for all.
        counts: whether decisions rest on it as it was compiled: then a change of it makes the cluster compiled anew.
    """

    kind: str
    form: type[msgspec.Struct] | None
    counts: bool = True


# By the name of the kind (`yuheng.kubernetes.api.KINDS`): what is watched beside pods and nodes.
WATCHED: Final = {
    "namespaces": Watched("Namespace", wire.NamespaceObject),
    "services": Watched("Service", wire.Service),
    "replicationcontrollers": Watched("ReplicationController", wire.Service),
    "replicasets.apps": Watched("ReplicaSet", wire.Selecting),
    "statefulsets.apps": Watched("StatefulSet", wire.Selecting),
    "persistentvolumes": Watched("PersistentVolume", Volume),
    "persistentvolumeclaims": Watched("PersistentVolumeClaim", Claim),
    "storageclasses.storage.k8s.io": Watched("StorageClass", StorageClass),
    "poddisruptionbudgets.policy": Watched("PodDisruptionBudget", wire.Budget, counts=False),
    "priorityclasses.scheduling.k8s.io": Watched("PriorityClass", wire.PriorityClass, counts=False),
    "podgroups.scheduling.volcano.sh": Watched("PodGroup", None),
    "queues.scheduling.volcano.sh": Watched("Queue", None),
    "jobs.batch.volcano.sh": Watched("Job", None),
    "hypernodes.topology.volcano.sh": Watched("HyperNode", None),
}
_encode: Final = msgspec.json.Encoder().encode
_decode_fields: Final = msgspec.json.Decoder(dict[str, Any]).decode
_decode_head: Final = msgspec.json.Decoder(wire.Object).decode


def key_of(raw: msgspec.Raw) -> str:
    """``namespace/name`` of an object; the name alone where it is in no namespace."""
    metadata = _decode_head(raw).metadata
    return f"{metadata.namespace}/{metadata.name}" if metadata.namespace else metadata.name


def item_of(raw: bytes | msgspec.Raw, watched: Watched, api_version: str) -> Item:
    """An object of a kind that is read when a snapshot is taken: the fields of it that are kept."""
    form = watched.form
    text = _whole(raw, watched, api_version) if form is None else _encode(msgspec.json.decode(raw, type=form))
    return Item(SOURCE, 0, watched.kind, api_version, msgspec.Raw(text))


def _whole(raw: bytes | msgspec.Raw, watched: Watched, api_version: str) -> bytes:
    """An object with what it is, which lists say only once for all of theirs."""
    fields = _decode_fields(raw)
    fields["kind"], fields["apiVersion"] = watched.kind, api_version
    return _encode(fields)


def tolerant(
    kind: str, take: Callable[[msgspec.Raw], str], note: Callable[[str, str], object]
) -> Callable[[msgspec.Raw], str | None]:
    """What takes objects in, and passes over those of which nothing at all can be read.

    Args:
        kind: of the objects, as errors name it.
        take: takes one in, and gives its key.
        note: is told of those that are passed over, and why.
    """

    def passing_over(raw: msgspec.Raw) -> str | None:
        try:
            return take(raw)
        except InputError as error:
            note(f"{kind} {key_of(raw)}", str(error))
            return None

    return passing_over
