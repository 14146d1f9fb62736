"""Jobs whose run can be put off, or split, and what that saved."""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec

__all__ = ["SHIFT_LIMITS", "ShiftLimit", "ShiftRule", "ShiftWorkload", "ShiftableJob", "ShiftedJob", "Shifting"]

ShiftLimit = Literal["flexible", "next-workday", "next-morning", "semi-weekly"]
SHIFT_LIMITS: Final[tuple[ShiftLimit, ...]] = get_args(ShiftLimit)


class ShiftableJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it was asked for.

    Attributes:
        name: unique among the jobs.
        issued: when it starts if nothing is shifted, in seconds since the epoch.
        duration: of its run, in seconds.
        weight: how much it counts: what a second of it costs, over the series' value. Kilowatts make grams of CO2 per
            kWh, over 3600, the grams of its run.
    """

    name: str
    issued: float
    duration: float
    weight: float = 1.0


class ShiftWorkload(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs to draw: when they are issued, and how long they run.

    Attributes:
        start, end: the first and the last day, as the seconds since the epoch at which they begin.
        count: how many jobs in all, spread over the days at random; 0 for `daily` on each day.
        daily: how many jobs on each day, where `count` is 0.
        workdays: whether jobs are issued from Monday to Friday only.
        opens, closes: the minutes of the day from which on, and before which, jobs are issued.
        shortest, longest: of the durations, in seconds; all between them are equally likely.
        step: times and durations are multiples of so many seconds.
        weight: of each job, see `ShiftableJob`.
    """

    start: float
    end: float
    count: int = 0
    daily: int = 1
    workdays: bool = True
    opens: int = 540
    closes: int = 1020
    shortest: float
    longest: float
    step: float = 1800.0
    weight: float = 1.0


class ShiftRule(msgspec.Struct, frozen=True, kw_only=True):
    """How far a job may be shifted, and how.

    Attributes:
        limit: when a job has to be done. ``flexible`` jobs when they would be anyway. ``next-workday`` jobs that would
            end outside working hours by the beginning of the next working day, ``next-morning`` jobs the same but by
            the next morning where they would end on a Friday evening; those that would end in working hours stay.
            ``semi-weekly`` jobs by the next beginning of a Monday's or Thursday's working hours.
        before: seconds by which a job may start earlier than it was issued for.
        after: seconds by which a job may end later than the limit says.
        opens, closes: the minutes of the day at which working hours begin and end, in the time of the series.
        windows: the parts of the day in which a job may start, as first and last minute; none for any.
        interruptible: whether a job may be split.
        restart: seconds that each part but the first runs before the work goes on.
    """

    limit: ShiftLimit = "flexible"
    before: float = 0.0
    after: float = 0.0
    opens: int = 540
    closes: int = 1020
    windows: tuple[tuple[int, int], ...] = ()
    interruptible: bool = False
    restart: float = 0.0


class ShiftedJob(msgspec.Struct, frozen=True):
    """A job as it ran.

    Attributes:
        job: its name.
        parts: start and end of each uninterrupted run, in seconds since the epoch.
        before: what it would have cost where it was issued: its weight times the integral of the series.
        after: what it cost.
    """

    job: str
    parts: tuple[tuple[float, float], ...]
    before: float
    after: float


class Shifting(msgspec.Struct, frozen=True, kw_only=True):
    """What shifting came to, on one forecast.

    Attributes:
        error: standard deviation of the forecast's error, relative to the mean of the series.
        seed: of the forecast's error.
        jobs: as they ran, in the order they were given in.
    """

    error: float = 0.0
    seed: int = 0
    jobs: tuple[ShiftedJob, ...] = ()

    @property
    def before(self) -> float:
        """What all jobs would have cost where they were issued."""
        return sum(job.before for job in self.jobs)

    @property
    def after(self) -> float:
        """What all jobs cost."""
        return sum(job.after for job in self.jobs)

    @property
    def saved_percent(self) -> float:
        """How much less that is; 0 where there was nothing to save."""
        before = self.before
        return 100 * (1 - self.after / before) if before else 0.0
