"""kube-scheduler's scores. Each gives raw numbers for the feasible nodes, and says how they become 0 to 100."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

from tests.oracle.gpu import GPU_SCORES
from tests.oracle.machine import Machine
from tests.oracle.matching import term_allows, tolerated
from tests.oracle.turn import HOSTNAME, Turn
from tests.oracle.world import World
from yuheng.model.pod import Pod
from yuheng.model.policy import ShapePoint

MIB = 1024 * 1024
Machines = Sequence[Machine]
Raw = dict[str, int]  # by node name


def of_every(plugin: str, turn: Turn, feasible: Machines) -> Raw:
    """The score, 0 to 100, that a plugin gives each feasible node."""
    if plugin == "PodTopologySpread":
        return _spread(turn, feasible)
    if plugin == "InterPodAffinity":
        return _pod_affinity(turn, feasible)
    score = LOCAL[plugin]
    raw = {machine.node.name: turn.world.remember(score, turn.pod, machine) for machine in feasible}
    if plugin == "NodeAffinity":
        return _by_maximum(raw)
    if plugin in ("TaintToleration", "LoadAware", "Price"):
        return _by_maximum_reversed(raw)
    return raw


def _by_maximum(raw: Raw) -> Raw:
    most = max(raw.values())
    return {name: 100 * value // most if most else 0 for name, value in raw.items()}


def _by_maximum_reversed(raw: Raw) -> Raw:
    most = max(raw.values())
    return {name: 100 - 100 * value // most if most else 100 for name, value in raw.items()}


# Taints, labels, images.


def _untolerated_preferences(_: World, pod: Pod, machine: Machine) -> int:
    """PreferNoSchedule taints that the pod's tolerations for that effect (or for all) do not cover."""
    tolerations = [t for t in pod.spec.tolerations if t.effect in ("", "PreferNoSchedule")]
    taints = [taint for taint in machine.node.taints if taint.effect == "PreferNoSchedule"]
    return sum(not tolerated(taint, tolerations) for taint in taints)


def _preferred_terms(world: World, pod: Pod, machine: Machine) -> int:
    terms = (*pod.spec.affinity.node_affinity.preferred, *world.policy.added_affinity.preferred)
    return sum(term.weight for term in terms if term_allows(term.preference, machine.node))


def _images(world: World, pod: Pod, machine: Machine) -> int:
    mine = {name for image in machine.node.images for name in image.names}
    total = 0
    for image in (*pod.spec.images, *pod.spec.volume_images):
        name = image if ":" in image.split("/")[-1] else f"{image}:latest"
        if name in mine:
            size, holders = world.image_sizes[name]
            total += int(size * (holders / len(world.machines)))
    least, most = 23 * MIB, 1000 * MIB * max(len(pod.spec.images), 1)
    return 100 * (min(max(total, least), most) - least) // (most - least)


def _nothing_known(_: World, __: Pod, ___: Machine) -> int:
    """LoadAware and Price: a snapshot says nothing of either."""
    return 0


# Requested against allocatable.


def _resources_fit(world: World, pod: Pod, machine: Machine) -> int:
    strategy = world.policy.strategy
    total = weights = 0
    for resource in strategy.resources:
        capacity = machine.node.allocatable.get(resource.name, 0)
        requested = _scored(pod, machine, resource.name)
        if capacity == 0 or requested is None:
            continue
        if strategy.type == "LeastAllocated":
            score = max(capacity - requested, 0) * 100 // capacity
        elif strategy.type == "MostAllocated":
            score = min(requested, capacity) * 100 // capacity
        else:
            utilization = 100 if requested > capacity else requested * 100 // capacity
            score = _on_the_line(strategy.shape, utilization)
            if score == 0:
                continue
        total += score * resource.weight
        weights += resource.weight
    if not weights:
        return 0
    if strategy.type == "RequestedToCapacityRatio":
        return math.floor(total / weights + 0.5)
    return total // weights


def _scored(pod: Pod, machine: Machine, name: str) -> int | None:
    """What the node holds of a resource with the pod on it; None for an extended one that the pod does not ask for.

    Containers without a request count something for cpu and memory (`PodSpec.scoring_requests`).
    """
    if name in ("cpu", "memory"):
        return machine.scored[name] + pod.spec.scoring_requests[("cpu", "memory").index(name)]
    return _requested(pod, machine, name)


