"""What of a cluster cannot be used, and why: all of it is counted, and the first few of each kind are told."""

from __future__ import annotations

from collections import Counter
from typing import Final

import structlog

__all__ = ["Problems", "kind_of"]

# Lines about objects of one kind, until none of that kind is left that cannot be used.
TOLD: Final = 10
_log = structlog.get_logger("yuheng.mirror")


def kind_of(subject: str) -> str:
    """The kind of an object that an error names, such as ``Pod default/web-0``."""
    return subject.partition(" ")[0]


class Problems:
    """The objects that cannot be used.

    Attributes:
        found: why, by object, as errors name it.
    """

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._told: Counter[str] = Counter()

    def note(self, subject: str, problem: str) -> bool:
        """An object cannot be used; whether that is news."""
        before = self.found.get(subject)
        if before == problem:
            return False
        self.found[subject] = problem
        kind = kind_of(subject)
        self._counts[kind] += before is None
        if self._told[kind] < TOLD:
            self._told[kind] += 1
            _log.error("an object cannot be used, and is left out", object=subject, problem=problem)
            if self._told[kind] == TOLD:
                _log.error("more of this kind are only counted, as yuheng_unreadable_objects", kind=kind)
        return True

    def forget(self, subject: str) -> bool:
        """An object is in order, or gone; whether it could not be used before."""
        if self.found.pop(subject, None) is None:
            return False
        kind = kind_of(subject)
        self._counts[kind] -= 1
        if not self._counts[kind]:
            del self._counts[kind], self._told[kind]
        return True

    def by_kind(self) -> dict[str, int]:
        """How many of each kind there are."""
        return dict(self._counts)
