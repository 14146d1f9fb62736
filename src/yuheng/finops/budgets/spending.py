"""Allocated costs as spend over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from yuheng.model.spend import Spend
from yuheng.model.units import DAY, HOUR

if TYPE_CHECKING:
    from yuheng.model.cost import Costs

__all__ = ["STEPS", "spend_of_costs"]

# The words for stretches of time that budgets can be held against.
STEPS: Final = {"hour": HOUR, "day": DAY}


def spend_of_costs(costs: Costs, since: float = float("-inf")) -> Spend:
    """What groups cost, stretch by stretch.

    Args:
        costs: told for every hour or day, in US dollars.
        since: rows that begin before do not count, in seconds since the epoch; there is at least one that does.
    """
    step = STEPS[costs.every]
    groups: dict[tuple[tuple[str, str], ...], int] = {}
    rows = [row for row in costs.rows if (costs.start if row.start is None else row.start) >= since]
    who = [groups.setdefault(tuple(row.group.items()), len(groups)) for row in rows]
    starts = np.array([costs.start if row.start is None else row.start for row in rows])
    return Spend(
        groups=tuple(dict(group) for group in groups),
        who=np.array(who, dtype=np.int64),
        start=np.floor(starts / step) * step,
        cost=np.array([row.total for row in rows]),
        step=step,
        end=costs.end,
        notes=costs.assumptions,
    )
