"""What a scheduler asks for is exactly what the chart allows: run on a server that refuses all else."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web
from tests.kubernetes.made_api_server import answering, kubeconfig, serving, status, until, unto
from tests.kubernetes.made_cluster import Cluster

from yuheng.kubernetes.api import rule_of

MANIFESTS = Path(__file__).resolve().parents[2] / "deploy" / "manifests" / "yuheng.yaml"
NAMESPACE = "yuheng-system"
RUN = "from yuheng.cli import main; main()"
Rights = set[tuple[str, str, str]]


def granted() -> tuple[Rights, Rights]:
    """What the manifests allow everywhere, and in the namespace of the Lease."""
    found: dict[str, Rights] = {"ClusterRole": set(), "Role": set()}
    for one in yaml.safe_load_all(MANIFESTS.read_text(encoding="utf-8")):
        for rule in one.get("rules", []):
            found[one["kind"]] |= {
                (group, resource, verb)
                for group in rule["apiGroups"]
                for resource in rule["resources"]
                for verb in rule["verbs"]
            }
    return found["ClusterRole"], found["Role"]


class Guarded(Cluster):
    """Refuses what no role allows.

    Attributes:
        seen: what was asked for and allowed.
        refused: what was not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.everywhere, self.in_one = granted()
        self.seen: Rights = set()
        self.refused: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        rule = rule_of(request.method, request.path, list(request.query.items()))
        right = (rule.group, rule.resource, rule.verb)
        if right not in self.everywhere and not (right in self.in_one and rule.namespace == NAMESPACE):
            self.refused.append(str(rule))
            return status(403, "Forbidden", "no role allows it")
        self.seen.add(right)
        return await super().handle(request)


@asynccontextmanager
async def guarded() -> AsyncIterator[Guarded]:
    made = Guarded()
    async with serving(made.handle) as url:
        made.url = url
        yield made
        made.close_watches()


@asynccontextmanager
async def scheduler(server: Guarded, folder: Path) -> AsyncIterator[None]:
    """`yuheng run` as it is started in a pod."""
    config = kubeconfig(folder / "config", server.url, user="token: t0ken")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RUN, "run", "--kubeconfig", str(config), f"--lease={NAMESPACE}/yuheng"),
        env=dict(os.environ),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = await process.communicate()
    assert process.returncode == 0, said.decode()[-2000:]


def events(server: Guarded) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for one in server.all("events"):
        found.setdefault(one["reason"], []).append(one)
    return found


async def test_a_scheduler_at_work_asks_for_what_is_granted_and_for_nothing_else(tmp_path: Path):
    async with guarded() as server:
        server.node("a", cpu="2")
        # The answer to the first binding is a conflict, and the pod is looked at.
        server.faults.append(unto("POST", "/binding", answering(lambda: status(409, "Conflict", "try again"))))
        server.pod("small")
        async with scheduler(server, tmp_path):
            await until(lambda: "small" in server.homes(), 60)
            server.pod("large", cpu="3")
            await until(lambda: events(server).get("FailedScheduling"), 60)
            # Another node, another sentence: the event becomes a series.
            server.node("b", cpu="1")
            await until(lambda: "series" in events(server)["FailedScheduling"][0], 60)
            server.pod("dear", cpu="2", priority=1000)
            await until(lambda: "dear" in server.homes(), 60)
            assert server.evictions == ["default/small"]
            late = {"metadata": {"name": "late"}, "volumeBindingMode": "WaitForFirstConsumer"}
            server.create("storageclasses", late, namespace="")
            server.create("persistentvolumeclaims", {"metadata": {"name": "c"}, "spec": {"storageClassName": "late"}})
            volume = {"name": "v", "persistentVolumeClaim": {"claimName": "c"}}
            server.pod("keeper", cpu="1", volumes=[volume])
            await until(lambda: server.asked("PATCH", "persistentvolumeclaims/c"), 60)
    assert not server.refused
    assert server.seen == server.everywhere | server.in_one
    assert {"Scheduled", "FailedScheduling", "Preempted"} == set(events(server))
