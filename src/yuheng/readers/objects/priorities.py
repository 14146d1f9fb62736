"""Priority classes: from a name to a number, as the API server's Priority admission does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.readers.objects.selecting import named
from yuheng.readers.wire import PriorityClass

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Priorities", "read_class"]

NEVER: Final = "Never"
BUILT_IN: Final = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


def read_class(text: bytes | msgspec.Raw) -> PriorityClass:
    """A priority class.

    Raises:
        InputError: it has no name.
        msgspec.ValidationError: it is not what Kubernetes defines.
    """
    source = msgspec.json.decode(text, type=PriorityClass)
    named(source.metadata)
    return source


class Priorities:
    """The priority classes of a cluster.

    Args:
        classes: those that were read; Kubernetes' own two are always there.
    """

    def __init__(self, classes: Iterable[PriorityClass] = ()) -> None:
        known = tuple(classes)
        self._values = {known_class.metadata.name: known_class.value for known_class in known} | BUILT_IN
        # Kubernetes takes the lowest where several claim to be the default.
        self._default = min((known_class.value for known_class in known if known_class.global_default), default=0)
        self._unknown: dict[str, int] = {}
        self._peaceful = {one.metadata.name for one in known if one.preemption_policy == NEVER}
        defaults = [one for one in known if one.global_default]
        lowest = min(defaults, key=lambda one: (one.value, one.metadata.name), default=None)
        self._default_name = lowest.metadata.name if lowest else ""

    def resolve(self, priority: int | None, name: str | None) -> int:
        """A pod's priority: its own number, else its class's, else the default class's, else 0.

        A class that is not there counts as 0, and `warnings` tells of it.
        """
        if priority is not None:
            return priority
        if not name:
            return self._default
        if name not in self._values:
            self._unknown[name] = self._unknown.get(name, 0) + 1
        return self._values.get(name, 0)

    def value(self, name: str) -> int | None:
        """The value of a class; None when it is not there."""
        return self._values.get(name)

    def preempts(self, policy: str | None, name: str | None) -> bool:
        """Whether others may be evicted for a pod: by its own policy, else that of its class."""
        if policy is not None:
            return policy != NEVER
        return (name or self._default_name) not in self._peaceful

    def warnings(self) -> list[str]:
        """One sentence for each class that pods named and nobody defined."""
        return [
            f"PriorityClass {name!r} is not in the input: priority 0 for {count} pods that name it"
            for name, count in sorted(self._unknown.items())
        ]
