"""The nodes of a cluster or a fleet as demand that never changes: what there is to go by where no history is."""

from __future__ import annotations

from collections import Counter

import numpy as np

from yuheng.errors import InputError
from yuheng.finops.pricing import provider_of
from yuheng.model.cluster import Snapshot
from yuheng.model.commitments import DemandLine, DemandSeries
from yuheng.model.fleet import Fleet
from yuheng.model.labels import INSTANCE_TYPE, REGION
from yuheng.model.node import Node
from yuheng.model.units import HOURS_A_MONTH
from yuheng.placement.machines import market_of

__all__ = ["standing_demand"]


def standing_demand(state: Fleet | Snapshot, source: str) -> DemandSeries:
    """The nodes that exist, in use for a month; spot ones, and those that are reserved already, left out.

    Args:
        state: the cluster or the fleet.
        source: what it was read from.

    Raises:
        InputError: no node tells its instance type, or all are spot or reserved.
    """
    counts: Counter[tuple[str, str, str]] = Counter()
    spot = booked = untold = 0
    for node, provider, region in _nodes(state):
        name = node.labels.get(INSTANCE_TYPE, "")
        market = market_of(node.labels)
        spot += market == "spot"
        booked += market == "reserved"
        untold += not name
        if name and market == "on-demand":
            counts[provider_of(node.labels) or provider, node.labels.get(REGION, region), name] += 1
    if not counts:
        found = "no nodes that tell their instance type and are neither spot nor reserved"
        raise InputError(found, "one at least", source=source)
    warnings = ["the nodes of one moment are taken to be in use all the time: with --demand it is known"]
    warnings += [f"{spot} spot nodes are left out: spot cannot be reserved"] if spot else []
    warnings += [f"{booked} nodes are left out: they are reserved already"] if booked else []
    warnings += [f"{untold} nodes are left out: they do not tell their instance type"] if untold else []
    lines = tuple(
        DemandLine(provider=provider, region=region, instance_type=name, amounts=np.array([float(count)]))
        for (provider, region, name), count in sorted(counts.items())
    )
    return DemandSeries(hours=np.array([HOURS_A_MONTH]), lines=lines, source=source, warnings=tuple(warnings))


def _nodes(state: Fleet | Snapshot) -> list[tuple[Node, str, str]]:
    """All nodes, with the provider and region of their cluster."""
    if isinstance(state, Snapshot):
        return [(node, "", "") for node in state.nodes]
    return [(node, one.provider, one.region) for one in state.clusters for node in one.snapshot.nodes]
