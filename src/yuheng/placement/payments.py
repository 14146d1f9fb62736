"""How a program pays for nodes that are bought: each hour of a node once, whoever is on it in that hour.

The time for which a node may be paid is cut into slots in which the same workloads would be there. A column says
whether the node is open in a slot (how many nodes are, where a group counts as one machine); it is if any of those
workloads has a pod on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from yuheng.placement.opened import Span
from yuheng.placement.program import Program
from yuheng.placement.terrain import Terrain

__all__ = ["Place", "User", "is_paid", "pay"]


class User(NamedTuple):
    """Pods of one template of a workload that may be put on a node, or in a group.

    Attributes:
        case: the workload.
        column: of the program: how many there are.
        asked: what one of them takes, by resource.
    """

    case: int
    column: int
    asked: Mapping[str, float]


class Place(NamedTuple):
    """A node, or the nodes of a group as one machine.

    Attributes:
        nodes: that can be opened in it.
        free: what one of them has free, by resource.
        beside: what is free on nodes of the group that are open anyway; empty for a node.
        paid: when a node is paid already.
    """

    nodes: int
    free: Mapping[str, float]
    beside: Mapping[str, float]
    paid: Sequence[Span] = ()


class _Slot(NamedTuple):
    """A stretch of time (or several that are alike), the workloads that would be there, and its US dollars a node."""

    there: frozenset[int]
    dollars: float


def pay(
    program: Program,
    terrain: Terrain,
    g: int,
    place: Place,
    users: Sequence[User],
    spans: Mapping[int, Span],
    unit: float,
) -> list[int]:
    """Add the columns and rows that pay for a place; the columns of its slots, the dearest first.

    Args:
        program: they are added to it.
        terrain: has the prices.
        g: the group.
        place: the node, or all of them.
        users: who may be there.
        spans: by workload, when it would pay for a node if it were alone there.
        unit: what a dollar weighs in the program.
    """
    slots = _slots(terrain, g, spans, place.paid)
    columns = [program.column(unit * slot.dollars, float(place.nodes), whole=True) for slot in slots]
    for i, slot in enumerate(slots):
        for j in _next_smaller(slots, i):
            program.row([(columns[i], 1.0), (columns[j], -1.0)], lower=0.0)
        mine = [user for user in users if user.case in slot.there]
        _fit(program, columns[i], place, mine)
        for user in mine:
            if not any(user.case in slots[j].there for j in _smaller(slots, i)):
                _open(program, columns[i], place, user)
    return columns


def _slots(terrain: Terrain, g: int, spans: Mapping[int, Span], paid: Sequence[Span]) -> list[_Slot]:
    """The stretches of time that are not paid yet, the dearest first; those with the same workloads as one."""
    dollars: dict[frozenset[int], float] = {}
    moments = sorted({moment for span in (*spans.values(), *paid) for moment in span})
    for begin, end in pairwise(moments):
        there = frozenset(i for i, span in spans.items() if span.begin <= begin and end <= span.end)
        if there and not any(is_paid(span, begin, end) for span in paid):
            dollars[there] = dollars.get(there, 0.0) + terrain.dollars(g, begin, end)
    slots = [_Slot(there, amount) for there, amount in dollars.items() if amount > 0]
    return sorted(slots, key=lambda slot: (-slot.dollars, sorted(slot.there)))


def is_paid(span: Span, begin: float, end: float) -> bool:
    """Whether a time covers a stretch of it."""
    return span.begin <= begin and end <= span.end


def _smaller(slots: Sequence[_Slot], i: int) -> Iterator[int]:
    """The slots in which some of the workloads of another are, and nobody else: who is there, is in that one, too."""
    return (j for j, slot in enumerate(slots) if slot.there < slots[i].there)


def _next_smaller(slots: Sequence[_Slot], i: int) -> Iterator[int]:
    """Those of them with no other in between."""
    below = list(_smaller(slots, i))
    return (j for j in below if not any(slots[j].there < slots[k].there for k in below))


def _fit(program: Program, column: int, place: Place, users: Sequence[User]) -> None:
    """What is there in a slot fits on the nodes that are open in it."""
    for name in sorted({name for user in users for name in user.asked}):
        terms = [(user.column, user.asked.get(name, 0.0)) for user in users]
        program.row([*terms, (column, -place.free.get(name, 0.0))], upper=place.beside.get(name, 0.0))


def _open(program: Program, column: int, place: Place, user: User) -> None:
    """Who has a pod there opens a node; one holds so many pods."""
    held, beside = (_copies(amounts, user) for amounts in (place.free, place.beside))
    program.row([(user.column, 1.0), (column, -float(held))], upper=float(beside))


def _copies(free: Mapping[str, float], user: User) -> int:
    return min(int(free.get(name, 0.0) / amount + 1e-9) for name, amount in user.asked.items())
