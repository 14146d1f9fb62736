"""`schedule`: from options to a running scheduler, and to its end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from yuheng.errors import ConfigError, YuhengError
from yuheng.kubernetes.access import Access, open_access
from yuheng.kubernetes.api import Api
from yuheng.kubernetes.logs import start_logs
from yuheng.kubernetes.mirror import Claims, Mirror
from yuheng.kubernetes.recording.writer import Limits, Recorder, Started
from yuheng.kubernetes.running.binding import Binder
from yuheng.kubernetes.running.dry import Alone, DryBinder, DryReports
from yuheng.kubernetes.running.election import Election, process_identity
from yuheng.kubernetes.running.gangs import Gangs
from yuheng.kubernetes.running.measures import Measures
from yuheng.kubernetes.running.podgroups import PodGroups
from yuheng.kubernetes.running.reports import Reporter
from yuheng.kubernetes.running.roles import Measured
from yuheng.kubernetes.running.rules import Rules
from yuheng.kubernetes.running.service import Leading, Service, reflectors
from yuheng.kubernetes.running.serving import Address, Pulse, Serving
from yuheng.kubernetes.running.turns import Turns
from yuheng.kubernetes.running.volumes import Volumes
from yuheng.kubernetes.signals import stopped_by_signals
from yuheng.model.policy import Policy
from yuheng.scheduling.decider import Decider

__all__ = ["Options", "schedule"]

Say = Callable[[str], object]
# Of the seconds that a Lease lasts, the share within which it has to be renewed, and that between two renewals: the
# proportions of client-go's 15, 10 and 2 seconds.
RENEW, RETRY = 10 / 15, 2 / 15
# Names as Kubernetes has them (RFC 1123). A scheduler's is that of its Lease, and of who reports its events.
LONGEST_SCHEDULER, LONGEST_LABEL, LONGEST_NAME = 63, 63, 253
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


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
    record_limits: Limits = Limits()
    leader_elect: bool = True
    lease: str | None = None
    lease_duration: float = 15.0
    log_level: str = "info"
    log_format: str = "text"


def schedule(options: Options, say: Say) -> None:
    """Schedule the pods of a cluster until a signal says to stop.

    Args:
        options: what to do.
        say: takes what a dry run would do, a line each.

    Raises:
        YuhengError: the server cannot be asked at all, or an option cannot be used.
    """
    _check_name("--name", options.name, LONGEST_SCHEDULER)
    start_logs(options.log_level, options.log_format)
    try:
        asyncio.run(_scheduled(options, say))
    except* YuhengError as errors:
        raise _first(errors) from None


def _first(error: BaseException) -> BaseException:
    """The first error of a group: whoever started the process is told one."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


def _check_name(option: str, name: str, longest: int) -> None:
    """See that objects can have a name.

    Raises:
        ConfigError: they cannot.
    """
    if len(name) > longest or _NAME.fullmatch(name) is None:
        expected = f"at most {longest} lower case letters, digits, - and ., beginning and ending with one of the former"
        raise ConfigError(f"{option}: found {name!r}, expected {expected}")


async def _scheduled(options: Options, say: Say) -> None:
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        stack.enter_context(stopped_by_signals(stop))
        access = open_access(options.kubeconfig, options.context)
        service = await _Parts(options, access, stack, say).put_together()
        if options.once:
            ending = asyncio.ensure_future(service.until_idle())
            ending.add_done_callback(lambda _: stop.set())
        await service.run(stop)
        if options.once:
            service.check_bound()


