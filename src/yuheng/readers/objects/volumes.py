"""Persistent volumes: from where a claim's data can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.model.cluster import PersistentVolume
from yuheng.model.labels import OLD_REGION, OLD_ZONE, REGION, ZONE
from yuheng.readers.objects.selecting import named
from yuheng.readers.wire import Claim, VolumeObject

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["read_claim", "read_volume"]

Text = bytes | msgspec.Raw
# The labels that kube-scheduler's VolumeZone looks at.
TOPOLOGY: Final = (REGION, ZONE, OLD_REGION, OLD_ZONE)
_SEPARATOR: Final = "__"


def read_volume(text: Text) -> PersistentVolume:
    """A persistent volume, with the zones and regions its labels name (several are separated by ``__``).

    Raises:
        InputError: the object has no name.
        msgspec.ValidationError: it is not what Kubernetes defines.
    """
    source = msgspec.json.decode(text, type=VolumeObject)
    name, _ = named(source.metadata)
    affinity = source.spec.node_affinity if source.spec else None
    return PersistentVolume(name, _topology(source.metadata.labels or {}), affinity.required if affinity else None)


def _topology(labels: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    found = {label: labels[label].split(_SEPARATOR) for label in TOPOLOGY if label in labels}
    return {label: tuple(value.strip() for value in values) for label, values in found.items() if all(values)}


def read_claim(text: Text) -> tuple[str, str] | None:
    """``namespace/name`` of a claim and the name of its volume; None when it is not bound.

    Raises:
        InputError: the object has no name.
        msgspec.ValidationError: it is not what Kubernetes defines.
    """
    source = msgspec.json.decode(text, type=Claim)
    name, namespace = named(source.metadata)
    volume = source.spec.volume_name if source.spec else None
    return (f"{namespace}/{name}", volume) if volume else None
