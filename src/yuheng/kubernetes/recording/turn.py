"""A turn: all that went into a decision, and what came out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from yuheng.model.live import Asked, Change, Decisions, Renewed
from yuheng.model.pod import Pod

__all__ = ["Turn"]


class Turn(NamedTuple):
    """One turn of an engine.

    Attributes:
        number: counted from 1 since the process began; what is missing was not written.
        told: what the engine was told before.
        pods: those that had their turn.
        asked: what else it was asked.
        outcome: what it decided, or why it could not read the state.
    """

    number: int
    told: Sequence[Change]
    pods: Sequence[Pod]
    asked: Asked
    outcome: Decisions | str

    @property
    def begins(self) -> bool:
        """Whether nothing before it has to be known: it is told the whole state, which can be read."""
        return bool(self.told) and isinstance(self.told[0], Renewed) and isinstance(self.outcome, Decisions)

    @property
    def weight(self) -> int:
        """How many things it holds on to, about."""
        states = [change.snapshot for change in self.told if isinstance(change, Renewed)]
        return 1 + len(self.told) + len(self.pods) + sum(len(state.pods) + len(state.nodes) for state in states)
