"""`read`: everything that is given, put together into one snapshot.

sources ──> documents ──> inventory ──> objects ──> Snapshot
(files, folders, stdin,   (one JSON     (by kind)   (pods, nodes, ... of the model;
 objects in memory)        an object)                workloads give the pods they lack)
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from yuheng.errors import InputError
from yuheng.readers.assembly import Assembly
from yuheng.readers.inventory import Inventory
from yuheng.readers.openb import Table, is_table, read_table
from yuheng.readers.sources.documents import Item, items_of, objects_of
from yuheng.readers.sources.files import contents

if TYPE_CHECKING:
    from yuheng.model.cluster import Snapshot

__all__ = ["IN_MEMORY", "Source", "inventory_of", "read"]

# A path ("-" for standard input), or Kubernetes objects that are decoded already.
IN_MEMORY: Final = "<object>"
Source = str | Path | Mapping[str, Any] | Sequence[Mapping[str, Any]]


def read(*sources: Source) -> Snapshot:
    """Read the state of a cluster.

    Args:
        sources: each a file, a folder (read with the folders in it), ``-`` for standard input, or Kubernetes
            objects in memory: one object, a ``List``, or a list of objects. Files are JSON, YAML or the CSV tables
            of the openb trace, plain or compressed with gzip; 2 GiB at most after decompression, 128 MiB of YAML.

    Returns:
        Everything in the sources as one state. Kinds that play no part in scheduling are only counted, in
        ``skipped``; what had to be assumed is said in ``warnings``.

    Raises:
        InputError: something that was read is not what it should be; the message says where.
        NotFoundError: a path does not exist.
    """
    with _collector_paused():
        inventory, tables = inventory_of(*sources)
        return Assembly(inventory, tables).snapshot()


def inventory_of(*sources: Source) -> tuple[Inventory, list[Table]]:
    """The objects in the sources by kind, and the tables.

    Raises:
        InputError: a source cannot be read, or holds what is not a Kubernetes object.
        NotFoundError: a path does not exist.
    """
    inventory = Inventory()
    tables = []
    for source in sources:
        if not isinstance(source, str | Path):
            inventory.add(_in_memory(source))
            continue
        for content in contents(source):
            if is_table(content):
                tables.append(read_table(content))
            else:
                inventory.add(items_of(content))
    return inventory, tables


def _in_memory(source: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Iterator[Item]:
    try:
        text = msgspec.json.encode(source)
    except (TypeError, RecursionError, OverflowError, ValueError) as error:
        raise InputError(f"an object that is not JSON: {error}", source=IN_MEMORY) from error
    return objects_of(text, IN_MEMORY)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Without the garbage collector: none of the many new objects is garbage, and looking takes long."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
