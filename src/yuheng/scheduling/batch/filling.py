"""Sharing an amount fairly: weighted water-filling for queues, dominant resource fairness for jobs.

Sources: max-min fairness (Bertsekas and Gallager, *Data Networks*, 6.5.2); Volcano's ``proportion`` plugin; "Dominant
Resource Fairness" (Ghodsi et al., NSDI'11).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["drf_allocation", "water_fill"]

Floats = NDArray[np.float64]


def water_fill(amount: float, weights: Floats, floors: Floats, ceilings: Floats) -> Floats:
    """Share an amount by weighted max-min fairness: raise one level until the amount is spent.

    Each part is ``clip(level * weight, floor, ceiling)`` for the highest level whose parts add up to no more than the
    amount. Floors are granted even where they alone add up to more.

    Args:
        amount: what there is.
        weights: (Q,) positive.
        floors: (Q,) what each gets at least.
        ceilings: (Q,) what each gets at most; a floor above it wins.

    Returns:
        (Q,) the parts.
    """
    ceilings = np.maximum(ceilings, floors)
    if ceilings.sum() <= amount:
        return ceilings.astype(np.float64)
    # Between two neighbouring levels at which somebody leaves a floor or meets a ceiling, the sum grows linearly.
    levels = np.unique(np.concatenate([floors / weights, ceilings / weights]))
    sums = np.array([_parts(level, weights, floors, ceilings).sum() for level in levels])
    above = int(np.searchsorted(sums, amount, side="right"))
    if above == 0:
        return floors.astype(np.float64)
    low = float(levels[above - 1])
    rising = (floors / weights <= low) & (ceilings / weights > low)
    step = (amount - sums[above - 1]) / weights[rising].sum() if rising.any() else 0.0
    return _parts(low + step, weights, floors, ceilings)


def _parts(level: float, weights: Floats, floors: Floats, ceilings: Floats) -> Floats:
    parts: Floats = np.clip(level * weights, floors, ceilings)
    return parts


def drf_allocation(total: Floats, demands: Floats, weights: Floats) -> Floats:
    """Divisible dominant resource fairness: raise all weighted dominant shares together until resources run out.

    A job stops when a resource it needs is spent; the others go on (progressive filling).

    Args:
        total: (R,) what there is.
        demands: (J, R) what one task of each job needs.
        weights: (J,) positive.

    Returns:
        (J,) how many tasks each job gets, fractions included.
    """
    tasks = np.zeros(len(demands))
    left = total.astype(np.float64)
    dominant = np.max(np.divide(demands, total, out=np.zeros_like(demands, dtype=np.float64), where=total > 0), axis=1)
    rising = dominant > 0
    while rising.any():
        # Tasks a job gains when the common level of weighted dominant shares rises by one.
        pace = np.where(rising, np.divide(weights, dominant, out=np.zeros(len(demands)), where=dominant > 0), 0.0)
        use = pace @ demands
        used = use > 0
        step = float(np.min(left[used] / use[used]))
        tasks += pace * step
        left = np.maximum(left - use * step, 0.0)
        spent = used & (left <= 1e-12 * np.maximum(total, 1.0))
        rising &= ~(demands[:, spent] > 0).any(axis=1)
    return tasks
