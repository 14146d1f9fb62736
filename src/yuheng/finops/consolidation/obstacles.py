"""Which pods may be evicted, which end with their node, and which keep their node where it is.

What is respected is what the autoscalers in use respect: Karpenter's and the cluster autoscaler's annotations,
PodDisruptionBudgets, pods that nobody would start again, pods of the system, and gangs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from yuheng.finops.node_pods import CONTROL_PLANE, of_the_node
from yuheng.model.cluster import PodDisruptionBudget, Snapshot
from yuheng.model.node import Node
from yuheng.model.pod import Pod

__all__ = ["DELETION_COST", "Fate", "fates", "node_obstacle", "rounds"]

DO_NOT_DISRUPT: Final = "karpenter.sh/do-not-disrupt"
# What Karpenter's annotation was called before version 1.
DO_NOT_EVICT: Final = "karpenter.sh/do-not-evict"
SAFE_TO_EVICT: Final = "cluster-autoscaler.kubernetes.io/safe-to-evict"
DELETION_COST: Final = "controller.kubernetes.io/pod-deletion-cost"
SYSTEM: Final = "kube-system"

Annotations = Mapping[str, Mapping[str, str]]


class Fate(NamedTuple):
    """What becomes of a pod when its node goes.

    Attributes:
        vanishes: it ends with the node and is not placed elsewhere.
        obstacle: why it may not be evicted, as a sentence about it; empty when it may.
        limits: what bounds how many like it are evicted at once, each with how many it allows.
    """

    vanishes: bool = False
    obstacle: str = ""
    limits: tuple[tuple[str, int], ...] = ()


def fates(snapshot: Snapshot, annotations: Annotations, *, bare: bool, steady: bool) -> list[Fate]:
    """What becomes of each pod of a snapshot, in its order, when its node goes.

    Args:
        snapshot: the cluster.
        annotations: of the pods, by ``namespace/name``.
        bare: whether pods without a controller may be evicted: somebody starts them again.
        steady: whether obstacles of the moment count for nothing: what pods may not be disturbed by today, and what a
            month of restarts does all the same.
    """
    gangs = _gangs(snapshot)
    budgets = _budgets(snapshot)
    found = []
    for i, pod in enumerate(snapshot.pods):
        if pod.terminating or of_the_node(pod):
            found.append(Fate(vanishes=True))
            continue
        if steady:
            found.append(Fate())
            continue
        limits = budgets.get(i, ())
        obstacle = _own_obstacle(pod, annotations.get(pod.key, {}), bare=bare, budgeted=bool(limits))
        gang = gangs.get(pod.job)
        obstacle = obstacle or _obstacle_of(limits) or _gang_obstacle(gang)
        found.append(Fate(False, obstacle, limits if gang is None else (*limits, gang)))
    return found


def _own_obstacle(pod: Pod, notes: Mapping[str, str], *, bare: bool, budgeted: bool) -> str:
    """What the pod itself has against its eviction."""
    for key in (DO_NOT_DISRUPT, DO_NOT_EVICT):
        # Karpenter takes "true" or, lately, for how long: whatever is not "false" holds.
        if notes.get(key, "false") != "false":
            return f"it is annotated {key}={notes[key]}"
    safe = notes.get(SAFE_TO_EVICT)
    if safe == "false":
        return f"it is annotated {SAFE_TO_EVICT}=false"
    if pod.owner is None and not pod.job and not bare and safe != "true":
        return "it has no controller that would start it again"
    if pod.namespace == SYSTEM and not budgeted and safe != "true":
        return f"it is of {SYSTEM} and has no PodDisruptionBudget"
    return ""


def _obstacle_of(limits: Sequence[tuple[str, int]]) -> str:
    if len(limits) > 1:
        names = ", ".join(name for name, _ in limits)
        return f"it has more than one PodDisruptionBudget, which Kubernetes never evicts: {names}"
    return next((f"{name} allows no disruption now" for name, allowed in limits if allowed <= 0), "")


def _gang_obstacle(gang: tuple[str, int] | None) -> str:
    return f"{gang[0]} has no pod above its minimum" if gang is not None and gang[1] <= 0 else ""


def _budgets(snapshot: Snapshot) -> dict[int, tuple[tuple[str, int], ...]]:
    """The PodDisruptionBudgets of each pod that has any, by its place; pods with equal labels have the same."""
    spaces: dict[str, list[PodDisruptionBudget]] = {}
    for budget in snapshot.budgets:
        spaces.setdefault(budget.namespace, []).append(budget)
    known: dict[tuple[str, frozenset[tuple[str, str]]], tuple[tuple[str, int], ...]] = {}
    found = {}
    for i, pod in enumerate(snapshot.pods):
        if pod.namespace not in spaces:
            continue
        key = (pod.namespace, frozenset(pod.labels.items()))
        if key not in known:
            known[key] = tuple(
                (f"PodDisruptionBudget {one.namespace}/{one.name}", one.disruptions_allowed)
                for one in spaces[pod.namespace]
                if one.selector.matches(pod.labels)
            )
        if known[key]:
            found[i] = known[key]
    return found


def _gangs(snapshot: Snapshot) -> dict[str, tuple[str, int]]:
    """By job, its name as a sentence has it, and how many of its running pods are above its minimum."""
    running = Counter(pod.job for pod in snapshot.pods if pod.job and pod.node is not None and not pod.terminating)
    return {
        job.key: (f"gang {job.key}", running[job.key] + job.succeeded - job.min_available)
        for job in snapshot.jobs
        if job.min_available > 1
    }


def node_obstacle(node: Node) -> str:
    """Why a node stays whatever runs on it, as a sentence; empty where nothing speaks for it."""
    label = next((key for key in CONTROL_PLANE if key in node.labels), "")
    return f"it is of the control plane ({label})" if label else ""


def rounds(pods: Sequence[Fate]) -> list[int]:
    """In which round each pod of a step is evicted, in their order: as early as its limits allow, none before another.

    Args:
        pods: the pods of a step, in the order of their eviction; none has an obstacle.
    """
    gone: Counter[tuple[str, int]] = Counter()
    found, current = [], 1
    for fate in pods:
        if any(gone[name, current] >= allowed for name, allowed in fate.limits):
            current += 1
        gone.update((name, current) for name, _ in fate.limits)
        found.append(current)
    return found
