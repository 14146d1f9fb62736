"""What the real kube-scheduler decided, recorded pod by pod, through the live path: one scheduler, pod after pod.

The cluster of a recording is served, each pod is created as its user would, and what is compared is what a user sees:
the binding, or the pod's condition. It is what ``yuheng plan`` says of the same state, and what was recorded.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.kubernetes.made_api_server import access_to, until
from tests.kubernetes.made_cluster import Cluster, cluster
from tests.kubernetes.test_turns import warm

from yuheng.kubernetes.api import Api
from yuheng.kubernetes.mirror import Mirror
from yuheng.kubernetes.running.binding import Binder
from yuheng.kubernetes.running.dry import Alone
from yuheng.kubernetes.running.reports import Reporter
from yuheng.kubernetes.running.service import Service, reflectors
from yuheng.kubernetes.running.turns import Turns
from yuheng.readers import read
from yuheng.scheduling.decider import Decider
from yuheng.scheduling.planner import plan

__all__ = ["warm"]
pytestmark = pytest.mark.shared_data
COLLECTIONS = {"Node": "nodes", "Namespace": "namespaces", "Pod": "pods"}
Verdict = tuple[str, str]


@pytest.fixture(scope="module", params=["case11", "case12"])
def case(shared: Path, request: pytest.FixtureRequest) -> dict[str, Any]:
    file = shared / "cases" / "kube-scheduler" / f"{request.param}.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


@asynccontextmanager
async def scheduler(made: Cluster) -> AsyncIterator[None]:
    """A scheduler that tells users what it decides."""
    async with Api(access_to(made.url)) as api:
        bell, stop = asyncio.Event(), asyncio.Event()
        mirror = Mirror("yuheng", bell.set)
        reporter = Reporter(
            api,
            "yuheng",
            "test",
            may_write=lambda: True,
            uid_of=lambda key: mirror.pods[key].uid if key in mirror.pods else "",
        )
        turns = Turns(mirror, Decider(), Binder(api), reporter, bell=bell, timing=api.timing)
        service = Service(reflectors(api, mirror), turns, Alone(), beside=(reporter,))
        task = asyncio.ensure_future(service.run(stop))
        try:
            yield
        finally:
            stop.set()
            await task


def serve(made: Cluster, snapshot: dict[str, Any]) -> None:
    for item in snapshot["items"]:
        made.create(COLLECTIONS[item["kind"]], item, item["metadata"].get("namespace", ""))


def told(made: Cluster, name: str, namespace: str) -> Verdict | None:
    """The node of a pod, or what its condition says; None as long as there is neither."""
    pod = made.found("pods", name, namespace)
    assert pod is not None
    if node := pod["spec"].get("nodeName"):
        return node, ""
    conditions = pod.get("status", {}).get("conditions", [])
    return next(((("", one["message"])) for one in conditions if one["type"] == "PodScheduled"), None)


async def live(made: Cluster, pod: dict[str, Any]) -> Verdict:
    """What became of a pod; it is gone afterwards."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    body = {**pod, "spec": {**pod["spec"], "schedulerName": "yuheng"}, "status": {"phase": "Pending"}}
    made.create("pods", body, namespace)
    await until(lambda: told(made, name, namespace), 30)
    found = told(made, name, namespace)
    assert found is not None
    made.delete("pods", name, namespace)
    return found


def planned(snapshot: dict[str, Any], pod: dict[str, Any]) -> Verdict:
    found = plan(read(snapshot, pod))
    if found.placements:
        return found.placements[0].node, ""
    return "", found.unschedulable[0].message


async def test_live_verdicts_are_those_of_a_plan_and_of_the_recording(case: dict[str, Any]):
    async with cluster() as made:
        serve(made, case["snapshot"])
        async with scheduler(made):
            for probe in case["probes"]:
                node, message = await live(made, probe["pod"])
                assert (node, message) == planned(case["snapshot"], probe["pod"])
                assert bool(node) == probe["fits"]
                assert message == (probe["message"] or "")
    assert len(made.bindings) == sum(probe["fits"] for probe in case["probes"])
