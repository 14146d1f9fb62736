"""Which pods have their turn: those that are new, those whose pause is over, those that something may have helped.

A pod that finds no room is not tried again until something happens that could help: a pod leaves, a node comes or
changes. Even then it waits out its pause, which doubles from a second to ten, as kube-scheduler's does; and after five
minutes it is tried whatever happened, for nobody can be sure of having thought of everything.

Ten thousand pods of one job find no room for one reason. So of pods that are *alike*, one is tried when something
happens: where it finds room, two more are, and so on; where it finds none, neither would the others. Which one that is
changes from time to time, as the pause of each is over.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Set
from heapq import heapify, heappop, heappush
from typing import Final

import msgspec

__all__ = ["Backlog"]

FIRST: Final = 1.0
LONGEST: Final = 10.0
AGAIN: Final = 300.0
# How many more of a kind are tried for each that found room.
MORE: Final = 2
# Lines of a heap that may be out of date before it is built anew.
SLACK: Final = 1000

# The order of turns: by priority (negative: the highest is first), by when a pod began to wait for this turn, by age.
Rank = tuple[int, float, float, str]
# When something is so of a pod.
Line = tuple[float, str]


class _Waiting(msgspec.Struct):
    """A pod that waits.

    Attributes:
        uid: of this very pod.
        since: when it was first seen.
        rank: its place in the order of turns.
        attempts: how often it had its turn in vain.
        ready: when its pause is over.
        stuck: when it was refused; None while it is to be tried as soon as its pause is over.
        alike: what it has in common with those that find no room when it finds none; None before it was refused.
        is_held: whether it has a node, and its binding is under way.
        is_parked: whether only a change of its own can help: nothing else wakes it.
        has_failed: whether what was decided on it could not be carried out.
        is_scout: whether it is to be tried for all that are alike.
    """

    uid: str
    since: float
    rank: Rank
    attempts: int = 0
    ready: float = 0.0
    stuck: float | None = None
    alike: Hashable = None
    is_held: bool = False
    is_parked: bool = False
    has_failed: bool = False
    is_scout: bool = False


class Backlog:
    """The pods that wait, by ``namespace/name``; times are seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._waiting: dict[str, _Waiting] = {}
        self._active: set[str] = set()
        # What is active, in the order of turns; lines that hold no longer are passed over, here and below.
        self._order: list[Rank] = []
        # When what is over, soonest first.
        self._pauses: list[Line] = []
        self._last_tries: list[Line] = []
        # Those that found no room, by what they have in common, the one whose pause is over first.
        self._stuck: dict[Hashable, list[Line]] = {}
        # Of these, those that want to be near others, or spread with them.
        self._looking: set[Hashable] = set()

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: str) -> bool:
        return key in self._waiting

    def has(self, key: str, uid: str) -> bool:
        """Whether this very pod waits."""
        found = self._waiting.get(key)
        return found is not None and found.uid == uid

    def add(self, key: str, uid: str, now: float, *, priority: int = 0, created: float = 0.0) -> None:
        """A pod waits; one of the same name that waited before does not any longer."""
        if not self.has(key, uid):
            self._waiting[key] = _Waiting(uid, now, (-priority, now, created, key))
            self._activate(key)

    def waits(self, key: str, now: float) -> float:
        """For how many seconds a pod has waited."""
        found = self._waiting.get(key)
        return now - found.since if found is not None else 0.0

    def remove(self, key: str) -> tuple[float, int]:
        """A pod waits no longer; since when it had, and how often it had its turn in vain."""
        found = self._waiting.pop(key, None)
        self._active.discard(key)
        if found is not None:
            self._replace(found)
        return (found.since, found.attempts) if found else (0.0, 0)

    def _replace(self, found: _Waiting) -> None:
        """A pod that was to be tried for all that are alike will not be: another one is."""
        if found.is_scout:
            found.is_scout = False
            self._wake_one(found.alike)

    def hold(self, key: str) -> None:
        """A pod has a node: it is not tried again, unless its binding fails. Some that are alike are."""
        found = self._waiting.get(key)
        if found is not None:
            found.is_held, found.stuck, found.has_failed, found.is_scout = True, None, False, False
            self._active.discard(key)
            self.follow(key)

    def follow(self, key: str) -> None:
        """A pod found room, or room is made for it: that may be so for some that are alike."""
        found = self._waiting.get(key)
        if found is not None and found.alike is not None:
            for _ in range(MORE):
                self._wake_one(found.alike)

    def is_held(self, key: str) -> bool:
        """Whether the binding of a pod is under way."""
        found = self._waiting.get(key)
        return found is not None and found.is_held

    def touch(self, key: str) -> None:
        """A pod was changed: it is tried again."""
        found = self._waiting.get(key)
        if found is not None and found.stuck is not None:
            found.stuck, found.is_parked = None, False
            self._push(self._pauses, (found.ready, key), self._ends)

    def park(self, key: str, now: float) -> None:
        """A pod cannot have its turn before it is changed itself; its pauses do not grow by that."""
        found = self._waiting.get(key)
        if found is not None:
            found.stuck, found.is_parked = now, True
            self._active.discard(key)
            self._replace(found)

    def pause(self, key: str, until: float) -> None:
        """A pod cannot have its turn before that; its pauses do not grow by that."""
        found = self._waiting.get(key)
        if found is not None and found.stuck is None and not found.is_held:
            found.ready = max(found.ready, until)
            self._active.discard(key)
            self._push(self._pauses, (found.ready, key), self._ends)

    def refuse(self, key: str, now: float, alike: Hashable = None, *, looks: bool = False) -> None:
        """A pod had its turn, and found no room: it waits until something happens.

        Args:
            key: the pod.
            now: what time it is.
            alike: what it has in common with those that find no room when it finds none; None for nothing.
            looks: whether it wants to be near others, or to be spread with them.
        """
        found = self._paused(key, now)
        if found is not None:
            found.stuck, found.has_failed = now, False
            found.alike = key if alike is None else alike
            self._push(self._last_tries, (now + AGAIN, key), self._is_last_try)
            lines = self._stuck.setdefault(found.alike, [])
            self._push(lines, (found.ready, key), lambda at, one: self._is_stuck(found.alike, at, one))
            if looks:
                self._looking.add(found.alike)

    def fail(self, key: str, now: float) -> None:
        """What was decided on a pod could not be carried out: it is tried again after its pause."""
        found = self._paused(key, now)
        if found is not None:
            found.stuck, found.has_failed = None, True
            self._push(self._pauses, (found.ready, key), self._ends)

    def _paused(self, key: str, now: float) -> _Waiting | None:
        found = self._waiting.get(key)
        if found is not None:
            found.ready = now + min(FIRST * 2**found.attempts, LONGEST)
            found.attempts = min(found.attempts + 1, 30)
            # Behind those that came while it had its turn, as in kube-scheduler's queue: nobody waits for ever.
            found.rank = (found.rank[0], now, *found.rank[2:])
            found.is_held = found.is_scout = False
            self._active.discard(key)
        return found

    def _push(self, lines: list[Line], line: tuple[float, str], holds: Callable[[float, str], bool]) -> None:
        """Add a line to a heap, and take out those that hold no longer where they have become many."""
        heappush(lines, line)
        if len(lines) > 2 * len(self._waiting) + SLACK:
            lines[:] = [one for one in set(lines) if holds(*one)]
            heapify(lines)

    def paused(self, now: float) -> frozenset[str]:
        """The pods whose binding failed, and whose pause is not over."""
        return frozenset(key for key, one in self._waiting.items() if one.has_failed and one.ready > now)

    def wake(self) -> None:
        """Something happened that could help pods that found no room: of those that are alike, one is tried."""
        self._wake_each(list(self._stuck))

    def wake_looking(self) -> None:
        """A pod is on a node: that could help those that want to be near it, or spread with it."""
        self._looking.intersection_update(self._stuck)
        self._wake_each(list(self._looking))

    def _wake_each(self, kinds: Iterable[Hashable]) -> None:
        for alike in kinds:
            self._wake_one(alike)

    def _wake_one(self, alike: Hashable) -> None:
        """Have that one of some pods tried whose pause is over first."""
        lines = self._stuck.get(alike)
        while lines:
            ready, key = heappop(lines)
            if self._is_stuck(alike, ready, key):
                self._waiting[key].is_scout = True
                self.touch(key)
                break
        if not lines:
            self._stuck.pop(alike, None)

    def due(self, now: float) -> Set[str]:
        """The pods whose turn it is, in no order; as they are until something is told."""
        while (at := self._next(self._pauses, self._ends)) is not None and at <= now:
            self._activate(heappop(self._pauses)[1])
        while (at := self._next(self._last_tries, self._is_last_try)) is not None and at <= now:
            key = heappop(self._last_tries)[1]
            self._waiting[key].stuck = None
            self._activate(key)
        return self._active

    def _activate(self, key: str) -> None:
        self._active.add(key)
        heappush(self._order, self._waiting[key].rank)
        if len(self._order) > 2 * len(self._active) + SLACK:
            self._order = [self._waiting[one].rank for one in self._active]
            heapify(self._order)

    def first(self, now: float, most: int, is_ready: Callable[[str], bool]) -> list[str]:
        """The pods whose turn it is, in the order of their turns.

        Args:
            now: what time it is.
            most: how many there may be.
            is_ready: asked of each in that order, until there are so many, whether it counts; may refuse or pause it.
        """
        self.due(now)
        met: list[Rank] = []
        found: list[str] = []
        while self._order and len(found) < most:
            rank = heappop(self._order)
            if not self._holds(rank) or (met and met[-1] == rank):
                continue
            met.append(rank)
            if is_ready(rank[-1]):
                found.append(rank[-1])
        for rank in met:
            if self._holds(rank):
                heappush(self._order, rank)
        return found

    def in_order(self, keys: Iterable[str]) -> list[str]:
        """Those of some pods that wait, in the order of their turns."""
        return sorted((key for key in keys if key in self._waiting), key=lambda key: self._waiting[key].rank)

    def _holds(self, rank: Rank) -> bool:
        return rank[-1] in self._active and self._waiting[rank[-1]].rank == rank

    @staticmethod
    def _next(times: list[Line], holds: Callable[[float, str], bool]) -> float | None:
        """The soonest of times that still hold."""
        while times and not holds(*times[0]):
            heappop(times)
        return times[0][0] if times else None

    def next_at(self, now: float) -> float | None:
        """When the next pause is over; None when there is none."""
        self.due(now)
        times = (self._next(self._pauses, self._ends), self._next(self._last_tries, self._is_last_try))
        return min((time for time in times if time is not None), default=None)

    def _is_stuck(self, alike: Hashable, ready: float, key: str) -> bool:
        """Whether a pod waits for something to happen, as a line says."""
        found = self._waiting.get(key)
        if found is None or found.stuck is None or found.is_parked:
            return False
        return found.alike == alike and found.ready == ready

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
