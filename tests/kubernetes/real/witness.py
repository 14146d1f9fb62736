"""A witness: sees every moment of a real cluster by a watch of its own, and says what must never be.

It also does what nobody else does here, for there are no kubelets and no controllers: pods that were told to go are
gone at once, and those of gangs come back under their names, as their Job would have them.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

import aiohttp
from tests.kubernetes.real.real_server import TOKEN, RealServer

__all__ = ["Witness", "witnessing"]

PODS = "/api/v1/namespaces/default/pods"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases"
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5.0)


class Witness:
    """What was seen.

    Attributes:
        homes: the node of every pod that has one.
        pods: all pods, by name.
        wrongs: what must never be, in sentences.
        bindings: how many pods were seen to get a node.
        longest_half: the seconds that any gang was bound by half, by the gang.
        watching: what watches.
        leaders: who held the Lease, and the time of the record: each holder's first and last one.
    """

    def __init__(self, server: RealServer, session: aiohttp.ClientSession) -> None:
        self.homes: dict[str, str] = {}
        self.pods: dict[str, dict[str, Any]] = {}
        self.wrongs: list[str] = []
        self.bindings = 0
        self.longest_half: dict[str, float] = {}
        self.leaders: list[tuple[str, float, float]] = []
        self._server = server
        self._session = session
        self._room: dict[str, float] = {}
        self._used: dict[str, float] = {}
        self._node_of_uid: dict[str, str] = {}
        self._half_since: dict[str, float] = {}
        self._over: set[str] = set()
        self._work: set[asyncio.Task[None]] = set()
        self.watching: list[asyncio.Task[None]] = []

    # Watching.

    async def follow(self, path: str, take: Callable[[str, dict[str, Any]], None], started: asyncio.Event) -> None:
        """A list, and all that happens after it, until cancelled; the server may go away meanwhile."""
        version, known = "", dict[str, dict[str, Any]]()
        while True:
            with suppress(aiohttp.ClientError, OSError):
                if not version:
                    version = await self._listed(path, take, known)
                    started.set()
                version = await self._watched(path, take, version, known)
            await asyncio.sleep(0.05)

    async def _listed(
        self, path: str, take: Callable[[str, dict[str, Any]], None], known: dict[str, dict[str, Any]]
    ) -> str:
        async with self._session.get(self._server.url + path) as answer:
            answer.raise_for_status()
            found = await answer.json()
        items = {item["metadata"]["name"]: item for item in found["items"]}
        for name, item in list(known.items()):
            if name not in items or items[name]["metadata"]["uid"] != item["metadata"]["uid"]:
                take("DELETED", known.pop(name))
        for name, item in items.items():
            known[name] = item
            take("ADDED", item)
        return str(found["metadata"]["resourceVersion"])

    async def _watched(
        self, path: str, take: Callable[[str, dict[str, Any]], None], version: str, known: dict[str, dict[str, Any]]
    ) -> str:
        """What happens after a version; the last one. A server that was started anew may have forgotten it."""
        params = {"watch": "1", "resourceVersion": version, "allowWatchBookmarks": "true"}
        async with self._session.get(self._server.url + path, params=params) as answer:
            if answer.status != 200:
                return "" if answer.status == 410 else version
            with suppress(aiohttp.ClientError, OSError):
                async for line in answer.content:
                    event = json.loads(line)
                    kind, item = event["type"], event["object"]
                    if kind == "ERROR":
                        return ""
                    version = item["metadata"]["resourceVersion"]
                    if kind == "BOOKMARK":
                        continue
                    known[item["metadata"]["name"]] = item
                    if kind == "DELETED":
                        del known[item["metadata"]["name"]]
                    take(kind, item)
        return version

    # Nodes and pods.

    def take_node(self, kind: str, node: dict[str, Any]) -> None:
        name = node["metadata"]["name"]
        if kind != "DELETED":
            self._room[name] = _cpus(node["status"]["allocatable"]["cpu"])

    def take_pod(self, kind: str, pod: dict[str, Any]) -> None:
        """A pod's change: who is where, and whether that may be."""
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        node = pod["spec"].get("nodeName", "")
        before = self._node_of_uid.get(uid)
        if before and node != before:
            self.wrongs.append(f"{name} was bound to {before} and then to {node}")
        if node and not before:
            self.bindings += 1
            self._node_of_uid[uid] = node
        self.pods[name] = pod
        if kind == "DELETED":
            self.pods.pop(name)
            self._seat(name, "", pod)
            self._came_to_an_end(pod)
        else:
            self._seat(name, node, pod)
            if pod["metadata"].get("deletionTimestamp"):
                self._start(self.remove(name))
        if gang := pod["metadata"].get("labels", {}).get("gang"):
            self._look_at(gang)

    def _seat(self, name: str, node: str, pod: dict[str, Any]) -> None:
        before = self.homes.pop(name, "")
        cpu = sum(_cpus(one["resources"]["requests"]["cpu"]) for one in pod["spec"]["containers"])
        if before:
            self._used[before] -= cpu
        if node:
            self.homes[name] = node
            self._used[node] = self._used.get(node, 0.0) + cpu
            if node in self._room and self._used[node] > self._room[node] + 1e-6:
                self.wrongs.append(f"{node} holds {self._used[node]:g} of {self._room[node]:g} CPUs with {name}")

    def _look_at(self, gang: str) -> None:
        """Whether a gang is bound by half: some of its pods are on nodes, others are not."""
        members = [name for name, pod in self.pods.items() if pod["metadata"].get("labels", {}).get("gang") == gang]
        bound = sum(name in self.homes for name in members)
        now = time.monotonic()
        since = self._half_since.pop(gang, None)
        if since is not None:
            self.longest_half[gang] = max(self.longest_half.get(gang, 0.0), now - since)
        if 0 < bound < len(members):
            self._half_since[gang] = since if since is not None else now

    def half_bound(self) -> dict[str, float]:
        """The seconds that each gang was bound by half at most, those that still are included."""
        now = time.monotonic()
        open_ = {gang: now - since for gang, since in self._half_since.items()}
        return {
            gang: max(open_.get(gang, 0.0), self.longest_half.get(gang, 0.0)) for gang in {*open_, *self.longest_half}
        }

    def _came_to_an_end(self, pod: dict[str, Any]) -> None:
        """A pod of a gang that was evicted is made anew, by what would own it."""
        evicted = pod["metadata"].get("deletionTimestamp") and pod["metadata"].get("labels", {}).get("gang")
        if evicted and pod["metadata"]["name"] not in self._over:
            metadata = {key: pod["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
            spec = {key: pod["spec"][key] for key in ("schedulerName", "containers")}
            self._start(self._made({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}))

    async def _made(self, body: dict[str, Any]) -> None:
        while True:
            with suppress(aiohttp.ClientError, OSError):
                async with self._session.post(self._server.url + PODS, json=body) as answer:
                    if answer.status in (201, 409):
                        return
            await asyncio.sleep(0.1)

    async def end_of_life(self, name: str) -> None:
        """End a pod that is not to come back."""
        self._over.add(name)
        await self.remove(name)

    async def remove(self, name: str) -> None:
        """End a pod at once, as its kubelet would after it has ended."""
        while True:
            with suppress(aiohttp.ClientError, OSError):
                url = f"{self._server.url}{PODS}/{name}?gracePeriodSeconds=0"
                async with self._session.delete(url) as answer:
                    if answer.status in (200, 404):
                        return
            await asyncio.sleep(0.1)

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    # Leases.

    def take_lease(self, kind: str, lease: dict[str, Any]) -> None:
        """A record of who leads: nobody may take over before the one before has let it lapse."""
        spec = lease.get("spec", {})
        holder, at = spec.get("holderIdentity", ""), _seconds(spec["renewTime"])
        if lease["metadata"]["name"] != "yuheng" or kind == "DELETED":
            return
        if self.leaders and self.leaders[-1][0] == holder:
            self.leaders[-1] = (holder, self.leaders[-1][1], at)
            return
        if self.leaders and self.leaders[-1][0]:
            before, _, last = self.leaders[-1]
            if holder and at - last < self.lasting:
                self.wrongs.append(f"{holder} took the Lease {at - last:.2f} s after {before} had renewed it")
        self.leaders.append((holder, at, at))
        self.lasting = float(spec["leaseDurationSeconds"])

    lasting = 0.0

    async def until(self, true: Callable[[], object], seconds: float = 60.0, what: str = "") -> None:
        """Wait until something is so; what was wrong by then is told."""
        try:
            async with asyncio.timeout(seconds):
                while not true():
                    await asyncio.sleep(0.02)
                    for task in self.watching:
                        if task.done():
                            task.result()
        except TimeoutError:
            waiting = sorted(set(self.pods) - set(self.homes))[:5]
            told = f"{len(self.homes)} of {len(self.pods)} pods have nodes; {waiting} wait; wrong: {self.wrongs[:3]}"
            raise AssertionError(f"{what or 'it'} did not come about within {seconds:g} s: {told}") from None

    async def all_bound(self, count: int, seconds: float = 60.0) -> None:
        """Wait until so many pods exist, and all have nodes."""
        await self.until(lambda: len(self.pods) == len(self.homes) == count, seconds, f"{count} bound pods")


def _cpus(amount: str) -> float:
    return float(amount[:-1]) / 1000 if amount.endswith("m") else float(amount)


def _seconds(micro_time: str) -> float:
    return datetime.fromisoformat(micro_time).timestamp()


@asynccontextmanager
async def witnessing(server: RealServer) -> AsyncIterator[Witness]:
    """A witness at work."""
    connector = aiohttp.TCPConnector(ssl=server.trust(), limit=0)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with aiohttp.ClientSession(connector=connector, headers=headers, timeout=_TIMEOUT) as session:
        seen = Witness(server, session)
        for path, take in (("/api/v1/nodes", seen.take_node), (PODS, seen.take_pod), (LEASES, seen.take_lease)):
            started = asyncio.Event()
            seen.watching.append(asyncio.create_task(seen.follow(path, take, started)))
            await asyncio.wait_for(started.wait(), 30)
        try:
            yield seen
        finally:
            for task in (*seen.watching, *seen._work):
                task.cancel()
            await asyncio.gather(*seen.watching, *seen._work, return_exceptions=True)
