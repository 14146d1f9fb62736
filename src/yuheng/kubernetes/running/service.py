"""The scheduler as a process: it watches, it stands by until it leads, it takes turns, it ends in good order.

All that runs beside the cycle is a task of one group: when one of them fails for good, the others are ended, too, and
whoever started the process sees why. What cannot be had for now (a server that is away, a role that lacks a verb) is no
such failure: it is told, and tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

import structlog

from yuheng.errors import YuhengError
from yuheng.kubernetes.api import KINDS, Api, ForbiddenError, ServerError, UnauthorizedError
from yuheng.kubernetes.mirror import WATCHED, Mirror
from yuheng.kubernetes.running.gangs import Gangs
from yuheng.kubernetes.running.turns import Turns
from yuheng.kubernetes.troubles import Troubles
from yuheng.kubernetes.watching import WATCHING, Reflector
from yuheng.scheduling.decider import warm

__all__ = ["Leading", "Service", "reflectors"]

# Seconds between two looks of one that stands by, and between two looks for gangs that are bound by half.
STAND_BY: Final = 1.0
LOOK: Final = 2.0
# In so many looks in a row, a tenth of the former apart, all has to be watched.
LOOKS: Final = 3
# Seconds that what is in flight gets at the end: less than pods get to end.
DRAIN: Final = 20.0
_log = structlog.get_logger("yuheng.running")


class Leading(Protocol):
    """Who may write."""

    lost: asyncio.Event
    trouble: YuhengError | None

    async def acquire(self) -> None:
        """Wait until it is us."""

    def leading(self) -> bool:
        """Whether it is us."""

    async def release(self) -> None:
        """Let others lead at once."""


class Beside(Protocol):
    """What works beside the cycle."""

    async def run(self) -> None:
        """Until cancelled."""

    async def drain(self) -> None:
        """Finish what was begun, within some seconds."""


def reflectors(api: Api, mirror: Mirror, page: int = 500, *, is_silent: bool = False) -> list[Reflector]:
    """What keeps a mirror up to date: pods, nodes, and all that decisions look at.

    Args:
        api: the server.
        mirror: what is kept up to date.
        page: how many objects are listed at once.
        is_silent: whether nothing is told of what cannot be watched.
    """
    troubles = Troubles(WATCHING, api.timing.now, subject="kinds", logger="yuheng.watching", is_silent=is_silent)
    found = [Reflector(api, KINDS[name], mirror.sink(KINDS[name]), page=page) for name in ("nodes", "pods")]
    found += [
        Reflector(api, KINDS[name], mirror.sink(KINDS[name], watched), page=page) for name, watched in WATCHED.items()
    ]
    for one in found:
        one.troubles = troubles
    return found


class Service:
    """One scheduler.

    Attributes:
        is_synced: whether the whole cluster was seen once.
    """

    def __init__(
        self,
        watching: Iterable[Reflector],
        turns: Turns,
        leading: Leading,
        gangs: Gangs | None = None,
        *,
        beside: Iterable[Beside] = (),
        pulse: Callable[[], object] = lambda: None,
        is_patient: bool = True,
        is_dry: bool = False,
    ) -> None:
        """Put a scheduler together.

        Args:
            watching: what keeps the mirror up to date.
            turns: the cycle.
            leading: who says whether it may write.
            gangs: looks for gangs that are bound by half; None not to.
            beside: what works beside the cycle, and finishes after it.
            pulse: is called every second, for as long as the process is well.
            is_patient: whether what cannot be had is asked for again and again; else it ends the process.
            is_dry: whether nothing is written, so that there is nothing to lead.
        """
        self.is_synced = False
        self._watching = list(watching)
        self._turns = turns
        self._leading = leading
        self._gangs = gangs
        self._beside = list(beside)
        self._pulse = pulse
        self._is_patient = is_patient
        self._is_dry = is_dry

    async def run(self, stop: asyncio.Event) -> None:
        """Schedule until told to stop; then finish what is in flight, and let others lead."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one.run()) for one in self._watching]
            tasks += [group.create_task(one.run()) for one in self._beside]
            tasks.append(group.create_task(self._beat()))
            cycle = group.create_task(self._lead())
            await stop.wait()
            _log.info("stopping: what is in flight is finished")
            cycle.cancel()
            await asyncio.wait({cycle})
            await self._finished()
            for one in self._beside:
                await one.drain()
            if not self._turns.carrier.in_flight:
                await self._leading.release()
            # Else whoever leads next waits until the Lease has run out: something may be written yet.
            for task in tasks:
                task.cancel()

    async def _finished(self) -> None:
        """What is in flight, as far as it ends in time; who leads next sees what became of the rest."""
        await self._turns.drain(DRAIN)

    async def _beat(self) -> None:
        """Tell that all is well: before the cluster is seen, while others lead, and as long as turns come."""
        while True:
            if not self._turns.is_stuck:
                self._pulse()
            await asyncio.sleep(STAND_BY)

    async def synced(self) -> None:
        """Wait until the whole cluster was seen once.

        Raises:
            ServerError: something cannot be listed, and the service is not patient.
        """
        if not self._is_patient:
            await self._listed_or_not()
        for one in self._watching:
            await one.synced.wait()
        self.is_synced = True

    async def _listed_or_not(self) -> None:
        while not all(one.synced.is_set() or one.trouble is not None for one in self._watching):
            await asyncio.sleep(STAND_BY / 10)
        failed = {one.kind.name: one.trouble for one in self._watching if not one.synced.is_set() and one.trouble}
        if failed:
            raise _as_one(failed)

    async def _lead(self) -> None:
        """Stand by, lead, and stand by again when others do."""
        warming = asyncio.ensure_future(asyncio.to_thread(warm))
        await self.synced()
        await warming
        self._tell_synced()
        while True:
            await self._stand_by()
            if not self._is_dry:
                _log.info("leading")
            await self._caught_up()
            await self._until_lost()

    async def _caught_up(self) -> None:
        """Wait until pods and nodes are watched again, or were listed since: whoever led before has moved pods.

        What happened meanwhile is told as soon as they are, and taken in within a few looks.
        """
        watching = [one for one in self._watching if one.kind.name in ("nodes", "pods")]
        since = self._turns.now()
        looks = LOOKS if all(one.is_watching for one in watching) else 0
        while looks < LOOKS and not self._leading.lost.is_set():
            self._turns.skip()
            await asyncio.sleep(STAND_BY / 10)
            looks = looks + 1 if all(one.is_watching or one.listed > since for one in watching) else 0

    def _tell_synced(self) -> None:
        mirror = self._turns.mirror
        missing = ", ".join(sorted(one.kind.name for one in self._watching if one.is_missing))
        fields = {"not_installed": missing} if missing else {}
        _log.info("synced", nodes=len(mirror.nodes), pods=len(mirror.pods), **fields)

    async def _stand_by(self) -> None:
        acquired = asyncio.ensure_future(self._leading.acquire())
        try:
            while not acquired.done():
                self._turns.skip()
                await asyncio.wait({acquired}, timeout=STAND_BY)
                trouble = self._leading.trouble
                if not self._is_patient and isinstance(trouble, ForbiddenError | UnauthorizedError):
                    raise trouble
            await acquired
        finally:
            acquired.cancel()

    async def _until_lost(self) -> None:
        """Take turns for as long as we lead."""
        work = [asyncio.ensure_future(self._turns.run())]
        if self._gangs is not None:
            work.append(asyncio.ensure_future(self._gangs.run(LOOK)))
        lost = asyncio.ensure_future(self._leading.lost.wait())
        try:
            done, _ = await asyncio.wait({*work, lost}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (*work, lost):
                task.cancel()
            await asyncio.gather(*work, lost, return_exceptions=True)
        _log.warning("no longer leading")
        await self._finished()

    def check_bound(self) -> None:
        """See that all could be bound that a node was chosen for.

        Raises:
            ServerError: the server refused some bindings.
        """
        unbound = self._turns.carrier.unbound
        if unbound:
            pod, why = next(iter(unbound.items()))
            others = f", nor could {len(unbound) - 1} others" if len(unbound) > 1 else ""
            raise ServerError(f"{pod} could not be bound{others}: {why}")

    async def until_idle(self) -> None:
        """Wait until every pod that waits has had its turn, and nothing is in flight."""
        while not (self.is_synced and self._turns.is_idle):
            await asyncio.sleep(STAND_BY / 10)


def _as_one(failed: Mapping[str, YuhengError]) -> YuhengError:
    """What several kinds met as one error: the first in full, and what else a role has to allow."""
    first, *others = failed
    found = failed[first]
    forbidden = [name for name in others if isinstance(failed[name], ForbiddenError)]
    if not isinstance(found, ForbiddenError) or not forbidden:
        return found
    return ServerError(f"{found}; nor to list {', '.join(forbidden)}")
