"""A scenario of kind ``deadline``: every policy, with every deadline, from every start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from yuheng.model.deadline import DeadlineJob, DeadlineScenario
from yuheng.model.simulation import Run, Simulation
from yuheng.placement.deadline import Outcome, Start, check, run, starts
from yuheng.simulation.statistics import differences, summarise

__all__ = ["label", "simulate_deadline"]

HOUR: Final = 3600.0
SPOT: Final = 1
# Of as many starts as this runs keep their course, in so many points; thousands of courses tell nobody anything.
COURSES: Final = 10
POINTS: Final = 48
# What rounding may add to a finish that is on the deadline to the second.
TINY: Final = 1e-3


def label(scenario: DeadlineScenario, policy: str, job: DeadlineJob) -> str:
    """What a policy is called in results: with several deadlines the job fraction comes behind its name."""
    return policy if len(scenario.jobs) == 1 else f"{policy} {job.work / job.time:.3g}"


def simulate_deadline(scenario: DeadlineScenario, progress: Callable[[int, int], None] | None = None) -> Simulation:
    """Simulate a scenario: every policy, with every deadline, from every start.

    Args:
        scenario: what to simulate.
        progress: called with the runs that are made and all runs, now and then.

    Returns:
        A simulation whose policies are those of the scenario (see `label`), and whose seeds are the numbers of the
        starts.

    Raises:
        InputError: nobody could keep the deadline, or a policy or a measure has an unknown name.
    """
    for job in scenario.jobs:
        check(job)
    longest = max(job.time for job in scenario.jobs)
    together = scenario.candidates == "all"
    places = starts(scenario.zones, longest, scenario.starts, together=together, seeds=scenario.seeds)
    total = len(scenario.jobs) * len(scenario.policies) * len(places)
    runs: list[Run] = []
    for job in scenario.jobs:
        for policy in scenario.policies:
            runs += (_run(scenario, policy, job, start) for start in places)
            if progress:
                progress(len(runs), total)
    return _told(scenario, runs)


def _fractions(scenario: DeadlineScenario) -> list[float]:
    """Where there are several, what each is called in results."""
    several = scenario.jobs if len(scenario.jobs) > 1 else ()
    return [float(f"{job.work / job.time:.3g}") for job in several]


def _told(scenario: DeadlineScenario, runs: list[Run]) -> Simulation:
    """What the runs say together."""
    names = [label(scenario, policy, job) for job in scenario.jobs for policy in scenario.policies]
    told = {
        **scenario.described(),
        "policies": names,
        "seeds": list(dict.fromkeys(one.seed for one in runs)),
        "unit": "start",
        "jobFractions": _fractions(scenario),
        "baseline": names[0],
        "confidence": scenario.confidence,
        "sequence": False,
        "text": scenario.text,
    }
    return Simulation(
        scenario=told,
        runs=tuple(runs),
        summary=summarise(runs, scenario.confidence, scenario.measures),
        differences=differences(runs, names[0], scenario.confidence, scenario.measures),
        warnings=tuple(dict.fromkeys(scenario.warnings)),
    )


def _run(scenario: DeadlineScenario, policy: str, job: DeadlineJob, start: Start) -> Run:
    outcome = run(policy, job, start.zones, start.offset, history=scenario.history)
    with_course = start.number < COURSES and len(outcome.mode) > 0
    return Run(
        policy=label(scenario, policy, job),
        seed=start.number,
        totals=_totals(job, start, outcome),
        series=tuple(_series(job, start, outcome)) if with_course else (),
    )


def _totals(job: DeadlineJob, start: Start, outcome: Outcome) -> dict[str, float]:
    """The measures of a run; the bound has no course, hence no time at which it ends."""
    base = job.work / HOUR * min(zone.on_demand for zone in start.zones)
    found = {
        "spot_hours": outcome.spot / HOUR,
        "on_demand_hours": outcome.on_demand / HOUR,
        "instance_starts": outcome.starts,
        "moves": outcome.moves,
        "egress_usd": outcome.egress,
        "cost_usd": outcome.cost,
    }
    if base > 0:
        found["savings_percent"] = 100.0 * (1.0 - outcome.cost / base)
    if not len(outcome.mode):
        return {"missed_deadlines": 0.0, **found}
    missed = float(outcome.finish > job.time + TINY)
    return {"makespan_seconds": outcome.finish, "missed_deadlines": missed, **found}


def _series(job: DeadlineJob, start: Start, outcome: Outcome) -> Iterator[dict[str, float]]:
    """Points in time: the work that is done, and what it has cost so far, moves not counted."""
    spot = np.array([zone.spot for zone in start.zones]) / HOUR
    on_demand = np.array([zone.on_demand for zone in start.zones]) / HOUR
    zone, mode = np.maximum(outcome.zone, 0), outcome.mode
    price = np.where(mode == SPOT, spot[zone], np.where(mode > 0, on_demand[zone], 0.0))
    ends = np.minimum(np.arange(1, len(mode) + 1) * outcome.gap, outcome.finish)
    held = np.diff(ends, prepend=0.0)
    cost = np.concatenate(([0.0], np.cumsum(price * held)))
    running = np.concatenate(([0.0], np.cumsum(np.where(mode > 0, held, 0.0))))
    times = np.concatenate(([0.0], ends))
    for time in np.linspace(0.0, job.time, POINTS + 1):
        yield {
            "t": float(time),
            "running_percent": 100.0 * float(np.interp(time, times, running)) / job.work,
            "cost_so_far_usd": float(np.interp(time, times, cost)),
        }
