"""What a request would have done on days that it did not know of."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.rightsizing.judging import TOUCHING
from yuheng.finops.rightsizing.samples import Samples, worst_of
from yuheng.finops.rightsizing.seasonal import HELD_OUT, over_origins
from yuheng.model.units import DAY

__all__ = ["fixed_risk", "held_out_risk", "origins"]

Fitted = Callable[[Sequence[Samples]], float]
"""A strategy: from what pods used to one request, in cores or bytes."""


def origins(samples: Samples) -> NDArray[np.float64]:
    """The times from which on days are held out: the last 1, 2, 3, 5 and 7 that leave two days before them."""
    times = samples.times
    days = int((times[-1] - times[0]) // DAY) + 1
    found: NDArray[np.float64] = times[-1] - DAY * HELD_OUT[days - HELD_OUT >= 2]
    return found


def fixed_risk(worst: Samples, request: float) -> float | None:
    """The share of the last days above a request that does not change, of as many as `held_out_risk` looks at.

    None where no day can be held out.
    """
    starts = origins(worst)[-1:]
    later = worst.values[int(np.searchsorted(worst.times, starts[0], side="right")) :] if len(starts) else starts
    return float((later > request * (1 + TOUCHING)).mean()) if len(later) else None


def held_out_risk(pods: Sequence[Samples], fitted: Fitted, *, every: bool = False) -> float | None:
    """The share of the held-out time above what a strategy would have requested on what was known before.

    Args:
        pods: what each used; at least one sample in all.
        fitted: the strategy.
        every: over all origins as `seasonal` chooses by (`over_origins`); otherwise the longest stretch held out,
            mostly a week, in which weekends are as often as in life.

    Returns:
        None where the history is too short to hold a day out.
    """
    worst = worst_of(pods)
    shares = []
    for origin in origins(worst)[0 if every else -1 :]:
        known = [part for pod in pods if len((part := pod.before(np.nextafter(origin, np.inf))).times)]
        later = worst.values[int(np.searchsorted(worst.times, origin, side="right")) :]
        if known and len(later):
            shares.append(float((later > fitted(known) * (1 + TOUCHING)).mean()))
    return float(over_origins(np.array(shares))) if shares else None
