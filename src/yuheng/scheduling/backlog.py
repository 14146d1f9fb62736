"""The pods that wait, by kind: what is refused once is not asked again before something left."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

__all__ = ["Backlog"]


class Backlog:
    """Waiting pods in their order, kind by kind.

    A kind is *open* when one of its pods might find room now, and *stuck* when none would: room only shrinks until a
    pod leaves or a node comes, so a kind that was refused stays refused until then. A kind whose rules look at other
    pods (`rule_bound`) may become welcome by a placement, too.

    Attributes:
        rule_bound: the kinds whose rules look at other pods.
        waiting: how many pods wait.
        fresh: how many of them came since somebody last set this to 0.
    """

    def __init__(self, kinds: Sequence[int], turns: Sequence[int], rule_bound: frozenset[int]) -> None:
        """Take note of the pods there will be.

        Args:
            kinds: the kind of each pod.
            turns: the turn of each pod.
            rule_bound: the kinds whose rules look at other pods.
        """
        self._kinds = kinds
        self._turns = turns
        self._heaps: dict[int, list[int]] = {}
        self._open: set[int] = set()
        self._stuck: set[int] = set()
        self.rule_bound = rule_bound
        self.waiting = 0
        self.fresh = 0

    def add(self, pod: int) -> None:
        """A pod waits from now on."""
        kind = self._kinds[pod]
        heap = self._heaps.get(kind)
        if heap is None:
            heap = self._heaps[kind] = []
        heapq.heappush(heap, self._turns[pod])
        self.waiting += 1
        self.fresh += 1
        if kind not in self._stuck or kind in self.rule_bound:
            self._stuck.discard(kind)
            self._open.add(kind)

    def freed(self) -> None:
        """Something left, or a node came: everybody may hope again."""
        if self._stuck:
            self._open |= self._stuck
            self._stuck.clear()

    def placed_some(self) -> None:
        """Something was placed: those whose rules look at other pods may hope again."""
        hopeful = self._stuck & self.rule_bound
        self._open |= hopeful
        self._stuck -= hopeful

    @property
    def is_open(self) -> bool:
        """Whether any waiting pod might find room."""
        return bool(self._open)

    def open_kinds(self) -> list[int]:
        """The open kinds, in no order."""
        return list(self._open)

    def open_pods(self) -> int:
        """How many pods of open kinds wait."""
        return sum(len(self._heaps[kind]) for kind in self._open)

    def turns(self) -> list[int]:
        """The turns of all pods of open kinds, in order."""
        return sorted(turn for kind in self._open for turn in self._heaps[kind])

    def head(self, kind: int) -> int:
        """The turn of the first waiting pod of a kind; -1 when none waits."""
        heap = self._heaps[kind]
        return heap[0] if heap else -1

    def pop(self, kind: int) -> None:
        """The first waiting pod of a kind was placed."""
        heapq.heappop(self._heaps[kind])
        self.waiting -= 1
        if not self._heaps[kind]:
            self._open.discard(kind)

    def refuse(self, kind: int) -> None:
        """Nobody of a kind finds room at the moment."""
        self._open.discard(kind)
        self._stuck.add(kind)

    def settle(self, left: dict[int, list[int]]) -> None:
        """All pods of the open kinds were tried: these turns are left, in order, by kind."""
        for kind in list(self._open):
            remaining = left.get(kind, [])
            self.waiting -= len(self._heaps[kind]) - len(remaining)
            # Sorted is a heap, too.
            self._heaps[kind] = remaining
            self._open.discard(kind)
            if remaining:
                self._stuck.add(kind)

    def first(self, most: int) -> list[int]:
        """The turns of the first so many waiting pods, in order."""
        return heapq.nsmallest(most, (turn for heap in self._heaps.values() for turn in heap))
