"""The problem as a linear program: exact, with all decisions; or relaxed, for a bound.

Columns, for tasks t with modes o in regions r, arcs e = (i, j), limits k:

    x[t,o]    1 where t takes o;                          sum over o = 1
    S[t]      start;  F  when the last task is done;      S[t] >= earliest,  F >= S[t] + D[t],  F <= deadline
    D[t]      = sum of seconds * x[t,o]
    T[e]      seconds of moving the data of e;            S[j] >= S[i] + D[i] + T[e]
    y[e,r,s]  1 where e leads from r to s:                sum over s = sum of x[i,o in r], over r = sum of x[j,o in s]
    q[i,j]    1 where i is done before j starts, of tasks that neither waits for the other
    f[k,i,j]  how much of limit k passes from i to j when i is done (the flow formulation of Artigues, Michelon and
              Reusser, EJOR 149, 2003): what a task takes comes in from tasks before it, and goes out to those behind

and always ``sum of amount * seconds * x <= capacity * (F - head - tail)`` for each limit and sets of tasks: they cannot
use it more than all the time between when the first of them can start (head) and what must come behind them (tail).

The bound leaves out q and f, and where y would be too many columns it knows of an arc only how much leaves each
region (``u[e,r] >= sum of x[i,o in r] - sum of x[j,o in r]``), at the price of the cheapest way out: never more than
the truth.
Times are in parts of the horizon and costs in parts of a known objective, so that HiGHS' tolerances are relative.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from math import inf
from typing import Final

from yuheng.placement.program import Program
from yuheng.placement.workflow.problem import Arc, Choice, Problem
from yuheng.placement.workflow.schedule import Schedule, fastest_ways

__all__ = ["Formulation", "pair_columns"]

Terms = list[tuple[int, float]]
# Limits are bounded for so many sets of tasks by how early, times so many by how late they can run.
LEVELS: Final = 6


def pair_columns(problem: Problem) -> int:
    """How many columns y there are."""
    regions = [len({mode.region for mode in modes}) for modes in problem.modes]
    return sum(regions[arc.source] * regions[arc.target] for arc in problem.arcs if arc.gigabytes)


class Formulation:
    """The program of a problem.

    Args:
        problem: what has to be decided.
        horizon: seconds by which an optimal schedule is done; above 0.
        scale: of the objective; above 0.
        sequenced: whether limits are met (q and f), rather than only bounded.
        paired: whether moving data is priced by pair of regions (y), rather than by the cheapest way out.
    """

    def __init__(self, problem: Problem, *, horizon: float, scale: float, sequenced: bool, paired: bool) -> None:
        self._problem = problem
        self._horizon = horizon
        self._scale = scale
        self._paired = paired
        self.program = Program()
        self._x = [[self._mode_column(mode.cost) for mode in modes] for modes in problem.modes]
        self._starts: list[int] = []
        self._end = -1
        self._pairs: dict[tuple[int, int, int], int] = {}
        self._before: dict[tuple[int, int], int] = {}
        self._flows: dict[tuple[int, int, int], int] = {}
        for columns in self._x:
            self.program.row([(column, 1.0) for column in columns], 1.0, 1.0)
        if problem.is_timed:
            self._add_times()
        for i, arc in enumerate(problem.arcs):
            self._add_arc(i, arc)
        if problem.is_timed:
            self._add_work()
            if sequenced:
                self._add_sequences()

    def choice(self, values: Sequence[float]) -> Choice:
        """The mode of each task that has the largest value; the cheaper one where they are equal."""
        return [max(range(len(columns)), key=lambda o: (values[columns[o]], -o)) for columns in self._x]

    def starts(self, values: Sequence[float]) -> list[float]:
        """Seconds at which the tasks start; empty where time does not matter."""
        return [values[column] * self._horizon for column in self._starts]

    def guess(self, choice: Choice, schedule: Schedule) -> list[tuple[int, float]]:
        """A known solution as (column, value) pairs of all columns that are whole numbers."""
        modes = [
            (column, float(o == choice[t])) for t, columns in enumerate(self._x) for o, column in enumerate(columns)
        ]
        return modes + [
            (column, float(schedule.finishes[i] <= schedule.starts[j])) for (i, j), column in self._before.items()
        ]

    def _mode_column(self, cost: float) -> int:
        return self.program.column(cost / self._scale, 1.0, whole=True)

    def _seconds(self, task: int, factor: float) -> Terms:
        """The terms of a factor times D."""
        modes = self._problem.modes[task]
        unit = factor / self._horizon
        return [(column, unit * mode.seconds) for column, mode in zip(self._x[task], modes, strict=True)]

    def _in_region(self, task: int, region: int, factor: float) -> Terms:
        """The terms of a factor times whether a task is in a region."""
        modes = self._problem.modes[task]
        return [(column, factor) for column, mode in zip(self._x[task], modes, strict=True) if mode.region == region]

    def _regions(self, task: int) -> list[int]:
        return sorted({mode.region for mode in self._problem.modes[task]})

    def _add_times(self) -> None:
        problem, program = self._problem, self.program
        most = min(problem.deadline, self._horizon) / self._horizon
        self._end = program.column(problem.weight * self._horizon / self._scale, most)
        self._starts = [program.column(upper=most) for _ in problem.names]
        for task, start in enumerate(self._starts):
            earliest = [
                (column, -mode.earliest / self._horizon)
                for column, mode in zip(self._x[task], problem.modes[task], strict=True)
            ]
            program.row([(start, 1.0), *earliest], 0.0)
            program.row([(self._end, 1.0), (start, -1.0), *self._seconds(task, -1.0)], 0.0)

    def _add_arc(self, place: int, arc: Arc) -> None:
        moving: Terms = []
        if arc.gigabytes:
            moving = self._pairs_of(place, arc) if self._paired else self._ways_out(arc)
        if self._starts:
            late = [(self._starts[arc.target], 1.0), (self._starts[arc.source], -1.0)]
            self.program.row([*late, *self._seconds(arc.source, -1.0), *moving], 0.0)

    def _pairs_of(self, place: int, arc: Arc) -> Terms:
        """Price an arc by pairs of regions; returns the terms of -T."""
        origins, destinations = self._regions(arc.source), self._regions(arc.target)
        terms: Terms = []
        for origin in origins:
            for destination in destinations:
                cost, seconds = arc.cost[origin][destination], arc.seconds[origin][destination]
                column = self.program.column(upper=0.0) if cost == inf else self.program.column(cost / self._scale, 1.0)
                self._pairs[place, origin, destination] = column
                if cost < inf:
                    terms.append((column, -seconds / self._horizon))
        for origin in origins:
            row = [(self._pairs[place, origin, destination], 1.0) for destination in destinations]
            self.program.row(row + self._in_region(arc.source, origin, -1.0), 0.0, 0.0)
        for destination in destinations:
            row = [(self._pairs[place, origin, destination], 1.0) for origin in origins]
            self.program.row(row + self._in_region(arc.target, destination, -1.0), 0.0, 0.0)
        return terms

    def _ways_out(self, arc: Arc) -> Terms:
        """Price an arc by the cheapest way out of each region; returns the terms of -T."""
        terms: Terms = []
        destinations = self._regions(arc.target)
        for origin in self._regions(arc.source):
            others = [other for other in destinations if other != origin]
            cost = min((arc.cost[origin][other] for other in others), default=0.0)
            seconds = min((arc.seconds[origin][other] for other in others), default=0.0)
            if cost <= 0 and seconds <= 0:
                continue
            leaving = self.program.column(upper=0.0) if cost == inf else self.program.column(cost / self._scale, 1.0)
            here = self._in_region(arc.source, origin, -1.0) + self._in_region(arc.target, origin, 1.0)
            self.program.row([(leaving, 1.0), *here], 0.0)
            if cost < inf:
                terms.append((leaving, -seconds / self._horizon))
        return terms

    def _add_work(self) -> None:
        """No limit is used more than all the time: from when its tasks can start, to when what waits for them must."""
        heads, tails = fastest_ways(self._problem)
        for limit, capacity in enumerate(self._problem.capacities):
            users = [task for task in range(len(self._problem)) if self._most(limit, task)]
            sets: dict[tuple[int, ...], tuple[float, float]] = {}
            for head in _levels([heads[task] for task in users]):
                for tail in _levels([tails[task] for task in users]):
                    chosen = tuple(task for task in users if heads[task] >= head and tails[task] >= tail)
                    # No task is as early and as late as that: nothing follows.
                    if chosen:
                        sets[chosen] = (head, tail)
            for chosen, (head, tail) in sets.items():
                spent = capacity * (head + tail) / self._horizon
                self.program.row([(self._end, float(capacity)), *self._work(limit, chosen)], spent)

    def _work(self, limit: int, tasks: Sequence[int]) -> Terms:
        """The terms of minus what tasks take of a limit, times how long."""
        return [
            (column, -mode.amount(limit) * mode.seconds / self._horizon)
            for task in tasks
            for column, mode in zip(self._x[task], self._problem.modes[task], strict=True)
            if mode.uses
        ]

    def _most(self, limit: int, task: int) -> int:
        """The most that a task may take of a limit."""
        return max(mode.amount(limit) for mode in self._problem.modes[task])

    def _takes(self, limit: int, task: int, factor: float) -> Terms:
        modes = self._problem.modes[task]
        return [(column, factor * mode.amount(limit)) for column, mode in zip(self._x[task], modes, strict=True)]

    def _add_sequences(self) -> None:
        limits = range(len(self._problem.capacities))
        users = [[task for task in range(len(self._problem)) if self._most(limit, task)] for limit in limits]
        beside = sorted({pair for tasks in users for pair in combinations(tasks, 2) if not self._is_related(*pair)})
        for i, j in beside:
            self._add_sequence(i, j)
        for limit, tasks in enumerate(users):
            self._add_flow(limit, tasks)

    def _is_related(self, i: int, j: int) -> bool:
        return bool(self._problem.related[i] >> j & 1)

    def _add_sequence(self, i: int, j: int) -> None:
        """Which of two tasks is first, if one of them waits for what the other takes."""
        for a, b in ((i, j), (j, i)):
            column = self._before[a, b] = self.program.column(upper=1.0, whole=True)
            row = [(self._starts[b], 1.0), (self._starts[a], -1.0), *self._seconds(a, -1.0), (column, -1.0)]
            self.program.row(row, -1.0)
        self.program.row([(self._before[i, j], 1.0), (self._before[j, i], 1.0)], upper=1.0)

    def _add_flow(self, limit: int, tasks: Sequence[int]) -> None:
        """What a task takes comes from the capacity at the beginning, or from tasks that are done."""
        capacity = float(self._problem.capacities[limit])
        fresh = {task: self.program.column(upper=capacity) for task in tasks}
        coming: dict[int, Terms] = {task: [(fresh[task], 1.0)] for task in tasks}
        going: dict[int, Terms] = {task: [] for task in tasks}
        for i in tasks:
            for j in tasks:
                if i == j or (self._is_related(i, j) and i > j):
                    continue
                most = float(min(self._most(limit, i), self._most(limit, j)))
                flow = self._flows[limit, i, j] = self.program.column(upper=most)
                coming[j].append((flow, 1.0))
                going[i].append((flow, 1.0))
                if (i, j) in self._before:
                    self.program.row([(flow, 1.0), (self._before[i, j], -most)], upper=0.0)
        for task in tasks:
            self.program.row(coming[task] + self._takes(limit, task, -1.0), 0.0, 0.0)
            self.program.row(going[task] + self._takes(limit, task, -1.0), upper=0.0)
        self.program.row([(column, 1.0) for column in fresh.values()], upper=capacity)


def _levels(values: Sequence[float]) -> list[float]:
    """Some of the values: the least, and others at equal distances in their order; none of none."""
    distinct = sorted(set(values))
    return distinct[:: -(-len(distinct) // LEVELS) or 1]
