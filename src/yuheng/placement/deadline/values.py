"""What waiting is worth: the expected cost from here to the end, and the choice that makes it least.

Ours. What is believed of the markets (`spells`) makes a Markov decision process; its values are worked out backwards
from the end of the work, anew whenever beliefs have drifted, and the job takes what costs least by them. It knows no
more of the future than the prior and what was seen.
"""

from __future__ import annotations

import math
from typing import Final

from yuheng.placement.deadline.arrays import (
    F64,
    IDLE,
    NEVER,
    ON_DEMAND,
    SPOT,
    TINY,
    Beliefs,
    Course,
    Job,
    Markets,
    Table,
)
from yuheng.placement.deadline.spells import age_of
from yuheng.scheduling.kernel import kernel

__all__ = ["cheapest", "relearn"]

# How far the ends of spells per second may drift before the values are worked out anew.
DRIFT: Final = 0.1


@kernel
def relearn(job: Job, markets: Markets, beliefs: Beliefs, table: Table, course: Course) -> None:
    """Work the values out anew where what is believed of "any zone" has drifted."""
    zones, ages = markets.available.shape[0], beliefs.ends.shape[2]
    drifted = False
    for side in range(2):
        for a in range(ages):
            hazard = beliefs.ends[zones, side, a] / beliefs.time[zones, side, a]
            if abs(hazard - beliefs.solved[side, a]) > DRIFT * beliefs.solved[side, a]:
                drifted = True
    if not drifted:
        return
    for side in range(2):
        for a in range(ages):
            hazard = beliefs.ends[zones, side, a] / beliefs.time[zones, side, a]
            beliefs.solved[side, a] = hazard
            lasts = NEVER if a == ages - 1 else beliefs.bounds[a] - (beliefs.bounds[a - 1] if a > 0 else 0.0)
            for s in range(2):
                table.odds[2 * s, side, a] = 1.0 - math.exp(-hazard * table.steps[s])
                table.odds[2 * s + 1, side, a] = 1.0 - math.exp(-table.steps[s] / lasts)
    # What is left to do, and the slack, only become less.
    rows = min(int(course.now[0] / table.steps[0]) + 2, table.values.shape[1])
    columns = min(int(course.now[1] / table.steps[1]) + 2, table.values.shape[2])
    _solve(job, lowest(markets.spot), lowest(markets.on_demand), table, rows, columns)


@kernel
def lowest(prices: F64) -> float:
    """The lowest price."""
    least: float = prices[0]
    for z in range(1, prices.shape[0]):
        least = min(least, prices[z])
    return least


@kernel
def _solve(job: Job, spot: float, on_demand: float, table: Table, rows: int, columns: int) -> None:
    """The values, from the end of the work backwards, for so many rows and columns of the table.

    A Markov decision process whose states are the work left, the slack, what is held, and whether there is capacity for
    how long. Working takes a step of work; waiting takes a step of slack; starting an instance takes a change-over of
    slack and is paid for, and is safe as in `_allowed`. A spell ends, or becomes older, once in a step at most.
    """
    values = table.values
    ages = table.odds.shape[2]
    for plane in range(values.shape[0]):
        for j in range(columns):
            values[plane, 0, j] = 0.0
    for i in range(1, rows):
        for a in range(ages):
            _work(table, 0, a, 0, 2, i, columns, table.steps[0] * spot)
            _work(table, 0, a, 3, 4, i, columns, table.steps[0] * on_demand)
            _work(table, 1, a, 4, 3, i, columns, table.steps[0] * on_demand)
        for j in range(columns):
            for side in range(2):
                for a in range(ages):
                    _choose(job, spot, on_demand, table, side, a, i, j)


@kernel
def _work(table: Table, side: int, a: int, here: int, there: int, i: int, columns: int, cost: float) -> None:
    """The values, at any slack, of working for a step: the spell goes on, becomes older, or ends."""
    values, ages = table.values, table.odds.shape[2]
    ends, ripens = table.odds[0, side, a], table.odds[1, side, a]
    same, ripe = (1.0 - ends) * (1.0 - ripens), (1.0 - ends) * ripens
    own, older, other = here * ages + a, here * ages + min(a + 1, ages - 1), there * ages
    for j in range(columns):
        values[own, i, j] = (
            cost + same * values[own, i - 1, j] + ripe * values[older, i - 1, j] + ends * values[other, i - 1, j]
        )


