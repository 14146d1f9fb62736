"""What a turn looks at in pods and changes: what could help whom, and how some are held back."""

from __future__ import annotations

from collections.abc import Iterable, Set

import msgspec

from yuheng.model.cluster import Snapshot
from yuheng.model.live import Came, Change, Went
from yuheng.model.pod import Pod

__all__ = ["frees", "looks_at_others", "without"]


def looks_at_others(pod: Pod) -> bool:
    """Whether a pod that comes could help another: it wants to be near some, or to be spread with them."""
    return bool(pod.spec.affinity.pod_affinity.required or pod.spec.spread)


def without(snapshot: Snapshot, held: Set[str]) -> Snapshot:
    """A state in which some of the pods that wait are held back, as the engine holds back those with gates."""
    if not held:
        return snapshot
    pods = tuple(_gated(pod) if pod.key in held else pod for pod in snapshot.pods)
    found: Snapshot = msgspec.structs.replace(snapshot, pods=pods)
    return found


def _gated(pod: Pod) -> Pod:
    found: Pod = msgspec.structs.replace(pod, spec=msgspec.structs.replace(pod.spec, gates=("held back",)))
    return found


def frees(changes: Iterable[Change]) -> bool:
    """Whether a pod left its node, or holds or is something else there: less room, or other labels.

    One that is changed goes and comes again. That it begins to end frees nothing yet.
    """
    gone: set[str] = set()
    for change in changes:
        match change:
            case Went(key):
                gone.add(key)
            case Came(pod) if pod.terminating:
                gone.discard(pod.key)
    return bool(gone)
