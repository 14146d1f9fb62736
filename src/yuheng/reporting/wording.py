"""How reports word what they print: names that may be hostile, counts, shares.

Names and messages come from files that somebody else wrote. A terminal obeys control characters, and a
reader is fooled by invisible ones, so both are shown escaped wherever a report prints text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yuheng.model.plan import Placement

__all__ = ["by_importance", "count", "devices_text", "percent", "points", "printable", "seconds_text"]

_FIRST = ("cpu", "memory", "gpu")
_LAST = ("ephemeral-storage", "pods")


def printable(text: str, encoding: str = "utf-8") -> str:
    """The text on one line, everything invisible or foreign to the encoding escaped as Python escapes it."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def count(number: int, noun: str) -> str:
    """``1 pod``, ``12,000 pods``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def percent(share: float) -> str:
    """A share of 0 to 1 as percent with one decimal."""
    return f"{share * 100:.1f}%"


def points(before: float, after: float) -> str:
    """The step between two shares in percentage points, always with its sign."""
    return f"{round((after - before) * 100, 1) + 0.0:+.1f}"


def seconds_text(seconds: float) -> str:
    """A duration with as many digits as mean something."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:,.1f} s"


def devices_text(placement: Placement) -> str:
    """The indices of the placement's devices, comma-separated; nothing where it has none."""
    return ",".join(map(str, placement.devices))


def by_importance(resource: str) -> tuple[int, str]:
    """A sort key for resource names: what people ask for, then extended resources, then the rest."""
    if resource in _FIRST:
        return _FIRST.index(resource), ""
    return len(_FIRST) + (resource in _LAST), resource
