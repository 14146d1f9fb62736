"""The jobs of a snapshot and their pods, made ready for deciding.

Every pod belongs to a job. A pod that no `Job` claims is in one with its siblings (the pods of one owner), or alone;
such a job starts with its first pod.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.errors import InputError
from yuheng.model.cluster import Snapshot
from yuheng.model.job import Job, JobTask
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.queue import DEFAULT_QUEUE
from yuheng.scheduling.batch.settings import Settings
from yuheng.scheduling.engine import Engine

__all__ = ["BATCH_OWNERS", "SYSTEM_CRITICAL", "Group", "JobState", "Roster", "SubGroup", "job_keys", "sub_group_of"]

# From this priority on pods belong to the system (kube-scheduler's system-cluster-critical).
SYSTEM_CRITICAL = 2_000_000_000
# Owners whose pods are work that ends; everything else is a service.
BATCH_OWNERS = ("Job", "CronJob")


class SubGroup(NamedTuple):
    """Pods of a job that are whole or absent: the number of their policy, and their values of its labels."""

    policy: int
    values: tuple[str, ...]


class Group:
    """Pending pods of one task that are decided on alike, in the order they are placed.

    Attributes:
        number: their class.
        task: their task's name.
        pods: their numbers.
        next: how many of them are placed.
        row: what one of them asks for.
        sub_group: which subgroup of the job they are; None for none.
        evicted: they ran until this plan.
    """

    __slots__ = ("evicted", "next", "number", "pods", "row", "sub_group", "task")

    def __init__(
        self,
        number: int,
        task: str,
        row: NDArray[np.int64],
        sub_group: SubGroup | None = None,
        *,
        evicted: bool = False,
    ) -> None:
        self.evicted = evicted
        self.number = number
        self.task = task
        self.row = row
        self.sub_group = sub_group
        self.pods: list[int] = []
        self.next = 0

    @property
    def left(self) -> int:
        """How many are not placed yet."""
        return len(self.pods) - self.next


class JobState:
    """A job while it is decided on.

    Attributes:
        index: its number.
        job: what was read, or made for pods that belong to none.
        queue: the number of its queue.
        priority: of the job.
        running: numbers of its running pods that were not evicted.
        groups: its pending pods.
        ready: by task, pods that run, are placed, or ended well.
        minima: by task, how many have to be ready before it starts.
        need: how many have to be ready in all before it starts.
        gated: pods that wait behind scheduling gates.
        admitted: let into scheduling.
        started: it had its minimum before this plan.
        is_batch: whether it is work that ends, as told by its kind.
    """

    def __init__(self, index: int, job: Job, *, is_batch: bool) -> None:
        self.index = index
        self.job = job
        self.key = job.key
        self.queue = 0
        self.priority = job.priority or 0
        self.running: list[int] = []
        self.groups: list[Group] = []
        self.ready: dict[str, int] = {task.name: task.succeeded for task in job.tasks if task.succeeded}
        self.minima: dict[str, int] = {}
        self.need = job.min_available
        self.gated = 0
        self.admitted = job.admitted
        self.started = False
        self.is_batch = is_batch
        self.total_ready = job.succeeded

    @property
    def pending(self) -> int:
        """How many pods wait."""
        return sum(group.left for group in self.groups)

    @property
    def is_gang(self) -> bool:
        """Whether more than one pod has to be ready for it to run."""
        return self.need > 1 or bool(self.minima) or any(policy.minimum for policy in self.job.sub_groups)

    def is_ready(self) -> bool:
        """Whether enough pods are ready, in all and of every task."""
        return self.total_ready >= self.need and all(
            self.ready.get(task, 0) >= least for task, least in self.minima.items()
        )

    def count(self, task: str, pods: int) -> None:
        """Note that pods of a task came (or, if negative, went)."""
        self.ready[task] = self.ready.get(task, 0) + pods
        self.total_ready += pods


def job_keys(snapshot: Snapshot) -> dict[str, str]:
    """By pod, the key of the job it belongs to, siblings of one owner together."""
    known = {job.key for job in snapshot.jobs}
    return {pod.key: _job_key(pod, known) for pod in snapshot.pods}


def _job_key(pod: Pod, known: set[str]) -> str:
    if pod.job:
        return pod.job
    if pod.owner is None:
        key = pod.key
        return key if key not in known else f"{pod.namespace}/pod.{pod.name}"
    key = f"{pod.namespace}/{pod.owner.name}"
    return key if key not in known else f"{pod.namespace}/{pod.owner.kind.lower()}.{pod.owner.name}"


class Roster:
    """Jobs and pods as tables. Pods are numbered: those that run first (as in `Engine.bound`), then the queue.

    Attributes:
        jobs: by number.
        pods: by number.
        job_of: (pods,) the number of each pod's job.
        node_of: (pods,) the node it is on; -1 while it waits, or was evicted.
        spec_of: (pods,) its row of ``rows``.
        rows: (specs, C) what a pod asks for: the engine's resources, then 1 for the pod itself.
        priority, created, ends: (pods,) of each pod; a pod that nobody knows the end of ends never.
    """

    def __init__(self, engine: Engine, snapshot: Snapshot, settings: Settings, now: float) -> None:
        self.engine = engine
        self.pods: list[Pod] = [*engine.bound, *engine.queue]
        self.bound = len(engine.bound)
        self.now = now
        self._settings = settings
        self._keys = job_keys(snapshot)
        self.jobs = self._jobs(snapshot)
        self.number = {state.key: state.index for state in self.jobs}
        keys = self._keys
        self.job_of = np.array([self.number[keys[pod.key]] for pod in self.pods], dtype=np.int64)
        index = engine.machines.index
        self.node_of = np.array(
            [index[pod.node or ""] if i < self.bound else -1 for i, pod in enumerate(self.pods)], dtype=np.int64
        )
        self.spec_of, self.rows = self._specs()
        self.priority = np.array([pod.priority for pod in self.pods], dtype=np.int64)
        self.created = np.array([pod.created for pod in self.pods], dtype=np.float64)
        self.ends = np.array([_end(pod, now) for pod in self.pods], dtype=np.float64)
        self._enlist()
        for pod in snapshot.pods:
            if pod.node is None and pod.spec.gates:
                self.jobs[self.number[keys[pod.key]]].gated += 1

    def _jobs(self, snapshot: Snapshot) -> list[JobState]:
        states = [JobState(i, job, is_batch=True) for i, job in enumerate(snapshot.jobs)]
        known = {state.key for state in states}
        for pod in sorted(snapshot.pods, key=lambda pod: (pod.created, pod.namespace, pod.name)):
            key = self._keys[pod.key]
            if key in known:
                continue
            if pod.job:
                raise InputError(
                    f"job {pod.job!r}, which is not in the input", "a job of the input", subject=f"Pod {pod.key}"
                )
            known.add(key)
            kind = pod.owner.kind if pod.owner else "Pod"
            namespace, _, name = key.partition("/")
            job = Job(name=name, namespace=namespace, kind=kind, queue=pod.queue or DEFAULT_QUEUE, created=pod.created)
            states.append(JobState(len(states), job, is_batch=kind in BATCH_OWNERS))
        return states

    def _specs(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        number: dict[int, int] = {}
        specs: list[PodSpec] = []
        rows = np.empty(len(self.pods), dtype=np.int64)
        for i, pod in enumerate(self.pods):
            row = number.setdefault(id(pod.spec), len(specs))
            if row == len(specs):
                specs.append(pod.spec)
            rows[i] = row
        resources = self.engine.resources
        table = np.array([resources.row(spec.requests) for spec in specs], dtype=np.int64)
        table = table.reshape(len(specs), len(resources.names))
        return rows, np.concatenate([table, np.ones((len(specs), 1), dtype=np.int64)], axis=1)

    def row(self, pod: int) -> NDArray[np.int64]:
        """(C,) what a pod asks for."""
        found: NDArray[np.int64] = self.rows[self.spec_of[pod]]
        return found

    def _enlist(self) -> None:
        """Give every job its pods, and work out what it needs to start."""
        waiting: dict[int, list[int]] = {}
        for i, j in enumerate(self.job_of.tolist()):
            state, pod = self.jobs[j], self.pods[i]
            if i >= self.bound:
                waiting.setdefault(j, []).append(i)
            elif not pod.terminating:
                state.running.append(i)
                state.count(pod.task, 1)
            if state.job.priority is None:
                state.priority = max(state.priority, pod.priority) if state.running else pod.priority
        for state in self.jobs:
            self._prepare(state, waiting.get(state.index, []))

    def _prepare(self, state: JobState, waiting: Sequence[int]) -> None:
        job = state.job
        minima = {task.name: task.min_available for task in job.tasks if task.min_available}
        # Volcano looks at the tasks' own minima only where the job asks for all of them.
        if job.min_available >= sum(minima.values()):
            state.minima = minima
        if not self._settings.gang:
            state.need, state.minima = 1, {}
        if state.job.priority is None and waiting:
            state.priority = max(self.pods[i].priority for i in (*waiting, *state.running))
        state.groups = list(self._groups(state, waiting))
        state.started = bool(state.running) and state.is_ready()
        state.admitted = state.admitted or state.started or bool(state.running)

    def _groups(self, state: JobState, waiting: Iterable[int]) -> Iterator[Group]:
        """The pending pods, cut into groups: by task in order, then priority, then age, then name."""
        order = {name: i for i, name in enumerate(_task_order(state.job))}

        def place(i: int) -> tuple[int, int, float, int]:
            pod = self.pods[i]
            return order.get(pod.task, len(order)), -pod.priority, pod.created, i

        found: dict[tuple[str, int, SubGroup | None], Group] = {}
        for i in sorted(waiting, key=place):
            pod = self.pods[i]
            number = self.engine.class_of[i - self.bound]
            key = (pod.task, number, sub_group_of(state.job, pod))
            if key not in found:
                found[key] = Group(number, pod.task, self.row(i), key[2])
            found[key].pods.append(i)
        yield from found.values()

    def readmit(self, pods: Iterable[int]) -> None:
        """Let evicted pods wait again, for what is told of their jobs; their controllers will create them anew."""
        ports = self.engine.ports.number
        found: dict[tuple[int, str, int, SubGroup | None], Group] = {}
        for i in pods:
            pod = self.pods[i]
            if any(port not in ports for port in pod.spec.host_ports):
                continue
            state = self.jobs[self.job_of[i]]
            number = self.engine.class_number(msgspec.structs.replace(pod, node=None, device_indices=()))
            key = (state.index, pod.task, number, sub_group_of(state.job, pod))
            if key not in found:
                found[key] = Group(number, pod.task, self.row(i), key[-1], evicted=True)
                state.groups.append(found[key])
            found[key].pods.append(i)

    def pods_on_nodes(self, state: JobState) -> Iterator[int]:
        """The pods of a job that are on nodes: that run, or were placed."""
        for pod in state.running:
            if self.node_of[pod] >= 0:
                yield pod
        for group in state.groups:
            for pod in group.pods[: group.next]:
                if self.node_of[pod] >= 0:
                    yield pod

    def nodes_of(self, state: JobState, sub_group: SubGroup | None = None) -> set[int]:
        """The nodes of a job's pods, or of one of its subgroups."""
        pods = self.pods_on_nodes(state)
        chosen = (i for i in pods if sub_group is None or sub_group_of(state.job, self.pods[i]) == sub_group)
        return {int(self.node_of[pod]) for pod in chosen}

    def sub_group_counts(self, state: JobState) -> dict[SubGroup | None, int]:
        """How many pods of each subgroup of a job are on nodes."""
        return Counter(sub_group_of(state.job, self.pods[pod]) for pod in self.pods_on_nodes(state))


