"""When a binding is decided on again, and what is known of it: events and answers come in any order."""

from __future__ import annotations

import asyncio
import copy
import json
from random import Random
from typing import Any

import msgspec
import pytest
from tests.kubernetes.made_api_server import FakeTime, until
from tests.kubernetes.made_karmada import DYNAMIC, ControlPlane, is_done, karmada, scheduling

from yuheng.kubernetes.api import ConflictError, MissingError
from yuheng.kubernetes.dispatching.karmada import desk as module
from yuheng.kubernetes.dispatching.karmada.bindings import Binding, read_due_binding
from yuheng.kubernetes.dispatching.karmada.desk import Desk, bindings_of
from yuheng.kubernetes.dispatching.karmada.roll import Roll
from yuheng.kubernetes.dispatching.karmada.room import MemberStatus, read_member


def once_answered(plane: ControlPlane, then: Any) -> list[str]:
    """Something happens after the first write, and is told before the write is answered; gives what is written."""
    written: list[str] = []

    async def fault(request):
        if request.method != "PATCH":
            return None
        written.append(request.path)
        if len(written) > 1:
            return None
        plane.faults.remove(fault)
        answer = await plane.handle(request)
        then()
        await asyncio.sleep(0.1)
        plane.faults.extend([fault, fault])  # one of them is used up by this answer
        return answer

    plane.faults.append(fault)
    return written


async def test_what_came_by_the_watch_is_not_overwritten_by_an_older_answer():
    async with karmada() as plane:
        plane.member("m1")
        plane.binding(replicas=2)

        def labelled() -> None:
            found = copy.deepcopy(plane.bound())
            found["metadata"].setdefault("labels", {})["x"] = "y"
            plane._store("resourcebindings", "shop", "web", found)

        written = once_answered(plane, labelled)
        async with scheduling(plane):
            await until(lambda: is_done(plane))
        assert plane.condition()["status"] == "True"
        # The specification, the status for a version that is past, and the status.
        assert len(written) == 3


async def test_a_binding_that_is_deleted_while_it_is_written_is_not_written_again():
    async with karmada() as plane:
        plane.member("m1")
        plane.binding(replicas=2)
        written = once_answered(plane, lambda: plane.delete("resourcebindings", "web", "shop"))
        clock = FakeTime()
        async with scheduling(plane, clock=clock):
            await until(lambda: len(written) == 2)
            began = clock.seconds
            await until(lambda: clock.seconds > began + 2000)
        assert len(written) == 2


class Store:
    """Karmada's API server, as far as a desk asks it: writes are taken, and answered at once."""

    def __init__(self) -> None:
        self.clock = FakeTime()
        self.timing = self.clock.timing
        self.bindings: dict[str, dict[str, Any]] = {}
        self.version = 100
        self.writes = 0
        self.keeps_annotations = True

    async def request(self, verb: str, path: str, body: bytes, content_type: str) -> bytes:
        assert (verb, content_type) == ("PATCH", "application/merge-patch+json")
        self.writes += 1
        found = self.bindings[path.removesuffix("/status").rpartition("/")[2]]
        before = copy.deepcopy(found.get("spec"))
        for key, value in json.loads(body).items():
            if key != "metadata":
                found.setdefault(key, {}).update(value)
            elif self.keeps_annotations:
                found["metadata"].setdefault("annotations", {}).update(value.get("annotations", {}))
        found["metadata"]["generation"] += before != found["spec"]
        found["metadata"]["resourceVersion"] = str(self.next())
        return json.dumps(found).encode()

    def next(self) -> int:
        self.version += 1
        return self.version

    def asks(self, name: str, replicas: int, generation: int = 1) -> Binding:
        """A binding as somebody made or changed it."""
        resource = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": name}
        needs = {"resourceRequest": {"cpu": "1"}}
        spec = {"resource": resource, "schedulerName": "yuheng", "replicas": replicas, "placement": DYNAMIC}
        metadata = {"name": name, "namespace": "shop", "generation": generation, "resourceVersion": str(self.next())}
        status = self.bindings.get(name, {}).get("status", {})
        self.bindings[name] = {
            "metadata": metadata,
            "spec": {**spec, "replicaRequirements": needs},
            "status": status,
        }
        return self.binding(name)

    def binding(self, name: str) -> Binding:
        return read_due_binding(json.dumps(self.bindings[name]).encode())


