"""Whom a simulator works with: who decides, and who provides nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

__all__ = ["Decider", "Decisions", "Provider"]


class Decisions(NamedTuple):
    """What a cycle decided: pods that were placed, and pods that were evicted before, each in order."""

    placed: Sequence[int]
    evicted: Sequence[int] = ()


class Decider(Protocol):
    """What decides, and keeps the state of the cluster: pods and nodes by number."""

    @property
    def waiting(self) -> int:
        """How many pods wait."""
        ...

    @property
    def restless(self) -> bool:
        """Whether another cycle at once might place more."""
        ...

    def submit(self, job: int, pods: Sequence[int]) -> None:
        """Pods of a job wait from now on."""
        ...

    def cycle(self, now: float) -> Decisions:
        """Give everybody who waits a turn."""
        ...

    def next_window(self, now: float) -> float | None:
        """When the time of day alone changes what may be decided; None for never."""
        ...

    def node_of(self, pod: int) -> int:
        """The node that a pod is on."""
        ...

    def first_waiting(self, most: int) -> Sequence[int]:
        """The first so many pods that wait, in the order of their turns."""
        ...

    def leave(self, pods: Sequence[int], *, finished: bool) -> None:
        """Pods are taken off their nodes: they have finished their work, or will be submitted again."""
        ...

    def close(self, nodes: Sequence[int], *, gone: bool) -> None:
        """Nothing more may be placed on these nodes; they are gone, or only closed."""
        ...

    def open(self, nodes: Sequence[int]) -> None:
        """Pods may be placed on these nodes."""
        ...


class Provider(Protocol):
    """What asks for nodes when pods wait, and gives them back."""

    def at_least(self) -> list[tuple[float, int]]:
        """Nodes that are on their way at the start: when each is ready, and its number."""
        ...

    def order(self, now: float) -> list[tuple[float, int]]:
        """Nodes that are ordered now: when each is ready, and its number."""
        ...

    def arrived(self, node: int, now: float) -> bool:
        """An ordered node is ready; whether it is expected still."""
        ...

    def settled(self, pod: int) -> None:
        """A pod that waited was placed."""
        ...

    def initially_there(self) -> Iterable[int]:
        """The nodes that may be given back and are there at the start."""
        ...

    def reclaimed(self, node: int) -> bool:
        """A node was taken away; whether it has to be ordered anew."""
        ...

    def idle_since(self, node: int, now: float) -> float | None:
        """A node is empty from now on: when to look whether it still is; None for never."""
        ...

    def gives_back(self, node: int, now: float) -> bool:
        """Whether a node that may have been empty for long goes now."""
        ...

    def price_changed(self, now: float) -> None:
        """Prices are others from now on."""
        ...
