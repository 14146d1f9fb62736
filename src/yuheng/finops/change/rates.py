"""What resources cost on the nodes of a cluster or fleet, on average, and the carbon of its electricity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from yuheng.model.cost_change import HOURS_A_MONTH, ChangeRates
from yuheng.model.fleet import Cluster, Region
from yuheng.model.node import Node
from yuheng.model.node_price import NodePrice
from yuheng.model.prices import DEFAULT_RATES, GIB, Rates

__all__ = ["carbon_intensity", "mean_rates", "with_prices"]

SECONDS_A_MONTH: Final = HOURS_A_MONTH * 3600


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


def carbon_intensity(clusters: Sequence[Cluster], regions: Mapping[str, Region], time: float) -> float | None:
    """Grams of CO2 equivalent per kWh that machines draw, in the month that follows; data centres' own share included.

    The mean over clusters, by the cores of each; clusters whose region has no series are left out.

    Args:
        clusters: of the fleet.
        regions: by key.
        time: when the month begins, in seconds since the epoch.

    Returns:
        None where nothing is known.
    """
    total = weight = 0.0
    for cluster in clusters:
        region = regions.get(cluster.region_key)
        if region is None or region.carbon is None:
            continue
        cores = sum(node.allocatable.get("cpu", 0) for node in cluster.snapshot.nodes) / 1000 or 1.0
        total += cores * region.pue * region.carbon.mean(time, time + SECONDS_A_MONTH)
        weight += cores
    return total / weight if weight else None


def with_prices(rates: ChangeRates, storage: Mapping[str, float], balancer: float) -> ChangeRates:
    """The rates with prices of storage and load balancers that were given.

    Args:
        rates: what is known else.
        storage: US dollars per GiB and month by storage class; the empty class is that of all others.
        balancer: US dollars per hour.
    """
    classes = {name: price for name, price in storage.items() if name}
    usual = storage.get("", rates.storage)
    changed: ChangeRates = msgspec.structs.replace(rates, storage=usual, classes=classes, balancer=balancer)
    return changed