def cluster(name: str, cpu: str = "4", pods: int = 1, *, is_leaving: bool = False, **metadata: Any) -> dict[str, Any]:
    summary = {"allocatable": {"cpu": cpu, "pods": "100"}, "allocated": {"pods": str(pods)}}
    status = {"resourceSummary": summary, "conditions": [{"type": "Ready", "status": "True"}]}
    body = {"apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "spec": {}, "status": status}
    leaving = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if is_leaving else {}
    return {**body, "metadata": {"name": name, **leaving, **metadata}}


def member(cpu: str, pods: int = 1, labels: dict[str, str] | None = None) -> MemberStatus:
    return read_member(json.dumps(cluster("m1", cpu, pods, labels=labels or {})).encode())


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store, "yuheng", lambda _: None)


@pytest.fixture
def decided(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of what is decided on."""
    found: list[str] = []
    real = module.decide

    def decide(binding: Binding, *rest: Any) -> Any:
        found.append(binding.metadata.name)
        return real(binding, *rest)

    monkeypatch.setattr(module, "decide", decide)
    return found


async def waiting(desk: Desk, store: Store) -> float:
    """What has no room has waited for long; gives how long it is to wait on."""
    desk.put_member(member("4"))
    desk.put_binding(store.asks("web", 20))
    for _ in range(12):
        store.clock.seconds += await desk.work()
    return await desk.work()


async def test_what_somebody_mends_is_decided_on_at_once(desk: Desk, store: Store):
    assert await waiting(desk, store) > 100
    desk.put_binding(store.asks("web", 2, generation=2))
    await desk.work()
    assert store.bindings["web"]["spec"]["clusters"] == [{"name": "m1", "replicas": 2}]


async def test_what_somebody_labels_waits_on(desk: Desk, store: Store, decided: list[str]):
    await waiting(desk, store)
    decided.clear()
    store.bindings["web"]["metadata"] |= {"labels": {"x": "y"}, "resourceVersion": str(store.next())}
    desk.put_binding(store.binding("web"))
    assert await desk.work() > 100
    assert decided == []


async def test_a_heartbeat_that_brings_no_room_wakes_nobody(desk: Desk, store: Store, decided: list[str]):
    await waiting(desk, store)
    decided.clear()
    for pods in (1, 1, 5, 5):
        desk.put_member(member("4", pods))
        store.clock.seconds += 1
        assert await desk.work() > 50
    assert decided == []


async def test_room_that_comes_and_comes_is_tried_every_ten_seconds_at_most(
    desk: Desk, store: Store, decided: list[str]
):
    await waiting(desk, store)
    decided.clear()
    for count in range(100):
        desk.put_member(member("4", 100 - count))
        await desk.work()
        store.clock.seconds += 1
    assert 9 <= len(decided) <= 11


async def test_another_face_of_a_cluster_is_a_try_at_once(desk: Desk, store: Store, decided: list[str]):
    await waiting(desk, store)
    decided.clear()
    desk.put_member(member("4", labels={"x": "y"}))
    await desk.work()
    assert decided == ["web"]


async def test_a_cluster_that_stays_unreadable_wakes_nobody(desk: Desk, store: Store, decided: list[str]):
    await waiting(desk, store)
    desk.put_member(member("4", labels={"x": "y"}))
    for _ in range(3):
        desk.blind_member("m2", "no cluster")
        await desk.work()
    assert decided[-2:] == ["web", "web"]
    decided.clear()
    desk.blind_member("m2", "no cluster")
    await desk.work()
    assert decided == []


async def test_an_event_that_is_older_than_what_was_answered_is_past(desk: Desk, store: Store):
    desk.put_member(member("4"))
    old = store.asks("web", 2)
    spec = copy.deepcopy(store.bindings["web"]["spec"])
    desk.put_binding(old)
    await desk.work()
    writes = store.writes
    desk.put_binding(old)
    assert await desk.work() > 100
    assert store.writes == writes
    # But of a server that was restored from a backup, what it lists is so.
    sink = bindings_of(desk)
    sink.restart()
    past = {"metadata": {"name": "web", "namespace": "shop", "generation": 1, "resourceVersion": "7"}}
    store.bindings["web"] = {**past, "spec": spec}
    sink.put(msgspec.Raw(json.dumps(store.bindings["web"]).encode()))
    sink.settle()
    await desk.work()
    assert store.writes > writes


@pytest.mark.parametrize("error", [MissingError, ConflictError])
async def test_what_is_gone_and_refused_is_forgotten(desk: Desk, store: Store, error: type[Exception]):
    desk.put_member(member("4"))
    desk.put_binding(store.asks("web", 2))

    class Deleted(error):
        def __init__(self) -> None:
            desk.drop_binding("shop/web")
            super().__init__(404, "", "")

    async def refused(*_: Any, **__: Any) -> bytes:
        raise Deleted

    store.request = refused
    assert await desk.work() > 200
    assert await desk.work() > 200


async def test_a_server_that_does_not_keep_what_is_written_is_not_asked_in_a_loop(desk: Desk, store: Store):
    store.keeps_annotations = False
    desk.put_member(member("4"))
    desk.put_binding(store.asks("web", 2))
    for _ in range(5):
        assert await desk.work() > 0.5
        desk.put_binding(store.binding("web"))
    assert store.writes == 2


def raw(body: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(body).encode())


@pytest.mark.parametrize("seed", range(25))
async def test_whatever_lists_say_only_clusters_whose_deletion_was_seen_are_taken_away(
    desk: Desk, store: Store, seed: int
):
    rng, names = Random(seed), ["m1", "m2", "m3", "m4"]
    roll, deleted = Roll(desk), set[str]()
    store.asks("all", 2)
    store.bindings["all"]["spec"]["placement"] = {"clusterAffinity": {}}
    desk.put_binding(store.binding("all"))

    def lists(those: list[str]) -> None:
        roll.restart()
        for name in those:
            roll.put(raw(cluster(name)))
        roll.settle()

    lists(names)
    await desk.work()
    for _ in range(60):
        there = [name for name in names if name not in deleted]
        match rng.randrange(6):
            case 0:
                lists(rng.sample(there, rng.randrange(len(there) + 1)))
            case 1:
                lists(there)
            case 2 if len(deleted) < 2:
                name = rng.choice(there)
                roll.gone(raw(cluster(name)))
                if rng.randrange(2):
                    roll._confirmed({name}, set(there) - {name})
                    deleted.add(name)
                else:
                    roll._confirmed({name}, rng.choice([set(), set(there)]))
            case 3:
                roll.put(raw(cluster(rng.choice(there), rng.choice(["4", "many"]))))
            case 4:
                store.bindings["all"]["metadata"]["generation"] += 1
                store.bindings["all"]["spec"]["replicas"] = rng.randrange(1, 4)
                store.bindings["all"]["metadata"]["resourceVersion"] = str(store.next())
                desk.put_binding(store.binding("all"))
            case _:
                store.clock.seconds += await desk.work()
        await desk.work()
        now = {one["name"] for one in store.bindings["all"]["spec"]["clusters"]}
        assert now >= set(names) - deleted
    lists([name for name in names if name not in deleted])
    await desk.work()
    assert now - deleted == {one["name"] for one in store.bindings["all"]["spec"]["clusters"]}
