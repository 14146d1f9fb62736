"""The carbon of a fleet's electricity, and prices of storage and load balancers that were given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from yuheng.model.cost_change import ChangeRates
from yuheng.model.fleet import Cluster, Region
from yuheng.model.units import HOUR, HOURS_A_MONTH

__all__ = ["carbon_intensity", "with_prices"]

SECONDS_A_MONTH: Final = HOURS_A_MONTH * HOUR


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
