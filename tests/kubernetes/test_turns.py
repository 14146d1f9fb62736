"""The cycle, end to end on a cluster in miniature: what waits is bound, and nothing ever holds more than it has."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.kubernetes.made_api_server import access_to, answering, status, until, unto
from tests.kubernetes.made_cluster import Cluster, cluster

from yuheng.kubernetes.api import Api
from yuheng.kubernetes.mirror import Known, Mirror
from yuheng.kubernetes.running.binding import Binder
from yuheng.kubernetes.running.dry import Alone
from yuheng.kubernetes.running.gangs import Gangs
from yuheng.kubernetes.running.service import Service, reflectors
from yuheng.kubernetes.running.turns import Turns
from yuheng.scheduling.decider import Decider, warm


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    """They are compiled before anybody waits for them."""
    warm()


FULL = "0/1 nodes are available: 1 Insufficient cpu."


class Told:
    """What users would be told."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, ...]] = []

    def placed(self, known: Known, node: str) -> None:
        self.lines.append(("placed", known.key, node))

    def refused(self, known: Known, message: str) -> None:
        self.lines.append(("refused", known.key, message))

    def nominated(self, known: Known, node: str) -> None:
        self.lines.append(("nominated", known.key, node))

    def failed(self, known: Known, node: str, why: str) -> None:
        self.lines.append(("failed", known.key, node, why))

    def preempted(self, victim: Known, by: str, node: str) -> None:
        self.lines.append(("preempted", victim.key, by, node))


class Running:
    def __init__(self, turns: Turns, told: Told, stop: asyncio.Event) -> None:
        self.turns = turns
        self.told = told
        self.stop = stop


@asynccontextmanager
async def scheduler(made: Cluster, patience: float = 20.0, **options: Any) -> AsyncIterator[Running]:
    """A scheduler at work on a cluster."""
    async with Api(access_to(made.url)) as api:
        bell, told, stop = asyncio.Event(), Told(), asyncio.Event()
        mirror, leading = Mirror("yuheng", bell.set), Alone()
        decider = Decider(**options)
        binder = Binder(api, leading.leading)
        turns = Turns(mirror, decider, binder, told, bell=bell, timing=api.timing)
        gangs = Gangs(mirror, binder, decider.gangs, api.timing, patience)
        service = Service(reflectors(api, mirror), turns, leading, gangs)
        task = asyncio.ensure_future(service.run(stop))
        try:
            yield Running(turns, told, stop)
        finally:
            stop.set()
            await task


async def test_all_that_waits_is_bound_and_no_node_holds_too_much():
    async with cluster() as made:
        for n in range(5):
            made.node(f"n{n}", cpu="4")
        for i in range(15):
            made.pod(f"p{i:02}")
        async with scheduler(made):
            await until(lambda: len(made.homes()) == 15)
            for i in range(15, 20):
                made.pod(f"p{i:02}")
            await until(lambda: len(made.homes()) == 20)
    assert max(len(pods) for moment in made.moments() for pods in moment.values()) == 4
    assert len({pod for pod, _, _ in made.bindings}) == len(made.bindings) == 20


async def test_a_pod_that_finds_no_room_is_told_so_and_bound_when_room_comes():
    async with cluster() as made:
        made.node("a", cpu="1")
        made.pod("first")
        async with scheduler(made) as running:
            await until(lambda: "first" in made.homes())
            made.pod("second")
            await until(lambda: ("refused", "default/second", FULL) in running.told.lines)
            made.delete("pods", "first")
            await until(lambda: "second" in made.homes())


async def test_pods_of_other_schedulers_hold_room_and_are_left_alone():
    async with cluster() as made:
        made.node("a", cpu="1")
        made.pod("other", scheduler="default-scheduler", nodeName="a")
        made.pod("theirs", scheduler="default-scheduler")
        made.pod("ours")
        async with scheduler(made) as running:
            await until(lambda: running.told.lines)
            assert [line[:2] for line in running.told.lines] == [("refused", "default/ours")]
    assert not made.bindings


async def test_a_pod_that_cannot_be_read_is_told_so_and_the_others_are_bound():
    broken = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": "x"}}}
    async with cluster() as made:
        made.node("a")
        made.pod("bad", affinity=broken)
        made.pod("good")
        async with scheduler(made) as running:
            await until(lambda: "good" in made.homes() and any(line[0] == "refused" for line in running.told.lines))
            told = next(line for line in running.told.lines if line[0] == "refused")
    assert told[1] == "default/bad"
    assert "nodeSelectorTerms" in told[2]


