"""What each container held of its node, and for how long: from requests, and from usage where there is any.

A container holds the greater of what it requested and what it used, sample by sample. Where no sample tells, it holds
its request as long as its pod is known to have been there: from its start (or its first sample, where the start is
not known) to the end of the window; a pod of the same name that was measured before that start, while it was
measured. What is set aside for a pod beyond its containers is held as long as the pod is there. A pod that only usage
tells of held what it used, while it was sampled.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.allocation.holders import Holders, Measured
from yuheng.model.usage import UsageSums, Window

__all__ = ["RESOURCES", "Demand", "demand_of"]

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]

RESOURCES: Final = ("cpu", "memory", "gpu")
# Hours: less than this is what rounding leaves of a stretch that samples tell all of.
_MOMENT: Final = 1e-9


class Demand(NamedTuple):
    """What containers held: E entries, each of one container on one node in one stretch of time.

    Attributes:
        pod: (E,) position among the pods of the holders.
        container: (E,) position among their containers.
        node: (E,) position among the nodes of the estate; -1 where it is not known, or is none of them.
        period: (E,) the stretch, counted from the first that was asked for.
        held: (E, 3) core-hours, GiB-hours and device-hours.
        used: (E, 3) what was used of it, as far as usage tells.
        told: (E, 3) what was held while usage was told.
        egress: (E,) bytes that left for the internet.
    """

    pod: Indices
    container: Indices
    node: Indices
    period: Indices
    held: Numbers
    used: Numbers
    told: Numbers
    egress: Numbers


def demand_of(holders: Holders, window: Window, first: int = 0) -> Demand:
    """What the containers of a cluster held within some stretches of time.

    Args:
        holders: who may hold something.
        window: the stretches.
        first: how many stretches of the time that the usage was summed over are before them.
    """
    hours = holders.standing.hours(window)
    parts = []
    if holders.measured is not None and holders.sums is not None:
        rows = holders.measured.within(first, first + hours.shape[1])
        parts.append(_measured(holders.measured, holders.sums, rows, first))
        hours = _unsampled(hours, holders.measured, holders.sums, rows, first)
    parts.append(_requested(holders, hours))
    return Demand(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _measured(measured: Measured, sums: UsageSums, rows: Indices, first: int) -> Demand:
    """The entries of samples.

    What a pod as a whole holds counts only where none of its containers is told; what it sends counts always.
    """
    rows = rows[measured.counts[sums.who[rows]] | (sums.egress[rows] > 0)]
    who = sums.who[rows]
    counts = measured.counts[who][:, None]
    held, used, told = (
        np.stack([getattr(sums, f"{name}{suffix}")[rows] for name in RESOURCES], axis=1) * counts
        for suffix in ("", "_used", "_told")
    )
    pod, container, node = measured.pod[who], measured.container[who], measured.node[who]
    return Demand(pod, container, node, sums.period[rows] - first, held, used, told, sums.egress[rows])


def _unsampled(hours: Numbers, measured: Measured, sums: UsageSums, rows: Indices, first: int) -> Numbers:
    """(C, P) hours of which no sample tells."""
    standing = measured.standing[sums.who[rows]]
    known = standing >= 0
    at = (standing[known], sums.period[rows][known] - first)
    np.subtract.at(hours, at, sums.hours[rows][known])
    return np.maximum(hours, 0.0, out=hours)


def _requested(holders: Holders, hours: Numbers) -> Demand:
    """The entries of the time that no sample tells of; those of containers that request nothing are among them."""
    standing = holders.standing
    which, period = np.nonzero(hours > _MOMENT)
    held = standing.amounts[which] * hours[which, period][:, None]
    nothing = np.zeros((len(which), len(RESOURCES)))
    pod, container, node = standing.pod[which], standing.container[which], standing.node[which]
    return Demand(pod, container, node, period, held, nothing, nothing, np.zeros(len(which)))
