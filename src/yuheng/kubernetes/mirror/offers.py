"""Volumes that were made beforehand, on the disks of nodes say, and which of them a claim could have.

The rules are those of the volume controller: a free volume of the claim's class and mode that is large enough, can be
mounted in the ways that are asked for, and has the labels that are selected. The smallest is taken. Volumes are sorted
once: a thousand pods that wait for thousands of disks would look at millions of them otherwise.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from heapq import merge
from typing import Final

import msgspec

from yuheng.model.quantity import parse_quantity
from yuheng.model.selectors import LabelSelector, NodeSelector, NodeSelectorRequirement, NodeSelectorTerm

__all__ = ["Offers", "Volume", "Wanted", "volume_of"]

_FILESYSTEM: Final = "Filesystem"
_encode: Final = msgspec.json.Encoder().encode


class _Metadata(msgspec.Struct, rename="camel", omit_defaults=True):
    name: str = ""
    resource_version: str = ""
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None


class _Affinity(msgspec.Struct, omit_defaults=True):
    required: NodeSelector | None = None


class _Reference(msgspec.Struct, omit_defaults=True):
    namespace: str = ""
    name: str = ""
    uid: str | None = None


class _Amount(msgspec.Struct, omit_defaults=True):
    storage: str | None = None


class _Spec(msgspec.Struct, rename="camel", omit_defaults=True):
    node_affinity: _Affinity | None = None
    capacity: _Amount | None = None
    access_modes: tuple[str, ...] | None = None
    storage_class_name: str | None = None
    volume_mode: str | None = None
    claim_ref: _Reference | None = None


class _Status(msgspec.Struct, omit_defaults=True):
    phase: str | None = None


class Volume(msgspec.Struct, omit_defaults=True):
    """What is kept of a PersistentVolume."""

    metadata: _Metadata
    spec: _Spec = msgspec.field(default_factory=_Spec)
    status: _Status | None = None

    @property
    def affinity(self) -> NodeSelector | None:
        """The nodes that it can be reached from; None for all."""
        return self.spec.node_affinity.required if self.spec.node_affinity is not None else None

    @property
    def size(self) -> int:
        """Bytes."""
        return _bytes(self.spec.capacity)


class _Resources(msgspec.Struct, omit_defaults=True):
    requests: _Amount | None = None


class Wanted(msgspec.Struct, rename="camel", omit_defaults=True):
    """What a claim says of the volume that it wants: ``spec`` of a PersistentVolumeClaim."""

    volume_name: str | None = None
    storage_class_name: str | None = None
    access_modes: tuple[str, ...] | None = None
    volume_mode: str | None = None
    resources: _Resources | None = None
    selector: LabelSelector | None = None


volume_of: Final = msgspec.json.Decoder(Volume).decode


class Offers:
    """The volumes that claims could have.

    Args:
        volumes: all that there are.
    """

    def __init__(self, volumes: Iterable[Volume]) -> None:
        # By class and mode those that are free, and by claim those that are kept for one: (bytes, name, volume).
        self._free: defaultdict[tuple[str | None, str], list[tuple[int, str, Volume]]] = defaultdict(list)
        self._kept: defaultdict[str, list[tuple[int, str, Volume]]] = defaultdict(list)
        for volume in volumes:
            owner, status = volume.spec.claim_ref, volume.status
            line = volume.size, volume.metadata.name, volume
            if volume.metadata.deletion_timestamp is not None:
                continue
            if owner is not None:
                self._kept[f"{owner.namespace}/{owner.name}"].append(line)
            elif status is not None and status.phase == "Available":
                self._free[volume.spec.storage_class_name, volume.spec.volume_mode or _FILESYSTEM].append(line)
        for lines in (*self._free.values(), *self._kept.values()):
            lines.sort(key=lambda line: line[:2])
        # Claims that ask for the same can have the same.
        self._places: dict[tuple[str, bytes], Sequence[NodeSelectorTerm] | None] = {}

    def to(self, key: str, uid: str, kind: str, wanted: Wanted) -> Iterator[Volume]:
        """The volumes that a claim could have, the smallest first.

        Args:
            key: of the claim, ``namespace/name``.
            uid: of the claim.
            kind: the class of its volume.
            wanted: its spec.
        """
        least = _bytes(wanted.resources.requests) if wanted.resources is not None else 0
        modes = frozenset(wanted.access_modes or ())
        mode = wanted.volume_mode or _FILESYSTEM
        free = self._free.get((kind, mode), [])
        kept = [line for line in self._kept.get(key, ()) if _is_kept_for(line[2], uid, kind, mode)]
        for size, _, volume in merge(free[bisect_left(free, (least,)) :], kept):
            if (
                size >= least
                and modes.issubset(volume.spec.access_modes or ())
                and (wanted.selector is None or wanted.selector.matches(volume.metadata.labels or {}))
            ):
                yield volume

    def places(self, key: str, uid: str, kind: str, wanted: Wanted) -> Sequence[NodeSelectorTerm] | None:
        """Where the volumes are that a claim could have, as terms of a node selector; None for everywhere.

        Args:
            key: as for `to`.
            uid: as for `to`.
            kind: as for `to`.
            wanted: as for `to`.
        """
        if key in self._kept:
            return _joined([volume.affinity for volume in self.to(key, uid, kind, wanted)])
        like = kind, _encode(wanted)
        if like not in self._places:
            self._places[like] = _joined([volume.affinity for volume in self.to(key, uid, kind, wanted)])
        return self._places[like]


def _joined(there: Sequence[NodeSelector | None]) -> Sequence[NodeSelectorTerm] | None:
    """All of these places: of a thousand disks, each on a node of its own, one term with a thousand names."""
    names: defaultdict[str, dict[str, None]] = defaultdict(dict)
    others: list[NodeSelectorTerm] = []
    for affinity in there:
        if affinity is None:
            return None
        for term in affinity.node_selector_terms:
            only = term.match_expressions[0] if len(term.match_expressions) == 1 and not term.match_fields else None
            if only is not None and only.operator == "In":
                names[only.key].update(dict.fromkeys(only.values))
            else:
                others.append(term)
    joined = (NodeSelectorRequirement(key, "In", tuple(values)) for key, values in names.items())
    return [NodeSelectorTerm(match_expressions=(one,)) for one in joined] + others


def _is_kept_for(volume: Volume, uid: str, kind: str, mode: str) -> bool:
    """Whether a volume that is kept for a claim of this name is kept for this very one."""
    spec, owner = volume.spec, volume.spec.claim_ref
    same = spec.storage_class_name == kind and (spec.volume_mode or _FILESYSTEM) == mode
    return same and owner is not None and (owner.uid or uid) == uid


def _bytes(amount: _Amount | None) -> int:
    """Bytes; the API server has made sure that it is an amount."""
    return parse_quantity(amount.storage).value() if amount is not None and amount.storage else 0
