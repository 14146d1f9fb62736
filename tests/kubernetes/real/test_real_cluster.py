"""`yuheng run` on a real API server, with kubectl as the client: the same end as on the double."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from tests.kubernetes.real.made_objects import budget, claim, gang, node, pod, storage_class
from tests.kubernetes.real.real_server import RealServer
from tests.kubernetes.real.scheduler_process import scheduling
from tests.kubernetes.real.witness import witnessing

pytestmark = pytest.mark.real_server


async def apply(server: RealServer, *objects: dict[str, Any]) -> None:
    await asyncio.to_thread(server.apply, *objects)


async def kubectl(server: RealServer, *words: str) -> str:
    return await asyncio.to_thread(server.kubectl, *words)


def scheduled(server: RealServer, name: str) -> dict[str, Any]:
    """What a pod's condition says of its scheduling."""
    conditions = json.loads(server.kubectl("get", "pod", name, "-o", "json"))["status"].get("conditions", [])
    found: dict[str, Any] = next((one for one in conditions if one["type"] == "PodScheduled"), {})
    return found


async def test_all_that_waits_is_bound_and_no_node_ever_holds_too_much(server: RealServer):
    await apply(server, *(node(f"n{i:02}") for i in range(20)), *(pod(f"a{i:02}") for i in range(40)))
    async with witnessing(server) as seen, scheduling(server.kubeconfig, "--no-leader-elect"):
        await seen.all_bound(40)
        await apply(server, *(pod(f"b{i:02}") for i in range(40)))
        await seen.all_bound(80)
        assert not seen.wrongs
        assert seen.bindings == 80


async def test_a_pod_that_finds_no_room_is_bound_when_room_comes(server: RealServer):
    await apply(server, node("a", cpu=1), pod("first"))
    async with witnessing(server) as seen, scheduling(server.kubeconfig, "--no-leader-elect"):
        await seen.all_bound(1)
        await apply(server, pod("second"))
        await asyncio.sleep(1)
        assert seen.homes == {"first": "a"}
        await kubectl(server, "delete", "pod", "first", "--grace-period=0", "--force")
        await seen.until(lambda: seen.homes == {"second": "a"})
        await apply(server, pod("third"))
        await apply(server, node("b", cpu=1))
        await seen.until(lambda: seen.homes == {"second": "a", "third": "b"})
        assert not seen.wrongs


async def test_gangs_are_bound_whole_or_not_at_all(server: RealServer):
    await apply(server, node("a", cpu=4), *gang("large", 5), *gang("small", 3))
    async with witnessing(server) as seen, scheduling(server.kubeconfig, "--no-leader-elect"):
        await seen.until(lambda: len(seen.homes) == 3)
        await asyncio.sleep(1)
        assert {name.partition("-")[0] for name in seen.homes} == {"small"}
        await apply(server, node("b", cpu=4))
        await seen.all_bound(8)
        assert not seen.wrongs
        assert max(seen.half_bound().values(), default=0) < 5


async def test_a_pod_with_priority_takes_the_place_of_one_that_no_budget_protects(server: RealServer):
    await apply(server, node("a", cpu=1), node("b", cpu=1), budget("kept", {"app": "kept"}, available=1))
    await kubectl(server, "create", "priorityclass", "high", "--value=1000")
    spared = {"labels": {"app": "kept"}, "nodeName": "a"}
    await apply(server, pod("kept", **spared), pod("other", nodeName="b"))
    running = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    for name in ("kept", "other"):
        await kubectl(server, "patch", "pod", name, "--subresource=status", "-p", json.dumps(running))
    none = {"status": {"disruptionsAllowed": 0, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}}
    none["status"]["observedGeneration"] = 1
    await kubectl(server, "patch", "pdb", "kept", "--subresource=status", "--type=merge", "-p", json.dumps(none))
    try:
        async with witnessing(server) as seen, scheduling(server.kubeconfig, "--no-leader-elect"):
            await apply(server, *(pod(f"high{i}", priorityClassName="high") for i in range(2)))
            await seen.until(lambda: len(seen.homes) == 2 and "other" not in seen.pods)
            await asyncio.sleep(2)
            assert sorted(seen.homes.values()) == ["a", "b"]
            assert seen.homes["kept"] == "a"
            assert not seen.wrongs
    finally:
        await kubectl(server, "delete", "priorityclass", "high")


async def test_pods_that_cannot_be_scheduled_do_not_keep_others_from_it(server: RealServer):
    impossible = {"nodeSelector": {"kubernetes.io/hostname": "nowhere"}}
    gates = {"schedulingGates": [{"name": "example.com/wait"}]}
    await apply(server, node("a"), pod("odd", **impossible), pod("gated", **gates), pod("huge", "999"), pod("good"))
    async with witnessing(server) as seen, scheduling(server.kubeconfig, "--no-leader-elect"):
        await seen.until(lambda: seen.homes == {"good": "a"})
        await kubectl(server, "patch", "pod", "gated", "--type=merge", "-p", '{"spec":{"schedulingGates":null}}')
        await seen.until(lambda: "gated" in seen.homes, 30, "the pod whose gate was opened")
        assert not seen.wrongs


async def test_nodes_come_are_cordoned_and_go(server: RealServer):
    await apply(server, node("a"), node("b"))
    async with witnessing(server) as seen, scheduling(server.kubeconfig, "--no-leader-elect"):
        await kubectl(server, "cordon", "a")
        await asyncio.sleep(0.5)
        await apply(server, *(pod(f"p{i}") for i in range(3)))
        await seen.until(lambda: [seen.homes.get(f"p{i}") for i in range(3)] == ["b"] * 3)
        await kubectl(server, "delete", "node", "b")
        await kubectl(server, "uncordon", "a")
        await apply(server, *(pod(f"q{i}") for i in range(4)))
        await seen.until(lambda: [seen.homes.get(f"q{i}") for i in range(4)] == ["a"] * 4)
        await apply(server, pod("late"))
        await apply(server, node("c"))
        await seen.until(lambda: seen.homes.get("late") == "c")
        assert not seen.wrongs


async def test_a_pod_waits_for_one_claim_and_another_claim_waits_for_its_pod(server: RealServer):
    await apply(server, node("a"), storage_class("now", "Immediate"), storage_class("late", "WaitForFirstConsumer"))
    await apply(server, claim("one", "now"), claim("other", "late"))
    for name in ("one", "other"):
        volume = {"name": "v", "persistentVolumeClaim": {"claimName": name}}
        await apply(server, pod(f"with-{name}", volumes=[volume]))
    async with witnessing(server) as seen, scheduling(server.kubeconfig, "--no-leader-elect"):
        async with asyncio.timeout(60):
            while not (notes := await noted(server, "other")):
                await asyncio.sleep(0.2)
        assert notes == {"volume.kubernetes.io/selected-node": "a"}
        told = await asyncio.to_thread(scheduled, server, "with-one")
        assert "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims." in told["message"]
        assert not seen.homes
        for name in ("one", "other"):
            done = {"pv.kubernetes.io/bind-completed": "yes"}
            patch = {"metadata": {"annotations": done}, "spec": {"volumeName": f"pv-{name}"}}
            await kubectl(server, "patch", "pvc", name, "-p", json.dumps(patch))
        await seen.all_bound(2)
        assert not seen.wrongs


async def noted(server: RealServer, name: str) -> dict[str, str]:
    """The annotations of a claim."""
    found = json.loads(await kubectl(server, "get", "pvc", name, "-o", "json"))
    notes: dict[str, str] = found["metadata"].get("annotations", {})
    return notes
