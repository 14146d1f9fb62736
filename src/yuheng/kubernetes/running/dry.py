"""Without a single write: what would be done, said in a line each."""

# ruff: noqa: ARG002 -- what is done with the arguments is nothing

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from yuheng.kubernetes.mirror import Known
from yuheng.kubernetes.running.binding import Outcome

__all__ = ["Alone", "DryBinder", "DryReports"]

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
        if self._said.get(known.uid) != message:
            self._said[known.uid] = message
            self._say(f"leave {known.key} pending: {message}")

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

    async def acquire(self) -> None:
        """At once."""

    def leading(self) -> bool:
        """Always."""
        return True

    async def release(self) -> None:
        """There is nothing to release."""
