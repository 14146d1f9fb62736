"""The pending pods, gathered by what keeps them waiting.

A plan that places pods between two refusals changes the numbers in kube-scheduler's sentence ("12
Insufficient cpu" becomes "13 Insufficient cpu") without changing what is wrong. Refusals therefore belong
together when they name the same reasons; the numbers are those of the sentence that was said most often.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yuheng.model.plan import Refusal

__all__ = ["PendingGroup", "grouped"]


class PendingGroup(msgspec.Struct, frozen=True):
    """Pods that wait for the same reasons.

    Attributes:
        example: the first refusal with the most frequent sentence; its message speaks for all.
        refusals: every refusal of the group, in the plan's order.
        hints: the distinct hints with the number of pods each would help, most frequent first.
        same_message: whether every pod got the example's message, word for word.
    """

    example: Refusal
    refusals: tuple[Refusal, ...]
    hints: tuple[tuple[str, int], ...]
    same_message: bool

    @property
    def pods(self) -> int:
        """How many pods wait for these reasons."""
        return len(self.refusals)


def grouped(refusals: Iterable[Refusal]) -> list[PendingGroup]:
    """The refusals by reason, largest group first, ties by message."""
    groups: dict[object, list[Refusal]] = {}
    for refusal in refusals:
        groups.setdefault(_cause(refusal), []).append(refusal)
    return sorted(map(_group, groups.values()), key=lambda group: (-group.pods, group.example.message))


def _cause(refusal: Refusal) -> object:
    """What refusals share when the same thing is wrong: the reasons without numbers, else the sentence."""
    if not refusal.reasons:
        return refusal.message
    return frozenset((reason.filter, reason.detail) for reason in refusal.reasons)


def _group(refusals: list[Refusal]) -> PendingGroup:
    messages = Counter(refusal.message for refusal in refusals)
    usual = messages.most_common(1)[0][0]
    hints = Counter(refusal.hint for refusal in refusals if refusal.hint)
    return PendingGroup(
        example=next(refusal for refusal in refusals if refusal.message == usual),
        refusals=tuple(refusals),
        hints=tuple(sorted(hints.items(), key=lambda item: (-item[1], item[0]))),
        same_message=len(messages) == 1,
    )
