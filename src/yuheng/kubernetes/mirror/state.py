"""The state of a cluster at one instant, taken in a moment, and put together wherever there is time for that.

To put a hundred thousand pods together takes a second or more: the event loop must not stand still for so long, else
leases run out. So only references are taken there, and a thread does the rest. Nothing that it looks at changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from yuheng.kubernetes.mirror.claims import with_places
from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.readers.batch.members import Member
from yuheng.readers.live import Assembled, assembled
from yuheng.readers.sources.documents import Item

__all__ = ["State"]


class State(NamedTuple):
    """What was known at one instant.

    Attributes:
        nodes: all nodes.
        closed: the names of those that nothing more is placed on: what their pods hold is not known.
        pods: all pods that run or wait, and those that have ended and belong to a job.
        items: all objects of other kinds.
    """

    nodes: Sequence[Node]
    closed: frozenset[str]
    pods: Sequence[tuple[Pod | None, Member | None]]
    items: Sequence[Item]

    def put_together(self) -> Assembled:
        """The snapshot, and what is not in it.

        Raises:
            InputError: objects contradict each other, and it is no single one's fault.
        """
        nodes = [_cordoned(node) if node.name in self.closed else node for node in self.nodes]
        return assembled(with_places(self.items), nodes, self.pods)


def _cordoned(node: Node) -> Node:
    found: Node = msgspec.structs.replace(node, unschedulable=True)
    return found
