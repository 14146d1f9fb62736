"""The engine as a simulation sees it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from yuheng.model.job import Job
from yuheng.model.pod import Pod
from yuheng.model.queue import DEFAULT_QUEUE
from yuheng.scheduling.batch.scheduler import BatchScheduler
from yuheng.scheduling.scheduler import Scheduler
from yuheng.simulation.population import Population
from yuheng.simulation.roles import Decisions

__all__ = ["ByQueue", "PodByPod"]


class PodByPod:
    """Pods are decided on one by one, as kube-scheduler does: there are no queues and no gangs."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._backlog = scheduler.backlog

    @property
    def waiting(self) -> int:
        """How many pods wait."""
        return self._backlog.waiting

    @property
    def restless(self) -> bool:
        """Whether a pod whose rules look at other pods might find room now that others were placed."""
        return self._backlog.is_open

    def submit(self, job: int, pods: Sequence[int]) -> None:  # noqa: ARG002 -- pods stand for themselves here
        """Pods wait from now on."""
        for pod in pods:
            self._scheduler.submit(pod)

    def cycle(self, now: float) -> Decisions:  # noqa: ARG002 -- nothing here depends on the time
        """Give every waiting pod its turn."""
        return Decisions(self._scheduler.cycle())

    def node_of(self, pod: int) -> int:
        """The node that a pod is on."""
        return int(self._scheduler.node_of[pod])

    def next_window(self, now: float) -> float | None:  # noqa: ARG002
        """The time of day changes nothing here."""
        return None

    def first_waiting(self, most: int) -> Sequence[int]:
        """The first so many pods that wait, in the order of their turns."""
        return self._scheduler.first_waiting(most)

    def leave(self, pods: Sequence[int], *, finished: bool) -> None:  # noqa: ARG002 -- both free the same room
        """Pods are taken off their nodes."""
        self._scheduler.leave(pods)

    def close(self, nodes: Sequence[int], *, gone: bool) -> None:
        """Nothing more may be placed on these nodes; they are gone, or only closed."""
        self._scheduler.close(nodes, gone=gone)

    def open(self, nodes: Sequence[int]) -> None:
        """Pods may be placed on these nodes."""
        self._scheduler.open(nodes)


class ByQueue:
    """Queues decide whose turn it is, and jobs start whole or not at all, as Volcano and Kueue do."""

    def __init__(self, scheduler: BatchScheduler, population: Population, start: float, *, periodic: bool) -> None:
        """Take a scheduler.

        Args:
            scheduler: what decides.
            population: the jobs that will be submitted.
            start: second 0, in seconds since the epoch.
            periodic: whether cycles have a period.
        """
        self._periodic = periodic
        self._scheduler = scheduler
        self._base = scheduler.base
        self._population = population
        self._start = start

    @property
    def waiting(self) -> int:
        """How many pods wait."""
        return self._scheduler.waiting

    @property
    def restless(self) -> bool:
        """Whether the next period's cycle may evict some, now that others were placed."""
        return self._periodic and self._scheduler.claims and self.waiting > 0

    def submit(self, job: int, pods: Sequence[int]) -> None:
        """Pods of a job wait from now on."""
        population = self._population
        row = job - len(population.old)
        if row < 0:
            models = population.kinds.models
            self._scheduler.submit({pod: models[int(population.kinds.kind[pod])] for pod in pods}, None)
            return
        template = population.workload.templates[population.workload.template[row]]
        made = self._job(job, row, template)
        first, size = population.rows[row], population.rows[row + 1] - population.rows[row]
        estimate = float(population.estimate[job])
        model = msgspec.structs.replace(
            template, created=made.created, job=made.key, estimate=None if math.isnan(estimate) else estimate
        )
        # No object of Kubernetes has a slash in its name: a pod is never taken for that of another job.
        names = {pod: made.name if size == 1 else f"{made.name}/{pod - first}" for pod in pods}
        self._scheduler.submit({pod: _named(model, name) for pod, name in names.items()}, made)

    def _job(self, job: int, row: int, template: Pod) -> Job:
        return Job(
            name=self._population.workload.name(row),
            namespace=template.namespace,
            queue=template.queue or DEFAULT_QUEUE,
            min_available=int(self._population.minimum[job]),
            priority=template.priority,
            created=self._start + float(self._population.submit[job]),
            preemptable=template.preemptable,
        )

    def cycle(self, now: float) -> Decisions:
        """Run the configured actions once."""
        return Decisions(*self._scheduler.cycle(now))

    def node_of(self, pod: int) -> int:
        """The node that a pod is on."""
        return int(self._base.node_of[pod])

    def next_window(self, now: float) -> float | None:
        """When the next revocable zone opens or closes."""
        return self._scheduler.next_window(now)

    def first_waiting(self, most: int) -> Sequence[int]:
        """The first so many pods that wait, in the order of their turns."""
        return self._scheduler.first_waiting(most)

    def leave(self, pods: Sequence[int], *, finished: bool) -> None:
        """Pods are taken off their nodes."""
        self._scheduler.leave(pods, finished=finished)

    def close(self, nodes: Sequence[int], *, gone: bool) -> None:
        """Nothing more may be placed on these nodes; they are gone, or only closed."""
        self._base.close(nodes, gone=gone)

    def open(self, nodes: Sequence[int]) -> None:
        """Pods may be placed on these nodes."""
        self._base.open(nodes)


def _named(model: Pod, name: str) -> Pod:
    pod: Pod = msgspec.structs.replace(model, name=name)
    return pod
