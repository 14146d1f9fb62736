"""Gangs that are bound by half: completed, or taken off as a whole.

A gang is decided on as a whole, but bound pod by pod, and a server, a node or this process can fail half-way. Whoever
leads next sees the rest waiting, and first tries to complete it: what its pods need was free a moment ago. Where it is
not free any longer, no binding can be undone: then the pods that were bound are evicted, so that what owns them makes
them anew, and the gang starts again with nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

import structlog

from yuheng.kubernetes.mirror import Known, Mirror
from yuheng.kubernetes.running.roles import Binding
from yuheng.kubernetes.timing import Timing
from yuheng.model.live import Gang

__all__ = ["Gangs"]

# Seconds that a gang may be bound by half before its pods are taken off.
PATIENCE: Final = 20.0
# Turns that a gang has to be completed before, at least: where one takes long, it waits for longer.
TRIES: Final = 2
# Seconds after which a pod that started is not one whose gang was just being bound.
FRESH: Final = 300.0
_log = structlog.get_logger("yuheng.running")


class Gangs:
    """Looks after the gangs of a cluster.

    Args:
        mirror: the cluster.
        binder: what evicts.
        gangs: gives the gangs there are.
        timing: the clocks.
        patience: seconds that a gang may be bound by half.
        pace: gives the seconds between two turns.

    Attributes:
        half_bound: how many gangs are, at the last look.
    """

    def __init__(
        self,
        mirror: Mirror,
        binder: Binding,
        gangs: Callable[[], Iterable[Gang]],
        timing: Timing = Timing(),  # noqa: B008 -- immutable
        patience: float = PATIENCE,
        pace: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.half_bound = 0
        self._mirror = mirror
        self._binder = binder
        self._gangs = gangs
        self._timing = timing
        self._patience = patience
        self._pace = pace
        self._since: dict[str, float] = {}
        # Gangs that were whole once: what they lose later (a node fails) is not a start that went wrong.
        self._whole: set[str] = set()

    async def run(self, period: float) -> None:
        """Look every so many seconds, until cancelled."""
        while True:
            await asyncio.sleep(period)
            await self.look()

    async def look(self) -> None:
        """Take off the gangs that were bound by half for too long."""
        now = self._timing.now()
        found = self._by_half()
        self.half_bound = len(found)
        self._since = {job: self._since.get(job, now) for job in found}
        patience = max(self._patience, TRIES * self._pace())
        for job, pods in found.items():
            if now - self._since[job] >= patience:
                del self._since[job]
                _log.warning("a gang is bound by half: its pods are evicted", job=job, bound=len(pods))
                await asyncio.gather(*(self._evict(known) for known in pods))

    async def _evict(self, known: Known) -> None:
        namespace, _, name = known.key.partition("/")
        why = await self._binder.evict(namespace, name, known.uid)
        if why:
            _log.warning("a pod could not be evicted", pod=known.key, reason=why)

    def _by_half(self) -> dict[str, list[Known]]:
        """The pods to take off: of gangs that were bound lately, and have fewer on nodes than they need to start.

        What has ended counts, and so do pods that others schedule.
        """
        found: dict[str, list[Known]] = {}
        gangs = list(self._gangs())
        self._whole.intersection_update(gang.job for gang in gangs)
        for gang in gangs:
            known = [one for key in gang.pods if (one := self._mirror.pods.get(key)) is not None]
            started = [one for one in known if one.pod is None or one.pod.node is not None]
            running = [one for one in started if one.pod is not None and not one.pod.terminating]
            if len(started) >= gang.minimum:
                self._whole.add(gang.job)
            elif not running:
                self._whole.discard(gang.job)
            elif gang.job not in self._whole and all(map(self._is_fresh, running)):
                ours = [one for one in running if one.scheduler == self._mirror.name]
                if ours:
                    found[gang.job] = ours
        return found

    def _is_fresh(self, known: Known) -> bool:
        """Whether a pod was bound lately: a gang that runs for long is no start that went wrong."""
        started = known.pod.started if known.pod is not None else None
        return started is None or self._timing.wall() - started < FRESH
