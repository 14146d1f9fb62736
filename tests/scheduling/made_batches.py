"""Clusters drawn at random, with queues and jobs: pods of any kind in gangs, everything switched on."""

from __future__ import annotations

from random import Random

import msgspec

from tests.scheduling.made_snapshots import snapshot
from yuheng.model.batch import ACTIONS, BatchPolicy, PluginOption
from yuheng.model.cluster import PodDisruptionBudget, Snapshot
from yuheng.model.job import HyperNode, Job, NetworkTopology, TaskTopology
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy, ScoreWeight
from yuheng.model.queue import NodeGroupAffinity, Queue
from yuheng.model.selectors import LabelSelector

GROUP = "volcano.sh/nodegroup-name"
ZONE = "volcano.sh/revocable-zone"
NOON = 12 * 3600.0


def batch(rng: Random) -> Snapshot:
    """A cluster with a tree of queues, and jobs that run and wait."""
    drawn = snapshot(rng, nodes=8, bound=14, pending=24, specs=8, scale=2)
    jobs = [_job(rng, i) for i in range(10)]
    nodes = tuple(msgspec.structs.replace(node, labels={**node.labels, **_places(rng)}) for node in drawn.nodes)
    names = [node.name for node in nodes]
    half = len(names) // 2
    parts = (HyperNode(name="s0", tier=1, nodes=tuple(names[:half])), HyperNode(name="s1", tier=2, nodes=tuple(names)))
    return msgspec.structs.replace(
        drawn,
        nodes=nodes,
        pods=tuple(_member(rng, pod, jobs) for pod in drawn.pods),
        queues=_queues(rng),
        jobs=tuple(jobs),
        hyper_nodes=parts,
        budgets=(PodDisruptionBudget("all", "default", LabelSelector(), rng.choice((0, 1, 3))),),
        time=NOON,
    )


def _places(rng: Random) -> dict[str, str]:
    labels = {GROUP: rng.choice(("g1", "g2"))} if rng.random() < 0.5 else {}
    return labels | ({ZONE: rng.choice(("day", "night"))} if rng.random() < 0.2 else {})


def _queues(rng: Random) -> tuple[Queue, ...]:
    groups = NodeGroupAffinity(preferred=("g1",)) if rng.random() < 0.3 else NodeGroupAffinity()
    deserved = {"cpu": rng.choice((2000, 8000)), "memory": 8 * 2**30}
    guarantee = {"cpu": rng.choice((0, 500))}
    return (
        Queue(name="a", weight=rng.choice((1, 2, 3)), guarantee=guarantee),
        Queue(name="a1", parent="a", deserved=deserved, capability={"cpu": rng.choice((3000, 50000))}),
        Queue(name="a2", parent="a", deserved=deserved, reclaimable=rng.random() < 0.7),
        Queue(name="b", deserved=deserved, priority=rng.choice((0, 5)), dequeue=rng.choice(("fifo", "traverse"))),
        Queue(name="default", affinity=groups),
    )


def _job(rng: Random, i: int) -> Job:
    topology = NetworkTopology(rng.choice(("hard", "soft")), 1) if rng.random() < 0.3 else None
    return Job(
        name=f"job-{i}",
        queue=rng.choice(("a1", "a2", "b", "default")),
        min_available=rng.choice((1, 1, 2, 3)),
        priority=rng.choice((0, 10, 100)),
        created=float(i),
        waiting_time=3600.0 if rng.random() < 0.2 else None,
        topology=topology,
        task_topology=TaskTopology(apart=(("t",),)) if rng.random() < 0.2 else TaskTopology(),
    )


def _member(rng: Random, pod: Pod, jobs: list[Job]) -> Pod:
    if rng.random() < 0.3:
        return pod
    job = rng.choice(jobs)
    estimate = rng.choice((None, 600.0, 7200.0))
    return msgspec.structs.replace(
        pod, job=job.key, task="t", priority=job.priority or 0, estimate=estimate, started=NOON - 60, revocable=True
    )


def policy(rng: Random) -> Policy:
    """Everything on, shares by weight or as written."""
    shares = rng.choice(("proportion", "capacity"))
    zones = {"tdm.revocable-zone.day": "08:00-20:00", "tdm.revocable-zone.night": "20:00-08:00"}
    first = (PluginOption("priority"), PluginOption("gang"), PluginOption("tdm", arguments=zones), PluginOption("sla"))
    second = (
        PluginOption("overcommit"),
        PluginOption("drf", hierarchy=shares == "capacity"),
        PluginOption(shares),
        PluginOption("nodegroup", arguments={"strict": False}),
        PluginOption("task-topology"),
        PluginOption("network-topology-aware"),
        PluginOption("reserve", arguments={"reserve.factor": rng.choice((0.5, 1.0))}),
    )
    actions = rng.choice((ACTIONS, ("enqueue", "allocate", "backfill"), ("reclaim", "allocate", "preempt")))
    scores = (ScoreWeight("NodeResourcesFit"), ScoreWeight("BinPack", 2))
    return Policy(name="batch", scores=scores, batch=BatchPolicy(tuple(actions), (first, second)))
