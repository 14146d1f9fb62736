"""`read_estate`: the objects of the input, once for scheduling and once for money."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from yuheng.errors import InputError
from yuheng.model.cluster import Snapshot
from yuheng.model.estate import Claim, Estate, LoadBalancer, WorkloadEstate
from yuheng.readers.assembly import Assembly
from yuheng.readers.estate.autoscalers import AUTOSCALERS, read_autoscalers
from yuheng.readers.estate.containers import ContainerReader
from yuheng.readers.estate.owners import Ownership
from yuheng.readers.estate.pods import pods_of
from yuheng.readers.estate.volumes import read_balancer, read_claim, read_volume
from yuheng.readers.estate.wire import NamespaceObject
from yuheng.readers.estate.workloads import VOLCANO_JOB, WORKLOADS, WorkloadReader, told
from yuheng.readers.inventory import Inventory
from yuheng.readers.objects.selecting import named
from yuheng.readers.openb import is_table, read_table
from yuheng.readers.refusing import Refuse, readable
from yuheng.readers.sources.documents import items_of
from yuheng.readers.sources.files import contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from yuheng.readers.openb import Table
    from yuheng.readers.sources.documents import Item

__all__ = ["estate_of", "read_estate", "summed_estate"]

T = TypeVar("T")


def read_estate(*sources: str | Path) -> Estate:
    """Read what a cluster is paid for.

    Args:
        sources: as for `yuheng.read`: files and folders (JSON, YAML, CSV of the openb trace; ``.gz`` too), ``-`` for
            standard input.

    Raises:
        InputError: something is not what it should be; the message names file, object and field.
        NotFoundError: a path does not exist.
    """
    items: list[Item] = []
    tables: list[Table] = []
    for source in sources:
        for content in contents(source):
            if is_table(content):
                tables.append(read_table(content))
            else:
                items += items_of(content)
    return estate_of(items, tables)


def estate_of(items: Sequence[Item], tables: Sequence[Table] = (), cluster: str = "") -> Estate:
    """The estate of objects and tables that are at hand.

    Args:
        items: the objects.
        tables: of traces.
        cluster: the name of the cluster.

    Raises:
        InputError: an object is not what it should be, or contradicts another.
    """
    with _collector_paused():
        inventory = Inventory()
        inventory.add(items)
        assembly = Assembly(inventory, tables)
        snapshot, refuse = assembly.snapshot(), assembly.leaving.refuse
        containers = ContainerReader()
        reader = WorkloadReader(containers)
        written = _workloads(inventory, reader, refuse)
        pods = pods_of(inventory.of("Pod"), snapshot, written, containers, Ownership(reader.above), refuse)
        return Estate(
            snapshot=snapshot,
            cluster=cluster,
            pods=pods.by_key,
            workloads=tuple(sorted((*written, *pods.bare), key=lambda one: (one.namespace, one.kind, one.name))),
            claims=_claims(inventory, refuse),
            balancers=_balancers(inventory, refuse),
            autoscalers=read_autoscalers(filter(_is_autoscaler, items), refuse),
            namespaces=snapshot.namespaces,
            annotations=dict(_made(inventory, "Namespace", _namespace, refuse)),
            time=snapshot.time,
            # In the order of their reading: what was left out of all that is above is told last.
            warnings=(*snapshot.warnings, *assembly.leaving.warnings()),
        )


def summed_estate(snapshot: Snapshot, cluster: str = "") -> Estate:
    """The estate of a snapshot alone: each pod as one container, and nothing known of disks and balancers.

    Args:
        snapshot: the state of the cluster.
        cluster: its name.
    """
    return Estate(
        snapshot=snapshot,
        cluster=cluster,
        pods=pods_of((), snapshot, (), ContainerReader(), Ownership({})).by_key,
        namespaces=snapshot.namespaces,
        time=snapshot.time,
        warnings=snapshot.warnings,
    )


def _workloads(inventory: Inventory, reader: WorkloadReader, refuse: Refuse) -> list[WorkloadEstate]:
    found: list[WorkloadEstate] = []
    for item in inventory.of(*WORKLOADS, VOLCANO_JOB):
        try:
            found += reader.read(item)
        except InputError as error:
            refuse(error)
    # An object that is there twice (in two lists, say) was found to be the same one.
    return list({one.key: one for one in found}.values())


def _made(inventory: Inventory, kind: str, read: Callable[[bytes | msgspec.Raw], T], refuse: Refuse) -> Iterator[T]:
    return (made for _, made in readable(inventory.of(kind), read, refuse))


def _balancers(inventory: Inventory, refuse: Refuse) -> tuple[LoadBalancer, ...]:
    found = filter(None, _made(inventory, "Service", read_balancer, refuse))
    return tuple(sorted(found, key=lambda one: (one.namespace, one.name)))


def _claims(inventory: Inventory, refuse: Refuse) -> tuple[Claim, ...]:
    volumes = {
        name: (size, storage_class)
        for name, size, storage_class in _made(inventory, "PersistentVolume", read_volume, refuse)
    }
    found = _made(inventory, "PersistentVolumeClaim", partial(read_claim, volumes), refuse)
    unique = {(claim.namespace, claim.name): claim for claim in found}
    return tuple(unique[key] for key in sorted(unique))


def _is_autoscaler(item: Item) -> bool:
    return item.api_version.rpartition("/")[0] == AUTOSCALERS.get(item.kind)


def _namespace(text: bytes | msgspec.Raw) -> tuple[str, dict[str, str]]:
    source = msgspec.json.decode(text, type=NamespaceObject)
    return named(source.metadata)[0], told(source.metadata.annotations)


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
