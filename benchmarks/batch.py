"""How fast queues and gangs are decided: a large cluster, a three-level tree of queues, every plugin on.

    python benchmarks/batch.py --json

Three cycles, each in a process of its own with kernels compiled beforehand:

- ``start``: gangs of 20 pods on an empty cluster; pods placed a second.
- ``full``: the same jobs on a cluster without room; how long a cycle takes in which nothing can start.
- ``reclaim``: a gang whose queue was borrowed from chooses its victims among all running pods.

The time of a cycle is that of deciding (all actions); compiling the snapshot and writing the report are told beside it.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

from yuheng.model.batch import BatchPolicy, PluginOption
from yuheng.model.cluster import Snapshot
from yuheng.model.job import HyperNode, Job, JobTask, NetworkTopology, TaskTopology
from yuheng.model.node import Node
from yuheng.model.pod import Pod, PodSpec
from yuheng.model.policy import Policy, ScoreWeight
from yuheng.model.queue import Queue

GIB = 2**30
GANG = 20
RACK = 40
CASES = ("start", "full", "reclaim")

EVERYTHING = BatchPolicy(
    actions=("enqueue", "allocate", "preempt", "reclaim", "backfill"),
    tiers=(
        (
            PluginOption("sla", arguments={"sla-waiting-time": "240h"}),
            PluginOption("priority"),
            PluginOption("gang"),
            PluginOption("conformance"),
            PluginOption("pdb"),
            PluginOption("tdm", arguments={"tdm.revocable-zone.night": "20:00-06:00"}),
        ),
        (
            PluginOption("overcommit", arguments={"overcommit-factor": 1.2}),
            PluginOption("drf"),
            PluginOption("predicates"),
            PluginOption("proportion"),
            PluginOption("nodeorder"),
            PluginOption("binpack"),
            PluginOption("nodegroup", arguments={"strict": False}),
            PluginOption("task-topology"),
            PluginOption("network-topology-aware"),
            PluginOption("reserve", arguments={"reserve.factor": 1.0}),
        ),
    ),
)
SCORES = (
    ScoreWeight("TaintToleration", 3),
    ScoreWeight("NodeAffinity", 2),
    ScoreWeight("NodeResourcesFit", 1),
    ScoreWeight("NodeResourcesBalancedAllocation", 1),
    ScoreWeight("BinPack", 1),
)


def policy() -> Policy:
    """Everything on."""
    return Policy(name="everything", scores=SCORES, batch=EVERYTHING)


def nodes(count: int, cores: int) -> list[Node]:
    """Machines in racks, a twentieth of them in a zone that batch may use at night."""
    made = []
    for i in range(count):
        labels = {"kubernetes.io/hostname": f"node-{i:05}", "topology.kubernetes.io/zone": f"zone-{i % 3}"}
        if i % 20 == 7:
            labels["volcano.sh/revocable-zone"] = "night"
        allocatable = {"cpu": cores * 1000, "memory": cores * 4 * GIB, "pods": 110}
        made.append(Node(name=f"node-{i:05}", labels=labels, allocatable=allocatable))
    return made


def racks(count: int) -> tuple[HyperNode, ...]:
    """Parts of the network: racks, and rows of ten racks."""
    names = [f"node-{i:05}" for i in range(count)]
    tiers = ((1, RACK), (2, 10 * RACK))
    return tuple(
        HyperNode(name=f"tier{tier}-{i // size:04}", tier=tier, nodes=tuple(names[i : i + size]))
        for tier, size in tiers
        for i in range(0, count, size)
    )


def queues(count: int) -> tuple[Queue, ...]:
    """Three levels: departments, teams, projects; ``count`` in all."""
    made = [Queue(name=f"d{d}", weight=1 + d % 3) for d in range(10)]
    made += [Queue(name=f"d{t % 10}-t{t}", parent=f"d{t % 10}", weight=1 + t % 2) for t in range(40)]
    leaves = count - len(made)
    made += [
        Queue(name=f"p{p}", parent=f"d{p % 40 % 10}-t{p % 40}", weight=1 + p % 4, priority=p % 2) for p in range(leaves)
    ]
    return tuple(sorted(made, key=lambda queue: queue.name))


def _job(i: int, leaves: int) -> Job:
    tasks = (JobTask(name="ps", min_available=2), JobTask(name="worker", min_available=GANG - 2))
    return Job(
        name=f"job-{i:05}",
        queue=f"p{i % leaves}",
        min_available=GANG,
        tasks=tasks,
        priority=(0, 10, 100)[i % 3],
        created=float(i),
        topology=NetworkTopology("hard", 2) if i % 20 == 0 else None,
        task_topology=TaskTopology(apart=(("ps",),)) if i % 25 == 1 else TaskTopology(),
    )


def workload(jobs: int, leaves: int) -> tuple[list[Job], list[Pod]]:
    """Gangs of two tasks, in forty shapes."""
    specs = [_spec(shape) for shape in range(40)]
    made = [_job(i, leaves) for i in range(jobs)]
    pods = [
        Pod(
            name=f"{job.name}-{n:02}",
            spec=specs[2 * (i % 20) + (n >= 2)],
            priority=job.priority or 0,
            created=float(i),
            job=job.key,
            task="ps" if n < 2 else "worker",
            estimate=600.0 + i % 7200 if i % 2 else None,
            started=0.0,
        )
        for i, job in enumerate(made)
        for n in range(GANG)
    ]
    return made, pods


def _spec(shape: int) -> PodSpec:
    cpu, memory = (500, 1000, 2000, 4000)[shape % 4], (1, 2, 4, 8, 16)[shape % 5] * GIB
    return PodSpec(requests={"cpu": cpu, "memory": memory}, scoring_requests=(cpu, memory), images=(f"shape-{shape}",))


def snapshot_of(case: str, node_count: int, job_count: int, queue_count: int) -> Snapshot:
    """The state of a case."""
    tree = queues(queue_count)
    leaves = queue_count - 50
    jobs, pods = workload(job_count, leaves)
    if case == "start":
        machines = nodes(node_count, 32)
    elif case == "full":
        machines = nodes(node_count, 1)
        filler = PodSpec(requests={"cpu": 900, "memory": 3 * GIB})
        pods += [
            Pod(name=f"filler-{i:05}", spec=filler, node=node.name, preemptable=False)
            for i, node in enumerate(machines)
        ]
    else:
        machines, jobs, pods = _borrowed(node_count)
    return Snapshot(
        nodes=tuple(machines),
        pods=tuple(sorted(pods, key=lambda pod: pod.name)),
        queues=tree,
        jobs=tuple(sorted(jobs, key=lambda job: job.name)),
        hyper_nodes=racks(node_count),
        time=3600.0 * 21,
    )


def _borrowed(node_count: int) -> tuple[list[Node], list[Job], list[Pod]]:
    """50,000 running pods of one project fill the cluster; another project's gang wants its due."""
    machines = nodes(node_count, 4)
    spec = PodSpec(requests={"cpu": 2000, "memory": GIB})
    pods = []
    jobs = []
    for i in range(50_000):
        if i % 10 == 0:
            jobs.append(Job(name=f"old-{i // 10:05}", queue="p1", min_available=2, created=float(i), priority=i % 3))
        # Two pods fill a node; the rest ask for nothing.
        node, size = machines[i % node_count], spec if i < 2 * node_count else PodSpec()
        pods.append(Pod(name=f"old-{i:05}", spec=size, node=node.name, job=jobs[-1].key, created=float(i)))
    jobs.append(Job(name="claimant", queue="p2", min_available=GANG, priority=1, created=1e6))
    pods += [Pod(name=f"claim-{n:02}", spec=spec, job="default/claimant", priority=1) for n in range(GANG)]
    return machines, jobs, pods


