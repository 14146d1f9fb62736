"""How fast a live cluster is scheduled, beside the stock kube-scheduler, on a real API server.

    KUBEBUILDER_ASSETS=FOLDER python benchmarks/live.py [--nodes 1000] [--pods 5000] [--rounds 3]
    KUBEBUILDER_ASSETS=FOLDER python benchmarks/live.py --large [--nodes 10000] [--pods 100000]

The first: pods wait, a scheduler is started, and the time from the first binding to the last is taken, from a watch.
`yuheng run` and kube-scheduler (as it comes, with a client that nobody throttles) have their turns on the same server,
one after the other; what is printed is the median, and what both processes and the server took.

The second: the pods are on nodes already. It is measured what it takes to list and compile them all, and what share
of a core it takes to follow 100 changes a second for a minute: pods that are created and have to be bound, that others
report on, and that go.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.kubernetes.real.real_server import (  # noqa: E402 -- the tests are no package of the product
    RealServer,
    assets,
    what_is_missing,
)

from yuheng.kubernetes.access import open_access  # noqa: E402
from yuheng.kubernetes.api import KINDS, Api  # noqa: E402

PODS = KINDS["pods"]
TICK = os.sysconf("SC_CLK_TCK")
NOW = "?gracePeriodSeconds=0"
# Of the trickle, a second: each pod is created, bound, reported on and deleted.
LIVES = 25


class _Metadata(msgspec.Struct):
    name: str = ""


class _Spec(msgspec.Struct, rename="camel"):
    node_name: str = ""


class _Pod(msgspec.Struct):
    metadata: _Metadata
    spec: _Spec = msgspec.field(default_factory=_Spec)


def node(i: int) -> dict[str, Any]:
    """A node with 16 CPUs."""
    labels = {"kubernetes.io/hostname": f"n{i:05}", "topology.kubernetes.io/zone": f"z{i % 3}"}
    amounts = {"cpu": "16", "memory": "64Gi", "pods": "110"}
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady"}
    status = {"allocatable": amounts, "capacity": amounts, "conditions": [ready]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"n{i:05}", "labels": labels}, "status": status}


def pod(name: str, i: int, scheduler: str, home: str = "") -> dict[str, Any]:
    """A pod as a Deployment makes it; of one hundred kinds."""
    requests = {"cpu": f"{100 * (1 + i % 5)}m", "memory": f"{128 * (1 + i % 4)}Mi"}
    container = {"name": "main", "image": "registry.example.com/app:1", "resources": {"requests": requests}}
    container["env"] = [{"name": f"SETTING_{each}", "value": "x" * 20} for each in range(6)]
    spec = {"schedulerName": scheduler, "containers": [container]} | ({"nodeName": home} if home else {})
    labels = {"app": f"a{i % 20}", "pod-template-hash": "6d4b75cb6d"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": spec}


async def each(work: Callable[[Any], Awaitable[object]], items: Iterable[Any], lanes: int = 24) -> None:
    """Do something with each item, so many at once."""
    left = iter(items)

    async def lane() -> None:
        for item in left:
            await work(item)

    await asyncio.gather(*(lane() for _ in range(lanes)))


async def create(api: Api, path: str, body: dict[str, Any]) -> None:
    """Create an object."""
    await api.request("POST", path, json.dumps(body).encode())


async def make_nodes(api: Api, count: int) -> None:
    """So many nodes, ready."""
    await each(lambda i: create(api, "/api/v1/nodes", node(i)), range(count))


class Process:
    """A process that is measured."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._from = self.cpu_now()

    def cpu_now(self) -> float:
        """Seconds of CPU it has had."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    def cpu(self) -> float:
        """Seconds of CPU it has had since this was made."""
        return round(self.cpu_now() - self._from, 2)

    def most_memory(self) -> float:
        """MiB it has held at most."""
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024, 1)


class Homes:
    """What a watch tells of pods: when each was first seen on a node."""

    def __init__(self) -> None:
        self.bound: dict[str, float] = {}

    async def watch(self, api: Api) -> None:
        """Watch until cancelled."""
        first = await api.request("GET", PODS.path(), params=(("limit", "1"),))
        version = json.loads(first)["metadata"]["resourceVersion"]
        while True:
            async for event in api.watch(PODS, version):
                if event.type == "BOOKMARK":
                    continue
                found = msgspec.json.decode(event.object, type=_Pod)
                if found.spec.node_name:
                    self.bound.setdefault(found.metadata.name, time.perf_counter())

    async def until(self, count: int, seconds: float = 600.0) -> None:
        """Wait until so many are on nodes."""
        async with asyncio.timeout(seconds):
            while len(self.bound) < count:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def watched(api: Api) -> AsyncIterator[Homes]:
    """A watch on pods, of nothing that was before."""
    homes = Homes()
    task = asyncio.create_task(homes.watch(api))
    await asyncio.sleep(1.0)
    try:
        yield homes
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def running(command: list[str], log: Path) -> AsyncIterator[Process]:
    """A scheduler, until the block ends."""
    with log.open("wb") as out, subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out) as made:
        try:
            yield Process(made.pid)
        finally:
            made.terminate()
            await asyncio.to_thread(made.wait, 60)


def ours(server: RealServer) -> list[str]:
    """`yuheng run`, alone."""
    program = str(Path(sys.executable).with_name("yuheng"))
    return [program, "run", "--kubeconfig", str(server.kubeconfig), "--no-leader-elect"]


def stock(server: RealServer) -> list[str]:
    """kube-scheduler, alone, with a client that nobody throttles."""
    config = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": str(server.kubeconfig), "qps": -1, "burst": 100_000},
        "leaderElection": {"leaderElect": False},
    }
    path = server.folder / "kube-scheduler.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return [str(assets() / "kube-scheduler"), f"--config={path}", "--secure-port=0"]


SCHEDULERS = {"yuheng": ("yuheng", ours), "kube-scheduler": ("default-scheduler", stock)}


async def one_round(server: RealServer, api: Api, who: str, count: int) -> dict[str, float]:
    """All pods wait; a scheduler comes; all are bound; all are deleted."""
    scheduler, command = SCHEDULERS[who]
    await each(lambda i: create(api, PODS.path("default"), pod(f"p{i:06}", i, scheduler)), range(count))
    async with watched(api) as homes:
        theirs, began = Process(server.pid()), time.perf_counter()
        async with running(command(server), server.folder / f"{who}.log") as process:
            await homes.until(count)
            times = sorted(homes.bound.values())
            found = {
                "pods_per_second": round((count - 1) / (times[-1] - times[0])),
                "first_binding_after_s": round(times[0] - began, 2),
                "all_bound_after_s": round(times[-1] - began, 2),
            }
            await asyncio.sleep(2.0)  # what is told of the last ones
            found |= {"cpu_s": process.cpu_now(), "api_server_cpu_s": theirs.cpu(), "most_mib": process.most_memory()}
    await each(lambda i: api.request("DELETE", PODS.path("default", f"p{i:06}") + NOW), range(count))
    return found


async def compared(server: RealServer, options: argparse.Namespace) -> dict[str, Any]:
    """Both schedulers, alternating; the medians."""
    rounds: dict[str, list[dict[str, float]]] = {who: [] for who in SCHEDULERS}
    async with Api(open_access(server.kubeconfig)) as api:
        await make_nodes(api, options.nodes)
        for i in range(options.rounds):
            for who in SCHEDULERS if i % 2 == 0 else reversed(SCHEDULERS):
                rounds[who].append(await one_round(server, api, who, options.pods))
                print(who, rounds[who][-1], file=sys.stderr, flush=True)
    medians = {
        who: {key: round(statistics.median(one[key] for one in found), 2) for key in found[0]}
        for who, found in rounds.items()
    }
    return {"nodes": options.nodes, "pods": options.pods, "rounds": options.rounds, **medians}


class Lives:
    """Pods that are created, bound by the scheduler, reported on by others, and deleted: a step of each a beat."""

    def __init__(self, api: Api, homes: Homes) -> None:
        self.late = 0
        self._api = api
        self._homes = homes

    async def run(self, seconds: int) -> None:
        """So many seconds of it; each life takes three of them."""
        tasks, began = [], time.perf_counter()
        for beat in range(seconds * LIVES):
            await asyncio.sleep(max(0.0, began + beat / LIVES - time.perf_counter()))
            tasks.append(asyncio.create_task(self._live(beat)))
        await asyncio.gather(*tasks)

    async def _live(self, i: int) -> None:
        name, api = f"t{i:06}", self._api
        path = PODS.path("default", name)
        await create(api, PODS.path("default"), pod(name, i, "yuheng"))
        await asyncio.sleep(1.0)
        self.late += name not in self._homes.bound
        status = {"status": {"phase": "Running", "startTime": "2026-01-01T00:00:00Z", "podIP": "10.0.0.1"}}
        kind = "application/merge-patch+json"
        await api.request("PATCH", f"{path}/status", json.dumps(status).encode(), content_type=kind)
        await asyncio.sleep(1.0)
        await api.request("DELETE", path + NOW)


async def large(server: RealServer, options: argparse.Namespace) -> dict[str, Any]:
    """A large cluster is listed and compiled; then it is followed."""
    nodes, pods = options.nodes, options.pods
    async with Api(open_access(server.kubeconfig)) as api:
        await make_nodes(api, nodes)
        path = PODS.path("default")
        await each(lambda i: create(api, path, pod(f"p{i:06}", i, "other", f"n{i % nodes:05}")), range(pods))
        print("made", file=sys.stderr, flush=True)
        await create(api, path, pod("first", 0, "yuheng"))
        async with watched(api) as homes:
            began = time.perf_counter()
            async with running(ours(server), server.folder / "yuheng.log") as process:
                await homes.until(1)
                listed = {"seconds": round(time.perf_counter() - began, 1), "cpu_s": process.cpu_now()}
                listed["most_mib"] = process.most_memory()
                print(listed, process.pid, file=sys.stderr, flush=True)
                await asyncio.sleep(10.0)
                before = len(homes.bound)
                ours_then, theirs = Process(process.pid), Process(server.pid())
                lives, began = Lives(api, homes), time.perf_counter()
                await lives.run(options.seconds)
                took = time.perf_counter() - began
                followed = {
                    "seconds": round(took, 1),
                    "changes_per_second": round(4 * LIVES * options.seconds / took),
                    "share_of_a_core": round(ours_then.cpu() / took, 3),
                    "api_server_share": round(theirs.cpu() / took, 3),
                    "most_mib": process.most_memory(),
                    "bound": len(homes.bound) - before,
                    "not_bound_within_a_second": lives.late,
                }
    return {"nodes": nodes, "pods": pods, "listed_and_compiled": listed, "followed": followed}


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="the second measurement")
    parser.add_argument("--nodes", type=int)
    parser.add_argument("--pods", type=int)
    parser.add_argument("--rounds", type=int, default=3, help="of each scheduler")
    parser.add_argument("--seconds", type=int, default=60, help="that the large cluster is followed")
    options = parser.parse_args()
    options.nodes = options.nodes or (10_000 if options.large else 1_000)
    options.pods = options.pods or (100_000 if options.large else 5_000)
    if missing := what_is_missing():
        raise SystemExit(missing)
    with tempfile.TemporaryDirectory() as folder, RealServer(Path(folder)) as server:
        found = asyncio.run((large if options.large else compared)(server, options))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
