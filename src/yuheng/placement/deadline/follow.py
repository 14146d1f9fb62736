"""A job on spot markets, decision by decision, and the safety net under every policy.

Time passes in gaps; what the markets offer is seen at the start of each, and holds for it. *Slack* is the time to the
deadline minus the work that is left. Work on a running instance leaves the slack as it is; waiting takes a second of it
each second, and starting an instance takes the change-over d.

**Why no deadline is missed.** Keep, before every gap of length g:

    idle, or about to be:           slack >= d       (on-demand can still be started, and never stops)
    on-demand, r of its start left: slack >= r

The job starts with slack >= d, which is checked before. A gap keeps the invariant when only these are done
(`_allowed`): on-demand (started at slack >= d it needs r = d, and spends exactly r from there); idling when slack - g
>= d; starting on spot when slack >= 2d, as a start takes at most d of it, however often it is looked at, and even if
it is lost at its last second on-demand can be started; going on with a spot instance when slack - min(r, g) >= d. When
the wish of a policy is not among them, the instance is on-demand. So slack never falls below 0; work that is left is
then done without a pause; and the deadline holds at all times, not only between gaps, as slack changes within a gap in
one direction only.
"""

from __future__ import annotations

from yuheng.placement.deadline.arrays import (
    IDLE,
    NEVER,
    ON_DEMAND,
    OURS,
    SPOT,
    TINY,
    Beliefs,
    Course,
    Job,
    Markets,
    Table,
)
from yuheng.placement.deadline.rules import rule
from yuheng.placement.deadline.spells import expected_stay, observe
from yuheng.placement.deadline.values import cheapest, relearn
from yuheng.scheduling.kernel import kernel

__all__ = ["follow"]


@kernel
def follow(policy: int, job: Job, markets: Markets, beliefs: Beliefs, table: Table, course: Course) -> int:
    """Run the job under a policy; how many decisions it took. What happened is written into the course."""
    for column in range(job.first):
        observe(beliefs, markets, column, job.gap)
    now = course.now
    now[0], now[1], now[2] = job.work, job.slack, 0.0
    course.place[0], course.place[1], course.place[2] = IDLE, -1, -1
    ticks = 0
    while now[0] > TINY:
        column = job.first + ticks
        observe(beliefs, markets, column, job.gap)
        if course.place[0] == SPOT and markets.available[course.place[1], column] == 0:
            course.place[0] = IDLE
        spot = _spot_zone(policy, job, markets, beliefs, course, column)
        if policy != OURS:
            wish = rule(policy, job, course, spot, ticks * job.gap)
        elif course.place[0] == SPOT:
            wish = SPOT
        elif now[1] < 2 * job.change_over - TINY:
            wish = ON_DEMAND
        else:
            relearn(job, markets, beliefs, table, course)
            wish = cheapest(job, markets, beliefs, table, course, spot)
        _hold(job, markets, course, wish, spot)
        course.mode[ticks], course.zone[ticks] = course.place[0], course.place[1]
        _pass(job, markets, course, ticks * job.gap)
        ticks += 1
    return ticks


@kernel
def _hold(job: Job, markets: Markets, course: Course, wish: int, spot: int) -> None:
    """Take up what a policy wishes if that is safe, and else on-demand."""
    mode, zone = course.place[0], course.place[1]
    running = wish == SPOT and mode == SPOT and spot == zone
    if not _allowed(job, wish, running, course.now[1], course.now[2]):
        wish = ON_DEMAND
    target = spot if wish == SPOT else zone
    if wish == ON_DEMAND and mode != ON_DEMAND:
        target = _on_demand_zone(markets, zone, course.now[0] + job.change_over)
    if wish != IDLE and (wish != mode or target != zone):
        course.now[2] = job.change_over
        course.totals[6] += 1
        if zone >= 0 and target != zone:
            course.totals[7] += 1
            course.totals[8] += markets.egress[zone]
            course.totals[0] += markets.egress[zone]
    course.place[0], course.place[1] = wish, target


@kernel
def _pass(job: Job, markets: Markets, course: Course, passed: float) -> None:
    """Let a gap pass, or what is left of the job."""
    now, totals = course.now, course.totals
    mode, zone = course.place[0], course.place[1]
    if mode == IDLE:
        now[1] -= job.gap
        return
    lost = min(now[2], job.gap)
    worked = min(job.gap - lost, now[0])
    now[0] -= worked
    now[1] -= lost
    now[2] -= lost
    totals[0] += (lost + worked) * (markets.spot[zone] if mode == SPOT else markets.on_demand[zone])
    totals[1] = passed + lost + worked
    totals[2] += worked
    totals[3 if mode == SPOT else 4] += lost + worked
    totals[5] += lost


@kernel
def _allowed(job: Job, wish: int, running: bool, slack: float, rest: float) -> bool:
    """Whether the deadline is safe after a gap of this, whatever the markets do: see the proof above."""
    needed = job.change_over - TINY
    if wish == IDLE:
        return slack - job.gap >= needed
    if wish == SPOT:
        return slack - (min(rest, job.gap) if running else job.change_over) >= needed
    return True


@kernel
def _spot_zone(policy: int, job: Job, markets: Markets, beliefs: Beliefs, course: Course, column: int) -> int:
    """The zone to be on spot in, -1 where none has capacity: where the job is already, unless a move pays.

    The cheapest counts. For ours that is by the hour of work: a start is paid for out of the time capacity will last.
    """
    mode: int = course.place[0]
    zone: int = course.place[1]
    if mode == SPOT and (policy != OURS or course.now[1] < 2 * job.change_over or course.now[2] > 0):
        return zone
    best, least = -1, NEVER
    for z in range(markets.available.shape[0]):
        if markets.available[z, column] == 0:
            continue
        fare = 0.0 if z == zone or zone < 0 else markets.egress[zone]
        price, lasts = markets.spot[z], course.now[0]
        if policy == OURS and not (mode == SPOT and z == zone):
            lasts = min(expected_stay(beliefs, z), lasts)
            fare += job.change_over * markets.spot[z]
        price += fare / max(lasts, TINY)
        if price < least or (price == least and z == zone):
            best, least = z, price
    return best


@kernel
def _on_demand_zone(markets: Markets, zone: int, held: float) -> int:
    """The zone to be on-demand in: the cheapest for so many seconds, the move into it counted."""
    best, least = zone, NEVER if zone < 0 else markets.on_demand[zone] * held
    for z in range(markets.available.shape[0]):
        cost = markets.on_demand[z] * held + (0.0 if z == zone or zone < 0 else markets.egress[zone])
        if cost < least:
            best, least = z, cost
    return best
