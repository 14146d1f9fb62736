"""The three questions: what would happen (plan), why (explain), how many more (capacity)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.errors import ConfigError, InputError, NotFoundError
from yuheng.model.batch_plan import QueueTree
from yuheng.model.cluster import Snapshot
from yuheng.model.plan import (
    Allocation,
    Explanation,
    Headroom,
    NearMiss,
    NodeHeadroom,
    NodeUsage,
    Placement,
    Plan,
    Refusal,
    Summary,
)
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.scheduling.batch.explaining import explain_in_queue
from yuheng.scheduling.batch.planning import open_session, run
from yuheng.scheduling.batch.report import Report, queue_tree
from yuheng.scheduling.batch.session import Session
from yuheng.scheduling.batch.settings import without_effect
from yuheng.scheduling.compile import device_milli
from yuheng.scheduling.engine import Engine, Hand, devices_of
from yuheng.scheduling.explain import candidates, closest, lacks, reasons
from yuheng.scheduling.hints import hint
from yuheng.scheduling.presets import preset
from yuheng.scheduling.refusals import reasoned

__all__ = ["capacity", "explain", "plan", "queues"]

DEFAULT_POLICY: Final = "kubernetes"
GATED: Final = "Scheduling is blocked due to non-empty scheduling gates"

# Copies of a pod that `capacity` counts up to: five million are a fleet of pods that ask for nothing.
MOST_COPIES: Final = 5_000_000


def plan(
    snapshot: Snapshot,
    policy: str | Policy | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    now: float | None = None,
) -> Plan:
    """Place every pending pod of a snapshot.

    Without queues and jobs: in order of priority, creation time and name. With them, queues decide whose turn it is,
    jobs start whole or not at all, and the configuration says whether running pods make way
    (see `yuheng.scheduling.batch`).

    Args:
        snapshot: the cluster; it is not changed.
        policy: a preset's name, or a policy; None for the configuration in the snapshot, or else ``kubernetes``.
        seed: of everything random; the same seed gives the same plan.
        progress: called now and then with the pods decided so far and all pods to decide.
        now: what time it is, in seconds since the epoch; None for the latest time the snapshot tells of.

    Returns:
        The placements and refusals, each with its reasons.

    Raises:
        NotFoundError: there is no preset of that name.
        InputError: a pod is bound to a node that is not in the snapshot.
        ConfigError: the policy names a filter or score that does not exist.
    """
    started = time.perf_counter()
    chosen = chosen_policy(snapshot, policy, seed)
    if decides_by_queue(snapshot, chosen):
        session = open_session(snapshot, chosen, seed, now)
        run(session, progress)
        return _told(session, chosen, started)
    engine = Engine(_without_gated(snapshot), chosen, seed)
    gated = [Refusal(pod.key, f"{GATED}.", (), (), "remove its scheduling gates") for pod in _gated(snapshot)]
    refused = [refusal(engine, hand, engine.queue[i]) for i, hand in engine.run(0, len(engine.queue), progress)]
    placements = tuple(Placement(pod.key, pod.node or "", pod.device_indices) for pod in engine.placed())
    refusals = (*refused, *gated)
    usage = _usage(engine)
    summary = _summary(snapshot, engine, usage, (len(placements), len(refusals)), started)
    return Plan(chosen.name, placements, refusals, summary, usage, _warnings(snapshot, chosen, engine))


def _summary(
    snapshot: Snapshot, engine: Engine, usage: tuple[NodeUsage, ...], decided: tuple[int, int], started: float
) -> Summary:
    placed, refused = decided
    return Summary(
        nodes=len(engine.machines),
        pods=placed + refused,
        placed=placed,
        unschedulable=refused,
        bound=sum(pod.node is not None for pod in snapshot.pods),
        allocation=_allocation(usage),
        seconds=round(time.perf_counter() - started, 3),
    )


def _told(session: Session, policy: Policy, started: float) -> Plan:
    """The plan of a batch session whose actions have run."""
    snapshot, report = session.snapshot, Report(session)
    nodes = session.engine.machines.nodes
    placements = tuple(
        Placement(pod.key, nodes[n].name, devices_of(words.tolist()) if pod.spec.devices.count else ())
        for pod, n, words in session.moves.placements()
    )
    gated = [Refusal(pod.key, f"{GATED}.", (), (), "remove its scheduling gates") for pod in _gated(snapshot)]
    refusals = (*report.refusals(), *gated)
    usage = _usage(session.engine)
    return Plan(
        policy=policy.name,
        placements=placements,
        unschedulable=refusals,
        summary=_summary(snapshot, session.engine, usage, (len(placements), len(refusals)), started),
        usage=usage,
        warnings=(*_warnings(snapshot, policy, session.engine), *_timeless(session)),
        evictions=tuple(session.evictions),
        jobs=report.jobs(),
    )


def _timeless(session: Session) -> list[str]:
    """What is decided by the time of day although nothing told the time."""
    if session.settings.zones is None or session.now != 0:
        return []
    return ["nothing tells what time it is: revocable zones are opened and closed as at midnight (UTC)"]


def queues(snapshot: Snapshot, policy: str | Policy | None = None, now: float | None = None) -> QueueTree:
    """The queues as they stand: what each deserves, uses, asks for and borrows. Nothing is scheduled.

    Args:
        snapshot: the cluster; it is not changed.
        policy: a preset's name, or a policy; None for the configuration in the snapshot.
        now: what time it is, in seconds since the epoch; None for the latest time the snapshot tells of.

    Raises:
        NotFoundError: there is no preset of that name.
        InputError: a pod or job names a queue, a job or a node that is not in the snapshot.
        ConfigError: the configuration cannot be used.
    """
    chosen = chosen_policy(snapshot, policy, 0)
    session = open_session(snapshot, chosen, 0, now)
    ignored = without_effect(chosen.batch) if chosen.batch else []
    return queue_tree(session, (*snapshot.warnings, *chosen.warnings, *ignored))


def chosen_policy(snapshot: Snapshot, policy: str | Policy | None, seed: int) -> Policy:
    """The policy that was asked for, or the snapshot's own, or the default.

    A policy without a word on queues takes that part from the snapshot's configuration.
    """
    if seed < 0:
        raise ConfigError(f"seed: found {seed}, expected 0 or more")
    own = snapshot.configuration
    if policy is None:
        return preset(DEFAULT_POLICY) if own is None else own
    found = preset(policy) if isinstance(policy, str) else policy
    if found.batch is None and own is not None and own.batch is not None:
        merged: Policy = msgspec.structs.replace(found, batch=own.batch)
        return merged
    return found


def decides_by_queue(snapshot: Snapshot, policy: Policy) -> bool:
    """Whether queues decide whose turn it is: there are any, or jobs, or a configuration for them."""
    return policy.batch is not None or snapshot.is_batch()


def _warnings(snapshot: Snapshot, policy: Policy, engine: Engine) -> tuple[str, ...]:
    """What has to be known to read a plan rightly."""
    found = [*snapshot.warnings, *policy.warnings, *(without_effect(policy.batch) if policy.batch else ())]
    if not snapshot.nodes:
        found.append("there are no nodes in the input: nothing can be placed, and nothing was judged")
    if policy.batch is not None and "allocate" not in policy.batch.actions:
        found.append("the configuration has no action allocate: no job starts on free room")
    silent = [node.name for node in snapshot.nodes if not node.ready and not node.taints]
    if silent:
        found.append(
            f"{len(silent)} nodes are not ready and carry no taint that says so, {silent[0]} first:"
            " pods are placed on them, as kube-scheduler would"
        )
    if engine.spent:
        found.append("not every hint could be tried out, for there are too many refusals: some are missing")
    return tuple(found)


def _gated(snapshot: Snapshot) -> list[Pod]:
    return [pod for pod in snapshot.pending() if pod.spec.gates]


def _without_gated(snapshot: Snapshot) -> Snapshot:
    pods = tuple(pod for pod in snapshot.pods if pod.node is not None or not pod.spec.gates)
    return snapshot if len(pods) == len(snapshot.pods) else msgspec.structs.replace(snapshot, pods=pods)


def refusal(engine: Engine, hand: Hand, pod: Pod) -> Refusal:
    """A refused pod's reasons. Pods of a class that are refused in the same state are told the same."""
    key = (engine.classes.number(pod), pod.priority, int(engine.cluster.log_size[0]))
    if key not in engine.told:
        record = engine.record(hand)
        message, found = reasoned(engine, hand, pod, record)
        engine.told[key] = (message, found, closest(engine, hand, record), hint(engine, hand, pod, record))
    return Refusal(pod.key, *engine.told[key])


