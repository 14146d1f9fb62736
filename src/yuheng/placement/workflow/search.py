"""A good choice of modes for a workflow of any size: from several beginnings, the best is improved step by step.

Steps are: one task takes another mode; both ends of an arc move into one region; all tasks that hand data on to each
other move into one region. How many schedules are tried is bounded by the size of the workflow, not by a clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf, isfinite

import msgspec

from yuheng.placement.workflow.problem import Choice, Problem
from yuheng.placement.workflow.schedule import Use, first_start, remaining, scheduled, take

__all__ = ["Search"]

# Tasks times schedules that are tried: about a second of work.
WORK = 1_000_000
# How many beginnings are improved, and how many tasks are looked at for it.
BEGINNINGS = 3
# Less than this part of the objective is no improvement.
LEAST = 1e-12
# An earlier mean finish is worth this part of a second of the end: it breaks ties in favour of what can improve later.
PATIENCE = 1e-6
# What a second is worth, in parts of what it costs on the average, while tasks are put in one by one.
FACTORS = (0.1, 0.5, 2.0, 10.0)

Score = tuple[float, float]


class Search:
    """The search for one problem, which does no more work than it is allowed.

    Args:
        problem: what has to be decided.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._left = 0
        self.refill()
        self._of_region: list[dict[int, int]] = [self._best_by_region(task) for task in range(len(problem))]
        self._groups = _groups(problem)

    def refill(self) -> None:
        """Allow as much work again."""
        self._left = WORK // max(len(self._problem), 1)

    def beginning(self) -> Choice:
        """The best of its beginnings, as it is."""
        return min(self._beginnings(), key=lambda choice: (self.score(choice), choice))

    def best(self, guesses: Sequence[Choice] = ()) -> Choice:
        """The best choice that was found.

        Args:
            guesses: beginnings beside its own, all of which are improved.
        """
        choices = (*guesses, *self._beginnings(), *self._without_deadline())
        beginnings = {tuple(choice): self.score(choice) for choice in choices}
        ranked = sorted(beginnings, key=lambda choice: (beginnings[choice], choice))
        improved = [self._improved(list(choice)) for choice in (*map(tuple, guesses), *ranked[:BEGINNINGS])]
        return min(improved, key=lambda choice: (self.score(choice), choice))

    def score(self, choice: Choice) -> Score:
        """Seconds past the deadline (infinite where data cannot go), then the objective; less is better."""
        self._left -= 1
        cost = self._problem.cost(choice)
        if not isfinite(cost):
            return inf, inf
        if not self._problem.is_timed:
            return 0.0, cost
        schedule = scheduled(self._problem, choice)
        late = max(schedule.end - self._problem.deadline, 0.0)
        mean = sum(schedule.finishes) / max(len(choice), 1)
        return late, cost + self._problem.weight * (schedule.end + PATIENCE * mean)

    def _best_by_region(self, task: int) -> dict[int, int]:
        """The best mode in each region, looked at alone."""
        found: dict[int, int] = {}
        modes = self._problem.modes[task]
        for place in sorted(range(len(modes)), key=lambda o: (self._alone(task, o), o)):
            found.setdefault(modes[place].region, place)
        return found

    def _alone(self, task: int, place: int) -> float:
        mode = self._problem.modes[task][place]
        return mode.cost + self._problem.weight * mode.seconds

    def _beginnings(self) -> Iterator[Choice]:
        """Each task at its best alone; at its fastest; all in one region, as far as they can; one after the other."""
        problem = self._problem
        alone = [next(iter(found.values())) for found in self._of_region]
        yield alone
        if problem.is_timed:
            yield [min(range(len(modes)), key=lambda o: (modes[o].seconds, o)) for modes in problem.modes]
        for region in range(len(problem.regions)):
            yield [found.get(region, alone[task]) for task, found in enumerate(self._of_region)]
        for weight in self._weights(alone):
            yield self._one_by_one(alone, weight)

    def _without_deadline(self) -> Iterator[Choice]:
        """What is found where a second costs something instead of there being a deadline.

        Steps that save money within a deadline take time away from each other; a price per second does not let them.
        """
        problem = self._problem
        if problem.deadline == inf:
            return
        alone = [next(iter(found.values())) for found in self._of_region]
        weights = [weight for weight in self._weights(alone) if weight > 0]
        for weight in weights:
            search = Search(msgspec.structs.replace(problem, weight=weight, deadline=inf))
            search._left = self._left // (2 * len(weights))
            yield search._improved(search.beginning())

    def _weights(self, alone: Choice) -> list[float]:
        """What a second may be worth while tasks are put in one by one.

        The weight of the objective is that of the last task's end alone, and a deadline gives none at all; what a
        second costs on the average is a measure for both.
        """
        weight = self._problem.weight
        if not self._problem.is_timed:
            return [0.0]
        modes = [given[place] for given, place in zip(self._problem.modes, alone, strict=True)]
        mean = sum(mode.cost for mode in modes) / (sum(mode.seconds for mode in modes) or 1.0)
        return [weight, *(mean * factor for factor in FACTORS), *(weight * factor for factor in FACTORS if weight)]

    def _one_by_one(self, alone: Choice, weight: float) -> Choice:
        """Tasks in an order, each where it adds least: its cost, that of its data, and its own finish."""
        problem = self._problem
        choice: Choice = [-1] * len(problem)
        finishes = [0.0] * len(problem)
        use = [Use(capacity) for capacity in problem.capacities]
        ahead = remaining(problem, alone)
        # The longest way to the end first: what waits for a task has a shorter one, or the same and a later place.
        for task in sorted(range(len(problem)), key=lambda task: (-ahead[task], task)):
            found = []
            for place, mode in enumerate(problem.modes[task]):
                cost, ready = mode.cost, mode.earliest
                for arc in (problem.arcs[i] for i in problem.incoming[task]):
                    origin = self._region(choice, arc.source)
                    cost += arc.cost[origin][mode.region]
                    ready = max(ready, finishes[arc.source] + arc.seconds[origin][mode.region])
                finish = first_start(mode, ready, use) + mode.seconds
                late = max(finish + ahead[task] - problem.modes[task][alone[task]].seconds - problem.deadline, 0.0)
                found.append((late, cost + weight * finish, place, finish))
            _, _, place, finish = min(found)
            choice[task], finishes[task] = place, finish
            mode = problem.modes[task][place]
            take(mode, finish - mode.seconds, use)
        return choice

    def _improved(self, choice: Choice) -> Choice:
        """The choice after steps of all kinds, until none helps or the work is done."""
        score = self.score(choice)
        improving = True
        while improving and self._left > 0:
            before = score
            for step in self._steps():
                if self._left <= 0:
                    break
                # A step is made on what the steps before it have left.
                changed = {task: place for task, place in step.items() if choice[task] != place}
                if not changed or not self._can_help(choice, changed, score):
                    continue
                tried = [changed.get(task, place) for task, place in enumerate(choice)]
                result = self.score(tried)
                if _is_better(result, score):
                    choice, score = tried, result
            improving = _is_better(score, before)
        return choice

    def _steps(self) -> Iterator[dict[int, int]]:
        """Steps: the modes that some tasks take."""
        for task, modes in enumerate(self._problem.modes):
            for place in range(len(modes)):
                yield {task: place}
        for arc in self._problem.arcs:
            if arc.gigabytes:
                yield from self._together((arc.source, arc.target))
        for group in self._groups:
            yield from self._together(group)

    def _together(self, tasks: Sequence[int]) -> Iterator[dict[int, int]]:
        for region in range(len(self._problem.regions)):
            found = {task: self._of_region[task].get(region) for task in tasks}
            yield {task: place for task, place in found.items() if place is not None}

    def _can_help(self, choice: Choice, changed: dict[int, int], score: Score) -> bool:
        """Whether a step could improve the score; a schedule need not be made to see that it cannot."""
        if score[0] > 0:
            return True
        rise = self._rise(choice, changed)
        if not self._problem.is_timed or not self._problem.weight:
            return rise < 0
        # What costs more has to save more than that in seconds, and cannot save more than the tasks take now.
        saved = sum(self._longest_saving(choice, task, place) for task, place in changed.items())
        return rise < self._problem.weight * saved * (1 + PATIENCE) if rise >= 0 else True

    def _rise(self, choice: Choice, changed: dict[int, int]) -> float:
        """How much more a step costs, without time."""
        problem = self._problem
        rise = 0.0
        arcs: set[int] = set()
        for task, place in changed.items():
            rise += problem.modes[task][place].cost - problem.modes[task][choice[task]].cost
            arcs.update(problem.incoming[task], problem.outgoing[task])
        for arc in (problem.arcs[i] for i in sorted(arcs)):
            if arc.gigabytes:
                old = [problem.modes[task][choice[task]].region for task in (arc.source, arc.target)]
                new = [problem.modes[task][changed.get(task, choice[task])].region for task in (arc.source, arc.target)]
                rise += arc.cost[new[0]][new[1]] - arc.cost[old[0]][old[1]]
        return rise

    def _longest_saving(self, choice: Choice, task: int, place: int) -> float:
        """The most seconds that another mode of a task could bring the end forward."""
        problem = self._problem
        if problem.capacities:
            # Others move up into the room that it leaves: by how much, only a schedule can tell.
            return inf
        old, new = problem.modes[task][choice[task]], problem.modes[task][place]
        saved = max(old.seconds - new.seconds, 0.0) + max(old.earliest - new.earliest, 0.0)
        if old.region == new.region:
            return saved
        arriving = [problem.arcs[i] for i in problem.incoming[task]]
        leaving = [problem.arcs[i] for i in problem.outgoing[task]]
        saved += max((arc.seconds[self._region(choice, arc.source)][old.region] for arc in arriving), default=0.0)
        return saved + max((arc.seconds[old.region][self._region(choice, arc.target)] for arc in leaving), default=0.0)

    def _region(self, choice: Choice, task: int) -> int:
        return self._problem.modes[task][choice[task]].region


def _is_better(score: Score, other: Score) -> bool:
    return score[0] < other[0] or (score[0] == other[0] and score[1] < other[1] - LEAST * abs(other[1]))


def _groups(problem: Problem) -> list[list[int]]:
    """Tasks that data connects, of three or more: two are the ends of an arc."""
    group = list(range(len(problem)))

    def first(task: int) -> int:
        while group[task] != task:
            group[task] = group[group[task]]
            task = group[task]
        return task

    for arc in problem.arcs:
        if arc.gigabytes:
            a, b = sorted((first(arc.source), first(arc.target)))
            group[b] = a
    found: dict[int, list[int]] = {}
    for task in range(len(problem)):
        found.setdefault(first(task), []).append(task)
    return [tasks for tasks in found.values() if len(tasks) > 2]
