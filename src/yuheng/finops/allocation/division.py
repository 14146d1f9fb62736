"""What was held of each node, as money; what is left of it is idle.

A node is paid for its whole window. Its price is split over cpu, memory and GPUs; each entry pays for what it held at
the rate of its node. Where all entries of a node together held more of a resource than it has (usage above requests,
or nodes that were replaced), all of them pay less in proportion, so that nothing is negative and nobody pays twice.
What was held on a node that is not known is taken from what is left of all nodes, at the mean rate of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.allocation.demand import Demand
from yuheng.model.node import Node
from yuheng.model.node_price import NodePrice
from yuheng.model.units import GIB

__all__ = ["Divided", "Paid", "divide", "paid_for"]

Numbers = NDArray[np.float64]

CPU: Final = 0
# More than so much above what a node has is told.
_SLIGHTLY: Final = 1.001


class Paid(NamedTuple):
    """What nodes have, and what is paid for them.

    Attributes:
        rates: (N, 3) US dollars per core-hour, GiB-hour and device-hour; all of a node at its rates is its price.
        amounts: (N, 3) cores, GiB and devices.
        per_hour: (N,) US dollars.
    """

    rates: Numbers
    amounts: Numbers
    per_hour: Numbers


class Divided(NamedTuple):
    """The price of a cluster's nodes, divided.

    Attributes:
        costs: (E, 3) US dollars of each entry for cpu, memory and GPUs.
        used: (E,) US dollars of what was used of that, as far as usage tells.
        told: (E,) US dollars of what was held while usage was told.
        idle: (N, P, 3) US dollars of each node, stretch and resource that nobody held.
        total: US dollars of all nodes over these stretches.
        crowded: (N,) whether a node had more held of a resource than it has.
    """

    costs: Numbers
    used: Numbers
    told: Numbers
    idle: Numbers
    total: float
    crowded: NDArray[np.bool_]


def divide(demand: Demand, paid: Paid, hours: Numbers) -> Divided:
    """Divide the price of nodes among those who held them.

    Args:
        demand: what was held.
        paid: the nodes of the cluster, and their prices.
        hours: (P,) of each stretch of time.
    """
    rates, amounts, per_hour = paid
    capacity: Numbers = amounts[:, None, :] * hours[None, :, None]
    placed = demand.node >= 0
    held = np.zeros((len(amounts), len(hours), 3))
    np.add.at(held, (demand.node[placed], demand.period[placed]), demand.held[placed])
    scale = np.minimum(_ratio(capacity, held, 1.0), 1.0)
    free = np.clip(capacity - held * scale, 0.0, None)
    worth = free * rates[:, None, :]

    per_entry = np.zeros((len(demand.pod), 3))
    at = (demand.node[placed], demand.period[placed])
    per_entry[placed] = (rates[:, None, :] * scale)[at]
    floating, taken = _floating(demand, placed, free, worth)
    per_entry[~placed] = floating[demand.period[~placed]]

    idle = worth * (1.0 - taken)[None, :, :]
    idle[:, :, CPU] += _remainders(paid)[:, None] * hours[None, :]
    return Divided(
        costs=demand.held * per_entry,
        used=(demand.used * per_entry).sum(axis=1),
        told=(demand.told * per_entry).sum(axis=1),
        idle=idle,
        total=float(per_hour.sum() * hours.sum()),
        crowded=np.asarray((held > capacity * _SLIGHTLY).any(axis=(1, 2)), dtype=bool),
    )


def paid_for(nodes: Sequence[Node], prices: Sequence[NodePrice]) -> Paid:
    """What nodes have, and what is paid for them; rates that do not add up to their node's price are scaled to it.

    Args:
        nodes: of the cluster.
        prices: of each of the nodes, in their order.
    """
    amounts = np.array(
        [
            (node.allocatable.get("cpu", 0) / 1000, node.allocatable.get("memory", 0) / GIB, node.devices.count)
            for node in nodes
        ],
        dtype=np.float64,
    ).reshape(-1, 3)
    rates = np.array([(price.cpu, price.memory, price.gpu) for price in prices], dtype=np.float64).reshape(-1, 3)
    per_hour = np.array([price.per_hour for price in prices], dtype=np.float64)
    factor = _ratio(per_hour, (rates * amounts).sum(axis=1), 0.0)
    return Paid(rates * factor[:, None], amounts, per_hour)


def _remainders(paid: Paid) -> Numbers:
    """(N,) US dollars per hour of nodes that have nothing to split a price over: all of it is idle."""
    return np.where((paid.rates * paid.amounts).sum(axis=1) > 0, 0.0, paid.per_hour)


def _floating(demand: Demand, placed: NDArray[np.bool_], free: Numbers, worth: Numbers) -> tuple[Numbers, Numbers]:
    """What is held on nodes nobody knows: (P, 3) its rates, and (P, 3) which part of what is free it takes."""
    wanted = np.zeros(free.shape[1:])
    np.add.at(wanted, demand.period[~placed], demand.held[~placed])
    available = free.sum(axis=0)
    taken = np.minimum(_ratio(wanted, available, 0.0), 1.0)
    return _ratio(taken * worth.sum(axis=0), wanted, 0.0), taken


def _ratio(part: Numbers, whole: Numbers, otherwise: float) -> Numbers:
    """Element by element; something else where there is nothing to divide by."""
    found: Numbers = np.divide(part, whole, out=np.full(np.shape(whole), otherwise), where=whole > 0)
    return found
