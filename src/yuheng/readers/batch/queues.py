"""Volcano's queues: ``Queue`` of ``scheduling.volcano.sh``, and the tree that its annotations may draw.

Volcano knows two ways to put queues into a tree: the field ``parent``, and for hierarchical DRF the annotation
``volcano.sh/hierarchy``, whose inner elements are no objects at all. Here both become parents; inner elements
become queues that hold nothing but a weight.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.model.quantity import format_amount
from yuheng.model.queue import ROOT_QUEUE, NodeGroupAffinity, Queue
from yuheng.readers.batch.annotations import annotation_path, truth
from yuheng.readers.batch.wire import QueueAffinity, QueueObject, QueueSpec
from yuheng.readers.decoding import below, joined, misfit
from yuheng.readers.objects.devices import without_devices
from yuheng.readers.objects.requests import amounts, whole
from yuheng.readers.wire import QuantityText

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["QueueReading", "read_amounts", "read_queue", "with_inner_queues"]

HIERARCHY: Final = "volcano.sh/hierarchy"
HIERARCHY_WEIGHTS: Final = "volcano.sh/hierarchy-weights"
GROUP_LIMITS: Final = "volcano.sh/nodegroup-resource-limits"
PUBLIC: Final = "yuheng.io/public-queue"
PRIVATE_PRIORITY: Final = "yuheng.io/private-min-priority"
CLOSED: Final = frozenset(("Closed", "Closing", "Unknown"))
_limits: Final = msgspec.json.Decoder(dict[str, dict[str, QuantityText]])


class Step(NamedTuple):
    """An element of a path in the tree, and its weight."""

    name: str
    weight: float


class QueueReading(NamedTuple):
    """A queue, the path above it that its annotations draw, and what had to be assumed."""

    queue: Queue
    path: tuple[Step, ...] = ()
    warnings: tuple[str, ...] = ()


def read_queue(text: bytes | msgspec.Raw) -> QueueReading:
    """A Volcano queue.

    Raises:
        InputError: an amount, a weight or an annotation is not what it should be.
        msgspec.ValidationError: the object is not what Volcano defines.
    """
    source = msgspec.json.decode(text, type=QueueObject)
    metadata, spec = source.metadata, source.spec
    if spec.weight < 1:
        raise InputError(str(spec.weight), "a weight of 1 or more", field="spec.weight")
    path = () if spec.parent else _path(metadata.annotations)
    queue = Queue(
        name=metadata.name,
        parent=spec.parent,
        weight=path[-1].weight if path else spec.weight,
        deserved=read_amounts(spec.deserved, "spec.deserved") if spec.deserved else None,
        guarantee=read_amounts(spec.guarantee.resource, "spec.guarantee.resource"),
        capability=read_amounts(spec.capability, "spec.capability"),
        reclaimable=spec.reclaimable,
        priority=spec.priority,
        closed=source.status.state in CLOSED,
        dequeue=spec.dequeue_strategy or "traverse",
        affinity=_affinity(spec.affinity),
        node_group_limits=_group_limits(metadata.annotations),
        public=truth(metadata.annotations, PUBLIC) or False,
        private_priority=_private_priority(metadata.annotations),
        created=metadata.created(),
    )
    _check_guarantee(queue)
    return QueueReading(queue, path[:-1], (*_above_capability(queue), *_not_counted(queue.name, spec)))


def with_inner_queues(readings: Sequence[QueueReading]) -> tuple[list[Queue], list[str]]:
    """All queues, those that only a path names too, each below its parent; and warnings.

    An element of a path is the queue of that name, if there is one; otherwise it gets a queue that is named by
    the whole path to it, such as ``root/sci``.
    """
    known = {reading.queue.name for reading in readings}
    inner: dict[str, Queue] = {}
    queues = []
    warnings = []
    for reading in sorted(readings, key=lambda one: one.queue.name):
        parent = reading.queue.parent
        for depth, step in enumerate(reading.path[1:], 2):
            own = step.name in known and step.name != reading.queue.name
            name = step.name if own else "/".join(one.name for one in reading.path[:depth])
            if not own:
                made = inner.setdefault(name, Queue(name=name, parent=parent, weight=step.weight))
                if made.weight != step.weight:
                    warnings.append(
                        f"Queue {reading.queue.name}: weight {step.weight:g} of {name} in {HIERARCHY_WEIGHTS} is "
                        f"passed over: another queue says {made.weight:g}"
                    )
            parent = name
        queues.append(msgspec.structs.replace(reading.queue, parent=parent))
    has_root = ROOT_QUEUE in known
    return [_below_root(queue, has_root=has_root) for queue in (*queues, *inner.values())], warnings


def _below_root(queue: Queue, *, has_root: bool) -> Queue:
    """A queue whose parent is the root has none, unless the root is an object of the input."""
    return queue if has_root or queue.parent != ROOT_QUEUE else msgspec.structs.replace(queue, parent="")


def read_amounts(texts: Mapping[str, QuantityText], field: str) -> dict[str, int]:
    """Amounts in the units of the model, without those of which only one device can give a share.

    Raises:
        InputError: an amount is malformed or negative.
    """
    return without_devices(whole(amounts(texts, field)))


def _affinity(source: QueueAffinity) -> NodeGroupAffinity:
    near, far = source.node_group_affinity, source.node_group_anti_affinity
    return NodeGroupAffinity(near.required, near.preferred, far.required, far.preferred)


def _group_limits(annotations: Mapping[str, str]) -> dict[str, dict[str, int]]:
    text = annotations.get(GROUP_LIMITS, "")
    if not text:
        return {}
    field = annotation_path(GROUP_LIMITS)
    try:
        decoded = _limits.decode(text)
        return {group: read_amounts(limits, group) for group, limits in decoded.items()}
    except msgspec.ValidationError as error:
        raise below(field, misfit(error)) from None
    except msgspec.DecodeError:
        raise InputError(repr(text), 'amounts by node group, such as {"a": {"cpu": "8"}}', field=field) from None
    except InputError as error:
        raise below(field, error) from None


def _private_priority(annotations: Mapping[str, str]) -> int | None:
    text = annotations.get(PRIVATE_PRIORITY, "")
    if not text:
        return None
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10):
        raise InputError(repr(text), "a priority, which is a whole number", field=annotation_path(PRIVATE_PRIORITY))
    return int(text)


def _path(annotations: Mapping[str, str]) -> tuple[Step, ...]:
    """The path from the root down to the queue itself; nothing where the annotations draw none."""
    hierarchy, weights = annotations.get(HIERARCHY, ""), annotations.get(HIERARCHY_WEIGHTS, "")
    if not hierarchy and not weights:
        return ()
    names, numbers = hierarchy.split("/"), weights.split("/")
    if len(names) != len(numbers):
        expected = f"as many weights as {HIERARCHY} has elements ({len(names)})"
        raise InputError(repr(weights), expected, field=annotation_path(HIERARCHY_WEIGHTS))
    if not all(names):
        raise InputError(repr(hierarchy), "names such as root/sci/dev", field=annotation_path(HIERARCHY))
    steps = [Step(name, _weight(number)) for name, number in zip(names, numbers, strict=True)]
    return tuple(steps if names[0] == ROOT_QUEUE else [Step(ROOT_QUEUE, 1), *steps])


def _weight(text: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = 0
    if not 0 < weight < float("inf"):
        raise InputError(repr(text), "weights above 0, such as 1/2/8", field=annotation_path(HIERARCHY_WEIGHTS))
    return weight


def _check_guarantee(queue: Queue) -> None:
    for name, least in queue.guarantee.items():
        most = queue.capability.get(name)
        if most is not None and most < least:
            expected = f"no more than the capability of {format_amount(name, most)}"
            raise InputError(format_amount(name, least), expected, field=joined("spec.guarantee.resource", name))


def _above_capability(queue: Queue) -> Iterable[str]:
    over = [name for name, amount in (queue.deserved or {}).items() if amount > queue.capability.get(name, amount)]
    return [f"Queue {queue.name}: its capability has less {name} than it deserves: it gets no more" for name in over]


def _not_counted(name: str, spec: QueueSpec) -> Iterable[str]:
    written = {*spec.capability, *spec.guarantee.resource, *spec.deserved}
    left_out = sorted(written - set(without_devices(dict.fromkeys(written, 0))))
    return [f"Queue {name}: {one} is not counted by queue: it is a share of one device" for one in left_out]
