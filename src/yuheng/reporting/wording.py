"""How reports word what they print: names that may be hostile, counts, shares.

Names and messages come from files that somebody else wrote. A terminal obeys control characters, and a
reader is fooled by invisible ones, so both are shown escaped wherever a report prints text.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from yuheng.model.units import DAY, HOUR, MINUTE, per_month

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yuheng.model.plan import Placement

__all__ = [
    "amount_text",
    "amounts_text",
    "by_importance",
    "devices_text",
    "duration_text",
    "month_text",
    "number_text",
    "percent",
    "points",
    "printable",
    "seconds_text",
    "share_text",
]

_FIRST = ("cpu", "memory", "gpu")
_LAST = ("ephemeral-storage", "pods")
_BINARY: Final = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_PERIODS: Final = ((DAY, "days"), (HOUR, "h"), (MINUTE, "min"))


def printable(text: str, encoding: str = "utf-8") -> str:
    """The text on one line, everything invisible or foreign to the encoding escaped as Python escapes it."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
    return text.encode(encoding, "backslashreplace").decode(encoding)


def month_text(per_hour: float) -> str:
    """What so many US dollars an hour are in a month, to the cent: ``1,234.50``."""
    return f"{per_month(per_hour):,.2f}"


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


def number_text(value: float) -> str:
    """A number with at most two decimals: ``1,024``, ``1.5``."""
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def amount_text(resource: str, amount: int) -> str:
    """An amount in the engine's units as a quantity, rounded for people: ``500m``, ``1.5``, ``24Gi``, ``8``."""
    if resource == "cpu":
        return f"{amount}m" if 0 < abs(amount) < 1000 else number_text(amount / 1000)
    if resource not in ("memory", "ephemeral-storage") and not resource.startswith("hugepages-"):
        return f"{amount:,}"
    power = min(max(abs(amount).bit_length() - 1, 0) // 10, len(_BINARY) - 1)
    return f"{number_text(amount / 1024**power)}{_BINARY[power]}"


def amounts_text(amounts: Mapping[str, int]) -> str:
    """Amounts by resource in one line: ``cpu 1.5, nvidia.com/gpu 8``; nothing where all are zero."""
    ordered = sorted((item for item in amounts.items() if item[1]), key=lambda item: by_importance(item[0]))
    return ", ".join(f"{resource} {amount_text(resource, amount)}" for resource, amount in ordered)


def share_text(share: float) -> str:
    """A queue's share as percent; one of nothing has no end."""
    return percent(share) if math.isfinite(share) else "of none"


def duration_text(seconds: float) -> str:
    """How long until something: ``42 s``, ``4 min``, ``5.5 h``, ``3 days``."""
    for length, unit in _PERIODS:
        if seconds >= 2 * length:
            return f"{number_text(round(seconds / length, 1))} {unit}"
    return f"{number_text(round(seconds, 1))} s"
