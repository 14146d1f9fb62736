"""Between which moments a job may run: flexible ones, and those that somebody waits for at work.

The limits of work are those of Wiesner et al., "Let's Wait Awhile" (Middleware '21): results that arrive at night or
over the weekend are not looked at before the next working day, and some not before the next meeting, twice a week. What
the authors published with the paper (github.com/dos-group/lets-wait-awhile) has jobs that would end on a Friday evening
done by Saturday morning; that is `next-morning` here, and `next-workday` waits until Monday.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from yuheng.model.shifting import ShiftableJob, ShiftLimit, ShiftRule

__all__ = ["WORKDAYS", "limits", "weekday"]

DAY: Final = 86400.0
MINUTE: Final = 60.0
# 1970-01-01 was a Thursday; a week's days count from Monday, 0.
THURSDAY: Final = 3
WORKDAYS: Final = range(5)
MEETINGS: Final = (0, 3)


def limits(rule: ShiftRule, job: ShiftableJob) -> tuple[float, float]:
    """The earliest start and the latest end of a job, in seconds since the epoch."""
    return job.issued - rule.before, LIMITS[rule.limit](rule, job.issued + job.duration) + rule.after


def _flexible(_rule: ShiftRule, end: float) -> float:
    return end


def _next_workday(rule: ShiftRule, end: float) -> float:
    day, seconds = divmod(end, DAY)
    at_work = weekday(day) in WORKDAYS and MINUTE * rule.opens <= seconds <= MINUTE * rule.closes
    return end if at_work else _next_opening(rule, end, WORKDAYS)


def _next_morning(rule: ShiftRule, end: float) -> float:
    by = _next_workday(rule, end)
    return _next_opening(rule, end, range(7)) if by > end and weekday(end // DAY) in WORKDAYS else by


def _semi_weekly(rule: ShiftRule, end: float) -> float:
    return _next_opening(rule, end, MEETINGS)


def _next_opening(rule: ShiftRule, time: float, weekdays: Collection[int]) -> float:
    """When working hours begin, at a time or next after it, on one of some days of the week."""
    opening = time // DAY * DAY + MINUTE * rule.opens
    while opening < time or weekday(opening // DAY) not in weekdays:
        opening += DAY
    return opening


def weekday(day: float) -> int:
    """The day of the week, Monday 0, of a day counted from 1970-01-01."""
    return (int(day) + THURSDAY) % 7


LIMITS: Final[Mapping[ShiftLimit, Callable[[ShiftRule, float], float]]] = {
    "flexible": _flexible,
    "next-workday": _next_workday,
    "next-morning": _next_morning,
    "semi-weekly": _semi_weekly,
}
