"""Jobs that run later, or in parts, by forecasts of prices and carbon: each policy on each seed.

Every policy of a seed sees the same jobs and the same forecasts, so that their differences are paired. Jobs do not
compete for machines, and what they save is measured on the truth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.series import Series
from yuheng.model.shifting import ShiftableJob, ShiftingScenario
from yuheng.model.simulation import Run, Simulation
from yuheng.placement.shifting import Cost, decide, draw_jobs, forecast
from yuheng.simulation.statistics import differences, summarise

__all__ = ["run_shifting", "simulate_shifting"]

HOUR: Final = 3600.0
POINTS: Final = 200
SPLIT: Final = ("parts", "omniscient")

Parts = tuple[tuple[float, float], ...]


def simulate_shifting(scenario: ShiftingScenario, progress: Callable[[int, int], None] | None = None) -> Simulation:
    """All policies on all seeds, and what they say together.

    Args:
        scenario: what to simulate.
        progress: called with the runs that are done and all runs, at first with none.

    Raises:
        InputError: there is nothing to draw jobs from, a job has no moment at which it may start, or the scenario asks
            for a measure that there is not.
    """
    runs: list[Run] = []
    report = progress or _nobody
    total = len(scenario.policies) * len(scenario.seeds)
    for policy in scenario.policies:
        for seed in scenario.seeds:
            report(len(runs), total)
            runs.append(run_shifting(scenario, policy, seed))
    report(total, total)
    baseline = scenario.policies[0]
    told = {
        **scenario.described(),
        "unit": "seed",
        "jobFractions": [],
        "baseline": baseline,
        "confidence": scenario.confidence,
        "sequence": False,
        "text": scenario.text,
    }
    return Simulation(
        scenario=told,
        runs=tuple(runs),
        summary=summarise(runs, scenario.confidence, scenario.measures),
        differences=differences(runs, baseline, scenario.confidence, scenario.measures),
        warnings=tuple(dict.fromkeys(scenario.warnings)),
    )


def run_shifting(scenario: ShiftingScenario, policy: str, seed: int) -> Run:
    """One policy on one seed.

    Args:
        scenario: what to simulate.
        policy: a name of `SHIFT_POLICIES`.
        seed: of the jobs, where they are drawn, and of the forecasts' errors.

    Raises:
        InputError: there is nothing to draw jobs from, or a job has no moment at which it may start.
    """
    jobs = draw_jobs(scenario.workload, seed) if scenario.workload else scenario.jobs
    ran: list[Parts] = [((job.issued, job.issued + job.duration),) for job in jobs]
    if policy != "as-issued":
        rule = msgspec.structs.replace(scenario.rule, interruptible=policy in SPLIT)
        seen = _seen(scenario, 0.0 if policy == "omniscient" else scenario.error, seed)
        ran = [decide(job, seen, rule) for job in jobs]
    totals = {**_totals(jobs, ran), **_costs(scenario, jobs, ran)}
    return Run(policy=policy, seed=seed, totals=totals, series=_series(jobs, ran))


def _seen(scenario: ShiftingScenario, error: float, seed: int) -> Cost:
    """What is minimised, by forecasts; each series relative to its mean, so that weights mean the same for all."""
    weights = scenario.objective.weights
    given = ((weights.carbon, scenario.carbon), (weights.cost, scenario.price))
    return [
        (weight / (abs(float(series.values.mean())) or 1.0), forecast(series, error, (seed, stream)))
        for stream, (weight, series) in enumerate(given)
        if series is not None and weight
    ]


def _totals(jobs: Sequence[ShiftableJob], ran: Sequence[Parts]) -> dict[str, float]:
    """What happened to the jobs."""
    waits = np.array([parts[0][0] - job.issued for job, parts in zip(jobs, ran, strict=True)])
    completions = np.array([parts[-1][1] - job.issued for job, parts in zip(jobs, ran, strict=True)])
    count = len(jobs)
    return {
        "jobs": float(count),
        "finished": float(count),
        **_spread("pending_seconds", waits),
        **_spread("completion_seconds", completions),
        "resumptions": float(sum(len(parts) - 1 for parts in ran)),
    }


def _spread(name: str, values: NDArray[np.float64]) -> dict[str, float]:
    if not len(values):
        return {}
    middle, late = np.quantile(values, (0.5, 0.99))
    return {f"{name}_mean": float(values.mean()), f"{name}_p50": float(middle), f"{name}_p99": float(late)}


def _costs(scenario: ShiftingScenario, jobs: Sequence[ShiftableJob], ran: Sequence[Parts]) -> dict[str, float]:
    """What all jobs cost in truth, and how much less that is than had they run when they were issued."""
    found: dict[str, float] = {}
    issued: list[Parts] = [((job.issued, job.issued + job.duration),) for job in jobs]
    for total, saved, series, unit in (
        # Kilograms: grams per kWh times kilowatts and hours, over 1000.
        ("carbon_kg", "carbon_saved_percent", scenario.carbon, scenario.power / HOUR / 1000),
        ("cost_usd", "savings_percent", scenario.price, 1 / HOUR),
    ):
        if series is None:
            continue
        before, after = (unit * _area(series, jobs, parts) for parts in (issued, ran))
        found[total] = after
        if before > 0:
            found[saved] = 100 * (1 - after / before)
    return found


def _area(series: Series, jobs: Sequence[ShiftableJob], ran: Sequence[Parts]) -> float:
    """The sum of the series over the seconds of all machines."""
    weights = np.array([job.weight for job, parts in zip(jobs, ran, strict=True) for _ in parts])
    ends = np.array([part for parts in ran for part in parts]).reshape(-1, 2)
    areas = series.integrals_to(ends[:, 1]) - series.integrals_to(ends[:, 0])
    return math.fsum(weights * areas)


def _series(jobs: Sequence[ShiftableJob], ran: Sequence[Parts]) -> tuple[dict[str, float], ...]:
    """How many jobs run, and wait or pause, at moments since the first was issued or began."""
    return tuple(_points(jobs, ran)) if jobs else ()


def _points(jobs: Sequence[ShiftableJob], ran: Sequence[Parts]) -> Iterator[dict[str, float]]:
    begins = np.sort([start for parts in ran for start, _ in parts])
    ends = np.sort([end for parts in ran for _, end in parts])
    issued = np.sort([min(job.issued, parts[0][0]) for job, parts in zip(jobs, ran, strict=True)])
    done = np.sort([parts[-1][1] for parts in ran])
    first = float(issued[0])
    for time in np.linspace(first, float(done[-1]), POINTS):
        running = np.searchsorted(begins, time, "right") - np.searchsorted(ends, time, "right")
        there = np.searchsorted(issued, time, "right") - np.searchsorted(done, time, "right")
        yield {"t": float(time) - first, "running_jobs": float(running), "pending_jobs": float(there - running)}


def _nobody(done: int, total: int) -> None:
    """Tell nobody."""
