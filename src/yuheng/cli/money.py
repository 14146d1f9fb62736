"""Amounts of money on the command line: one check for all of them, and one line when it fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from yuheng.errors import ConfigError

__all__ = ["amount_of", "dollars"]

# More than this is no price and no budget of anything: sums of it would lose their cents.
MOST: Final = 1e9


def amount_of(text: str | float, least: float = 0.0) -> float | None:
    """A number from the least to a billion; None for anything else, infinity and what is no number among it."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if least <= found <= MOST else None


def dollars(option: str, unit: str, *, is_signed: bool = False) -> Callable[[str | float], float]:
    """What reads the value of an option that is an amount of US dollars.

    Args:
        option: its name, for the error message.
        unit: what it is an amount of, such as ``per hour``.
        is_signed: whether less than nothing is an amount, too: what is to be saved.
    """
    least, told = (-MOST, "minus a billion") if is_signed else (0.0, "0")

    def parse(text: str | float) -> float:
        found = amount_of(text, least)
        if found is None:
            raise ConfigError(f"{option}: found {text!r}, expected US dollars {unit}, from {told} to a billion")
        return found

    return parse
