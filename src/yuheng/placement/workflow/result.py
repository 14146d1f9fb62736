"""The plan of a workflow: what was chosen, in the words of whoever reads it, and what the next best would have been."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Final

import msgspec

from yuheng.model.workflow import Network, PlacedTask, RefusedOptions, RunnerUp, Transfer, Workflow, WorkflowPlan
from yuheng.placement.workflow.problem import Choice, Problem
from yuheng.placement.workflow.schedule import Schedule, scheduled
from yuheng.placement.workflow.solution import Solution, objective

__all__ = ["planned"]

# Up to so many schedules are made to find the runners-up; in larger workflows only the cheapest candidates are tried.
MOST_TRIALS: Final = 4_000
FEW: Final = 2


def planned(
    workflow: Workflow, problem: Problem, found: Solution, network: Network, refused: tuple[RefusedOptions, ...]
) -> WorkflowPlan:
    """The plan of a solution.

    Args:
        workflow: the tasks.
        problem: the same as numbers.
        found: what was chosen.
        network: what moving data takes.
        refused: what could not be chosen.
    """
    # What is dominated was never chosen, and may be the runner-up.
    modes = tuple(kept + rest for kept, rest in zip(problem.modes, problem.dominated, strict=True))
    problem = msgspec.structs.replace(problem, modes=modes)
    account = _Account(problem, network)
    choice = found.choice or []
    own = account.of(choice, found.schedule)
    tasks = [
        PlacedTask(
            name=name,
            option=problem.modes[task][choice[task]].option,
            start=found.schedule.starts[task],
            finish=found.schedule.finishes[task],
            waits=found.schedule.starts[task] - found.schedule.ready[task],
            runner_up=_runner_up(task, problem, found, account, own),
        )
        for task, name in enumerate(problem.names)
    ]
    value, bound = found.value, found.bound
    return WorkflowPlan(
        workflow=workflow.key,
        tasks=tuple(sorted(tasks, key=lambda task: (task.start, task.name))),
        transfers=tuple(sorted(account.transfers(choice), key=lambda one: (one.source, one.target))),
        compute=own.compute,
        transfer=own.transfer,
        seconds=found.schedule.end,
        carbon=own.carbon,
        objective=value,
        bound=bound,
        gap=(value - bound) / abs(value) if value > bound else 0.0,
        method=found.method,
        refused=refused,
    )


class _Sum:
    """What a choice costs: US dollars, grams, seconds."""

    def __init__(self, compute: float, transfer: float, carbon: float, end: float) -> None:
        self.compute = compute
        self.transfer = transfer
        self.carbon = carbon
        self.end = end


class _Account:
    """Sums up what choices cost."""

    def __init__(self, problem: Problem, network: Network) -> None:
        self._problem = problem
        self._network = network

    def of(self, choice: Choice, schedule: Schedule) -> _Sum:
        """What a choice costs."""
        options = [modes[place].option for modes, place in zip(self._problem.modes, choice, strict=True)]
        moving = sum(one.money for one in self.transfers(choice, all_of_them=True))
        return _Sum(
            compute=sum(option.money for option in options),
            transfer=sum(option.transfer for option in options) + moving,
            carbon=sum(option.carbon for option in options),
            end=schedule.end,
        )

    def transfers(self, choice: Choice, *, all_of_them: bool = False) -> Iterable[Transfer]:
        """Data that crosses regions; on request, also what stays in its own."""
        problem = self._problem
        for arc in problem.arcs:
            ends = [problem.modes[task][choice[task]] for task in (arc.source, arc.target)]
            origin, destination = (problem.regions[mode.region] for mode in ends)
            if not (arc.gigabytes and origin and destination) or (origin == destination and not all_of_them):
                continue
            yield Transfer(
                source=problem.names[arc.source],
                target=problem.names[arc.target],
                origin=origin,
                destination=destination,
                gigabytes=arc.gigabytes,
                money=self._network.money(origin, destination, arc.gigabytes),
                seconds=arc.seconds[ends[0].region][ends[1].region],
            )


def _runner_up(task: int, problem: Problem, found: Solution, account: _Account, own: _Sum) -> RunnerUp | None:
    """The next best option of a task while all others stay."""
    choice = found.choice or []
    others = [place for place in range(len(problem.modes[task])) if place != choice[task]]
    if sum(map(len, problem.modes)) > MOST_TRIALS // max(len(problem) // 100, 1):
        others.sort(key=lambda place: (problem.cost(_changed(choice, task, place)), place))
        others = others[:FEW]
    best, least = None, inf
    for place in others:
        tried = _changed(choice, task, place)
        schedule = scheduled(problem, tried)
        value = objective(problem, tried, schedule)
        if value < least:
            best, least = (place, tried, schedule), value
    if best is None:
        return None
    place, tried, schedule = best
    other = account.of(tried, schedule)
    return RunnerUp(
        option=problem.modes[task][place].option,
        money=other.compute + other.transfer - own.compute - own.transfer,
        seconds=other.end - own.end,
        carbon=other.carbon - own.carbon,
        objective=least - found.value,
    )


def _changed(choice: Choice, task: int, place: int) -> Choice:
    return [place if other == task else old for other, old in enumerate(choice)]
