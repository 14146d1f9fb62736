"""What asking an API server costs us: CPU per request, per watch event, and per object of a long list.

The server is a process of its own on loopback that answers from memory, so that what is measured is the client:

    python benchmarks/live_api.py [--requests 5000] [--events 20000] [--pods 100000]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

BINDING = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"name": "pod-1", "namespace": "default"},
        "target": {"apiVersion": "v1", "kind": "Node", "name": "node-1"},
    }
).encode()
DONE = b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201}'
HEAD = (
    b"HTTP/1.1 %d OK\r\nAudit-Id: 77bdb53a-42e3-4d0b-9a2d-5d4e62a3f1ab\r\nCache-Control: no-cache, private\r\n"
    b"Content-Type: application/json\r\nX-Kubernetes-Pf-Flowschema-Uid: 3e0dafb7-2f0c-4fdd-a4c1-2a3a5d55c1a4\r\n"
    b"X-Kubernetes-Pf-Prioritylevel-Uid: bd2b1c55-15c2-41a1-8a4c-3d2ab0d0f3a1\r\n"
    b"Date: Fri, 21 Nov 2025 17:00:00 GMT\r\n"
)


def pod(number: int) -> dict[str, Any]:
    """A pod of about 4 kB, as the API server tells of one that a Deployment made."""
    container = {
        "name": "main",
        "image": "registry.example.com/team/app:1.2.3",
        "args": ["--port=8080", "--level=info"],
        "env": [{"name": f"SETTING_{each}", "value": "x" * 20} for each in range(12)],
        "resources": {"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
        "volumeMounts": [{"name": "token", "readOnly": True, "mountPath": "/var/run/secrets"}],
        "livenessProbe": {"httpGet": {"path": "/live", "port": 8080, "scheme": "HTTP"}, "periodSeconds": 10},
    }
    managed = {f"f:field{each}": {"f:name": {}, "f:value": {}} for each in range(40)}
    return {
        "metadata": {
            "name": f"web-6d4b75cb6d-{number:06d}",
            "namespace": f"team-{number % 20}",
            "uid": f"77bdb53a-42e3-4d0b-9a2d-{number:012d}",
            "resourceVersion": str(1000 + number),
            "creationTimestamp": "2025-11-21T12:00:00Z",
            "labels": {"app": "web", "pod-template-hash": "6d4b75cb6d"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-6d4b75cb6d", "uid": "u"}],
            "managedFields": [{"manager": "kubelet", "operation": "Update", "fieldsV1": managed}],
        },
        "spec": {"containers": [container], "nodeName": f"node-{number % 1000}", "schedulerName": "yuheng"},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}] * 4},
    }


class Server(asyncio.Protocol):
    """Answers from memory, as fast as it can."""

    pods: list[bytes] = []  # noqa: RUF012 -- made once, for all connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._read = b""

    def data_received(self, data: bytes) -> None:
        """Take what has come, and answer what is whole."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end]
            place = head.lower().find(b"content-length:")
            length = int(head[place + 15 :].split(b"\r\n", 1)[0]) if place >= 0 else 0
            if len(self._read) < end + 4 + length:
                return
            self._read = self._read[end + 4 + length :]
            self._answer(head.split(b" ", 2)[1].decode())

    def _answer(self, path: str) -> None:
        _, _, query = path.partition("?")
        values = dict(pair.split("=") for pair in query.split("&") if pair)
        if values.get("watch") == "1":
            self._transport.write(HEAD % 200 + b"Transfer-Encoding: chunked\r\n\r\n")
            task = asyncio.get_running_loop().create_task(self._events(int(values["resourceVersion"])))
            self._task = task
        elif "limit" in values:
            self._send(self._page(int(values.get("continue", 0)), int(values["limit"])))
        else:
            self._send(DONE, 201)

    def _page(self, start: int, limit: int) -> bytes:
        end = min(start + limit, len(self.pods))
        more = f'"continue":"{end}",' if end < len(self.pods) else ""
        head = f'{{"kind":"PodList","apiVersion":"v1","metadata":{{{more}"resourceVersion":"9"}},"items":['
        return head.encode() + b",".join(self.pods[start:end]) + b"]}"

    def _send(self, body: bytes, status: int = 200) -> None:
        self._transport.write(HEAD % status + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    async def _events(self, count: int) -> None:
        for number in range(count):
            text = b'{"type":"MODIFIED","object":' + self.pods[number % len(self.pods)] + b"}\n"
            self._transport.write(b"%x\r\n" % len(text) + text + b"\r\n")
            if not number % 64:
                await asyncio.sleep(0)
        self._transport.write(b"0\r\n\r\n")


async def serve(pods: int) -> None:
    """Serve until our standard input ends; the port is printed."""
    Server.pods = [json.dumps(pod(number), separators=(",", ":")).encode() for number in range(pods)]
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await asyncio.to_thread(sys.stdin.read)


async def measured(act: Callable[[], Awaitable[object]], count: int) -> dict[str, float]:
    """Microseconds of CPU and of time, each for one of so many."""
    cpu, wall = time.process_time(), time.perf_counter()
    await act()
    return {
        "cpu_us": round((time.process_time() - cpu) / count * 1e6, 1),
        "wall_us": round((time.perf_counter() - wall) / count * 1e6, 1),
    }


def most_memory() -> float:
    """MiB that this process has held at most."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


async def ours(url: str, options: argparse.Namespace) -> dict[str, Any]:
    """What our own client takes."""
    import msgspec

    from yuheng.kubernetes.access import Access, Material
    from yuheng.kubernetes.access.tls import Trust
    from yuheng.kubernetes.api import KINDS, Api
    from yuheng.kubernetes.watching import Reflector

    async def material() -> Material:
        return Material((("Authorization", "Bearer t"),))

    class Counting:
        """A sink that counts."""

        count = 0

        def restart(self) -> None:
            """Nothing to do."""

        def settle(self) -> None:
            """Nothing to do."""

        def put(self, raw: msgspec.Raw) -> None:  # noqa: ARG002
            """Count."""
            self.count += 1

        def gone(self, raw: msgspec.Raw) -> None:
            """Nothing to do."""

    pods, found = KINDS["pods"], {}
    async with Api(Access(url, Trust(), material)) as api:

        async def bind(number: int) -> None:
            await api.request("POST", pods.path("default", f"pod-{number}", "binding"), BINDING)

        await asyncio.gather(*(bind(number) for number in range(200)))
        found["request"] = await measured(
            lambda: asyncio.gather(*(bind(number) for number in range(options.requests))), options.requests
        )

        async def watch() -> None:
            async for _ in api.watch(pods, str(options.events)):
                pass

        found["watch_event"] = await measured(watch, options.events)
        before, sink = most_memory(), Counting()

        async def reflect() -> None:
            reflector = Reflector(api, pods, sink)
            task = asyncio.create_task(reflector.run())
            await reflector.synced.wait()
            task.cancel()

        found["listed_pod"] = await measured(reflect, options.pods)
        found["list"] = {"pods": sink.count, "mib_before": before, "mib_most": most_memory()}
    return found


def main() -> None:
    """Start the server, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5_000)
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--pods", type=int, default=100_000)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.pods))
        return
    command = [sys.executable, str(Path(__file__)), "--serve", "--pods", str(options.pods)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        port = int(server.stdout.readline()) if server.stdout else 0
        url = f"http://127.0.0.1:{port}"
        found = asyncio.run(ours(url, options))
        server.communicate()
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
