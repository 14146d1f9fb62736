"""Nodes, from the wire to the model."""

from __future__ import annotations

import msgspec

from yuheng.errors import InputError
from yuheng.model.node import Node
from yuheng.readers.objects.devices import device_inventory, without_devices
from yuheng.readers.objects.requests import amounts, whole
from yuheng.readers.sharing import Shared
from yuheng.readers.wire import Annotations, NodeObject, NodeStatus

__all__ = ["NodeReader"]


class NodeReader:
    """Makes nodes of the model.

    Attributes:
        latest: when a node was last heard of, in seconds since the epoch; None where no node tells.
    """

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(NodeObject)
        self.latest: float | None = None
        self._labels = Shared[dict[str, str]](dict[str, str], {}, "metadata.labels")

    def read(self, text: bytes | msgspec.Raw) -> Node:
        """The node of this JSON text.

        Raises:
            InputError: the node is not one the API server would take; ``field`` says where.
            msgspec.ValidationError: the same, found by the decoder.
        """
        source = self._decoder.decode(text)
        if not source.metadata.name:
            raise InputError("nothing", "a name", field="metadata.name")
        status = source.status or NodeStatus()
        self._note(status)
        labels = self._labels.get(bytes(source.metadata.labels))
        allocatable = _allocatable(status)
        devices = device_inventory(allocatable, labels, source.metadata.annotations or Annotations())
        return Node(
            name=source.metadata.name,
            allocatable=without_devices(allocatable),
            labels=labels,
            taints=source.spec.taints or () if source.spec else (),
            unschedulable=bool(source.spec and source.spec.unschedulable),
            ready=all(condition.status == "True" for condition in status.conditions or () if condition.type == "Ready"),
            images=status.images or (),
            devices=devices,
        )

    def _note(self, status: NodeStatus) -> None:
        """Keep the latest time that a node was heard of."""
        for condition in status.conditions or ():
            if condition.last_heartbeat_time is not None:
                heard = condition.last_heartbeat_time.timestamp()
                self.latest = heard if self.latest is None else max(self.latest, heard)


def _allocatable(status: NodeStatus) -> dict[str, int]:
    """What the node offers; the API server takes the capacity where nothing else is said."""
    if status.allocatable:
        return whole(amounts(status.allocatable, "status.allocatable"))
    if status.capacity:
        return whole(amounts(status.capacity, "status.capacity"))
    raise InputError("nothing", "the amounts the node offers, such as cpu, memory and pods", field="status.allocatable")
