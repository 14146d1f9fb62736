"""The policies that go by rules, once more: slowly, for one zone, as the rule book words them."""

from __future__ import annotations

from yuheng.model.deadline import DeadlineJob, SpotZone

IDLE, SPOT, ON_DEMAND = "idle", "spot", "on-demand"


def plain_cost(policy: str, job: DeadlineJob, zone: SpotZone, first: int = 0) -> float:
    """US dollars of a run that starts at an element of the trace."""
    done = cost = starting = 0.0
    held, for_good = IDLE, False
    tick = 0
    while done < job.work - 1e-6:
        passed = tick * zone.gap
        has_spot = bool(zone.available[(first + tick) % len(zone.available)])
        if held == SPOT and not has_spot:
            held = IDLE
        slack = (job.time - passed) - (job.work - done)
        too_late_to_wait = slack - zone.gap < job.change_over - 1e-6
        if held != SPOT and (slack < 2 * job.change_over - 1e-6 or (too_late_to_wait and not has_spot)):
            for_good = True
        if policy == "on-demand" or for_good:
            wish = ON_DEMAND
        elif policy == "greedy":
            wish = SPOT if has_spot else IDLE
        else:
            wish = _uniform_progress(job, held, has_spot, done, passed)
        if wish not in (IDLE, held):
            starting = job.change_over
        held = wish
        if held != IDLE:
            works = min(max(zone.gap - starting, 0.0), job.work - done)
            paid = min(starting, zone.gap) + works
            starting -= min(starting, zone.gap)
            done += works
            cost += paid / 3600 * (zone.spot if held == SPOT else zone.on_demand)
        tick += 1
    return cost


def _uniform_progress(job: DeadlineJob, held: str, has_spot: bool, done: float, passed: float) -> str:
    def expected(time: float) -> float:
        return time * job.work / job.time

    if held == ON_DEMAND:
        return SPOT if has_spot and done >= expected(passed + 2 * job.change_over) else ON_DEMAND
    if has_spot:
        return SPOT
    return ON_DEMAND if done < expected(passed) else IDLE
