"""What has to hold between queues: every parent is there, nobody is above itself, guarantees can be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.errors import InputError
from yuheng.model.quantity import format_amount
from yuheng.model.queue import DEFAULT_QUEUE, ROOT_QUEUE, Queue
from yuheng.readers.decoding import joined
from yuheng.readers.refusing import Refuse, strictly

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from yuheng.model.node import Node
    from yuheng.readers.sources.documents import Item

__all__ = ["check_guarantees", "check_tree", "with_default"]

PARENT_FIELDS: Final = {"Queue": "spec.parent", "ClusterQueue": "spec.cohort", "Cohort": "spec.parentName"}


def with_default(queues: Iterable[Queue]) -> tuple[Queue, ...]:
    """The queues, sorted by name, with the one that always exists."""
    known = {queue.name: queue for queue in queues}
    known.setdefault(DEFAULT_QUEUE, Queue(name=DEFAULT_QUEUE))
    return tuple(known[name] for name in sorted(known))


def check_tree(queues: Sequence[Queue], items: Mapping[str, Item], refuse: Refuse = strictly) -> list[Queue]:
    """Check parents; the queues that are in order.

    Args:
        queues: all queues.
        items: the objects they were read from, by name.
        refuse: is told of those whose parent is not in the input, and of those that are above themselves.
    """
    kept = list(queues)
    while wrong := _orphans(kept, items) or _circles(kept, items):
        for error in wrong.values():
            refuse(error)
        kept = [queue for queue in kept if queue.name not in wrong]
    return kept


def _orphans(queues: Sequence[Queue], items: Mapping[str, Item]) -> dict[str, InputError]:
    """The queues whose parent is not there, and what is to be said of each."""
    known = {queue.name for queue in queues}
    expected = "a queue of the input, or none"
    return {
        queue.name: _error(queue, items, f"{queue.parent!r}, which is not in the input", expected)
        for queue in queues
        if queue.parent and queue.parent not in known
    }


def _circles(queues: Sequence[Queue], items: Mapping[str, Item]) -> dict[str, InputError]:
    """Of each circle of queues the one that is met first, and what is to be said of it. All parents are there."""
    known = {queue.name: queue for queue in queues}
    settled: set[str] = set()
    found: dict[str, InputError] = {}
    for queue in queues:
        path: dict[str, None] = {}
        name = queue.name
        while name and name not in settled and name not in path:
            path[name] = None
            name = known[name].parent
        if name in path:
            names = list(path)
            circle = " -> ".join((*names[names.index(name) :], name))
            found[name] = _error(known[name], items, f"a circle: {circle}", "a queue that is not below this one")
        settled.update(path)
    return found


def check_guarantees(
    queues: Sequence[Queue], nodes: Sequence[Node], items: Mapping[str, Item], refuse: Refuse = strictly
) -> None:
    """Check that what is guaranteed exists; without nodes there is nothing to check.

    Args:
        queues: all queues.
        nodes: all nodes.
        items: the objects that queues were read from, by name.
        refuse: is told of queues that are guaranteed more than all nodes have, or than a queue above them may hold.
    """
    totals = {name: sum(node.allocatable.get(name, 0) for node in nodes) for name in _guaranteed(queues)}
    sums = {queue.name: dict(queue.guarantee) for queue in queues}
    below: dict[str, dict[str, int]] = {}
    known = {queue.name: queue for queue in queues}
    for queue in sorted(queues, key=lambda queue: -_depth(queue, known)):
        for resource, amount in below.get(queue.name, {}).items():
            sums[queue.name][resource] = max(sums[queue.name].get(resource, 0), amount)
            limit = queue.capability.get(resource)
            if limit is not None and amount > limit:
                refuse(_beyond(queue, items, resource, amount, f"its capability of {format_amount(resource, limit)}"))
        above = below.setdefault(queue.parent or ROOT_QUEUE, {})
        for resource, amount in sums[queue.name].items() if queue.name != ROOT_QUEUE else ():
            above[resource] = above.get(resource, 0) + amount
            total = totals[resource]
            if nodes and above[resource] > total:
                limit_text = f"the {format_amount(resource, total)} that all nodes have"
                refuse(_beyond(queue, items, resource, above[resource], limit_text))


def _guaranteed(queues: Iterable[Queue]) -> set[str]:
    """The resources that anything is guaranteed of."""
    return {name for queue in queues for name in queue.guarantee}


def _depth(queue: Queue, known: Mapping[str, Queue]) -> int:
    """How many queues are above one."""
    depth = 0
    while queue.parent in known:
        queue, depth = known[queue.parent], depth + 1
    return depth


def _beyond(queue: Queue, items: Mapping[str, Item], resource: str, amount: int, limit: str) -> InputError:
    return _error(
        queue,
        items,
        f"{format_amount(resource, amount)} guaranteed to this and other queues",
        f"no more than {limit}",
        joined("spec.guarantee.resource", resource),
    )


def _error(queue: Queue, items: Mapping[str, Item], found: str, expected: str, field: str = "") -> InputError:
    item = items.get(queue.name)
    return InputError(
        found,
        expected,
        source=item.source if item else "",
        subject=f"{queue.kind} {queue.name}",
        field=field or PARENT_FIELDS[queue.kind],
    )