def _usage(engine: Engine) -> tuple[NodeUsage, ...]:
    """Every node before and after, zero amounts left out; ``gpu`` counts device milli."""
    cluster, names = engine.cluster, engine.resources.names
    found = []
    for n, node in enumerate(engine.machines.nodes):
        capacity = _named(names, cluster.allocatable[n].tolist())
        before = _named(names, engine.used_before[n].tolist())
        after = _named(names, cluster.used[n].tolist())
        if node.devices.count:
            capacity["gpu"] = 1000 * node.devices.count
            before["gpu"] = _taken(engine.devices_before[n])
            after["gpu"] = _taken(cluster.device_free[n])
        found.append(NodeUsage(node.name, capacity, before, after))
    return tuple(found)


def _named(names: list[str], amounts: list[int]) -> dict[str, int]:
    return {name: amount for name, amount in zip(names, amounts, strict=True) if amount}


def _taken(free: np.ndarray[tuple[int], np.dtype[np.int32]]) -> int:
    return int((1000 - free[free >= 0]).sum())


def _allocation(usage: tuple[NodeUsage, ...]) -> dict[str, Allocation]:
    totals: dict[str, list[int]] = {}
    for node in usage:
        for name, amount in node.allocatable.items():
            sums = totals.setdefault(name, [0, 0, 0])
            sums[0] += amount
            sums[1] += node.before.get(name, 0)
            sums[2] += node.after.get(name, 0)
    return {
        name: Allocation(round(before / total, 4), round(after / total, 4))
        for name, (total, before, after) in sorted(totals.items(), key=lambda item: _resource_order(item[0]))
        if total
    }


