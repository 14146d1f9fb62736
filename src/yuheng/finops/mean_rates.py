"""What a core, a GiB and a GPU cost on several nodes: one mean for every question that asks no single node."""

from __future__ import annotations

from collections.abc import Iterable

from yuheng.model.node import Node
from yuheng.model.node_price import NodePrice
from yuheng.model.prices import DEFAULT_RATES, Rates
from yuheng.model.units import GIB

__all__ = ["mean_rates"]


def mean_rates(nodes: Iterable[tuple[Node, NodePrice]], default: Rates = DEFAULT_RATES) -> Rates:
    """The mean rate of each resource over nodes, each counted by how much of the resource it has.

    So all of every node together, at these rates, costs what the nodes cost.

    Args:
        nodes: the nodes, each with its price.
        default: the rate of a resource that no node has.
    """
    sums = {"cpu": [0.0, 0.0], "memory": [0.0, 0.0], "gpu": [0.0, 0.0]}
    for node, price in nodes:
        parts = (
            ("cpu", node.allocatable.get("cpu", 0) / 1000, price.cpu),
            ("memory", node.allocatable.get("memory", 0) / GIB, price.memory),
            ("gpu", float(node.devices.count), price.gpu),
        )
        for name, amount, rate in parts:
            sums[name][0] += amount * rate
            sums[name][1] += amount
    found = {name: cost / amount for name, (cost, amount) in sums.items() if amount}
    return Rates(
        cpu=found.get("cpu", default.cpu), memory=found.get("memory", default.memory), gpu=found.get("gpu", default.gpu)
    )
