"""A simulation as slow and obvious as it can be: what the compiled one is compared with.

Nothing is kept from one cycle to the next but plain facts: which pods wait, which are where. Every cycle writes these
facts down as a snapshot, has a fresh engine decide on it, and carries out what it says.

Nodes that fail or are drained are shown to the engine as cordoned, and nodes that are not there at all are left out:
as they are. Where something looks at all nodes there will ever be (the largest node's size, the order that breaks ties
at random, the nodes an image is on), those that are away can be shown as cordoned instead, which is what a simulation
does with them; or all that take nothing are left out, and count for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import msgspec
from tests.scheduling.made_by_hand import HOSTNAME, ZONE
from tests.simulation.made_runs import Decision

from yuheng.model.cluster import Snapshot
from yuheng.model.job import Job
from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.model.scenario import NodeChange, Scenario
from yuheng.scheduling.batch.planning import open_session
from yuheng.scheduling.batch.planning import run as run_actions
from yuheng.scheduling.batch.roster import job_keys
from yuheng.scheduling.engine import Engine, Setting, devices_of
from yuheng.scheduling.planner import plan

INFINITE = float("inf")
Absent = Literal["as they are", "cordoned", "left out"]


@dataclass(eq=False)
class Unit:
    """A pod.

    Attributes:
        pod: as it would wait.
        job: the name of its job.
        left: seconds of work that are left.
        state: ``future``, ``waits``, ``starts``, ``works`` or ``done``.
        next: when it goes on by itself: from starting to working, from working to done.
    """

    pod: Pod
    job: str
    minimum: int
    submit: float
    duration: float
    left: float
    state: str = "future"
    node: str = ""
    devices: tuple[int, ...] = ()
    bound: float = 0.0
    began: float = INFINITE
    next: float = INFINITE
    stays: list[tuple[float, float, str]] = field(default_factory=list)

    @property
    def is_on_node(self) -> bool:
        return self.state in ("starts", "works")


class Decided(NamedTuple):
    """Pods to evict, and pods to bind: names, nodes, devices."""

    evicted: list[str]
    placed: list[tuple[str, str, tuple[int, ...]]]


class Plain:
    """One run.

    Attributes:
        decisions: every binding by a cycle, in order.
        evictions: when pods were evicted for others, and their names.
        units: all pods.
    """

    def __init__(
        self,
        scenario: Scenario,
        policy: Policy | None = None,
        seed: int | None = None,
        *,
        absent: Absent = "cordoned",
        again: bool = True,
        windows: Sequence[float] = (),
    ) -> None:
        """Take a scenario.

        Args:
            scenario: what is simulated; running pods that hold GPUs say which.
            policy: None for the scenario's first.
            seed: None for the scenario's first.
            absent: how nodes that take nothing are shown to the engine: closed ones cordoned and those that are away
                not at all, as they are; or all of them in one of these ways.
            again: whether a cycle that placed pods is followed by the next one though nothing else happened.
            windows: when the time of day alone gives cause for a cycle.
        """
        self.scenario = scenario
        self.policy = scenario.policies[0] if policy is None else policy
        self.seed = scenario.seeds[0] if seed is None else seed
        self.decisions: list[Decision] = []
        self.evictions: list[tuple[float, str]] = []
        self.by_queue = _has_queues(scenario)
        work = scenario.workload
        known = (scenario.epoch, None if work is None else work.epoch, scenario.snapshot.time)
        self.start = next((time for time in known if time is not None), 0.0)
        self.units = [*self._of_snapshot(), *self._of_workload()]
        self.refused: list[str] = []
        self._absent = absent
        self._follow_up = again
        self._jobs = {job.key: job for job in scenario.snapshot.jobs} | self._workload_jobs()
        self._away, self._closed = self._missing_at_first(), set[str]()
        self._windows = frozenset(windows)
        self._again: set[float] = set(windows)
        self._sends_away = self.policy.batch is not None and self.policy.batch.has("tdm")
        self._changed = False
        self._refuse()

    # Who takes part.

    def _of_snapshot(self) -> Iterator[Unit]:
        snapshot = self.scenario.snapshot
        keys = job_keys(snapshot) if self.by_queue else {}
        minima = {job.key: job.min_available for job in snapshot.jobs}
        for pod in snapshot.pods:
            lasts = INFINITE if pod.estimate is None else pod.estimate
            if pod.node is not None and pod.started is not None and pod.estimate is not None:
                lasts = max(pod.started + pod.estimate - (snapshot.time or 0.0), 0.0)
            loose = msgspec.structs.replace(pod, node=None, device_indices=())
            job = keys.get(pod.key, pod.key)
            unit = Unit(loose, job, minima.get(job, 1), 0.0, lasts, lasts)
            if pod.node is not None:
                unit.node, unit.devices = pod.node, pod.device_indices
                unit.state, unit.began, unit.next = "works", 0.0, lasts
            yield unit

    def _of_workload(self) -> Iterator[Unit]:
        work = self.scenario.workload
        for row in range(0 if work is None else len(work)):
            template = work.templates[work.template[row]]
            name, submit, lasts = work.name(row), float(work.submit[row]), float(work.duration[row])
            for i in range(int(work.pods[row])):
                own = name if work.pods[row] == 1 else f"{name}-{i}"
                pod = msgspec.structs.replace(template, name=own, created=self.start + submit)
                if self.by_queue:
                    estimate = float(work.estimate[row])
                    told = None if math.isnan(estimate) else estimate
                    pod = msgspec.structs.replace(pod, job=f"{pod.namespace}/{name}", estimate=told)
                yield Unit(pod, f"{pod.namespace}/{name}", int(work.minimum[row]), submit, lasts, lasts)

    def _workload_jobs(self) -> dict[str, Job]:
        work, found = self.scenario.workload, {}
        for row in range(0 if work is None or not self.by_queue else len(work)):
            template = work.templates[work.template[row]]
            job = Job(
                name=work.name(row),
                namespace=template.namespace,
                queue=template.queue or "default",
                min_available=int(work.minimum[row]),
                priority=template.priority,
                created=self.start + float(work.submit[row]),
                preemptable=template.preemptable,
            )
            found[job.key] = job
        return found

    def _missing_at_first(self) -> set[str]:
        first: dict[str, str] = {}
        for change in sorted(self.scenario.changes, key=lambda change: change.time):
            for name in change.nodes:
                first.setdefault(name, change.kind)
        return {name for name, kind in first.items() if kind == "add"}

    def _refuse(self) -> None:
        """Jobs that could not start though all nodes were there and empty are never submitted.

        Without queues they wait instead, and it comes to the same.
        """
        if not self.by_queue:
            return
        hopeless: set[str] = set()
        for unit in self.units:
            if unit.state == "future" and unit.job not in hopeless and not self._would_start(unit):
                hopeless.add(unit.job)
        self.refused = sorted(hopeless)
        self.units = [unit for unit in self.units if unit.job not in hopeless]

    def _would_start(self, unit: Unit) -> bool:
        loose = msgspec.structs.replace(unit.pod, job="", queue="")
        pods = tuple(msgspec.structs.replace(loose, name=f"copy-{i}") for i in range(unit.minimum))
        empty = Snapshot(nodes=self.scenario.snapshot.nodes, pods=pods)
        return not plan(empty, msgspec.structs.replace(self.policy, batch=None), self.seed).unschedulable

    # Time.

    def run(self) -> Plain:
        """Let everything happen."""
        for unit in self.units:
            if unit.is_on_node and not unit.devices and unit.pod.spec.devices.count:
                raise ValueError("say which GPUs a running pod holds")
        changes = sorted(self.scenario.changes, key=lambda change: change.time)
        while (now := self._next_time(changes)) < self.scenario.until:
            self._goes_on("works", now, self._finish)
            while changes and changes[0].time == now:
                self._change(changes.pop(0), now)
            for unit in self.units:
                if unit.state == "future" and unit.submit == now:
                    unit.state, self._changed = "waits", True
            self._goes_on("starts", now, self._work)
            if self._is_due(now):
                self._cycle(now)
        return self

    def _next_time(self, changes: Sequence[NodeChange]) -> float:
        times = [unit.next for unit in self.units if unit.is_on_node]
        times += [unit.submit for unit in self.units if unit.state == "future"]
        times += [change.time for change in changes[:1]]
        times += list(self._again)
        return min(times, default=INFINITE)

    def _goes_on(self, state: str, now: float, step: Callable[[Unit, float], None]) -> None:
        for unit in self.units:
            if unit.state == state and unit.next == now:
                step(unit, now)

    def _finish(self, unit: Unit, now: float) -> None:
        unit.stays.append((unit.bound, now, "FINISHED"))
        unit.state, unit.left, unit.next = "done", 0.0, INFINITE
        self._changed = True

    def _work(self, unit: Unit, now: float) -> None:
        unit.state, unit.began, unit.next = "works", now, now + unit.left

    def _is_due(self, now: float) -> bool:
        """Whether there is a cycle now; with a period, one is due at the next multiple of it.

        Somebody has to wait for it, but where zones close: then there may be somebody to send away.
        """
        period = self.scenario.cycle
        waits = self._sends_away or any(unit.state == "waits" for unit in self.units)
        if period and self._changed and waits:
            self._again.add(math.ceil(now / period) * period)
        due = now in self._again or (not period and self._changed)
        self._again.discard(now)
        self._changed = False
        return due and (waits or now in self._windows)

    # Nodes.

    def _change(self, change: NodeChange, now: float) -> None:
        for name in change.nodes:
            if change.kind == "add":
                self._away.discard(name)
            elif change.kind == "remove":
                self._away.add(name)
            elif change.kind in ("recover", "uncordon"):
                self._closed.discard((change.kind == "recover", name))
            else:
                self._closed.add((change.kind == "fail", name))
        self._changed = True
        if change.kind in ("remove", "fail", "drain"):
            self._lose([unit for unit in self.units if unit.is_on_node and unit.node in change.nodes], now)

    def _takes_pods(self, name: str) -> bool:
        return name not in self._away and (True, name) not in self._closed and (False, name) not in self._closed

    def _lose(self, lost: Sequence[Unit], now: float) -> None:
        for unit in lost:
            self._interrupt(unit, now, "LOST")
        for job in {unit.job for unit in lost}:
            mine = [unit for unit in self.units if unit.job == job]
            left = [unit for unit in mine if unit.is_on_node]
            if mine[0].minimum > 1 and len(left) + sum(unit.state == "done" for unit in mine) < mine[0].minimum:
                for unit in left:
                    self._interrupt(unit, now, "STOPPED")

    def _interrupt(self, unit: Unit, now: float, why: str) -> None:
        done = unit.duration - unit.left + (now - unit.began if unit.state == "works" else 0.0)
        checkpoint = self.scenario.checkpoint
        saved = math.floor(done / checkpoint) * checkpoint if checkpoint < INFINITE else 0.0
        if unit.duration < INFINITE:
            unit.left = unit.duration - saved
        unit.stays.append((unit.bound, now, why))
        unit.state, unit.node, unit.devices, unit.next = "waits", "", (), INFINITE

    # Decisions.

    def snapshot(self, now: float) -> Snapshot:
        """What there is."""
        pods, alive = [], set()
        for unit in self.units:
            if unit.state == "waits":
                pods.append(unit.pod)
            elif unit.is_on_node:
                devices = unit.devices if unit.pod.spec.devices.count else ()
                started = self.start + unit.bound if unit.bound or unit.pod.started is None else unit.pod.started
                pods.append(msgspec.structs.replace(unit.pod, node=unit.node, device_indices=devices, started=started))
            else:
                continue
            alive.add(unit.job)
        given = {job.key for job in self.scenario.snapshot.jobs}
        jobs = [self._counted(job) for key, job in self._jobs.items() if key in alive | given]
        found: Snapshot = msgspec.structs.replace(
            self.scenario.snapshot,
            nodes=tuple(self._shown()),
            pods=tuple(pods),
            jobs=tuple(jobs) if self.by_queue else (),
            time=self.start + now,
        )
        return found

    def _shown(self) -> Iterator[Node]:
        for node in self.scenario.snapshot.nodes:
            if self._takes_pods(node.name):
                yield node
            elif self._absent != "left out" and node.name not in self._away:
                yield msgspec.structs.replace(node, unschedulable=True)
            elif self._absent == "cordoned":
                labels = {key: value for key, value in node.labels.items() if key not in (ZONE, HOSTNAME)}
                yield msgspec.structs.replace(node, unschedulable=True, labels=labels)

    def _counted(self, job: Job) -> Job:
        done = [unit for unit in self.units if unit.job == job.key and unit.state == "done"]
        tasks = tuple(
            msgspec.structs.replace(task, succeeded=task.succeeded + sum(unit.pod.task == task.name for unit in done))
            for task in job.tasks
        )
        counted: Job = msgspec.structs.replace(job, tasks=tasks, succeeded=job.succeeded + len(done))
        return counted

    def _cycle(self, now: float) -> None:
        snapshot = self.snapshot(now)
        decided = self._decided_by_queue(snapshot, now) if self.by_queue else self._decided(snapshot)
        by_name = {unit.pod.key: unit for unit in self.units}
        for name in decided.evicted:
            self._interrupt(by_name[name], now, "PREEMPTED")
            self.evictions.append((now, name))
        for name, node, devices in decided.placed:
            self._bind(by_name[name], node, devices, now)
        if decided.evicted or (decided.placed and self._follow_up):
            delay = max(self.scenario.cycle, 1.0) if decided.evicted else self.scenario.cycle
            period = self.scenario.cycle
            self._again.add(math.ceil((now + delay) / period) * period if period else now + delay)

    def _bind(self, unit: Unit, node: str, devices: tuple[int, ...], now: float) -> None:
        unit.node, unit.devices, unit.bound = node, devices, now
        unit.state, unit.next = "starts", now + self.scenario.startup
        if not self.scenario.startup:
            self._work(unit, now)
        self.decisions.append(Decision(now, unit.pod.key, node, devices))

    def _decided(self, snapshot: Snapshot) -> Decided:
        """As `yuheng.plan` does, but for the typical workload: it is that of the whole simulation."""
        ungated = tuple(pod for pod in snapshot.pods if pod.node is not None or not pod.spec.gates)
        snapshot = msgspec.structs.replace(snapshot, pods=ungated)
        typical = [(unit.pod, 1) for unit in self.units]
        engine = Engine(snapshot, self.policy, self.seed, setting=Setting(typical=typical))
        for _ in engine.run(0, len(engine.queue)):
            pass
        return Decided([], [(pod.key, pod.node or "", pod.device_indices) for pod in engine.placed()])

    def _decided_by_queue(self, snapshot: Snapshot, now: float) -> Decided:
        session = open_session(snapshot, self.policy, self.seed, self.start + now)
        run_actions(session)
        for state in session.roster.jobs:
            if state.admitted and state.key in self._jobs:
                self._jobs[state.key] = msgspec.structs.replace(self._jobs[state.key], admitted=True)
        nodes = session.engine.machines.nodes
        placed = [
            (pod.key, nodes[n].name, devices_of(words.tolist()) if pod.spec.devices.count else ())
            for pod, n, words in session.moves.placements()
        ]
        evicted = [session.roster.pods[i].key for i in session.moves.evicted if i < session.roster.bound]
        return Decided(evicted, placed)


def _has_queues(scenario: Scenario) -> bool:
    work = scenario.workload
    gangs = work is not None and (any(work.minimum > 1) or any(pod.queue for pod in work.templates))
    return scenario.policies[0].batch is not None or scenario.snapshot.is_batch() or bool(gangs)
