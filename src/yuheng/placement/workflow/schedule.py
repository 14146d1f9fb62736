"""When the tasks run, once each has a mode: as early as their data and the limits allow, one after the other.

Where no limit can bind that is one pass over the graph. Where one can, tasks are put in by priority (what has the
longest way to the end first), each into the first gap that is long enough: the serial scheme of resource-constrained
project scheduling (Kelley 1963; Kolisch 1996), which for some order of the tasks finds a shortest schedule.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from heapq import heappop, heappush
from math import inf

import msgspec

from yuheng.placement.workflow.problem import Choice, Mode, Problem

__all__ = ["Schedule", "Use", "fastest_ways", "first_start", "remaining", "scheduled", "take"]


class Schedule(msgspec.Struct, frozen=True):
    """When each task runs, by its place in the problem.

    Attributes:
        starts, finishes: seconds after the plan's start.
        ready: when it could have started, had it not had to wait for a limit.
    """

    starts: list[float]
    finishes: list[float]
    ready: list[float]

    @property
    def end(self) -> float:
        """When the last task is done."""
        return max(self.finishes, default=0.0)


class Use:
    """How much of a limit is taken over time."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        # Level i holds from time i until time i + 1.
        self._times = [-inf]
        self._levels = [0]

    def first_gap(self, start: float, seconds: float, amount: int) -> float:
        """The first time from ``start`` on from which the amount is free for so long."""
        most = self._capacity - amount
        i = bisect_right(self._times, start) - 1
        while i < len(self._times) and (self._times[i] < start + seconds):
            if self._levels[i] > most:
                start = self._times[i + 1]
            i += 1
        return start

    def take(self, start: float, end: float, amount: int) -> None:
        """Take an amount from one time until another."""
        first, last = self._step(start), self._step(end)
        for i in range(first, last):
            self._levels[i] += amount

    def _step(self, time: float) -> int:
        """The place of the level that begins at a time; it is made where there is none."""
        i = bisect_right(self._times, time) - 1
        if self._times[i] == time:
            return i
        self._times.insert(i + 1, time)
        self._levels.insert(i + 1, self._levels[i])
        return i + 1


def scheduled(problem: Problem, choice: Choice, order: Sequence[float] = ()) -> Schedule:
    """A schedule in which no task could start earlier while the others stay.

    Args:
        problem: the tasks.
        choice: their modes.
        order: by task, what is put in first (the lower the sooner, of those whose data is there); empty for the
            longest way to the end first.
    """
    modes = [given[place] for given, place in zip(problem.modes, choice, strict=True)]
    if not problem.capacities:
        return _unlimited(problem, modes)
    return _limited(problem, modes, order or [-length for length in remaining(problem, choice)])


def remaining(problem: Problem, choice: Choice) -> list[float]:
    """By task, seconds from its start until all that waits for it is done, without limits."""
    modes = [given[place] for given, place in zip(problem.modes, choice, strict=True)]
    found = [0.0] * len(modes)
    for task in range(len(modes) - 1, -1, -1):
        longest = 0.0
        for arc in (problem.arcs[i] for i in problem.outgoing[task]):
            length = arc.seconds[modes[task].region][modes[arc.target].region] + found[arc.target]
            longest = max(longest, length)
        found[task] = modes[task].seconds + longest
    return found


def fastest_ways(problem: Problem) -> tuple[list[float], list[float]]:
    """By task, seconds before which it cannot start, and seconds that all behind it takes at least.

    Every task is on its fastest mode, no data has to be moved, and there are no limits.
    """
    heads: list[float] = []
    seconds = [min(mode.seconds for mode in modes) for modes in problem.modes]
    for task, modes in enumerate(problem.modes):
        ready = [heads[problem.arcs[i].source] + seconds[problem.arcs[i].source] for i in problem.incoming[task]]
        heads.append(max([min(mode.earliest for mode in modes), *ready]))
    tails = [0.0] * len(heads)
    for task in range(len(heads) - 1, -1, -1):
        behind = [problem.arcs[i].target for i in problem.outgoing[task]]
        tails[task] = max((seconds[one] + tails[one] for one in behind), default=0.0)
    return heads, tails


def _unlimited(problem: Problem, modes: Sequence[Mode]) -> Schedule:
    starts: list[float] = []
    finishes: list[float] = []
    for task, mode in enumerate(modes):
        start = _ready(problem, modes, finishes, task)
        starts.append(start)
        finishes.append(start + mode.seconds)
    return Schedule(starts, finishes, starts)


def _ready(problem: Problem, modes: Sequence[Mode], finishes: Sequence[float], task: int) -> float:
    """When a task's data has arrived; the tasks before it have their finish already."""
    start, region = modes[task].earliest, modes[task].region
    for i in problem.incoming[task]:
        arc = problem.arcs[i]
        arrival = finishes[arc.source] + arc.seconds[modes[arc.source].region][region]
        start = max(start, arrival)
    return start


def _limited(problem: Problem, modes: Sequence[Mode], order: Sequence[float]) -> Schedule:
    count = len(modes)
    finishes, starts, ready = [0.0] * count, [0.0] * count, [0.0] * count
    waits_for = [len(arcs) for arcs in problem.incoming]
    use = [Use(capacity) for capacity in problem.capacities]
    heap = [(order[task], task) for task in range(count) if not waits_for[task]]
    heap.sort()
    while heap:
        _, task = heappop(heap)
        mode = modes[task]
        ready[task] = _ready(problem, modes, finishes, task)
        starts[task] = first_start(mode, ready[task], use)
        take(mode, starts[task], use)
        finishes[task] = starts[task] + mode.seconds
        for i in problem.outgoing[task]:
            target = problem.arcs[i].target
            waits_for[target] -= 1
            if not waits_for[target]:
                heappush(heap, (order[target], target))
    return Schedule(starts, finishes, ready)


def first_start(mode: Mode, ready: float, use: Sequence[Use]) -> float:
    """The first time from ``ready`` on at which all limits leave room for a mode."""
    start, before = ready, -inf
    while before < start < inf:
        before = start
        for limit, amount in mode.uses:
            start = use[limit].first_gap(start, mode.seconds, amount)
    return start


def take(mode: Mode, start: float, use: Sequence[Use]) -> None:
    """Take the room of a mode from its start until it is done."""
    if start < inf:
        for limit, amount in mode.uses:
            use[limit].take(start, start + mode.seconds, amount)
