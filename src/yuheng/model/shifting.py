"""Jobs whose run can be put off, or split, and what that saved."""

from __future__ import annotations

from typing import Any, Final, Literal, get_args

import msgspec

from yuheng.model.objective import PRESETS, Objective
from yuheng.model.scenario import Output
from yuheng.model.series import Series

__all__ = [
    "SHIFT_LIMITS",
    "SHIFT_POLICIES",
    "ShiftLimit",
    "ShiftRule",
    "ShiftWorkload",
    "ShiftableJob",
    "ShiftedJob",
    "Shifting",
    "ShiftingScenario",
]

ShiftLimit = Literal["flexible", "next-workday", "next-morning", "semi-weekly"]
SHIFT_LIMITS: Final[tuple[ShiftLimit, ...]] = get_args(ShiftLimit)
# The policies there are, and what each does.
SHIFT_POLICIES: Final[dict[str, str]] = {
    "as-issued": "each job when it is issued",
    "whole": "each job in one go, when the forecast is best",
    "parts": "each job in the parts of the time for which the forecast is best",
    "omniscient": "in parts, by the truth in place of a forecast",
}


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


class ShiftingScenario(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs that may be shifted, what they cost over time, and the policies to compare.

    Attributes:
        name: what it is called in reports.
        jobs: as they were asked for; empty when they are drawn. Their weight is how many machines they have.
        workload: what jobs are drawn from, anew for each seed; None for `jobs`.
        carbon: grams of CO2 equivalent per kWh over time; None when unknown.
        price: US dollars per hour of a machine over time; None when unknown. One of the two is known.
        power: kilowatts of a machine, its share of the data centre's own power included.
        objective: what is minimised: cost, carbon, or a blend, each relative to the mean of its series.
        rule: how far jobs may be shifted; whether they are split is the policy's.
        error: standard deviation of the forecasts' error, relative to the mean of a series.
        policies: names of `SHIFT_POLICIES`, unique; the others are compared with the first.
        seeds: one run of each policy for each: other forecast errors, and other jobs where they are drawn.
        measures: names of the measures that are compared; empty for all.
        confidence: of the intervals over seeds.
        outputs: files to write.
        text: the scenario as it was written, for the report.
        warnings: what the reader had to assume, one sentence each.
    """

    name: str
    jobs: tuple[ShiftableJob, ...] = ()
    workload: ShiftWorkload | None = None
    carbon: Series | None = None
    price: Series | None = None
    power: float = 1.0
    objective: Objective = PRESETS["carbon"]
    rule: ShiftRule = ShiftRule()
    error: float = 0.0
    policies: tuple[str, ...] = ("as-issued", "whole", "parts")
    seeds: tuple[int, ...] = (42,)
    measures: tuple[str, ...] = ()
    confidence: float = 0.95
    outputs: tuple[Output, ...] = ()
    text: str = ""
    warnings: tuple[str, ...] = ()

    def described(self) -> dict[str, Any]:
        """What a report says of it in a few words."""
        return {"name": self.name, "policies": list(self.policies), "seeds": list(self.seeds)}
