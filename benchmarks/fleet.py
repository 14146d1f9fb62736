"""How fast a fleet is planned: 100 clusters of 5,000 nodes with 20,000 pods each, 5,000 workloads to place.

    python benchmarks/fleet.py --clusters 100 --nodes 5000 --pods 20000 --workloads 5000

Clusters are in 20 regions of two providers; each has nodes of four instance types, on-demand and spot, at prices that
differ by region, and a pool of nodes it could have. Half of the workloads are placed by the objective, most of them
with a region they may be in or data they read; of the others, which follow Karmada's policies, a third each is divided
by dynamic weights, aggregated, and divided by static weights. Pods have one of 120 sizes; with --sizes 0 hardly any two
workloads ask for the same. Each run is a process of its own; kernels are compiled beforehand. The time to make the
input up is left out; the time of the plan is told in two parts: opening the clusters (compiling and pricing them), and
deciding.
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
TYPES = (("m5.4xlarge", 16, 64), ("m5.8xlarge", 32, 128), ("c5.9xlarge", 36, 72), ("r5.4xlarge", 16, 128))


def made_fleet(clusters: int, nodes: int, pods: int, workloads: int, seed: int, sizes: int = 120):  # noqa: ANN201 -- imported late
    """A fleet, the same for the same seed."""
    from yuheng.model.cluster import Snapshot
    from yuheng.model.fleet import Cluster, ClusterPool, Fleet, FleetWorkload, Link, Region
    from yuheng.model.node import Node
    from yuheng.model.pod import OwnerReference, Pod, PodSpec
    from yuheng.model.prices import Price, PriceBook, Tier
    from yuheng.model.propagation import (
        ClusterAffinity,
        ClusterPreferences,
        Placement,
        PropagationPolicy,
        ReplicaScheduling,
        ResourceSelector,
        StaticClusterWeight,
    )
    from yuheng.model.requirements import DataUse, Requirements, RunTime
    from yuheng.model.series import Series

    random = np.random.Generator(np.random.PCG64(seed))
    names = [f"r{i:02}" for i in range(20)]
    keys = [f"{'aws' if i % 2 else 'gcp'}/{name}" for i, name in enumerate(names)]
    regions = {
        key: Region(
            name=key.split("/")[1],
            provider=key.split("/")[0],
            links={
                other: Link(egress=(Tier(0, 0.02 + 0.01 * ((i + j) % 5)),), latency=0.05, bandwidth=125e6)
                for j, other in enumerate(keys)
                if other != key
            },
            carbon=Series.constant(100.0 + 30 * i),
        )
        for i, key in enumerate(keys)
    }
    book = PriceBook(
        Price(
            provider=key.split("/")[0],
            region=key.split("/")[1],
            instance_type=kind,
            market=market,
            per_hour=round(cores * 0.045 * (0.8 + 0.02 * i) * (0.35 if market == "spot" else 1.0), 4),
        )
        for i, key in enumerate(keys)
        for kind, cores, _ in TYPES
        for market in ("on-demand", "spot")
    )

    def node(name: str, i: int, key: str) -> Node:
        kind, cores, memory = TYPES[i % 4]
        labels = {
            "kubernetes.io/hostname": name,
            "node.kubernetes.io/instance-type": kind,
            "topology.kubernetes.io/region": key.split("/")[1],
            "topology.kubernetes.io/zone": f"{key.split('/')[1]}-{i % 3}",
            "karpenter.sh/capacity-type": "spot" if i % 5 == 0 else "on-demand",
        }
        return Node(name=name, labels=labels, allocatable={"cpu": 1000 * cores, "memory": memory * GIB, "pods": 110})

    specs = [PodSpec(requests={"cpu": 250 * (1 + c % 16), "memory": (1 + c % 24) * GIB}) for c in range(48)]
    made = []
    for c in range(clusters):
        key = keys[c % len(keys)]
        machines = tuple(node(f"n{i:05}", i, key) for i in range(nodes))
        homes = random.integers(0, nodes, pods).tolist()
        running = tuple(
            Pod(name=f"p{i:06}", spec=specs[i % 48], labels={"app": f"a{i % 48}"}, node=machines[home].name)
            for i, home in enumerate(homes)
        )
        pool = ClusterPool(name="extra", node=node("extra", 1, key), maximum=20, delay=120.0)
        made.append(
            Cluster(
                name=f"c{c:03}",
                provider=key.split("/")[0],
                region=key.split("/")[1],
                labels={"tier": "a" if c % 3 else "b"},
                snapshot=Snapshot(nodes=machines, pods=running, namespaces={"default": {}}),
                pools=(pool,),
            )
        )
    strategies = {
        "dynamic": ReplicaScheduling(weight_preference=ClusterPreferences(dynamic_weight="AvailableReplicas")),
        "aggregated": ReplicaScheduling(replica_division_preference="Aggregated"),
        "static": ReplicaScheduling(
            weight_preference=ClusterPreferences(
                static_weight_list=tuple(
                    StaticClusterWeight(target_cluster=ClusterAffinity(cluster_names=(f"c{c:03}",)), weight=1 + c % 3)
                    for c in range(min(6, clusters))
                )
            )
        ),
    }
    policies = tuple(
        PropagationPolicy(
            name=name,
            namespace="default",
            resource_selectors=(
                ResourceSelector(
                    api_version="apps/v1",
                    kind="Deployment",
                    label_selector=_selector("by", name),
                ),
            ),
            placement=Placement(cluster_affinity=ClusterAffinity(), replica_scheduling=scheduling),
        )
        for name, scheduling in strategies.items()
    )

    def drawn() -> dict[str, int]:
        return {"cpu": int(random.integers(1, 80)) * 50, "memory": int(random.integers(1, 160)) * GIB // 8}

    shapes = [drawn() for _ in range(sizes)]
    asked = []
    for w in range(workloads):
        replicas = int(random.integers(1, 21))
        spec = PodSpec(requests=shapes[int(random.integers(0, len(shapes)))] if shapes else drawn())
        owner = OwnerReference("ReplicaSet", f"w{w:04}-x")
        pods_of = tuple(
            Pod(name=f"w{w:04}-x-{i}", spec=spec, labels={"app": f"w{w}"}, owner=owner) for i in range(replicas)
        )
        by = ("objective", "dynamic", "objective", "aggregated", "objective", "static")[w % 6]
        needs = Requirements()
        if by == "objective" and w % 4 == 0:
            home = keys[int(random.integers(0, len(keys)))]
            needs = Requirements(
                run_time={"*": RunTime(3600.0 * float(random.integers(1, 48)))},
                reads=(DataUse(name="set", gigabytes=float(random.integers(1, 2000)), regions=(home,)),),
                interruptible=True,
            )
        elif by == "objective":
            some = random.choice(len(keys), size=6, replace=False).tolist()
            needs = Requirements(regions=tuple(keys[i] for i in some))
        asked.append(
            FleetWorkload(
                key=f"default/w{w:04}",
                kind="Deployment",
                api_version="apps/v1",
                labels={"by": by},
                pods=pods_of,
                requirements=needs,
            )
        )
    return Fleet(
        clusters=tuple(made), regions=regions, prices=book, workloads=tuple(asked), policies=policies, time=1.7e9
    )


def _selector(key: str, value: str):  # noqa: ANN202 -- imported late
    from yuheng.model.selectors import LabelSelector

    return LabelSelector(match_labels={key: value})


def run(sizes: argparse.Namespace) -> dict[str, object]:
    """One plan, measured."""
    import gc

    from yuheng.placement.planner import Decision, Question, plan

    plan(made_fleet(2, 20, 40, 12, 1), Question(objective=sizes.objective))
    fleet = made_fleet(sizes.clusters, sizes.nodes, sizes.pods, sizes.workloads, sizes.seed, sizes.sizes)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    gc.collect()
    gc.freeze()
    started, cpu_before = time.perf_counter(), time.process_time()
    decision = Decision(fleet, Question(objective=sizes.objective))
    opened = time.perf_counter()
    found = decision.plan()
    done, cpu = time.perf_counter(), time.process_time() - cpu_before
    return {
        "clusters": sizes.clusters,
        "nodes": sizes.clusters * sizes.nodes,
        "running_pods": sizes.clusters * sizes.pods,
        "workloads": sizes.workloads,
        "replicas": sum(len(one.pods) for one in fleet.workloads),
        "placed": found.summary.placed,
        "pods_placed": found.summary.pods,
        "gap": found.summary.gap,
        "seconds": round(done - started, 3),
        "opening_seconds": round(opened - started, 3),
        "cpu_seconds": round(cpu, 3),
        "deciding_seconds": round(done - opened, 3),
        "workloads_per_second": round(sizes.workloads / (done - started), 1),
        "input_mib": before // 1024,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }


def main() -> None:
    """Run, or run one and print it."""
    parser = argparse.ArgumentParser(description="Time the plan of a fleet.")
    for name, default in (
        ("clusters", 100),
        ("nodes", 5000),
        ("pods", 20000),
        ("workloads", 5000),
        ("seed", 42),
        ("sizes", 120),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--objective", default=None, help="what is minimised; Karmada's own rules without it")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    sizes = parser.parse_args()
    if sizes.one:
        print(json.dumps(run(sizes)))
        return
    command = [sys.executable, __file__, *sys.argv[1:], "--one"]
    runs = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(sizes.repeat)
    ]
    median = statistics.median(one["seconds"] for one in runs)
    print(json.dumps({"median_seconds": median, "runs": runs}, indent=2))


if __name__ == "__main__":
    main()
