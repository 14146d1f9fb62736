"""Counts and lists of names, as sentences tell them: every room tells some."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

__all__ = ["count", "first_of"]

_NAMED: Final = 3


def count(number: int, noun: str) -> str:
    """``1 pod``, ``12,000 pods``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def first_of(names: Iterable[str]) -> str:
    """Three names at the most, in their order, and how many more there are: ``a, b, c and 2 more``.

    Args:
        names: at least one; of those that are there twice each counts.
    """
    found = list(names)
    shown = ", ".join(found[:_NAMED])
    return f"{shown} and {len(found) - _NAMED:,} more" if len(found) > _NAMED else shown
