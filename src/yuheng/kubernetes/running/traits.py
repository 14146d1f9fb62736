"""What a turn looks at in a pod: when it has its turn, what could help it, and how it is held back."""

from __future__ import annotations

import msgspec

from yuheng.kubernetes.mirror import Known
from yuheng.model.pod import Pod

__all__ = ["held_back", "looks_at_others", "turn_of"]


def turn_of(known: Known) -> tuple[int, float, str]:
    """The order of turns: priority first, then age."""
    pod = known.pod
    return (-pod.priority, pod.created, known.key) if pod is not None else (0, 0.0, known.key)


def looks_at_others(pod: Pod) -> bool:
    """Whether a pod that comes could help another: it wants to be near some, or to be spread with them."""
    return bool(pod.spec.affinity.pod_affinity.required or pod.spec.spread)


def held_back(pod: Pod) -> Pod:
    """A pod that waits for its claims, as the engine holds back those with gates."""
    found: Pod = msgspec.structs.replace(pod, spec=msgspec.structs.replace(pod.spec, gates=("claims",)))
    return found
