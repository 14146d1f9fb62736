"""`schedule`: decide on the bindings of a Karmada control plane until a signal says to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Final

from yuheng.kubernetes.access import open_access
from yuheng.kubernetes.api import Api, ServerError, served_versions
from yuheng.kubernetes.dispatching.karmada.desk import NAMESPACED, WIDE, Desk, bindings_of
from yuheng.kubernetes.dispatching.karmada.roll import CLUSTERS, Roll
from yuheng.kubernetes.signals import stopped_by_signals
from yuheng.kubernetes.watching import Reflector

__all__ = ["schedule", "scheduled"]

Say = Callable[[str], object]
_GROUPS: Final = ("work.karmada.io", "cluster.karmada.io")


def schedule(kubeconfig: Path | None, context: str | None, scheduler: str, say: Say, *, dry_run: bool = False) -> None:
    """Decide until told to stop.

    Args:
        kubeconfig: where Karmada's API server is; None to look where ``kubectl`` does.
        context: of the kubeconfig.
        scheduler: our name, as policies say it.
        say: takes the lines that are printed.
        dry_run: whether nothing is written.

    Raises:
        YuhengError: it cannot be asked, or is no Karmada.
    """

    async def run() -> None:
        stop = asyncio.Event()
        with stopped_by_signals(stop):
            async with Api(open_access(kubeconfig, context)) as api:
                await scheduled(api, scheduler, say, stop, dry_run=dry_run)

    asyncio.run(run())


async def scheduled(api: Api, scheduler: str, say: Say, stop: asyncio.Event, *, dry_run: bool = False) -> None:
    """The same, on the loop that runs; a decision that is being written is finished first.

    Args:
        api: Karmada's API server.
        scheduler: our name.
        say: takes the lines that are printed.
        stop: says when.
        dry_run: whether nothing is written.

    Raises:
        ServerError: it cannot be asked, or is no Karmada.
    """
    for group in _GROUPS:
        if not await served_versions(api, group):
            raise ServerError(f"{api.access.server}: found no {group}, expected the API server of a Karmada")
    desk = Desk(api, scheduler, say, dry_run=dry_run)
    roll = Roll(desk)
    clusters = Reflector(api, CLUSTERS, roll)
    bindings = [Reflector(api, kind, bindings_of(desk)) for kind in (NAMESPACED, WIDE)]
    tasks = [asyncio.ensure_future(one.run()) for one in (clusters, *bindings)]
    tasks.append(asyncio.ensure_future(_work(desk, (clusters, *bindings), stop, api)))
    tasks.append(asyncio.ensure_future(_told(stop)))
    tasks.append(asyncio.ensure_future(roll.confirm(api)))
    try:
        ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        stop.set()
        desk.bell.set()
        await tasks[3]
        for task in ended:
            # Nobody ends by itself: what broke is told, and not taken for the end.
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _work(desk: Desk, reflectors: tuple[Reflector, ...], stop: asyncio.Event, api: Api) -> None:
    """Decide as things come, once all clusters and bindings are known."""
    await _either(_all_synced(reflectors), _told(stop))
    while not stop.is_set():
        seconds = await desk.work(stop.is_set)
        await _either(_told(desk.bell), _slept(api, seconds))


async def _all_synced(reflectors: tuple[Reflector, ...]) -> None:
    for one in reflectors:
        await one.synced.wait()


async def _told(event: asyncio.Event) -> None:
    await event.wait()


async def _slept(api: Api, seconds: float) -> None:
    await api.timing.sleep(seconds)


async def _either(*waits: Coroutine[None, None, None]) -> None:
    """Wait for the first of several."""
    tasks = [asyncio.ensure_future(one) for one in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
