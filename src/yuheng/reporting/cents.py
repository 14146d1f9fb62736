"""Amounts of money rounded so that they add up to their rounded sum, as on a bill."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

__all__ = ["cents"]

CENT: Final = 100


def cents(amounts: Sequence[float], total: float) -> list[int]:
    """Whole cents of each amount, which add up to the rounded total.

    Each is rounded down or up; up those that have most behind the point, as many as it takes (largest remainder).
    Where the amounts do not add up to the total themselves, they are rounded each on its own.

    Args:
        amounts: not negative.
        total: their sum.
    """
    exact = [amount * CENT for amount in amounts]
    found = [math.floor(value) for value in exact]
    lacking = round(total * CENT) - sum(found)
    if not 0 <= lacking <= len(found):
        return [round(value) for value in exact]
    by_remainder = sorted(range(len(found)), key=lambda index: found[index] - exact[index])
    for index in by_remainder[:lacking]:
        found[index] += 1
    return found
