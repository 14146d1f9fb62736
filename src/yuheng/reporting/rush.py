"""The rush hours of a cluster: what is asked for by day of the week and hour, averaged over runs, in colours."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.reporting.scale import steps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yuheng.model.simulation import Run

__all__ = ["DAYS", "RushCell", "RushHours", "RushWeek", "rush_hours"]

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_HOURS: Final = 24
_BANDS: Final = 10
_LEAST_SPAN: Final = 10.0  # percent: colours must not make a mountain of less


class RushCell(msgspec.Struct, frozen=True):
    """An hour of the week: percent of what there is, and its band of colour, 0 to 9."""

    value: float
    band: int


class RushWeek(msgspec.Struct, frozen=True):
    """The week of one policy, or of all.

    Attributes:
        policy: whose it is; None for all.
        days: 7 days of 24 hours; None where no run saw that hour.
    """

    policy: str | None
    days: tuple[tuple[RushCell | None, ...], ...]


class RushHours(msgspec.Struct, frozen=True):
    """The weeks, all on the same scale.

    Attributes:
        bounds: where the bands start, and where the last ends, in percent.
        weeks: of all policies together; behind it, where there are several, of each.
    """

    bounds: tuple[float, ...]
    weeks: tuple[RushWeek, ...]

    @property
    def bands(self) -> list[int]:
        """The colour of each part between two bounds."""
        parts = len(self.bounds) - 1
        return [_band(part, parts) for part in range(parts)]


def rush_hours(runs: Iterable[Run]) -> RushHours | None:
    """The rush hours of all runs together and of each policy; None where no run has any."""
    found = [run for run in runs if run.rush]
    policies = dict.fromkeys(run.policy for run in found)
    weeks: list[tuple[str | None, list[list[float | None]]]] = [(None, _mean(found))]
    if len(policies) > 1:
        weeks += [(policy, _mean([run for run in found if run.policy == policy])) for policy in policies]
    values = [value for _, week in weeks for day in week for value in day if value is not None]
    if not values:
        return None
    bounds = _bounds(min(values), max(values))
    return RushHours(bounds, tuple(RushWeek(policy, _banded(week, bounds)) for policy, week in weeks))


def _mean(runs: list[Run]) -> list[list[float | None]]:
    return [[_average([run.rush[day][hour] for run in runs]) for hour in range(_HOURS)] for day in range(len(DAYS))]


def _average(values: Iterable[float | None]) -> float | None:
    seen = [value for value in values if value is not None]
    return fmean(seen) if seen else None


def _bounds(low: float, high: float) -> tuple[float, ...]:
    """Round numbers that hold all values, as many as there are bands at most."""
    if high - low < _LEAST_SPAN:
        low = max(0.0, (low + high - _LEAST_SPAN) / 2)
        high = low + _LEAST_SPAN
    inner = steps(low, high, _BANDS - 2)
    step = inner[1] - inner[0]
    lowest = inner[0] if inner[0] <= low else inner[0] - step
    highest = inner[-1] if inner[-1] >= high else inner[-1] + step
    return tuple(lowest + step * number for number in range(round((highest - lowest) / step) + 1))


def _banded(week: list[list[float | None]], bounds: tuple[float, ...]) -> tuple[tuple[RushCell | None, ...], ...]:
    return tuple(tuple(None if value is None else _cell(value, bounds) for value in day) for day in week)


def _cell(value: float, bounds: tuple[float, ...]) -> RushCell:
    parts = len(bounds) - 1
    part = max(0, min(parts - 1, int((value - bounds[0]) / (bounds[1] - bounds[0]))))
    return RushCell(round(value, 1), _band(part, parts))


def _band(part: int, parts: int) -> int:
    """The colour of a part: the bands are spread over all colours, however few parts there are."""
    return part if parts < 2 else round(part * (_BANDS - 1) / (parts - 1))
