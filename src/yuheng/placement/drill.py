"""What if: the loss of each cluster, zone, region and provider in turn.

The fleet is drilled as the plan leaves it: what is pending has found its place. What is lost is then placed anew, by
the same policies and the same objective, on what remains.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import msgspec

from yuheng.model.fleet import Cluster, Fleet, FleetWorkload
from yuheng.model.fleet_plan import Drill, DrillRow, FleetPlan
from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.placement.losses import Loss, losses_of, parse_loss, without
from yuheng.placement.machines import pool_nodes
from yuheng.placement.planner import Compiled, Decision, Question, plan

__all__ = ["carried_out", "drill"]

# Reasons are told of so many workloads that do not fit.
MOST_REASONS = 20


def drill(fleet: Fleet, question: Question, progress: Callable[[int, int], None] | None = None) -> Drill:
    """Lose each cluster, zone, region and provider in turn.

    Args:
        fleet: before.
        question: what is asked; what it takes away is gone already.
        progress: called with the losses tried and the losses to try.

    Raises:
        YuhengError: as for `yuheng.placement.planner.plan`.
    """
    base = plan(fleet, question)
    after = carried_out(without(fleet, [parse_loss(text) for text in question.without]).fleet, base)
    running = question._replace(without=(), rebalance=False, now=base.time)
    compiled: Compiled = {}
    before = _decided(after, running, compiled)
    losses = losses_of(after)
    rows = []
    for done, loss in enumerate(losses, 1):
        rows.append(_row(after, loss, running, before, compiled))
        if progress is not None:
            progress(done, len(losses))
    warnings = base.warnings
    if fleet.workflows:
        warnings = (*warnings, "workflows are not drilled")
    return Drill(base.objective, before.summary.per_hour, tuple(rows), warnings)


def _decided(fleet: Fleet, question: Question, compiled: Compiled) -> FleetPlan:
    """The plan of a fleet; clusters that were compiled before are not compiled again, and left as they were."""
    decision = Decision(fleet, question, compiled)
    found = decision.plan()
    decision.undo()
    return found


def _row(fleet: Fleet, loss: Loss, question: Question, before: FleetPlan, compiled: Compiled) -> DrillRow:
    remains = without(fleet, [loss])
    found = _decided(fleet, question._replace(without=(str(loss),)), compiled)
    lost = sum(len(pods) for pods in remains.pods.values())
    unplaced = _unplaced(fleet, found) - _unplaced(fleet, before)
    reasons = _reasons(found)
    return DrillRow(
        lost=str(loss),
        nodes=remains.nodes,
        pods=lost,
        moved=len(found.placements),
        unplaced=dict(sorted(unplaced.items())),
        stranded=max(lost - len(found.placements) - unplaced.total(), 0),
        per_hour=found.summary.per_hour - before.summary.per_hour,
        once=sum(one.egress for one in found.workloads),
        new_nodes=_opened(found, before),
        reasons={key: reasons[key] for key in sorted(unplaced)[:MOST_REASONS] if key in reasons},
    )


def _pods_of(fleet: Fleet) -> Iterator[Pod]:
    """The pods of all workloads, as they are in any cluster."""
    for workload in fleet.workloads:
        for pods in (workload.pods, *workload.variants.values()):
            yield from pods


def _opened(found: FleetPlan, before: FleetPlan) -> int:
    """How many more nodes of pools are in use in the clusters that are left."""
    open_ = {(item.cluster, item.pool): item.nodes for item in before.new_nodes}
    return sum(max(item.nodes - open_.get((item.cluster, item.pool), 0), 0) for item in found.new_nodes)


def _unplaced(fleet: Fleet, found: FleetPlan) -> Counter[str]:
    """Replicas and pods that find no place, by workload, or by cluster and pod."""
    unplaced: Counter[str] = Counter()
    for one in found.workloads:
        unplaced[one.workload] += one.unplaced
    mine = {pod.key for pod in _pods_of(fleet)}
    for cluster, refusal in found.unschedulable:
        if refusal.pod not in mine:
            unplaced[f"{cluster}: {refusal.pod}"] += 1
    return +unplaced


def _reasons(found: FleetPlan) -> Mapping[str, str]:
    told = {one.workload: one.reason or "its policy gives it fewer" for one in found.workloads if one.unplaced}
    told |= {f"{cluster}: {refusal.pod}": refusal.message for cluster, refusal in found.unschedulable if cluster}
    return told


def carried_out(fleet: Fleet, found: FleetPlan) -> Fleet:
    """The fleet after a plan: its pods run on their nodes, nodes of pools that it opens exist."""
    pods = {pod.key: pod for pod in _pods_of(fleet)}
    placed: dict[str, dict[str, tuple[str, tuple[int, ...]]]] = {}
    for name, item in found.placements:
        placed.setdefault(name, {})[item.pod] = (item.node, item.devices)
    moved = _moved_away(fleet, found)
    clusters = tuple(_after(cluster, placed.get(cluster.name, {}), pods, moved) for cluster in fleet.clusters)
    workloads = tuple(
        _running(workload, one.replicas or one.kept, placed, moved)
        for workload, one in zip(fleet.workloads, found.workloads, strict=True)
    )
    after: Fleet = msgspec.structs.replace(fleet, clusters=clusters, workloads=workloads)
    return after


def _moved_away(fleet: Fleet, found: FleetPlan) -> dict[str, set[str]]:
    """By cluster, the pods of workloads that run there today and do not stay."""
    gone: dict[str, set[str]] = {}
    for workload, one in zip(fleet.workloads, found.workloads, strict=True):
        for name, keys in workload.running.items():
            gone.setdefault(name, set()).update(keys[(one.replicas or one.kept).get(name, 0) :])
    return gone


def _after(
    cluster: Cluster,
    placed: Mapping[str, tuple[str, tuple[int, ...]]],
    pods: Mapping[str, Pod],
    moved: Mapping[str, set[str]],
) -> Cluster:
    snapshot = cluster.snapshot
    gone = moved.get(cluster.name, set())
    kept = [_on(pod, placed) for pod in snapshot.pods if pod.key not in gone]
    here = {pod.key for pod in kept}
    kept += [_on(pods[key], placed) for key in placed if key not in here and key in pods]
    names = {node.name for node in snapshot.nodes}
    wanted = {node for node, _ in placed.values()} - names
    opened: list[Node] = [node for pool in cluster.pools for node in pool_nodes(pool, wanted)]
    after: Cluster = msgspec.structs.replace(
        cluster,
        snapshot=msgspec.structs.replace(
            snapshot, nodes=(*snapshot.nodes, *opened), pods=tuple(kept), jobs=(), queues=()
        ),
    )
    return after


def _on(pod: Pod, placed: Mapping[str, tuple[str, tuple[int, ...]]]) -> Pod:
    place = placed.get(pod.key)
    if place is None or pod.node is not None:
        return pod
    bound: Pod = msgspec.structs.replace(pod, node=place[0], device_indices=place[1])
    return bound


def _running(
    workload: FleetWorkload,
    replicas: Mapping[str, int],
    placed: Mapping[str, Mapping[str, object]],
    moved: Mapping[str, set[str]],
) -> FleetWorkload:
    running: dict[str, tuple[str, ...]] = {}
    for name, count in replicas.items():
        before = [key for key in workload.running.get(name, ()) if key not in moved.get(name, ())]
        new = [pod.key for pod in workload.variants.get(name, workload.pods) if pod.key in placed.get(name, {})]
        running[name] = tuple(dict.fromkeys((*before, *new)))[:count]
    after: FleetWorkload = msgspec.structs.replace(workload, previous=dict(replicas), running=running)
    return after
