"""A live cluster in miniature, without a cluster: an engine that is told of a random course of events, and recorded.

It does what the cycle does: tells changes where the engine can be told of them, and the whole state where it cannot;
what the engine placed is there from then on, unless its binding fails, and then it is told so.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Protocol

import msgspec

from yuheng.errors import InputError
from yuheng.kubernetes.recording import Limits, Recorder, Turn
from yuheng.kubernetes.recording.writer import Started
from yuheng.model.cluster import Snapshot
from yuheng.model.live import Asked, Came, Change, Closed, Decisions, Renewed, Went
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.scheduling.decider import Decider

NOON = 1_790_000_000.0
DEFAULT = Limits()


class Listener(Protocol):
    """A recorder, or what a test puts in its place."""

    @property
    def wants_state(self) -> bool: ...

    def turn(self, told: Sequence[Change], pods: Sequence[Pod], asked: Asked, outcome: Decisions | str) -> None: ...


class Kept:
    """Keeps turns, to look at."""

    wants_state = False

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    def turn(self, told: Sequence[Change], pods: Sequence[Pod], asked: Asked, outcome: Decisions | str) -> None:
        self.turns.append(Turn(len(self.turns) + 1, told, pods, asked, outcome))


class History:
    """What happens to a cluster."""

    def __init__(
        self, rng: Random, cluster: Snapshot, listeners: Sequence[Listener], policy: Policy | None = None, seed: int = 0
    ) -> None:
        self.rng = rng
        self.cluster = cluster
        self.running = {pod.key: pod for pod in cluster.pods if pod.node is not None}
        self.waiting = {pod.key: pod for pod in cluster.pods if pod.node is None and not pod.spec.gates}
        self.listeners = listeners
        self.decider = Decider(policy, seed)
        self.changes: list[Change] = []
        self.nominated: dict[str, str] = {}
        self.stale = True
        self.time = NOON
        self.made = 0

    def state(self) -> Snapshot:
        pods = sorted((*self.running.values(), *self.waiting.values()), key=lambda pod: (pod.namespace, pod.name))
        found: Snapshot = msgspec.structs.replace(self.cluster, pods=tuple(pods), time=self.time)
        if self.rng.randrange(2):
            return found
        # What is read again is equal, and not the same.
        return msgspec.msgpack.decode(msgspec.msgpack.encode(found), type=Snapshot)

    def happen(self) -> None:
        """Something happens that the engine did not decide."""
        acts = [self.end, self.bind_elsewhere, self.come, self.cordon]
        # As many come as go, in the long run.
        many = len(self.running) + len(self.waiting) > len(self.cluster.pods)
        self.rng.choice([*acts, *([self.end] * 3 if many else [self.come] * 3)])()

    def end(self) -> None:
        keys = sorted({**self.running, **self.waiting})
        if keys:
            key = self.rng.choice(keys)
            self.waiting.pop(key, None)
            if self.running.pop(key, None) is not None:
                self.changes.append(Went(key))

    def bind_elsewhere(self) -> None:
        if self.waiting:
            pod = self.waiting.pop(self.rng.choice(sorted(self.waiting)))
            self.seat(msgspec.structs.replace(pod, node=self.rng.choice(self.cluster.nodes).name))

    def seat(self, pod: Pod) -> None:
        self.running[pod.key] = pod
        self.changes.append(Came(pod))

    def come(self) -> None:
        """A new pod waits, of the template of another."""
        some = sorted({**self.running, **self.waiting})
        if some:
            model = {**self.running, **self.waiting}[self.rng.choice(some)]
            self.made += 1
            pod: Pod = msgspec.structs.replace(
                model, name=f"new-{self.made}", node=None, device_indices=(), terminating=False, created=self.time
            )
            self.waiting[pod.key] = pod

    def cordon(self) -> None:
        """A node changes: nothing is placed there until the state is told."""
        node = self.rng.choice(self.cluster.nodes)
        changed = msgspec.structs.replace(node, unschedulable=not node.unschedulable)
        nodes = tuple(changed if one is node else one for one in self.cluster.nodes)
        self.cluster = msgspec.structs.replace(self.cluster, nodes=nodes)
        self.changes.append(Closed((node.name,)))
        self.stale = self.rng.randrange(2) == 0

    def turn(self) -> None:
        self.time += 1.0
        names = self.rng.sample(sorted(self.waiting), self.rng.randint(0, len(self.waiting)))
        due = sorted((self.waiting[key] for key in names), key=lambda pod: (-pod.priority, pod.created, pod.key))
        told = self.told(due)
        nominated = {key: node for key, node in self.nominated.items() if key in self.waiting}
        asked = Asked(self.time, nominated, may_evict=self.rng.randrange(4) > 0)
        try:
            outcome: Decisions | str = self.decider.turn(told, due, asked)
        except InputError as error:
            outcome, self.stale = str(error), True
        for one in self.listeners:
            one.turn(told, due, asked, outcome)
        if isinstance(outcome, Decisions):
            self.follow(outcome)

    def told(self, due: Sequence[Pod]) -> list[Change]:
        tells = self.decider.tells
        untold = any(isinstance(change, Came) and not tells(change.pod) for change in self.changes)
        fresh = any(not tells(pod) for pod in due)
        wanted = any(one.wants_state for one in self.listeners)
        changes, self.changes = self.changes, []
        if self.stale or untold or fresh or wanted or self.decider.by_queue:
            self.stale = False
            return [Renewed(self.state())]
        return changes

    def follow(self, decisions: Decisions) -> None:
        """Bind, now and then in vain; ask to go whom the engine asked to go."""
        for one in decisions.placements:
            pod = self.waiting[one.pod]
            if self.rng.randrange(5):
                del self.waiting[one.pod]
                self.running[pod.key] = msgspec.structs.replace(pod, node=one.node, device_indices=one.devices)
            else:
                self.changes.append(Went(one.pod))
        for room in decisions.preemptions:
            self.nominated[room.pod] = room.node
            for key in room.victims:
                self.go(key)
        for eviction in decisions.evictions:
            self.go(eviction.pod)

    def go(self, key: str) -> None:
        """A pod is asked to go, and goes at once or later."""
        if key not in self.running:
            return
        if self.rng.randrange(2):
            del self.running[key]
            self.changes.append(Went(key))
        else:
            self.changes.append(Went(key))
            self.seat(msgspec.structs.replace(self.running[key], terminating=True))


def recorded(
    folder: Path,
    rng: Random,
    cluster: Snapshot,
    turns: int,
    policy: Policy | None = None,
    limits: Limits = DEFAULT,
    seed: int = 0,
) -> list[Turn]:
    """A record of so many turns in a folder; the turns as they were."""
    recorder, kept = Recorder(folder, Started(policy, seed), limits), Kept()
    history = History(rng, cluster, (recorder, kept), policy, seed)
    for _ in range(turns):
        for _ in range(rng.randrange(3)):
            history.happen()
        history.turn()
        # So that each turn knows whether the one before began a part, or made it full.
        recorder.flush()
    recorder.close()
    return kept.turns


def written(
    folder: Path, turns: Sequence[Turn], policy: Policy | None = None, seed: int = 0, limits: Limits = DEFAULT
) -> None:
    """A record of these turns in a folder."""
    recorder = Recorder(folder, Started(policy, seed), limits)
    for turn in turns:
        recorder.turn(*turn[1:])
        recorder.flush()
    recorder.close()
