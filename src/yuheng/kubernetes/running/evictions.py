"""Running pods that are asked to go, each once, and until when others are spared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from yuheng.kubernetes.mirror import Known, Mirror
from yuheng.kubernetes.running.roles import Binding, Reports
from yuheng.kubernetes.timing import Timing

__all__ = ["GRACE", "Evictions"]

# Seconds that a pod that was asked to go gets to begin to.
GRACE: Final = 60.0
# Pods that are remembered, until those are forgotten that were asked longer ago.
MOST: Final = 1000
_log = structlog.get_logger("yuheng.running")


class Evictions:
    """The pods that were asked to go.

    Args:
        mirror: the cluster.
        binder: what asks them.
        reports: who tells of it.
        timing: the clocks.
        refused: is told for whom a pod was asked in vain, and on which node.
    """

    def __init__(
        self, mirror: Mirror, binder: Binding, reports: Reports, timing: Timing, refused: Callable[[str, str], object]
    ) -> None:
        self._mirror = mirror
        self._binder = binder
        self._reports = reports
        self._timing = timing
        self._refused = refused
        self._asked: dict[str, float] = {}

    def is_asked(self, victim: Known) -> bool:
        """Whether a pod was asked lately; else it counts as asked from now on."""
        now = self._timing.now()
        if now - self._asked.get(victim.uid, -GRACE) < GRACE:
            return True
        if len(self._asked) > MOST:
            self._asked = {uid: asked for uid, asked in self._asked.items() if now - asked < GRACE}
        self._asked[victim.uid] = now
        return False

    async def ask(self, victim: Known, by: str, node: str) -> None:
        """Ask a pod to go for another.

        Args:
            victim: the pod.
            by: who it goes for, ``namespace/name``.
            node: where it is.
        """
        namespace, _, name = victim.key.partition("/")
        why = await self._binder.evict(namespace, name, victim.uid)
        if not why:
            self._reports.preempted(victim, by, node)
            return
        _log.warning("a pod could not be evicted", pod=victim.key, by=by, node=node, reason=why)
        self._asked.pop(victim.uid, None)
        self._refused(by, node)

    def nodes(self) -> set[str]:
        """The nodes that pods are about to leave, be it that they were asked lately or that they end."""
        now = self._timing.now()
        return {
            known.pod.node or ""
            for known in self._mirror.running()
            if known.pod is not None and (known.pod.terminating or now - self._asked.get(known.uid, -GRACE) < GRACE)
        }

    def are_leaving(self) -> bool:
        """Whether pods that were asked to go, by us or by who led before, are there still and are about to go."""
        now = self._timing.now()
        running = {known.uid: known for known in self._mirror.running()} if self._asked else {}
        self._asked = {
            uid: asked
            for uid, asked in self._asked.items()
            if (known := running.get(uid)) is not None and (now - asked < GRACE or _is_leaving(known))
        }
        cleared = {known.nominated for known in self._mirror.waiting()} - {""}
        others = (known for known in self._mirror.running() if known.pod is not None and known.pod.node in cleared)
        return bool(self._asked) or (bool(cleared) and any(map(_is_leaving, others)))


def _is_leaving(known: Known) -> bool:
    return known.pod is not None and known.pod.terminating
