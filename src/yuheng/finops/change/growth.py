"""Which nodes to add so that pods without a place get one, and how many: asked of the scheduler, not of a formula.

Kinds of nodes are tried in the order of the least that they could cost (what the pods ask for over what a node has).
A number of nodes is enough when the scheduler places every pod on a cluster that has them; the least such number is
found by doubling and halving. The cheapest kind that holds all pods is taken; where none holds them all, the one that
holds most is, and the rest is asked for again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from yuheng.finops.node_pods import daemons_of, inherited, of_the_node, on_node, served, unbound
from yuheng.model.cluster import Snapshot
from yuheng.model.cost_change import MoreNodes
from yuheng.model.fleet import ClusterPool
from yuheng.model.labels import HOSTNAME, INSTANCE_TYPE
from yuheng.model.node import Node
from yuheng.model.node_price import NodePrice
from yuheng.model.plan import Refusal
from yuheng.model.pod import Pod
from yuheng.model.units import HOURS_A_MONTH

__all__ = ["Grown", "NodeKind", "Schedule", "grow", "node_kinds"]

# Taints that Kubernetes sets by itself: a cordon, pressure, an outage. A new node has none of them.
_CONDITIONS: Final = "node.kubernetes.io/"
# Without a pool nobody says how many nodes there can be: more than this is no answer to a pull request.
MOST_NODES: Final = 1000

Schedule = Callable[[Snapshot], tuple[tuple[Pod, ...], tuple[Refusal, ...]]]
"""Places the pending pods of a snapshot: the pods that got a node, and the refusals of those that did not."""


class NodeKind(NamedTuple):
    """A kind of node that could be added.

    Attributes:
        like: what people call it: the pool, the instance type, or a node of the kind.
        node: what each looks like.
        per_month: US dollars of one; None when unknown.
        most: how many there can be.
        exists: whether ``node`` is one of the cluster; else it is a pool's.
    """

    like: str
    node: Node
    per_month: float | None
    most: int = MOST_NODES
    exists: bool = False


class Grown(NamedTuple):
    """Nodes that were added, and who still has no place.

    Attributes:
        more: the nodes, by kind.
        refused: refusals that remain.
        pods: that have a place now.
    """

    more: tuple[MoreNodes, ...] = ()
    refused: tuple[Refusal, ...] = ()
    pods: int = 0


class _Trial(NamedTuple):
    """So many nodes of a kind, and what they hold."""

    kind: NodeKind
    nodes: int
    snapshot: Snapshot
    refused: tuple[Refusal, ...]


def node_kinds(
    nodes: Sequence[Node], prices: Mapping[str, NodePrice], pools: Sequence[tuple[ClusterPool, float | None]] = ()
) -> tuple[NodeKind, ...]:
    """The kinds of nodes a cluster could have more of: those of its pools, or, where it has none, of those it has.

    Nodes are of one kind when they have the same size, labels (but the hostname), taints and price.

    Args:
        nodes: of the cluster.
        prices: of each, by its name.
        pools: with US dollars per hour of a node of each; None when unknown.
    """
    if pools:
        return tuple(
            NodeKind(pool.name, pool.node, None if price is None else price * HOURS_A_MONTH, pool.maximum)
            for pool, price in pools
        )
    found: dict[object, NodeKind] = {}
    for node in nodes:
        labels = {key: value for key, value in node.labels.items() if key != HOSTNAME}
        price = prices.get(node.name)
        per_month = None if price is None else price.per_hour * HOURS_A_MONTH
        told = (labels, _lasting(node), node.allocatable, node.devices, per_month)
        like = node.labels.get(INSTANCE_TYPE) or node.name
        found.setdefault(msgspec.json.encode(told, order="sorted"), NodeKind(like, node, per_month, exists=True))
    return tuple(found.values())


def grow(snapshot: Snapshot, refused: Sequence[Refusal], kinds: Sequence[NodeKind], schedule: Schedule) -> Grown:
    """Add nodes until every pod that was refused has a place, or no kind of node helps.

    Args:
        snapshot: the cluster; of its pending pods all were refused.
        refused: their refusals.
        kinds: what may be added.
        schedule: asks the scheduler.
    """
    waiting = len(refused)
    added: list[MoreNodes] = []
    left = tuple(refused)
    while left:
        best = _best(snapshot, left, kinds, schedule)
        if best is None:
            break
        price = best.kind.per_month
        added.append(
            MoreNodes(like=best.kind.like, nodes=best.nodes, per_month=None if price is None else price * best.nodes)
        )
        snapshot, left = best.snapshot, best.refused
        kinds = [kind for kind in kinds if kind is not best.kind]
    return Grown(tuple(added), left, waiting - len(left))


def _best(
    snapshot: Snapshot, refused: Sequence[Refusal], kinds: Sequence[NodeKind], schedule: Schedule
) -> _Trial | None:
    """The cheapest kind that holds all pods; else the one that holds most of them, then the cheapest."""
    pods = snapshot.pending()
    useful = [kind for kind in kinds if any(_is_smaller(pod, kind) for pod in pods)]
    best: _Trial | None = None
    for kind in sorted(useful, key=lambda kind: (_cost(kind, _least(pods, kind)), kind.like)):
        if best is not None and not best.refused and _cost(kind, _least(pods, kind)) >= _cost(best.kind, best.nodes):
            break
        trial = _tried(snapshot, pods, kind, schedule)
        if len(trial.refused) == len(refused):
            continue
        if best is None or _rank(trial) < _rank(best):
            best = trial
    return best


def _rank(trial: _Trial) -> tuple[int, float, int, str]:
    return len(trial.refused), _cost(trial.kind, trial.nodes), trial.nodes, trial.kind.like


def _cost(kind: NodeKind, nodes: int) -> float:
    """US dollars a month; a kind without a price comes after all that have one."""
    return math.inf if kind.per_month is None else kind.per_month * nodes


def _is_smaller(pod: Pod, kind: NodeKind) -> bool:
    """Whether an empty node of a kind has what a pod asks for."""
    offered, wanted = kind.node.allocatable, pod.spec.requests
    return all(amount <= offered.get(name, 0) for name, amount in wanted.items())


def _least(pods: Iterable[Pod], kind: NodeKind) -> int:
    """No fewer nodes than these hold those of the pods that fit on one at all, by any one resource alone."""
    sums: dict[str, int] = {}
    for pod in pods:
        if not _is_smaller(pod, kind):
            continue
        for name, amount in pod.spec.requests.items():
            sums[name] = sums.get(name, 0) + amount
    shares = (
        amount / kind.node.allocatable[name] for name, amount in sums.items() if kind.node.allocatable.get(name, 0)
    )
    return max(1, math.ceil(max(shares, default=0.0) - 1e-9))


def _tried(snapshot: Snapshot, pods: Sequence[Pod], kind: NodeKind, schedule: Schedule) -> _Trial:
    """The fewest nodes of a kind that hold as many of the pods as any number of them would."""
    most = min(kind.most, max(len(pods), 1), MOST_NODES)
    fewest = min(_least(pods, kind), most)
    found = _with(snapshot, kind, fewest, schedule)
    nodes = fewest
    while found.refused and nodes < most:
        nodes = min(2 * nodes, most)
        wider = _with(snapshot, kind, nodes, schedule)
        if len(wider.refused) == len(found.refused) and nodes == most:
            break
        fewest, found = (found.nodes + 1, wider) if len(wider.refused) < len(found.refused) else (fewest, found)
    # Where some pods fit on no node of the kind, the least there is room in by size says nothing.
    return _halved(snapshot, found, 1 if found.refused else fewest, schedule)


def _halved(snapshot: Snapshot, found: _Trial, fewest: int, schedule: Schedule) -> _Trial:
    """Fewer nodes that hold no fewer pods."""
    low, best = fewest, found
    while low < best.nodes:
        middle = (low + best.nodes) // 2
        trial = _with(snapshot, found.kind, middle, schedule)
        if len(trial.refused) <= len(best.refused):
            best = trial
        else:
            low = middle + 1
    return best


def _with(snapshot: Snapshot, kind: NodeKind, count: int, schedule: Schedule) -> _Trial:
    """The cluster with so many nodes of a kind, and its pending pods placed."""
    taken = {node.name for node in snapshot.nodes}
    fresh = [_fresh(kind, number, taken) for number in range(count)]
    daemons = _daemons(snapshot, kind, fresh[0]) if fresh else []
    running = [pod for node in fresh for pod in on_node(node, daemons)]
    nodes = tuple(sorted((*snapshot.nodes, *fresh), key=lambda node: node.name))
    wider: Snapshot = msgspec.structs.replace(snapshot, nodes=nodes, pods=(*snapshot.pods, *running))
    pods, refused = schedule(wider)
    return _Trial(kind, count, msgspec.structs.replace(wider, pods=pods), refused)


def _fresh(kind: NodeKind, number: int, taken: set[str]) -> Node:
    """A new node of a kind, in good health, under a name that nobody has."""
    name = f"{kind.like}-new-{number}"
    while name in taken:
        name += "-new"
    node: Node = msgspec.structs.replace(
        kind.node,
        name=name,
        labels={**kind.node.labels, HOSTNAME: name},
        taints=_lasting(kind.node),
        unschedulable=False,
        ready=True,
    )
    return node


def _lasting(node: Node) -> tuple[object, ...]:
    return tuple(taint for taint in node.taints if not taint.key.startswith(_CONDITIONS))


def _daemons(snapshot: Snapshot, kind: NodeKind, node: Node) -> list[Pod]:
    """The pods that a new node of a kind comes with: those of the node it is like, else of all DaemonSets it serves."""
    own = [pod for pod in snapshot.pods if pod.node is not None and of_the_node(pod)]
    if kind.exists:
        return inherited(node, [unbound(pod) for pod in own if pod.node == kind.node.name])
    return served(node, daemons_of(msgspec.structs.replace(snapshot, pods=tuple(own))), snapshot)
