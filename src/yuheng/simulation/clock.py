"""The clock: one heap of (time, priority, counter, event).

SimPy is the model: events of one time happen in order of priority, those of equal priority in the order in which they
were scheduled. There are no processes here, only events with a kind; a kind's number is its priority, so that what
frees room comes before what takes it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from enum import IntEnum
from itertools import count
from typing import Any

__all__ = ["Clock", "Handler", "Kind"]

Handler = Callable[[Any], None]


class Kind(IntEnum):
    """What happens, in the order in which things of one time happen."""

    FINISH = 0
    NODE_RECOVERED = 1
    NODE_ADDED = 2
    NODE_READY = 3
    NODE_FAILED = 4
    NODE_DRAINED = 5
    NODE_REMOVED = 6
    MARKET_GONE = 7
    MARKET_BACK = 8
    PRICE_CHANGED = 9
    WINDOW = 10
    SUBMIT = 11
    START = 12
    CYCLE = 13
    IDLE = 14
    SAMPLE = 15
    END = 16


class Clock:
    """Events in order of time.

    Attributes:
        now: the time of the event that happens, or happened last.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, int, Any]] = []
        self._next = count().__next__

    def __len__(self) -> int:
        return len(self._heap)

    def schedule(self, time: float, kind: int, subject: Any = None) -> None:  # noqa: ANN401 -- handlers know theirs
        """Let something happen.

        Args:
            time: when, in seconds.
            kind: a `Kind`, or any other number: the smaller, the earlier among events of one time.
            subject: what its handler is told.

        Raises:
            ValueError: that time is past, or is not a number.
        """
        if not time >= self.now:
            raise ValueError(f"found an event at {time}, expected {self.now} or later")
        heapq.heappush(self._heap, (time, kind, self._next(), subject))

    def run(self, handlers: Sequence[Handler], going_on: Callable[[], bool] | None = None) -> int:
        """Let events happen until none is left.

        Args:
            handlers: by kind, what to call with the subject of an event.
            going_on: asked after every event; the clock stops when it says no.

        Returns:
            How many events happened.
        """
        heap, pop, events = self._heap, heapq.heappop, 0
        while heap:
            self.now, kind, _, subject = pop(heap)
            handlers[kind](subject)
            events += 1
            if going_on is not None and not going_on():
                break
        return events
