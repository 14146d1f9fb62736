"""Pods that could make way: who may be evicted for whom, and whose end would be enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from yuheng.model.cluster import PodDisruptionBudget
from yuheng.model.pod import Pod
from yuheng.scheduling.engine import Engine, Hand

__all__ = ["SYSTEM_CRITICAL", "Victim", "victims"]

# kube-scheduler never evicts what the system needs: this priority and above, and kube-system.
SYSTEM_CRITICAL: Final = 2_000_000_000


class Victim(NamedTuple):
    """A pod that would leave, and what has to be done about it, as a sentence."""

    pod: Pod
    sentence: str


def victims(engine: Engine, hand: Hand, pod: Pod, nodes: Sequence[int]) -> Iterator[Victim]:
    """Running pods on the given nodes, each of which alone holds as much as the pod lacks there.

    Pods that are terminating come first, then those of jobs (waiting costs nobody anything), then pods of lower
    priority that may be evicted: the lowest priority first, then the smallest.

    Args:
        engine: the cluster.
        hand: the class of the refused pod.
        pod: the refused pod.
        nodes: nodes where only room is missing.
    """
    names = [engine.machines.nodes[n].name for n in nodes]
    there = (item for name in names for item in engine.running_on.get(name, ()))
    enough = sorted((item for item in there if _frees_enough(engine, hand, item)), key=_size)
    for item in enough:
        if item.terminating:
            yield Victim(item, f"wait for {item.key} to finish terminating on {item.node}")
    staying = [item for item in enough if not item.terminating]
    for item in staying:
        if item.owner is not None and item.owner.kind == "Job":
            yield Victim(item, f"wait for job {item.namespace}/{item.owner.name} to end on {item.node}")
    for item in staying:
        if item.priority < pod.priority and _may_go(item, engine.snapshot.budgets):
            yield Victim(item, f"evict {item.key} (priority {item.priority}) from {item.node}")


def _size(pod: Pod) -> tuple[int, int, int, str]:
    requests = pod.spec.requests
    return pod.priority, requests.get("cpu", 0), requests.get("memory", 0), pod.key


def _frees_enough(engine: Engine, hand: Hand, item: Pod) -> bool:
    """Whether the node would have every resource the class needs, and a place among its pods, if the pod were gone."""
    window, w = hand.window, hand.row
    n = engine.machines.index[item.node or ""]
    if engine.cluster.pods[n] > engine.cluster.pod_limit[n]:
        return False
    for column in window.needs[window.need_start[w] : window.need_start[w + 1]].tolist():
        held = item.spec.requests.get(engine.resources.names[column], 0)
        free = engine.cluster.allocatable[n, column] - engine.cluster.used[n, column]
        if window.request[w, column] > free + held:
            return False
    return True


def _may_go(pod: Pod, budgets: Sequence[PodDisruptionBudget]) -> bool:
    if pod.namespace == "kube-system" or pod.priority >= SYSTEM_CRITICAL:
        return False
    return not any(
        budget.namespace == pod.namespace and budget.disruptions_allowed <= 0 and budget.selector.matches(pod.labels)
        for budget in budgets
    )
