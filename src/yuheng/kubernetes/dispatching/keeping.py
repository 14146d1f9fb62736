"""`Keeper`: a plan that is carried out, and kept so.

    folder changes ─┐
    drift ──────────┼──> round (ask, plan, apply, prune) ──> told
    every minutes ──┤
    cluster fails ──┘    NotReady for long enough: given up, its replicas placed elsewhere
                         ready again: what it has left is taken away; replicas come back only when that was asked for

A cluster that does not answer for a moment keeps what it has, and is not asked until it does, since others would wait.
When none answers it is we who are cut off, and nobody is given up. Rounds that fail are followed by pauses that grow,
and what others change in the meantime does not shorten them: it may be the same quarrel again.
Files are read when they have been at rest for some seconds: half of an edit looks like a fleet without the other half.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, NamedTuple

import structlog

from yuheng.errors import YuhengError
from yuheng.kubernetes.dispatching.decision import Decision
from yuheng.kubernetes.dispatching.folder import Folder, fingerprint, opened
from yuheng.kubernetes.dispatching.health import Monitor, Seen
from yuheng.kubernetes.dispatching.members import Member, Reading, connected
from yuheng.kubernetes.dispatching.rounds import Round, Task
from yuheng.kubernetes.dispatching.runs import Runs
from yuheng.kubernetes.dispatching.targets import Identity
from yuheng.kubernetes.timing import Timing
from yuheng.model.dispatch import Carried, DispatchReport

__all__ = ["Keeper", "Patience"]

Say = Callable[[str], object]
_TICK: Final = 1.0
# Seconds until a round that failed is done again the first time, and one in which something had to wait.
_FIRST: Final = 5.0
_SOON: Final = 15.0
# How long files have to stay as they are before they are read again, and a cluster ready before it is taken back.
_AT_REST: Final = 5.0
_STEADY: Final = 30.0
_log = structlog.get_logger("yuheng.dispatching")


class Patience(NamedTuple):
    """How long things are waited for, in seconds.

    Attributes:
        failover_after: until a cluster that is not ready is given up.
        grace: until replicas leave a cluster that was given up for others which are not ready; 0 not to wait.
        every: between two rounds in which nothing happened.
        least: between two rounds in any case.
    """

    failover_after: float = 300.0
    grace: float = 600.0
    every: float = 300.0
    least: float = 5.0


class Keeper:
    """Carries a plan out, and keeps it so.

    Args:
        sources: the fleet's files and folders.
        task: what a round is to do.
        say: takes the lines that are printed.
        kubeconfig: for clusters that name none.
        patience: how long things are waited for.
        timing: the clocks.

    Attributes:
        lost: clusters that are given up.
        report: of the last round; None before the first.
        ready: replicas that work, by cluster, kind and key.
    """

    def __init__(
        self,
        sources: Sequence[str],
        task: Task,
        say: Say,
        *,
        kubeconfig: Path | None = None,
        patience: Patience = Patience(),  # noqa: B008 -- immutable
        timing: Timing = Timing(),  # noqa: B008 -- immutable
    ) -> None:
        self.lost: set[str] = set()
        self.report: DispatchReport | None = None
        self.ready: dict[tuple[str, str, str], int] = {}
        self._sources = sources
        self._task = task
        self._say = say
        self._kubeconfig = kubeconfig
        self._patience = patience
        self._timing = timing
        self._monitors: dict[str, Monitor] = {}
        self._known: dict[str, Reading] = {}
        self._decisions: dict[Identity, Decision] = {}
        self._runs = Runs()
        self._replicas: dict[tuple[str, str, str], int] = {}
        self._why = ""
        self._drift: dict[tuple[str, str, str], str] = {}
        self._quarrels: set[tuple[str, str, str]] = set()
        self._leaving = 0
        self._failed = 0
        self._again = 0.0
        self._waiting: dict[Identity, float] = {}
        self._expected: dict[tuple[str, str, str], int | None] = {}
        self._silent: dict[str, str] = {}
        self._told: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep it so until told to stop; a round that is under way is finished first.

        Raises:
            YuhengError: the folder is no fleet at the start.
        """
        opened(self._sources, self._task.settings.fleet or None)
        while not stop.is_set():
            # Members are opened anew when the folder changes: it may name others.
            async with AsyncExitStack() as stack:
                folder = await self._folder(stop)
                if folder is not None:
                    await self._kept(folder, stop, stack)
            await self._rest(stop)

    async def _folder(self, stop: asyncio.Event) -> Folder | None:
        """The folder, as soon as it can be read."""
        while not stop.is_set():
            try:
                return opened(self._sources, self._task.settings.fleet or None)
            except YuhengError as error:
                self._tell(f"the folder is not used: {error}")
            await self._pause(_TICK, stop)
        return None

    async def _rest(self, stop: asyncio.Event) -> None:
        """Wait until nobody has touched the files for a while."""
        seen, since = fingerprint(self._sources), self._timing.now()
        while not stop.is_set() and self._timing.now() - since < _AT_REST:
            await self._pause(_TICK, stop)
            now = fingerprint(self._sources)
            if now != seen:
                seen, since = now, self._timing.now()

    async def _kept(self, folder: Folder, stop: asyncio.Event, stack: AsyncExitStack) -> None:
        """Keep one state of the folder, until it changes."""
        members, failures = await connected(folder.places, self._kubeconfig, self._timing, stack)
        self._known = {name: one for name, one in self._known.items() if name in members}
        self.ready = {share: count for share, count in self.ready.items() if share[0] in members}
        self.lost &= set(members)
        watching = [asyncio.ensure_future(monitor.run()) for monitor in self._monitored(folder, members)]
        try:
            self._why = "the folder was read"
            await self._rounds(folder, stop, (members, failures))
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)

    async def _rounds(
        self,
        folder: Folder,
        stop: asyncio.Event,
        reached: tuple[dict[str, Member], dict[str, str]],
    ) -> None:
        """Rounds, whenever there is a reason for one."""
        due = 0.0
        while not stop.is_set():
            self._look()
            now = self._timing.now()
            if not self._why:
                # Of what a round was for already that failed, the pause between such rounds is kept.
                self._why = next((why for share, why in self._drift.items() if share not in self._quarrels), "")
            if not self._why and now >= self._again:
                self._why = "the last round was not done wholly" if self._failed else "some time has passed"
            if self._why and now >= due:
                await self._round(folder, reached)
                due = self._timing.now() + self._patience.least
                self._again = self._timing.now() + self._wait()
            await self._pause(_TICK, stop)
            if fingerprint(self._sources) != folder.seen:
                self._tell("the folder has changed")
                return

    async def _round(self, folder: Folder, reached: tuple[dict[str, Member], dict[str, str]]) -> None:
        why, self._why = self._why, ""
        self._quarrels.update(self._drift)
        self._drift.clear()
        _log.info("dispatching", why=why)
        task = self._task._replace(
            settings=self._task.settings._replace(fleet=folder.fleet),
            lost=frozenset(self.lost),
            failback=self._task.failback and not self.lost,
            holds=True,
            overdue=self._overdue(),
            silent=self._unheard(),
            runs=self._runs,
            grace=self._patience.grace,
            live=self._replicas,
        )
        self._silent = dict(task.silent)
        one = Round(folder, *reached, self._timing, self._known)
        try:
            report = await one.run(task, self._decisions)
        except YuhengError as error:
            self._tell(f"nothing is dispatched: {error}")
            self._failed += 1
            return
        self._known.update(one.readings)
        self._decisions = one.decisions
        self._expected = one.expected
        self.report = report
        self._announce(report)
        self._failed = self._failed + 1 if report.failures else 0
        if not report.failures:
            self._quarrels.clear()
        self._leaving = self._leaving + 1 if one.leaving else 0
        now = self._timing.now()
        self._waiting = {identity: self._waiting.get(identity, now) for identity in one.waiting}

    def _unheard(self) -> dict[str, str]:
        """The clusters whose servers do not answer, and what they are like."""
        health = {name: monitor.health for name, monitor in self._monitors.items()}
        return {name: one.reason for name, one in health.items() if one.is_silent}

    def _overdue(self) -> frozenset[Identity]:
        """The workloads that have waited for long enough."""
        now = self._timing.now()
        return frozenset(one for one, since in self._waiting.items() if now - since >= self._patience.grace)

    def _wait(self) -> float:
        """Seconds until the next round when nothing happens: growing ones, with jitter, while rounds fail."""
        if self._waiting and not self._failed:
            return min(_SOON, self._patience.every)
        if self._leaving and not self._failed:
            return min(_SOON * 2.0 ** min(self._leaving - 1, 16), self._patience.every)
        if not self._failed:
            return self._patience.every
        bound = min(_FIRST * 2.0 ** min(self._failed, 16), self._patience.every)
        return bound * (0.5 + self._timing.chance() / 2)

    def _monitored(self, folder: Folder, members: dict[str, Member]) -> Iterable[Monitor]:
        before = self._monitors
        self._monitors = {
            name: Monitor(member, folder.fleet, self._timing, self._changed) for name, member in members.items()
        }
        for name in before.keys() & members.keys():
            self._monitors[name].health = before[name].health
        return self._monitors.values()

    def _look(self) -> None:
        """Give clusters up that do not work for too long, and take those back that work again."""
        now = self._timing.now()
        health = {name: monitor.health for name, monitor in self._monitors.items() if monitor.health.is_known}
        anybody = any(one.is_ready for one in health.values())
        for name, one in sorted(health.items()):
            if name in self._silent and one.is_ready:
                del self._silent[name]
                self._why = f"cluster {name} answers again"
            if name in self.lost and one.is_ready and now - one.since >= _STEADY:
                self.lost.discard(name)
                self._why = f"cluster {name} is ready again"
                back = "replicas go back" if self._task.failback else "no replica goes back without --failback"
                self._tell(f"{self._why}: {back}")
            elif name not in self.lost and not one.is_ready and anybody:
                away = now - one.since
                if away >= self._patience.failover_after:
                    self.lost.add(name)
                    self._why = f"cluster {name} is given up"
                    self._tell(f"{self._why}: not ready for {away:.0f} s ({one.reason}): its replicas go elsewhere")

    def _changed(self, cluster: str, one: Seen) -> None:
        """A workload of ours changed in a cluster."""
        share = cluster, one.kind, one.key
        if one.replicas is None:
            self._gone(cluster, one)
            return
        if one.kind == "Job":
            self._runs.seen(cluster, (one.kind, one.key), is_over=bool(one.is_over))
        before, self.ready[share] = self.ready.get(share), one.ready
        if before is not None and before != one.ready:
            self._say(f"{cluster}: {one.kind} {one.key}: {one.ready}/{one.replicas} replicas are ready")
        # What is told again with each change of a status is no news.
        is_news = self._replicas.get(share) != one.replicas
        self._replicas[share] = one.replicas
        wanted = self._expected.get(share)
        if is_news and wanted is not None and one.replicas != wanted and one.kind != "Job":
            self._drift[share] = f"{one.kind} {one.key} was changed in {cluster}"

    def _gone(self, cluster: str, one: Seen) -> None:
        """A workload of ours is gone from a cluster; a Job of which that is not known has run."""
        share = cluster, one.kind, one.key
        self.ready.pop(share, None)
        self._replicas.pop(share, None)
        is_missed = one.kind != "Job" or self._runs.gone(cluster, (one.kind, one.key), is_over=one.is_over is not False)
        if is_missed and share in self._expected and cluster not in self.lost:
            self._drift[share] = f"{one.kind} {one.key} is gone from {cluster}"

    def _announce(self, report: DispatchReport) -> None:
        """What a round did, in lines; what stays as it is, and what is noted, is told once."""
        for one in report.objects:
            if one.action in ("create", "change", "prune"):
                fields = f" ({', '.join(one.fields)})" if one.fields else ""
                self._say(f"{one.cluster}: {one.kind} {one.key}: {one.action}{fields}")
        for moved in report.moved:
            self._say(f"moved: {moved}")
        lines = [f"{name}: {reason}" for name, reason in report.failures.items()]
        lines += [f"{one.kind} {one.workload} has no place: {one.reason}" for one in report.unplaced]
        lines += [f"{one.cluster}: {one.kind} {one.key} stays: {one.reason}" for one in report.objects if _is_left(one)]
        lines += report.notes
        for line in lines:
            if line not in self._told:
                self._say(line)
        self._told = set(lines)

    def _tell(self, line: str) -> None:
        if line not in self._told:
            self._say(line)
            self._told.add(line)

    async def _pause(self, seconds: float, stop: asyncio.Event) -> None:
        """Wait, unless told to stop."""
        waits = [asyncio.ensure_future(self._timing.sleep(seconds)), asyncio.ensure_future(stop.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for one in waits:
            one.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


def _is_left(one: Carried) -> bool:
    return one.action == "left" and bool(one.reason)
