"""The policies that go by rules alone: on-demand, greedy, time-sliced, uniform progress."""

from __future__ import annotations

from yuheng.placement.deadline.arrays import (
    IDLE,
    NEVER,
    ON_DEMAND,
    ON_DEMAND_ONLY,
    SPOT,
    TIME_SLICED,
    TINY,
    UNIFORM_PROGRESS,
    Course,
    Job,
)
from yuheng.scheduling.kernel import kernel

__all__ = ["rule"]


@kernel
def rule(policy: int, job: Job, course: Course, spot: int, passed: float) -> int:
    """What the policies wish that go by rules alone."""
    mode, done = course.place[0], job.work - course.now[0]
    if policy == ON_DEMAND_ONLY:
        return ON_DEMAND
    part, room = 0, course.now[1]
    if policy == TIME_SLICED:
        length = (job.work + job.slack) / job.slices
        part = min(int(passed / length), job.slices - 1)
        need = job.work * (part + 1) / job.slices - done
        room = (part + 1) * length - passed - need if need > TINY else NEVER
    # The safety net: with room for two change-overs left, on-demand, to the end (of the slice).
    if mode != SPOT and (room < 2 * job.change_over - TINY or (spot < 0 and room - job.gap < job.change_over - TINY)):
        course.place[2] = part
    if course.place[2] == part:
        return ON_DEMAND
    if policy == UNIFORM_PROGRESS:
        return _uniform(job, mode, spot, done, passed)
    return SPOT if spot >= 0 else IDLE


@kernel
def _uniform(job: Job, mode: int, spot: int, done: float, passed: float) -> int:
    """Uniform progress (NSDI'24): on-demand when idle and behind; back to spot only two change-overs ahead."""
    pace = job.work / (job.work + job.slack)
    if mode == ON_DEMAND:
        return SPOT if spot >= 0 and done >= (passed + 2 * job.change_over) * pace else ON_DEMAND
    if spot >= 0:
        return SPOT
    return ON_DEMAND if done < passed * pace else IDLE
