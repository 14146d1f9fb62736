"""What the kernels work on: one job, its zones, what was seen of the markets, and what waiting is worth."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AGES",
    "COLUMNS",
    "F64",
    "GREEDY",
    "HOUR",
    "IDLE",
    "NEVER",
    "ON_DEMAND",
    "ON_DEMAND_ONLY",
    "OURS",
    "PRIOR",
    "PRIOR_EVENTS",
    "SPOT",
    "TIME_SLICED",
    "TINY",
    "UNIFORM_PROGRESS",
    "Beliefs",
    "Course",
    "Job",
    "Markets",
    "Table",
    "fresh_beliefs",
    "fresh_course",
    "fresh_table",
]

# Modes.
IDLE: Final = 0
SPOT: Final = 1
ON_DEMAND: Final = 2
# Policies.
ON_DEMAND_ONLY: Final = 0
GREEDY: Final = 1
TIME_SLICED: Final = 2
UNIFORM_PROGRESS: Final = 3
OURS: Final = 4
# Seconds that rounding may take: sums of a few thousand gaps are exact to far less.
TINY: Final = 1e-6
NEVER: Final = 1e18
F64 = NDArray[np.float64]
HOUR: Final = 3600.0
# A spell of capacity, or of its lack, is young, then middle-aged, then old: what ends soon ends in its first minutes,
# and what has lasted for hours goes on. Within an age the chance of its end is taken as constant.
AGES: Final = (0.5 * HOUR, 3.0 * HOUR)
# Ends per hour of a spell at each age, before anything was seen: with capacity, without; the prior weighs as much as
# two ends of spells at each age. The same for every market. Ages and prior were chosen with public V100, K80 and CPU
# traces in view, those that our tests measure among them: what tests measure is no test on markets never seen.
PRIOR: Final = ((1.5, 0.5, 0.25), (1.0, 0.4, 0.25))
PRIOR_EVENTS: Final = 2.0
# Fewest and most steps of work, and of slack, of the table of values. A spell ends once in a step at most, so that
# steps of a long job must not be longer than spells are: half an hour, as far as the table may grow.
STEP: Final = 0.5 * HOUR
FEWEST_ROWS, MOST_ROWS = 96, 960
FEWEST_COLUMNS, MOST_COLUMNS = 16, 128
# What is told of a run: see `Course`.
COLUMNS: Final = (
    "cost",
    "finish",
    "work",
    "spot",
    "on_demand",
    "lost",
    "starts",
    "moves",
    "egress",
)


class Job(NamedTuple):
    """The job; seconds.

    Attributes:
        work: to be done.
        slack: time to the deadline minus work.
        change_over: from the start of an instance until it works.
        gap: between two decisions.
        first: the column of the markets at which the job starts; those before it are history.
        slices: of the time-sliced policy.
    """

    work: float
    slack: float
    change_over: float
    gap: float
    first: int
    slices: int


class Markets(NamedTuple):
    """The zones.

    Attributes:
        available: (Z, T) whether spot has capacity, one element each gap.
        on_demand, spot: (Z,) US dollars per second.
        egress: (Z,) US dollars for a move out of each.
    """

    available: NDArray[np.uint8]
    on_demand: F64
    spot: F64
    egress: F64


class Beliefs(NamedTuple):
    """What was seen of the markets, a row for each zone and one, the last, for "any of them".

    Attributes:
        bounds: (A - 1,) the ages at which a spell becomes older, seconds.
        ends, time: (Z + 1, 2, A) ends of spells, and seconds within them, with capacity (0) and without (1), by age.
        age: (Z + 1,) seconds that the present spell has lasted.
        side: (Z + 1,) whether it is one with capacity (0) or without (1); -1 before anything was seen.
        solved: (2, A) the ends per second that the table of values was worked out for.
    """

    bounds: F64
    ends: F64
    time: F64
    age: F64
    side: NDArray[np.int8]
    solved: F64


class Table(NamedTuple):
    """What it costs from here to the end, on average, by what is left to do and how much slack there is.

    Attributes:
        values: (5A, W, S) US dollars; planes: on spot by age of the spell, idle with capacity, idle without,
            on-demand with capacity, on-demand without. Row i: i steps of work left. Column j: j steps of slack.
        odds: (4, 2, A) the chance that a spell ends (0) and that it becomes older (1) within a step of work, and
            within a step of slack (2, 3).
        steps: (2,) the steps of work and of slack, in seconds.
    """

    values: F64
    odds: F64
    steps: F64


class Course(NamedTuple):
    """What happened.

    Attributes:
        mode, zone: (T,) what was held from each decision on, and where the job was.
        totals: US dollars; seconds until the end, of work, on spot, on-demand, lost in change-overs; starts of
            instances; moves between zones; US dollars of egress (see `COLUMNS`).
        now: (3,) while it runs: work left, slack, and what is left of the start of the instance, in seconds.
        place: (3,) while it runs: mode, zone (-1 before the first start), and the slice in which the safety net has
            been reached (0 for a policy without slices; -1 for none).
    """

    mode: NDArray[np.int8]
    zone: NDArray[np.int16]
    totals: F64
    now: F64
    place: NDArray[np.int64]


def fresh_beliefs(zones: int) -> Beliefs:
    """What is believed of markets nobody has seen: the prior. How long the first spell has lasted is not known."""
    hazard = np.array(PRIOR) / HOUR
    ends = np.full((zones + 1, *hazard.shape), PRIOR_EVENTS)
    return Beliefs(
        bounds=np.array(AGES),
        ends=ends,
        time=ends / hazard,
        age=np.full(zones + 1, AGES[0]),
        side=np.full(zones + 1, -1, dtype=np.int8),
        solved=np.zeros(hazard.shape),
    )


def fresh_table(work: float, slack: float, change_over: float) -> Table:
    """A table of values, not yet worked out, with steps that fit a job."""
    ages = len(AGES) + 1
    rows = int(min(max(np.ceil(work / STEP), FEWEST_ROWS), MOST_ROWS))
    step = work / rows
    columns = int(min(max(np.ceil(slack / step) + 2, FEWEST_COLUMNS), MOST_COLUMNS))
    # A change-over has to fit into the columns even where there is no slack to speak of.
    steps = np.array([step, max(slack, change_over, 1.0) / (columns - 2)])
    return Table(np.zeros((5 * ages, rows + 2, columns)), np.zeros((4, 2, ages)), steps)


def fresh_course(ticks: int) -> Course:
    """Room for what happens."""
    return Course(
        mode=np.zeros(ticks, dtype=np.int8),
        zone=np.zeros(ticks, dtype=np.int16),
        totals=np.zeros(len(COLUMNS)),
        now=np.zeros(3),
        place=np.zeros(3, dtype=np.int64),
    )
