"""How reports word what a simulation measures: titles, values with their units, one sentence on how to read each.

A simulation speaks of measures by name (``fragmented_gpu_percent``). `MEASURES` of the model gives label, unit
and direction; here stand the shorter title that fits over a column, and the sentence that says what a reader
may conclude. A name that neither knows is still told: its words are its label, its last word is its unit.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from yuheng.model.simulation import MEASURES, Measure

__all__ = ["clock_text", "column_title", "difference_text", "meaning", "measure_of", "spread_text", "value_text"]


class _Words(NamedTuple):
    """A title for a narrow column, and how to read the measure."""

    title: str
    meaning: str


# Measures at a moment that have no total of the same name.
_MOMENTS: Final[dict[str, Measure]] = {
    "running_jobs": Measure("jobs running", ""),
    "pending_jobs": Measure("jobs pending", "", "lower"),
    "finished_jobs": Measure("jobs finished so far", "", "higher"),
    "running_pods": Measure("pods running", ""),
    "pending_pods": Measure("pods pending", "", "lower"),
    "nodes": Measure("nodes", ""),
    "unallocated_cpu_percent": Measure("cpu unallocated", "%", "lower"),
    "cost_usd_per_hour": Measure("cost per hour", "USD", "lower"),
    "running_percent": Measure("time on instances, of the work", "%"),
    "cost_so_far_usd": Measure("cost so far", "USD", "lower"),
}
# Seconds of the smaller unit, how many make the larger, how many of the larger are still told, both letters.
_CLOCKS: Final = ((1, 60, 60.0, "m", "s"), (60, 60, 24.0, "h", "m"), (3600, 24, math.inf, "d", "h"))
_UNITS: Final = {"percent": "%", "seconds": "s", "hours": "h", "usd": "USD"}

_PENDING: Final = "Time from the submission of a job until as many of its pods as it needs have a node"
_COMPLETION: Final = "Time from the submission of a job until it ends"
_SLOWDOWN: Final = (
    "Time to completion divided by the time the job works (10 s at least), so that 1 is no waiting at all"
)
_MEDIAN: Final = "half of the jobs have less"
_TAIL: Final = "one job in a hundred has more"
_ALLOCATED: Final = "What running pods request, in percent of what the nodes offer"
_UTILISED: Final = "What running pods use on average by the trace, in percent of what the nodes offer"

_WORDS: Final[dict[str, _Words]] = {
    "jobs": _Words("JOBS", "How many jobs the workload has, those that are refused counted."),
    "finished": _Words("FINISHED", "How many of them ended before the simulation did."),
    "running": _Words("RUNNING", "Jobs that still ran when the simulation ended."),
    "pending": _Words(
        "PENDING", "What still waited for a node when the simulation ended; it could have got one later."
    ),
    "refused": _Words("REFUSED", "Jobs that no node there will ever be could take, whatever the policy does."),
    "makespan_seconds": _Words("MAKESPAN", "Time from the first submission until the last job that ended had ended."),
    "throughput_per_hour": _Words("THROUGHPUT", "Jobs that ended, for each hour of simulated time."),
    "pending_seconds_mean": _Words(
        "PENDING MEAN", f"{_PENDING}, on average; a job that still waits counts with what it waited."
    ),
    "pending_seconds_p50": _Words("PENDING P50", f"{_PENDING}; {_MEDIAN}."),
    "pending_seconds_p99": _Words("PENDING P99", f"{_PENDING}; {_TAIL}."),
    "completion_seconds_mean": _Words("JCT MEAN", f"{_COMPLETION}, on average over the jobs that ended."),
    "completion_seconds_p50": _Words("JCT P50", f"{_COMPLETION}; {_MEDIAN}."),
    "completion_seconds_p99": _Words("JCT P99", f"{_COMPLETION}; {_TAIL}."),
    "slowdown_mean": _Words("SLOWDOWN MEAN", f"{_SLOWDOWN}, on average over the jobs that ended."),
    "slowdown_p50": _Words("SLOWDOWN P50", f"{_SLOWDOWN}; {_MEDIAN}."),
    "slowdown_p99": _Words("SLOWDOWN P99", f"{_SLOWDOWN}; {_TAIL}."),
    "allocated_cpu_percent": _Words("CPU ALLOC", f"{_ALLOCATED} of cpu."),
    "allocated_memory_percent": _Words("MEM ALLOC", f"{_ALLOCATED} of memory."),
    "allocated_gpu_percent": _Words("GPU ALLOC", f"{_ALLOCATED} of GPUs, shares of a GPU counted as what they are."),
    "utilised_cpu_percent": _Words("CPU USED", f"{_UTILISED} of cpu."),
    "utilised_memory_percent": _Words("MEM USED", f"{_UTILISED} of memory."),
    "utilised_gpu_percent": _Words("GPU USED", f"{_UTILISED} of GPUs."),
    "unallocated_gpu_percent": _Words("GPU UNALLOC", "GPUs that no pod holds, in percent of all GPUs."),
    "fragmented_gpu_percent": _Words(
        "GPU FRAGM",
        "GPUs that no pod holds and that a typical pod of the workload could not use where they are, in percent of all "
        "GPUs.",
    ),
    "fairness_jain": _Words(
        "JAIN",
        "Jain's index of what part of what they deserve queues got: 1 is the same for all, less is less fair.",
    ),
    "unfairness_percent": _Words(
        "UNFAIRNESS",
        "What queues lacked of what they deserve, in percent of the cluster, averaged over time; 0 is no lack.",
    ),
    "preemptions": _Words("PREEMPTED", "Pods that were evicted to make room for others."),
    "interruptions": _Words("LOST PODS", "Pods that ended early because their node failed, was drained or reclaimed."),
    "lost_cpu_hours": _Words("LOST CPU", "Work since the last checkpoint that was thrown away, in core hours."),
    "lost_gpu_hours": _Words("LOST GPU", "Work since the last checkpoint that was thrown away, in GPU hours."),
    "node_hours": _Words("NODE HOURS", "Hours that nodes were there, each counted for itself."),
    "missed_deadlines": _Words("MISSED", "Jobs that were done after their deadline."),
    "spot_hours": _Words("SPOT", "Hours that spot instances were held, their starts counted."),
    "on_demand_hours": _Words("ON-DEMAND", "Hours that on-demand instances were held, their starts counted."),
    "instance_starts": _Words("STARTS", "How often an instance was started; each start takes a change-over."),
    "moves": _Words("MOVES", "Starts in another zone than the one before."),
    "egress_usd": _Words("EGRESS", "What it cost to carry the job's state from zone to zone; part of the cost."),
    "cost_usd": _Words(
        "COST", "What the nodes with a known price, or the instances of a job, cost while they were there."
    ),
    "savings_percent": _Words(
        "COST SAVED",
        "How much less it cost than had every job run when and where it was asked for, at the usual price.",
    ),
    "carbon_kg": _Words("CARBON", "CO2 equivalent of the electricity that the machines of all jobs drew."),
    "carbon_saved_percent": _Words(
        "CARBON SAVED", "How much less CO2 that was than had every job run when it was issued."
    ),
    "resumptions": _Words("RESUMED", "How often jobs went on after an interruption that was chosen, all together."),
    "running_jobs": _Words("RUNNING", "Jobs whose pods run at this moment."),
    "pending_jobs": _Words("PENDING", "Jobs that wait at this moment."),
    "finished_jobs": _Words("FINISHED", "Jobs that ended until this moment."),
    "running_pods": _Words("PODS RUNNING", "Pods that have a node at this moment."),
    "pending_pods": _Words("PODS PENDING", "Pods that wait for a node at this moment."),
    "nodes": _Words("NODES", "Nodes that are there at this moment."),
    "unallocated_cpu_percent": _Words("CPU UNALLOC", "Cpu that no pod requests, in percent of all cpu."),
    "running_percent": _Words(
        "RUNNING", "How long instances were held until this moment, in percent of the work; above 100 are change-overs."
    ),
    "cost_so_far_usd": _Words("COST SO FAR", "What instances cost until this moment."),
    "cost_usd_per_hour": _Words("COST/H", "What the nodes with a known price cost for each hour, at this moment."),
}


def measure_of(name: str) -> Measure:
    """What a measure is called, its unit and its direction; a name nobody knows speaks for itself."""
    known = MEASURES.get(name) or _MOMENTS.get(name)
    if known is not None:
        return known
    *words, last = name.split("_")
    unit = _UNITS.get(last, "") if words else ""
    return Measure(" ".join(words if unit else (*words, last)), unit)


def column_title(name: str) -> str:
    """The measure as the title of a narrow column, in capitals."""
    return _WORDS[name].title if name in _WORDS else measure_of(name).label.upper()


def meaning(name: str) -> str:
    """One sentence on how to read a measure; empty for one nobody knows."""
    return _WORDS[name].meaning if name in _WORDS else ""


def value_text(unit: str, value: float) -> str:
    """A value for people: ``4.61%``, ``1h 23m``, ``1,204.5 h``, ``$3,120.50``, ``12.4/h``, ``10,725``.

    Args:
        unit: one of those of `Measure`.
        value: finite.
    """
    before, number, after = _figure(unit, value)
    return f"{before}{number}{after}"


def spread_text(unit: str, mean: float, low: float, high: float, sign: str = "±") -> str:
    """A mean and half the width of its interval: ``4.61 ± 0.12%``."""
    width = (high - low) / 2
    before, number, after = _figure(unit, mean, width)
    return f"{before}{number} {sign} {_figure(unit, width, mean)[1]}{after}"


def difference_text(unit: str, value: float, width: float | None = None, sign: str = "±") -> str:
    """A difference with its sign; one of percents is in percentage points: ``-2.31 pp``, ``+12m 5s ± 40s``.

    Args:
        unit: one of those of `Measure`.
        value: finite.
        width: half the width of its interval; None for a difference that has none.
        sign: what stands before the width.
    """
    before, number, after = _figure(unit, abs(value), width or 0.0)
    way = ("-" if value < 0 else "+") if any(digit in number for digit in "123456789") else ""
    spread = "" if width is None else f" {sign} {_figure(unit, width, value)[1]}"
    return f"{way}{before}{number}{spread}{' pp' if unit == '%' else after}"


def clock_text(seconds: float) -> str:
    """A duration in its two largest units: ``0.25s``, ``42s``, ``5m 12s``, ``1h 23m``, ``3d 4h``."""
    size = abs(seconds)
    text = _short_clock(size) if round(size) < 60 else _long_clock(size)
    return f"-{text}" if seconds < 0 and text != "0s" else text


def _short_clock(size: float) -> str:
    digits = 2 if size < 0.995 else 1 if size < 9.95 else 0
    text = f"{size:.{digits}f}"
    return (text.rstrip("0").rstrip(".") if digits else text) + "s"


def _long_clock(size: float) -> str:
    unit, parts, _, large, small = next(clock for clock in _CLOCKS if round(size / clock[0]) < clock[1] * clock[2])
    whole, rest = divmod(round(size / unit), parts)
    return f"{whole:,}{large} {rest}{small}" if rest else f"{whole:,}{large}"


def _figure(unit: str, value: float, beside: float = 0.0) -> tuple[str, str, str]:
    """What stands before the number, the number, and what stands behind it.

    Args:
        unit: one of those of `Measure`.
        value: the number.
        beside: the number it stands with; both get the same decimals.
    """
    if unit == "s":
        return "", clock_text(value), ""
    digits = {"USD": 2, "%": 2, "h": 1}.get(unit)
    number = f"{abs(value):,.{_decimals(value, beside) if digits is None else digits}f}"
    sign = "-" if value < 0 and any(digit in number for digit in "123456789") else ""
    if unit == "USD":
        return f"{sign}$", number, ""
    return "", f"{sign}{number}", {"%": "%", "h": " h", "kg": " kg", "1/h": "/h"}.get(unit, "")


def _decimals(*values: float) -> int:
    """As many decimals as tell counts and ratios of this size apart."""
    most = max(map(abs, values))
    if all(value == round(value) for value in values):
        return 0
    return 3 if most < 10 else 1 if most < 1000 else 0
