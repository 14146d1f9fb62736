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
    """Makes nodes of the model."""

    def __init__(self) -> None:
        self._decoder = msgspec.json.Decoder(NodeObject)
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


def _allocatable(status: NodeStatus) -> dict[str, int]:
    """What the node offers; the API server takes the capacity where nothing else is said."""
    if status.allocatable:
        return whole(amounts(status.allocatable, "status.allocatable"))
    if status.capacity:
        return whole(amounts(status.capacity, "status.capacity"))
    raise InputError("nothing", "the amounts the node offers, such as cpu, memory and pods", field="status.allocatable")
