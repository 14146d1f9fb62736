"""Access, lists, watches and captures against a real API server, with roles that forbid."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.kubernetes.made_api_server import until
from tests.kubernetes.made_live_objects import PLANTED, pod_spec
from tests.kubernetes.real.real_server import RealServer, what_is_missing

from yuheng.errors import YuhengError
from yuheng.kubernetes.access import open_access
from yuheng.kubernetes.api import (
    KINDS,
    Api,
    ConflictError,
    ForbiddenError,
    GoneError,
    Kind,
    MissingError,
    UnauthorizedError,
    served,
)
from yuheng.kubernetes.capture import Captured, capture, list_of
from yuheng.kubernetes.watching import Reflector
from yuheng.readers import read

PODS, NODES, CONFIG_MAPS = KINDS["pods"], KINDS["nodes"], KINDS["configmaps"]
COUNT = 40
VIEWER = [
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "viewer"},
        "rules": [{"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": ["get", "list"]}],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "viewer"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "viewer"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "viewer"}],
    },
]


def node(name: str) -> dict[str, Any]:
    amounts = {"cpu": "32", "memory": "64Gi", "pods": "110"}
    status = {"allocatable": amounts, "capacity": amounts}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "status": status}


def pod(name: str) -> dict[str, Any]:
    annotations = {"example.com/note": f"{PLANTED}annotation"}
    spec = pod_spec(schedulerName="nobody")
    for absent in ("overhead", "priorityClassName", "priority", "preemptionPolicy", "serviceAccountName", "volumes"):
        del spec[absent]
    for container in (*spec["containers"], *spec["initContainers"]):
        del container["volumeMounts"]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "annotations": annotations}, "spec": spec}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """A server with a node, pods on it and pods that wait, and one who may only look at them."""
    if missing := what_is_missing():
        pytest.skip(missing)
    with RealServer(tmp_path_factory.mktemp("access"), authorization="RBAC") as made:
        made.apply(node("n1"), *(pod(f"p{number:02}") for number in range(COUNT)), *VIEWER)
        yield made


def api_of(server: RealServer, user: str = "") -> Api:
    """The server, asked by the one who may do everything, or in somebody's place."""
    if not user:
        return Api(open_access(server.kubeconfig))
    content = json.loads(server.kubeconfig.read_text())
    content["users"][0]["user"]["as"] = user
    path = server.folder / f"as-{user}"
    path.write_text(json.dumps(content))
    return Api(open_access(path))


