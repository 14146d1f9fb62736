"""An API server in miniature, over HTTP on loopback: lists in pages, watches with bookmarks, and faults on demand.

It keeps objects and a history of what happened to them, as etcd does, and forgets the beginning of that history when
it is told to. Whatever is put into `faults` answers in place of the server, once.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from yuheng.kubernetes.access import Access, Material
from yuheng.kubernetes.access.tls import Trust
from yuheng.kubernetes.timing import Timing

Answer = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
END = b""


def status(code: int, reason: str = "", message: str = "", headers: dict[str, str] | None = None) -> web.Response:
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "code": code,
        "reason": reason,
        "message": message,
    }
    return web.json_response(body, status=code, headers=headers)


def answering(response: Callable[[], web.Response]) -> Answer:
    """A fault that answers."""

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        return response()

    return answer


async def dropping(request: web.Request) -> web.StreamResponse:
    """A fault that reads the request and closes the connection."""
    await request.read()
    request.transport.abort()
    return web.Response()


def unto(method: str, part: str, fault: Answer) -> Answer:
    """A fault for requests of a method whose path and query have a part; others pass."""

    async def answer(request: web.Request) -> web.StreamResponse | None:
        return await fault(request) if request.method == method and part in str(request.rel_url) else None

    return answer


class Watcher:
    """A watch that is open."""

    def __init__(self, collection: str, namespace: str) -> None:
        self.collection = collection
        self.namespace = namespace
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()

    def wants(self, event: dict[str, Any]) -> bool:
        return not self.namespace or event["object"]["metadata"].get("namespace") == self.namespace


class ApiServer:
    """The server.

    Attributes:
        requests: what was asked: method, path with query, headers.
        faults: each is asked in turn whether it answers; one that does is used up.
        served: the collections that exist, such as ``pods``.
        watchers: the watches that are open.
        opened: how many watches were ever begun.
    """

    def __init__(self, served: tuple[str, ...] = ("pods", "nodes")) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.faults: deque[Answer] = deque()
        self.served = set(served)
        self.watchers: list[Watcher] = []
        self.opened = 0
        self.version = 100
        self.oldest = 0
        self.url = ""
        self._objects: dict[str, dict[str, dict[str, Any]]] = {}
        self._history: list[tuple[int, str, dict[str, Any]]] = []

    def put(self, collection: str, name: str, namespace: str = "default", **fields: Any) -> dict[str, Any]:
        """Create or change an object."""
        self.version += 1
        metadata = {"name": name, "namespace": namespace, "resourceVersion": str(self.version)}
        key, objects = f"{namespace}/{name}", self._objects.setdefault(collection, {})
        kind = "MODIFIED" if key in objects else "ADDED"
        objects[key] = {"metadata": metadata, **fields}
        self._happened(collection, kind, objects[key])
        return objects[key]

    def delete(self, collection: str, name: str, namespace: str = "default") -> None:
        self.version += 1
        last = self._objects[collection].pop(f"{namespace}/{name}")
        last = {**last, "metadata": {**last["metadata"], "resourceVersion": str(self.version)}}
        self._happened(collection, "DELETED", last)

    def compact(self) -> None:
        """Forget what has happened so far."""
        self.version += 1
        self.oldest = self.version

    def bookmark(self, collection: str) -> None:
        metadata = {"resourceVersion": str(self.version), "creationTimestamp": None}
        self.say(collection, {"type": "BOOKMARK", "object": {"metadata": metadata}})

    def say(self, collection: str, event: dict[str, Any] | bytes) -> None:
        """Send something to whoever watches a collection."""
        for watcher in self.watchers:
            if watcher.collection == collection:
                watcher.queue.put_nowait(event if isinstance(event, bytes) else line(event))

    def close_watches(self) -> None:
        for watcher in self.watchers:
            watcher.queue.put_nowait(END)

    async def watched(self, count: int = 1) -> None:
        """Wait until so many watches are open."""
        await until(lambda: len(self.watchers) >= count)

    def asked(self, method: str, part: str) -> list[str]:
        """The requests of a method that have a part in path or query."""
        return [url for verb, url, _ in self.requests if verb == method and part in url]

    def _happened(self, collection: str, kind: str, state: dict[str, Any]) -> None:
        event = {"type": kind, "object": state}
        self._history.append((self.version, collection, event))
        for watcher in self.watchers:
            if watcher.collection == collection and watcher.wants(event):
                watcher.queue.put_nowait(line(event))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, str(request.rel_url), dict(request.headers)))
        for fault in list(self.faults):
            answer = await fault(request)
            if answer is not None:
                self.faults.remove(fault)
                return answer
        namespace, collection, name = places(request.path)
        if collection not in self.served:
            return status(404, "NotFound", "the server could not find the requested resource")
        if request.method != "GET":
            return await self._written(request, namespace, collection, name)
        if name:
            found = self._objects.get(collection, {}).get(f"{namespace}/{name}")
            return web.json_response(found) if found else status(404, "NotFound", f"{collection} {name!r} not found")
        if request.query.get("watch") == "1":
            return await self._watch(request, namespace, collection)
        return self._list(request, namespace, collection)

    async def _written(self, request: web.Request, namespace: str, collection: str, name: str) -> web.Response:
        text = await request.read()
        if request.method == "DELETE":
            self.delete(collection, name, namespace)
            return web.json_response({"kind": "Status", "status": "Success"})
        body = json.loads(text)
        name = name or body["metadata"]["name"]
        if request.method == "POST" and f"{namespace}/{name}" in self._objects.get(collection, {}):
            return status(409, "AlreadyExists", f'{collection} "{name}" already exists')
        fields = {key: value for key, value in body.items() if key != "metadata"}
        return web.json_response(self.put(collection, name, namespace, **fields), status=201)

    def _list(self, request: web.Request, namespace: str, collection: str) -> web.Response:
        version, start = self.version, 0
        if token := request.query.get("continue"):
            version, start = (int(part) for part in token.split(":"))
            if version < self.oldest:
                return status(410, "Expired", "The provided continue parameter is too old")
        limit = int(request.query.get("limit", 0)) or 10**9
        objects = self._objects.get(collection, {})
        keys = sorted(key for key in objects if not namespace or key.startswith(f"{namespace}/"))
        metadata: dict[str, Any] = {"resourceVersion": str(version)}
        if len(keys) > start + limit:
            metadata |= {"continue": f"{version}:{start + limit}", "remainingItemCount": len(keys) - start - limit}
        items = [objects[key] for key in keys[start : start + limit]]
        return web.json_response({"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items})

    async def _watch(self, request: web.Request, namespace: str, collection: str) -> web.StreamResponse:
        self.opened += 1
        version = int(request.query["resourceVersion"])
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        watcher = Watcher(collection, namespace)
        if version < self.oldest:
            said = {"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"}
            await response.write(line({"type": "ERROR", "object": said}))
            return response
        missed = [event for at, where, event in self._history if at > version and where == collection]
        for event in filter(watcher.wants, missed):
            watcher.queue.put_nowait(line(event))
        self.watchers.append(watcher)
        try:
            while (text := await watcher.queue.get()) != END:
                await response.write(text)
        finally:
            self.watchers.remove(watcher)
        return response


def line(event: dict[str, Any]) -> bytes:
    return json.dumps(event).encode() + b"\n"


def places(path: str) -> tuple[str, str, str]:
    """Namespace, collection and name of a path."""
    parts = path.strip("/").split("/")
    rest = parts[3:] if parts[0] == "apis" else parts[2:]
    namespace = ""
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, rest = rest[1], rest[2:]
    return namespace, rest[0] if rest else "", rest[1] if len(rest) > 1 else ""


async def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.002)


@asynccontextmanager
async def serving(handle: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve on loopback; gives the address."""
    # What answers a fault may be a closed connection.
    server = web.Server(handle, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=0.05)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def api_server(*served: str) -> AsyncIterator[ApiServer]:
    made = ApiServer(served) if served else ApiServer()
    async with serving(made.handle) as url:
        made.url = url
        yield made
        made.close_watches()


