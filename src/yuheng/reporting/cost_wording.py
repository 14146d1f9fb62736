"""How reports word what a cluster cost: amounts in their currency, groups that no object has, stretches of time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from yuheng.model.cost import GONE, IDLE, OTHER, UNALLOCATED, UNMOUNTED
from yuheng.reporting.wording import number_text

__all__ = ["MEANINGS", "cost_text", "group_text", "round_cost_text", "stretch_text", "window_text"]

# What people read instead of a value that no object has, and what it means.
MEANINGS: Final[Mapping[str, tuple[str, str]]] = {
    IDLE: ("idle", "room on nodes that nobody requested or used"),
    UNALLOCATED: ("unallocated", "what has no such label, annotation, queue or owner"),
    UNMOUNTED: ("unmounted", "volumes and load balancers that no pod uses"),
    GONE: ("gone", "pods that used something and are not in the state any more"),
    OTHER: ("everything else", "what the filter leaves out"),
}
_SMALL: Final = 0.005


def cost_text(amount: float, currency: str) -> str:
    """An amount to the cent: ``$1,204.50``, ``EUR 3.20``; what is not nothing and less is told as such."""
    sign = "-" if amount < 0 else ""
    unit = "$" if currency == "USD" else f"{currency} "
    size = abs(amount)
    if 0 < size < _SMALL:
        return f"{sign}under {unit}0.01"
    return f"{sign}{unit}{size:,.2f}"


def round_cost_text(amount: float, currency: str) -> str:
    """An amount for an axis: ``$1.5k``."""
    size = abs(amount)
    scale, letter = (1e6, "M") if size >= 1e6 else (1e3, "k") if size >= 1e4 else (1.0, "")
    return f"{'$' if currency == 'USD' else f'{currency} '}{number_text(amount / scale)}{letter}"


def group_text(group: Mapping[str, str]) -> str:
    """A group in words: its values, joined; what no object has by what it means, once where it is all of them."""
    if len(set(group.values())) == 1 and (value := next(iter(group.values()))) in MEANINGS:
        return MEANINGS[value][0] if len(group) > 1 or value != UNALLOCATED else f"no {next(iter(group))}"
    return " / ".join(_value_text(key, value) for key, value in group.items()) or "everything"


def _value_text(key: str, value: str) -> str:
    if value == UNALLOCATED:
        return f"no {key}"
    return MEANINGS[value][0] if value in MEANINGS else value


def stretch_text(start: float, every: str) -> str:
    """When a stretch of time begins: ``2026-01-31``, with the hour where they are hours."""
    return datetime.fromtimestamp(round(start), UTC).strftime("%Y-%m-%d %H:%M" if every == "hour" else "%Y-%m-%d")


def window_text(start: float, end: float) -> str:
    """The window: ``2026-01-01 00:00 to 2026-01-31 00:00 UTC``."""
    first, last = (datetime.fromtimestamp(round(time), UTC).strftime("%Y-%m-%d %H:%M") for time in (start, end))
    return f"{first} to {last} UTC"
