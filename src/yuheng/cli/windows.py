"""``--window`` and ``--every``: which time is looked at, and in which stretches."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from yuheng.errors import ConfigError, InputError
from yuheng.model.units import DAY, FIRST_MONDAY, HOUR, WEEK

if TYPE_CHECKING:
    from yuheng.model.usage import Window

__all__ = ["MOST_STRETCHES", "Every", "WrittenWindow", "chosen_window", "parse_window"]

MOST_STRETCHES: Final = 10_000
A_WINDOW: Final = "a duration such as 24h or 7d, or two times such as 2026-01-01,2026-02-01T00:00Z"


class Every(StrEnum):
    """How long the stretches of time are that rows are told for."""

    hour = "hour"
    day = "day"
    week = "week"


_SECONDS: Final = {Every.hour: HOUR, Every.day: DAY, Every.week: WEEK}


class WrittenWindow(NamedTuple):
    """What ``--window`` says.

    Attributes:
        seconds: its length, up to the end of what is known; None where it is two times.
        start, end: in seconds since the epoch; None for an end that is open.
    """

    seconds: float | None = None
    start: float | None = None
    end: float | None = None


def parse_window(text: str) -> WrittenWindow:
    """Read ``--window``.

    Args:
        text: ``24h``, ``7d``; or two times with ``,`` or ``..`` between them, the second of which may be left out.
            Times without a zone are UTC.

    Raises:
        ConfigError: it is neither, or ends before it begins.
    """
    from yuheng.model.duration import parse_period

    separator = next((sign for sign in (",", "..") if sign in text), None)
    if separator is None:
        try:
            seconds = parse_period(text)
        except InputError as error:
            raise ConfigError(f"--window: found {text!r}, expected {A_WINDOW}") from error
        if seconds <= 0:
            raise ConfigError(f"--window: found {text!r}, expected a duration that is not 0")
        return WrittenWindow(seconds=seconds)
    first, last = (part.strip() for part in text.split(separator, 1))
    # People write both signs at once, too: the second end is open then.
    last = last.removesuffix("..")
    start, end = _instant(first, text), _instant(last, text) if last else None
    if end is not None and end <= start:
        raise ConfigError(f"--window: found {text!r}, which ends before it begins, expected a later end")
    return WrittenWindow(start=start, end=end)


def _instant(text: str, whole: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"--window: found {text!r} in {whole!r}, expected {A_WINDOW}") from error
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def chosen_window(
    written: WrittenWindow | None, every: Every | None, *, known: tuple[float, float] | None, time: float
) -> Window:
    """The window.

    Args:
        written: what was asked for; None for what usage covers, and without usage the hour that follows the state.
        every: its stretches; None for one.
        known: the first and the last moment that usage tells of, in seconds since the epoch; None without usage.
        time: of the state, in seconds since the epoch.

    Raises:
        ConfigError: it is empty, or has too many stretches.
    """
    from yuheng.model.usage import Window

    start, end = _ends(written, known, time)
    if end <= start:
        raise ConfigError(f"--window: found none that is left before {_told(end)}, expected an earlier start")
    seconds = _SECONDS[every] if every else 0.0
    if seconds and math.ceil((end - start) / seconds) > MOST_STRETCHES:
        raise ConfigError(f"--every {every}: found more than {MOST_STRETCHES:,} of them in the window, expected fewer")
    return Window(start, end, seconds, FIRST_MONDAY if every is Every.week else 0.0)


def _ends(written: WrittenWindow | None, known: tuple[float, float] | None, time: float) -> tuple[float, float]:
    last = known[1] if known else time
    if written is None:
        return known or (time, time + HOUR)
    if written.seconds is not None:
        return last - written.seconds, last
    assert written.start is not None  # noqa: S101 -- one or the other
    return written.start, last if written.end is None else written.end


def _told(time: float) -> str:
    return datetime.fromtimestamp(round(time), UTC).isoformat().replace("+00:00", "Z")
