"""A fleet's folder: its name, its members, and, once their state is known, the fleet and what is written for it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from yuheng.errors import ConfigError, InputError
from yuheng.model.cluster import Snapshot
from yuheng.model.fleet import Fleet
from yuheng.readers.assembly import Assembly
from yuheng.readers.fleet.clusters import folder_of
from yuheng.readers.fleet.inputs import Inputs
from yuheng.readers.fleet.reader import Manifests, carried_of, members_of
from yuheng.readers.inventory import Inventory
from yuheng.readers.sources.documents import objects_of

__all__ = ["Folder", "Place", "fingerprint", "opened", "state_of"]

# What names a fleet in an annotation, and what is printed.
_LONGEST = 253

Fingerprint = tuple[tuple[str, int, int], ...]


class Place(NamedTuple):
    """Where a cluster is: a context of a kubeconfig.

    Attributes:
        cluster: the cluster's name.
        context: of the kubeconfig.
        kubeconfig: the file; None for the one that was named for all, or the usual one.
    """

    cluster: str
    context: str
    kubeconfig: Path | None


class Folder(NamedTuple):
    """What is known before a cluster is asked.

    Attributes:
        fleet: its name.
        places: of the clusters that can be reached, sorted by name.
        inputs: the files, read.
        sources: their names.
        seen: their `fingerprint` when they were read.
    """

    fleet: str
    places: tuple[Place, ...]
    inputs: Inputs
    sources: tuple[str, ...]
    seen: Fingerprint

    def read(self, states: Mapping[str, Snapshot]) -> tuple[Fleet, Manifests]:
        """The fleet, and what is written for it.

        Args:
            states: of its places, by cluster; one that could not be read has no nodes.

        Raises:
            InputError: something is not what it should be; the message says where. Or files have changed since.
        """
        found = carried_of(self.inputs, states)
        _check_still(self.sources, self.seen)
        return found


def opened(sources: Sequence[str], name: str | None = None) -> Folder:
    """Look into a fleet's files.

    Args:
        sources: files and folders.
        name: of the fleet; None for that of its Fleet.

    Raises:
        InputError: an object is not what it should be.
        NotFoundError: a path does not exist.
        ConfigError: it is no fleet, has no name, or names no cluster that could be reached.
    """
    shown = ", ".join(sources)
    if "-" in sources:
        raise ConfigError("-: found standard input, expected files and folders: they are read more than once")
    seen = fingerprint(sources)
    inputs = Inputs(*sources)
    _check_still(sources, seen)
    if not inputs.is_fleet():
        raise ConfigError(f"{shown}: found no Cluster, expected a fleet: a Cluster of yuheng.io/v1alpha1 for each")
    written, clusters = members_of(inputs)
    fleet = name or written
    if not fleet or len(fleet) > _LONGEST or not fleet.isprintable():
        raise ConfigError(
            f"{shown}: found no Fleet with a name, expected one, or --name NAME: by it the fleet's own objects are "
            "told from those of others"
        )
    places = [
        Place(one.name, one.fields.spec.context, _beside(one.source, one.fields.spec.kubeconfig))
        for one in clusters
        if one.fields.spec.context is not None
    ]
    if not places:
        raise ConfigError(f"{shown}: found no Cluster with a context, expected the context of a kubeconfig for each")
    return Folder(fleet, tuple(sorted(places)), inputs, tuple(sources), seen)


def _beside(source: str, kubeconfig: str | None) -> Path | None:
    return folder_of(source) / kubeconfig if kubeconfig else None


def state_of(objects: Iterable[bytes], context: str) -> Snapshot:
    """The objects of a cluster as its state.

    Args:
        objects: the JSON of each.
        context: where they are from.

    Returns:
        The state, without what of it cannot be used: `Snapshot.warnings` tells.

    Raises:
        InputError: one is no object.
    """
    inventory = Inventory()
    text = b'{"kind":"List","apiVersion":"v1","items":[' + b",".join(objects) + b"]}"
    try:
        inventory.add(objects_of(text, f"context {context}", captured=True))
    except msgspec.DecodeError as error:
        raise InputError("an object that is no JSON", source=f"context {context}") from error
    return Assembly(inventory).snapshot()


def fingerprint(sources: Iterable[str]) -> Fingerprint:
    """What tells whether files have changed: names, times of their last change in nanoseconds, and sizes.

    What begins with a dot is passed over, as it is when manifests are read: a repository's own files change by looking.
    """
    found = []
    for source in sources:
        for path in _files(Path(source)):
            try:
                stat = path.stat()
            except OSError:
                continue
            found.append((str(path), stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def _files(path: Path) -> Iterator[Path]:
    """The path itself, or what is in that folder; a folder that cannot be looked into is told when it is read."""
    if not path.is_dir():
        yield path
        return
    for root, folders, names in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(names) if not name.startswith("."))


def _check_still(sources: Sequence[str], seen: Fingerprint) -> None:
    """See that nobody writes what is read: a file that is written half is a fleet without the other half."""
    if fingerprint(sources) != seen:
        raise InputError("files that change while they are read", "files at rest", source=", ".join(sources))
