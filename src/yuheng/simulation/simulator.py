"""Events in order, decisions by the engine, what happened into the record."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from yuheng.errors import ConfigError
from yuheng.simulation.clock import Clock, Handler, Kind
from yuheng.simulation.disturbances import Disturbance
from yuheng.simulation.nodes import Nodes
from yuheng.simulation.population import Population
from yuheng.simulation.record import Outcome, Record
from yuheng.simulation.roles import Decider, Provider

__all__ = ["Settings", "Simulator"]

INFINITE: Final = float("inf")
# Points of a time series where nobody says how many.
POINTS: Final = 200
# More than a report can use.
MOST_POINTS: Final = 100_000
# A pod that lost its node so often, and has done nothing that lasts, never will.
MOST_LOSSES: Final = 1000
# What a disturbance does to its nodes: the kind of event, and the cause it sets or ends.
EVENTS: Final = {
    "add": (Kind.NODE_ADDED, "removed"),
    "remove": (Kind.NODE_REMOVED, "removed"),
    "fail": (Kind.NODE_FAILED, "failed"),
    "recover": (Kind.NODE_RECOVERED, "failed"),
    "drain": (Kind.NODE_DRAINED, "drained"),
    "uncordon": (Kind.NODE_RECOVERED, "drained"),
    "reclaim": (Kind.MARKET_GONE, "reclaimed"),
    "restore": (Kind.MARKET_BACK, "reclaimed"),
}


class Settings(NamedTuple):
    """How time passes; all in seconds (see `Scenario`)."""

    cycle: float = 0.0
    startup: float = 0.0
    checkpoint: float = INFINITE
    until: float = INFINITE
    sample: float | None = None


class Simulator:
    """One run: a population on nodes, under one policy.

    Attributes:
        clock: what time it is.
        record: what happened so far.
        nodes: which nodes are there.
    """

    def __init__(
        self,
        population: Population,
        decider: Decider,
        nodes: Nodes,
        record: Record,
        settings: Settings,
    ) -> None:
        self.clock = Clock()
        self.record = record
        self.nodes = nodes
        self._population = population
        self._decider = decider
        self._settings = settings
        self._stint = [-1] * len(population.duration)
        self._left: list[float] = population.duration.tolist()
        self._times_lost: dict[int, int] = {}
        self._done = bytearray(len(population.duration))
        self._duration: list[float] = population.duration.tolist()
        self._submit: list[float] = population.submit.tolist()
        self._job_of: list[int] = population.job_of.tolist()
        self._minimum: list[int] = population.minimum.tolist()
        self._essential = self._coming = 0
        self._asked = -1.0
        self._last = 0.0
        self._changes_until = self._patience = 0.0
        self._disturbances: Iterator[Disturbance] = iter(())
        self._provider: Provider | None = None
        self._probe: Callable[[float], None] | None = None
        self._step = 0.0
        self._refused: frozenset[int] = frozenset()
        self._ended = False

    def disturb(self, disturbances: Iterator[Disturbance], changes_until: float, patience: float) -> None:
        """Let things happen to nodes.

        Args:
            disturbances: in order of time; asked for one at a time, for they may have no end.
            changes_until: up to which time some of them are known beforehand and worth waiting for.
            patience: for how many seconds those who wait hope that nodes come back, when nothing else can happen.
        """
        self._disturbances, self._changes_until, self._patience = disturbances, changes_until, patience

    def provide(self, provider: Provider, price_changes: Sequence[float]) -> None:
        """Let nodes come when pods wait; prices change at these times."""
        self._provider = provider
        for time in price_changes:
            self.clock.schedule(time, Kind.PRICE_CHANGED)
        self._expect(provider.at_least())
        for node in provider.initially_there():
            self._emptied(node)

    def _expect(self, ordered: Sequence[tuple[float, int]]) -> None:
        """Nodes were ordered; they are worth waiting for as long as anybody waits."""
        self._coming += len(ordered)
        for ready, node in ordered:
            self.clock.schedule(ready, Kind.NODE_READY, node)

    def watch(self, probe: Callable[[float], None]) -> None:
        """Call a probe at every point of the time series."""
        self._probe = probe

    def refuse(self, jobs: frozenset[int]) -> None:
        """Jobs that are never submitted, for they would wait forever."""
        self._refused = jobs

    def run(self) -> float:
        """Let everything happen; when it was over, in seconds."""
        self._settle_residents()
        if self._submit:
            self._at(self._submit[0], Kind.SUBMIT, 0)
        self._disturb_next()
        self._next_window()
        if self._probe is not None:
            self._step = self._settings.sample or self._first_step()
            self.clock.schedule(0.0, Kind.SAMPLE)
        if self._settings.until < INFINITE:
            self.clock.schedule(self._settings.until, Kind.END)
        self.clock.run(self._handlers(), self._going_on)
        end = self._settings.until if self._settings.until < INFINITE else self._last
        self.nodes.finish(end)
        if self._probe is not None:
            # What was seen while nothing more came of the jobs is no part of the run.
            del self.record.samples[bisect_left(self.record.samples, end, key=attrgetter("time")) :]
            self._probe(end)
        return end

    def _handlers(self) -> list[Handler]:
        table: dict[Kind, Handler] = {
            Kind.FINISH: self._finish,
            Kind.NODE_READY: self._node_ready,
            Kind.PRICE_CHANGED: self._price_changed,
            Kind.WINDOW: self._window,
            Kind.SUBMIT: self._submitted,
            Kind.START: self._started,
            Kind.CYCLE: self._cycle,
            Kind.IDLE: self._idle,
            Kind.SAMPLE: self._sample,
            Kind.END: self._end,
        }
        return [table.get(kind, self._disturbed) for kind in Kind]

    def _first_step(self) -> float:
        """Seconds between two points of the series: some two hundred of them up to the last submission, or the end."""
        length = self._settings.until if self._settings.until < INFINITE else max(self._submit, default=0.0)
        return max(length, float(POINTS)) / POINTS

    def _at(self, time: float, kind: Kind, subject: object = None) -> None:
        """Schedule an event without which nothing more can come of the jobs."""
        self._essential += 1
        self.clock.schedule(time, kind, subject)

    def _going_on(self) -> bool:
        """Whether anything can still come of the jobs."""
        if self._ended or self._settings.until < INFINITE:
            return not self._ended
        if self._essential > 0 or (self._coming > 0 and self._decider.waiting > 0):
            return True
        hope = max(self._last + self._patience, self._changes_until)
        return self._decider.waiting > 0 and self.clock.now <= hope

    def _settle_residents(self) -> None:
        """What runs at the start has been running."""
        for pod in range(self._population.kinds.residents):
            self._bind(pod, startup=0.0)

    def _submitted(self, job: int) -> None:
        """Jobs of one time are submitted."""
        self._essential -= 1
        self._last = now = self.clock.now
        residents = self._population.kinds.residents
        while job < len(self._submit) and self._submit[job] <= now:
            if job not in self._refused:
                pods = self._population.pods(job)
                waiting = pods if pods and pods[0] >= residents else [pod for pod in pods if pod >= residents]
                if waiting:
                    self._decider.submit(job, waiting)
            job += 1
        if job < len(self._submit):
            self._at(self._submit[job], Kind.SUBMIT, job)
        self._ask()

    def _ask(self, delay: float = 0.0) -> None:
        """Have a cycle as soon as there may be one."""
        period, time = self._settings.cycle, self.clock.now + delay
        if period > 0:
            time = max(math.ceil(time / period) * period, self.clock.now)
        if self._asked != time:
            self._asked = time
            self._at(time, Kind.CYCLE)

    def _cycle(self, _: None) -> None:
        self._essential -= 1
        self._asked = -1.0
        decisions = self._decider.cycle(self.clock.now)
        if decisions.evicted:
            self._interrupt(decisions.evicted, Outcome.PREEMPTED)
        for pod in decisions.placed:
            self._bind(pod, self._settings.startup)
        if decisions.placed or decisions.evicted:
            self._last = self.clock.now
        if decisions.evicted or (decisions.placed and self._decider.restless):
            # Those who were evicted ask again a moment later, as their controllers create them anew.
            self._ask(max(self._settings.cycle, 1.0) if decisions.evicted else self._settings.cycle)
        self._order()

    def _order(self) -> None:
        """Ask for nodes for those who wait."""
        if self._provider is not None and self._decider.waiting:
            self._expect(self._provider.order(self.clock.now))

    def _bind(self, pod: int, startup: float) -> None:
        node = self._decider.node_of(pod)
        stint = self._stint[pod] = self.record.open(pod, node, self.clock.now)
        self.nodes.pods[node].add(pod)
        if self._provider is not None:
            self._provider.settled(pod)
        if startup > 0:
            self._at(self.clock.now + startup, Kind.START, stint)
        else:
            self._work(stint, pod)

    def _started(self, stint: int) -> None:
        self._essential -= 1
        if self.record.outcome[stint] == Outcome.RUNNING:
            self._work(stint, self.record.pod[stint])

    def _work(self, stint: int, pod: int) -> None:
        self.record.began[stint] = now = self.clock.now
        left = self._left[pod]
        if left < INFINITE:
            self._at(now + left, Kind.FINISH, stint)

    def _finish(self, stint: int) -> None:
        self._essential -= 1
        record = self.record
        if record.outcome[stint] != Outcome.RUNNING:
            # It was interrupted; this is the end it would have had.
            return
        now, pod = self.clock.now, record.pod[stint]
        record.close(stint, now, Outcome.FINISHED)
        self._done[pod] = 1
        self._last = now
        self._off(stint)
        self._decider.leave([pod], finished=True)
        if self._decider.waiting:
            self._ask()

    def _off(self, stint: int) -> None:
        """A pod is on its node no more."""
        pod, node = self.record.pod[stint], self.record.node[stint]
        self._stint[pod] = -1
        self.nodes.pods[node].discard(pod)
        if not self.nodes.pods[node]:
            self._emptied(node)

    def _emptied(self, node: int) -> None:
        if self._provider is not None:
            time = self._provider.idle_since(node, self.clock.now)
            if time is not None:
                self.clock.schedule(time, Kind.IDLE, node)

    def _interrupt(self, pods: Sequence[int], outcome: Outcome) -> None:
        """Pods lose their nodes: what they did since their last checkpoint is lost."""
        now, checkpoint = self.clock.now, self._settings.checkpoint
        for pod in pods:
            stint = self._stint[pod]
            began = self.record.began[stint]
            worked = now - began if began == began else 0.0  # noqa: PLR0124 -- NaN is not itself
            lost = 0.0
            if self._duration[pod] < INFINITE:
                done = self._duration[pod] - self._left[pod] + worked
                saved = math.floor(done / checkpoint) * checkpoint if checkpoint < INFINITE else 0.0
                lost = done - saved
                self._left[pod] = self._duration[pod] - saved
            self._give_up_on(pod)
            self.record.close(stint, now, outcome, lost)
            self._off(stint)

    def _give_up_on(self, pod: int) -> None:
        """Refuse to go on for ever with a pod that never gets on."""
        self._times_lost[pod] = times = self._times_lost.get(pod, 0) + 1
        if times > MOST_LOSSES and self._settings.until == INFINITE and self._left[pod] == self._duration[pod]:
            name = self._population.name(self._job_of[pod])
            raise ConfigError(
                f"job {name}: found that it lost its node {times} times without a checkpoint,"
                " expected until, a checkpoint, or nodes that last long enough"
            )

    def _disturb_next(self) -> None:
        """Schedule the next disturbance."""
        disturbance = next(self._disturbances, None)
        if disturbance is not None:
            self.clock.schedule(disturbance.time, EVENTS[disturbance.kind][0], disturbance)

    def _disturbed(self, disturbance: Disturbance) -> None:
        kind, cause = EVENTS[disturbance.kind]
        if kind in (Kind.NODE_ADDED, Kind.MARKET_BACK):
            back = [node for node in disturbance.nodes if self.nodes.appear(node, cause, self.clock.now)]
            self._opened(back)
            self._shut([node for node in disturbance.nodes if not self.nodes.takes_pods(node)])
            self._order()
        elif kind == Kind.NODE_RECOVERED:
            self._opened([node for node in disturbance.nodes if self.nodes.reopen(node, cause)])
        else:
            for node in disturbance.nodes:
                if kind in (Kind.NODE_REMOVED, Kind.MARKET_GONE):
                    self.nodes.vanish(node, cause, self.clock.now)
                    if self._provider is not None and self._provider.reclaimed(node):
                        self.nodes.vanish(node, "removed", self.clock.now)
                else:
                    self.nodes.close(node, cause)
            self._lose(disturbance.nodes)
        self._disturb_next()

    def _opened(self, nodes: Sequence[int]) -> None:
        if nodes:
            self._decider.open(nodes)
            if self._decider.waiting:
                self._ask()

    def _shut(self, nodes: Sequence[int]) -> None:
        """Nothing more is placed on nodes: they are away, or closed."""
        gone = [node for node in nodes if not self.nodes.exists(node)]
        self._decider.close(gone, gone=True)
        self._decider.close([node for node in nodes if self.nodes.exists(node)], gone=False)

    def _lose(self, nodes: Sequence[int]) -> None:
        """Nodes take nothing more, and their pods wait again; a gang that falls below its minimum stops whole."""
        self._shut(nodes)
        lost = sorted(pod for node in nodes for pod in self.nodes.pods[node])
        if not lost:
            return
        self._last = self.clock.now
        self._interrupt(lost, Outcome.LOST)
        stopped = self._broken_gangs(lost)
        self._interrupt(stopped, Outcome.STOPPED)
        leaving = [*lost, *stopped]
        self._decider.leave(leaving, finished=False)
        by_job: dict[int, list[int]] = {}
        for pod in leaving:
            by_job.setdefault(self._job_of[pod], []).append(pod)
        for job, pods in by_job.items():
            self._decider.submit(job, sorted(pods))
        self._ask()

    def _broken_gangs(self, lost: Sequence[int]) -> list[int]:
        """The running pods of jobs that have fewer than their minimum left."""
        found = []
        for job in dict.fromkeys(self._job_of[pod] for pod in lost):
            if self._minimum[job] > 1:
                pods = self._population.pods(job)
                running = [pod for pod in pods if self._stint[pod] >= 0]
                finished = sum(self._done[pod] for pod in pods)
                if len(running) + finished < self._minimum[job]:
                    found += running
        return found

    def _node_ready(self, node: int) -> None:
        self._coming -= 1
        if self._provider is not None and self._provider.arrived(node, self.clock.now):
            if self.nodes.appear(node, "removed", self.clock.now):
                self._opened([node])
            self._emptied(node)

    def _idle(self, node: int) -> None:
        empty = not self.nodes.pods[node] and self.nodes.exists(node)
        if empty and self._provider is not None and self._provider.gives_back(node, self.clock.now):
            self.nodes.vanish(node, "removed", self.clock.now)
            self._decider.close([node], gone=True)

    def _next_window(self) -> None:
        time = self._decider.next_window(self.clock.now)
        if time is not None:
            self.clock.schedule(time, Kind.WINDOW)

    def _window(self, _: None) -> None:
        """It is another time of day: zones open and close."""
        self._ask()
        self._next_window()

    def _price_changed(self, _: None) -> None:
        if self._provider is not None:
            self._provider.price_changed(self.clock.now)

    def _sample(self, _: None) -> None:
        if self._probe is None:
            return
        self._probe(self.clock.now)
        samples = self.record.samples
        if len(samples) > MOST_POINTS:
            raise ConfigError(f"sample: found {self._step:g} s, expected at most {MOST_POINTS} points of the series")
        if self._settings.sample is None and len(samples) > 2 * POINTS:
            # It lasts longer than expected: half as many points from here on, and so far.
            del samples[1::2]
            self._step *= 2
        self.clock.schedule(self.clock.now + self._step, Kind.SAMPLE)

    def _end(self, _: None) -> None:
        self._ended = True
