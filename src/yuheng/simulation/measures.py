"""From what happened to measures: totals of a run, and its time series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.model.scenario import PriceSeries
from yuheng.model.simulation import QueueSeries
from yuheng.simulation.arrivals import HOURS, second_of_week
from yuheng.simulation.population import Population
from yuheng.simulation.record import NodeSpan, Outcome, Sample, Stints
from yuheng.simulation.steps import Steps

__all__ = ["Happened", "Measures"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
HOUR: Final = 3600.0
RESOURCES: Final = ("cpu", "memory", "gpu")
# Runtimes below this count as this in a slowdown (bounded slowdown: Feitelson, "Metrics for parallel job scheduling").
SHORTEST: Final = 10.0


class Happened(NamedTuple):
    """A run that is over.

    Attributes:
        population: who took part.
        nodes: by number.
        prices: by node; None where unknown.
        stints, spans, samples: see `record`.
        end: when it was over, in seconds.
        refused: jobs that were never submitted.
        epoch: what second 0 is, in seconds since the epoch; None when unknown.
    """

    population: Population
    nodes: Sequence[Node]
    prices: Sequence[PriceSeries | None]
    stints: Stints
    spans: Sequence[NodeSpan]
    samples: Sequence[Sample]
    end: float
    refused: frozenset[int]
    epoch: float | None = None


class Measures:
    """Works the measures of a run out."""

    def __init__(self, happened: Happened) -> None:
        self._all = happened
        self._end = happened.end
        self._stints = happened.stints
        population = happened.population
        self._asked = {name: _asked(population.kinds.models, name) for name in RESOURCES}
        self._job_of = population.job_of[self._stints.pod]
        refused = np.zeros(len(population.submit), dtype=np.bool_)
        refused[list(happened.refused)] = True
        self._jobs = np.flatnonzero(~refused & (population.submit <= self._end) & self._is_new())
        span = happened.spans
        self._span_node = np.array([item.node for item in span], dtype=np.int64)
        self._since = np.array([item.since for item in span], dtype=np.float64)
        self._until = np.array([item.until for item in span], dtype=np.float64)

    def _is_new(self) -> NDArray[np.bool_]:
        """(J,) jobs that were submitted, rather than running from the start."""
        population = self._all.population
        found = np.ones(len(population.submit), dtype=np.bool_)
        for job, (_, pods) in enumerate(population.old):
            found[job] = any(pod >= population.kinds.residents for pod in pods)
        return found

    def totals(self) -> dict[str, float]:
        """The totals, by the names of `MEASURES`; those that mean nothing here are left out."""
        found = {
            **self._counts(),
            **self._times(),
            **self._use(),
            **self._fairness(),
            **self._losses(),
            **self._expenses(),
        }
        return {name: float(value) for name, value in found.items() if np.isfinite(value)}

    # Jobs.

    @cached_property
    def _ended(self) -> F64:
        """(P,) when each pod finished; infinite where it did not."""
        ended = np.full(len(self._all.population.duration), np.inf)
        done = self._stints.outcome == Outcome.FINISHED
        ended[self._stints.pod[done]] = self._stints.ended[done]
        return ended

    @cached_property
    def _finish(self) -> F64:
        """(J,) when each job finished; infinite where it did not."""
        finish = np.zeros(len(self._all.population.submit))
        np.maximum.at(finish, self._all.population.job_of, self._ended)
        return finish

    @cached_property
    def _waits(self) -> tuple[F64, F64, I64]:
        """When jobs had fewer pods bound or finished than they need: from when, until when, and which job."""
        population, stints = self._all.population, self._stints
        jobs = self._jobs
        left = (stints.outcome != Outcome.FINISHED) & (stints.outcome != Outcome.RUNNING)
        job = np.concatenate([jobs, self._job_of, self._job_of[left]])
        times = np.concatenate([population.submit[jobs], stints.bound, stints.ended[left]])
        change: F64 = np.concatenate([np.zeros(len(jobs)), np.ones(len(stints.pod)), -np.ones(int(left.sum()))])
        order = np.lexsort((change, times, job))
        job, times, sums = job[order], times[order], np.cumsum(change[order])
        first = np.concatenate([[True], job[1:] != job[:-1]]) if len(job) else np.zeros(0, dtype=np.bool_)
        before = np.maximum.accumulate(np.where(first, np.arange(len(job)), 0))
        there = sums - np.where(before > 0, sums[before - 1], 0.0) if len(job) else sums
        until = np.append(times[1:], self._end)
        until[np.append(first[1:], True)] = self._end
        until = np.minimum(until, np.minimum(self._finish[job], self._end))
        sizes = np.bincount(population.job_of, minlength=len(population.submit))
        needed = np.minimum(np.maximum(population.minimum, 1), sizes)
        lacking = (there < needed[job]) & (until > times)
        return times[lacking], until[lacking], job[lacking]

    @cached_property
    def _pending(self) -> F64:
        """(J,) seconds that each job had too few pods to run, before its start and after it lost some."""
        since, until, job = self._waits
        sums = np.bincount(job, weights=until - since, minlength=len(self._all.population.submit))
        return sums.astype(np.float64)

    def _counts(self) -> dict[str, float]:
        finished = np.isfinite(self._finish[self._jobs])
        on_nodes = np.zeros(len(self._finish), dtype=np.bool_)
        on_nodes[self._job_of[self._stints.outcome == Outcome.RUNNING]] = True
        running = on_nodes[self._jobs] & ~finished
        return {
            "jobs": len(self._jobs) + len(self._all.refused),
            "finished": finished.sum(),
            "running": running.sum(),
            "pending": len(self._jobs) - finished.sum() - running.sum(),
            "refused": len(self._all.refused),
        }

    def _times(self) -> dict[str, float]:
        """Waits, completion times, slowdowns; a job that waits still has waited at least until the end."""
        population, jobs = self._all.population, self._jobs
        found: dict[str, float] = {}
        if not len(jobs):
            return found
        submit = population.submit[jobs]
        found |= _spread("pending_seconds", self._pending[jobs])
        done = np.isfinite(self._finish[jobs])
        if not done.any():
            return found
        completion = self._finish[jobs][done] - submit[done]
        longest = np.zeros(len(population.submit))
        np.maximum.at(longest, population.job_of, population.duration)
        ideal = np.maximum(longest[jobs][done], SHORTEST)
        found |= _spread("completion_seconds", completion)
        found |= _spread("slowdown", np.maximum(completion / ideal, 1.0))
        found["makespan_seconds"] = self._finish[jobs][done].max() - submit.min()
        if self._end > 0:
            found["throughput_per_hour"] = done.sum() / self._end * HOUR
        return found

    # What is used of what there is.

    @cached_property
    def _capacity(self) -> dict[str, F64]:
        """By resource, (N,) what each node offers."""
        nodes = self._all.nodes
        amounts = {name: [node.allocatable.get(name, 0) for node in nodes] for name in ("cpu", "memory")}
        amounts["gpu"] = [1000 * node.devices.count for node in nodes]
        return {name: np.array(values, dtype=np.float64) for name, values in amounts.items()}

    def _offered(self, name: str) -> float:
        """What the nodes offered over time, in amount times seconds."""
        return float((self._capacity[name][self._span_node] * (self._until - self._since)).sum())

    def _held(self, name: str) -> F64:
        """(S,) what each stint holds of a resource."""
        found: F64 = self._asked[name][self._all.population.models()[self._stints.pod]]
        return found

    def _used(self, name: str) -> F64 | None:
        """(S,) what the pod of each stint uses while it works; None where nothing is known."""
        usage = self._all.population.usage.get(name)
        if usage is None:
            return None
        return np.nan_to_num(usage[self._job_of])

    def _use(self) -> dict[str, float]:
        found: dict[str, float] = {}
        held = self._stints.ended - self._stints.bound
        began = np.where(np.isnan(self._stints.began), self._stints.ended, self._stints.began)
        for name in RESOURCES:
            offered = self._offered(name)
            if not offered:
                continue
            allocated = 100 * float((self._held(name) * held).sum()) / offered
            found[f"allocated_{name}_percent"] = allocated
            used = self._used(name)
            if used is not None:
                found[f"utilised_{name}_percent"] = 100 * float((used * (self._stints.ended - began)).sum()) / offered
            if name == "gpu":
                found["unallocated_gpu_percent"] = 100 - allocated
                found["fragmented_gpu_percent"] = self._fragmented()
        return found

    def _fragmented(self) -> float:
        """Mean over time of what is fragmented, in percent of the GPUs there are."""
        samples = self._all.samples
        times = np.array([sample.time for sample in samples])
        there = self._before(self._steps_of_nodes(self._capacity["gpu"]), times)
        fragmented = np.array([sample.fragmented for sample in samples])
        return _mean_over_time(times, _percent(fragmented, there))

    def _steps_of_nodes(self, amount: F64) -> Steps:
        return Steps.of(self._since, self._until, amount[self._span_node])

    # Queues, losses, money.

    def _shares(self) -> tuple[F64, F64, F64]:
        """Times, and (T, Q) what the queues deserve and hold."""
        samples = self._all.samples
        times = np.array([sample.time for sample in samples])
        rows = [[sample.queues.get(name, (0.0, 0.0)) for name in self._queues] for sample in samples]
        both = np.array(rows, dtype=np.float64).reshape(len(samples), len(self._queues), 2)
        return times, both[:, :, 0], both[:, :, 1]

    @cached_property
    def _queues(self) -> list[str]:
        """The queues that were ever seen, by name."""
        return sorted({name for sample in self._all.samples for name in sample.queues})

    def _fairness(self) -> dict[str, float]:
        """Jain's index of what queues hold of what they deserve (Jain, Chiu, Hawe 1984), and the area in between."""
        if len(self._queues) < 2:
            return {}
        times, deserved, allocated = self._shares()
        due = np.array([_mean_over_time(times, column) for column in deserved.T])
        have = np.array(
            [_mean_over_time(times, np.minimum(a, d)) for a, d in zip(allocated.T, deserved.T, strict=True)]
        )
        some = due > 0
        if not some.any():
            return {}
        parts = have[some] / due[some]
        short = np.maximum(deserved - allocated, 0).sum(axis=1)
        squares = float((parts**2).sum())
        return {
            "fairness_jain": float(parts.sum()) ** 2 / (len(parts) * squares) if squares else 1.0,
            "unfairness_percent": 100 * _mean_over_time(times, short),
        }

    def _losses(self) -> dict[str, float]:
        outcome = self._stints.outcome
        found: dict[str, float] = {
            "preemptions": (outcome == Outcome.PREEMPTED).sum(),
            "interruptions": ((outcome == Outcome.LOST) | (outcome == Outcome.STOPPED)).sum(),
            "lost_cpu_hours": (self._stints.lost * self._held("cpu")).sum() / 1000 / HOUR,
        }
        if self._capacity["gpu"].any():
            found["lost_gpu_hours"] = (self._stints.lost * self._held("gpu")).sum() / 1000 / HOUR
        return found

    def _expenses(self) -> dict[str, float]:
        found = {"node_hours": float((self._until - self._since).sum()) / HOUR}
        prices = self._all.prices
        if any(price is not None for price in prices):
            paid = [_paid(price, span) for span in self._all.spans if (price := prices[span.node]) is not None]
            found["cost_usd"] = sum(paid)
        return found

    # Over time.

    def series(self) -> tuple[dict[str, float], ...]:
        """The time series: one point a sample."""
        times = np.array([sample.time for sample in self._all.samples])
        columns: dict[str, F64] = {"t": times}
        population, stints = self._all.population, self._stints
        columns["nodes"] = self._before(self._steps_of_nodes(np.ones(len(self._all.nodes))), times)
        ones = np.ones(len(stints.pod))
        on_nodes = self._before(Steps.of(stints.bound, stints.ended, ones), times)
        columns["running_pods"] = on_nodes
        columns["pending_pods"] = self._submitted_pods(times) - on_nodes - self._finished_pods(times)
        arrived = np.searchsorted(np.sort(population.submit[self._jobs]), times, side="right")
        moments = self._moments(times)
        finished = np.searchsorted(np.sort(self._finish[self._jobs]), moments, side="right")
        since, until, _ = self._waits
        columns["pending_jobs"] = self._before(Steps.of(since, until, np.ones(len(since))), times)
        columns["running_jobs"] = arrived - finished - columns["pending_jobs"]
        ended = np.searchsorted(np.sort(self._finish[self._jobs]), times, side="right")
        columns["finished_jobs"] = ended.astype(np.float64)
        for name in RESOURCES:
            columns |= self._use_over_time(name, times)
        if any(price is not None for price in self._all.prices):
            columns["cost_usd_per_hour"] = self._cost_over_time(times)
        rows = zip(*(column.tolist() for column in columns.values()), strict=True)
        return tuple(dict(zip(columns, row, strict=True)) for row in rows)

    def _before(self, steps: Steps, times: F64) -> F64:
        """The values at some times; at the very end, what was right before everything was over."""
        return steps.at(self._moments(times))

    def _moments(self, times: F64) -> F64:
        """Some times, the very end moved to right before it."""
        return np.minimum(times, np.nextafter(self._end, 0))

    def _submitted_pods(self, times: F64) -> F64:
        """(T,) pods that were submitted so far, or ran from the start."""
        population = self._all.population
        refused = np.isin(population.job_of, list(self._all.refused))
        submit = population.submit[population.job_of][~refused]
        found: F64 = np.searchsorted(np.sort(submit), times, side="right").astype(np.float64)
        return found

    def _finished_pods(self, times: F64) -> F64:
        found: F64 = np.searchsorted(np.sort(self._ended), self._moments(times), side="right").astype(np.float64)
        return found

    def _use_over_time(self, name: str, times: F64) -> dict[str, F64]:
        stints = self._stints
        there = self._before(self._steps_of_nodes(self._capacity[name]), times)
        if not self._capacity[name].any():
            return {}
        found = {f"allocated_{name}_percent": Steps.of(stints.bound, stints.ended, self._held(name))}
        used = self._used(name)
        if used is not None:
            began = np.where(np.isnan(stints.began), stints.ended, stints.began)
            found[f"utilised_{name}_percent"] = Steps.of(began, stints.ended, used)
        columns = {key: _percent(self._before(steps, times), there) for key, steps in found.items()}
        if name == "gpu":
            columns["unallocated_gpu_percent"] = 100 - columns["allocated_gpu_percent"]
            fragmented = np.array([sample.fragmented for sample in self._all.samples])
            columns["fragmented_gpu_percent"] = _percent(fragmented, there)
        return columns

    def _cost_over_time(self, times: F64) -> F64:
        total, moments = np.zeros(len(times)), self._moments(times)
        for span in self._all.spans:
            price = self._all.prices[span.node]
            if price is not None:
                there = (moments >= span.since) & (moments < span.until)
                values = np.array(price.values)[np.searchsorted(price.times, moments, side="right") - 1]
                total += np.where(there, values, 0.0)
        return total

    def queues(self) -> tuple[QueueSeries, ...]:
        """The queues over time, in percent."""
        if not self._queues:
            return ()
        _, deserved, allocated = self._shares()
        return tuple(
            QueueSeries(name, tuple((100 * allocated[:, q]).tolist()), tuple((100 * deserved[:, q]).tolist()))
            for q, name in enumerate(self._queues)
        )

    def rush(self) -> tuple[tuple[float | None, ...], ...]:
        """7 x 24: what is asked for by weekday and hour, in percent of what there is of the resource most asked for."""
        population = self._all.population
        last = min(float(population.submit[self._jobs].max(initial=0.0)), self._end)
        if last < HOUR:
            return ()
        early = (self._all.epoch or 0.0) % HOUR
        hours = int((last + early) // HOUR)
        edges: F64 = np.arange(hours + 1).astype(np.float64) * HOUR - early
        wanted = np.ones(len(population.duration), dtype=np.bool_)
        wanted[np.isin(population.job_of, list(self._all.refused))] = False
        since, until = population.submit[population.job_of], np.minimum(self._ended, self._end)
        best = np.zeros(hours)
        models = population.models()
        for name in RESOURCES:
            there = np.diff(self._steps_of_nodes(self._capacity[name]).until(edges))
            amount = np.where(wanted & (since < until), self._asked[name][models], 0.0)
            asked = np.diff(Steps.of(since, np.maximum(until, since), amount).until(edges))
            percent = _percent(asked, there)
            if percent.mean() > best.mean():
                best = percent
        return _by_weekday(best, self._all.epoch)


def _asked(models: Sequence[Pod], name: str) -> F64:
    """(models,) what a pod of each model asks for, in the resource's unit; GPUs in thousandths."""
    if name != "gpu":
        return np.array([pod.spec.requests.get(name, 0) for pod in models], dtype=np.float64)
    devices = [pod.spec.devices for pod in models]
    return np.array(
        [device.count * (min(device.milli, 1000) if device.is_share() else 1000) for device in devices],
        dtype=np.float64,
    )


def _spread(name: str, values: F64) -> Mapping[str, float]:
    return {
        f"{name}_mean": values.mean(),
        f"{name}_p50": np.percentile(values, 50),
        f"{name}_p99": np.percentile(values, 99),
    }


def _percent(part: F64, whole: F64) -> F64:
    found: F64 = 100 * np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
    return found


def _mean_over_time(times: F64, values: F64) -> float:
    """The mean of samples, each of which counts until the next."""
    length = times[-1] - times[0]
    if not length:
        return float(values[-1])
    return float((values[:-1] * np.diff(times)).sum() / length)


def _paid(price: PriceSeries, span: NodeSpan) -> float:
    """US dollars for a node that existed for some time."""
    edges = np.array([*price.times, np.inf])
    inside = np.clip(edges, span.since, max(span.until, span.since))
    return float((np.diff(inside) * np.array(price.values)).sum()) / HOUR


def _by_weekday(hours: F64, epoch: float | None) -> tuple[tuple[float | None, ...], ...]:
    """Mean by hour of the week; second 0 is a Monday's midnight where nobody knows."""
    first = int(second_of_week(epoch) // HOUR)
    place = (first + np.arange(len(hours))) % HOURS
    sums = np.bincount(place, weights=hours, minlength=HOURS)
    counts = np.bincount(place, minlength=HOURS)
    means = [float(total / n) if n else None for total, n in zip(sums, counts.tolist(), strict=True)]
    return tuple(tuple(means[24 * day : 24 * day + 24]) for day in range(7))
