"""The queues of a scenario, joined with those of its cluster.

They are read as Volcano's objects together with the cluster, so that jobs of the cluster may use them, and what has to
hold for queues is checked in one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Self

import msgspec
from pydantic import Field, model_validator

from yuheng.errors import InputError
from yuheng.model.quantity import format_amount
from yuheng.model.queue import Queue
from yuheng.readers.batch.trees import check_guarantees, with_default
from yuheng.readers.scenario.refusals import Fields, unfit
from yuheng.readers.scenario.values import Amounts, Name, within

if TYPE_CHECKING:
    from yuheng.model.cluster import Snapshot
    from yuheng.model.scenario import NodePool

__all__ = ["QueueFields", "own_field", "with_equal_queues", "with_guarantees"]


class QueueFields(Fields):
    """A queue, in the words of Volcano's `Queue`; amounts by resource, `gpu` is short for `nvidia.com/gpu`."""

    name: Name = Field(description="Unique, among the queues of `nodes` too.")
    weight: Annotated[int, within(1, 2**31 - 1)] = Field(
        default=1, description="Its part of what it shares with its siblings."
    )
    deserved: Amounts | None = Field(default=None, description="What it may claim back from others.")
    guarantee: Amounts = Field(default={}, description="What nobody else may use.")
    capability: Amounts = Field(
        default={}, description="The most it may use; resources that are not named have no limit."
    )
    parent: str = Field(default="", description="The queue above it.")
    reclaimable: bool = Field(default=True, description="Whether others may reclaim what it uses beyond `deserved`.")
    priority: Annotated[int, within(-(2**31), 2**31 - 1)] = Field(
        default=0, description="Of two queues the one with the higher priority goes first."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        for resource, amount in self.guarantee.items():
            most = self.capability.get(resource, amount)
            if amount > most:
                expected = f"no more than the capability of {format_amount(resource, most)}"
                raise unfit(format_amount(resource, amount), expected, f".guarantee.{resource}")
        return self

    def manifest(self) -> dict[str, Any]:
        """The queue as an object of Volcano, without its guarantee: pools may have what that takes."""
        spec: dict[str, Any] = {
            "weight": self.weight,
            "capability": _texts(self.capability),
            "parent": self.parent,
            "reclaimable": self.reclaimable,
            "priority": self.priority,
        }
        if self.deserved is not None:
            spec["deserved"] = _texts(self.deserved)
        metadata = {"name": self.name}
        return {"apiVersion": "scheduling.volcano.sh/v1beta1", "kind": "Queue", "metadata": metadata, "spec": spec}


def _texts(amounts: dict[str, int]) -> dict[str, str]:
    return {name: format_amount(name, amount) for name, amount in amounts.items()}


def with_guarantees(snapshot: Snapshot, queues: Sequence[QueueFields], pools: Sequence[NodePool]) -> Snapshot:
    """The snapshot, its queues with what they are guaranteed.

    Raises:
        InputError: they are guaranteed more than the nodes and all pools have.
    """
    guarantees = {queue.name: queue.guarantee for queue in queues if queue.guarantee}
    if not guarantees:
        return snapshot
    found = tuple(
        msgspec.structs.replace(queue, guarantee=guarantees[queue.name]) if queue.name in guarantees else queue
        for queue in snapshot.queues
    )
    full = [
        msgspec.structs.replace(
            pool.node, allocatable={name: amount * pool.maximum for name, amount in pool.node.allocatable.items()}
        )
        for pool in pools
    ]
    try:
        check_guarantees(found, [*snapshot.nodes, *full], {})
    except InputError as error:
        raise own_field(error) from None
    return msgspec.structs.replace(snapshot, queues=found)


def with_equal_queues(snapshot: Snapshot, names: Sequence[str]) -> tuple[Snapshot, str]:
    """A snapshot that has no queues with one for each of these names, all of the same weight; and a warning."""
    queues = with_default(Queue(name=name) for name in names)
    warning = f"no queues are given; those that jobs name get the same weight: {', '.join(names)}"
    return msgspec.structs.replace(snapshot, queues=queues), warning


def own_field(error: InputError) -> InputError:
    """The error of a queue's object, told of a scenario: its fields are not below ``spec`` there."""
    field = error.field.removeprefix("spec.").replace("guarantee.resource", "guarantee")
    return InputError(error.found, error.expected, subject=error.subject, field=field)
