"""Which pods have their turn: those that are new, those whose pause is over, those that something may have helped.

A pod that finds no room is not tried again until something happens that could help: a pod leaves, a node comes or
changes. Even then it waits out its pause, which doubles from a second to ten, as kube-scheduler's does; and after five
minutes it is tried whatever happened, for nobody can be sure of having thought of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from heapq import heappop, heappush
from typing import Final

import msgspec

__all__ = ["Backlog"]

FIRST: Final = 1.0
LONGEST: Final = 10.0
AGAIN: Final = 300.0


class _Waiting(msgspec.Struct):
    """A pod that waits.

    Attributes:
        uid: of this very pod.
        since: when it was first seen.
        attempts: how often it had its turn in vain.
        ready: when its pause is over.
        stuck: when it was refused; None while it is to be tried as soon as its pause is over.
        is_held: whether it has a node, and its binding is under way.
        is_parked: whether only a change of its own can help: nothing else wakes it.
    """

    uid: str
    since: float
    attempts: int = 0
    ready: float = 0.0
    stuck: float | None = None
    is_held: bool = False
    is_parked: bool = False


class Backlog:
    """The pods that wait, by ``namespace/name``; times are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._active: set[str] = set()
        # When what is over, soonest first; what has changed since is passed over.
        self._pauses: list[tuple[float, str]] = []
        self._last_tries: list[tuple[float, str]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: str) -> bool:
        return key in self._waiting

    def has(self, key: str, uid: str) -> bool:
        """Whether this very pod waits."""
        found = self._waiting.get(key)
        return found is not None and found.uid == uid

    def add(self, key: str, uid: str, now: float) -> None:
        """A pod waits; one of the same name that waited before does not any longer."""
        if not self.has(key, uid):
            self._waiting[key] = _Waiting(uid, now)
            self._active.add(key)

    def waits(self, key: str, now: float) -> float:
        """For how many seconds a pod has waited."""
        found = self._waiting.get(key)
        return now - found.since if found is not None else 0.0

    def remove(self, key: str) -> tuple[float, int]:
        """A pod waits no longer; since when it had, and how often it had its turn in vain."""
        found = self._waiting.pop(key, None)
        self._active.discard(key)
        return (found.since, found.attempts) if found else (0.0, 0)

    def hold(self, key: str) -> None:
        """A pod has a node: it is not tried again, unless its binding fails."""
        found = self._waiting.get(key)
        if found is not None:
            found.is_held, found.stuck = True, None
            self._active.discard(key)

    def is_held(self, key: str) -> bool:
        """Whether the binding of a pod is under way."""
        found = self._waiting.get(key)
        return found is not None and found.is_held

    def touch(self, key: str) -> None:
        """A pod was changed: it is tried again."""
        found = self._waiting.get(key)
        if found is not None and found.stuck is not None:
            found.stuck, found.is_parked = None, False
            heappush(self._pauses, (found.ready, key))

    def park(self, key: str, now: float) -> None:
        """A pod cannot have its turn before it is changed itself; its pauses do not grow by that."""
        found = self._waiting.get(key)
        if found is not None:
            found.stuck, found.is_parked = now, True
            self._active.discard(key)

    def pause(self, key: str, until: float) -> None:
        """A pod cannot have its turn before that; its pauses do not grow by that."""
        found = self._waiting.get(key)
        if found is not None and found.stuck is None and not found.is_held:
            found.ready = max(found.ready, until)
            self._active.discard(key)
            heappush(self._pauses, (found.ready, key))

    def refuse(self, key: str, now: float) -> None:
        """A pod had its turn, and found no room: it waits until something happens."""
        found = self._paused(key, now)
        if found is not None:
            found.stuck = now
            heappush(self._last_tries, (now + AGAIN, key))

    def fail(self, key: str, now: float) -> None:
        """What was decided on a pod could not be carried out: it is tried again after its pause."""
        found = self._paused(key, now)
        if found is not None:
            found.stuck = None
            heappush(self._pauses, (found.ready, key))

    def _paused(self, key: str, now: float) -> _Waiting | None:
        found = self._waiting.get(key)
        if found is not None:
            found.ready = now + min(FIRST * 2**found.attempts, LONGEST)
            found.attempts = min(found.attempts + 1, 30)
            found.is_held = False
            self._active.discard(key)
        return found

    def paused(self, now: float) -> frozenset[str]:
        """The pods whose binding failed, and whose pause is not over."""
        return frozenset(key for key, one in self._waiting.items() if one.stuck is None and one.ready > now)

    def wake(self) -> None:
        """Something happened that could help pods that found no room."""
        for key, one in self._waiting.items():
            if one.stuck is not None and not one.is_parked:
                one.stuck = None
                heappush(self._pauses, (one.ready, key))

    def due(self, now: float) -> Set[str]:
        """The pods whose turn it is; as they are until something is told."""
        while (at := self._next(self._pauses, self._ends)) is not None and at <= now:
            self._active.add(heappop(self._pauses)[1])
        while (at := self._next(self._last_tries, self._is_last_try)) is not None and at <= now:
            key = heappop(self._last_tries)[1]
            self._waiting[key].stuck = None
            self._active.add(key)
        return self._active

    def next_at(self, now: float) -> float | None:
        """When the next pause is over; None when there is none."""
        self.due(now)
        times = (self._next(self._pauses, self._ends), self._next(self._last_tries, self._is_last_try))
        return min((time for time in times if time is not None), default=None)

    @staticmethod
    def _next(times: list[tuple[float, str]], holds: Callable[[float, str], bool]) -> float | None:
        """The soonest of times that still hold."""
        while times and not holds(*times[0]):
            heappop(times)
        return times[0][0] if times else None

    def _ends(self, at: float, key: str) -> bool:
        found = self._waiting.get(key)
        return found is not None and found.stuck is None and not found.is_held and found.ready == at

    def _is_last_try(self, at: float, key: str) -> bool:
        found = self._waiting.get(key)
        return found is not None and found.stuck is not None and found.stuck + AGAIN == at

    def counts(self, now: float) -> dict[str, int]:
        """How many wait in which queue: ``active``, ``backoff``, ``unschedulable``."""
        active = len(self.due(now))
        stuck = sum(one.stuck is not None for one in self._waiting.values())
        held = sum(one.is_held for one in self._waiting.values())
        return {
            "active": active,
            "backoff": len(self._waiting) - active - stuck - held,
            "unschedulable": stuck,
        }
