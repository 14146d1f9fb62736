"""One run: a policy, a job, the markets from some point of their traces on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.errors import InputError
from yuheng.model.deadline import DEADLINE_POLICIES, DeadlineJob, SpotZone
from yuheng.placement.deadline.arrays import (
    GREEDY,
    ON_DEMAND_ONLY,
    OURS,
    TIME_SLICED,
    UNIFORM_PROGRESS,
    fresh_beliefs,
    fresh_course,
    fresh_table,
)
from yuheng.placement.deadline.bound import least_cost
from yuheng.placement.deadline.follow import follow
from yuheng.placement.deadline.windows import window

__all__ = ["Outcome", "check", "run"]

OMNISCIENT: Final = "omniscient"
_CODES: Final = {
    "on-demand": ON_DEMAND_ONLY,
    "greedy": GREEDY,
    "time-sliced": TIME_SLICED,
    "uniform-progress": UNIFORM_PROGRESS,
    "yuheng": OURS,
}


class Outcome(NamedTuple):
    """What became of a run; seconds and US dollars.

    Attributes:
        cost: of all instances, and of moves.
        finish: seconds from the start until the work is done.
        work: seconds of work that were done.
        spot, on_demand: seconds that instances were held, change-overs counted.
        lost: seconds of those that went into change-overs.
        starts: instances started.
        moves: starts in another zone than the one before.
        egress: what moves cost.
        mode: (T,) what was held from each decision on: 0 nothing, 1 spot, 2 on-demand. Empty for the bound.
        zone: (T,) where: the number of the zone, -1 before the first start.
        gap: seconds between two decisions.
    """

    cost: float
    finish: float
    work: float
    spot: float
    on_demand: float
    lost: float
    starts: float
    moves: float
    egress: float
    mode: NDArray[np.int8]
    zone: NDArray[np.int16]
    gap: float

    @classmethod
    def of(cls, totals: Sequence[float], gap: float, mode: NDArray[np.int8], zone: NDArray[np.int16]) -> Outcome:
        """The outcome with these totals, in the order of `COLUMNS`."""
        cost, finish, work, spot, on_demand, lost, starts, moves, egress = totals
        return cls(cost, finish, work, spot, on_demand, lost, starts, moves, egress, mode, zone, gap)


def check(job: DeadlineJob) -> None:
    """Check that somebody can keep the deadline.

    Raises:
        InputError: the work and one change-over take longer than there is time.
    """
    if not (job.work > 0 and job.change_over >= 0 and math.isfinite(job.time)):
        raise InputError(f"{job.work:g} s of work, change-overs of {job.change_over:g} s", "work, and no negative time")
    least = job.work + job.change_over
    if job.time < least:
        found = f"a deadline after {job.time:g} s"
        raise InputError(found, f"one after {least:g} s or more: the work, and one change-over", field="deadline")


def run(
    policy: str, job: DeadlineJob, zones: Sequence[SpotZone], offset: float = 0.0, *, history: float = 0.0
) -> Outcome:
    """Run a job.

    Args:
        policy: one of `DEADLINE_POLICIES`; ``omniscient`` gives the bound.
        job: what is to be done.
        zones: where it may run; with several it may move between them.
        offset: seconds from the beginning of the traces to the start of the job.
        history: seconds before the start for which the markets were watched.

    Returns:
        What became of it; ``finish`` never is after the deadline.

    Raises:
        InputError: nobody could keep the deadline, or there is no policy of that name.
    """
    check(job)
    if policy not in DEADLINE_POLICIES:
        raise InputError(repr(policy), f"one of {', '.join(DEADLINE_POLICIES)}", field="policy")
    if policy == OMNISCIENT:
        return _bound(job, zones, offset)
    own, markets = window(job, zones, offset, history)
    course = fresh_course(markets.available.shape[1] - own.first)
    table = fresh_table(job.work, job.slack, job.change_over)
    ticks = follow(_CODES[policy], own, markets, fresh_beliefs(len(zones)), table, course)
    return Outcome.of(course.totals.tolist(), own.gap, course.mode[:ticks], course.zone[:ticks])


def _bound(job: DeadlineJob, zones: Sequence[SpotZone], offset: float) -> Outcome:
    """What no policy can do better than; it has no course."""
    own, markets = window(job, zones, offset)
    plan = least_cost(own, markets)
    return Outcome.of([plan[0], job.time, *plan[1:]], own.gap, np.zeros(0, dtype=np.int8), np.zeros(0, dtype=np.int16))
