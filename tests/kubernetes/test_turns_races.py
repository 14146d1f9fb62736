"""What happens between a decision and its binding: to the pod, to its name, to the leader."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from yuheng.kubernetes.api import KINDS, ConflictError
from yuheng.kubernetes.mirror import WATCHED, Known, Mirror
from yuheng.kubernetes.running.binding import Binder, Outcome
from yuheng.kubernetes.running.gangs import Gangs
from yuheng.kubernetes.running.turns import Turns
from yuheng.kubernetes.timing import Timing
from yuheng.model.live import Decisions, Gang
from yuheng.scheduling.decider import Decider


def raw(body: dict[str, Any]) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(body).encode())


def node(name: str, cpu: str = "4", gpu: int = 0) -> msgspec.Raw:
    amounts = {"cpu": cpu, "memory": "64Gi", "pods": "110"} | ({"nvidia.com/gpu": str(gpu)} if gpu else {})
    labels = {"kubernetes.io/hostname": name}
    return raw({"metadata": {"name": name, "labels": labels}, "spec": {}, "status": {"allocatable": amounts}})


def pod(name: str, uid: str, cpu: str = "1", gpu: int = 0, **spec: Any) -> msgspec.Raw:
    amounts = {"cpu": cpu} | ({"nvidia.com/gpu": str(gpu)} if gpu else {})
    metadata = {"name": name, "namespace": "default", "uid": uid, "creationTimestamp": "2026-01-01T00:00:00Z"}
    metadata |= spec.pop("metadata", {})
    status = {"phase": "Pending", **spec.pop("status", {})}
    container = {"name": "c", "image": "i", "resources": {"requests": amounts, "limits": {}}}
    return raw(
        {
            "metadata": metadata,
            "spec": {"schedulerName": "yuheng", "containers": [container], **spec},
            "status": status,
        }
    )


class Hands:
    """A binder whose answers wait until they are let go."""

    def __init__(self) -> None:
        self.bound: list[tuple[str, str, str]] = []
        self.evicted: list[str] = []
        self.answers: dict[str, tuple[Outcome, str]] = {}
        self.go = asyncio.Event()
        self.go.set()
        self.no = ""

    async def bind(
        self, namespace: str, name: str, uid: str, node: str, annotations: Mapping[str, str] = {}
    ) -> tuple[Outcome, str]:
        assert namespace == "default"
        assert not annotations
        self.bound.append((name, uid, node))
        await self.go.wait()
        return self.answers.get(uid, (Outcome.bound, ""))

    async def evict(self, namespace: str, name: str, uid: str) -> str:
        assert (namespace, bool(uid)) == ("default", True)
        self.evicted.append(name)
        return self.no


class Silent:
    """Nobody is told."""

    def placed(self, known: Known, node: str) -> None: ...
    def refused(self, known: Known, message: str) -> None: ...
    def nominated(self, known: Known, node: str) -> None: ...
    def failed(self, known: Known, node: str, why: str) -> None: ...
    def preempted(self, victim: Known, by: str, node: str) -> None: ...


class Rig:
    """A cycle without a server, on a clock of its own."""

    def __init__(self) -> None:
        self.clock = 1000.0
        self.mirror = Mirror("yuheng")
        self.decider = Decider()
        self.hands = Hands()
        timing = Timing(now=lambda: self.clock, wall=lambda: self.clock)
        self.turns = Turns(self.mirror, self.decider, self.hands, Silent(), bell=asyncio.Event(), timing=timing)
        self.pods, self.nodes = self.mirror.sink(KINDS["pods"]), self.mirror.sink(KINDS["nodes"])

    def item(self, kind: str, **body: Any) -> None:
        self.mirror.sink(KINDS[kind], WATCHED[kind]).put(raw(body))

    async def turn(self, turns: int = 1) -> None:
        for _ in range(turns):
            await self.turns.turn()
            for _ in range(5):
                await asyncio.sleep(0)

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.hands.bound]


async def test_a_pod_that_came_under_the_name_of_another_is_not_bound_by_its_decision():
    rig = Rig()
    rig.nodes.put(node("a"))
    rig.pods.put(pod("web-0", "old"))
    decide = rig.decider.turn

    def slow(*given: Any) -> Any:
        found = decide(*given)
        time.sleep(0.05)
        return found

    rig.decider.turn = slow  # type: ignore[method-assign]
    turn = asyncio.ensure_future(rig.turns.turn())
    await asyncio.sleep(0.02)
    rig.pods.gone(pod("web-0", "old"))
    rig.pods.put(pod("web-0", "new", cpu="64"))
    await turn
    assert rig.hands.bound == []
    rig.pods.put(pod("other", "other", cpu="4"))
    await rig.turn(2)
    assert rig.names == ["other"]


async def test_a_late_answer_says_nothing_of_the_pod_that_came_since():
    rig = Rig()
    rig.nodes.put(node("a"))
    rig.pods.put(pod("web-0", "old", cpu="4"))
    rig.hands.go.clear()
    rig.hands.answers["old"] = (Outcome.gone, "another one by now")
    await rig.turn()
    rig.pods.gone(pod("web-0", "old"))
    rig.pods.put(pod("web-0", "new", cpu="4"))
    await rig.turn(2)
    rig.hands.go.set()
    await rig.turn()
    rig.pods.put(pod("late", "late", cpu="4"))
    await rig.turn(2)
    assert rig.hands.bound == [("web-0", "old", "a"), ("web-0", "new", "a")]


async def test_a_new_leader_sees_all_anew_before_it_decides():
    rig = Rig()
    rig.nodes.put(node("a"))
    await rig.turn()
    rig.turns._cost, rig.turns._renewed = 5.0, rig.clock
    rig.turns.skip()
    rig.pods.put(pod("theirs", "t", cpu="4", nodeName="a"))
    rig.turns.skip()
    rig.clock += 3
    rig.pods.put(pod("ours", "o", cpu="4"))
    await rig.turn(2)
    assert rig.hands.bound == []


async def test_who_stands_by_learns_whom_room_is_made_for():
    rig = Rig()
    for name in "ab":
        rig.nodes.put(node(name, cpu="1"))
        rig.pods.put(pod(f"low-{name}", name, nodeName=name, priority=1))
    rig.pods.put(pod("high", "h", priority=9))
    rig.turns.skip()
    rig.pods.put(pod("high", "h", priority=9, status={"nominatedNodeName": "a"}))
    going = {"deletionTimestamp": "2026-01-01T00:00:30Z"}
    rig.pods.put(pod("low-a", "a", nodeName="a", priority=1, metadata=going))
    rig.turns.skip()
    await rig.turn()
    assert rig.hands.evicted == []


async def test_a_gate_that_opens_lets_a_pod_through_at_once():
    rig = Rig()
    rig.nodes.put(node("a"))
    rig.pods.put(pod("p", "u", schedulingGates=[{"name": "x/y"}]))
    for _ in range(6):
        rig.turns.backlog.wake()
        await rig.turn()
        rig.clock += 11
    rig.pods.put(pod("p", "u"))
    await rig.turn()
    assert rig.names == ["p"]


async def test_pods_that_have_to_wait_for_a_compile_hold_up_nobody():
    rig = Rig()
    rig.nodes.put(node("a", cpu="100"))
    await rig.turn()
    rig.turns._cost, rig.turns._renewed = 5.0, rig.clock
    for i in range(600):
        strange = pod(f"f{i}", f"f{i}", hostNetwork=True, priority=5)
        body = json.loads(bytes(strange))
        body["spec"]["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": 80}]
        rig.pods.put(raw(body))
    rig.pods.put(pod("plain", "plain"))
    await rig.turn(2)
    assert rig.names == ["plain"]
    rig.clock += 60
    await rig.turn(2)
    assert len(rig.names) == 2


async def test_budgets_are_as_they_are_now():
    rig = Rig()
    rig.nodes.put(node("a", cpu="1"))
    rig.pods.put(pod("low", "l", nodeName="a", priority=1, metadata={"labels": {"app": "x"}}))
    spec = {"selector": {"matchLabels": {"app": "x"}}}
    budget = {"metadata": {"name": "b", "namespace": "default"}, "spec": spec}
    rig.item("poddisruptionbudgets.policy", **budget, status={"disruptionsAllowed": 0})
    rig.pods.put(pod("high", "h", priority=9))
    await rig.turn()
    assert rig.hands.evicted == []
    rig.item("poddisruptionbudgets.policy", **budget, status={"disruptionsAllowed": 1})
    rig.clock += 20
    await rig.turn(2)
    assert rig.hands.evicted == ["low"]


async def test_gpus_that_others_hold_since_before_can_be_asked_for():
    rig = Rig()
    rig.nodes.put(node("a", gpu=2))
    for i in range(2):
        rig.pods.put(pod(f"low-{i}", f"l{i}", gpu=1, nodeName="a", priority=1))
    rig.pods.put(pod("high", "h", gpu=2, priority=9))
    rig.pods.put(pod("small", "s", gpu=1, priority=2))
    await rig.turn()
    assert sorted(rig.hands.evicted) == ["low-0", "low-1"]
    rig.pods.gone(pod("low-0", "l0"))
    rig.clock += 20
    await rig.turn()
    assert rig.names == []
    rig.pods.gone(pod("low-1", "l1"))
    rig.clock += 20
    await rig.turn()
    assert rig.names == ["high"]


async def test_an_eviction_that_is_refused_gives_others_their_turn():
    rig = Rig()
    rig.hands.no = "a budget allows none"
    rig.nodes.put(node("a", cpu="1"))
    rig.pods.put(pod("low", "l", nodeName="a", priority=1))
    for i in range(20):
        rig.pods.put(pod(f"high-{i:02}", f"h{i}", priority=9))
    for _ in range(4):
        await rig.turn(2)
        rig.clock += 61
        rig.turns.backlog.wake()
    assert len(rig.hands.evicted) >= 2
    assert rig.turns.carrier.nominated == {}


@pytest.mark.parametrize("kind", ["jobs.batch.volcano.sh", "podgroups.scheduling.volcano.sh"])
async def test_an_object_that_contradicts_others_stops_nobody_else(kind: str):
    rig = Rig()
    rig.nodes.put(node("a"))
    task = {"name": "t", "replicas": 1, "template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}}
    body = {
        "metadata": {"name": "j", "namespace": "default", "uid": "j"},
        "spec": {"queue": "nowhere", "tasks": [task]},
    }
    rig.item(kind, **body)
    rig.pods.put(pod("p", "u"))
    await rig.turn(3)
    assert rig.names == ["p"]
    assert any("nowhere" in problem for problem in rig.mirror.problems.values())


async def test_a_pod_whose_queue_comes_later_is_scheduled_then():
    rig = Rig()
    rig.nodes.put(node("a"))
    rig.item("queues.scheduling.volcano.sh", metadata={"name": "other"}, spec={"weight": 1})
    named = {"annotations": {"scheduling.volcano.sh/queue-name": "mine"}}
    rig.pods.put(pod("p", "u", metadata=named))
    await rig.turn(2)
    assert rig.names == []
    rig.item("queues.scheduling.volcano.sh", metadata={"name": "mine"}, spec={"weight": 1})
    rig.clock += 20
    await rig.turn(2)
    assert rig.names == ["p"]


class Lying:
    """An API server behind something that answers in its place."""

    timing = Timing()

    def __init__(self) -> None:
        self.looks = 0
        self.timing = Timing(sleep=self._slept)

    async def _slept(self, seconds: float) -> None:
        self.looks += seconds > 0

    async def request(self, verb: str, path: str, *given: Any, **named: Any) -> bytes:
        if verb == "POST":
            raise ConflictError(409, "Conflict", f"{path} {len(given)} {len(named)}")
        return b"<html>a proxy</html>"


async def test_an_answer_that_is_no_pod_is_no_answer():
    api = Lying()
    outcome, why = await Binder(api).bind("default", "p", "u", "a")  # type: ignore[arg-type]
    assert outcome is Outcome.failed
    assert "binding" in why
    assert api.looks > 1


async def test_a_gang_that_was_whole_is_left_alone_until_it_starts_anew():
    rig = Rig()
    rig.nodes.put(node("a"))
    for i in range(3):
        rig.pods.put(pod(f"g-{i}", f"u{i}", nodeName="a"))
    gang = Gang("default/g", 3, ("default/g-0", "default/g-1", "default/g-2"))
    gangs = Gangs(rig.mirror, rig.hands, lambda: [gang], rig.turns._timing, patience=1.0)
    await gangs.look()
    rig.pods.gone(pod("g-0", "u0"))
    for _ in range(3):
        rig.clock += 2
        await gangs.look()
    assert rig.hands.evicted == []
    for i in (1, 2):
        rig.pods.gone(pod(f"g-{i}", f"u{i}"))
    await gangs.look()
    rig.pods.put(pod("g-0", "again", nodeName="a"))
    for _ in range(3):
        rig.clock += 2
        await gangs.look()
    assert rig.hands.evicted == ["g-0"]


def member(i: int) -> msgspec.Raw:
    return pod(f"g-{i}", f"u{i}", cpu="2", metadata={"annotations": {"scheduling.k8s.io/group-name": "g"}})


async def test_pods_that_are_seen_before_their_group_wait_for_it():
    rig = Rig()
    rig.nodes.put(node("a"))
    for i in range(3):
        rig.pods.put(member(i))
    await rig.turn(2)
    assert rig.names == []
    rig.item("podgroups.scheduling.volcano.sh", metadata={"name": "g", "namespace": "default"}, spec={"minMember": 3})
    rig.clock += 1
    await rig.turn(2)
    assert rig.names == []  # two of three would fit
    rig.nodes.put(node("b"))
    rig.clock += 20
    await rig.turn(2)
    assert sorted(rig.names) == ["g-0", "g-1", "g-2"]


async def test_pods_whose_group_never_comes_are_scheduled_one_by_one():
    rig = Rig()
    rig.nodes.put(node("a"))
    rig.pods.put(member(0))
    await rig.turn(2)
    assert rig.names == []
    rig.clock += 11
    await rig.turn(2)
    assert rig.names == ["g-0"]


async def test_who_leads_anew_lets_those_go_that_are_going_before_others_are_asked():
    rig = Rig()
    rig.decider = Decider()
    for name in "ab":
        rig.nodes.put(node(name, cpu="1"))
    going = {"deletionTimestamp": "2026-01-01T00:00:30Z"}
    rig.pods.put(pod("low-a", "a", nodeName="a", priority=1, metadata=going))
    rig.pods.put(pod("low-b", "b", nodeName="b", priority=1))
    rig.pods.put(pod("high", "h", priority=9, status={"nominatedNodeName": "a"}))
    await rig.turn(3)
    assert rig.hands.evicted == []


async def test_thousands_that_find_no_room_keep_nobody_from_his_turn():
    rig = Rig()
    rig.nodes.put(node("a", cpu="2"))
    for i in range(3000):
        rig.pods.put(pod(f"big{i:04}", f"b{i}", cpu="4"))
    await rig.turn(8)
    asked: list[int] = []
    decided = rig.decider.decide
    rig.decider.decide = lambda pods, *rest, **more: asked.append(len(pods)) or decided(pods, *rest, **more)  # type: ignore[method-assign, func-returns-value]
    rig.clock += 20.0
    rig.pods.put(pod("small", "s"))
    rig.pods.put(pod("leaves", "l", schedulerName="other", nodeName="a"))
    rig.pods.gone(pod("leaves", "l"))
    await rig.turn()
    assert rig.names == ["small"]
    # The small one, and one of those that are alike.
    assert asked == [2]


async def test_as_many_of_those_that_are_alike_are_placed_as_find_room():
    rig = Rig()
    rig.nodes.put(node("a", cpu="8"))
    rig.pods.put(pod("holds", "h", cpu="8", schedulerName="other", nodeName="a"))
    for i in range(20):
        rig.pods.put(pod(f"p{i:02}", f"u{i}"))
    await rig.turn()
    assert rig.names == []
    rig.clock += 20.0
    rig.pods.gone(pod("holds", "h"))
    await rig.turn(6)
    assert len(rig.names) == 8
    assert len(set(rig.names)) == 8


async def test_where_turns_take_long_a_gang_waits_for_two_of_them():
    rig = Rig()
    gang = Gang("default/g", 2, ("default/g-0", "default/g-1"))
    pace = 30.0
    gangs = Gangs(rig.mirror, rig.hands, lambda: [gang], rig.turns._timing, patience=20.0, pace=lambda: pace)
    rig.pods.put(pod("g-0", "u0", nodeName="a"))
    await gangs.look()
    rig.clock += 59
    await gangs.look()
    assert rig.hands.evicted == []
    rig.clock += 1
    await gangs.look()
    assert rig.hands.evicted == ["g-0"]


async def test_a_binding_that_nobody_answers_outlasts_the_end_of_leading():
    rig = Rig()
    rig.nodes.put(node("a", cpu="1"))
    rig.pods.put(pod("p", "p"))
    rig.hands.go.clear()
    await rig.turn()
    await rig.turns.drain(0.02)
    rig.turns.skip()
    # It may be on its node: nobody else gets the room.
    rig.pods.put(pod("q", "q"))
    await rig.turn(2)
    assert rig.names == ["p"]
    rig.hands.answers["p"] = (Outcome.failed, "no answer")
    rig.hands.go.set()
    await rig.turn(2)
    rig.clock += 11
    await rig.turn(3)
    assert sorted(rig.names) in (["p", "p"], ["p", "q"])


async def test_a_binding_that_fails_in_a_way_that_nobody_thought_of_is_tried_again():
    rig = Rig()
    rig.nodes.put(node("a", cpu="1"))
    rig.pods.put(pod("p", "p"))
    bind = rig.hands.bind

    async def fails(*_: Any) -> tuple[Outcome, str]:
        raise ValueError("nobody thought of it")

    rig.hands.bind = fails  # type: ignore[method-assign]
    await rig.turn()
    rig.hands.bind = bind  # type: ignore[method-assign]
    rig.clock += 11
    await rig.turn(2)
    assert rig.names == ["p"]


async def test_what_happens_while_the_state_is_put_together_is_seen_in_the_next_turn():
    rig = Rig()
    rig.nodes.put(node("a"))
    rig.pods.put(pod("goes", "g"))
    rig.pods.put(pod("stays", "s", cpu="3"))
    apart = rig.mirror.snapshot

    async def meanwhile() -> Any:
        found = apart()
        asyncio.get_running_loop().call_soon(rig.pods.gone, pod("goes", "g"))
        asyncio.get_running_loop().call_soon(rig.pods.put, pod("theirs", "t", cpu="1", nodeName="a"))
        return await found

    rig.mirror.snapshot = meanwhile  # type: ignore[method-assign]
    await rig.turn()
    assert rig.names == ["stays"]
    rig.pods.put(pod("more", "m"))
    await rig.turn(2)
    assert rig.names == ["stays"]


async def test_a_pod_that_asks_for_too_many_resources_stops_nobody_else():
    rig = Rig()
    rig.nodes.put(node("a"))
    odd = {"containers": [{"name": "c", "resources": {"requests": {f"example.com/r{i}": "1" for i in range(60)}}}]}
    rig.pods.put(pod("odd", "o", **odd))
    rig.pods.put(pod("plain", "p"))
    await rig.turn(4)
    assert rig.names == ["plain"]
    assert "at most" in rig.mirror.pods["default/odd"].problem


async def settled(rig: Rig, seconds: float) -> None:
    """Turns as they would come, for so many seconds."""
    end = rig.clock + seconds
    while rig.clock < end:
        await rig.turn()
        rig.clock += 1.0


def running(name: str, uid: str, cpu: str = "4", **spec: Any) -> msgspec.Raw:
    return pod(name, uid, cpu, schedulerName="other", nodeName="a", status={"phase": "Running"}, **spec)


AWAY = [{"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": "kubernetes.io/hostname"}]


@pytest.mark.parametrize(
    ("before", "after", "waiting"),
    [
        (running("r", "r"), running("r", "r", cpu="1"), pod("w", "w", cpu="2")),
        (
            running("r", "r", cpu="1", metadata={"labels": {"app": "x"}}),
            running("r", "r", cpu="1", metadata={"labels": {"app": "y"}}),
            pod("w", "w", affinity={"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": AWAY}}),
        ),
    ],
    ids=["resized", "labelled anew"],
)
async def test_a_running_pod_that_changes_may_make_room(before: msgspec.Raw, after: msgspec.Raw, waiting: msgspec.Raw):
    rig = Rig()
    rig.nodes.put(node("a"))
    rig.pods.put(before)
    rig.pods.put(waiting)
    await settled(rig, 5)
    assert rig.names == []
    rig.pods.put(after)
    await settled(rig, 15)
    assert rig.names == ["w"]


async def test_room_that_came_while_others_led_is_used():
    rig = Rig()
    rig.nodes.put(node("a"))
    rig.pods.put(running("r", "r"))
    rig.pods.put(pod("w", "w"))
    await settled(rig, 5)
    rig.pods.gone(running("r", "r"))
    rig.turns.skip()
    await settled(rig, 15)
    assert rig.names == ["w"]


async def test_when_a_pod_goes_for_which_a_node_is_cleared_others_get_the_room():
    rig = Rig()
    rig.nodes.put(node("a", cpu="2"))
    going = {"deletionTimestamp": "2026-01-01T00:00:30Z"}
    rig.pods.put(running("r", "r", cpu="1", priority=1, metadata=going))
    rig.pods.put(pod("high", "h", cpu="2", priority=9, status={"nominatedNodeName": "a"}))
    rig.pods.put(pod("low", "l", cpu="1", priority=0))
    await settled(rig, 5)
    assert rig.names == []
    rig.pods.gone(pod("high", "h"))
    await settled(rig, 15)
    assert rig.names == ["low"]


async def test_a_node_that_goes_while_the_engine_thinks_gets_nothing():
    rig = Rig()
    for name in "ab":
        rig.nodes.put(node(name, cpu="4" if name == "a" else "1"))
    rig.pods.put(pod("w", "w"))
    decided = rig.decider.decide

    def decide(*given: Any, **more: Any) -> Decisions:
        found = decided(*given, **more)
        rig.nodes.gone(node("a"))
        return found

    rig.decider.decide = decide  # type: ignore[method-assign]
    await rig.turn()
    assert rig.names == []
    rig.decider.decide = decided  # type: ignore[method-assign]
    await settled(rig, 3)
    assert [(name, home) for name, _, home in rig.hands.bound] == [("w", "b")]


async def test_room_is_made_for_all_in_time_though_for_few_in_one_turn():
    rig = Rig()
    for i in range(40):
        rig.nodes.put(node(f"n{i}", cpu="1"))
        rig.pods.put(pod(f"low{i}", f"l{i}", nodeName=f"n{i}", priority=1))
        rig.pods.put(pod(f"high{i}", f"h{i}", priority=9))
    await settled(rig, 20)
    assert len(rig.hands.evicted) == 40


async def test_a_disruption_budget_that_allows_more_is_news():
    rig = Rig()
    rung: list[int] = []
    rig.mirror._bell = lambda: rung.append(1)
    rig.item("poddisruptionbudgets.policy", metadata={"name": "b", "namespace": "default"}, spec={})
    assert rung


async def test_pods_that_others_go_for_are_tried_beside_those_that_nobody_goes_for():
    rig = Rig()
    rig.nodes.put(node("a", cpu="1"))
    rig.pods.put(running("r", "r", cpu="1", priority=1, metadata={"labels": {"app": "r"}}))
    budget = {"metadata": {"name": "b", "namespace": "default"}, "spec": {"selector": {"matchLabels": {"app": "r"}}}}
    rig.item("poddisruptionbudgets.policy", **budget, status={"disruptionsAllowed": 0})
    rig.pods.put(pod("0-never", "n", priority=9, preemptionPolicy="Never"))
    rig.pods.put(pod("does", "d", priority=9))
    await settled(rig, 15)
    assert rig.hands.evicted == []
    rig.item("poddisruptionbudgets.policy", **budget, status={"disruptionsAllowed": 1})
    await settled(rig, 15)
    assert rig.hands.evicted == ["r"]


async def test_the_pods_of_a_group_that_cannot_be_used_are_not_bound_one_by_one():
    rig = Rig()
    rig.nodes.put(node("a"))
    group = {"metadata": {"name": "g", "namespace": "default"}, "spec": {"minMember": 3, "queue": "none"}}
    rig.item("podgroups.scheduling.volcano.sh", **group)
    await settled(rig, 2)
    for i in range(3):
        rig.pods.put(member(i))
    await settled(rig, 30)
    assert rig.names == []


async def test_the_first_gang_of_a_cluster_is_bound_as_a_whole():
    rig = Rig()
    rig.nodes.put(node("a"))
    rig.pods.put(pod("other", "o", cpu="100m"))
    await settled(rig, 2)
    rig.turns._cost = 10.0
    rig.item("podgroups.scheduling.volcano.sh", metadata={"name": "g", "namespace": "default"}, spec={"minMember": 3})
    for i in range(3):
        rig.pods.put(member(i))
    await settled(rig, 10)
    assert rig.names == ["other"]


async def test_a_claim_that_is_bound_while_the_state_is_put_together_is_looked_at_in_the_next():
    rig = Rig()
    rig.item("queues.scheduling.volcano.sh", metadata={"name": "default"}, spec={"weight": 1})
    zone = "topology.kubernetes.io/zone"
    for name in "ab":
        labels = {"kubernetes.io/hostname": name, zone: name}
        amounts = {"cpu": "4", "memory": "64Gi", "pods": "110"}
        rig.nodes.put(raw({"metadata": {"name": name, "labels": labels}, "status": {"allocatable": amounts}}))
    claim = {"metadata": {"name": "c", "namespace": "default"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    rig.item("persistentvolumeclaims", **claim)
    volumes = [{"name": "c", "persistentVolumeClaim": {"claimName": "c"}}]
    rig.pods.put(pod("w", "w", volumes=volumes))
    apart = rig.mirror.snapshot

    async def meanwhile() -> Any:
        found = await apart()
        there = [{"matchExpressions": [{"key": zone, "operator": "In", "values": ["b"]}]}]
        affinity = {"nodeAffinity": {"required": {"nodeSelectorTerms": there}}}
        rig.item("persistentvolumes", metadata={"name": "v"}, spec=affinity)
        metadata = {**claim["metadata"], "annotations": {"pv.kubernetes.io/bind-completed": "yes"}}
        rig.item("persistentvolumeclaims", metadata=metadata, spec={**claim["spec"], "volumeName": "v"})
        return found

    rig.mirror.snapshot = meanwhile  # type: ignore[method-assign]
    await rig.turn()
    assert rig.names == []
    rig.mirror.snapshot = apart  # type: ignore[method-assign]
    await settled(rig, 10)
    assert [(name, home) for name, _, home in rig.hands.bound] == [("w", "b")]