class FakeTime:
    """A clock that only moves when somebody waits for it.

    Attributes:
        pauses: what was waited for, in seconds.
        wall: seconds since the epoch; jumps when it is set.
        luck: what chance says.
    """

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.wall = 1_800_000_000.0
        self.luck = 0.5
        self.pauses: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds
        self.wall += seconds
        await asyncio.sleep(0.001)

    @property
    def timing(self) -> Timing:
        return Timing(lambda: self.seconds, lambda: self.wall, self.sleep, lambda: self.luck)


def access_to(url: str, token: str = "t0ken", trust: Trust | None = None) -> Access:  # noqa: S107 -- no secret
    async def material() -> Material:
        return Material((("Authorization", f"Bearer {token}"),))

    return Access(url, trust or Trust(), material)


def kubeconfig(path: Path, server: str, cluster: str = "", user: str = "") -> Path:
    """A kubeconfig with one context; `cluster` and `user` are more lines of those entries."""
    path.write_text(
        f"""apiVersion: v1
kind: Config
current-context: here
clusters:
- name: c
  cluster:
    server: {server}
{indented(cluster)}
users:
- name: u
  user:
{indented(user) or "    {}"}
contexts:
- name: here
  context: {{cluster: c, user: u, namespace: work}}
""",
        encoding="utf-8",
    )
    return path


def indented(text: str) -> str:
    return "\n".join(f"    {each}" for each in text.strip("\n").splitlines())