class Sink:
    """Keeps the names of what is there."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.lists = 0

    def restart(self) -> None:
        self.names, self.lists = set(), self.lists + 1

    def settle(self) -> None:
        """Nothing to do: names were dropped when the list began."""

    def put(self, raw: msgspec.Raw) -> None:
        self.names.add(msgspec.json.decode(raw)["metadata"]["name"])

    def gone(self, raw: msgspec.Raw) -> None:
        self.names.remove(msgspec.json.decode(raw)["metadata"]["name"])


def config_map(name: str) -> bytes:
    return json.dumps({"metadata": {"name": name, "namespace": "default"}, "data": {"a": "b"}}).encode()


def test_what_is_bound_twice_is_a_conflict(server: RealServer) -> None:
    async def run() -> None:
        async with api_of(server) as api:
            body = json.dumps({"metadata": {"name": "p00"}, "target": {"kind": "Node", "name": "n1"}}).encode()
            path = PODS.path("default", "p00", "binding")
            await api.request("POST", path, body)
            with pytest.raises(ConflictError, match="already assigned"):
                await api.request("POST", path, body)
            with pytest.raises(MissingError):
                await api.request("GET", PODS.path("default", "gone"))

    asyncio.run(run())


def test_pages_end_when_their_version_is_forgotten(server: RealServer) -> None:
    async def run() -> None:
        async with api_of(server) as api:
            pages = api.pages(PODS, page=10)
            first = await anext(pages)
            assert (len(first.items), first.remaining) == (10, COUNT - 10)
            await api.request("POST", CONFIG_MAPS.path("default"), config_map("moves-the-version"))
            server.compact()
            with pytest.raises(GoneError):
                async for _ in pages:
                    pass

    asyncio.run(run())


def test_a_reflector_stays_true_over_closed_watches_compaction_and_a_restart(server: RealServer) -> None:
    async def run() -> None:
        sink = Sink()
        async with api_of(server) as api:
            reflector = Reflector(api, CONFIG_MAPS, sink, namespace="default", page=3)
            task = asyncio.create_task(reflector.run())
            async with asyncio.timeout(30):
                await reflector.synced.wait()
            for number in range(8):
                await api.request("POST", CONFIG_MAPS.path("default"), config_map(f"c{number}"))
            await until(lambda: {f"c{number}" for number in range(8)} <= sink.names, 30)
            server.compact()
            await api.request("DELETE", CONFIG_MAPS.path("default", "c0"))
            await until(lambda: "c0" not in sink.names, 30)
            await asyncio.to_thread(server.stop)
            await asyncio.to_thread(server.start)
            await api.request("POST", CONFIG_MAPS.path("default"), config_map("after"), twice_is_once=True)
            await until(lambda: "after" in sink.names and "c0" not in sink.names, 90)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    asyncio.run(run())


def test_a_watch_from_a_forgotten_version_says_so(server: RealServer) -> None:
    async def run() -> None:
        async with api_of(server) as api:
            with pytest.raises(GoneError):
                async for _ in api.watch(CONFIG_MAPS, "1", seconds=5):
                    pass

    asyncio.run(run())


def test_a_role_that_lacks_a_rule_is_named(server: RealServer) -> None:
    async def run() -> None:
        async with api_of(server, "viewer") as api:
            assert (await anext(api.pages(PODS))).items
            for asking, rule in (
                (
                    api.request("POST", PODS.path("a", "b", "binding"), b"{}"),
                    '["pods/binding"], verbs: ["create"]',
                ),
                (anext(api.watch(PODS, "0")), '["pods"], verbs: ["watch"]'),
                (anext(api.pages(KINDS["queues.scheduling.volcano.sh"])), '["queues"], verbs: ["list"]'),
                (api.request("DELETE", NODES.path(name="n1")), '["nodes"], verbs: ["delete"]'),
            ):
                with pytest.raises(ForbiddenError) as caught:
                    await asking
                assert rule in str(caught.value)

    asyncio.run(run())


def test_a_token_of_nobody_is_told(server: RealServer) -> None:
    content = json.loads(server.kubeconfig.read_text())
    content["users"][0]["user"]["token"] = "other"  # noqa: S105 -- of nobody
    path = server.folder / "nobody"
    path.write_text(json.dumps(content))

    async def run() -> None:
        async with Api(open_access(path)) as api:
            await api.request("GET", "/api/v1/pods")

    with pytest.raises(UnauthorizedError, match="sign in again"):
        asyncio.run(run())


def test_kinds_that_nobody_installed_are_not_there(server: RealServer) -> None:
    async def run() -> tuple[Kind | None, Kind | None]:
        async with api_of(server) as api:
            return await served(api, KINDS["queues.scheduling.volcano.sh"]), await served(api, PODS)

    assert asyncio.run(run()) == (None, PODS)


def captured(server: RealServer, path: Path, user: str = "") -> Captured:
    async def run() -> Captured:
        with path.open("wb") as file, list_of(file, path) as take:
            async with api_of(server, user) as api:
                return await capture(api, take)

    return asyncio.run(run())


def test_a_capture_reads_as_what_kubectl_writes(server: RealServer, tmp_path: Path) -> None:
    path, dump = tmp_path / "cluster.json", tmp_path / "dump.json"
    assert captured(server, path).notes == ()
    dump.write_text(server.kubectl("get", "nodes,pods,namespaces,priorityclasses,services", "-A", "-o", "json"))
    assert PLANTED in dump.read_text()
    assert PLANTED not in path.read_text()
    again, original = read(path), read(dump)
    assert len(again.pods) == COUNT
    assert again == msgspec.structs.replace(original, warnings=again.warnings)


def test_who_may_not_read_all_is_told_what_is_left_out(server: RealServer, tmp_path: Path) -> None:
    found = captured(server, tmp_path / "cluster.json", "viewer")
    assert found.counts["pods"] == COUNT
    assert any('resources: ["services"], verbs: ["list"]' in note for note in found.notes)
    with pytest.raises(YuhengError, match=r'resources: \["nodes"\]'):
        captured(server, tmp_path / "nothing.json", "stranger")


def test_a_capture_changes_nothing(server: RealServer, tmp_path: Path) -> None:
    before = server.kubectl("get", "pods,nodes,configmaps", "-A", "-o", "json")
    captured(server, tmp_path / "cluster.json")
    assert server.kubectl("get", "pods,nodes,configmaps", "-A", "-o", "json") == before


def test_a_program_gives_the_credentials(server: RealServer, tmp_path: Path) -> None:
    content = json.loads(server.kubeconfig.read_text())
    token = content["users"][0]["user"].pop("token")
    answer = {"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": {"token": token}}
    program = tmp_path / "login"
    program.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
    program.chmod(0o755)
    content["users"][0]["user"]["exec"] = {
        "apiVersion": answer["apiVersion"],
        "command": "./login",
        "interactiveMode": "Never",
    }
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(content))

    async def run() -> bytes:
        async with Api(open_access(path)) as api:
            return await api.request("GET", PODS.path("default", "p00"))

    assert json.loads(asyncio.run(run()))["metadata"]["name"] == "p00"
