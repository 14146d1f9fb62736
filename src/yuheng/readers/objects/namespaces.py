"""Namespaces: their labels, by which affinity terms choose them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.readers.objects.selecting import named
from yuheng.readers.wire import NamespaceObject

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["namespace_labels", "read_namespace"]

NAME_LABEL: Final = "kubernetes.io/metadata.name"


def read_namespace(text: bytes | msgspec.Raw) -> tuple[str, dict[str, str]]:
    """The name and the labels of a namespace.

    Raises:
        InputError: it has no name.
        msgspec.ValidationError: it is not what Kubernetes defines.
    """
    metadata = msgspec.json.decode(text, type=NamespaceObject).metadata
    name, _ = named(metadata)
    return name, namespace_labels(name, metadata.labels or {})


def namespace_labels(name: str, labels: Mapping[str, str] = {}) -> dict[str, str]:
    """The labels of a namespace with the one that the API server gives to each: its name."""
    return {**labels, NAME_LABEL: name}
