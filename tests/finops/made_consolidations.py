"""Clusters for tests of consolidation: drawn at random with everything, or plain and by hand."""

from __future__ import annotations

from random import Random

from msgspec.structs import replace
from tests.scheduling.made_snapshots import snapshot as any_snapshot

from yuheng.model.cluster import PodDisruptionBudget, Snapshot
from yuheng.model.job import Job
from yuheng.model.node import Node
from yuheng.model.node_price import NodePrice
from yuheng.model.pod import OwnerReference, Pod, PodSpec
from yuheng.model.selectors import LabelSelector
from yuheng.scheduling.planner import plan

GIB = 2**30
CONTROLLER = OwnerReference("ReplicaSet", "web", "", True)


def node(name: str, cores: float = 4, gib: float = 16, **labels: str) -> Node:
    amounts = {"cpu": int(cores * 1000), "memory": int(gib * GIB), "pods": 110}
    return Node(name=name, allocatable=amounts, labels={"kubernetes.io/hostname": name, **labels})


def pod(name: str, on: str | None, cores: float = 1, gib: float = 1, **fields: object) -> Pod:
    asked = {"cpu": int(cores * 1000), "memory": int(gib * GIB)}
    spec = fields.pop("spec", PodSpec(requests=asked, scoring_requests=(asked["cpu"], asked["memory"])))
    return Pod(**{"name": name, "node": on, "spec": spec, "owner": CONTROLLER, **fields})


def priced(cluster: Snapshot, per_hour: dict[str, float] | None = None) -> list[NodePrice]:
    """A price of each node; one dollar an hour where none is told."""
    told = per_hour or {}
    return [NodePrice(node=one.name, per_hour=told.get(one.name, 1.0), cpu=0, memory=0, gpu=0) for one in cluster.nodes]


def any_cluster(rng: Random, nodes: int, pods: int) -> tuple[Snapshot, list[NodePrice], dict[str, dict[str, str]]]:
    """A cluster in which pods run where a scheduler put them: owned, guarded, in gangs or bare; prices; annotations."""
    drawn = any_snapshot(rng, nodes, 0, pods, scale=3)
    kinds = ("ReplicaSet", "ReplicaSet", "StatefulSet", "Job", "DaemonSet", "")
    owned = []
    for one in drawn.pods:
        kind = rng.choice(kinds)
        spec = replace(one.spec, gates=(), node_name="")
        owner = OwnerReference(kind, f"{kind.lower()}-1", "", True) if kind else None
        job = f"{one.namespace}/gang" if kind == "Job" and rng.random() < 0.5 else ""
        owned.append(replace(one, spec=spec, owner=owner, job=job, priority=rng.choice((0, 0, 1000, -5))))
    waiting = replace(drawn, pods=tuple(owned))
    where = {one.pod: one for one in plan(waiting, "kubernetes").placements}
    bound = tuple(
        replace(one, node=where[one.key].node, device_indices=where[one.key].devices)
        for one in owned
        if one.key in where
    )
    spaces = sorted({one.namespace for one in bound})
    jobs = tuple(Job(name="gang", namespace=space, min_available=rng.choice((1, 2, 3))) for space in spaces)
    budgets = tuple(
        PodDisruptionBudget(f"b{i}", rng.choice(spaces), LabelSelector({"app": app}), rng.choice((0, 1, 1, 2)))
        for i, app in enumerate(("web", "db"))
        if spaces and rng.random() < 0.7
    )
    annotations = {one.key: {"karpenter.sh/do-not-disrupt": "true"} for one in bound if rng.random() < 0.05}
    cluster = replace(waiting, pods=bound, budgets=budgets, jobs=jobs)
    return cluster, priced(cluster, {one.name: rng.choice((0.5, 1.0, 2.0, 4.0)) for one in cluster.nodes}), annotations
