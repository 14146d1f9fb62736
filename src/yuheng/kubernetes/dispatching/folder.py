"""A fleet's folder: its name, its members, and, once their state is known, the fleet and what is written for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
    """

    fleet: str
    places: tuple[Place, ...]
    inputs: Inputs

    def read(self, states: Mapping[str, Snapshot]) -> tuple[Fleet, Manifests]:
        """The fleet, and what is written for it.

        Args:
            states: of its places, by cluster; one that could not be read has no nodes.

        Raises:
            InputError: something is not what it should be; the message says where.
        """
        return carried_of(self.inputs, states)


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
    inputs = Inputs(*sources)
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
    return Folder(fleet, tuple(sorted(places)), inputs)


def _beside(source: str, kubeconfig: str | None) -> Path | None:
    return folder_of(source) / kubeconfig if kubeconfig else None


def state_of(objects: Iterable[bytes], context: str) -> Snapshot:
    """The objects of a cluster as its state.

    Args:
        objects: the JSON of each.
        context: where they are from.

    Raises:
        InputError: one is not what it should be.
    """
    inventory = Inventory()
    text = b'{"kind":"List","apiVersion":"v1","items":[' + b",".join(objects) + b"]}"
    try:
        inventory.add(objects_of(text, f"context {context}"))
    except msgspec.DecodeError as error:
        raise InputError("an object that is no JSON", source=f"context {context}") from error
    return Assembly(inventory).snapshot()


def fingerprint(sources: Iterable[str]) -> tuple[tuple[str, int, int], ...]:
    """What tells whether files have changed: names, times of their last change in nanoseconds, and sizes."""
    found = []
    for source in sources:
        path = Path(source)
        for one in sorted(path.rglob("*")) if path.is_dir() else [path]:
            try:
                stat = one.stat()
            except OSError:
                continue
            found.append((str(one), stat.st_mtime_ns, stat.st_size))
    return tuple(found)
