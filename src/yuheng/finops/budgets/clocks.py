"""Costs of a wrong clock: a few at times far from all others, that must not decide which month it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec
import numpy as np

from yuheng.model.spend import Spend
from yuheng.model.units import DAY

__all__ = ["without_strays"]

# Days between costs and all others from which on they are far off; as for samples of usage.
_LONELY: Final = 30
# Far off are a few: with more stretches of time than this for each of the others, who stopped telling has begun again.
_RARE: Final = 0.1


def without_strays(spend: Spend) -> tuple[Spend, str]:
    """Costs, those of a wrong clock left out, and a sentence on them; an empty one where there are none.

    Args:
        spend: there is at least one row.
    """
    times = np.unique(spend.start)
    crowds = np.split(times, np.flatnonzero(np.diff(times) > _LONELY * DAY) + 1)
    most = max(len(crowd) for crowd in crowds)
    strays = [crowd for crowd in crowds if len(crowd) <= _RARE * most]
    if not strays:
        return spend, ""
    gone = np.isin(spend.start, np.concatenate(strays))
    kept = ~gone
    found: Spend = msgspec.structs.replace(
        spend,
        who=spend.who[kept],
        start=spend.start[kept],
        cost=spend.cost[kept],
        end=min(spend.end, float(spend.start[kept].max()) + spend.step),
    )
    first = datetime.fromtimestamp(float(strays[0][0]), UTC).strftime("%Y-%m-%d")
    return found, (
        f"{spend.cost[gone].sum():,.2f} USD are left out: their times are more than {_LONELY} days from all others "
        f"({first} first); where they are right, --now tells what time it is"
    )
