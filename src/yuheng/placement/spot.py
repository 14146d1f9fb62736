"""Advice for a job with a deadline that may be interrupted: what spot would cost, if the market goes on as it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from yuheng.model.fleet import SpotTrace
from yuheng.model.fleet_plan import SpotAdvice
from yuheng.model.prices import MARKETS
from yuheng.placement.cases import Case
from yuheng.placement.deadline import advise
from yuheng.placement.terrain import Terrain

__all__ = ["cheapest", "spot_advice"]

HOUR = 3600.0


class _Offer(NamedTuple):
    """A machine of a region that can be had on both markets, and when its spot capacity could be had."""

    region: str
    work: float
    beside: float
    on_demand: float
    spot: float
    traces: tuple[SpotTrace, ...]


def spot_advice(case: Case, terrain: Terrain, now: float) -> dict[int, SpotAdvice]:
    """By group of spot machines, how to run a job on them, or on-demand, and still meet its deadline.

    Args:
        case: the job.
        terrain: where it may run.
        now: the plan's time, in seconds since the epoch.

    Returns:
        The advices; none when the job cannot be interrupted, has no deadline, or nothing was observed where it may run.
    """
    needs, quote = case.workload.requirements, case.quote
    if not needs.interruptible or not quote.ends or quote.limit is None:
        return {}
    found = {}
    for g, offer in _offers(case, terrain, now):
        # Data is moved and the machine opened before the work begins, and results are moved after it.
        left = quote.limit - now - offer.beside
        if left < offer.work + needs.checkpoint:
            continue
        history = [(trace.zone, trace.gap, np.array(trace.available, dtype=np.bool_)) for trace in offer.traces]
        advice = advise(offer.work, left, needs.checkpoint, offer.on_demand, offer.spot, history)
        found[g] = SpotAdvice(
            policy=advice.policy,
            region=offer.region,
            zones=tuple(trace.zone for trace in offer.traces),
            expected_cost=advice.expected_cost,
            low=advice.low,
            high=advice.high,
            on_demand_cost=advice.on_demand_cost,
            savings_percent=100.0 * advice.savings,
            runs=advice.runs,
        )
    return found


def cheapest(advices: Mapping[int, SpotAdvice]) -> SpotAdvice | None:
    """The advice of the least expected cost, of equal ones that of the first region; None where there is none."""
    return min(advices.values(), key=lambda one: (one.expected_cost, one.region), default=None)


def _offers(case: Case, terrain: Terrain, now: float) -> Iterator[tuple[int, _Offer]]:
    """The machines that the job may use on both markets where spot capacity was observed, by their spot group."""
    quote, spot = case.quote, MARKETS.index("spot")
    counts = np.array([count for _, count in quote.templates], dtype=np.float64)
    rate = counts @ quote.rate
    for g in np.flatnonzero(quote.open & (terrain.market == spot)).tolist():
        group, r = terrain.groups[g], int(terrain.region[g])
        traces = [one for one in terrain.region_of(r).spot if one.instance_type in ("", group.instance_type)]
        same = [
            other
            for other in np.flatnonzero(quote.open & (terrain.region == r) & (terrain.market != spot)).tolist()
            if terrain.groups[other].instance_type == group.instance_type
        ]
        run = case.workload.requirements.time_on(group.instance_type, group.gpu_model)
        if traces and same and run is not None:
            dear = min(float(rate[other]) for other in same)
            work = run.mean / float(terrain.speed[g])
            beside = float(quote.start[g] + quote.busy[g]) - now - work
            yield g, _Offer(terrain.regions[r], work, max(beside, 0.0), dear, float(rate[g]), tuple(traces))
