"""What a simulation found: runs, their measures over time and in total, and how policies compare."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

import msgspec

from yuheng.model.plan import API_VERSION, listed

__all__ = ["MEASURES", "Difference", "Measure", "QueueSeries", "RefusedJob", "Run", "Simulation", "Summary"]


class Measure(NamedTuple):
    """A measure: what people call it, its unit, and which way is better.

    Attributes:
        label: for people.
        unit: ``%``, ``s``, ``h``, ``USD``, ``kg``, ``1/h`` or empty for a count or ratio.
        better: which way is better; empty where neither is.
    """

    label: str
    unit: str
    better: Literal["lower", "higher", ""] = ""


def _spread(name: str, label: str, unit: str) -> dict[str, Measure]:
    return {
        f"{name}_mean": Measure(f"{label}, mean", unit, "lower"),
        f"{name}_p50": Measure(f"{label}, median", unit, "lower"),
        f"{name}_p99": Measure(f"{label}, 99th percentile", unit, "lower"),
    }


# The totals of a run, in the order they are told. A run holds those that mean something for it.
MEASURES: Final[dict[str, Measure]] = {
    "jobs": Measure("jobs submitted", ""),
    "finished": Measure("jobs finished", "", "higher"),
    "running": Measure("jobs running at the end", ""),
    "pending": Measure("jobs pending at the end", "", "lower"),
    "refused": Measure("jobs that fit nowhere, ever", "", "lower"),
    "makespan_seconds": Measure("time until the last job ended", "s", "lower"),
    "throughput_per_hour": Measure("jobs finished per hour", "1/h", "higher"),
    **_spread("pending_seconds", "time pending", "s"),
    **_spread("completion_seconds", "job completion time", "s"),
    **_spread("slowdown", "slowdown", ""),
    "allocated_cpu_percent": Measure("cpu allocated", "%", "higher"),
    "allocated_memory_percent": Measure("memory allocated", "%", "higher"),
    "allocated_gpu_percent": Measure("GPU allocated", "%", "higher"),
    "utilised_cpu_percent": Measure("cpu utilised", "%", "higher"),
    "utilised_memory_percent": Measure("memory utilised", "%", "higher"),
    "utilised_gpu_percent": Measure("GPU utilised", "%", "higher"),
    "unallocated_gpu_percent": Measure("GPU unallocated", "%", "lower"),
    "fragmented_gpu_percent": Measure("GPU fragmented", "%", "lower"),
    "fairness_jain": Measure("fairness between queues (Jain)", "", "higher"),
    "unfairness_percent": Measure("area between deserved and allocated", "%", "lower"),
    "preemptions": Measure("pods evicted for others", "", "lower"),
    "interruptions": Measure("pods lost with their node", "", "lower"),
    "lost_cpu_hours": Measure("work lost, cpu", "h", "lower"),
    "lost_gpu_hours": Measure("work lost, GPU", "h", "lower"),
    "node_hours": Measure("node hours", "h", "lower"),
    "missed_deadlines": Measure("deadlines missed", "", "lower"),
    "spot_hours": Measure("on spot", "h", "higher"),
    "on_demand_hours": Measure("on-demand", "h", "lower"),
    "instance_starts": Measure("instances started", "", "lower"),
    "moves": Measure("moves between zones", "", "lower"),
    "egress_usd": Measure("cost of moves", "USD", "lower"),
    "cost_usd": Measure("cost", "USD", "lower"),
    "savings_percent": Measure("cost saved", "%", "higher"),
    "carbon_kg": Measure("carbon", "kg", "lower"),
    "carbon_saved_percent": Measure("carbon saved", "%", "higher"),
    "resumptions": Measure("resumptions of interrupted jobs", "", "lower"),
}


class QueueSeries(msgspec.Struct, frozen=True):
    """A queue at each point of its run's series, in percent of the cluster's dominant resource.

    Attributes:
        queue: its name.
        allocated: what its pods hold.
        deserved: what it deserves, no more than it asks for.
    """

    queue: str
    allocated: tuple[float, ...]
    deserved: tuple[float, ...]


class RefusedJob(msgspec.Struct, frozen=True):
    """A job that fits on no node there will ever be: why, and the smallest change that would help."""

    job: str
    reason: str
    hint: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One policy on one seed.

    Attributes:
        totals: by the names of `MEASURES`.
        series: points in time: ``t`` in seconds since the start, and measures at that moment (``running_jobs``,
            ``pending_jobs``, ``nodes``, ``allocated_cpu_percent``, ...). In an arrival sequence ``t`` counts jobs, and
            each point has ``arrived_gpu_percent`` (whole percents), ``unallocated_gpu_percent`` and
            ``fragmented_gpu_percent``.
        queues: the queues over the same points; none without queues.
        rush: 7 days (Monday first) of 24 hours (UTC): what is asked for, running and waiting, in percent of what the
            nodes offer of the resource asked for most; None where no time of that hour was seen. Empty in an arrival
            sequence.
        refused: jobs that fit nowhere, the first of them.
        warnings: what has to be known to read the numbers rightly.
    """

    policy: str
    seed: int
    totals: dict[str, float]
    series: tuple[dict[str, float], ...]
    queues: tuple[QueueSeries, ...] = ()
    rush: tuple[tuple[float | None, ...], ...] = ()
    refused: tuple[RefusedJob, ...] = ()
    warnings: tuple[str, ...] = ()


class Summary(msgspec.Struct, frozen=True):
    """A measure of a policy over its seeds: the mean and its interval (Student's t); one seed has no width."""

    policy: str
    measure: str
    mean: float
    low: float
    high: float


class Difference(msgspec.Struct, frozen=True):
    """A measure of a policy minus that of the baseline, paired by seed: the mean and its interval."""

    policy: str
    baseline: str
    measure: str
    mean: float
    low: float
    high: float


class Simulation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a sweep found.

    Attributes:
        scenario: its name, policies and seeds (``unit`` says whether those are ``start``s in place of seeds, and
            ``jobFractions`` what each policy stands there several times for), the confidence of the intervals, and the
            text it was read from.
        runs: by policy in the scenario's order, then by seed.
        summary, differences: by policy, then by measure in the order of `MEASURES`.
        warnings: of the scenario and of its runs, each once.
    """

    scenario: dict[str, Any]
    runs: tuple[Run, ...]
    summary: tuple[Summary, ...] = ()
    differences: tuple[Difference, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The simulation in the public format (kind ``Simulation``): plain data, as ``-o json`` prints it."""
        return {"apiVersion": API_VERSION, "kind": "Simulation", **listed(msgspec.to_builtins(self))}
