"""A sweep: all policies on all seeds."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING, Literal, TypeAlias

from yuheng.errors import ConfigError, YuhengError
from yuheng.model.deadline import DeadlineScenario
from yuheng.model.scenario import Scenario
from yuheng.model.shifting import ShiftingScenario
from yuheng.model.simulation import Simulation
from yuheng.simulation.deadline import simulate_deadline
from yuheng.simulation.findings import findings
from yuheng.simulation.shifting import simulate_shifting
from yuheng.sweeps.processes import in_processes
from yuheng.sweeps.runs import Task, attempt, tasks_of, unpacked
from yuheng.sweeps.warmth import is_warm, warmed

if TYPE_CHECKING:
    from yuheng.sweeps.store import RunStore

__all__ = ["Engine", "simulate"]

Engine: TypeAlias = Literal["processes", "ray"]
_Results: TypeAlias = Generator[tuple[Task, bytes | YuhengError], None, None]


def simulate(
    scenario: Scenario | DeadlineScenario | ShiftingScenario,
    *,
    workers: int | None = None,
    engine: Engine = "processes",
    store: RunStore | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Simulation:
    """Simulate a scenario: every policy on every seed.

    One of kind ``deadline`` or ``shifting`` is simulated in this process, whatever ``workers``, ``engine`` and
    ``store`` say: its runs take milliseconds.

    Args:
        scenario: what to simulate.
        workers: how many runs are made at a time; None for one for each cpu, or what a Ray cluster has room for.
        engine: ``processes`` of this machine, or ``ray`` for a Ray cluster. The results are the same.
        store: finished runs are kept there, and those that are there already are not made again.
        progress: called with the runs that are there and all runs: at first with those that were kept, then whenever
            one is finished.

    Raises:
        ConfigError: ``workers`` is below 1, the engine is not there, or the scenario or a policy cannot be worked with.
        InputError: something in the scenario's cluster cannot be.
        YuhengError: a process was killed.
    """
    if isinstance(scenario, DeadlineScenario):
        return simulate_deadline(scenario, progress)
    if isinstance(scenario, ShiftingScenario):
        return simulate_shifting(scenario, progress)
    tasks = tasks_of(scenario)
    found = ((task, store.find(scenario.policies[task.policy], task.seed)) for task in tasks) if store else ()
    runs = {task: run for task, run in found if run is not None}
    report = progress or _nobody
    report(len(runs), len(tasks))
    with closing(_made(scenario, [task for task in tasks if task not in runs], workers, engine)) as results:
        for task, result in results:
            if isinstance(result, YuhengError):
                raise result
            if store:
                store.keep(scenario.policies[task.policy], task.seed, result)
            runs[task] = unpacked(result)
            warmed(scenario)
            report(len(runs), len(tasks))
    return findings(scenario, [runs[task] for task in tasks])


def _made(scenario: Scenario, tasks: Sequence[Task], workers: int | None, engine: Engine) -> _Results:
    """The results of tasks as they are done, from wherever they are made."""
    if workers is not None and workers < 1:
        raise ConfigError(f"workers: found {workers}, expected 1 or more")
    if engine not in ("processes", "ray"):
        raise ConfigError(f"engine: found {engine!r}, expected processes or ray")
    # Who compiles first compiles for all: the kernels are kept on disk.
    first_alone = not is_warm(scenario)
    if engine == "ray":
        from yuheng.sweeps.on_ray import on_ray  # noqa: PLC0415 -- an extra

        return on_ray(scenario, tasks, workers, first_alone=first_alone)
    processes = min(workers or _cpus(), len(tasks))
    if processes <= 1:
        return ((task, attempt(scenario, task)) for task in tasks)
    return in_processes(scenario, tasks, processes, first_alone=first_alone)


def _cpus() -> int:
    """The cpus that this process may use."""
    usable = getattr(os, "sched_getaffinity", None)
    return len(usable(0)) if usable else os.cpu_count() or 1


def _nobody(done: int, total: int) -> None:
    """Tell nobody."""
