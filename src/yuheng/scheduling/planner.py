"""The three questions: what would happen (plan), why (explain), how many more (capacity)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from yuheng.errors import NotFoundError
from yuheng.model.cluster import Snapshot
from yuheng.model.plan import (
    Allocation,
    Explanation,
    Headroom,
    NodeHeadroom,
    NodeUsage,
    Placement,
    Plan,
    Reason,
    Refusal,
    Summary,
)
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.scheduling.engine import Engine, Hand
from yuheng.scheduling.explain import CONFLICT, candidates, closest, reasons, sentence
from yuheng.scheduling.hints import hint
from yuheng.scheduling.presets import preset

__all__ = ["capacity", "explain", "plan"]

GATED = "Scheduling is blocked due to non-empty scheduling gates"


def plan(
    snapshot: Snapshot,
    policy: str | Policy = "kubernetes",
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Plan:
    """Place every pending pod of a snapshot, in order of priority, creation time and name.

    Args:
        snapshot: the cluster; it is not changed.
        policy: a preset's name, or a policy.
        seed: of everything random; the same seed gives the same plan.
        progress: called now and then with the pods decided so far and all pods to decide.

    Returns:
        The placements and refusals, each with its reasons.

    Raises:
        NotFoundError: there is no preset of that name.
        InputError: a pod is bound to a node that is not in the snapshot.
        ConfigError: the policy names a filter or score that does not exist.
    """
    started = time.perf_counter()
    chosen = preset(policy) if isinstance(policy, str) else policy
    engine = Engine(_without_gated(snapshot), chosen, seed)
    gated = [Refusal(pod.key, f"{GATED}.", (), (), "remove its scheduling gates") for pod in _gated(snapshot)]
    refused: dict[int, Refusal] = {}
    for i, hand in engine.run(0, len(engine.queue), progress):
        refused[i] = refusal(engine, hand, engine.queue[i])
    placements = tuple(_placements(engine, refused))
    refusals = (*refused.values(), *gated)
    usage = _usage(engine)
    summary = Summary(
        nodes=len(engine.machines),
        pods=len(placements) + len(refusals),
        placed=len(placements),
        unschedulable=len(refusals),
        bound=sum(pod.node is not None for pod in snapshot.pods),
        allocation=_allocation(usage),
        seconds=round(time.perf_counter() - started, 3),
    )
    return Plan(chosen.name, placements, refusals, summary, usage, (*snapshot.warnings, *chosen.warnings))


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
        found = reasons(engine, hand, record)
        message = sentence(len(engine.machines), found)
        if len(engine.machines) and _contradicts_itself(pod):
            found = (Reason("NodeAffinity", CONFLICT, len(engine.machines)),)
            message = f"0/{len(engine.machines)} nodes are available: {CONFLICT}."
        engine.told[key] = (message, found, closest(engine, hand, record), hint(engine, hand, pod, record))
    return Refusal(pod.key, *engine.told[key])


def _contradicts_itself(pod: Pod) -> bool:
    """Whether every required term names nodes, and none of them names any (kube-scheduler's PreFilter)."""
    required = pod.spec.affinity.node_affinity.required
    if required is None or not required.node_selector_terms:
        return False
    named = [term.named_nodes() for term in required.node_selector_terms]
    return all(names is not None and not names for names in named)


def _placements(engine: Engine, refused: dict[int, Refusal]) -> Iterator[Placement]:
    """The log, told: every pod of the queue that was not refused, in order."""
    log = zip(engine.cluster.log_node.tolist(), engine.cluster.log_devices.tolist(), strict=True)
    names = [node.name for node in engine.machines.nodes]
    for i, pod in enumerate(engine.queue):
        if i not in refused:
            n, mask = next(log)
            devices = tuple(d for d in range(mask.bit_length()) if mask >> d & 1) if mask else ()
            yield Placement(pod.key, names[n], devices)


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


def explain(snapshot: Snapshot, pod: str, policy: str | Policy = "kubernetes", seed: int = 0) -> Explanation:
    """Why a pod waits, or would go where it would go, or is where it is.

    A pending pod is judged when its turn comes, after the pods before it in the queue: its verdict is that of `plan`.
    A bound pod is judged as if it were taken off its node and had to be placed again.

    Args:
        snapshot: the cluster; it is not changed.
        pod: ``namespace/name``.
        policy: a preset's name, or a policy.
        seed: of everything random.

    Raises:
        NotFoundError: the snapshot has no such pod, or there is no preset of that name.
    """
    chosen = preset(policy) if isinstance(policy, str) else policy
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
    engine.place_one(hand)
    node = engine.machines.nodes[int(engine.cluster.log_node[engine.cluster.log_size[0] - 1])].name
    score = next(candidate.total for candidate in scores if candidate.node == node)
    message = f"fits on {len(scores)} of {len(engine.machines)} nodes; {node} is chosen with score {score}"
    return Explanation(pod.key, "fits", message, _rejections(engine, hand), scores=scores, node=node)


def _rejections(engine: Engine, hand: Hand) -> tuple[Reason, ...]:
    return reasons(engine, hand, engine.record(hand))


def _explain_bound(snapshot: Snapshot, pod: Pod, policy: Policy, seed: int) -> Explanation:
    """Take the pod off, leave the other pending pods out, and rate all nodes for it."""
    loose = msgspec.structs.replace(pod, node=None, device_indices=())
    others = tuple(item for item in snapshot.pods if item.node is not None and item.key != pod.key)
    engine = Engine(msgspec.structs.replace(snapshot, pods=(*others, loose)), policy, seed)
    hand = engine.take([0])[0]
    engine.rate(hand)
    scores = candidates(engine, hand)
    found = _rejections(engine, hand)
    names = [candidate.node for candidate in scores]
    if pod.node in names:
        place = names.index(pod.node) + 1
        score = scores[place - 1].total
        message = f"runs on {pod.node}: score {score}, rank {place} of {len(names)} feasible nodes today"
        if place > 1:
            message += f"; {names[0]} would score {scores[0].total}"
    else:
        message = f"runs on {pod.node}, where it would not be placed today"
    return Explanation(pod.key, "bound", message, found, scores=scores, node=pod.node or "")


def capacity(snapshot: Snapshot, pod: Pod, policy: str | Policy = "kubernetes", seed: int = 0) -> Headroom:
    """How many more of a pod fit beside the pods that run, placed one after the other.

    Pending pods of the snapshot are not counted as placed.

    Args:
        snapshot: the cluster; it is not changed.
        pod: the pod to repeat; its name and node do not matter.
        policy: a preset's name, or a policy.
        seed: of everything random.
    """
    chosen = preset(policy) if isinstance(policy, str) else policy
    running = tuple(item for item in snapshot.pods if item.node is not None)
    model = msgspec.structs.replace(pod, node=None, device_indices=())
    slots = sum(max(node.allocatable.get("pods", 0), 0) for node in snapshot.nodes)
    engine = Engine(msgspec.structs.replace(snapshot, pods=running), chosen, seed, [model] * slots)
    counts: dict[str, int] = {}
    message, found = sentence(len(engine.machines), ()), ()
    for i, hand in engine.run(0, len(engine.queue)):
        told = refusal(engine, hand, engine.queue[i])
        message, found = told.message, told.reasons
        break
    for n in engine.cluster.log_node[: engine.cluster.log_size[0]].tolist():
        counts[engine.machines.nodes[n].name] = counts.get(engine.machines.nodes[n].name, 0) + 1
    nodes = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Headroom(
        pod=pod.key,
        policy=chosen.name,
        total=sum(counts.values()),
        nodes=tuple(NodeHeadroom(name, count) for name, count in nodes),
        message=message,
        reasons=found,
        limit=found[0].detail if found else "",
    )