def _end(pod: Pod, now: float) -> float:
    """When a pod ends, as far as that is known; what should have ended ends now."""
    if pod.estimate is None:
        return float("inf")
    started = now if pod.started is None else pod.started
    return max(started + pod.estimate, now)


def _task_order(job: Job) -> list[str]:
    """The tasks of a job in the order they are placed: as asked for, dependencies first, then as written."""
    if not job.tasks:
        return []
    wished = {name: i for i, name in enumerate(job.task_topology.order)}
    tasks = {task.name: task for task in job.tasks}
    ordered: list[str] = []

    def visit(task: JobTask, above: frozenset[str]) -> None:
        for name in task.depends_on:
            if name in tasks and name not in above:
                visit(tasks[name], above | {task.name})
        if task.name not in ordered:
            ordered.append(task.name)

    for task in sorted(job.tasks, key=lambda task: wished.get(task.name, len(wished))):
        visit(task, frozenset())
    return ordered


def sub_group_of(job: Job, pod: Pod) -> SubGroup | None:
    """Which subgroup of its job a pod belongs to: that of the first policy that speaks of it."""
    for number, policy in enumerate(job.sub_groups):
        if policy.selector is None or policy.selector.matches(pod.labels):
            return SubGroup(number, tuple(pod.labels.get(key, "") for key in policy.keys))
    return None
