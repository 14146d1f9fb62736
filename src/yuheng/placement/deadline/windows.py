"""The stretch of every zone's trace that a run sees, on one common clock, as arrays."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from yuheng.model.deadline import DeadlineJob, SpotZone
from yuheng.placement.deadline.arrays import HOUR, Job, Markets

__all__ = ["window"]

# A slice should have room for four change-overs, and there is no need for more than 24 of them.
CHANGE_OVERS = 4
SLICES = 24


def window(job: DeadlineJob, zones: Sequence[SpotZone], offset: float, history: float = 0.0) -> tuple[Job, Markets]:
    """The job and its markets from a point of the traces on.

    Zones may be told of at different intervals: decisions are made at the shortest of them, and at each one the
    element of a trace counts in which it lies.

    Args:
        job: the job.
        zones: one at least.
        offset: seconds from the beginning of the traces to the start of the job; traces begin anew after their end.
        history: seconds before the start that were watched; no more than there are before it.
    """
    gap = min(zone.gap for zone in zones)
    first = int(min(history, offset) / gap)
    count = first + math.ceil(job.time / gap) + 1
    ticks = (np.arange(count) - first) * gap + offset
    hourly = 1.0 / HOUR
    slices = SLICES if not job.change_over else int(job.slack / (CHANGE_OVERS * job.change_over))
    return (
        Job(job.work, job.slack, job.change_over, gap, first, min(max(slices, 1), SLICES)),
        Markets(
            available=np.array([_elements(zone, ticks) for zone in zones]),
            on_demand=np.array([zone.on_demand for zone in zones]) * hourly,
            spot=np.array([zone.spot for zone in zones]) * hourly,
            egress=np.array([zone.egress for zone in zones]),
        ),
    )


def _elements(zone: SpotZone, ticks: np.ndarray) -> np.ndarray:
    """The elements of a trace in which these times lie."""
    # A time that is a whole number of gaps belongs to the element that begins then, whatever its last digits are.
    numbers = np.floor(ticks / zone.gap + 1e-9).astype(np.int64)
    return zone.available[numbers % len(zone.available)].astype(np.uint8)
