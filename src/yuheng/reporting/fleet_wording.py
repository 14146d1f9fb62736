"""How reports of fleets word money, carbon, moments and places."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from yuheng.model.words import count
from yuheng.reporting.wording import number_text, percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yuheng.model.fleet_plan import FleetSummary

__all__ = [
    "carbon_text",
    "day_text",
    "gigabytes_text",
    "hours_text",
    "latency_text",
    "money_text",
    "more_money_text",
    "optimality",
    "placed_text",
]

NONE: Final = "-"
_SMALLEST: Final = 1e-6
_GAP_SHOWN: Final = 0.0005


def money_text(amount: float | None) -> str:
    """US dollars: cents from one dollar on, three digits that mean something below; a dash for none."""
    if amount is None:
        return NONE
    size = abs(amount)
    if size < _SMALLEST:
        return "$0"
    digits = 2 if size >= 1 else 2 - math.floor(math.log10(size))
    text = f"{size:,.{digits}f}"
    if digits > 2:
        whole, _, cents = text.partition(".")
        text = f"{whole}.{cents.rstrip('0'):0<2}"
    return f"{'-' if amount < 0 else ''}${text}"


def more_money_text(amount: float | None) -> str:
    """A difference in US dollars, with its sign."""
    text = money_text(amount)
    return f"+{text}" if amount is not None and amount > 0 and text != "$0" else text


def carbon_text(grams: float | None) -> str:
    """Grams of CO2 equivalent as ``850 g``, ``13.9 kg``, ``1.2 t``; a dash for none."""
    if grams is None:
        return NONE
    size = abs(grams)
    scale, unit = (1e6, "t") if size >= 999_950 else (1e3, "kg") if size >= 999.5 else (1.0, "g")
    digits = 0 if unit == "g" and (size >= 10 or not size) else 1
    return f"{grams / scale + 0.0:,.{digits}f} {unit}"


def day_text(time: float | None) -> str:
    """A moment to the minute in UTC: ``2026-01-31 09:00``; a dash for none."""
    return NONE if time is None else datetime.fromtimestamp(round(time), UTC).strftime("%Y-%m-%d %H:%M")


def hours_text(hours: float) -> str:
    """Hours with one decimal, minutes and seconds below one: ``28.5 h``, ``12 min``."""
    if hours >= 1 or hours == 0:
        return f"{number_text(round(hours, 1))} h"
    return f"{number_text(round(hours * 60, 1))} min" if hours * 60 >= 1 else f"{number_text(round(hours * 3600, 1))} s"


def gigabytes_text(gigabytes: float) -> str:
    """An amount of data: ``0.5 GB``, ``2 TB``."""
    return f"{number_text(gigabytes / 1000)} TB" if gigabytes >= 1000 else f"{number_text(gigabytes)} GB"


def latency_text(seconds: float) -> str:
    """A latency in milliseconds."""
    return f"{number_text(round(seconds * 1000, 1))} ms"


def placed_text(replicas: Mapping[str, int], most: int) -> str:
    """Replicas by cluster, most first: ``a 7, b 3 and 2 more clusters``; a dash for none.

    Args:
        replicas: by cluster.
        most: how many clusters are named.
    """
    ranked = sorted(replicas.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{cluster} {pods:,}" for cluster, pods in ranked[:most])
    hidden = len(ranked) - most
    return (f"{named} and {count(hidden, 'more cluster')}" if hidden > 0 else named) or NONE


def optimality(summary: FleetSummary) -> str:
    """How far the plan may be from the best possible, as a sentence without its full stop."""
    if not summary.placed:
        return "nothing is placed"
    if summary.gap is None:
        return "how far above the best possible is not known"
    limits = " that divides as the policies do" if summary.by_policy else ""
    if summary.gap < _GAP_SHOWN:
        return f"no plan{limits} can do better"
    return f"at most {percent(summary.gap)} above the best possible{' plan' if limits else ''}{limits}"
