"""The cycle at work, recorded: whatever happens to it, the record says what its engine was told, and replays."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from tests.kubernetes.made_api_server import access_to, answering, status, until, unto
from tests.kubernetes.made_cluster import Cluster, cluster
from tests.kubernetes.made_records import recorded as history
from tests.scheduling.made_batches import batch
from tests.scheduling.made_snapshots import snapshot

from yuheng.errors import InputError
from yuheng.kubernetes.api import Api
from yuheng.kubernetes.mirror import Known, Mirror
from yuheng.kubernetes.recording import Limits, Recorder, parts, replay
from yuheng.kubernetes.running.binding import Binder
from yuheng.kubernetes.running.dry import Alone, DryBinder
from yuheng.kubernetes.running.service import Service, reflectors
from yuheng.kubernetes.running.turns import Turns
from yuheng.kubernetes.timing import Timing
from yuheng.model.cluster import Snapshot
from yuheng.model.live import Asked, Decisions, Renewed
from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.scheduling.decider import Decider


@pytest.fixture(scope="module", autouse=True)
def warm(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Kernels are compiled before anybody waits for them."""
    rng = Random(1)
    history(tmp_path_factory.mktemp("warm"), rng, snapshot(rng, 6, 2, 12), 8)
    history(tmp_path_factory.mktemp("warm"), rng, batch(rng), 2)


class Silent:
    """Tells nobody."""

    def placed(self, known: Known, node: str) -> None: ...

    def refused(self, known: Known, message: str) -> None: ...

    def nominated(self, known: Known, node: str) -> None: ...

    def failed(self, known: Known, node: str, why: str) -> None: ...
    def preempted(self, victim: Known, by: str, node: str) -> None: ...


@asynccontextmanager
async def recorded(made: Cluster, recorder: Recorder, decider: Decider | None = None) -> AsyncIterator[Turns]:
    """A scheduler at work on a cluster, and a record of it."""
    async with Api(access_to(made.url)) as api:
        bell, stop, leading = asyncio.Event(), asyncio.Event(), Alone()
        mirror = Mirror("yuheng", bell.set)
        binder = Binder(api, leading.leading)
        turns = Turns(mirror, decider or Decider(), binder, Silent(), bell=bell, timing=api.timing, recorder=recorder)
        task = asyncio.ensure_future(Service(reflectors(api, mirror), turns, leading).run(stop))
        try:
            yield turns
        finally:
            stop.set()
            await task
            recorder.close()


def check(folder: Path, recorder: Recorder) -> int:
    """That a record replays; the files it is in."""
    found = replay(parts(folder))
    assert found.differences == ()
    assert (found.covered.turns, recorder.counts.failures) == (recorder.counts.turns, 0)
    assert bool(found.covered.notes) == bool(recorder.counts.lost)
    return found.covered.parts


async def test_a_live_record_replays(tmp_path: Path):
    recorder = Recorder(tmp_path)
    async with cluster() as made:
        for n in range(3):
            made.node(f"n{n}", cpu="4")
        for i in range(9):
            made.pod(f"p{i}")
        made.faults.append(unto("POST", "p3/binding", answering(lambda: status(403, "Forbidden", "not now"))))
        async with recorded(made, recorder):
            await until(lambda: len(made.homes()) == 9)
            made.pod("waits", cpu="3")
            made.node("n0", spec={"unschedulable": True})
            for i in range(4):
                made.delete("pods", f"p{i}")
            made.pod("high", cpu="4", priority=10)
            made.node("late", cpu="8")
            await until(lambda: {"waits", "high"} <= made.homes().keys())
    assert check(tmp_path, recorder) == 1
    assert recorder.counts.lost == 0


async def test_a_part_that_is_full_has_the_state_told_for_the_next(tmp_path: Path):
    recorder = Recorder(tmp_path, limits=Limits(500, 1 << 20))
    async with cluster() as made:
        made.node("a", cpu="400")
        async with recorded(made, recorder):
            for i in range(30):
                made.pod(f"p{i}")
                await until(lambda expected=i + 1: len(made.homes()) == expected)
                recorder.flush()
    assert check(tmp_path, recorder) >= 2


