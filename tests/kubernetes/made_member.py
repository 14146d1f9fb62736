"""A member cluster of a fleet in miniature: `made_cluster`, with discovery, server-side apply and preconditions."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from tests.kubernetes.made_api_server import serving, status
from tests.kubernetes.made_cluster import Cluster

from yuheng.kubernetes.api import KINDS

MORE = (
    ("v1", "serviceaccounts", "ServiceAccount", True),
    ("v1", "secrets", "Secret", True),
    ("v1", "endpoints", "Endpoints", True),
    ("rbac.authorization.k8s.io/v1", "clusterroles", "ClusterRole", False),
    ("apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", False),
)
VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
Leaves = dict[tuple[str, ...], Any]


class Member(Cluster):
    """A member.

    Attributes:
        resources: what discovery tells: apiVersion, plural, kind, whether it lives in namespaces.
        older: versions that are served and not preferred.
        works: whether replicas that are applied are ready at once.
        absent: paths that are not there: what it has is told by its last name only.
        applied: what was applied, in order: kind and name; dry runs are not.
    """

    def __init__(self) -> None:
        super().__init__()
        own = [(one.api_version, one.plural, one.kind, one.namespaced) for one in KINDS.values()]
        self.resources = [one for one in own if not one[0].startswith(("batch.volcano", "work.k", "cluster.k"))]
        self.resources += MORE
        self.served |= {plural for _, plural, _, _ in MORE}
        self.older: set[str] = set()
        self.works = False
        self.absent: set[str] = set()
        self.applied: list[str] = []
        self.deleted: list[str] = []
        self.is_ready = True
        self._managers: dict[tuple[str, str], dict[tuple[str, ...], str]] = {}
        self.create("namespaces", {"metadata": {"name": "default"}}, namespace="")

    async def handle(self, request: web.Request) -> web.StreamResponse:
        known = {"/apis": self._groups, "/readyz": self._readyz}
        if request.path in self.absent:
            return status(404, "NotFound", "the server could not find the requested resource")
        if request.path in known or request.path == "/api/v1" or request.path.count("/") == 3:
            for fault in list(self.faults):
                answer = await fault(request)
                if answer is not None:
                    self.faults.remove(fault)
                    return answer
            if request.path in known:
                return known[request.path]()
            version = request.path.removeprefix("/apis/").removeprefix("/api/")
            if any(one[0] == version for one in self.resources):
                return self._resources(version)
        return await super().handle(request)

    def _readyz(self) -> web.Response:
        return web.Response(text="ok") if self.is_ready else status(500, "", "[-]etcd failed")

    def _groups(self) -> web.Response:
        versions = sorted({one[0] for one in self.resources if "/" in one[0]} - self.older)
        groups = [
            {
                "name": version.partition("/")[0],
                "versions": [{"groupVersion": version, "version": version.partition("/")[2]}],
                "preferredVersion": {"groupVersion": version, "version": version.partition("/")[2]},
            }
            for version in versions
        ]
        return web.json_response({"kind": "APIGroupList", "groups": groups})

    def _resources(self, version: str) -> web.Response:
        found = [
            {"name": plural, "kind": kind, "namespaced": namespaced, "verbs": VERBS}
            for one, plural, kind, namespaced in self.resources
            if one == version
        ]
        return web.json_response({"kind": "APIResourceList", "groupVersion": version, "resources": found})

    def _list(self, request: web.Request, namespace: str, collection: str) -> web.Response:
        selector = request.query.get("labelSelector", "")
        answer = super()._list(request, namespace, collection)
        if not selector:
            return answer
        key, _, value = selector.partition("=")
        body = json.loads(answer.text or "")
        body["items"] = [one for one in body["items"] if one["metadata"].get("labels", {}).get(key) == value]
        return web.json_response(body)

    async def _written(self, request: web.Request, namespace: str, collection: str, name: str) -> web.Response:
        is_dry = request.query.get("dryRun") == "All"
        if request.method == "PATCH" and "apply-patch" in request.headers["Content-Type"]:
            return await self._apply(request, namespace, collection, name, is_dry=is_dry)
        if request.method == "DELETE":
            if await request.read():
                # As the API server: options in the body are the only ones.
                is_dry = json.loads(await request.read()).get("dryRun") == ["All"]
            return await self._remove(request, namespace, collection, name, is_dry=is_dry)
        if request.method == "PATCH":
            return await self._merged(request, namespace, collection, name)
        return await super()._written(request, namespace, collection, name)

    async def _apply(
        self, request: web.Request, namespace: str, collection: str, name: str, *, is_dry: bool
    ) -> web.Response:
        body = json.loads(await request.read())
        if namespace and self.found("namespaces", namespace, "") is None:
            return status(404, "NotFound", f'namespaces "{namespace}" not found')
        uid = body["metadata"].pop("uid", None)
        live_uid = (self.found(collection, name, namespace) or {"metadata": {}})["metadata"].get("uid")
        if uid is not None and uid != live_uid:
            return status(409, "Conflict", f"Precondition failed: UID in precondition: {uid}")
        manager, force = request.query["fieldManager"], request.query.get("force") == "true"
        before = self.found(collection, name, namespace)
        owners = dict(self._managers.get((collection, f"{namespace}/{name}"), {}))
        live, new = leaves(before or {}), leaves(body)
        for path, value in new.items():
            other = owners.get(path, manager)
            if other != manager and live.get(path) != value and not force:
                where = "." + ".".join(path)
                return status(409, "Conflict", f'Apply failed with 1 conflict: conflict with "{other}": {where}')
        after = copy.deepcopy(before or {"metadata": {"uid": f"uid-{self.version}"}})
        for path in [path for path, one in owners.items() if one == manager and path not in new]:
            taken(after, path)
            del owners[path]
        for path, value in new.items():
            put(after, path, value)
            owners[path] = manager
        if leaves(after) == live:
            return web.json_response(before)
        after["apiVersion"], after["kind"] = body["apiVersion"], body["kind"]
        after["metadata"]["managedFields"] = [{"manager": manager, "operation": "Apply"}]
        if is_dry:
            return web.json_response({**after, "metadata": {**after["metadata"], "name": name}})
        if self.works:
            after["status"] = {"readyReplicas": after.get("spec", {}).get("replicas", 0)}
        self._managers[collection, f"{namespace}/{name}"] = owners
        self.applied.append(f"{body['kind']} {name}")
        return web.json_response(self._store(collection, namespace, name, after))

    async def _remove(
        self, request: web.Request, namespace: str, collection: str, name: str, *, is_dry: bool
    ) -> web.Response:
        body = json.loads(await request.read() or b"{}")
        found = self.found(collection, name, namespace)
        if found is None:
            return status(404, "NotFound", f'{collection} "{name}" not found')
        if body.get("preconditions", {}).get("uid", found["metadata"]["uid"]) != found["metadata"]["uid"]:
            return status(409, "Conflict", "the UID in the precondition does not match")
        if not is_dry and found["metadata"].get("finalizers"):
            leaving = {**found, "metadata": {**found["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}}
            return web.json_response(self._store(collection, namespace, name, leaving))
        if not is_dry:
            self.deleted.append(f"{collection} {name}")
            self.delete(collection, name, namespace)
        return web.json_response({"kind": "Status", "status": "Success"})

    async def _merged(self, request: web.Request, namespace: str, collection: str, name: str) -> web.Response:
        body = json.loads(await request.read())
        found = self.found(collection, name, namespace)
        if found is None:
            return status(404, "NotFound", f'{collection} "{name}" not found')
        version = body.get("metadata", {}).pop("resourceVersion", None)
        if version and version != found["metadata"]["resourceVersion"]:
            return status(409, "Conflict", "the object has been modified")
        part = "status" if request.path.endswith("/status") else "spec"
        changed = merged(found, {key: value for key, value in body.items() if key in (part, "metadata")})
        if changed.get("spec") != found.get("spec"):
            changed["metadata"]["generation"] = found["metadata"].get("generation", 0) + 1
        return web.json_response(self._store(collection, namespace, name, changed))

    def changed(self, collection: str, name: str, namespace: str, manager: str, **fields: Any) -> None:
        """Somebody else sets fields of ``spec``, and owns them."""
        found = copy.deepcopy(self.found(collection, name, namespace) or {})
        owners = self._managers.setdefault((collection, f"{namespace}/{name}"), {})
        for key, value in fields.items():
            found.setdefault("spec", {})[key] = value
            owners["spec", key] = manager
        self._store(collection, namespace, name, found)

    def replicas(self) -> dict[str, int]:
        """Of the Deployments."""
        return {one["metadata"]["name"]: one["spec"]["replicas"] for one in self.all("deployments")}


def leaves(found: Any, path: tuple[str, ...] = ()) -> Leaves:
    """What an object says, by path; lists are whole; who it is and what servers write is left out."""
    if path in (("apiVersion",), ("kind",), ("status",)):
        return {}
    if path[:1] == ("metadata",) and len(path) == 2 and path[1] not in ("labels", "annotations"):
        return {}
    if isinstance(found, dict) and found:
        return {where: leaf for key, value in found.items() for where, leaf in leaves(value, (*path, key)).items()}
    return {path: found} if path else {}


def put(holder: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        holder = holder.setdefault(key, {})
    holder[path[-1]] = value


def taken(holder: dict[str, Any], path: tuple[str, ...]) -> None:
    for key in path[:-1]:
        holder = holder.get(key, {})
    holder.pop(path[-1], None)


def merged(old: Any, new: Any) -> Any:
    """A merge patch: what is null goes, lists are whole."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    both = {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}
    return {key: value for key, value in both.items() if value is not None}


