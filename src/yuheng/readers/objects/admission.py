"""What the API server adds to every pod it admits, so that a manifest is judged as the pod it will become."""

from __future__ import annotations

from typing import Final

from yuheng.model.node import Toleration

__all__ = ["admitted_tolerations"]

# The DefaultTolerationSeconds admission plugin: pods survive a short outage of their node.
_OUTAGES: Final = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def admitted_tolerations(tolerations: tuple[Toleration, ...]) -> tuple[Toleration, ...]:
    """The tolerations of the admitted pod: with those of an outage, where none speaks of it yet."""
    missing = (key for key in _OUTAGES if not any(_speaks_of(one, key) for one in tolerations))
    return (*tolerations, *(Toleration(key, "Exists", "", "NoExecute") for key in missing))


def _speaks_of(toleration: Toleration, key: str) -> bool:
    return toleration.key in ("", key) and toleration.effect in ("", "NoExecute")
