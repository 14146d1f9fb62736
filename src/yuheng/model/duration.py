"""Durations as Go writes them (``1h30m``, ``1.5s``, ``200ms``), and windows of a day (``10:00-21:00``).

Volcano's objects and its configuration hold both as text; the grammar is that of Go's ``time.ParseDuration``. Periods
are what our own files take: durations in which days and weeks may stand too, as Prometheus and systemd write them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Final

from yuheng.errors import InputError

__all__ = ["parse_duration", "parse_period", "parse_window"]

NANOSECONDS: Final = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "\N{GREEK SMALL LETTER MU}s": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_DAY: Final = 24 * NANOSECONDS["h"]
PERIODS: Final = {**NANOSECONDS, "d": _DAY, "w": 7 * _DAY}
_UNITS: Final = "|".join(sorted(NANOSECONDS, key=len, reverse=True))
_PART: Final = re.compile(rf"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)({_UNITS})")
_WHOLE: Final = re.compile(rf"[+-]?(?:0|(?:{_PART.pattern})+)")
_PERIOD_PART: Final = re.compile(_PART.pattern.removesuffix(")") + "|d|w)")
_PERIOD: Final = re.compile(rf"0|(?:{_PERIOD_PART.pattern})+")
_CLOCK: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
# Go counts nanoseconds in 64 bits: 292 years.
_LONGEST: Final = 2**63 - 1
_MOST_CHARACTERS: Final = 100


@lru_cache(maxsize=4096)
def parse_duration(text: str) -> float:
    """Seconds of a duration.

    Args:
        text: for example ``1h30m``, ``1.5h``, ``-200ms`` or ``0``.

    Raises:
        InputError: Go would refuse the text.
    """
    if len(text) > _MOST_CHARACTERS or _WHOLE.fullmatch(text) is None:
        raise InputError(repr(text[:_MOST_CHARACTERS]), "a duration such as 1h30m or 45s")
    seconds = _sum(text, _PART, NANOSECONDS)
    return -seconds if text.startswith("-") else seconds


@lru_cache(maxsize=4096)
def parse_period(text: str) -> float:
    """Seconds of a duration that is not negative, and may count days (of 24 hours) and weeks.

    Args:
        text: for example ``30d``, ``2w``, ``1d12h``, ``90s`` or ``0``.

    Raises:
        InputError: the text is not such a duration.
    """
    if len(text) > _MOST_CHARACTERS or _PERIOD.fullmatch(text) is None:
        raise InputError(repr(text[:_MOST_CHARACTERS]), "a duration such as 30d, 1h30m or 45s")
    return _sum(text, _PERIOD_PART, PERIODS)


def _sum(text: str, part: re.Pattern[str], units: Mapping[str, int]) -> float:
    """Seconds of all parts of a duration together.

    Raises:
        InputError: it is longer than Go can hold.
    """
    total = sum((Fraction(f"0{number}") * units[unit] for number, unit in part.findall(text)), Fraction(0))
    if total > _LONGEST:
        raise InputError(repr(text), "a duration of less than 292 years")
    return float(total / 10**9)


def parse_window(text: str) -> tuple[int, int]:
    """The first and the last minute of a window of the day; one that ends before it begins ends on the next day.

    Args:
        text: for example ``22:00-06:30``.

    Raises:
        InputError: the text is not two times of day.
    """
    ends = [_CLOCK.fullmatch(end) for end in text.strip().split("-")]
    minutes = [60 * int(end[1]) + int(end[2]) for end in ends if end is not None]
    if len(ends) != 2 or len(minutes) != 2:
        raise InputError(repr(text), "a window of the day such as 22:00-06:30")
    return minutes[0], minutes[1]
