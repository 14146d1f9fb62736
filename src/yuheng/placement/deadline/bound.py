"""Omniscient: what a job costs at least, for one who knows the traces.

The best schedule is a knapsack of spells and hard to find exactly. Its cost is bounded from below by Lagrangian
relaxation (Geoffrion, "Lagrangean relaxation for integer programming", 1974): pay v US dollars for each second of work,
and drop the demand that all of it is done. For any v, the least of (cost - v * work) over all schedules, plus
v * (the job's work), is at most the cost of every schedule that does the work; dynamic programming finds that least
exactly (`relaxed`). The greatest such bound is the lower convex hull of (work, cost) over all schedules, at the
job's work. It is reached by two schedules, one with less work and one with more, that mix to exactly the job's work;
what the mixture costs, holds and starts is what is told.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yuheng.placement.deadline.arrays import Job, Markets
from yuheng.placement.deadline.relaxed import relaxed

__all__ = ["least_cost"]

# Every round finds a corner of the hull or ends; a handful is the rule.
ROUNDS = 60
# Of the work: what sums of thousands of gaps may lack.
ROUNDING = 1e-9


def least_cost(job: Job, markets: Markets) -> tuple[float, ...]:
    """A lower bound of the cost of the job, and what the mixture of two schedules that reaches it does.

    Returns:
        US dollars; seconds of work, on spot, on-demand, lost in change-overs; starts, moves; US dollars of egress.
    """
    plans = np.zeros((3 * len(markets.spot) + 1, 9))
    less = np.zeros(8)
    more = _on_demand(job, markets)
    highest = 0.0
    for _ in range(ROUNDS):
        worth = (more[0] - less[0]) / (more[1] - less[1])
        relaxed(job, markets, worth, plans)
        found = plans[0]
        highest = max(highest, float(found[0] + worth * job.work))
        if found[0] >= more[0] - worth * more[1] - 1e-9 * abs(more[0]):
            break
        # A schedule that lacks what rounding takes has done the work: where there is no time to spare, all do.
        if found[2] >= job.work * (1 - ROUNDING):
            more = found[1:].copy()
        else:
            less = found[1:].copy()
    else:
        # Not at the hull yet: what the mixture costs is no bound, what relaxation gave is.
        more[0] = less[0] = highest
    share = min((job.work - less[1]) / (more[1] - less[1]), 1.0)
    return tuple((less + share * (more - less)).tolist())


def _on_demand(job: Job, markets: Markets) -> NDArray[np.float64]:
    """On-demand to the deadline: the dearest schedule worth looking at, with work enough."""
    time = job.work + job.slack
    price = float(markets.on_demand.min())
    return np.array([time * price, time - job.change_over, 0.0, time, job.change_over, 1.0, 0.0, 0.0])
