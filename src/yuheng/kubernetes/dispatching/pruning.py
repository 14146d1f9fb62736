"""What is taken away: objects that this fleet applied and that are in its plan no more.

Nothing goes before everything else has been applied, and nothing goes from a cluster that was not reached. Some things
never go, since more goes with them than we put there: a namespace takes all that others put into it, a definition takes
all objects of its kind, a claim takes its data. What is on its way out already is not asked for again: it is told that
it waits, until it is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from yuheng.kubernetes.dispatching.owned import Key, Owned

__all__ = ["LASTING", "LEAVING", "Pruning", "pruned"]

LASTING: Final = frozenset(("CustomResourceDefinition", "Namespace", "PersistentVolume", "PersistentVolumeClaim"))
LEAVING: Final = "it is being deleted, and waits for its finalizers or for what it owns"


class Pruning(NamedTuple):
    """What of a fleet's own objects in a cluster is not wanted there any more.

    Attributes:
        going: what is deleted.
        left: what stays all the same, with the reason.
    """

    going: list[Owned]
    left: list[tuple[Owned, str]]


def pruned(owned: Iterable[Owned], wanted: Set[Key], held: Mapping[Key, str], unpruned: str = "") -> Pruning:
    """What is deleted from a cluster, and what stays although it is not wanted.

    Args:
        owned: what the fleet has there.
        wanted: what it is to have there.
        held: what has to stay, and why.
        unpruned: why nothing is deleted at all; empty where there is no such reason.
    """
    going, left = [], []
    for one in sorted(owned, key=lambda one: one.key):
        if one.key in wanted:
            continue
        if one.is_leaving:
            left.append((one, LEAVING))
        elif one.kind.kind in LASTING:
            left.append((one, "never deleted: more would go with it than was put there"))
        elif one.key in held:
            left.append((one, held[one.key]))
        elif unpruned:
            left.append((one, unpruned))
        else:
            going.append(one)
    return Pruning(going, left)