def _resource_order(name: str) -> tuple[bool, bool, str]:
    return (name != "cpu", name != "memory", name)


def explain(
    snapshot: Snapshot, pod: str, policy: str | Policy | None = None, seed: int = 0, now: float | None = None
) -> Explanation:
    """Why a pod or a job waits, or would go where it would go, or is where it is.

    A pending pod is judged when its turn comes, after the pods before it in the queue: its verdict is that of `plan`.
    A bound pod is judged as if it were taken off its node and had to be placed again.

    Args:
        snapshot: the cluster; it is not changed.
        pod: ``namespace/name``; of a job, where no pod has that name.
        policy: a preset's name, or a policy; None for the configuration in the snapshot, or else ``kubernetes``.
        seed: of everything random.
        now: what time it is, in seconds since the epoch; None for the latest time the snapshot tells of.

    Raises:
        NotFoundError: the snapshot has no such pod or job, or there is no preset of that name.
    """
    chosen = chosen_policy(snapshot, policy, seed)
    if decides_by_queue(snapshot, chosen):
        return explain_in_queue(open_session(snapshot, chosen, seed, now), pod)
    found = next((item for item in snapshot.pods if item.key == pod), None)
    if found is None:
        raise NotFoundError(f"pod: found no {pod!r} in the input, expected the namespace/name of a pod")
    if found.node is not None:
        return _explain_bound(snapshot, found, chosen, seed)
    if found.spec.gates:
        return Explanation(found.key, "pending", f"{GATED}.", hint="remove its scheduling gates")
    return _explain_pending(snapshot, found, chosen, seed)


def _explain_pending(snapshot: Snapshot, pod: Pod, policy: Policy, seed: int) -> Explanation:
    engine = Engine(_without_gated(snapshot), policy, seed)
    turn = next(i for i, item in enumerate(engine.queue) if item.key == pod.key)
    for _ in engine.run(0, turn):
        pass
    hand = engine.take([engine.class_of[turn]])[engine.class_of[turn]]
    if not engine.rate(hand):
        told = refusal(engine, hand, pod)
        return Explanation(pod.key, "pending", told.message, told.reasons, told.closest, told.hint)
    scores = candidates(engine, hand)
    rejections = reasons(engine, hand, engine.record(hand))
    engine.place_one(hand)
    node = engine.machines.nodes[int(engine.cluster.log_node[engine.cluster.log_size[0] - 1])].name
    score = next(candidate.total for candidate in scores if candidate.node == node)
    message = f"fits on {len(scores)} of {len(engine.machines)} nodes; {node} is chosen with score {score}"
    return Explanation(pod.key, "fits", message, rejections, scores=scores, node=node)


