"""Jobs to shift, drawn at random."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.errors import InputError
from yuheng.model.shifting import ShiftableJob, ShiftWorkload
from yuheng.placement.shifting.limits import WORKDAYS, weekday

__all__ = ["draw_jobs"]

DAY: Final = 86400.0
MINUTE: Final = 60.0


def draw_jobs(workload: ShiftWorkload, seed: int) -> tuple[ShiftableJob, ...]:
    """The jobs of a workload, in the order they are issued in.

    How many each day has is drawn first, then the moments of each day in turn, then all durations, so that the draws
    are those of Wiesner et al., "Let's Wait Awhile" (Middleware '21), when the workload is theirs.

    Args:
        workload: what to draw.
        seed: the same one draws the same jobs.

    Raises:
        InputError: there is no day, no moment of a day, or no duration to draw from.
    """
    days = _days(workload)
    moments = np.arange(MINUTE * workload.opens, MINUTE * workload.closes, workload.step)
    durations = np.arange(workload.shortest, workload.longest + workload.step / 2, workload.step)
    for choice, name in ((days, "day"), (moments, "moment of the day"), (durations, "duration")):
        if not len(choice):
            raise InputError(f"no {name} to draw jobs from", "one or more", subject="workload")
    draws = np.random.default_rng(seed)
    each = np.full(len(days), workload.daily)
    if workload.count:
        each = draws.multinomial(workload.count, np.full(len(days), 1 / len(days)))
    issued = [day + np.sort(draws.choice(moments, size=count)) for day, count in zip(days, each, strict=True)]
    starts = np.concatenate(issued)
    lengths = draws.choice(durations, size=len(starts))
    return tuple(
        ShiftableJob(name=f"job-{i}", issued=float(start), duration=float(length), weight=workload.weight)
        for i, (start, length) in enumerate(zip(starts, lengths, strict=True))
    )


def _days(workload: ShiftWorkload) -> NDArray[np.float64]:
    """(N,) when each day begins on which jobs are issued."""
    days = np.arange(workload.start, workload.end + DAY / 2, DAY)
    kept = [not workload.workdays or weekday(day // DAY) in WORKDAYS for day in days]
    return days[np.array(kept, dtype=np.bool_)]
