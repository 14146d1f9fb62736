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
        InputError: the queues below the root are guaranteed more than all nodes have.
    """
    if not nodes:
        return
    sums: dict[str, int] = {}
    for queue in queues:
        if queue.parent not in ("", ROOT_QUEUE) or queue.name == ROOT_QUEUE:
            continue
        for resource, amount in queue.guarantee.items():
            sums[resource] = sums.get(resource, 0) + amount
            total = sum(node.allocatable.get(resource, 0) for node in nodes)
            if sums[resource] > total:
                raise _error(
                    queue,
                    items,
                    f"{format_amount(resource, sums[resource])} guaranteed to this and other queues",
                    f"no more than the {format_amount(resource, total)} that all nodes have",
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
