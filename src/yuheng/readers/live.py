"""A snapshot of objects that are kept up to date, rather than read from files.

What is in files may be all that there will be: workloads lack the pods that their controllers have not made yet. A live
cluster has its controllers; its pods are those that exist.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from yuheng.model.cluster import Snapshot
from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.readers.assembly import Assembly
from yuheng.readers.inventory import Inventory
from yuheng.readers.openb import Table
from yuheng.readers.sources.documents import Item

__all__ = ["assembled"]

_NOTHING: Final = msgspec.Raw(b"{}")


def assembled(
    items: Iterable[Item], nodes: Iterable[Node], pods: Iterable[Pod], assumed: Mapping[str, Pod]
) -> Snapshot:
    """The snapshot of a live cluster.

    Args:
        items: objects that are read now: all but nodes and most pods.
        nodes: all nodes.
        pods: the pods that were read before.
        assumed: pods that are on nodes although their objects do not say so yet, by ``namespace/name``.

    Raises:
        InputError: an object is not what it should be, or contradicts another.
    """
    inventory = Inventory()
    inventory.add(items)
    node, pod = (Item("the cluster", 0, kind, "v1", _NOTHING) for kind in ("Node", "Pod"))
    table = Table(tuple((node, one) for one in nodes), tuple((pod, one) for one in pods))
    found = Assembly(inventory, [table], has_controllers=True).snapshot()
    if not assumed:
        return found
    known = tuple(_with_node(one, assumed.get(one.key)) for one in found.pods)
    seated: Snapshot = msgspec.structs.replace(found, pods=known)
    return seated


def _with_node(pod: Pod, assumed: Pod | None) -> Pod:
    if assumed is None or pod.node is not None:
        return pod
    seated: Pod = msgspec.structs.replace(pod, node=assumed.node, device_indices=assumed.device_indices)
    return seated
