"""What is to be told to the API server, sent beside what is done: few requests at once, and never two about one thing.

Each thing (a pod's status, an event) waits once. What is put again while it waits takes the place of what was there,
and what is put while it is being sent follows after: the server always ends with the newest. A full outbox turns new
things away; whoever waits for the scheduler must not wait for its words.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

__all__ = ["Outbox"]

T = TypeVar("T")


class Outbox(Generic[T]):
    """Things that wait to be sent.

    Args:
        send: sends one; it deals with its failures itself.
        in_flight: how many are sent at once.
        most: how many wait at most.

    Attributes:
        dropped: how many were turned away because too many waited.
    """

    def __init__(self, send: Callable[[T], Awaitable[None]], *, in_flight: int, most: int) -> None:
        self.dropped = 0
        self._send = send
        self._in_flight = in_flight
        self._most = most
        self._things: dict[str, T] = {}
        self._ready: asyncio.Queue[str] = asyncio.Queue()
        self._sending: set[str] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._things) + len(self._sending)

    def put(self, key: str, thing: T) -> bool:
        """Have something sent.

        Args:
            key: what it is about.
            thing: the newest of it.

        Returns:
            Whether it waits now; not when too many do.
        """
        if key not in self._things:
            if len(self._things) >= self._most:
                self.dropped += 1
                return False
            if key not in self._sending:
                self._ready.put_nowait(key)
            self._empty.clear()
        self._things[key] = thing
        return True

    def waiting(self, key: str) -> T | None:
        """What waits to be sent about something; None when nothing does."""
        return self._things.get(key)

    def take_back(self, key: str) -> None:
        """Send nothing more about something; what is on its way is on its way."""
        self._things.pop(key, None)
        self._note_empty()

    async def run(self) -> None:
        """Send, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._in_flight):
                group.create_task(self._work())

    async def drained(self) -> None:
        """Wait until nothing waits and nothing is on its way."""
        await self._empty.wait()

    async def _work(self) -> None:
        while True:
            key = await self._ready.get()
            if key not in self._things or key in self._sending:
                # Taken back; or taken back and put again, and with another sender already.
                continue
            thing = self._things.pop(key)
            self._sending.add(key)
            try:
                await self._send(thing)
            finally:
                self._sending.discard(key)
                if key in self._things:
                    self._ready.put_nowait(key)
                self._note_empty()

    def _note_empty(self) -> None:
        if not self._things and not self._sending:
            self._empty.set()
