"""The names that nodes may have on a bill, from the same objects that their cluster is read from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from yuheng.errors import ConfigError
from yuheng.model.bill import NodeIdentity
from yuheng.model.labels import HOSTNAME
from yuheng.readers.inventory import converted
from yuheng.readers.openb import is_table
from yuheng.readers.sources.documents import items_of
from yuheng.readers.sources.files import STDIN, contents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["read_identities"]


class _Metadata(msgspec.Struct):
    name: str = ""
    labels: dict[str, str | None] | None = None


class _Specification(msgspec.Struct):
    provider_id: str = msgspec.field(default="", name="providerID")


class _Node(msgspec.Struct):
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)
    spec: _Specification | None = None


def read_identities(sources: Sequence[str | Path]) -> tuple[NodeIdentity, ...]:
    """The names of all nodes in files and folders.

    Args:
        sources: as for `yuheng.read`, but for standard input, which can be read only once.

    Raises:
        ConfigError: standard input is among them.
        InputError: something is not what it should be.
        NotFoundError: a path does not exist.
    """
    found = []
    for source in sources:
        if str(source) == STDIN:
            raise ConfigError("--bill: found standard input as INPUT, expected a file: it is read twice")
        for content in contents(source):
            if not is_table(content):
                found += [converted(item, _identity) for item in items_of(content) if item.kind == "Node"]
    return tuple(found)


def _identity(text: bytes | msgspec.Raw) -> NodeIdentity:
    node = msgspec.json.decode(text, type=_Node)
    labels = node.metadata.labels or {}
    return NodeIdentity(node.metadata.name, node.spec.provider_id if node.spec else "", labels.get(HOSTNAME) or "")