def _requested(pod: Pod, machine: Machine, name: str) -> int | None:
    asked = pod.spec.requests.get(name, 0)
    if asked == 0 and name not in ("cpu", "memory", "ephemeral-storage"):
        return None
    return machine.requested[name] + asked


def _on_the_line(shape: Sequence[ShapePoint], utilization: int) -> int:
    """The broken line through the points (utilization, 10 * score), in whole numbers, divided towards zero."""
    if utilization <= shape[0].utilization:
        return 10 * shape[0].score
    for left, right in pairwise(shape):
        if utilization <= right.utilization:
            rise = 10 * (right.score - left.score) * (utilization - left.utilization)
            return 10 * left.score + int(rise / (right.utilization - left.utilization))
    return 10 * shape[-1].score


def _balanced(world: World, pod: Pod, machine: Machine) -> int:
    """How much evener the requested shares are with the pod than without it; 0 for a pod that asks for none."""
    names = [resource.name for resource in world.policy.balanced]
    if not any(pod.spec.requests.get(name, 0) for name in names):
        return 0
    with_pod, without = [], []
    for name in names:
        capacity = machine.node.allocatable.get(name, 0)
        requested = _requested(pod, machine, name)
        if capacity and requested is not None:
            with_pod.append(min(requested / capacity, 1))
            without.append(min(machine.requested[name] / capacity, 1))
    return 50 + (50 + _evenness(with_pod) - _evenness(without)) // 2


def _evenness(shares: list[float]) -> int:
    if len(shares) == 2:
        deviation = abs((shares[0] - shares[1]) / 2)
    elif len(shares) > 2:
        total = 0.0
        for share in shares:
            total += share
        mean, squares = total / len(shares), 0.0
        for share in shares:
            squares += (share - mean) * (share - mean)
        deviation = math.sqrt(squares / len(shares))
    else:
        deviation = 0.0
    return int((1 - deviation) * 100)


LOCAL: dict[str, Callable[[World, Pod, Machine], int]] = {
    "TaintToleration": _untolerated_preferences,
    "NodeAffinity": _preferred_terms,
    "ImageLocality": _images,
    "LoadAware": _nothing_known,
    "Price": _nothing_known,
    "NodeResourcesFit": _resources_fit,
    "NodeResourcesBalancedAllocation": _balanced,
    **GPU_SCORES,
}


# What other pods do to a node's score.


def _spread(turn: Turn, feasible: Machines) -> Raw:
    """The fewer matching pods in a node's domains the better; small topologies weigh less."""
    rules = turn.soft_rules
    if not rules:
        return dict.fromkeys((machine.node.name for machine in feasible), 0)

    def counts(machine: Machine) -> bool:
        return not turn.must_have_all_keys or all(rule.key in machine.node.labels for rule in rules)

    considered = [machine for machine in feasible if counts(machine)]
    crowding = dict.fromkeys((machine.node.name for machine in considered), 0.0)
    for rule in rules:
        domains = {machine.node.labels.get(rule.key) for machine in considered}
        size = len(considered) if rule.key == HOSTNAME else len(domains)
        weight = math.log(size + 2)
        pods = dict.fromkeys(domains, 0)
        for machine in turn.machines:
            domain = machine.node.labels.get(rule.key)
            if domain in domains and counts(machine) and turn.counts_on(rule, machine):
                pods[domain] += turn.matching_pods(rule, machine)
        for machine in considered:
            domain = machine.node.labels.get(rule.key)
            if domain is not None:
                here = turn.matching_pods(rule, machine) if rule.key == HOSTNAME else pods[domain]
                crowding[machine.node.name] += here * weight + (rule.constraint.max_skew - 1)
    raw = {name: math.floor(value + 0.5) for name, value in crowding.items()}
    least, most = min(raw.values(), default=0), max(raw.values(), default=0)
    scores = {name: 100 * (most + least - value) // most if most else 100 for name, value in raw.items()}
    return {machine.node.name: scores.get(machine.node.name, 0) for machine in feasible}


def _pod_affinity(turn: Turn, feasible: Machines) -> Raw:
    """The sum of the weights that speak for the node, on a scale from the worst node to the best."""
    found = turn.preferences or {}
    raw = {machine.node.name: sum(found.get(label, 0) for label in machine.node.labels.items()) for machine in feasible}
    least, most = min(raw.values()), max(raw.values())
    return {name: int(100.0 * ((value - least) / (most - least))) if most > least else 0 for name, value in raw.items()}
