"""What has to hold between queues: every parent is there, nobody is above itself, guarantees can be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.errors import InputError
from yuheng.model.quantity import format_amount
from yuheng.model.queue import DEFAULT_QUEUE, ROOT_QUEUE, Queue
from yuheng.readers.decoding import joined

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


def check_tree(queues: Sequence[Queue], items: Mapping[str, Item]) -> None:
    """Check parents.

    Args:
        queues: all queues.
        items: the objects they were read from, by name.

    Raises:
        InputError: a parent is not in the input, or a queue is its own ancestor.
    """
    known = {queue.name: queue for queue in queues}
    for queue in queues:
        if queue.parent and queue.parent not in known:
            expected = "a queue of the input, or none"
            raise _error(queue, items, f"{queue.parent!r}, which is not in the input", expected)
    settled: set[str] = set()
    for queue in queues:
        path: list[str] = []
        name = queue.name
        while name and name not in settled:
            if name in path:
                circle = " -> ".join((*path[path.index(name) :], name))
                raise _error(known[name], items, f"a circle: {circle}", "a queue that is not below this one")
            path.append(name)
            name = known[name].parent
        settled.update(path)


def check_guarantees(queues: Sequence[Queue], nodes: Sequence[Node], items: Mapping[str, Item]) -> None:
    """Check that what is guaranteed exists; without nodes there is nothing to check.

    Raises:
        InputError: queues are guaranteed more than all nodes have, or than a queue above them may hold.
    """
    sums = {queue.name: dict(queue.guarantee) for queue in queues}
    below: dict[str, dict[str, int]] = {}
    known = {queue.name: queue for queue in queues}
    for queue in sorted(queues, key=lambda queue: -_depth(queue, known)):
        for resource, amount in below.get(queue.name, {}).items():
            sums[queue.name][resource] = max(sums[queue.name].get(resource, 0), amount)
            limit = queue.capability.get(resource)
            if limit is not None and amount > limit:
                raise _beyond(queue, items, resource, amount, f"its capability of {format_amount(resource, limit)}")
        above = below.setdefault(queue.parent or ROOT_QUEUE, {})
        for resource, amount in sums[queue.name].items() if queue.name != ROOT_QUEUE else ():
            above[resource] = above.get(resource, 0) + amount
            total = sum(node.allocatable.get(resource, 0) for node in nodes)
            if nodes and above[resource] > total:
                limit_text = f"the {format_amount(resource, total)} that all nodes have"
                raise _beyond(queue, items, resource, above[resource], limit_text)


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
