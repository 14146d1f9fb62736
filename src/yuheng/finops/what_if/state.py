"""The cluster that changes are made to, what they may look up, and how pods find places on nodes that are new."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from yuheng.finops.consolidation.search import scoring
from yuheng.finops.node_pods import inherited, of_the_node, on_node, unbound
from yuheng.model.cluster import Snapshot
from yuheng.model.consolidation import Consolidation
from yuheng.model.node import Node
from yuheng.model.node_price import NodePrice
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.model.prices import PriceBook
from yuheng.model.what_if import Risk
from yuheng.scheduling.planner import plan

__all__ = ["Changed", "Fresh", "Known", "Sizes", "State", "after", "is_batch", "moved"]


class State(NamedTuple):
    """A cluster at its prices.

    Attributes:
        snapshot: every pod is bound.
        prices: of its nodes.
    """

    snapshot: Snapshot
    prices: tuple[NodePrice, ...]

    def by_name(self) -> dict[str, NodePrice]:
        """The prices by node."""
        return {price.node: price for price in self.prices}


class Sizes(NamedTuple):
    """What rightsizing recommends, by pod.

    Attributes:
        of_pod: how many milli-cores and bytes a pod should request more (less, where negative).
        minutes: minutes a month in which containers use more than the new requests, all of them together.
        strategy: whose rule it is.
        steered: containers left out, because an autoscaler chooses their replicas together with their requests.
    """

    of_pod: Mapping[str, tuple[int, int]]
    minutes: float
    strategy: str
    steered: int = 0


class Known(NamedTuple):
    """What changes may look up.

    Attributes:
        book: the price book.
        time: when prices are looked up, in seconds since the epoch.
        policy: what decides where pods go.
        seed: of everything random.
        annotations: of pods, by ``namespace/name``.
        gpu_use: by pod, what it used of its GPUs: devices, in 95 of 100 samples no more; None where nothing was
            measured.
        sizes: what rightsizing recommends; None where nothing was measured.
    """

    book: PriceBook
    time: float
    policy: Policy
    seed: int = 0
    annotations: Mapping[str, Mapping[str, str]] = {}
    gpu_use: Mapping[str, float] | None = None
    sizes: Sizes | None = None


class Fresh(NamedTuple):
    """A node that is started.

    Attributes:
        node: the node.
        price: what it costs.
        like: the name of the node whose place it takes: it gets pods of the same DaemonSets.
    """

    node: Node
    price: NodePrice
    like: str


class Changed(NamedTuple):
    """What a change makes of a cluster.

    Attributes:
        state: the cluster; no node has gone yet that can.
        text: what was changed, as a sentence.
        risk: told of the cluster when nodes have gone.
        unplaced: pods that have no place.
        assumptions: what the change stands on.
    """

    state: State
    text: str
    risk: Callable[[State], Risk]
    unplaced: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()


def is_batch(pod: Pod) -> bool:
    """Whether a pod is work that ends."""
    return bool(pod.job) or (pod.owner is not None and pod.owner.kind in ("Job", "CronJob"))


def moved(
    state: State, known: Known, loose: Sequence[Pod], fresh: Sequence[Fresh] = (), gone: Iterable[str] = ()
) -> tuple[State, tuple[str, ...]]:
    """Give pods other places, packed on as few nodes as that takes; those that find none stay where they were.

    Args:
        state: the cluster.
        known: the policy.
        loose: the pods as they are to be placed; they are among the pods of the cluster, by name.
        fresh: nodes that are added.
        gone: names of nodes that are taken away, unless a pod of theirs finds no other place.

    Returns:
        The cluster, and the pods that found no place.
    """
    leaving = set(gone)
    waiting = {pod.key: pod for pod in loose}
    old = {pod.key: pod for pod in state.snapshot.pods}
    stay = [pod for pod in state.snapshot.pods if pod.key not in waiting and pod.node not in leaving]
    nodes = [node for node in state.snapshot.nodes if node.name not in leaving]
    every = [*nodes, *(one.node for one in fresh)]
    daemons = _daemons(state, fresh)
    pending = [msgspec.structs.replace(pod, node=None, device_indices=()) for pod in loose]
    asked = _ordered(state.snapshot, every, [*stay, *daemons, *pending])
    found = {one.pod: one for one in plan(asked, scoring(known.policy, is_packed=True), known.seed).placements}
    placed = [
        msgspec.structs.replace(pod, node=found[pod.key].node, device_indices=found[pod.key].devices)
        for pod in pending
        if pod.key in found
    ]
    left = [old[pod.key] for pod in pending if pod.key not in found]
    # A node that nobody needs is not started.
    needed = {pod.node for pod in placed}
    started = [one for one in fresh if one.node.name in needed]
    daemons = [pod for pod in daemons if pod.node in needed]
    every = [*nodes, *(one.node for one in started)]
    kept = {pod.node for pod in left} & leaving
    back = [pod for pod in state.snapshot.pods if pod.node in kept and of_the_node(pod)]
    nodes_left = [*every, *(node for node in state.snapshot.nodes if node.name in kept)]
    snapshot = _ordered(state.snapshot, nodes_left, [*stay, *daemons, *placed, *left, *back])
    prices = {**state.by_name(), **{one.node.name: one.price for one in started}}
    result = State(snapshot, tuple(prices[node.name] for node in snapshot.nodes))
    return result, tuple(sorted(pod.key for pod in left))


def _daemons(state: State, fresh: Iterable[Fresh]) -> list[Pod]:
    """The pods that new nodes come with: those of the nodes whose places they take, as far as they let them on."""
    there: dict[str, list[Pod]] = {}
    for pod in state.snapshot.pods:
        if of_the_node(pod):
            there.setdefault(pod.node or "", []).append(unbound(pod))
    return [pod for one in fresh for pod in on_node(one.node, inherited(one.node, there.get(one.like, ())))]


def _ordered(snapshot: Snapshot, nodes: Iterable[Node], pods: Iterable[Pod]) -> Snapshot:
    """The snapshot with other nodes and pods, in the order that snapshots have."""
    found: Snapshot = msgspec.structs.replace(
        snapshot,
        nodes=tuple(sorted(nodes, key=lambda node: node.name)),
        pods=tuple(sorted(pods, key=lambda pod: (pod.namespace, pod.name))),
    )
    return found


def after(state: State, found: Consolidation) -> State:
    """The cluster when the nodes have gone that can."""
    where = {one.pod: one for step in found.steps for one in step.evictions}
    gone = {step.node for step in found.steps}
    pods = [
        msgspec.structs.replace(pod, node=where[pod.key].node, device_indices=where[pod.key].devices)
        if pod.key in where
        else pod
        for pod in state.snapshot.pods
    ]
    nodes = [node for node in state.snapshot.nodes if node.name not in gone]
    snapshot = _ordered(state.snapshot, nodes, [pod for pod in pods if pod.node not in gone])
    return State(snapshot, tuple(price for price in state.prices if price.node not in gone))
