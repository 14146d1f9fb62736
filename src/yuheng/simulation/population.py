"""All pods of a simulation, numbered: those that run at the start, those that wait then, those of the workload."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.errors import InputError
from yuheng.model.cluster import Snapshot
from yuheng.model.pod import Pod
from yuheng.model.workload import Workload
from yuheng.scheduling.scheduler import Kinds

__all__ = ["Population", "populate"]

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


class Population(NamedTuple):
    """Pods and jobs by number. The jobs of the snapshot come first, then those of the workload, in their order.

    Attributes:
        kinds: what the pods are copies of, and in which order they have their turns; those that run at the start first.
        job_of: (P,) the job of each pod.
        submit: (J,) when each job is submitted; 0 for those of the snapshot.
        duration: (P,) seconds of work; infinite for what never ends by itself.
        minimum: (J,) how many pods have to start together.
        estimate: (J,) how long the owner says that it works; NaN where nobody does.
        usage: by resource, (J,) what a pod uses on average, in the resource's unit; NaN where unknown.
        workload: what the last jobs come from.
        rows: (J' + 1,) the first pod of each job of the workload, end to end.
        old: the names of the snapshot's jobs, and their pods.
    """

    kinds: Kinds
    job_of: I64
    submit: F64
    duration: F64
    minimum: NDArray[np.int32]
    estimate: F64
    usage: dict[str, F64]
    workload: Workload
    rows: list[int]
    old: list[tuple[str, list[int]]]

    def name(self, job: int) -> str:
        """The name of a job, ``namespace/name``."""
        if job < len(self.old):
            return self.old[job][0]
        row = job - len(self.old)
        template = self.workload.templates[self.workload.template[row]]
        return f"{template.namespace}/{self.workload.name(row)}"

    def models(self) -> I64:
        """(P,) what each pod is a copy of; pods that never wait have a model of their own number."""
        kind = self.kinds.kind
        return np.where(kind >= 0, kind, np.arange(len(kind)))

    def pods(self, job: int) -> Sequence[int]:
        """The pods of a job."""
        if job < len(self.old):
            return self.old[job][1]
        row = job - len(self.old)
        return range(self.rows[row], self.rows[row + 1])


def populate(snapshot: Snapshot, workload: Workload | None, keys: Mapping[str, str], *, returning: bool) -> Population:
    """Number the pods of a snapshot and of a workload.

    A running pod ends when its estimate says so, counted from its start (from the simulation's start when that is
    unknown); without an estimate it stays.

    Args:
        snapshot: the state at the start.
        workload: the jobs that come; None for none.
        keys: by pod of the snapshot, the name of its job; a pod that is not there is a job of its own.
        returning: whether running pods may lose their nodes, and wait again.

    Raises:
        InputError: a job of the workload has the name of one of the snapshot.
    """
    workload = _nothing() if workload is None else workload
    running = [pod for pod in snapshot.pods if pod.node is not None]
    old = [*running, *snapshot.pending()]
    count = len(old)
    jobs: dict[str, list[int]] = {}
    for i, pod in enumerate(old):
        jobs.setdefault(keys.get(pod.key, pod.key), []).append(i)
    numbers = {key: j for j, key in enumerate(jobs)}
    _distinct(jobs, workload)
    mine = np.array([numbers[keys.get(pod.key, pod.key)] for pod in old], dtype=np.int64)
    pods = workload.pods.astype(np.int64)
    rows = np.repeat(np.arange(len(workload)), pods)
    kind = np.arange(count)
    if not returning:
        kind[: len(running)] = -1
    unknown = np.full(len(jobs), np.nan)
    return Population(
        kinds=Kinds(
            models=(*(_loose(pod) for pod in old), *workload.templates) if returning else (*old, *workload.templates),
            kind=np.concatenate([kind, count + workload.template[rows]]).astype(np.int32),
            turn=_turns(old, workload, rows),
            residents=len(running),
            together=max(int(pods.max(initial=1)), max((len(members) for members in jobs.values()), default=1)),
        ),
        job_of=np.concatenate([mine, len(jobs) + rows]),
        submit=np.concatenate([np.zeros(len(jobs)), workload.submit]),
        duration=np.concatenate([_lasting(old, snapshot.time), workload.duration[rows]]),
        minimum=np.concatenate([_minima(snapshot, jobs), workload.minimum]).astype(np.int32),
        estimate=np.concatenate([unknown, workload.estimate]),
        usage={name: np.concatenate([unknown, values]) for name, values in workload.usage.items()},
        workload=workload,
        rows=(count + np.concatenate([[0], np.cumsum(pods)])).tolist(),
        old=list(jobs.items()),
    )


def _distinct(jobs: Mapping[str, list[int]], workload: Workload) -> None:
    """Refuse a job of the workload that has the name of one of the cluster."""
    for row in range(len(workload)) if jobs else ():
        name = f"{workload.templates[workload.template[row]].namespace}/{workload.name(row)}"
        if name in jobs:
            raise InputError(f"job {name}, which the cluster has already", "another name", field="workload")


def _minima(snapshot: Snapshot, jobs: Iterable[str]) -> NDArray[np.int32]:
    """(jobs,) how many pods have to start together."""
    written = {job.key: job.min_available for job in snapshot.jobs}
    return np.array([written.get(key, 1) for key in jobs], dtype=np.int32)


def _loose(pod: Pod) -> Pod:
    """A pod as it would wait."""
    loose: Pod = msgspec.structs.replace(pod, node=None, device_indices=())
    return loose


def _lasting(pods: Sequence[Pod], now: float | None) -> F64:
    """(P,) seconds that pods of the snapshot work from the start on."""
    return np.array([_seconds(pod, now) for pod in pods], dtype=np.float64)


def _seconds(pod: Pod, now: float | None) -> float:
    if pod.estimate is None:
        return float("inf")
    if pod.node is None or pod.started is None or now is None:
        return pod.estimate
    return max(pod.started + pod.estimate - now, 0.0)


def _nothing() -> Workload:
    none = np.zeros(0)
    counts = np.zeros(0, dtype=np.int32)
    return Workload(
        templates=(), template=counts, submit=none, duration=none, pods=counts, minimum=counts, estimate=none
    )


def _turns(old: Sequence[Pod], workload: Workload, rows: I64) -> I64:
    """(P,) each pod's place among all: by priority, submission, name; the snapshot's own before the others."""
    priority = np.array([pod.priority for pod in workload.templates], dtype=np.int64)
    ahead = np.array([pod.priority for pod in old], dtype=np.int64)
    priorities = np.concatenate([ahead, priority[workload.template[rows]] if len(rows) else np.zeros(0, np.int64)])
    submit = np.concatenate([np.full(len(old), -np.inf), workload.submit[rows]])
    by_age = sorted(range(len(old)), key=lambda i: (old[i].created, old[i].namespace, old[i].name))
    age = np.empty(len(old), dtype=np.int64)
    age[by_age] = np.arange(len(old))
    order = np.lexsort((np.concatenate([age, len(old) + np.arange(len(rows))]), submit, -priorities))
    if workload.names or len({pod.namespace for pod in workload.templates}) > 1:
        order = _by_name(order, priorities, submit, workload, rows, len(old))
    turn = np.empty(len(order), dtype=np.int64)
    turn[order] = np.arange(len(order))
    return turn


def _by_name(order: I64, priority: I64, submit: F64, workload: Workload, rows: I64, old: int) -> I64:
    """Jobs of one priority that were submitted at the same time have their turns in the order of their names."""
    same = (np.diff(priority[order]) == 0) & (np.diff(submit[order]) == 0) & (submit[order][1:] > -np.inf)
    result = order.copy()
    for tied, places in groupby(np.flatnonzero(same).tolist(), key=_Runs()):
        del tied
        spots = list(places)
        span = slice(spots[0], spots[-1] + 2)
        result[span] = sorted(
            order[span].tolist(),
            key=lambda pod: (
                workload.templates[workload.template[rows[pod - old]]].namespace,
                workload.name(int(rows[pod - old])),
                pod,
            ),
        )
    return result


class _Runs:
    """Numbers runs of consecutive integers."""

    def __init__(self) -> None:
        self._last = -2
        self._run = 0

    def __call__(self, i: int) -> int:
        self._run += int(i != self._last + 1)
        self._last = i
        return self._run
