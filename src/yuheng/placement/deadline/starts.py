"""Where in the traces runs begin: spread evenly over all that was recorded, or drawn from seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from yuheng.model.deadline import SpotZone

__all__ = ["Start", "starts"]


class Start(NamedTuple):
    """A start: its number, the zones the job may run in, and seconds from the beginning of their traces."""

    number: int
    zones: tuple[SpotZone, ...]
    offset: float


def starts(
    zones: Sequence[SpotZone], time: float, count: int, *, together: bool = False, seeds: Sequence[int] = ()
) -> list[Start]:
    """Starts over the traces of zones.

    A run lies within its trace, so that nothing is seen twice; every hour of any trace at which one may start counts
    the same. A trace that is shorter than the job's time is begun anew at its end, and any time of it is a start.

    Args:
        zones: one at least.
        time: seconds that runs may take.
        count: how many starts; with seeds, from each of them.
        together: whether a run may use all zones; their traces are taken to begin together, and starts are spread over
            the longest.
        seeds: to draw starts from; empty to spread them.
    """
    groups = [tuple(zones)] if together else [(zone,) for zone in zones]
    room = np.array([max(_room(zone, time) for zone in group) for group in groups])
    ends = np.cumsum(room)
    shares = [np.random.default_rng(seed).random(count) for seed in seeds] or [(np.arange(count) + 0.5) / count]
    found = []
    for number, share in enumerate(np.concatenate(shares) * ends[-1]):
        at = min(int(np.searchsorted(ends, share, side="right")), len(groups) - 1)
        gap = min(zone.gap for zone in groups[at])
        within = max(float(share - ends[at] + room[at]), 0.0)
        found.append(Start(number, groups[at], within // gap * gap))
    return found


def _room(zone: SpotZone, time: float) -> float:
    """Seconds of a trace at which a run may start."""
    length = len(zone.available) * zone.gap
    return length - time if length > time else length
