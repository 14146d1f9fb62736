"""The least that any set of these nodes can cost which holds the same pods: a linear program.

Every pod may be cut into pieces, and every node bought in part: a node that is bought to a share x costs x of its price
and holds x of what it has. A pod's pieces lie on nodes that let it on and could hold all of it, or on a node like the
one where it runs now; a node that could hold so many pods of a class when it is empty holds no more than x of those.
Nodes whose pods may not be moved are bought whole. Each way to keep nodes, replacements aside, is a solution of this
program, so none is cheaper than its optimum.

Pods of one class are alike to it, and so are nodes of one price that have as much of everything and let the same
classes on: they share their columns, which leaves the optimum as it is.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.consolidation.ground import Ground
from yuheng.model.cluster import Snapshot
from yuheng.model.labels import HOSTNAME
from yuheng.model.pod import Pod
from yuheng.placement.program import Program

__all__ = ["Bound", "Demand", "is_lonely", "lower_bound"]

# Pairs of a class and a kind of node that are told apart; above, only sums over all pods are looked at.
_MOST_PAIRS: Final = 150_000
_ITERATIONS: Final = 400_000
# A quotient that is this near to the next whole number is it.
_WHOLE: Final = 1e-9


class Demand(NamedTuple):
    """What pods ask for, by class.

    Attributes:
        class_of: (P,) the row of each pod's class.
        admitted: (classes, N) whether what a node is lets a class onto it.
        requests: (P, R) what each pod asks for.
        capacity: (N, R) what each node has.
        places: how many places among a node's pods each pod takes: 1, or 0 where nothing counts them.
        devices: (P,) thousandths of GPUs that each pod takes.
        device_capacity: (N,) thousandths of GPUs that each node has.
        lonely: (classes,) whether pods of a class keep away from each other, node by node.
    """

    class_of: NDArray[np.int64]
    admitted: NDArray[np.bool_]
    requests: NDArray[np.int64]
    capacity: NDArray[np.int64]
    places: int
    devices: NDArray[np.int64]
    device_capacity: NDArray[np.int64]
    lonely: NDArray[np.bool_]


def is_lonely(pod: Pod, snapshot: Snapshot) -> bool:
    """Whether a pod keeps all pods of its own labels and namespace off its node (required anti-affinity)."""
    names = {node.labels.get(HOSTNAME) for node in snapshot.nodes}
    if None in names or len(names) < len(snapshot.nodes):
        return False
    return any(
        term.topology_key == HOSTNAME
        and term.label_selector is not None
        and term.label_selector.matches(pod.labels)
        and not term.match_label_keys
        and not term.mismatch_label_keys
        and term.namespace_selector is None
        and (not term.namespaces or pod.namespace in term.namespaces)
        for term in pod.spec.affinity.pod_anti_affinity.required
    )


def lower_bound(ground: Ground, demand: Demand) -> Bound:
    """The least that any set of the nodes can cost which holds their pods.

    Where the program is too large for its limits, that is what the nodes cost that stay in any case.

    Args:
        ground: the cluster.
        demand: what its pods ask for.
    """
    fixed = np.array([obstacle is not None for obstacle in ground.obstacles], dtype=np.bool_)
    moving = np.array([not fate.vanishes for fate in ground.fates], dtype=np.bool_)
    certain = float(ground.per_hour[fixed].sum())
    if not moving.any():
        return Bound(certain, fixed.astype(np.float64))
    rows, room = _amounts(ground, demand, moving)
    classes, count, each = _classes(demand, rows, moving)
    open_to = _open_to(ground, demand, classes, moving, _holds_one(each, room))
    kinds = _kinds(ground, fixed, room, open_to)
    if len(count) * len(kinds.price) > _MOST_PAIRS:
        found, bought = _by_sums(kinds, count @ each)
    else:
        found, bought = _by_classes(kinds, count, each, _lonely(ground, demand, moving)[classes])
    return Bound(max(found, certain), (bought / kinds.number)[kinds.of_node])


class Bound(NamedTuple):
    """The optimum of the program.

    Attributes:
        per_hour: US dollars per hour; no set of nodes that holds the pods costs less.
        kept: (N,) to what part each node is bought.
    """

    per_hour: float
    kept: NDArray[np.float64]


class _Kinds(NamedTuple):
    """Nodes that are alike: how many, what one costs and has, which classes it takes, whether it stays, which they are.

    All nodes that stay and take the same classes are one; ``nodes`` says how many a kind's one node stands for.
    """

    nodes: NDArray[np.float64]
    number: NDArray[np.float64]
    price: NDArray[np.float64]
    room: NDArray[np.float64]
    open_to: NDArray[np.bool_]
    fixed: NDArray[np.bool_]
    of_node: NDArray[np.int64]


def _amounts(ground: Ground, demand: Demand, moving: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(P, R + 2) what pods ask for, GPUs and a place among a node's pods included; (N, R + 2) room for those that move.

    A node that holds more than it has (its requests grew, say) has as much as it holds.
    """
    ones = np.full((len(demand.requests), 1), demand.places, dtype=np.int64)
    rows = np.hstack([demand.requests, demand.devices[:, None], ones])
    limits = [node.allocatable.get("pods", 0) for node in ground.snapshot.nodes]
    room = np.hstack([demand.capacity, demand.device_capacity[:, None], np.array(limits, dtype=np.int64)[:, None]])
    home = _home(ground)
    held = np.zeros_like(room)
    np.add.at(held, home[moving], rows[moving])
    np.subtract.at(room, home[~moving], rows[~moving])
    return rows, np.maximum(room, held)