@kernel
def _choose(job: Job, spot: float, on_demand: float, table: Table, side: int, a: int, i: int, j: int) -> None:
    """The values of being idle, and of going on on-demand or giving it up: the best of what can be done."""
    values, ages = table.values, table.odds.shape[2]
    slack, change_over = j * table.steps[1], job.change_over
    idle, held = (1 + side) * ages + a, (3 + side) * ages + a
    if slack < change_over - TINY:
        # Too late for anything but on-demand; dear, so that nobody plans to come here.
        values[idle, i, j] = (i * table.steps[0] + 20.0 * change_over) * on_demand
        return
    # After a start, the slack lies between two columns.
    lower = j - change_over / table.steps[1]
    at = int(lower)
    part = lower - at
    then = min(at + 1, j)
    best = NEVER
    if side == 0 and slack >= 2 * change_over - TINY:
        best = change_over * spot + (1.0 - part) * values[a, i, at] + part * values[a, i, then]
    if j > 0 and slack - table.steps[1] >= change_over - TINY:
        ends, ripens = table.odds[2, side, a], table.odds[3, side, a]
        older, other = (1 + side) * ages + min(a + 1, ages - 1), (2 - side) * ages
        goes_on = (1.0 - ripens) * values[idle, i, j - 1] + ripens * values[older, i, j - 1]
        best = min(best, (1.0 - ends) * goes_on + ends * values[other, i, j - 1])
    starts = change_over * on_demand + (1.0 - part) * values[held, i, at] + part * values[held, i, then]
    values[idle, i, j] = min(best, starts)
    # On-demand can be given up at any time.
    values[held, i, j] = min(values[held, i, j], best)


@kernel
def _value(table: Table, plane: int, left: float, slack: float) -> float:
    """The value at any work left and slack, between the rows and columns of the table."""
    x, y = left / table.steps[0], max(slack, 0.0) / table.steps[1]
    i, j = min(int(x), table.values.shape[1] - 2), min(int(y), table.values.shape[2] - 2)
    u, v = min(x - i, 1.0), min(y - j, 1.0)
    low: float = (1.0 - v) * table.values[plane, i, j] + v * table.values[plane, i, j + 1]
    high: float = (1.0 - v) * table.values[plane, i + 1, j] + v * table.values[plane, i + 1, j + 1]
    found: float = (1.0 - u) * low + u * high
    return found


@kernel
def cheapest(job: Job, markets: Markets, beliefs: Beliefs, table: Table, course: Course, spot: int) -> int:
    """What costs least from here to the end, by what is believed: spot, waiting, or on-demand.

    The job is idle or on-demand, with slack for two change-overs.
    """
    mode, left, slack, rest = course.place[0], course.now[0], course.now[1], course.now[2]
    zones, ages = markets.available.shape[0], table.odds.shape[2]
    any_zone = beliefs.side[zones]
    a = age_of(beliefs, zones)
    price = lowest(markets.on_demand)
    # On-demand for a gap; a start is told apart from a gap of work, as it may take longer.
    lost = rest if mode == ON_DEMAND else job.change_over
    if lost > 0.0:
        best = lost * price + _value(table, (3 + any_zone) * ages + a, left, slack - lost)
    else:
        best = job.gap * price + _expected(job, beliefs, table, 3, max(left - job.gap, 0.0), slack)
    wish = ON_DEMAND
    if slack - job.gap >= job.change_over - TINY:
        waits = _expected(job, beliefs, table, 1, left, slack - job.gap)
        if waits < best:
            wish, best = IDLE, waits
    if spot >= 0:
        starts = job.change_over * markets.spot[spot] + _value(table, a, left, slack - job.change_over)
        if starts <= best:
            wish = SPOT
    return wish


@kernel
def _expected(job: Job, beliefs: Beliefs, table: Table, here: int, left: float, slack: float) -> float:
    """The value after a gap in which the spell goes on or ends; ``here`` 1 for idle, 3 for on-demand."""
    ages = table.odds.shape[2]
    side = beliefs.side[beliefs.side.shape[0] - 1]
    a = age_of(beliefs, beliefs.side.shape[0] - 1)
    ends = 1.0 - math.exp(-beliefs.solved[side, a] * job.gap)
    stays = _value(table, (here + side) * ages + a, left, slack)
    return (1.0 - ends) * stays + ends * _value(table, (here + 1 - side) * ages, left, slack)