def _explain_bound(snapshot: Snapshot, pod: Pod, policy: Policy, seed: int) -> Explanation:
    """Take the pod off, leave the other pending pods out, and rate all nodes for it."""
    loose = msgspec.structs.replace(pod, node=None, device_indices=())
    others = tuple(item for item in snapshot.pods if item.node is not None and item.key != pod.key)
    engine = Engine(msgspec.structs.replace(snapshot, pods=(*others, loose)), policy, seed)
    hand = engine.take([0])[0]
    engine.rate(hand)
    scores = candidates(engine, hand)
    record = engine.record(hand)
    found = reasons(engine, hand, record)
    here = engine.machines.index[pod.node or ""]
    own: tuple[NearMiss, ...] = ()
    names = [candidate.node for candidate in scores]
    if pod.node in names:
        place = names.index(pod.node) + 1
        score = scores[place - 1].total
        message = f"runs on {pod.node}: score {score}, rank {place} of {len(names)} feasible nodes today"
        if place > 1:
            message += f"; {names[0]} would score {scores[0].total}"
    else:
        message = f"runs on {pod.node}, where it would not be placed today"
        own = (NearMiss(pod.node or "", lacks(engine, hand, int(record[here]), here)),)
    return Explanation(pod.key, "bound", message, found, own, scores=scores, node=pod.node or "")


def capacity(
    snapshot: Snapshot,
    pod: Pod,
    policy: str | Policy | None = None,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Headroom:
    """How many more of a pod fit beside the pods that run, placed one after the other.

    Pending pods of the snapshot are not counted as placed.

    Args:
        snapshot: the cluster; it is not changed.
        pod: the pod to repeat; if it names a node, only that node counts.
        policy: a preset's name, or a policy.
        seed: of everything random.
        progress: called now and then with the copies placed so far and the most that could be.

    Raises:
        NotFoundError: there is no preset of that name.
        InputError: the pod asks for nothing that any node would run out of.
    """
    chosen = chosen_policy(snapshot, policy, seed)
    running = tuple(item for item in snapshot.pods if item.node is not None)
    spec = msgspec.structs.replace(pod.spec, node_name=pod.node) if pod.node else pod.spec
    model: Pod = msgspec.structs.replace(pod, spec=spec, node=None, device_indices=())
    alone = msgspec.structs.replace(snapshot, pods=running)
    most = _most(Engine(alone, chosen, seed, [model]), model)
    engine = Engine(alone, chosen, seed, [model] * (most + 1))
    for i, hand in engine.run(0, len(engine.queue), progress):
        return _headroom(engine, refusal(engine, hand, engine.queue[i]))
    return _headroom(engine, Refusal(pod.key, ""))


def _most(engine: Engine, pod: Pod) -> int:
    """No fewer copies than could fit: what each node has left of each resource, divided."""
    cluster = engine.cluster
    fits = np.maximum(cluster.pod_limit - cluster.pods, 0)
    window = engine.take([0])[0].window
    for column in window.needs[: window.need_start[1]].tolist():
        free = cluster.allocatable[:, column] - cluster.used[:, column]
        fits = np.minimum(fits, np.maximum(free, 0) // window.request[0, column])
    if window.device_count[0]:
        fits = np.minimum(fits, _device_slots(engine, pod))
    total = int(fits.sum())
    if total > MOST_COPIES:
        raise InputError(
            f"room for {total} copies by resources alone",
            f"a pod that asks for enough that at most {MOST_COPIES} fit",
            subject=f"Pod {pod.key}",
            field="spec.containers[].resources.requests",
        )
    return total


def _device_slots(engine: Engine, pod: Pod) -> NDArray[np.int64]:
    """No fewer copies than the GPUs of each node have room for."""
    free = np.maximum(engine.cluster.device_free, 0).sum(axis=1, dtype=np.int64)
    asked = pod.spec.devices.count * device_milli(pod.spec)
    return free // asked if asked else np.full(len(free), MOST_COPIES, dtype=np.int64)


def _headroom(engine: Engine, told: Refusal) -> Headroom:
    counts = Counter(pod.node for pod in engine.placed())
    names = sorted(counts, key=lambda name: (-counts[name], name or ""))
    return Headroom(
        pod=told.pod,
        policy=engine.policy.name,
        total=counts.total(),
        nodes=tuple(NodeHeadroom(name or "", counts[name]) for name in names),
        message=told.message,
        reasons=told.reasons,
        limit=told.reasons[0].detail if told.reasons else "",
    )
