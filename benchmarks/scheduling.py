"""How fast the engine places pods: a heterogeneous cluster, an interleaved queue, every node considered.

    python benchmarks/scheduling.py --nodes 20000 --pods 100000 --json

The mix: 60 pod classes that arrive interleaved, with node selectors, taints, zone spread on a fifth of the pods (hard
and soft), GPU fractions on a tenth and whole GPUs on another. Each size runs in a process of its own; kernels are
compiled beforehand (the warm-up); the time of a plan is split into compiling the snapshot and working off the queue.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

import numpy as np

from yuheng.model.cluster import Snapshot
from yuheng.model.node import DeviceInventory, Node, Taint, Toleration
from yuheng.model.pod import DeviceRequest, Pod, PodSpec, TopologySpreadConstraint
from yuheng.model.selectors import LabelSelector

GIB = 2**30
CLASSES = 60
SIZES = ((1_000, 5_000), (5_000, 25_000), (20_000, 100_000))


def nodes(count: int) -> list[Node]:
    """A heterogeneous fleet: four machine types, three zones, ssd and hdd, tainted GPU and spot pools."""
    made = []
    for i in range(count):
        gpu, spot = i % 5 == 0, i % 7 == 3
        cores = (96 if gpu else (16, 32, 64)[i % 3]) * 1000
        labels = {
            "kubernetes.io/hostname": f"node-{i:05}",
            "topology.kubernetes.io/zone": f"zone-{i % 3}",
            "disk": "ssd" if i % 2 else "hdd",
            "pool": "gpu" if gpu else ("spot" if spot else "general"),
        }
        allocatable = {
            "cpu": cores,
            "memory": cores // 1000 * 4 * GIB,
            "ephemeral-storage": 200 * GIB,
            "pods": 110,
        }
        taints: tuple[Taint, ...] = (Taint("nvidia.com/gpu", "NoSchedule", "present"),) if gpu else ()
        if spot and not gpu:
            taints = (Taint("spot", "NoSchedule", "true"),)
        if gpu:
            allocatable["nvidia.com/gpu"] = 8
        devices = DeviceInventory(8, 80 * GIB, "H100" if i % 10 else "A100") if gpu else DeviceInventory()
        made.append(Node(name=f"node-{i:05}", labels=labels, allocatable=allocatable, taints=taints, devices=devices))
    return made


def specs() -> list[tuple[PodSpec, dict[str, str]]]:
    """One spec and its labels for each pod class."""
    return [_spec(c) for c in range(CLASSES)]


def _spec(c: int) -> tuple[PodSpec, dict[str, str]]:
    labels = {"app": f"app-{c}"}
    cpu, memory = (250, 500, 1000, 2000, 4000)[c % 5], (1, 2, 4, 8)[c % 4] * GIB
    requests = {"cpu": cpu, "memory": memory}
    tolerations: tuple[Toleration, ...] = ()
    devices = DeviceRequest()
    if c % 10 in (3, 7):
        tolerations = (Toleration("nvidia.com/gpu", "Exists"),)
        devices = DeviceRequest(1, (125, 250, 500)[c % 3]) if c % 10 == 3 else DeviceRequest(1 + c % 2)
        if c % 10 == 7:
            requests["nvidia.com/gpu"] = 1 + c % 2
    elif c % 6 == 1:
        tolerations = (Toleration("spot", "Equal", "true", "NoSchedule"),)
    spread: tuple[TopologySpreadConstraint, ...] = ()
    if c % 5 == 4:
        action = "DoNotSchedule" if c % 2 else "ScheduleAnyway"
        spread = (TopologySpreadConstraint(5, "topology.kubernetes.io/zone", action, LabelSelector(labels)),)  # type: ignore[arg-type]
    spec = PodSpec(
        requests=requests,
        scoring_requests=(cpu, memory),
        node_selector={"disk": "ssd"} if c % 8 == 2 else {},
        tolerations=tolerations,
        spread=spread,
        devices=devices,
    )
    return spec, labels


def workload(count: int) -> list[Pod]:
    """Pending pods of all classes, interleaved."""
    classes = specs()
    return [
        Pod(name=f"pod-{i:06}", spec=classes[i % CLASSES][0], labels=classes[i % CLASSES][1], created=float(i))
        for i in range(count)
    ]


def measure(node_count: int, pod_count: int, policy: str) -> dict[str, object]:
    """Plan once, and time the parts."""
    from yuheng.scheduling.engine import Engine
    from yuheng.scheduling.presets import preset

    snapshot = Snapshot(nodes=tuple(nodes(node_count)), pods=tuple(workload(pod_count)))
    warm = Snapshot(nodes=snapshot.nodes[:50], pods=snapshot.pods[:CLASSES])
    for _ in Engine(warm, preset(policy)).run(0, CLASSES):
        pass
    started = time.perf_counter()
    engine = Engine(snapshot, preset(policy))
    compiled = time.perf_counter()
    refused = sum(1 for _ in engine.run(0, pod_count))
    done = time.perf_counter()
    latencies = _latencies(snapshot, policy)
    return {
        "nodes": node_count,
        "pods": pod_count,
        "classes": len(engine.classes.all),
        "placed": pod_count - refused,
        "refused": refused,
        "compile_seconds": round(compiled - started, 3),
        "schedule_seconds": round(done - compiled, 3),
        "pods_per_second": round(pod_count / (done - compiled)),
        "pods_per_second_with_compilation": round(pod_count / (done - started)),
        "p50_us": round(float(np.percentile(latencies, 50)), 2),
        "p99_us": round(float(np.percentile(latencies, 99)), 2),
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def _latencies(snapshot: Snapshot, policy: str) -> list[float]:
    """Microseconds a pod, over the whole queue in slices of 20, of a second run."""
    from yuheng.scheduling.cycle import place
    from yuheng.scheduling.engine import Engine
    from yuheng.scheduling.presets import preset

    again = Engine(snapshot, preset(policy))
    found = []
    for start, end, hands in again.hands(0, len(again.queue)):
        anyone = next(iter(hands.values()))
        rows = np.array([hands[again.class_of[i]].row for i in range(start, end)], dtype=np.int32)
        done = 0
        while done < len(rows):
            last = min(done + 20, len(rows))
            before = time.perf_counter()
            reached = place(again.cluster, anyone.window, anyone.counters, again.rules, rows[:last], done)
            found.append((time.perf_counter() - before) / max(reached - done, 1) * 1e6)
            done = reached if reached == last else reached + 1
    return found


def _in_fresh_process(node_count: int, pod_count: int, policy: str) -> dict[str, object]:
    command = [
        sys.executable,
        __file__,
        "--nodes",
        str(node_count),
        "--pods",
        str(pod_count),
        "--policy",
        policy,
    ]
    output = subprocess.run([*command, "--json", "--only"], check=True, capture_output=True, text=True).stdout
    result: dict[str, object] = json.loads(output)
    return result


def main(arguments: Sequence[str] | None = None) -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=20_000)
    parser.add_argument("--pods", type=int, default=100_000)
    parser.add_argument("--policy", default="kubernetes")
    parser.add_argument("--repeat", type=int, default=3, help="runs, of which the median counts")
    parser.add_argument("--json", action="store_true", help="one JSON document; otherwise one line a size")
    parser.add_argument("--only", action="store_true", help="only this size, once, in this process")
    options = parser.parse_args(arguments)
    if options.only:
        print(json.dumps(measure(options.nodes, options.pods, options.policy)))
        return
    sizes = [size for size in SIZES if size[0] < options.nodes] + [(options.nodes, options.pods)]
    results = []
    for size in sizes:
        runs = [_in_fresh_process(*size, options.policy) for _ in range(options.repeat)]
        middle = statistics.median_low([float(str(run["pods_per_second"])) for run in runs])
        results.append(next(run for run in runs if run["pods_per_second"] == middle))
    if options.json:
        print(json.dumps({"benchmark": "scheduling", "policy": options.policy, "results": results}, indent=2))
    else:
        for result in results:
            print(result)


if __name__ == "__main__":
    main()