class _Parts:
    """The parts of a scheduler, on their way to being one."""

    def __init__(self, options: Options, access: Access, stack: AsyncExitStack, say: Say) -> None:
        self._options = options
        self._access = access
        self._stack = stack
        self._say = say
        self._instance = process_identity()
        self._measures = Measures(options.name)
        self._rules = Rules(options.policy)
        # Seconds of the last turn that came to one of its pods.
        self._share = 0.0

    async def put_together(self) -> Service:
        """The scheduler; what has to be closed is closed by the stack, the last first."""
        options, stack = self._options, self._stack
        api = await stack.enter_async_context(Api(self._access, observe=self._measures.asked))
        bell = asyncio.Event()
        mirror = Mirror(options.name, bell.set)
        leading = await self._leading()
        decider = Decider(options.policy, options.seed)
        binder = DryBinder() if options.dry_run else Binder(api, leading.leading)
        reporter = Reporter(
            api,
            options.name,
            self._instance,
            may_write=leading.leading,
            uid_of=lambda key: mirror.pods[key].uid if key in mirror.pods else "",
        )
        pulse = Pulse(api.timing.now)
        turns = Turns(
            mirror,
            decider,
            binder,
            DryReports(self._say) if options.dry_run else reporter,
            bell=bell,
            timing=api.timing,
            recorder=self._recorder(),
            observe=lambda turn: self._observe(turn, by_queue=decider.by_queue),
        )
        turns.carrier.volumes = None if options.dry_run else Volumes(api, Claims(mirror), leading.leading)
        groups = PodGroups(api, mirror, leading.leading, self._say if options.dry_run else None)
        turns.carrier.admitted = groups.admit
        gangs = Gangs(mirror, binder, decider.gangs, api.timing, pace=lambda: turns.pace)
        watching = reflectors(api, mirror, is_silent=options.once)
        service = Service(
            watching,
            turns,
            leading,
            None if options.dry_run else gangs,
            beside=(groups,) if options.dry_run else (reporter, groups),
            pulse=pulse.beat,
            is_patient=not options.once,
            is_dry=options.dry_run,
        )
        self._measure(turns, leading, gangs, reporter)
        self._measures.watches(lambda: {one.kind.name: one.restarts for one in watching})
        if options.metrics is not None:
            ready = lambda: "" if service.is_synced else "the cluster was not seen as a whole yet"  # noqa: E731
            await stack.enter_async_context(Serving(Address(options.metrics), self._measures, pulse.problem, ready))
        return service

    async def _leading(self) -> Leading:
        """Who says whether we lead; asked over connections of its own, so that no renewal waits behind bindings."""
        options = self._options
        if not options.leader_elect:
            return Alone()
        namespace, slash, name = _lease_of(options).partition("/")
        if not slash:
            raise ConfigError(f"--lease: found {options.lease!r}, expected NAMESPACE/NAME")
        if "." in namespace:
            raise ConfigError(f"--lease: found {options.lease!r}, expected a namespace without dots")
        _check_name("--lease, its namespace", namespace, LONGEST_LABEL)
        _check_name("--lease, its name", name, LONGEST_NAME)
        api = await self._stack.enter_async_context(Api(self._access, in_flight=4))
        duration = options.lease_duration
        return Election(
            api,
            namespace,
            name,
            self._instance,
            duration=duration,
            renew_deadline=duration * RENEW,
            retry=duration * RETRY,
        )

    def _recorder(self) -> Recorder | None:
        """What writes the record, ended when all else has."""
        options = self._options
        if options.record is None:
            return None
        recorder = Recorder(options.record, Started(options.policy, options.seed), options.record_limits)
        self._stack.push_async_callback(asyncio.to_thread, recorder.close)
        self._measures.recorded(recorder.size)
        self._measures.record_lost(lambda: recorder.counts.lost, lambda: recorder.counts.failures)
        return recorder

    def _observe(self, turn: Measured, *, by_queue: bool) -> None:
        measures = self._measures
        self._rules.hold(by_queue=by_queue)
        measures.cycled(turn.pods, turn.seconds)
        if turn.compiled:
            measures.compiled(turn.seconds)
        self._share = turn.seconds / turn.pods if turn.pods else 0.0
        if turn.pods > turn.placed:
            measures.attempted("unschedulable", self._share, turn.pods - turn.placed)
        for victims in turn.victims:
            measures.preempted(victims)

    def _tried(self, result: str, seconds: float) -> None:
        """A pod that had a node was bound, or could not be."""
        self._measures.attempted(result, self._share + seconds)

    def _measure(self, turns: Turns, leading: Leading, gangs: Gangs, reporter: Reporter) -> None:
        """What is only asked for when the measures are read."""
        measures, mirror = self._measures, turns.mirror

        def sizes() -> Mapping[str, float]:
            on_nodes = sum(1 for _ in mirror.running())
            return {"nodes": len(mirror.nodes), "pods": on_nodes, "assumed_pods": mirror.assumed}

        turns.carrier.bound = measures.scheduled
        turns.carrier.tried = self._tried
        measures.leader(_lease_of(self._options), leading.leading)
        measures.pending(turns.waiting)
        measures.unreadable(mirror.unreadable)
        measures.cache(sizes)
        measures.half_bound(lambda: gangs.half_bound)
        measures.events_dropped(lambda: reporter.dropped)


def _lease_of(options: Options) -> str:
    """The Lease by which instances of one scheduler agree; those of another name have another."""
    return options.lease or f"kube-system/{options.name}"
