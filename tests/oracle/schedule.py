"""The cycle: each pod in its turn is filtered, scored, placed or refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.oracle import scores
from tests.oracle.filters import CONFLICT, named_nodes, rejection
from tests.oracle.gpu import devices_for
from tests.oracle.machine import Machine
from tests.oracle.turn import Turn
from tests.oracle.world import World
from yuheng.model.cluster import Snapshot
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy

GATED = "Scheduling is blocked due to non-empty scheduling gates."
Reasons = dict[tuple[str, str], int]  # how many nodes were rejected, by filter and words


class Decision(NamedTuple):
    """What became of a pod.

    ``node`` is empty for a refused pod; ``scores`` holds, by feasible node, what each plugin gave, weight included.
    """

    pod: str
    node: str
    devices: tuple[int, ...]
    message: str
    reasons: Reasons
    scores: dict[str, dict[str, int]]


def decide(world: World, pod: Pod) -> Decision:
    """Filter and score all nodes for a pod, and pick one; nothing is changed."""
    turn = Turn(world, pod)
    feasible: list[Machine] = []
    reasons: Counter[tuple[str, str]] = Counter()
    for machine in turn.machines:
        rejected = rejection(turn, machine)
        if rejected is None:
            feasible.append(machine)
        else:
            name, words = rejected
            reasons.update((name, word) for word in words)
    if not feasible:
        return _refusal(turn, reasons)
    table = rated(turn, feasible)
    totals = {name: sum(plugins.values()) for name, plugins in table.items()}
    best = min(totals, key=lambda name: (-totals[name], world.place_in_order[name]))
    devices = devices_for(world, pod, world.machines[best])
    return Decision(pod.key, best, devices, "", dict(reasons), table)


def rated(turn: Turn, feasible: Sequence[Machine]) -> dict[str, dict[str, int]]:
    """What each plugin gives each feasible node, weight included."""
    table: dict[str, dict[str, int]] = {machine.node.name: {} for machine in feasible}
    for score in turn.policy.scores:
        for name, value in scores.of_every(score.plugin, turn, feasible).items():
            table[name][score.plugin] = score.weight * value
    return table


def _refusal(turn: Turn, reasons: Counter[tuple[str, str]]) -> Decision:
    nodes = len(turn.machines)
    if not nodes:
        return Decision(turn.pod.key, "", (), "no nodes available to schedule pods", {}, {})
    if "NodeAffinity" in turn.policy.filters and named_nodes(turn.pod) == set():
        message = f"0/{nodes} nodes are available: {CONFLICT}."
        return Decision(turn.pod.key, "", (), message, {("NodeAffinity", CONFLICT): nodes}, {})
    words = sorted(f"{count} {detail}" for (_, detail), count in reasons.items())
    message = f"0/{nodes} nodes are available: {', '.join(words)}."
    return Decision(turn.pod.key, "", (), message, dict(reasons), {})


def run(world: World) -> Iterator[Decision]:
    """Work off the queue; pods behind scheduling gates are refused at the end."""
    for pod in world.queue():
        decision = decide(world, pod)
        if decision.node:
            commit(world, pod, decision)
        yield decision
    gated = [pod for pod in world.snapshot.pods if pod.node is None and pod.spec.gates]
    for pod in sorted(gated, key=lambda pod: (-pod.priority, pod.created, pod.namespace, pod.name)):
        yield Decision(pod.key, "", (), GATED, {}, {})


def commit(world: World, pod: Pod, decision: Decision) -> None:
    """Put a pod where it was decided to go."""
    machine = world.machines[decision.node]
    machine.add(pod)
    for index in decision.devices:
        machine.devices[index].give(pod.spec.devices)


def plan(snapshot: Snapshot, policy: Policy, order: Sequence[str] = ()) -> list[Decision]:
    """Every decision for a snapshot, in the order they are made.

    Args:
        snapshot: the cluster.
        policy: the policy.
        order: all node names in the order that breaks ties; by name when not given.
    """
    return list(run(World(snapshot, policy, order)))