@asynccontextmanager
async def members(*names: str, cpu: str = "8") -> AsyncIterator[dict[str, Member]]:
    """Clusters of one node each, by name."""
    found: dict[str, Member] = {}
    async with _opened(list(names), found):
        for one in found.values():
            one.node("n", cpu=cpu)
        yield found
        for one in found.values():
            one.close_watches()


@asynccontextmanager
async def _opened(names: list[str], found: dict[str, Member]) -> AsyncIterator[None]:
    if not names:
        yield
        return
    made = found[names[0]] = Member()
    async with serving(made.handle) as url, _opened(names[1:], found):
        made.url = url
        yield


def write_fleet(folder: Path, urls: dict[str, str], **rates: float) -> Path:
    """A fleet's folder: a Fleet, a Cluster for each address, and a kubeconfig; the first is the cheapest."""
    folder.mkdir(parents=True, exist_ok=True)
    config: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Config",
        "users": [{"name": "u", "user": {"token": "t0ken"}}],
    }
    config["clusters"] = [{"name": name, "cluster": {"server": url}} for name, url in urls.items()]
    config["contexts"] = [{"name": name, "context": {"cluster": name, "user": "u"}} for name in urls]
    (folder.parent / "kubeconfig").write_text(json.dumps(config), encoding="utf-8")
    objects: list[dict[str, Any]] = [ours("Fleet", "shop", {})]
    for number, name in enumerate(urls):
        rate = rates.get(name, 0.01 * (number + 1))
        spec = {"context": name, "kubeconfig": "../kubeconfig", "region": f"r{number}"}
        objects.append(ours("Cluster", name, {**spec, "rates": {"cpu": rate, "memory": rate}}))
    write(folder, "fleet.json", *objects)
    return folder


def ours(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "yuheng.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def write(folder: Path, name: str, *objects: dict[str, Any]) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    (folder / name).write_text(json.dumps(listed), encoding="utf-8")


def deployment(name: str = "web", replicas: int = 3, cpu: str = "1", namespace: str = "default") -> dict[str, Any]:
    labels = {"app": name}
    container = {"name": "c", "image": "i:1", "resources": {"requests": {"cpu": cpu, "memory": "1Mi"}}}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def beside(kind: str, name: str, namespace: str = "default", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}
