"""Without a single write: what would be done, said in a line each."""

# ruff: noqa: ARG002 -- what is done with the arguments is nothing

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from yuheng.errors import YuhengError
from yuheng.kubernetes.mirror import Known
from yuheng.kubernetes.running.binding import Outcome

__all__ = ["Alone", "DryBinder", "DryReports"]

# Pods of which it is remembered what was said last: more than ever wait.
MOST_SAID: Final = 100_000
Say = Callable[[str], object]


class DryBinder:
    """Says that it bound and evicted, and did not."""

    async def bind(
        self, namespace: str, name: str, uid: str, node: str, annotations: Mapping[str, str] = {}
    ) -> tuple[Outcome, str]:
        """As `Binder.bind`."""
        return Outcome.bound, ""

    async def evict(self, namespace: str, name: str, uid: str) -> str:
        """As `Binder.evict`."""
        return ""


class DryReports:
    """Says what would be done.

    Args:
        say: takes a line.
    """

    def __init__(self, say: Say) -> None:
        self._say = say
        self._said: dict[str, str] = {}

    def placed(self, known: Known, node: str) -> None:
        """A pod would be bound."""
        self._say(f"bind {known.key} to {node}")

    def refused(self, known: Known, message: str) -> None:
        """A pod would stay pending; the same is said once."""
        if self._said.pop(known.uid, "") != message:
            self._say(f"leave {known.key} pending: {message}")
        self._said[known.uid] = message
        if len(self._said) > MOST_SAID:
            # Of this one nothing was to be said for the longest time: it is long gone.
            del self._said[next(iter(self._said))]

    def failed(self, known: Known, node: str, why: str) -> None:
        """Nothing is bound, so that nothing fails."""

    def nominated(self, known: Known, node: str) -> None:
        """Room would be made for a pod."""
        if node:
            self._say(f"nominate {known.key} for {node}")

    def preempted(self, victim: Known, by: str, node: str) -> None:
        """A pod would be asked to go."""
        self._say(f"evict {victim.key} from {node} for {by}")


class Alone:
    """Leads without asking anybody: for one that writes nothing, or is the only one."""

    def __init__(self) -> None:
        self.lost = asyncio.Event()
        self.trouble: YuhengError | None = None

    async def acquire(self) -> None:
        """At once."""

    def leading(self) -> bool:
        """Always."""
        return True

    async def release(self) -> None:
        """There is nothing to release."""
