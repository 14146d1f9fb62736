"""A cluster in miniature: the API server of `made_api_server`, with what binding, evicting and reporting do to objects.

Every moment of it is kept: tests look through all of them for a node that holds more than it has, or a pod that was
bound twice.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from tests.kubernetes.made_api_server import ApiServer, places, serving, status

from yuheng.kubernetes.api import KINDS

MIB = 2**20


class Cluster(ApiServer):
    """Nodes, pods, and whoever is asked about them.

    Attributes:
        bindings: pod (``namespace/name``, uid) and node, in the order they were bound.
        evictions: the pods that were asked to go.
    """

    def __init__(self) -> None:
        super().__init__(tuple({kind.plural for kind in KINDS.values()}))
        self.bindings: list[tuple[str, str, str]] = []
        self.evictions: list[str] = []
        self._uids = 0

    def create(self, collection: str, body: dict[str, Any], namespace: str = "default") -> dict[str, Any]:
        """Create an object as it is written, with a uid and a time."""
        self._uids += 1
        metadata = dict(body.get("metadata", {}))
        name = metadata["name"]
        metadata.setdefault("uid", f"uid-{self._uids}")
        metadata.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
        return self._store(collection, namespace, name, {**body, "metadata": metadata})

    def _store(self, collection: str, namespace: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
        self.version += 1
        objects = self._objects.setdefault(collection, {})
        key = f"{namespace}/{name}"
        kind = "MODIFIED" if key in objects else "ADDED"
        scope = {"namespace": namespace} if namespace else {}
        metadata = {**body["metadata"], "name": name, **scope, "resourceVersion": str(self.version)}
        objects[key] = {**body, "metadata": metadata}
        self._happened(collection, kind, objects[key])
        return objects[key]

    def node(self, name: str, cpu: str = "4", pods: str = "110", **fields: Any) -> None:
        """A node that is ready."""
        amounts = {"cpu": cpu, "memory": "16Gi", "pods": pods}
        metadata = {"name": name, "labels": {"kubernetes.io/hostname": name}}
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        body = {"metadata": metadata, "spec": {}, "status": {"allocatable": amounts, "capacity": amounts, **ready}}
        self.create("nodes", {**body, **fields}, namespace="")

    def pod(self, name: str, cpu: str = "1", *, scheduler: str = "yuheng", **spec: Any) -> None:
        """A pod that waits."""
        labels, annotations = spec.pop("labels", {}), spec.pop("annotations", {})
        container = {"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}}
        body = {
            "metadata": {"name": name, "labels": labels, "annotations": annotations},
            "spec": {"schedulerName": scheduler, "containers": [container], **spec},
            "status": {"phase": "Pending"},
        }
        self.create("pods", body)

    def found(self, collection: str, name: str, namespace: str = "default") -> dict[str, Any] | None:
        return self._objects.get(collection, {}).get(f"{namespace}/{name}")

    def all(self, collection: str) -> list[dict[str, Any]]:
        return list(self._objects.get(collection, {}).values())

    def homes(self) -> dict[str, str]:
        """The node of each pod that has one."""
        return {
            pod["metadata"]["name"]: pod["spec"]["nodeName"] for pod in self.all("pods") if pod["spec"].get("nodeName")
        }

    def moments(self) -> list[dict[str, list[str]]]:
        """After each change of pods: the pods on each node."""
        homes: dict[str, str] = {}
        found = []
        for _, collection, event in self._history:
            if collection != "pods":
                continue
            pod = event["object"]
            name, node = pod["metadata"]["name"], pod["spec"].get("nodeName")
            homes.pop(name, None)
            if node and event["type"] != "DELETED":
                homes[name] = node
            held: dict[str, list[str]] = {}
            for one, home in homes.items():
                held.setdefault(home, []).append(one)
            found.append(held)
        return found

    async def _written(self, request: web.Request, namespace: str, collection: str, name: str) -> web.Response:
        body = json.loads(await request.read() or b"{}")
        subresource = request.path.rstrip("/").rsplit("/", 1)[1] if request.path.count(f"/{name}/") else ""
        if subresource == "binding":
            return self._bind(namespace, name, body)
        if subresource == "eviction":
            return self._evict(namespace, name)
        if request.method == "PATCH":
            return self._patch(collection, namespace, name, body)
        if request.method == "PUT":
            return self._replace(collection, namespace, name, body)
        if request.method == "DELETE":
            self.delete(collection, name, namespace)
            return web.json_response({"kind": "Status", "status": "Success"})
        name = body["metadata"]["name"]
        if self.found(collection, name, namespace):
            return status(409, "AlreadyExists", f'{collection} "{name}" already exists')
        return web.json_response(self.create(collection, body, namespace), status=201)

    def _bind(self, namespace: str, name: str, body: dict[str, Any]) -> web.Response:
        pod = self.found("pods", name, namespace)
        if pod is None:
            return status(404, "NotFound", f'pods "{name}" not found')
        if body["metadata"].get("uid", pod["metadata"]["uid"]) != pod["metadata"]["uid"]:
            return status(409, "Conflict", "Precondition failed: UID in precondition")
        if pod["spec"].get("nodeName"):
            return status(409, "Conflict", f"pod {name} is already assigned to node {pod['spec']['nodeName']!r}")
        node = body["target"]["name"]
        self.bindings.append((f"{namespace}/{name}", pod["metadata"]["uid"], node))
        annotations = {**pod["metadata"].get("annotations", {}), **body["metadata"].get("annotations", {})}
        metadata = {**pod["metadata"], "annotations": annotations}
        self._store("pods", namespace, name, {**pod, "metadata": metadata, "spec": {**pod["spec"], "nodeName": node}})
        return web.json_response({"kind": "Status", "status": "Success"}, status=201)

    def _evict(self, namespace: str, name: str) -> web.Response:
        if self.found("pods", name, namespace) is None:
            return status(404, "NotFound", f'pods "{name}" not found')
        self.evictions.append(f"{namespace}/{name}")
        self.delete("pods", name, namespace)
        return web.json_response({"kind": "Status", "status": "Success"}, status=201)

    def _patch(self, collection: str, namespace: str, name: str, body: dict[str, Any]) -> web.Response:
        found = self.found(collection, name, namespace)
        if found is None:
            return status(404, "NotFound", f'{collection} "{name}" not found')
        return web.json_response(self._store(collection, namespace, name, _merged(found, body)))

    def _replace(self, collection: str, namespace: str, name: str, body: dict[str, Any]) -> web.Response:
        found = self.found(collection, name, namespace)
        if found is None:
            return status(404, "NotFound", f'{collection} "{name}" not found')
        version = body["metadata"].get("resourceVersion")
        if version and version != found["metadata"]["resourceVersion"]:
            return status(409, "Conflict", "the object has been modified")
        body["metadata"].setdefault("uid", found["metadata"]["uid"])
        return web.json_response(self._store(collection, namespace, name, body))


def _merged(old: Any, new: Any) -> Any:
    """A strategic merge, as far as conditions go: those of one type replace each other."""
    if isinstance(old, dict) and isinstance(new, dict):
        merged = {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}
        return {key: value for key, value in merged.items() if value is not None}
    if isinstance(old, list) and isinstance(new, list) and all("type" in one for one in (*old, *new)):
        return list({one["type"]: one for one in (*old, *new)}.values())
    return new


@asynccontextmanager
async def cluster() -> AsyncIterator[Cluster]:
    made = Cluster()
    async with serving(made.handle) as url:
        made.url = url
        yield made
        made.close_watches()


__all__ = ["Cluster", "cluster", "places"]
