"""The best plan for one who knows the traces and is paid for work: the inner problem of the bound."""

from __future__ import annotations

import math

from yuheng.placement.deadline.arrays import F64, Job, Markets
from yuheng.scheduling.kernel import kernel

__all__ = ["relaxed"]


@kernel
def relaxed(job: Job, markets: Markets, worth: float, plans: F64) -> None:
    """The best plan, with full knowledge, for one who is paid for work: least cost minus ``worth`` times work.

    Args:
        job: its work does not matter; its time does.
        markets: the zones.
        worth: US dollars for a second of work.
        plans: (3Z + 1, 9) written: for nowhere yet, idle in each zone, on spot in each, on-demand in each, the best
            plan from the start on: its cost minus worth, then as `Course.totals` but that seconds until the end is not
                told.
    """
    zones = markets.available.shape[0]
    time = job.work + job.slack
    for p in range(plans.shape[0]):
        for c in range(plans.shape[1]):
            plans[p, c] = 0.0
    for tick in range(math.ceil(time / job.gap - 1e-9) - 1, -1, -1):
        length = min(job.gap, time - tick * job.gap)
        best = -1
        for z in range(zones):
            spot, on_demand = 1 + zones + z, 1 + 2 * zones + z
            _run(plans, on_demand, length, markets.on_demand[z], worth, 4)
            if best < 0 or plans[on_demand, 0] < plans[best, 0]:
                best = on_demand
            if markets.available[z, job.first + tick] > 0:
                _run(plans, spot, length, markets.spot[z], worth, 3)
                if plans[spot, 0] < plans[best, 0]:
                    best = spot
        _starts(job, markets, worth, plans, best, tick)


@kernel
def _run(plans: F64, p: int, length: float, price: float, worth: float, column: int) -> None:
    """Put a while on an instance before a plan."""
    plans[p, 0] += length * (price - worth)
    plans[p, 1] += length * price
    plans[p, 2] += length
    plans[p, column] += length


@kernel
def _starts(job: Job, markets: Markets, worth: float, plans: F64, best: int, tick: int) -> None:
    """Let every plan begin with a start where that is better: of the best anywhere, or one in the same zone."""
    zones = markets.available.shape[0]
    for p in range(zones + 1):
        source = best
        fare = 0.0 if p == 0 or (best - 1) % zones == p - 1 else markets.egress[p - 1]
        if p > 0 and fare > 0.0:
            for own in (zones + p, 2 * zones + p):
                there = own == 2 * zones + p or markets.available[p - 1, job.first + tick] > 0
                if there and plans[own, 0] < plans[source, 0] + fare:
                    source, fare = own, 0.0
        if plans[source, 0] + fare + worth * job.change_over < plans[p, 0]:
            _copy(plans, source, p)
            plans[p, 0] += fare + worth * job.change_over
            plans[p, 1] += fare
            plans[p, 2] -= job.change_over
            plans[p, 5] += job.change_over
            plans[p, 6] += 1
            plans[p, 7] += 0.0 if p == 0 or (source - 1) % zones == p - 1 else 1.0
            plans[p, 8] += fare
    for z in range(zones):
        for held in (1 + zones + z, 1 + 2 * zones + z):
            gone = held == 1 + zones + z and markets.available[z, job.first + tick] == 0
            if gone or plans[1 + z, 0] < plans[held, 0]:
                _copy(plans, 1 + z, held)


@kernel
def _copy(plans: F64, source: int, target: int) -> None:
    """Take over a plan."""
    for c in range(plans.shape[1]):
        plans[target, c] = plans[source, c]
