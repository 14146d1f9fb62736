"""Volumes that were made beforehand, on the disks of nodes say, and which of them a claim could have.

The rules are those of the volume controller: a free volume of the claim's class and mode that is large enough, can be
mounted in the ways that are asked for, and has the labels that are selected. The smallest is taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from yuheng.model.quantity import parse_quantity
from yuheng.model.selectors import LabelSelector, NodeSelector

__all__ = ["Volume", "Wanted", "offered", "volume_of"]

_FILESYSTEM: Final = "Filesystem"


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


def offered(key: str, uid: str, kind: str, wanted: Wanted, volumes: Iterable[Volume]) -> list[Volume]:
    """The volumes that a claim could have, the smallest first.

    Args:
        key: of the claim, ``namespace/name``.
        uid: of the claim.
        kind: the class of its volume.
        wanted: its spec.
        volumes: all that there are.
    """
    least = _bytes(wanted.resources.requests) if wanted.resources is not None else 0
    modes = frozenset(wanted.access_modes or ())
    found = [
        volume
        for volume in volumes
        if volume.spec.storage_class_name == kind
        and _is_free(volume, key, uid)
        and (volume.spec.volume_mode or _FILESYSTEM) == (wanted.volume_mode or _FILESYSTEM)
        and modes.issubset(volume.spec.access_modes or ())
        and (wanted.selector is None or wanted.selector.matches(volume.metadata.labels or {}))
        and volume.size >= least
    ]
    return sorted(found, key=lambda volume: (volume.size, volume.metadata.name))


def _is_free(volume: Volume, key: str, uid: str) -> bool:
    """Whether nobody has a volume, or it is kept for this very claim."""
    owner = volume.spec.claim_ref
    if volume.metadata.deletion_timestamp is not None:
        return False
    if owner is not None:
        return f"{owner.namespace}/{owner.name}" == key and (owner.uid or uid) == uid
    return volume.status is not None and volume.status.phase == "Available"


def _bytes(amount: _Amount | None) -> int:
    """Bytes; the API server has made sure that it is an amount."""
    return parse_quantity(amount.storage).value() if amount is not None and amount.storage else 0
