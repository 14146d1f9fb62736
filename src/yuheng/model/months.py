"""Calendar months of UTC: what budgets are set for and bills are written by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["month_of"]


def month_of(time: float) -> tuple[float, float]:
    """When the calendar month of a time begins and ends (UTC), in seconds since the epoch."""
    first = datetime.fromtimestamp(time, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    return first.timestamp(), following.timestamp()
