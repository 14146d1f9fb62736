"""What units are worth in the engine's own: bytes, seconds, and the hours that a bill has in a month."""

from __future__ import annotations

from typing import Final

__all__ = ["DAY", "FIRST_MONDAY", "GIB", "HOUR", "HOURS_A_MONTH", "MIB", "MINUTE", "WEEK", "per_month"]

# Bytes: whole numbers, so that what is rounded to MiB stays one.
MIB: Final = 2**20
GIB: Final = 2**30

# Seconds. Days are those of UTC, which has no clock changes: each has 24 hours.
MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
# The epoch was a Thursday: weeks begin at multiples of their length from here on.
FIRST_MONDAY: Final = 4 * DAY

HOURS_A_MONTH: Final = 730.0
"""Hours: 365 days over 12, rounded, by which AWS, Google and Azure turn a price per hour into one of a month."""


def per_month(per_hour: float) -> float:
    """US dollars a month, to the cent, of what costs so much an hour."""
    return round(per_hour * HOURS_A_MONTH, 2)
