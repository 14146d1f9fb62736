"""How large the record of an hour gets, and how long it takes to decide all of it once more.

    python benchmarks/recording.py [--nodes 1000] [--pods 5000] [--turns 3600] [--churn 20]

A live engine has a turn a second: pods come and are placed, as many others go, and every five minutes the cluster is
compiled anew. What it is told and decides is recorded; then the record is replayed, bit for bit, and decided by another
policy. Prints JSON: the record's size, what recording cost the engine's thread, seconds of the replay and of the
comparison, and how many decisions came out differently (the replay's has to be 0).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import msgspec

from yuheng.kubernetes.recording import Recorder, compare, parts, replay
from yuheng.kubernetes.recording.writer import Started
from yuheng.model.cluster import Snapshot
from yuheng.model.live import Asked, Change, Renewed, Went
from yuheng.model.node import Node
from yuheng.model.pod import OwnerReference, Pod, PodSpec
from yuheng.scheduling.decider import Decider
from yuheng.scheduling.presets import preset

NOON = 1_772_366_400.0
GIB = 2**30
TEMPLATES = 200
TEAMS = 20
COMPILED_EVERY = 300
FLUSHED_EVERY = 50


def main() -> None:
    """Record, replay, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=5000)
    parser.add_argument("--turns", type=int, default=3600)
    parser.add_argument("--churn", type=int, default=20, help="pods that come, and that go, in each turn")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cluster = Cluster(asked.nodes, asked.pods, asked.churn)
        recording = recorded(folder, cluster, asked.turns)
        size = sum(file.stat().st_size for file in folder.iterdir())
        started = time.perf_counter()
        again = replay(parts(folder))
        replayed, started = time.perf_counter() - started, time.perf_counter()
        other = compare(parts(folder), preset("binpack"))
        compared = time.perf_counter() - started
    print(
        json.dumps(
            {
                "turns": again.covered.turns,
                "placed": again.placed,
                "record_mib": round(size / 2**20, 2),
                "recording_us_a_turn": round(recording / asked.turns * 1e6, 1),
                "replayed_s": round(replayed, 2),
                "differing": again.differing,
                "compared_s": round(compared, 2),
                "elsewhere_with_binpack": other.elsewhere,
            },
            indent=2,
        )
    )


class Cluster:
    """A cluster in which as many pods come as go.

    Attributes:
        waiting: the pods without a node, by ``namespace/name``.
    """

    def __init__(self, nodes: int, pods: int, churn: int) -> None:
        self.waiting: dict[str, Pod] = {}
        self._random = Random(1)
        self._churn = churn
        self._made = 0
        self._nodes = tuple(_node(i) for i in range(nodes))
        self._templates = [self._template(i) for i in range(TEMPLATES)]
        self._running = {pod.key: pod for pod in (self._pod(f"node-{i % nodes:05}") for i in range(pods))}

    def _template(self, i: int) -> tuple[PodSpec, dict[str, str]]:
        requests = {"cpu": self._random.choice((250, 500, 1000, 2000)), "memory": self._random.choice((1, 2, 4)) * GIB}
        spec = PodSpec(requests=requests, scoring_requests=(500, GIB), images=(f"registry.example.com/app{i}:1.{i}",))
        return spec, {"app": f"app-{i}", "pod-template-hash": f"{i * 7919:x}"}

    def _pod(self, node: str | None = None) -> Pod:
        self._made += 1
        k = self._random.randrange(TEMPLATES)
        spec, labels = self._templates[k]
        owner = OwnerReference("ReplicaSet", f"app-{k}-{k * 7919:x}", f"{k:032x}", controller=True)
        name = f"{owner.name}-{self._made:06x}"
        created = NOON + self._made
        return Pod(
            name=name, namespace=f"team-{k % TEAMS}", spec=spec, labels=labels, node=node, created=created, owner=owner
        )

    def state(self) -> Snapshot:
        """All of it."""
        pods = sorted((*self._running.values(), *self.waiting.values()), key=lambda pod: (pod.namespace, pod.name))
        return Snapshot(nodes=self._nodes, pods=tuple(pods), namespaces={f"team-{i}": {} for i in range(TEAMS)})

    def some_come(self) -> None:
        """Pods wait."""
        for pod in (self._pod() for _ in range(self._churn)):
            self.waiting[pod.key] = pod

    def is_placed(self, key: str, node: str) -> None:
        """A pod has a node."""
        pod = self.waiting.pop(key)
        self._running[key] = msgspec.structs.replace(pod, node=node)

    def some_go(self) -> Iterator[Change]:
        """Pods leave their nodes."""
        for key in self._random.sample(list(self._running), self._churn):
            del self._running[key]
            yield Went(key)


def _node(i: int) -> Node:
    labels = {
        "kubernetes.io/hostname": f"node-{i:05}",
        "topology.kubernetes.io/zone": "abc"[i % 3],
        "node.kubernetes.io/instance-type": "m5.4xlarge",
    }
    room = {"cpu": 16_000, "memory": 64 * GIB, "pods": 110, "ephemeral-storage": 100 * GIB}
    return Node(name=f"node-{i:05}", labels=labels, allocatable=room)


def recorded(folder: Path, cluster: Cluster, turns: int) -> float:
    """Record so many turns; the seconds that the engine's thread spent on it."""
    recorder, decider = Recorder(folder, Started()), Decider()
    changes: list[Change] = [Renewed(cluster.state())]
    spent = 0.0
    for turn in range(turns):
        cluster.some_come()
        if turn % COMPILED_EVERY == COMPILED_EVERY - 1:
            changes = [Renewed(cluster.state())]
        due = sorted(cluster.waiting.values(), key=lambda pod: (-pod.priority, pod.created, pod.key))
        asked = Asked(NOON + turn)
        found = decider.turn(changes, due, asked)
        started = time.perf_counter()
        recorder.turn(changes, due, asked, found)
        spent += time.perf_counter() - started
        for placement in found.placements:
            cluster.is_placed(placement.pod, placement.node)
        changes = list(cluster.some_go())
        if not turn % FLUSHED_EVERY:
            recorder.flush()
    recorder.close()
    return spent


if __name__ == "__main__":
    main()
