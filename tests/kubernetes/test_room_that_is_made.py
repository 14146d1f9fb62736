"""A pod for which others have to go: what it says meanwhile, and what becomes of it when the room is not made."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from tests.kubernetes.test_turns import Told
from tests.kubernetes.test_turns_races import Hands, node, pod, raw

from yuheng.kubernetes.api import KINDS
from yuheng.kubernetes.mirror import Mirror
from yuheng.kubernetes.running.binding import Outcome
from yuheng.kubernetes.running.roles import Measured
from yuheng.kubernetes.running.turns import Turns
from yuheng.kubernetes.timing import Timing
from yuheng.scheduling.decider import Decider

FULL = "0/1 nodes are available: 1 Insufficient cpu."


class Scene:
    """A cycle with a clock that is set; ``told`` is what users are told, ``tried`` what is measured of bindings."""

    def __init__(self) -> None:
        self.clock = 1000.0
        self.mirror = Mirror("yuheng")
        self.hands, self.told = Hands(), Told()
        self.measured: list[Measured] = []
        self.tried: list[str] = []
        timing = Timing(now=lambda: self.clock, wall=lambda: self.clock)
        decider, bell = Decider(), asyncio.Event()
        self.turns = Turns(
            self.mirror, decider, self.hands, self.told, bell=bell, timing=timing, observe=self.measured.append
        )
        self.turns.carrier.tried = lambda result, _: self.tried.append(result)
        self.pods, self.nodes = self.mirror.sink(KINDS["pods"]), self.mirror.sink(KINDS["nodes"])

    async def turn(self, seconds: float = 20.0) -> None:
        self.clock += seconds
        for _ in range(2):
            await self.turns.turn()
            for _ in range(5):
                await asyncio.sleep(0)

    async def cleared(self) -> None:
        """A node is being cleared: its pod was asked to go, and is about to."""
        self.nodes.put(node("a", cpu="1"))
        self.pods.put(pod("low", "l", nodeName="a", priority=1))
        self.pods.put(pod("high", "h", priority=9))
        await self.turn()
        assert self.hands.evicted == ["low"]
        leaving = {"deletionTimestamp": "2026-01-01T00:05:00Z", "deletionGracePeriodSeconds": 300}
        self.pods.put(pod("low", "l", nodeName="a", priority=1, metadata=leaving))
        await self.turn()

    def said(self, what: str) -> list[tuple[str, ...]]:
        return [line[1:] for line in self.told.lines if line[0] == what]


def cordoned(name: str) -> msgspec.Raw:
    body: dict[str, Any] = msgspec.json.decode(node(name, cpu="1"))
    body["spec"]["unschedulable"] = True
    body["spec"]["taints"] = [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]
    return raw(body)


async def test_a_pod_says_that_room_is_being_made_for_as_long_as_it_is() -> None:
    scene = Scene()
    await scene.cleared()
    await scene.turn()
    told = {message for key, message in scene.said("refused") if key == "default/high"}
    assert told == {f"{FULL} Room is being made on node a."}
    assert scene.said("nominated") == [("default/high", "a")]


async def test_a_node_that_is_cordoned_meanwhile_is_not_waited_for() -> None:
    scene = Scene()
    await scene.cleared()
    scene.nodes.put(cordoned("a"))
    await scene.turn()
    assert scene.said("nominated") == [("default/high", "a"), ("default/high", "")]
    assert not scene.turns.carrier.nominated
    scene.nodes.put(node("b", cpu="1"))
    await scene.turn()
    await scene.turn()
    assert ("high", "h", "b") in scene.hands.bound


async def test_a_node_that_is_gone_meanwhile_is_not_waited_for_and_room_is_made_elsewhere() -> None:
    scene = Scene()
    await scene.cleared()
    scene.nodes.put(node("b", cpu="1"))
    scene.pods.put(pod("other", "o", nodeName="b", priority=1))
    scene.nodes.gone(node("a"))
    scene.pods.gone(pod("low", "l"))
    await scene.turn()
    await scene.turn()
    assert scene.said("nominated")[-1] == ("default/high", "b")
    assert scene.hands.evicted == ["low", "other"]


async def test_room_that_may_not_be_made_is_told_and_no_longer_said_to_be_made() -> None:
    scene = Scene()
    scene.hands.no = "a budget allows none"
    scene.nodes.put(node("a", cpu="1"))
    scene.pods.put(pod("low", "l", nodeName="a", priority=1))
    scene.pods.put(pod("high", "h", priority=9))
    await scene.turns.turn()
    await asyncio.sleep(0.01)
    assert scene.said("nominated") == [("default/high", "a"), ("default/high", "")]
    assert scene.said("refused")[-1] == (
        "default/high",
        "No room could be made on node a: a pod may not be evicted.",
    )


async def test_a_binding_that_is_refused_is_an_error_and_is_told() -> None:
    scene = Scene()
    scene.nodes.put(node("a"))
    scene.hands.answers["f"] = (Outcome.failed, "forbidden")
    scene.pods.put(pod("first", "f"))
    scene.pods.put(pod("second", "s"))
    await scene.turn()
    assert sorted(scene.tried) == ["error", "scheduled"]
    assert scene.said("failed") == [("default/first", "a", "forbidden")]
    assert sum(turn.pods - turn.placed for turn in scene.measured) == 0
