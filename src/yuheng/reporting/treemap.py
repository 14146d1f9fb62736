"""Rectangles whose areas are amounts, as nearly square as can be.

The order is that of Bruls, Huizing and van Wijk ("Squarified Treemaps", 2000): amounts are laid along the shorter side
of what is left, largest first, and a row is closed when one more amount would make its worst rectangle longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["Box", "squarified"]


class Box(NamedTuple):
    """A rectangle: its upper left corner and its sides."""

    x: float
    y: float
    width: float
    height: float

    def inside(self, margin: float) -> Box:
        """The rectangle without a margin on every side; of a small one nothing is left."""
        width, height = max(self.width - 2 * margin, 0.0), max(self.height - 2 * margin, 0.0)
        return Box(self.x + margin, self.y + margin, width, height)


def squarified(amounts: Sequence[float], box: Box) -> list[Box]:
    """A rectangle for each amount, in its order.

    Args:
        amounts: above 0, largest first.
        box: what is filled.
    """
    scale = box.width * box.height / sum(amounts) if amounts else 0.0
    areas = [amount * scale for amount in amounts]
    found: list[Box] = []
    while len(found) < len(areas):
        start, side = len(found), min(box.width, box.height)
        end = start + 1
        while end < len(areas) and _worst(areas[start : end + 1], side) <= _worst(areas[start:end], side):
            end += 1
        row, box = _laid(areas[start:end], box)
        found += row
    return found


def _worst(row: Sequence[float], side: float) -> float:
    """How long the longest rectangle of a row is for its width."""
    total = sum(row)
    # Next to what is very large, something very small has no area at all.
    area, least = total * total, side * side * row[-1]
    if area <= 0 or least <= 0:
        return float("inf")
    return max(side * side * row[0] / area, area / least)


def _laid(row: Sequence[float], box: Box) -> tuple[list[Box], Box]:
    """A row along the shorter side, and what is left of the box."""
    total, found = sum(row), []
    if box.width >= box.height:
        deep, y = (total / box.height if box.height else 0.0), box.y
        for area in row:
            long = area / deep if deep else 0.0
            found.append(Box(box.x, y, deep, long))
            y += long
        return found, Box(box.x + deep, box.y, max(box.width - deep, 0.0), box.height)
    deep, x = (total / box.width if box.width else 0.0), box.x
    for area in row:
        long = area / deep if deep else 0.0
        found.append(Box(x, box.y, long, deep))
        x += long
    return found, Box(box.x, box.y + deep, box.width, max(box.height - deep, 0.0))
