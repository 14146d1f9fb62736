"""Where the reflectors put what they are told, one sink a kind of object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from yuheng.kubernetes.mirror.claims import Claim, StorageClass
from yuheng.kubernetes.mirror.offers import Volume
from yuheng.readers import wire
from yuheng.readers.sources.documents import Item

if TYPE_CHECKING:
    from collections.abc import Callable

    from yuheng.kubernetes.mirror.mirror import Mirror

__all__ = ["WATCHED", "ItemSink", "NodeSink", "PodSink"]

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
_decode_fields: Final = msgspec.json.Decoder(dict[str, Any]).decode
_decode_head: Final = msgspec.json.Decoder(wire.Object).decode


class _Sink:
    """The objects of one kind; a list names all that there are."""

    def __init__(self, drop: Callable[[str], None]) -> None:
        self._drop = drop
        self._keys: set[str] = set()
        self._before: set[str] | None = None

    def restart(self) -> None:
        """A list begins: what it does not name is gone. One that began before may not have ended."""
        self._before, self._keys = (self._before or set()) | self._keys, set()

    def settle(self) -> None:
        """The list has ended."""
        for key in sorted((self._before or set()) - self._keys):
            self._drop(key)
        self._before = None

    def put(self, raw: msgspec.Raw) -> None:
        """An object is there, as it is now."""
        self._keys.add(self._take(raw))

    def gone(self, raw: msgspec.Raw) -> None:
        """An object is there no longer."""
        key = self._key(raw)
        self._keys.discard(key)
        self._drop(key)

    def _take(self, raw: msgspec.Raw) -> str:
        raise NotImplementedError

    def _key(self, raw: msgspec.Raw) -> str:
        metadata = _decode_head(raw).metadata
        return f"{metadata.namespace}/{metadata.name}" if metadata.namespace else metadata.name


class PodSink(_Sink):
    """Pods, turned into those of the model at once: of 100,000 of them the text cannot be kept."""

    def __init__(self, mirror: Mirror) -> None:
        super().__init__(mirror.drop_pod)
        self._mirror = mirror

    def _take(self, raw: msgspec.Raw) -> str:
        return self._mirror.put_pod(raw)


class NodeSink(_Sink):
    """Nodes, turned into those of the model at once."""

    def __init__(self, mirror: Mirror) -> None:
        super().__init__(mirror.drop_node)
        self._mirror = mirror

    def _take(self, raw: msgspec.Raw) -> str:
        return self._mirror.put_node(raw)


class ItemSink(_Sink):
    """Objects of a kind that is read when a snapshot is taken."""

    def __init__(self, mirror: Mirror, watched: Watched, api_version: str) -> None:
        super().__init__(lambda key: mirror.drop_item(watched, key))
        self._mirror = mirror
        self._watched = watched
        self._api_version = api_version

    def _take(self, raw: msgspec.Raw) -> str:
        form = self._watched.form
        text = self._whole(raw) if form is None else msgspec.json.encode(msgspec.json.decode(raw, type=form))
        item = Item(SOURCE, 0, self._watched.kind, self._api_version, msgspec.Raw(text))
        key = self._key(raw)
        self._mirror.put_item(self._watched, key, item)
        return key

    def _whole(self, raw: msgspec.Raw) -> bytes:
        """An object with what it is, which lists say only once for all of theirs."""
        fields = _decode_fields(raw)
        fields["kind"], fields["apiVersion"] = self._watched.kind, self._api_version
        return msgspec.json.encode(fields)