async def test_a_node_that_comes_later_is_used():
    async with cluster() as made:
        made.pod("p")
        async with scheduler(made) as running:
            await until(lambda: running.told.lines)
            made.node("late")
            await until(lambda: made.homes() == {"p": "late"})


async def test_a_cordoned_node_gets_nothing_more():
    async with cluster() as made:
        made.node("a")
        made.node("b")
        async with scheduler(made):
            made.pod("p0")
            await until(made.homes)
            made.node("a", spec={"unschedulable": True})
            await asyncio.sleep(0.05)
            for i in range(1, 4):
                made.pod(f"p{i}")
            await until(lambda: len(made.homes()) == 4)
    assert {made.homes()[f"p{i}"] for i in range(1, 4)} == {"b"}


async def test_a_pod_with_priority_takes_the_place_of_one_without():
    async with cluster() as made:
        made.node("a", cpu="1")
        made.pod("low", priority=1)
        async with scheduler(made) as running:
            await until(made.homes)
            made.pod("high", priority=100)
            await until(lambda: made.homes() == {"high": "a"})
            assert ("nominated", "default/high", "a") in running.told.lines
            assert ("preempted", "default/low", "default/high", "a") in running.told.lines
    assert made.evictions == ["default/low"]


def gang(made: Cluster, name: str, minimum: int, size: int) -> None:
    """Pods that start together."""
    made.create("podgroups", {"metadata": {"name": name}, "spec": {"minMember": minimum}, "status": {}})
    for i in range(size):
        made.pod(f"{name}-{i}", annotations={"scheduling.k8s.io/group-name": name})


async def test_a_gang_is_bound_whole_or_not_at_all():
    async with cluster() as made:
        made.node("a", cpu="4")
        gang(made, "large", 5, 5)
        gang(made, "small", 3, 3)
        async with scheduler(made) as running:
            await until(lambda: len(made.homes()) == 3)
            assert {name.partition("-")[0] for name in made.homes()} == {"small"}
            await until(lambda: any(line[1].startswith("default/large") for line in running.told.lines))
            made.node("b", cpu="4")
            await until(lambda: len(made.homes()) == 8)


async def test_a_gang_whose_pod_cannot_be_bound_at_first_is_completed():
    async with cluster() as made:
        made.node("a", cpu="4")
        made.faults.append(unto("POST", "g-2/binding", answering(lambda: status(403, "Forbidden", "not now"))))
        gang(made, "g", 4, 4)
        async with scheduler(made):
            await until(lambda: len(made.homes()) == 4, 20)
    assert not made.evictions


async def test_a_gang_that_stays_bound_by_half_is_taken_off_as_a_whole():
    async with cluster() as made:
        made.node("a", cpu="4")
        for _ in range(50):
            made.faults.append(unto("POST", "g-2/binding", answering(lambda: status(403, "Forbidden", "never"))))
        gang(made, "g", 4, 4)
        async with scheduler(made, patience=0.5):
            await until(lambda: len(made.evictions) == 3, 20)
    assert sorted(made.evictions) == ["default/g-0", "default/g-1", "default/g-3"]


async def test_a_pod_whose_gate_opens_is_bound():
    async with cluster() as made:
        made.node("a")
        made.pod("p", schedulingGates=[{"name": "example.com/wait"}])
        async with scheduler(made) as running:
            await until(lambda: running.told.lines)
            assert not made.homes()
            found = made.found("pods", "p")
            assert found is not None
            made.create("pods", {**found, "spec": {**found["spec"], "schedulingGates": []}})
            await until(lambda: made.homes() == {"p": "a"})


async def test_a_pod_that_wants_to_be_near_another_is_bound_when_that_one_is():
    term = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "kubernetes.io/hostname"}
    affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    async with cluster() as made:
        for name in ("a", "b"):
            made.node(name)
        made.pod("near", affinity=affinity)
        async with scheduler(made) as running:
            await until(lambda: running.told.lines)
            made.pod("db", labels={"app": "db"})
            await until(lambda: len(made.homes()) == 2)
    assert made.homes()["near"] == made.homes()["db"]