def measure(case: str, node_count: int, job_count: int, queue_count: int) -> dict[str, object]:
    """Run one cycle, and time its parts."""
    from yuheng.scheduling.batch.planning import open_session, run
    from yuheng.scheduling.batch.report import Report

    warm = snapshot_of("start", 100, 60, 60)
    session = open_session(warm, policy(), 0, None)
    run(session)
    Report(session).jobs()
    snapshot = snapshot_of(case, node_count, job_count, queue_count)
    started = time.perf_counter()
    session = open_session(snapshot, policy(), 0, None)
    opened = time.perf_counter()
    run(session)
    decided = time.perf_counter()
    report = Report(session)
    jobs, refusals = report.jobs(), report.refusals()
    told = time.perf_counter()
    placed = len(session.moves.placements())
    return {
        "case": case,
        "nodes": node_count,
        "queues": len(snapshot.queues),
        "jobs": len(snapshot.jobs),
        "pods": len(snapshot.pods),
        "running_before": len(session.engine.bound),
        "placed": placed,
        "pending": len(refusals),
        "jobs_running": sum(job.state == "running" for job in jobs),
        "evictions": len(session.evictions),
        "compile_seconds": round(opened - started, 3),
        "cycle_seconds": round(decided - opened, 3),
        "report_seconds": round(told - decided, 3),
        "pods_per_second": round(placed / (decided - opened)),
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Measure the cases, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=20_000)
    parser.add_argument("--jobs", type=int, default=5_000)
    parser.add_argument("--queues", type=int, default=200)
    parser.add_argument("--case", choices=CASES, help="only this one, in this process")
    parser.add_argument("--json", action="store_true", help="print JSON, not a line a case")
    args = parser.parse_args()
    if args.case:
        print(json.dumps(measure(args.case, args.nodes, args.jobs, args.queues)))
        return
    found = [_apart(case, args) for case in CASES]
    if args.json:
        print(json.dumps({"benchmark": "batch", "runs": found}, indent=2))
    else:
        for row in found:
            print(f"{row['case']:>8}: {row['cycle_seconds']} s, {row['placed']} placed, {row['evictions']} evicted")


def _apart(case: str, args: argparse.Namespace) -> dict[str, object]:
    command = [sys.executable, __file__, "--case", case]
    for name in ("nodes", "jobs", "queues"):
        command += [f"--{name}", str(getattr(args, name))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
