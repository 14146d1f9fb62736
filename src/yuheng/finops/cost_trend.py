"""Costs by the day, carried on to the end of the month by the forecast that budgets are judged by."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

import numpy as np

from yuheng.finops.budgets.forecasting import LEVEL, outlook
from yuheng.model.cost import Costs
from yuheng.model.cost_trend import CostTrend, DayCost
from yuheng.model.months import month_of
from yuheng.model.units import DAY

__all__ = ["cost_trend"]


def cost_trend(costs: Costs) -> CostTrend | None:
    """The days of a window and the rest of the last one's month; None where costs are not told by the day.

    Only complete days of UTC count: the window may begin and end within one. Where the window does not reach back to
    the begin of the month, what was spent before is not known, and neither is the month as a whole.

    Args:
        costs: by the day (``every`` is ``day``).
    """
    if costs.every != "day":
        return None
    sums: defaultdict[float, float] = defaultdict(float)
    for row in costs.rows:
        if row.start is not None and costs.start <= row.start and row.start + DAY <= costs.end + 1:
            sums[row.start] += row.total
    if not sums:
        return None
    first, last = min(sums), max(sums)
    starts = [first + DAY * i for i in range(round((last - first) / DAY) + 1)]
    history = np.array([sums.get(start, np.nan) for start in starts])
    month, end = month_of(last)
    weekday = datetime.fromtimestamp(last + DAY, UTC).weekday()
    found = outlook(history, weekday, np.ones(round((end - last - DAY) / DAY)))
    spent = float(sum(cost for start, cost in sums.items() if start >= month))
    is_whole = first <= month
    return CostTrend(
        days=tuple(DayCost(start, cost) for start, cost in sorted(sums.items())),
        coming=tuple(DayCost(last + DAY * (i + 1), float(cost)) for i, cost in enumerate(found.daily)),
        month=month,
        spent=spent,
        expected=spent + found.total if is_whole else None,
        low=spent + found.low if is_whole and found.low is not None else None,
        high=spent + found.high if is_whole and found.high is not None else None,
        level=LEVEL,
    )