def _home(ground: Ground) -> NDArray[np.int64]:
    return np.array([ground.index[pod.node or ""] for pod in ground.snapshot.pods], dtype=np.int64)


def _classes(
    demand: Demand, rows: NDArray[np.int64], moving: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """The classes of pods that move, how many pods each has, and what one of them asks for."""
    classes, first, count = np.unique(demand.class_of[moving], return_index=True, return_counts=True)
    return classes, count.astype(np.float64), rows[moving][first].astype(np.float64)


def _lonely(ground: Ground, demand: Demand, moving: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(classes,) whether a node never has two pods of a class: they keep away from each other, and do so now."""
    together = np.zeros((len(demand.admitted), len(ground.per_hour)), dtype=np.int64)
    np.add.at(together, (demand.class_of[moving], _home(ground)[moving]), 1)
    lonely: NDArray[np.bool_] = demand.lonely & (together.max(axis=1, initial=0) <= 1)
    return lonely


def _holds_one(each: NDArray[np.float64], room: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(classes, N) whether a node could hold a whole pod of each class."""
    return np.array([(room >= row).all(axis=1) for row in each], dtype=np.bool_)


def _most_of_each(
    kinds: _Kinds, count: NDArray[np.float64], each: NDArray[np.float64], lonely: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """(classes, kinds) how many pods of each class alone a node of each kind could hold, one at least."""
    found = np.repeat(count[:, None], len(kinds.price), axis=1)
    for c, row in enumerate(each):
        asked = row > 0
        if asked.any():
            found[c] = np.minimum(found[c], np.floor(kinds.room[:, asked] / row[asked] + _WHOLE).min(axis=1))
        if lonely[c]:
            found[c] = np.minimum(found[c], kinds.nodes)
    # Where a pod is now, it is, whatever a node should hold.
    most: NDArray[np.float64] = np.maximum(found, kinds.open_to.astype(np.float64))
    return most


def _open_to(
    ground: Ground,
    demand: Demand,
    classes: NDArray[np.int64],
    moving: NDArray[np.bool_],
    holds_one: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """(classes, N) where a pod of each class may be: where it is let on and would fit, and where one is now."""
    place = np.full(len(demand.admitted), -1, dtype=np.int64)
    place[classes] = np.arange(len(classes))
    found = demand.admitted[classes] & holds_one
    found[place[demand.class_of[moving]], _home(ground)[moving]] = True
    return found


def _kinds(ground: Ground, fixed: NDArray[np.bool_], room: NDArray[np.int64], open_to: NDArray[np.bool_]) -> _Kinds:
    """Put nodes together that are alike."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for n in range(len(fixed)):
        # What stays anyhow is one store of room, whatever it costs.
        own = (room[n].tobytes(), float(ground.per_hour[n])) if not fixed[n] else ()
        groups.setdefault((own, open_to[:, n].tobytes()), []).append(n)
    members = list(groups.values())
    of_node = np.zeros(len(fixed), dtype=np.int64)
    for kind, nodes in enumerate(members):
        of_node[nodes] = kind
    heads = [nodes[0] for nodes in members]
    stays = fixed[heads]
    summed = [room[nodes].sum(axis=0) if fixed[nodes[0]] else room[nodes[0]] for nodes in members]
    prices = [ground.per_hour[nodes].sum() if fixed[nodes[0]] else ground.per_hour[nodes[0]] for nodes in members]
    counts = [1 if fixed[nodes[0]] else len(nodes) for nodes in members]
    stands_for = [len(nodes) if fixed[nodes[0]] else 1 for nodes in members]
    return _Kinds(
        np.array(stands_for, dtype=np.float64),
        np.array(counts, dtype=np.float64),
        np.array(prices, dtype=np.float64),
        np.array(summed, dtype=np.float64),
        open_to[:, heads],
        stays,
        of_node,
    )


def _by_sums(kinds: _Kinds, total: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """The optimum of a smaller program, in which all that is asked for of a resource lies anywhere, and what it buys.

    Each resource is by itself: pods of all sorts may share out what nodes have in any ratio.

    Args:
        kinds: of nodes.
        total: (R,) what all pods ask for.
    """
    program, bought = _buying(kinds)
    asked, room = _scaled(total[None, :], kinds.room)
    for r in np.flatnonzero(asked[0] > 0).tolist():
        program.row(zip(bought, room[:, r].tolist(), strict=True), float(asked[0, r]))
    return _outcome(program, kinds, bought)


def _buying(kinds: _Kinds) -> tuple[Program, list[int]]:
    """A program with a column for each kind of nodes: how many are bought, all of those that stay."""
    program = Program()
    offered = zip(kinds.price, kinds.number, strict=True)
    bought = [program.column(float(price), float(number)) for price, number in offered]
    for column, number, stays in zip(bought, kinds.number, kinds.fixed, strict=True):
        if stays:
            program.row([(column, 1.0)], float(number), float(number))
    return program, bought


def _scaled(asked: NDArray[np.float64], room: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Amounts in parts of the largest there is: bytes beside milli-cores would be lost in rounding."""
    scale = np.maximum(room.max(axis=0, initial=0.0), asked.max(axis=0, initial=0.0))
    scale[scale <= 0] = 1.0
    return asked / scale, room / scale


def _outcome(program: Program, kinds: _Kinds, bought: list[int]) -> tuple[float, NDArray[np.float64]]:
    outcome = program.relaxed(_ITERATIONS)
    if not outcome.is_proven or outcome.is_infeasible:
        return 0.0, kinds.number
    return outcome.bound, np.array(outcome.values[: len(bought)])


def _by_classes(
    kinds: _Kinds, count: NDArray[np.float64], each: NDArray[np.float64], lonely: NDArray[np.bool_]
) -> tuple[float, NDArray[np.float64]]:
    """The optimum of the program, and (kinds,) how many nodes of each kind it buys.

    Args:
        kinds: of nodes.
        count: (classes,) how many pods there are.
        each: (classes, R) what one of them asks for.
        lonely: (classes,) whether a node never has two of them.
    """
    program, bought = _buying(kinds)
    asked, room = _scaled(each, kinds.room)
    held: list[list[tuple[int, int]]] = [[] for _ in bought]
    most = _most_of_each(kinds, count, each, lonely)
    for c in range(len(count)):
        places = np.flatnonzero(kinds.open_to[c]).tolist()
        pieces = [program.column() for _ in places]
        program.row([(piece, 1.0) for piece in pieces], float(count[c]))
        for g, piece in zip(places, pieces, strict=True):
            held[g].append((c, piece))
            program.row([(piece, 1.0), (bought[g], -float(most[c, g]))], upper=0.0)
    for g, mine in enumerate(held):
        for r in np.flatnonzero(asked.any(axis=0)).tolist():
            terms = [(piece, float(asked[c, r])) for c, piece in mine if asked[c, r] > 0]
            if terms:
                program.row([*terms, (bought[g], -float(room[g, r]))], upper=0.0)
    return _outcome(program, kinds, bought)
