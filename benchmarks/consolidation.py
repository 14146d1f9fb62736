"""How fast a cluster is consolidated: 1,000 nodes with 10,000 pods of 150 workloads.

    python benchmarks/consolidation.py --nodes 1000 --pods 10000

Nodes are of four instance types in three zones; each runs three pods of DaemonSets. Pods belong to Deployments of 1 to
200 replicas in one of many sizes; some spread over zones, some keep away from their like, some are bound to a zone, a
fifth is guarded by PodDisruptionBudgets. They were placed by kube-scheduler's own scores (spread out), up to two thirds
of the room. The run is a process of its own; kernels are compiled beforehand, and the time to make the input up is left
out.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time

import numpy as np

GIB = 2**30
TYPES = (
    ("m5.4xlarge", 16, 64, 0.768),
    ("m5.8xlarge", 32, 128, 1.536),
    ("c5.9xlarge", 36, 72, 1.53),
    ("r5.4xlarge", 16, 128, 1.008),
)
ZONES = ("a", "b", "c")
ZONE = "topology.kubernetes.io/zone"
HOSTNAME = "kubernetes.io/hostname"


def made_nodes(count: int):  # noqa: ANN201 -- imported late
    """The nodes."""
    from yuheng.model.node import Node

    nodes = []
    for i in range(count):
        kind, cores, memory, _ = TYPES[i % 4]
        name = f"node-{i:05}"
        labels = {
            HOSTNAME: name,
            ZONE: ZONES[i // 4 % 3],
            "topology.kubernetes.io/region": "r",
            "node.kubernetes.io/instance-type": kind,
        }
        room = {"cpu": cores * 1000 - 200, "memory": (memory - 2) * GIB, "pods": 110}
        nodes.append(Node(name=name, allocatable=room, labels=labels))
    return tuple(nodes)


def made_pods(nodes, count: int, random: np.random.Generator):  # noqa: ANN001, ANN201 -- imported late
    """Pods that wait, those of DaemonSets on their nodes, and the budgets."""
    from yuheng.model.cluster import PodDisruptionBudget
    from yuheng.model.pod import (
        Affinity,
        OwnerReference,
        Pod,
        PodAffinity,
        PodAffinityTerm,
        PodSpec,
        TopologySpreadConstraint,
    )
    from yuheng.model.selectors import LabelSelector

    pods, budgets, workload = [], [], 0
    daemon = PodSpec(requests={"cpu": 100, "memory": GIB // 8}, scoring_requests=(100, GIB // 8))
    for node in nodes:
        for one in ("log", "net", "metrics"):
            owner = OwnerReference("DaemonSet", one, "", True)
            name = f"{one}-{node.name}"
            pods.append(Pod(name=name, namespace="kube-system", spec=daemon, node=node.name, owner=owner))
    while count > 0:
        replicas = min(count, int(random.pareto(1.1) * 20) % 200 + 1)
        count -= replicas
        name = f"app-{workload:04}"
        workload += 1
        cpu = int(random.choice([100, 250, 500, 1000, 2000, 4000], p=[0.2, 0.25, 0.25, 0.15, 0.1, 0.05]))
        memory = int(cpu * GIB / 1000 * random.choice([1, 2, 4, 8]))
        alike = LabelSelector({"app": name})
        case = random.random()
        away = (PodAffinityTerm(HOSTNAME, alike),) if case < 0.1 else ()
        spread = (TopologySpreadConstraint(1, ZONE, "DoNotSchedule", alike),) if 0.1 < case < 0.25 else ()
        spec = PodSpec(
            requests={"cpu": cpu, "memory": memory},
            scoring_requests=(cpu, memory),
            affinity=Affinity(pod_anti_affinity=PodAffinity(required=away)),
            spread=spread,
            node_selector={ZONE: str(random.choice(ZONES))} if 0.25 < case < 0.35 else {},
        )
        owner = OwnerReference("ReplicaSet", name, "", True)
        pods += [
            Pod(name=f"{name}-{i}", namespace="shop", spec=spec, labels={"app": name}, owner=owner, created=0.0)
            for i in range(replicas)
        ]
        if random.random() < 0.2:
            budgets.append(PodDisruptionBudget(name, "shop", alike, max(1, replicas // 10)))
    return tuple(pods), tuple(budgets)


def made_cluster(nodes: int, pods: int, seed: int):  # noqa: ANN201 -- imported late
    """A cluster whose pods run, the same for the same seed."""
    import msgspec

    from yuheng.model.cluster import Snapshot
    from yuheng.scheduling.planner import plan

    random = np.random.Generator(np.random.PCG64(seed))
    machines = made_nodes(nodes)
    every, budgets = made_pods(machines, pods, random)
    empty = Snapshot(nodes=machines, pods=every, budgets=budgets)
    where = {one.pod: one.node for one in plan(empty).placements}
    placed = tuple(
        pod if pod.node else msgspec.structs.replace(pod, node=where[pod.key])
        for pod in every
        if pod.node or pod.key in where
    )
    return msgspec.structs.replace(empty, pods=placed)


def measured(args: argparse.Namespace) -> dict[str, object]:
    """One run in this process."""
    from yuheng.finops.consolidation import Terms, consolidate
    from yuheng.finops.pricing import price_nodes
    from yuheng.model.prices import Price, PriceBook

    snapshot = made_cluster(args.nodes, args.pods, args.seed)
    book = PriceBook(Price(instance_type=kind, per_hour=price, provider="", region="r") for kind, _, _, price in TYPES)
    consolidate(made_cluster(8, 30, 1), price_nodes(made_nodes(8), book, time=0.0))
    began, worked = time.perf_counter(), time.process_time()
    prices = price_nodes(snapshot.nodes, book, time=0.0)
    found = consolidate(snapshot, prices, Terms(k=args.k))
    seconds, worked = time.perf_counter() - began, time.process_time() - worked
    told = found.to_dict()
    return {
        "nodes": len(snapshot.nodes),
        "pods": sum(pod.owner.kind != "DaemonSet" for pod in snapshot.pods),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(worked, 2),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "steps": len(found.steps),
        "evictions": sum(len(step.evictions) for step in found.steps),
        "before": told["before"],
        "after": told["after"],
        "bound": told["bound"],
    }


def main() -> None:
    """Run each measurement in a process of its own and print them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--pods", type=int, default=10000)
    parser.add_argument("--k", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measured(args)))
        return
    runs = []
    for _ in range(args.runs):
        done = subprocess.run([sys.executable, *sys.argv, "--one"], check=True, capture_output=True, text=True)
        runs.append(json.loads(done.stdout))
    print(json.dumps({"median_seconds": statistics.median(run["seconds"] for run in runs), "runs": runs}, indent=2))


if __name__ == "__main__":
    main()
