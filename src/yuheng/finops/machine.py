"""A machine of the price book as the node that it would be in another's place."""

from __future__ import annotations

from typing import Final

import msgspec

from yuheng.finops.market_labels import remarketed
from yuheng.finops.node_mix.kinds import architecture
from yuheng.finops.node_mix.reserve import RESERVE_OF, allocatable
from yuheng.finops.pricing import provider_of
from yuheng.model.labels import ARCH, HOSTNAME, INSTANCE_TYPE, OLD_ARCH
from yuheng.model.node import DeviceInventory, Node
from yuheng.model.node_price import NodePrice
from yuheng.model.prices import Market, Price, Rates

__all__ = ["in_place_of", "priced_as"]

# Where nothing tells the provider, the rule that keeps most.
_USUAL: Final = "eks"


def in_place_of(node: Node, name: str, machine: Price | None, market: Market) -> Node:
    """The node that would stand in another's place: its zone, its pool's labels and taints, its GPUs' model.

    Args:
        node: whose place it takes.
        name: what it is called.
        machine: what the machine has; None for the same as the node's.
        market: how it is bought.
    """
    labels = remarketed(node.labels, market)
    if HOSTNAME in labels:
        labels[HOSTNAME] = name
    fresh: Node = msgspec.structs.replace(node, name=name, labels=labels, images=(), unschedulable=False, ready=True)
    return fresh if machine is None else _resized(fresh, machine)


def _resized(node: Node, machine: Price) -> Node:
    kind = machine.instance_type
    labels = {**node.labels, INSTANCE_TYPE: kind}
    for key in (ARCH, OLD_ARCH):
        if key in labels or key == ARCH:
            labels[key] = architecture(kind)
    pods = node.allocatable.get("pods", 110)
    rule = RESERVE_OF.get(machine.provider or provider_of(node.labels), _USUAL)
    cpu, memory = allocatable(rule, machine.cpu_milli, machine.memory, pods)
    amounts = {**node.allocatable, "cpu": cpu, "memory": memory}
    for name in ("nvidia.com/gpu", "amd.com/gpu"):
        if name in amounts:
            amounts[name] = machine.gpus
    devices = msgspec.structs.replace(node.devices, count=machine.gpus) if machine.gpus else DeviceInventory()
    resized: Node = msgspec.structs.replace(node, allocatable=amounts, labels=labels, devices=devices)
    return resized


def priced_as(node: Node, like: NodePrice, price: Price) -> NodePrice:
    """What a node in another's place costs.

    Args:
        node: the node.
        like: the price of the node whose place it takes; its split over resources is kept in its ratio.
        price: the row of the price book.
    """
    # The rates of one unit of each resource keep their ratio, and all that the node has costs its price.
    amounts, ratio = node.allocatable, Rates(like.cpu, like.memory, like.gpu)
    whole = ratio.of(amounts.get("cpu", 0), amounts.get("memory", 0), node.devices.count)
    scale = price.per_hour / whole if whole > 0 else 0.0
    found: NodePrice = msgspec.structs.replace(
        like,
        node=node.name,
        instance_type=price.instance_type,
        market=price.market,
        per_hour=price.per_hour,
        cpu=like.cpu * scale,
        memory=like.memory * scale,
        gpu=like.gpu * scale,
        price=price,
        why=f"instance type {price.instance_type} ({price.market})",
        rivals=(),
    )
    return found
