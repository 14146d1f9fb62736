"""What costs were day by day, and what the days until the end of the month are expected to cost."""

from __future__ import annotations

import msgspec

__all__ = ["CostTrend", "DayCost"]


class DayCost(msgspec.Struct, frozen=True):
    """What one day cost, or is expected to.

    Attributes:
        start: when the day begins (UTC), in seconds since the epoch.
        cost: of everything, in the currency of the costs.
    """

    start: float
    cost: float


class CostTrend(msgspec.Struct, frozen=True, kw_only=True):
    """Costs by the day and their forecast.

    Attributes:
        days: complete days, oldest first.
        coming: days after them until the end of the month, with what they are expected to cost.
        month: when the month of the forecast began, in seconds since the epoch.
        spent: on days of that month that are known.
        expected: of the whole month, what was spent included; None where days at its begin are not known.
        low, high: the interval that holds it with the probability ``level``; None where the history is too short.
        level: such as 0.8.
    """

    days: tuple[DayCost, ...]
    coming: tuple[DayCost, ...] = ()
    month: float
    spent: float
    expected: float | None = None
    low: float | None = None
    high: float | None = None
    level: float
