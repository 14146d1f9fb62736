"""A server of a few lists, and a capture of it in one call."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from pathlib import Path
from typing import Any

from aiohttp import web
from tests.kubernetes.made_api_server import Answer, FakeTime, access_to, serving, status
from tests.kubernetes.made_live_objects import Objects

from yuheng.kubernetes.api import KINDS, Api
from yuheng.kubernetes.capture import Captured, capture, list_of

KIND_OF = {kind.path(): kind for kind in KINDS.values()}


class Lists:
    """Serves lists, single objects, and the versions of groups; everything else is not found.

    Attributes:
        asked: method and path with query of each request.
        faults: each is asked in turn whether it answers; one that does is used up.
    """

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.asked: list[tuple[str, str]] = []
        self.faults: deque[Answer] = deque()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.method, str(request.rel_url)))
        for fault in list(self.faults):
            answer = await fault(request)
            if answer is not None:
                self.faults.remove(fault)
                return answer
        path = request.path
        if path.startswith("/apis/") and path.count("/") == 2:
            return self._group(path)
        if path.startswith("/apis/") and path.count("/") == 3:
            return self._resources(path)
        if path in self.objects:
            return self._list(request, self.objects[path])
        found = self._one(path)
        return status(404, "NotFound", "not found") if found is None else web.json_response(found)

    def _group(self, path: str) -> web.Response:
        versions = sorted({found.split("/")[3] for found in self.objects if found.startswith(f"{path}/")})
        if not versions:
            return status(404, "NotFound", "no such group")
        told = [{"version": version} for version in versions]
        return web.json_response({"kind": "APIGroup", "versions": told, "preferredVersion": told[-1]})

    def _resources(self, path: str) -> web.Response:
        names = [found.rpartition("/")[2] for found in self.objects if found.startswith(f"{path}/")]
        if not names:
            return status(404, "NotFound", "no such version")
        return web.json_response({"kind": "APIResourceList", "resources": [{"name": name} for name in names]})

    def _list(self, request: web.Request, items: list[dict[str, Any]]) -> web.Response:
        start, limit = int(request.query.get("continue", 0)), int(request.query.get("limit", 10**9))
        if "PartialObjectMetadataList" in request.headers["Accept"]:
            items = [{"metadata": item["metadata"]} for item in items]
        metadata: dict[str, Any] = {"resourceVersion": "9"}
        if len(items) > start + limit:
            metadata["continue"] = str(start + limit)
        body = {"kind": "SomeList", "apiVersion": "v1", "metadata": metadata, "items": items[start : start + limit]}
        return web.json_response(body)

    def _one(self, path: str) -> dict[str, Any] | None:
        parts = path.split("/")
        namespace = parts[parts.index("namespaces") + 1] if "namespaces" in parts[:-2] else ""
        for listed, items in self.objects.items():
            if not path.startswith(listed.rpartition("/")[0]) or listed.rpartition("/")[2] != parts[-2]:
                continue
            for item in items:
                metadata = item["metadata"]
                if metadata["name"] == parts[-1] and metadata.get("namespace", "") == namespace:
                    return item
        return None


def captured(lists: Lists, path: Path, annotations: tuple[str, ...] = ()) -> Captured:
    """Capture what is served into a file."""

    async def run() -> Captured:
        async with serving(lists.handle) as url, Api(access_to(url), timing=FakeTime().timing) as api:
            with path.open("wb") as file, list_of(file, path) as take:
                return await capture(api, take, annotations)

    return asyncio.run(run())


def as_list(objects: Objects, *without: str) -> dict[str, Any]:
    """The same objects as ``kubectl get -o json`` would write them."""
    items = [
        {"apiVersion": KIND_OF[path].api_version, "kind": KIND_OF[path].kind, **item}
        for path, found in objects.items()
        if path in KIND_OF and KIND_OF[path].name not in without
        for item in found
    ]
    return json.loads(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
