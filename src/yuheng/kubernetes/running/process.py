"""`schedule`: from options to a running scheduler, and to its end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from yuheng.errors import ConfigError
from yuheng.kubernetes.access import open_access
from yuheng.kubernetes.api import Api
from yuheng.kubernetes.mirror import Mirror
from yuheng.kubernetes.running.binding import Binder
from yuheng.kubernetes.running.dry import Alone, DryBinder, DryReports
from yuheng.kubernetes.running.election import Election, process_identity
from yuheng.kubernetes.running.gangs import Gangs
from yuheng.kubernetes.running.service import Leading, Service, reflectors
from yuheng.kubernetes.running.turns import Turns
from yuheng.model.policy import Policy
from yuheng.scheduling.decider import Decider

__all__ = ["Options", "schedule"]

Say = Callable[[str], object]


class Options(NamedTuple):
    """What a scheduler is started with; see ``yuheng run --help``."""

    kubeconfig: Path | None = None
    context: str | None = None
    name: str = "yuheng"
    policy: Policy | None = None
    seed: int = 0
    dry_run: bool = False
    once: bool = False
    metrics: str | None = None
    record: Path | None = None
    leader_elect: bool = True
    lease: str = "kube-system/yuheng"
    lease_duration: float = 15.0
    log_level: str = "info"
    log_format: str = "text"


def schedule(options: Options, say: Say) -> None:
    """Schedule the pods of a cluster until a signal says to stop.

    Args:
        options: what to do.
        say: takes the lines that are printed.

    Raises:
        YuhengError: the server cannot be asked at all, or an option cannot be used.
    """
    asyncio.run(_scheduled(options, say))


async def _scheduled(options: Options, say: Say) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        api = await stack.enter_async_context(Api(open_access(options.kubeconfig, options.context)))
        service = await _put_together(options, api, stack, say)
        if options.once:
            ending = asyncio.ensure_future(service.until_idle())
            ending.add_done_callback(lambda _: stop.set())
        await service.run(stop)


async def _put_together(options: Options, api: Api, stack: AsyncExitStack, say: Say) -> Service:
    """The parts of a scheduler, wired."""
    bell = asyncio.Event()
    mirror = Mirror(options.name, bell.set)
    leading = _leading(options, api)
    decider = Decider(options.policy, options.seed)
    binder = DryBinder() if options.dry_run else Binder(api, leading.leading)
    turns = Turns(mirror, decider, binder, DryReports(say), bell=bell, timing=api.timing)
    gangs = None if options.dry_run else Gangs(mirror, binder, decider.gangs, api.timing)
    return Service(reflectors(api, mirror), turns, leading, gangs, tell=say)


def _leading(options: Options, api: Api) -> Leading:
    if not options.leader_elect:
        return Alone()
    namespace, slash, name = options.lease.partition("/")
    if not slash or not namespace or not name:
        raise ConfigError(f"--lease: found {options.lease!r}, expected NAMESPACE/NAME")
    duration = options.lease_duration
    return Election(
        api,
        namespace,
        name,
        process_identity(),
        duration=duration,
        renew_deadline=duration * 2 / 3,
        retry=duration / 7.5,
    )