async def test_a_record_where_queues_decide_replays(tmp_path: Path):
    recorder = Recorder(tmp_path)
    async with cluster() as made:
        made.node("a", cpu="4")
        for name, size in (("large", 5), ("small", 3)):
            made.create("podgroups", {"metadata": {"name": name}, "spec": {"minMember": size}, "status": {}})
            for i in range(size):
                made.pod(f"{name}-{i}", annotations={"scheduling.k8s.io/group-name": name})
        async with recorded(made, recorder):
            await until(lambda: len(made.homes()) == 3)
            made.node("b", cpu="4")
            await until(lambda: len(made.homes()) == 8)
    check(tmp_path, recorder)


class Kept:
    """Keeps what comes out."""

    wants_state = False

    def __init__(self) -> None:
        self.outcomes: list[Decisions | str] = []

    def turn(self, *turn: Any) -> None:
        self.outcomes.append(turn[-1])


class Stubborn(Decider):
    """An engine that takes its time, or cannot read what it is told."""

    def __init__(self, problem: str = "") -> None:
        super().__init__()
        self.problem = problem
        self.begun, self.gate = threading.Event(), threading.Event()

    def turn(self, told: Any, pods: Any, asked: Asked) -> Decisions:
        self.begun.set()
        self.gate.wait(10)
        if self.problem:
            raise InputError(self.problem)
        return super().turn(told, pods, asked)


def told(decider: Decider, recorder: Kept, timing: Timing = Timing()) -> Turns:  # noqa: B008 -- immutable
    mirror = Mirror("yuheng")
    mirror.nodes["a"] = Node(name="a", allocatable={"cpu": 1000, "pods": 9})
    return Turns(mirror, decider, DryBinder(), Silent(), bell=asyncio.Event(), timing=timing, recorder=recorder)


async def test_a_turn_that_nobody_waits_for_any_longer_is_recorded():
    decider, recorder = Stubborn(), Kept()
    turns = told(decider, recorder)
    task = asyncio.ensure_future(turns.turn())
    await until(decider.begun.is_set)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    decider.gate.set()
    await until(lambda: recorder.outcomes)
    assert recorder.outcomes == [Decisions()]


async def test_turns_follow_each_other_even_so():
    """The engine is not asked twice at one time."""
    decider, recorder = Stubborn(), Kept()
    turns = told(decider, recorder)
    task = asyncio.ensure_future(turns.turn())
    await until(decider.begun.is_set)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    decider.begun.clear()
    turns.mirror.stale.add("another led")
    again = asyncio.ensure_future(turns.turn())
    await asyncio.sleep(0.02)
    assert not decider.begun.is_set()
    decider.gate.set()
    await again
    assert len(recorder.outcomes) == 2


async def test_what_could_not_be_read_is_recorded():
    decider, recorder = Stubborn("a job without a queue"), Kept()
    decider.gate.set()
    await told(decider, recorder).turn()
    assert recorder.outcomes == ["a job without a queue"]


async def test_recording_alone_wakes_nobody():
    """A state that is told for the record only is no news to pods that wait."""
    clock, recorder = [0.0], Kept()
    turns = told(Decider(), recorder, Timing(now=lambda: clock[0]))
    await turns.turn()
    clock[0] = 1000.0
    pod = Pod(name="p")
    turns.mirror.pods[pod.key] = Known(key=pod.key, uid="u", pod=pod, scheduler="yuheng")
    turns.backlog.add(pod.key, "u", clock[0])
    turns.backlog.refuse(pod.key, clock[0])
    recorder.wants_state = True
    await turns.turn()
    assert len(recorder.outcomes) == 2
    assert not turns.backlog.due(1030.0)
    clock[0] = 2000.0
    turns.backlog.refuse(pod.key, clock[0])
    turns.mirror.stale.add("a node came")
    await turns.turn()
    assert len(recorder.outcomes) == 3
    assert turns.backlog.due(2030.0)


def test_an_engine_that_is_asked_about_nobody_decides_nothing():
    decider = Decider()
    state = Snapshot(nodes=(Node(name="a", allocatable={"cpu": 1000, "pods": 9}),))
    assert decider.turn([Renewed(state)], [], Asked(0.0)) == Decisions()
