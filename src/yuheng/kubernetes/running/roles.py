"""Whom a turn deals with: who binds, who tells, who writes down; and what is measured of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol, Self

from yuheng.kubernetes.mirror import Known
from yuheng.kubernetes.running.binding import Outcome
from yuheng.model.live import Asked, Change, Decisions
from yuheng.model.pod import Pod

__all__ = ["Binding", "Measured", "Recorder", "Reports"]


class Reports(Protocol):
    """Who tells the users of what was decided."""

    def placed(self, known: Known, node: str) -> None:
        """A pod is bound."""

    def refused(self, known: Known, message: str) -> None:
        """A pod stays pending."""

    def failed(self, known: Known, node: str, why: str) -> None:
        """A pod that has a node could not be bound."""

    def nominated(self, known: Known, node: str) -> None:
        """Room is being made for a pod on a node; on none any longer, where it is empty."""

    def preempted(self, victim: Known, by: str, node: str) -> None:
        """A running pod was asked to go."""


class Binding(Protocol):
    """Who binds and evicts."""

    async def bind(
        self, namespace: str, name: str, uid: str, node: str, annotations: Mapping[str, str] = {}
    ) -> tuple[Outcome, str]:
        """Bind a pod."""

    async def evict(self, namespace: str, name: str, uid: str) -> str:
        """Ask a running pod to go."""


class Recorder(Protocol):
    """Who writes down what was told and decided."""

    @property
    def wants_state(self) -> bool:
        """Whether the whole state should be told before long, for a part of the record to begin with."""

    def turn(self, told: Sequence[Change], pods: Sequence[Pod], asked: Asked, outcome: Decisions | str) -> None:
        """A turn has ended, with decisions or with what could not be read; called where the engine works."""


class Measured(NamedTuple):
    """A turn in numbers.

    Attributes:
        pods: how many had their turn.
        placed: how many of them a node was chosen for.
        seconds: what that took.
        compiled: whether the cluster was compiled anew before.
        victims: of each pod, or job, that room was made for, how many have to go.
    """

    pods: int
    placed: int
    seconds: float
    compiled: bool = False
    victims: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, decisions: Decisions, pods: int, seconds: float, *, compiled: bool, nominated: Mapping[str, str] = {}
    ) -> Self:
        """A turn in numbers, from what it decided.

        Args:
            decisions: what it decided.
            pods: how many were asked about; 0 where queues decide, and those count that something was decided on.
            seconds: what that took.
            compiled: whether the cluster was compiled anew before.
            nominated: the nodes that were being cleared before: to clear one of them goes on, and is nothing new.
        """
        decided = len(decisions.placements) + len(decisions.lacking) + len(decisions.nominated)
        by_queue = Counter(one.by for one in decisions.evictions)
        pod_by_pod = [len(room.victims) for room in decisions.preemptions if nominated.get(room.pod) != room.node]
        victims = (*pod_by_pod, *by_queue.values())
        return cls(pods or decided, len(decisions.placements), seconds, compiled, victims)
