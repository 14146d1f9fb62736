"""What a scheduler asks for is exactly what the chart allows: run on a server that refuses all else."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web
from tests.kubernetes.made_api_server import answering, kubeconfig, serving, status, until, unto
from tests.kubernetes.made_cluster import Cluster

from yuheng.kubernetes.api import rule_of

MANIFESTS = Path(__file__).resolve().parents[2] / "deploy" / "manifests" / "yuheng.yaml"
NAMESPACE = "yuheng-system"
TOKEN = "planted-t0ken"  # noqa: S105 -- made up
PLANTED = "planted-value"
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


class Process:
    """`yuheng run` as it is started in a pod.

    Attributes:
        said: all that it has written, once it has ended.
    """

    def __init__(self) -> None:
        self.said = ""
        self._port = free_port()

    @asynccontextmanager
    async def at_work(self, server: Guarded, folder: Path) -> AsyncIterator[None]:
        config = kubeconfig(folder / "config", server.url, user=f"token: {TOKEN}")
        options = ("--kubeconfig", str(config), f"--lease={NAMESPACE}/yuheng", f"--metrics=127.0.0.1:{self._port}")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", RUN, "run", *options, "--log-level=debug", "--log-format=json"),
            env=dict(os.environ),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            yield
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
            output, _ = await process.communicate()
            self.said = output.decode()
        assert process.returncode == 0, self.said[-2000:]

    async def serves(self, path: str) -> str:
        """What it answers, if that is all right."""
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"http://127.0.0.1:{self._port}{path}", raise_for_status=True) as answer,
        ):
            return await answer.text()


def free_port() -> int:
    """A port that nobody listens on, a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def events(server: Guarded) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for one in server.all("events"):
        found.setdefault(one["reason"], []).append(one)
    return found


def refusals_of(server: Guarded, pod: str) -> list[dict[str, Any]]:
    return [one for one in events(server).get("FailedScheduling", []) if one["regarding"]["name"] == pod]


def volumes(server: Guarded) -> None:
    """A claim whose volume is made where its pod goes, and one for a volume on the disk of a node."""
    for name, provisioner in (("late", "csi.example"), ("local", "kubernetes.io/no-provisioner")):
        mode = {"metadata": {"name": name}, "volumeBindingMode": "WaitForFirstConsumer", "provisioner": provisioner}
        server.create("storageclasses", mode, namespace="")
    common = {"accessModes": ["ReadWriteOnce"]}
    for name, kind in (("made-late", "late"), ("on-a-disk", "local")):
        spec = {"storageClassName": kind, "resources": {"requests": {"storage": "1Gi"}}, **common}
        claim = {"metadata": {"name": name}, "spec": spec, "status": {"phase": "Pending"}}
        server.create("persistentvolumeclaims", claim)
    here = [{"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["a"]}]}]
    affinity = {"nodeAffinity": {"required": {"nodeSelectorTerms": here}}}
    spec = {"storageClassName": "local", "capacity": {"storage": "1Gi"}, **common, **affinity}
    disk = {"metadata": {"name": "disk"}, "spec": spec, "status": {"phase": "Available"}}
    server.create("persistentvolumes", disk, namespace="")


def mounted(claim: str) -> dict[str, Any]:
    return {"name": claim, "persistentVolumeClaim": {"claimName": claim}}


def claimed(server: Guarded, volume: str) -> bool:
    found = server.found("persistentvolumes", volume, "")
    return found is not None and "claimRef" in found["spec"]


def annotated(server: Guarded, claim: str) -> bool:
    found = server.found("persistentvolumeclaims", claim)
    return found is not None and "volume.kubernetes.io/selected-node" in found["metadata"].get("annotations", {})


async def test_a_scheduler_at_work_asks_for_what_is_granted_and_for_nothing_else(tmp_path: Path):
    async with guarded() as server:
        server.node("a", cpu="2100m")
        # The answer to the first binding is a conflict, and the pod is looked at.
        server.faults.append(unto("POST", "/binding", answering(lambda: status(409, "Conflict", "try again"))))
        container = {"name": "c", "env": [{"name": "A", "value": PLANTED}], "args": [PLANTED]}
        server.pod("small", containers=[{**container, "resources": {"requests": {"cpu": "1"}}}])
        volumes(server)
        server.pod("stateful", cpu="100m", volumes=[mounted("made-late"), mounted("on-a-disk")])
        process = Process()
        async with process.at_work(server, tmp_path):
            await until(lambda: "small" in server.homes(), 60)
            server.pod("large", cpu="3")
            await until(lambda: refusals_of(server, "large"), 60)
            # Another node, another sentence: the event becomes a series.
            server.node("b", cpu="1")
            await until(lambda: "series" in refusals_of(server, "large")[0], 60)
            server.pod("dear", cpu="2", priority=1000)
            await until(lambda: "dear" in server.homes(), 60)
            assert server.evictions == ["default/small"]
            await until(lambda: annotated(server, "made-late") and claimed(server, "disk"), 60)
            server.create("podgroups", {"metadata": {"name": "g"}, "spec": {"minMember": 1}})
            server.pod("of-a-group", cpu="100m", annotations={"scheduling.k8s.io/group-name": "g"})
            await until(lambda: "status" in (server.found("podgroups", "g") or {}), 60)
            assert [await process.serves(path) for path in ("/livez", "/readyz")] == ["ok", "ok"]
            measures = await process.serves("/metrics")
    assert not server.refused
    assert server.seen == server.everywhere | server.in_one
    assert {"Scheduled", "FailedScheduling", "Preempted"} == set(events(server))
    for line in (
        'scheduler_schedule_attempts_total{profile="yuheng",result="scheduled"}',
        f'leader_election_master_status{{name="{NAMESPACE}/yuheng"}} 1.0',
        "scheduler_preemption_attempts_total 1.0",
        'rest_client_requests_total{code="201",host="127.0.0.1:',
        'yuheng_watch_restarts_total{kind="pods"} 0.0',
    ):
        assert line in measures
    assert all(json.loads(line)["msg"] for line in process.said.splitlines())
    for text in (process.said, measures, json.dumps(server.all("events"))):
        assert TOKEN not in text
        assert PLANTED not in text
