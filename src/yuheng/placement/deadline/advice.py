"""Advice for a plan: what a job with a deadline would have cost, had it been started at earlier times.

Ours is replayed over what was observed of the markets, from many starts. The past is no promise: what is told is what
the markets did then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.errors import InputError
from yuheng.model.deadline import DeadlineJob, SpotZone
from yuheng.placement.deadline.arrays import HOUR
from yuheng.placement.deadline.run import check, run
from yuheng.placement.deadline.starts import starts

__all__ = ["Advice", "advise"]


class Advice(NamedTuple):
    """How to run a job.

    Attributes:
        policy: ``yuheng``, or ``on-demand`` where that costs no more.
        expected_cost: the mean over runs, US dollars.
        low, high: between which nine runs in ten were.
        on_demand_cost: on-demand from the start to the end.
        savings: of the expected cost against on-demand, from 0 to 1.
        runs: how many starts were tried; 0 where nothing was observed.
    """

    policy: str
    expected_cost: float
    low: float
    high: float
    on_demand_cost: float
    savings: float
    runs: int


def advise(
    work: float,
    time_left: float,
    change_over: float,
    on_demand: float,
    spot: float,
    history: Sequence[tuple[str, float, NDArray[np.bool_]]],
    *,
    count: int = 100,
) -> Advice:
    """How to run a job with a deadline, and what it will cost if the markets go on as they did.

    Args:
        work: seconds on one instance.
        time_left: seconds to the deadline.
        change_over: seconds from the start of an instance until it works.
        on_demand: US dollars per hour.
        spot: US dollars per hour.
        history: zone, seconds between elements, and whether spot had capacity at each; with several zones the job may
            move between them. Empty: on-demand.
        count: starts to try.

    Raises:
        InputError: the deadline cannot be kept, a price is negative, or a trace is empty.
    """
    job = DeadlineJob(work, time_left, change_over)
    check(job)
    zones = [_zone(name, gap, available, on_demand, spot) for name, gap, available in history]
    base = (work + change_over) / HOUR * on_demand
    if not zones:
        return Advice("on-demand", base, base, base, base, 0.0, 0)
    outcomes = [
        run("yuheng", job, start.zones, start.offset) for start in starts(zones, time_left, count, together=True)
    ]
    costs = np.array([outcome.cost for outcome in outcomes])
    expected = float(costs.mean())
    if expected >= base * (1 - 1e-9):
        return Advice("on-demand", base, base, base, base, 0.0, len(outcomes))
    low, high = (float(value) for value in np.quantile(costs, (0.05, 0.95)))
    return Advice("yuheng", expected, low, high, base, 1.0 - expected / base, len(outcomes))


def _zone(name: str, gap: float, available: NDArray[np.bool_], on_demand: float, spot: float) -> SpotZone:
    if len(available) == 0 or gap <= 0:
        raise InputError("no elements" if gap > 0 else f"{gap:g} s between elements", "a trace", subject=f"zone {name}")
    if min(on_demand, spot) < 0:
        raise InputError(f"{min(on_demand, spot):g}", "a price of 0 or more", subject=f"zone {name}")
    return SpotZone(name=name, gap=gap, available=available, on_demand=on_demand, spot=spot)
