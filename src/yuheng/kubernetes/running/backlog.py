"""Which pods have their turn: those that are new, those whose pause is over, those that something may have helped.

A pod that finds no room is not tried again until something happens that could help: a pod leaves, a node comes or
changes. Even then it waits out its pause, which doubles from a second to ten, as kube-scheduler's does; and after five
minutes it is tried whatever happened, for nobody can be sure of having thought of everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

__all__ = ["Backlog"]

FIRST: Final = 1.0
LONGEST: Final = 10.0
AGAIN: Final = 300.0


class _Waiting(msgspec.Struct):
    """A pod that waits.

    Attributes:
        since: when it was first seen.
        attempts: how often it had its turn in vain.
        ready: when its pause is over.
        stuck: when it was refused; None while it is to be tried as soon as its pause is over.
    """

    since: float
    attempts: int = 0
    ready: float = 0.0
    stuck: float | None = None


class Backlog:
    """The pods that wait, by ``namespace/name``; times are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._open: set[str] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: str) -> bool:
        return key in self._waiting

    def add(self, key: str, now: float) -> None:
        """A pod waits."""
        if key not in self._waiting:
            self._waiting[key] = _Waiting(now)
            self._open.add(key)

    def remove(self, key: str) -> tuple[float, int]:
        """A pod waits no longer; since when it had, and how often it had its turn in vain."""
        found = self._waiting.pop(key, None)
        self._open.discard(key)
        return (found.since, found.attempts) if found else (0.0, 0)

    def touch(self, key: str) -> None:
        """A pod was changed: it is tried again."""
        found = self._waiting.get(key)
        if found is not None and found.stuck is not None:
            found.stuck = None
            self._open.add(key)

    def refuse(self, key: str, now: float) -> None:
        """A pod had its turn, and found no room: it waits until something happens."""
        self._pause(key, now)
        found = self._waiting.get(key)
        if found is not None:
            found.stuck = now
            self._open.discard(key)

    def fail(self, key: str, now: float) -> None:
        """What was decided on a pod could not be carried out: it is tried again after its pause."""
        self._pause(key, now)

    def _pause(self, key: str, now: float) -> None:
        found = self._waiting.get(key)
        if found is not None:
            found.ready = now + min(FIRST * 2**found.attempts, LONGEST)
            found.attempts = min(found.attempts + 1, 30)

    def wake(self) -> None:
        """Something happened that could help pods that found no room."""
        for key, one in self._waiting.items():
            if one.stuck is not None:
                one.stuck = None
                self._open.add(key)

    def due(self, now: float) -> set[str]:
        """The pods whose turn it is."""
        return {key for key in self._open if self._waiting[key].ready <= now} | {
            key for key, one in self._waiting.items() if one.stuck is not None and one.stuck + AGAIN <= now
        }

    def next_at(self, now: float) -> float | None:
        """When the next pause is over; None when there is none."""
        times = [self._waiting[key].ready for key in self._open]
        times += [one.stuck + AGAIN for one in self._waiting.values() if one.stuck is not None]
        return min((time for time in times if time > now), default=None)

    def counts(self, now: float) -> dict[str, int]:
        """How many wait in which queue: ``active``, ``backoff``, ``unschedulable``."""
        stuck = len(self._waiting) - len(self._open)
        paused = sum(self._waiting[key].ready > now for key in self._open)
        return {"active": len(self._open) - paused, "backoff": paused, "unschedulable": stuck}

    def keep(self, keys: Iterable[str]) -> None:
        """Only these wait still."""
        for key in set(self._waiting).difference(keys):
            self.remove(key)
