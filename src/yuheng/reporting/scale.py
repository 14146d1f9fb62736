"""Round numbers for an axis."""

from __future__ import annotations

import math
from typing import Final

from yuheng.model.units import DAY, HOUR, MINUTE

__all__ = ["steps"]

_STEPS: Final = (1.0, 2.0, 5.0, 10.0)
_CLOCK_STEPS: Final = tuple(
    factor * unit
    for unit, factors in (
        (1.0, (1, 2, 5, 10, 15, 30)),
        (MINUTE, (1, 2, 5, 10, 15, 30)),
        (HOUR, (1, 2, 3, 6, 12)),
        (DAY, (1, 2, 5)),
    )
    for factor in factors
)


def steps(low: float, high: float, most: int, unit: str = "") -> list[float]:
    """Round numbers within a range.

    Args:
        low: where the range starts, finite.
        high: where it ends, finite, more than ``low`` by no less than a millionth of either.
        most: how many parts the range is cut into at most.
        unit: ``s`` for numbers that are round on a clock.
    """
    step = _step((high - low) / most, unit)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _step(least: float, unit: str) -> float:
    if unit == "s" and 1 <= least <= _CLOCK_STEPS[-1]:
        return next(step for step in _CLOCK_STEPS if step >= least)
    base = DAY if unit == "s" and least > _CLOCK_STEPS[-1] else 1.0
    power = 10.0 ** math.floor(math.log10(least / base))
    return base * next(factor * power for factor in _STEPS if factor * power * base >= least * (1 - 1e-9))
