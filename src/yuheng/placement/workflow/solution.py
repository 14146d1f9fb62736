"""The best choice that can be found for a problem, and a bound on what any could reach."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final, Literal

import msgspec

from yuheng.placement.workflow.formulation import Formulation, pair_columns
from yuheng.placement.workflow.problem import Choice, Problem
from yuheng.placement.workflow.schedule import Schedule, fastest_ways, scheduled
from yuheng.placement.workflow.search import Search

__all__ = ["Solution", "objective", "solved"]

# The search tree of a small workflow ends far below so many nodes times columns (some 20 s); where it does not, the
# bound so far tells the gap.
SMALL_NODES: Final = 4_000_000
# The simplex method stops here: some 10 s.
ITERATIONS: Final = 200_000
# More columns than this for pairs of regions, and arcs are priced by the cheapest way out.
MOST_PAIRS: Final = 20_000
# Programs with more columns are solved without the demand for whole numbers; of others the search tree has so many
# nodes times columns.
MOST_COLUMNS: Final = 8_000
COLUMN_NODES: Final = 10_000
# A program with more whole numbers is no small one, whatever the number of tasks.
MOST_WHOLE: Final = 2_000
# What HiGHS calls optimal may be off by its tolerance; a bound gives way by so large a part of the objective.
SLACK: Final = 1e-7
# A proven optimum and its bound may differ by so large a part.
PROVEN: Final = 1e-6


class Solution(msgspec.Struct, frozen=True):
    """What was found.

    Attributes:
        choice: the modes; None where nothing meets the deadline.
        schedule: when the tasks run.
        value: the objective; infinite without a choice.
        bound: no choice is below it; infinite when it is proven that there is none.
        method: how it was found.
    """

    choice: Choice | None
    schedule: Schedule
    value: float
    bound: float
    method: Literal["exact", "heuristic"]


def objective(problem: Problem, choice: Choice, schedule: Schedule) -> float:
    """What is minimised; infinite where the deadline is missed."""
    if schedule.end > problem.deadline * (1 + SLACK):
        return inf
    return problem.cost(choice) + problem.weight * schedule.end


def solved(problem: Problem, exact_limit: int) -> Solution:
    """Search for the best choice.

    Args:
        problem: what has to be decided.
        exact_limit: up to so many tasks the optimum is searched for.
    """
    if not len(problem):
        return Solution([], scheduled(problem, []), 0.0, 0.0, "exact")
    search = Search(problem)
    is_small = len(problem) <= exact_limit and sum(map(len, problem.modes)) <= MOST_WHOLE
    found = _bounded(problem, _solution(problem, search.beginning()), search, is_small=is_small)
    # Without the order of tasks the program is exact already where no limit can bind.
    if found.method == "exact" or not (is_small and problem.capacities and problem.is_timed):
        return found
    return _sequenced(problem, found)


def _bounded(problem: Problem, known: Solution, search: Search, *, is_small: bool) -> Solution:
    """A good choice, and the bound of the program without the order of tasks."""
    known = _better(known, _solution(problem, search.best()))
    scale = _scale(problem, known)
    paired = is_small or pair_columns(problem) <= MOST_PAIRS
    form = Formulation(problem, horizon=_horizon(problem, known), scale=scale, sequenced=False, paired=paired)
    if is_small or form.program.columns <= MOST_COLUMNS:
        guess = [] if known.choice is None else form.guess(known.choice, known.schedule)
        nodes = max((SMALL_NODES if is_small else COLUMN_NODES) // form.program.columns, 1)
        outcome = form.program.solved(nodes, guess)
    else:
        outcome = form.program.relaxed(ITERATIONS)
    if outcome.is_infeasible and known.choice is None:
        return msgspec.structs.replace(known, bound=inf, method="exact")
    if outcome.values:
        choice = form.choice(outcome.values)
        known = _better(known, _solution(problem, choice))
        if problem.capacities or not outcome.is_proven:
            search.refill()
            known = _better(known, _solution(problem, search.best([choice])))
    return _told(problem, known, outcome.bound * scale, is_proven=outcome.is_proven)


def _sequenced(problem: Problem, known: Solution) -> Solution:
    """The optimum; as far as the search tree went, where it is too large."""
    scale = _scale(problem, known)
    form = Formulation(problem, horizon=_horizon(problem, known), scale=scale, sequenced=True, paired=True)
    guess = [] if known.choice is None else form.guess(known.choice, known.schedule)
    outcome = form.program.solved(max(SMALL_NODES // form.program.columns, 1), guess)
    if outcome.is_infeasible and known.choice is None:
        return msgspec.structs.replace(known, bound=inf, method="exact")
    bound = known.bound
    if outcome.values:
        known = _better(known, _solution(problem, form.choice(outcome.values), form.starts(outcome.values)))
    # Where the tree was too large, the program without the order may have told more.
    return _told(problem, known, max(outcome.bound * scale, bound), is_proven=outcome.is_proven)


def _solution(problem: Problem, choice: Choice, order: Sequence[float] = ()) -> Solution:
    """A choice with its schedule; without the choice where it cannot be."""
    schedule = scheduled(problem, choice, order)
    value = objective(problem, choice, schedule)
    return Solution(choice if value < inf else None, schedule, value, -inf, "heuristic")


def _better(one: Solution, other: Solution) -> Solution:
    """The one with the lower objective; the first where they are equal."""
    return other if other.value < one.value else one


def _told(problem: Problem, known: Solution, bound: float, *, is_proven: bool) -> Solution:
    """A solution with its bound."""
    bound = max(bound - SLACK * abs(bound), _least(problem)) if bound < inf else _least(problem)
    if known.choice is not None:
        bound = min(bound, known.value)
        if is_proven and known.value - bound <= PROVEN * abs(known.value):
            return msgspec.structs.replace(known, bound=known.value, method="exact")
    return msgspec.structs.replace(known, bound=bound)


def _least(problem: Problem) -> float:
    """A bound that needs no program: the cheapest modes, and the longest way through the graph on the fastest."""
    cost = sum(min(mode.cost for mode in modes) for modes in problem.modes)
    heads, tails = fastest_ways(problem)
    ways = zip(heads, problem.modes, tails, strict=True)
    return cost + problem.weight * max(
        (head + min(mode.seconds for mode in modes) + tail for head, modes, tail in ways), default=0.0
    )


def _horizon(problem: Problem, known: Solution) -> float:
    """Seconds by which every optimal schedule is done.

    That is where one task runs after the other, or the deadline, or what a known solution leaves for time once
    everything else is as cheap as it can be: the least of them.
    """
    most = max((mode.earliest for modes in problem.modes for mode in modes), default=0.0)
    most += sum(max(mode.seconds for mode in modes) for modes in problem.modes)
    for task, arcs in enumerate(problem.incoming):
        regions = {mode.region for mode in problem.modes[task]}
        moving = (problem.arcs[i].seconds for i in arcs)
        most += max((row[r] for table in moving for row in table for r in regions if row[r] < inf), default=0.0)
    most = min(most, problem.deadline)
    if problem.weight and known.value < inf:
        cheapest = sum(min(mode.cost for mode in modes) for modes in problem.modes)
        most = min(most, (known.value - cheapest) / problem.weight)
    # A little more, against rounding.
    return max(most, known.schedule.end if known.choice is not None else 0.0) * (1 + SLACK) or 1.0


def _scale(problem: Problem, known: Solution) -> float:
    """What the objective is measured in: a known value of it."""
    if 0 < known.value < inf:
        return known.value
    return sum(max(mode.cost for mode in modes) for modes in problem.modes) or 1.0
