"""What happens to nodes: changes that are known, markets that lose their capacity, failures.

All of it is drawn lazily, as far as the simulation goes. The failures of a node come from random numbers of its own,
derived from the seed and the node's name, and those of a market from its name: a node or a market more changes nothing
for the others, and two scenarios that differ in one node can be compared.
"""

from __future__ import annotations

import hashlib
import heapq
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np

from yuheng.errors import InputError
from yuheng.model.node import Node
from yuheng.model.scenario import Failures, Market, NodeChange, Scenario

__all__ = ["Disturbance", "disturbances", "initially_absent"]

Kind = Literal["add", "remove", "fail", "recover", "drain", "uncordon", "reclaim", "restore"]
# How many failures of a node are drawn at once: enough that drawing costs little, few enough not to waste most.
_BATCH: Final = 8


class Disturbance(NamedTuple):
    """Something that happens to nodes.

    A node can be gone for several reasons at once (it failed, and its market is gone): each ends by itself, and the
    node is back when none is left. Whoever uses disturbances counts them for each node.

    Attributes:
        time: seconds since the start.
        kind: those of `NodeChange`; ``reclaim`` and ``restore`` when a market's capacity goes and comes back.
        nodes: indices of the nodes.
    """

    time: float
    kind: Kind
    nodes: tuple[int, ...]


# Who comes first at the same time: changes, markets, failures, each in the order of the scenario and of its nodes.
_Order = tuple[int, int, int]
_Ordered = tuple[float, _Order, Disturbance]


def disturbances(scenario: Scenario, nodes: Sequence[Node], seed: int) -> Iterator[Disturbance]:
    """Everything that happens to nodes, in the order of time.

    Args:
        scenario: its changes, markets and failures.
        nodes: what the indices in the result count; names are unique.
        seed: 0 or more; the same seed gives the same disturbances on every machine.

    Yields:
        Disturbances, without end where nodes fail or a market comes and goes; at equal times changes first, then
        markets, then failures. A market that has no capacity at the start is reclaimed at second 0.

    Raises:
        InputError: a change names an unknown node, or times of failures or markets cannot be used. Raised at the first
            disturbance that is asked for.
    """
    sources: list[Iterator[_Ordered]] = [_changes(scenario.changes, nodes)]
    sources += [_market(market, _matching(nodes, market.labels), seed, m) for m, market in enumerate(scenario.markets)]
    sources += [
        _failures(failures, nodes[n].name, seed, (2, n, f))
        for f, failures in enumerate(scenario.failures)
        for n in _matching(nodes, failures.labels)
    ]
    for _time, _order, disturbance in heapq.merge(*sources):
        yield disturbance


def initially_absent(scenario: Scenario, nodes: Sequence[Node]) -> tuple[int, ...]:
    """The nodes that are not there at the start: those whose first change is that they are added.

    Returns:
        Their indices in ``nodes``, ascending.
    """
    first: dict[str, str] = {}
    for change in _sorted(scenario.changes):
        for name in change.nodes:
            first.setdefault(name, change.kind)
    return tuple(n for n, node in enumerate(nodes) if first.get(node.name) == "add")


def _matching(nodes: Sequence[Node], labels: Mapping[str, str]) -> tuple[int, ...]:
    """The nodes that have all these labels."""
    wanted = labels.items()
    return tuple(n for n, node in enumerate(nodes) if wanted <= node.labels.items())


def _sorted(changes: Sequence[NodeChange]) -> list[NodeChange]:
    """By time; those of one time in the order they were written."""
    return sorted(changes, key=lambda change: change.time)


def _changes(changes: Sequence[NodeChange], nodes: Sequence[Node]) -> Iterator[_Ordered]:
    index = {node.name: n for n, node in enumerate(nodes)} if changes else {}
    for number, change in enumerate(_sorted(changes)):
        unknown = next((name for name in change.nodes if name not in index), None)
        if unknown is not None:
            raise InputError(
                repr(unknown), "the name of a node", subject=f"the change at {change.time:g} s", field="nodes"
            )
        changed = tuple(index[name] for name in change.nodes)
        yield change.time, (0, number, 0), Disturbance(change.time, change.kind, changed)


def _market(market: Market, nodes: tuple[int, ...], seed: int, number: int) -> Iterator[_Ordered]:
    """When its capacity goes and comes back, by its trace, again and again."""
    length = len(market.available)
    if not length or not (math.isfinite(market.gap) and market.gap > 0.0):
        raise InputError(
            f"{length} elements of {market.gap:g} s",
            "one element at least, each of more than 0 s",
            subject=f"market {market.name}",
        )
    available = np.asarray(market.available, dtype=np.bool_)
    offset = _offset(market, seed)
    # By the same products as below: a quotient could round to the other side of an element's beginning.
    now = bool(available[np.searchsorted(np.arange(length) * market.gap, offset, side="right") - 1])
    if nodes and not now:
        yield 0.0, (1, number, 0), Disturbance(0.0, "reclaim", nodes)
    # Element e differs from the one before it; that before the first is the last.
    turns = np.flatnonzero(available != np.roll(available, 1)).tolist() if nodes else []
    cycle = 0
    while turns:
        for element in turns:
            time = (cycle * length + element) * market.gap - offset
            if time > 0.0:
                kind: Kind = "restore" if available[element] else "reclaim"
                yield time, (1, number, 0), Disturbance(time, kind, nodes)
        cycle += 1


def _offset(market: Market, seed: int) -> float:
    """Seconds into the trace at the start: 0 or more, less than the trace is long (which rounding could make it)."""
    whole = len(market.available) * market.gap
    if market.offset is None:
        return float(_rng(seed, "market", market.name).random()) * whole
    offset = market.offset % whole
    return offset if offset < whole else 0.0


def _failures(failures: Failures, name: str, seed: int, order: _Order) -> Iterator[_Ordered]:
    """The failures and repairs of one node: an alternating renewal process."""
    if not (failures.mtbf > 0.0 and failures.mttr >= 0.0):
        raise InputError(
            f"mtbf {failures.mtbf:g} s and mttr {failures.mttr:g} s",
            "an mtbf above 0 and an mttr of 0 or more",
            field="failures",
        )
    rng = _rng(seed, f"failures {order[2]}", name)
    node = (order[1],)
    time = 0.0
    while True:
        for works, lasts in rng.standard_exponential((_BATCH, 2)).tolist():
            time += works * failures.mtbf
            if time == math.inf:
                return
            yield time, order, Disturbance(time, "fail", node)
            time += lasts * failures.mttr
            if time == math.inf:
                return
            yield time, order, Disturbance(time, "recover", node)


def _rng(seed: int, kind: str, name: str) -> np.random.Generator:
    """Random numbers that depend on the seed and on this name alone."""
    digest = hashlib.blake2b(f"{kind}\0{name}".encode(), digest_size=16).digest()
    words = np.frombuffer(digest, dtype="<u4").tolist()
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, *words))))
