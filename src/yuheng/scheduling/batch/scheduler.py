"""Queues and jobs, decided on again and again: one session a cycle, on a compiled cluster that stays."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from yuheng.model.cluster import Snapshot
from yuheng.model.job import Job
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.scheduling.batch.planning import default_batch, open_session, run
from yuheng.scheduling.batch.session import Session
from yuheng.scheduling.batch.settings import settings_of
from yuheng.scheduling.compile import Holding
from yuheng.scheduling.engine import Running, devices_of
from yuheng.scheduling.scheduler import Kinds, Scheduler

__all__ = ["BatchScheduler", "Decided"]


class Decided(NamedTuple):
    """What a cycle decided: pods that were placed, and running pods that were evicted, each in order."""

    placed: list[int]
    evicted: list[int]


class BatchScheduler:
    """Decides by queue, cycle after cycle, as a plan of the same state would.

    Attributes:
        base: the compiled cluster; nodes are closed and opened there.
    """

    def __init__(self, base: Scheduler, snapshot: Snapshot, policy: Policy, kinds: Kinds, start: float) -> None:
        """Take a cluster over.

        Args:
            base: the nodes, and what runs on them.
            snapshot: queues, jobs, network and budgets, and the pods that run at the start.
            policy: its batch side decides.
            kinds: the pods there will be.
            start: second 0, in seconds since the epoch.
        """
        self.base = base
        self._snapshot: Snapshot = msgspec.structs.replace(snapshot, pods=(), jobs=())
        self._policy = policy
        self._settings = settings_of(policy.batch or default_batch(snapshot))
        self._turn = kinds.turn
        self._kind = kinds.kind
        self._start = start
        self._peer = np.array([base.engine.classes.all[number].kind for number in base.engine.class_of], dtype=np.int64)
        self._running: dict[int, Pod] = {}
        self._holdings: dict[int, Holding] = {}
        self._pending: dict[int, Pod] = {}
        self._run_order: list[tuple[str, str, int]] = []
        self._wait_order: list[tuple[int, int]] = []
        self._jobs: dict[str, Job] = {job.key: job for job in snapshot.jobs}
        self._given = frozenset(self._jobs)
        self._alive: dict[str, int] = dict.fromkeys(self._jobs, 0)
        self._number: dict[str, int] = {}
        for number, pod in enumerate(pod for pod in snapshot.pods if pod.node is not None):
            self._number[pod.key] = number
            self._alive[pod.job] = self._alive.get(pod.job, 0) + 1
            self._runs(number, pod)
        # What depends on the queue or the time of day is compiled into the classes: those are compiled for every cycle.
        self._anew = bool(self._settings.node_groups or self._settings.zones is not None or self._settings.reserve)

    @property
    def waiting(self) -> int:
        """How many pods wait."""
        return len(self._pending)

    def submit(self, pods: Mapping[int, Pod], job: Job | None) -> None:
        """Pods wait from now on.

        Args:
            pods: by number; each names its job.
            job: their job, where it was not known before; None for pods that belong to none, or to one that is known.
        """
        if job is not None:
            self._jobs.setdefault(job.key, job)
        for number, pod in pods.items():
            self._waits(number, pod)
            self._number[pod.key] = number
            self._alive[pod.job] = self._alive.get(pod.job, 0) + 1

    def _waits(self, number: int, pod: Pod) -> None:
        self._pending[number] = pod
        insort(self._wait_order, (int(self._turn[number]), number))

    def _runs(self, number: int, pod: Pod) -> None:
        self._running[number] = pod
        if pod.spec.devices.count:
            self._holdings[number] = self.base.holding(number)
        insort(self._run_order, (pod.namespace, pod.name, number))

    def _stops(self, number: int) -> Pod:
        pod = self._running.pop(number)
        self._holdings.pop(number, None)
        del self._run_order[bisect_left(self._run_order, (pod.namespace, pod.name, number))]
        return pod

    def leave(self, pods: Sequence[int], *, finished: bool) -> None:
        """Running pods end, or lose their nodes (then they are to be submitted again)."""
        self.base.leave(pods)
        for number in pods:
            key = self._stops(number).job
            self._alive[key] -= 1
            job = self._jobs.get(key)
            if finished and job is not None:
                if self._alive[key]:
                    self._jobs[key] = msgspec.structs.replace(job, succeeded=job.succeeded + 1)
                elif key not in self._given:
                    del self._jobs[key], self._alive[key]

    def cycle(self, now: float) -> Decided:
        """Run the configured actions once.

        Args:
            now: seconds since the start.
        """
        if not self._pending:
            return Decided([], [])
        session = self._opened(now)
        run(session)
        for state in session.roster.jobs:
            job = self._jobs.get(state.key)
            if job is not None and state.admitted and not job.admitted:
                self._jobs[state.key] = msgspec.structs.replace(job, admitted=True)
        evicted = [session.roster.pods[i] for i in session.moves.evicted if i < session.roster.bound]
        return Decided(self._placed(session, now), [self._evicted(pod) for pod in evicted])

    def _placed(self, session: Session, now: float) -> list[int]:
        placed = []
        for pod, n, words in session.moves.placements():
            number = self._number[pod.key]
            del self._pending[number]
            turn = (int(self._turn[number]), number)
            del self._wait_order[bisect_left(self._wait_order, turn)]
            node = session.engine.machines.nodes[n].name
            devices = devices_of(words.tolist()) if pod.spec.devices.count else ()
            if self._anew:
                self.base.seat(number, self.base.engine.machines.index[node], devices)
            else:
                self.base.settle(number, n, words)
            self._runs(
                number,
                msgspec.structs.replace(pod, node=node, device_indices=devices, started=self._start + now),
            )
            placed.append(number)
        return placed

    def _evicted(self, pod: Pod) -> int:
        """A pod makes way: its controller creates it anew, and it waits."""
        number = self._number[pod.key]
        self._stops(number)
        if self._anew:
            self.base.leave([number])
        else:
            self.base.unsettle([number])
        self._waits(number, msgspec.structs.replace(pod, node=None, device_indices=(), started=None))
        return number

    def _opened(self, now: float) -> Session:
        """The state as it is, ready for deciding."""
        bound = [self._running[number] for *_, number in self._run_order]
        queue = [self._pending[number] for _, number in self._wait_order]
        jobs = sorted(
            (job for key, job in self._jobs.items() if self._alive[key] or key in self._given),
            key=lambda job: (job.namespace, job.name),
        )
        time = self._start + now
        snapshot: Snapshot = msgspec.structs.replace(self._snapshot, pods=(*bound, *queue), jobs=tuple(jobs), time=time)
        if self._anew:
            return self._compiled_anew(snapshot, time)
        classes = [self.base.class_of(number) for _, number in self._wait_order]
        engine = self.base.engine.seen(self._running_now(bound), queue, classes)
        configured = self._policy.batch is not None
        return Session(snapshot, engine, self._settings, time, is_configured=configured, hands=self.base.hands)

    def _compiled_anew(self, snapshot: Snapshot, time: float) -> Session:
        """The state on the nodes that are there, in arrays of its own."""
        engine = self.base.engine
        there = tuple(node for n, node in enumerate(engine.machines.nodes) if not self.base.is_closed(n))
        return open_session(msgspec.structs.replace(snapshot, nodes=there), self._policy, engine.seed, time)

    def _running_now(self, bound: Sequence[Pod]) -> Running:
        numbers = [number for *_, number in self._run_order]
        holdings = {i: self._holdings[number] for i, number in enumerate(numbers) if number in self._holdings}
        return Running(bound, self.base.node_of[numbers].astype(np.int64), self._peer[self._kind[numbers]], holdings)

    def shares(self, now: float) -> dict[str, tuple[float, float]]:
        """By queue that jobs are in, what it deserves (no more than it asks for) and holds at the moment.

        Both as parts of the cluster: of the resource of which each is most.
        """
        tree = self._opened(now).tree
        leaves = [q for q in range(1, len(tree.queues)) if not tree.children[q]]
        return {
            tree.queues[q].name: (
                tree.dominant_share(np.minimum(tree.deserved[q], tree.request[q])),
                tree.dominant_share(tree.allocated[q]),
            )
            for q in leaves
        }
