"""Queues and jobs, decided on again and again: one session a cycle, on a compiled cluster that stays."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Hashable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.cluster import Snapshot
from yuheng.model.job import Job
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.policy import Policy
from yuheng.scheduling.batch.planning import default_batch, open_session, run
from yuheng.scheduling.batch.session import Session
from yuheng.scheduling.batch.settings import settings_of
from yuheng.scheduling.batch.tree import Others
from yuheng.scheduling.batch.waiting import Alike, WaitingJobs
from yuheng.scheduling.compile import Holding
from yuheng.scheduling.engine import Running, devices_of
from yuheng.scheduling.scheduler import Kinds, Scheduler

__all__ = ["BatchScheduler", "Decided"]

# Jobs that are alike of which so many are looked at first.
FIRST: Final = 4
DAY: Final = 86_400.0


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
        self._members: dict[str, set[int]] = {}
        self._held: dict[str, NDArray[np.int64]] = {}
        self._rows: dict[int, NDArray[np.int64]] = {}
        self._specs: list[PodSpec] = []
        self._with_estimate = self._without_job = 0
        self._pending: dict[int, Pod] = {}
        self._waiting = WaitingJobs()
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
        # Nobody is left out where jobs change what others may do: by evicting them, by their shares, by their queue.
        self._may_cut = not (
            self.claims
            or self._settings.hdrf
            or self._settings.public_queue
            or any(queue.public or queue.dequeue == "fifo" for queue in snapshot.queues)
        )
        limited = any(queue.capability or queue.guarantee for queue in snapshot.queues)
        self._everybody_matters = self.claims or limited or self._settings.hdrf
        # What depends on the queue or the time of day is compiled into the classes: those are compiled for every cycle.
        self._anew = bool(self._settings.node_groups or self._settings.zones is not None or self._settings.reserve)
        self._everybody_matters |= self._anew

    @property
    def waiting(self) -> int:
        """How many pods wait."""
        return len(self._pending)

    @property
    def claims(self) -> bool:
        """Whether jobs may take room from others."""
        return self._settings.has("preempt") or self._settings.has("reclaim")

    def next_window(self, now: float) -> float | None:
        """When the next revocable zone opens or closes, in seconds since the start; None without such zones."""
        second = (self._start + now) % DAY
        edges = [edge for zone in (self._settings.zones or {}).values() for edge in (zone.opens, zone.closes)]
        return min((now + ((edge - second) % DAY or DAY) for edge in edges), default=None)

    def first_waiting(self, most: int) -> list[int]:
        """The first so many pods that wait, in the order of their turns."""
        return [number for _, number in self._wait_order[:most]]

    def submit(self, pods: Mapping[int, Pod], job: Job | None) -> None:
        """Pods wait from now on.

        Args:
            pods: by number; each names its job.
            job: their job, where it was not known before; None for pods that belong to none, or to one that is known.
        """
        is_new = job is not None and job.key not in self._jobs
        if job is not None:
            self._jobs.setdefault(job.key, job)
        for number, pod in pods.items():
            self._waits(number, pod)
            self._number[pod.key] = number
            self._alive[pod.job] = self._alive.get(pod.job, 0) + 1
        if job is not None and is_new and pods:
            first = min(pods, key=self._turn.__getitem__)
            self._waiting.put_together(
                job.key, self._likeness(job, pods[first], first, len(pods)), int(self._turn[first])
            )

    def _likeness(self, job: Job, pod: Pod, number: int, pods: int) -> Hashable:
        """Equal for fresh jobs that differ in nothing but their age and name."""
        kind = int(self._kind[number])
        return kind, pods, job.queue, job.min_available, job.priority, job.preemptable, pod.estimate

    def _waits(self, number: int, pod: Pod) -> None:
        self._pending[number] = pod
        self._without_job += int(pod.job not in self._jobs)
        self._waiting.add(pod.job, number)
        insort(self._wait_order, (int(self._turn[number]), number))

    def _runs(self, number: int, pod: Pod) -> None:
        self._running[number] = pod
        if pod.spec.devices.count:
            self._holdings[number] = self.base.holding(number)
        insort(self._run_order, (pod.namespace, pod.name, number))
        self._count(number, pod, 1)

    def _stops(self, number: int) -> Pod:
        pod = self._running.pop(number)
        self._holdings.pop(number, None)
        del self._run_order[bisect_left(self._run_order, (pod.namespace, pod.name, number))]
        self._count(number, pod, -1)
        return pod

    def _count(self, number: int, pod: Pod, sign: int) -> None:
        """Count a running pod in its job and queue."""
        self._with_estimate += sign * int(pod.estimate is not None)
        if pod.job not in self._jobs:
            self._without_job += sign
            return
        members = self._members.setdefault(pod.job, set())
        if sign > 0:
            members.add(number)
        else:
            members.discard(number)
        queue = self._jobs[pod.job].queue
        if queue not in self._held:
            self._held[queue] = np.zeros_like(self._row(pod))
        self._held[queue] += sign * self._row(pod)

    def leave(self, pods: Sequence[int], *, finished: bool) -> None:
        """Running pods end, or lose their nodes (then they are to be submitted again)."""
        self.base.leave(pods)
        for number in pods:
            pod = self._stops(number)
            key = pod.job
            self._alive[key] -= 1
            job = self._jobs.get(key)
            if finished and job is not None:
                if self._alive[key]:
                    self._jobs[key] = _with_one_ended(job, pod.task)
                elif key not in self._given:
                    del self._jobs[key], self._alive[key]
                    self._members.pop(key, None)

    def cycle(self, now: float) -> Decided:
        """Run the configured actions once.

        Args:
            now: seconds since the start.
        """
        if not self._pending and self._settings.zones is None:
            return Decided([], [])
        session = self._decided(now)
        remembers = self._settings.has("enqueue")
        for state in session.roster.jobs:
            job = self._jobs.get(state.key)
            queue = session.tree.queues[state.queue].name
            admitted = state.admitted and remembers
            if job is not None and (admitted != job.admitted or queue != job.queue):
                self._moves(state.key, queue)
                self._waiting.tell_apart(state.key)
                self._jobs[state.key] = msgspec.structs.replace(job, admitted=admitted, queue=queue)
        evicted = [session.roster.pods[i] for i in session.moves.evicted if i < session.roster.bound]
        # First those who leave: others may hold what was theirs by now.
        gone = [self._evicted(pod) for pod in evicted]
        return Decided(self._placed(session, now), gone)

    def _decided(self, now: float) -> Session:
        """A session whose actions have run, on as few of the jobs that wait as tell the same as all of them.

        Of jobs that are alike the first are looked at. When the last of these was neither let in nor started, those
        behind it would not have been either, for room, quota and promises only shrink while jobs are served; and who is
        refused changes nothing for the others. Otherwise it is all taken back, and more of them are looked at.
        """
        most = FIRST
        while True:
            session, cut = self._opened(now, most)
            run(session)
            if not any(self._went_on(session, alike.last) for alike in cut):
                return session
            session.moves.undo(0)
            most *= 4

    def _went_on(self, session: Session, key: str) -> bool:
        """Whether a fresh job was let in or started."""
        state = session.roster.jobs[session.roster.number[key]]
        let_in = state.admitted and self._settings.has("enqueue")
        return let_in or any(group.next for group in state.groups)

    def _moves(self, key: str, queue: str) -> None:
        """A job was sent to another queue: what its running pods hold goes with it."""
        old = self._jobs[key].queue
        for number in self._members.get(key, ()) if queue != old else ():
            row = self._row(self._running[number])
            self._held[old] -= row
            self._held[queue] = self._held.get(queue, 0) + row

    def _placed(self, session: Session, now: float) -> list[int]:
        placed = []
        for pod, n, words in session.moves.placements():
            number = self._number[pod.key]
            del self._pending[number]
            self._waiting.remove(pod.job, number)
            self._without_job -= int(pod.job not in self._jobs)
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

    def _opened(self, now: float, most: int) -> tuple[Session, list[Alike]]:
        """The state as it is, ready for deciding, and which jobs were left out of those that are alike.

        Args:
            now: seconds since the start.
            most: how many jobs of those that are alike are looked at.
        """
        waiting, cut = self._waiting.first(most) if self._may_cut else (list(self._waiting.every()), [])
        numbers, jobs, held = self._those_that_matter(waiting)
        bound = [self._running[number] for number in numbers]
        order = sorted((int(self._turn[number]), number) for job in waiting for number in self._waiting.pods(job))
        queue = [self._pending[number] for _, number in order]
        time = self._start + now
        snapshot: Snapshot = msgspec.structs.replace(
            self._snapshot,
            pods=(*bound, *queue),
            jobs=tuple(sorted(jobs, key=lambda job: (job.namespace, job.name))),
            time=time,
        )
        if self._anew:
            return self._compiled_anew(snapshot, time), cut
        session = Session(
            snapshot,
            self.base.engine.seen(
                self._running_now(numbers, bound), queue, [self.base.class_of(number) for _, number in order]
            ),
            self._settings,
            time,
            is_configured=self._policy.batch is not None,
            hands=self.base.hands,
            others=Others(held, self._asked(cut)),
        )
        return session, cut

    def _asked(self, cut: Sequence[Alike]) -> dict[str, NDArray[np.int64]]:
        """By queue, what those ask for who were left out."""
        asked: dict[str, NDArray[np.int64]] = {}
        for alike in cut:
            pods = self._waiting.pods(alike.last)
            wanted = self._row(self._pending[pods[0]]) * len(pods) * len(alike.rest)
            queue = self._jobs[alike.last].queue
            asked[queue] = asked.get(queue, 0) + wanted
        return asked

    def _those_that_matter(self, waiting: Sequence[str]) -> tuple[list[int], list[Job], dict[str, NDArray[np.int64]]]:
        """Running pods and jobs that a cycle looks at one by one, and what the others hold, by queue.

        Who waits matters, with the rest of his job. Other running pods are looked at when somebody may evict them,
        when their ends are known and a forecast may ask for them, or when shares of all jobs are compared; otherwise
        they only count in what their queues hold.
        """
        if self._everybody_matters or self._with_estimate or self._without_job:
            known = {key: job for key in waiting if (job := self._jobs.get(key)) is not None}
            known |= {key: self._jobs[key] for key, pods in self._members.items() if pods}
            known |= {key: self._jobs[key] for key in self._given}
            return [number for *_, number in self._run_order], list(known.values()), {}
        numbers = sorted(
            (number for key in waiting for number in self._members.get(key, ())),
            key=lambda number: (self._running[number].namespace, self._running[number].name),
        )
        held = {queue: amount.copy() for queue, amount in self._held.items()}
        for number in numbers:
            pod = self._running[number]
            held[self._jobs[pod.job].queue] -= self._row(pod)
        return numbers, [self._jobs[key] for key in waiting], held

    def _row(self, pod: Pod) -> NDArray[np.int64]:
        """(C,) what a pod asks for, and 1 for itself."""
        key = id(pod.spec)
        if key not in self._rows:
            self._rows[key] = np.append(self.base.engine.resources.row(pod.spec.requests), 1)
            self._specs.append(pod.spec)
        return self._rows[key]

    def _compiled_anew(self, snapshot: Snapshot, time: float) -> Session:
        """The state on the nodes that are there, in arrays of its own."""
        engine = self.base.engine
        there = tuple(node for n, node in enumerate(engine.machines.nodes) if not self.base.is_closed(n))
        return open_session(msgspec.structs.replace(snapshot, nodes=there), self._policy, engine.seed, time)

    def _running_now(self, numbers: Sequence[int], bound: Sequence[Pod]) -> Running:
        holdings = {i: self._holdings[number] for i, number in enumerate(numbers) if number in self._holdings}
        return Running(bound, self.base.node_of[numbers].astype(np.int64), self._peer[self._kind[numbers]], holdings)

    def shares(self, now: float) -> dict[str, tuple[float, float]]:
        """By queue that jobs are in, what it deserves (no more than it asks for) and holds at the moment.

        Both as parts of the cluster: of the resource of which each is most.
        """
        tree = self._opened(now, FIRST)[0].tree
        leaves = [q for q in range(1, len(tree.queues)) if not tree.children[q]]
        return {
            tree.queues[q].name: (
                tree.dominant_share(np.minimum(tree.deserved[q], tree.request[q])),
                tree.dominant_share(tree.allocated[q]),
            )
            for q in leaves
        }


def _with_one_ended(job: Job, task: str) -> Job:
    """A job of which one more pod, of this task, ended well."""
    tasks = tuple(
        msgspec.structs.replace(one, succeeded=one.succeeded + 1) if one.name == task else one for one in job.tasks
    )
    found: Job = msgspec.structs.replace(job, succeeded=job.succeeded + 1, tasks=tasks)
    return found
