"""Nodes: what a machine offers, what it repels, and the GPUs it has."""

from __future__ import annotations

from typing import Literal

import msgspec

__all__ = ["ContainerImage", "DeviceInventory", "Node", "Taint", "Toleration"]

TaintEffect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]


class Taint(msgspec.Struct, frozen=True, rename="camel"):
    """A taint: pods that do not tolerate it are repelled as its effect says."""

    key: str
    effect: TaintEffect
    value: str = ""


class Toleration(msgspec.Struct, frozen=True, rename="camel"):
    """A toleration of taints. An empty key with ``Exists`` tolerates everything, an empty effect every effect."""

    key: str = ""
    operator: Literal["", "Equal", "Exists", "Lt", "Gt"] = ""
    value: str = ""
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = ""

    def tolerates(self, taint: Taint) -> bool:
        """Whether this toleration covers the taint (``k8s.io/api/core/v1`` ``Toleration.ToleratesTaint``).

        ``Lt`` and ``Gt`` are behind a feature gate that is off by default: they tolerate nothing.
        """
        if self.effect and self.effect != taint.effect:
            return False
        if self.key and self.key != taint.key:
            return False
        if self.operator == "Exists":
            return True
        return self.operator in ("", "Equal") and self.value == taint.value


class ContainerImage(msgspec.Struct, frozen=True, rename="camel"):
    """An image a node has already: all its names, and its size in bytes."""

    names: tuple[str, ...] = ()
    size_bytes: int = 0


class DeviceInventory(msgspec.Struct, frozen=True):
    """The GPUs of a node, numbered from 0, all alike.

    Attributes:
        count: how many devices the node has.
        memory: bytes of memory of one device; 0 when unknown.
        model: the GPU model's name, empty when unknown.
    """

    count: int = 0
    memory: int = 0
    model: str = ""


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A node of a cluster.

    Attributes:
        name: unique in the cluster.
        allocatable: whole amounts by resource name; ``cpu`` in milli-cores, ``memory`` and ``ephemeral-storage`` in
            bytes, ``pods`` and extended resources as counts.
        unschedulable: cordoned (``spec.unschedulable``).
        ready: whether the node's ``Ready`` condition is true, or it has none.
    """

    name: str
    allocatable: dict[str, int]
    labels: dict[str, str] = {}
    taints: tuple[Taint, ...] = ()
    unschedulable: bool = False
    ready: bool = True
    images: tuple[ContainerImage, ...] = ()
    devices: DeviceInventory = DeviceInventory()
