"""A Karmada control plane in miniature, and Yuheng as a scheduler of it."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from tests.kubernetes.made_api_server import FakeTime, access_to, serving, status
from tests.kubernetes.made_member import Member

from yuheng.kubernetes.api import KINDS, Api
from yuheng.kubernetes.dispatching.karmada.process import scheduled

APPLIED = "policy.karmada.io/applied-placement"
DYNAMIC = {
    "replicaScheduling": {
        "replicaSchedulingType": "Divided",
        "replicaDivisionPreference": "Weighted",
        "weightPreference": {"dynamicWeight": "AvailableReplicas"},
    }
}


class ControlPlane(Member):
    """Karmada's API server.

    Attributes:
        hidden: clusters that no list names, though they are there.
        knows_clusters: whether the server that has the clusters is there.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hidden: set[str] = set()
        self.knows_clusters = True
        kinds = (one for one in KINDS.values() if one.group.endswith("karmada.io"))
        self.resources += [(one.api_version, one.plural, one.kind, one.namespaced) for one in kinds]

    async def handle(self, request):
        if not self.knows_clusters and "cluster.karmada.io/v1alpha1/clusters" in request.path:
            self.requests.append((request.method, str(request.rel_url), {}))
            return status(404, "NotFound", "the server could not find the requested resource")
        group = request.path.removeprefix("/apis/")
        if group in ("work.karmada.io", "cluster.karmada.io"):
            versions = [{"groupVersion": one[0], "version": one[0].partition("/")[2]} for one in self.resources]
            found = [one for one in versions if one["groupVersion"].startswith(group)]
            return answer({"kind": "APIGroup", "versions": found, "preferredVersion": found[0]}) if found else missing()
        return await super().handle(request)

    def _list(self, request: web.Request, namespace: str, collection: str) -> web.Response:
        answer = super()._list(request, namespace, collection)
        if collection != "clusters" or not self.hidden:
            return answer
        body = json.loads(answer.text or "")
        body["items"] = [one for one in body["items"] if one["metadata"]["name"] not in self.hidden]
        return web.json_response(body)

    def forget(self) -> None:
        """Everybody has to list anew."""
        self.compact()
        self.close_watches()

    def asks(self, name: str = "web", namespace: str = "shop", **spec: Any) -> None:
        """Somebody changes what a binding asks for."""
        found = copy.deepcopy(self.bound(name, namespace))
        found["spec"] |= spec
        found["metadata"]["generation"] += 1
        self._store("resourcebindings" if namespace else "clusterresourcebindings", namespace, name, found)

    def member(self, name: str, cpu: str = "10", **fields: Any) -> None:
        summary = {"allocatable": {"cpu": cpu, "memory": "100Gi", "pods": "100"}, "allocated": {"pods": "1"}}
        conditions = [{"type": "Ready", "status": "True"}]
        body = {"metadata": {"name": name}, "spec": {"region": name}}
        self.create(
            "clusters", {**body, "status": {"resourceSummary": summary, "conditions": conditions}, **fields}, ""
        )

    def binding(self, name: str = "web", replicas: int = 4, *, namespace: str = "shop", **spec: Any) -> None:
        resource = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name, "namespace": namespace}
        asked = {
            "resource": resource,
            "schedulerName": "yuheng",
            "replicas": replicas,
            "placement": DYNAMIC,
            "replicaRequirements": {"resourceRequest": {"cpu": "1"}},
            **spec,
        }
        body = {"metadata": {"name": name, "generation": 1}, "spec": asked}
        self.create("resourcebindings" if namespace else "clusterresourcebindings", body, namespace)

    def bound(self, name: str = "web", namespace: str = "shop") -> dict[str, Any]:
        found = self.found("resourcebindings" if namespace else "clusterresourcebindings", name, namespace)
        assert found is not None
        return found

    def clusters_of(self, name: str = "web", namespace: str = "shop") -> dict[str, int]:
        found = self.bound(name, namespace)["spec"].get("clusters") or []
        return {one["name"]: one.get("replicas", 0) for one in found}

    def condition(self, name: str = "web", namespace: str = "shop") -> dict[str, Any]:
        conditions = self.bound(name, namespace).get("status", {}).get("conditions", [])
        return next((one for one in conditions if one["type"] == "Scheduled"), {})


def answer(body: dict[str, Any]) -> web.Response:
    return web.json_response(body)


def missing():
    return status(404, "NotFound", "no such group")


@asynccontextmanager
async def karmada() -> AsyncIterator[ControlPlane]:
    made = ControlPlane()
    async with serving(made.handle) as url:
        made.url = url
        yield made
        made.close_watches()


@asynccontextmanager
async def scheduling(
    plane: ControlPlane, lines: list[str] | None = None, clock: FakeTime | None = None
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    said = lines if lines is not None else []
    async with Api(access_to(plane.url), timing=(clock or FakeTime()).timing) as api:
        running = asyncio.ensure_future(scheduled(api, "yuheng", said.append, stop))
        try:
            yield
        finally:
            stop.set()
            async with asyncio.timeout(10):
                await running


def is_done(plane: ControlPlane, name: str = "web", namespace: str = "shop") -> bool:
    found = plane.bound(name, namespace)
    observed = found.get("status", {}).get("schedulerObservedGeneration")
    return observed is not None and observed == found["metadata"]["generation"]
