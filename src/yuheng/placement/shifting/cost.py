"""What a second of running costs, over time: a price, a carbon intensity, or a blend of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from yuheng.model.series import Series

__all__ = ["Cost", "areas", "changes", "rates"]

# What a second costs: a series, or several of them, each with the weight that its values are multiplied by. A price of
# an hour has the weight 1/3600; grams of CO2 per kWh have watts * PUE / 3.6e6.
Cost = Series | Sequence[tuple[float, Series]]


def areas(cost: Cost, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M,) the cost of running up to (M,) times, from a moment that is the same for all of them: take differences."""
    found = np.zeros(len(times))
    for weight, series in _parts(cost):
        found += weight * series.integrals_to(times)
    return found


def rates(cost: Cost, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M,) the cost of a second at (M,) times."""
    found = np.zeros(len(times))
    for weight, series in _parts(cost):
        found += weight * series.values_at(times)
    return found


def changes(cost: Cost, start: float, end: float) -> NDArray[np.float64]:
    """The times after one and before another at which the cost of a second changes, ascending."""
    found = [series.changes(start, end) for _, series in _parts(cost)]
    return found[0] if len(found) == 1 else np.unique(np.concatenate([np.empty(0), *found]))


def _parts(cost: Cost) -> Sequence[tuple[float, Series]]:
    return ((1.0, cost),) if isinstance(cost, Series) else cost
