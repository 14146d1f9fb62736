"""What a scheduler must be allowed to do, and why: the one table that roles are written from.

It is exactly what is asked of the API server, no more: a test compares it with the roles of the Helm chart, and with
what a scheduler at work was seen to ask for. There is no rule for Secrets or ConfigMaps, none that creates or deletes
pods, and none that changes a pod beyond its binding and its status.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from yuheng.kubernetes.api import KINDS
from yuheng.kubernetes.mirror import WATCHED

__all__ = ["PERMISSIONS", "Permission"]

_READ: Final = ("list", "watch")


class Permission(NamedTuple):
    """What a role has to allow.

    Attributes:
        kind: by its name in `KINDS`.
        subresource: a part of its objects, such as ``binding``; empty for the objects themselves.
        verbs: in the order of the alphabet.
        why: what it is needed for.
        is_local: whether it is needed in the Lease's namespace only.
    """

    kind: str
    subresource: str
    verbs: tuple[str, ...]
    why: str
    is_local: bool = False

    @property
    def group(self) -> str:
        """The API group; empty for the core."""
        return KINDS[self.kind].group

    @property
    def resource(self) -> str:
        """As roles call it: ``pods/binding``."""
        plural = KINDS[self.kind].plural
        return f"{plural}/{self.subresource}" if self.subresource else plural


def _table() -> Iterator[Permission]:
    yield Permission("pods", "", ("get", *_READ), "which pods wait, which run where, and what became of a binding")
    yield Permission("pods", "binding", ("create",), "to put a pod on its node")
    yield Permission("pods", "eviction", ("create",), "to make room, as far as disruption budgets allow")
    yield Permission("pods", "status", ("patch",), "to say why a pod waits, and which node is being cleared for it")
    yield Permission("nodes", "", _READ, "what there is to be placed on")
    for name in WATCHED:
        yield Permission(name, "", _READ, "placements depend on them")
    yield Permission("podgroups.scheduling.volcano.sh", "status", ("patch",), "to say which jobs are let in")
    yield Permission("persistentvolumeclaims", "", ("patch",), "to say for which node a volume is to be made")
    yield Permission("persistentvolumes", "", ("patch",), "to keep a volume that is there for a claim")
    yield Permission("events.events.k8s.io", "", ("create", "patch"), "to tell users what became of their pods")
    yield Permission(
        "leases.coordination.k8s.io", "", ("create", "get", "update"), "to agree on a leader", is_local=True
    )


# In the order of the chart's roles.
PERMISSIONS: Final = tuple(_table())
