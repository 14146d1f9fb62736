"""Who of several instances leads: at most one, whatever clocks and networks do.

The record is a Lease. Who holds it renews it; who does not watches whether it changes, and takes it when it has not
for as long as it says it lasts. Nobody believes another's clock: the times in the record are for people, an instance
only measures how long *it* has seen no change. And nobody writes over what it has not read: the API server refuses an
update that rests on an old version, so of two who take over one does.

The holder counts the other way round. It leads until `renew_deadline` after it *began* to ask for its last renewal
(not after the answer came), which is earlier than anybody may take over, by the difference of the two durations. It
does not have to notice anything for that: `Election.leading` looks at the clock, so a request that hangs, a process
that was stopped, or an event loop that was busy ends the leadership in time. A machine that was suspended may have
lost its steady clock with it; therefore the calendar's clock ends it, too. It cannot prolong it.

An update whose answer is lost may have been done, or be done later. The Lease is then read, and whether the record is
ours is told from the very times that were written, not from the name: another process of the same name is another.
"""

from __future__ import annotations

import asyncio
import math
import socket
import uuid
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from yuheng.errors import ConfigError, YuhengError
from yuheng.kubernetes.api import ConflictError, MissingError, UnreachableError
from yuheng.kubernetes.running.lease import Lease, LeaseSpec, LeaseStore, micro_time
from yuheng.kubernetes.timing import Timing
from yuheng.kubernetes.troubles import Troubles

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api

__all__ = ["Election", "process_identity"]

# Who waits for the Lease looks at it each `retry` seconds, and up to this share later.
JITTER: Final = 1.2
# What was written and not answered is remembered so many times over.
_REMEMBERED: Final = 16
_log = structlog.get_logger("yuheng.election")


class Election:
    """One instance's part in the election.

    Args:
        api: the server; best a session of its own, so that a renewal does not wait behind bindings.
        namespace: of the Lease.
        name: of the Lease.
        identity: of this process, and of no other: see `Election.leading`.
        timing: the clocks and the chance.
        duration: seconds without a change after which others take over.
        renew_deadline: seconds after the last renewal was asked for until which this instance leads.
        retry: seconds between renewals, and between looks at another's Lease.

    Attributes:
        lost: is set when this instance led and does not any more; `acquire` clears it.
        leader: who holds the Lease, as far as is known; empty for nobody.
        trouble: what failed last, until it works again; None where nothing does.

    Raises:
        ConfigError: the durations contradict each other, or the identity is empty.
    """

    def __init__(
        self,
        api: Api,
        namespace: str,
        name: str,
        identity: str,
        *,
        timing: Timing | None = None,
        duration: float = 15.0,
        renew_deadline: float = 10.0,
        retry: float = 2.0,
    ) -> None:
        _check(identity, duration, renew_deadline, retry)
        self.identity = identity
        self.lost = asyncio.Event()
        self.leader = ""
        self.trouble: YuhengError | None = None
        self._store = LeaseStore(api, namespace, name)
        self._timing = timing or api.timing
        self._troubles = Troubles("cannot read or write the Lease", self._timing.now, logger="yuheng.election")
        self._duration = duration
        self._deadline = renew_deadline
        self._retry = retry
        # The Lease as it was last seen, and since when it has said the same.
        self._lease: Lease | None = None
        self._seen = -math.inf
        self._tried: deque[str] = deque(maxlen=_REMEMBERED)
        # When the last renewal was asked for, by both clocks; None while another leads.
        self._renewed: tuple[float, float] | None = None
        self._task: asyncio.Task[None] | None = None

    def leading(self) -> bool:
        """Whether this instance leads, now.

        To be asked before every write. It may turn false and true again (after a clock has jumped, say) while `lost`
        stays unset: then nobody else has led in between.
        """
        if self._renewed is None:
            return False
        steady, calendar = self._renewed
        return self._timing.now() - steady < self._deadline and self._timing.wall() - calendar < self._deadline

    async def acquire(self) -> None:
        """Wait until this instance leads; it then goes on to, until `lost` is set or `release` is called."""
        await self._stop()
        self.lost.clear()
        while not await self._try_to_lead():
            await self._timing.sleep(self._pause())
        _log.info("leads", identity=self.identity)
        self._task = asyncio.create_task(self._keep(), name="yuheng-lease")
        self._task.add_done_callback(self._kept)

    async def release(self) -> None:
        """Stop leading and leave the Lease to whoever looks next. What needed the leadership has to be over before."""
        held = self._renewed is not None
        await self._stop()
        if not held:
            return
        try:
            async with asyncio.timeout(self._deadline):
                await self._give_back()
        except (YuhengError, TimeoutError) as error:
            self._failed(error)

    async def _stop(self) -> None:
        self._renewed = None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    # Becoming the leader.

    def _pause(self) -> float:
        """Seconds until the next look: soon after the Lease can be taken, if that is earlier than the usual time."""
        chance = self._timing.chance()
        usual = self._retry * (1 + JITTER * chance)
        left = self._expiry() - self._timing.now()
        return min(usual, left + self._retry * chance / 10) if left > 0 else usual

    async def _try_to_lead(self) -> bool:
        started = self._timing.now(), self._timing.wall()
        try:
            async with asyncio.timeout(self._deadline / 2):
                taken = await self._take()
        except (YuhengError, TimeoutError) as error:
            self._failed(error)
            return False
        self._works()
        if taken:
            self._renewed = started
        return taken

    async def _take(self) -> bool:
        """Take the Lease, if it is to be had.

        Raises:
            ServerError: nobody knows whether it was taken.
        """
        try:
            self._look(await self._store.read())
        except MissingError:
            if not self._is_free():
                return False
            self._look(await self._store.create(self._record(transitions=0)))
            return True
        if not self._is_free():
            return False
        lease = self._held()
        self._look(await self._store.update(lease, self._record(transitions=(lease.spec.lease_transitions or 0) + 1)))
        return True

    def _held(self) -> Lease:
        if self._lease is None:
            raise MissingError(404, "NotFound", "the Lease has not been read")
        return self._lease

    def _look(self, lease: Lease) -> None:
        """The Lease as it is; the time counts from when it began to say so."""
        if self._lease is None or self._lease.spec != lease.spec:
            self._seen = self._timing.now()
            self._tell(lease.spec.holder_identity or "")
        self._lease = lease

    def _tell(self, holder: str) -> None:
        if holder != self.leader:
            self.leader = holder
            if holder and holder != self.identity:
                _log.info("another leads", leader=holder)

    def _expiry(self) -> float:
        """When the Lease may be taken: at once where nobody holds it, or we do without having been told."""
        spec = self._lease.spec if self._lease is not None else None
        if spec is None or not spec.holder_identity or self._is_ours(spec):
            return -math.inf
        return self._seen + (spec.lease_duration_seconds or self._duration)

    def _is_free(self) -> bool:
        return self._timing.now() >= self._expiry()

    def _is_ours(self, spec: LeaseSpec) -> bool:
        """Whether this process wrote it."""
        return spec.holder_identity == self.identity and spec.renew_time in self._tried

    def _record(self, *, transitions: int, acquired: str | None = None) -> LeaseSpec:
        now = micro_time(self._timing.wall())
        self._tried.append(now)
        return LeaseSpec(self.identity, math.ceil(self._duration), acquired or now, now, transitions)

    # Staying the leader.

    async def _keep(self) -> None:
        """Renew until the deadline has passed without, or another holds the Lease."""
        held = True
        while held:
            await self._timing.sleep(self._retry)
            held = await self._renew()
        self._renewed = None

    def _kept(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        self._renewed = None  # if it failed, too
        self.lost.set()
        _log.warning("leads no longer", identity=self.identity, leader=self.leader, exc_info=task.exception())

    async def _renew(self) -> bool:
        """Renew once; whether we still hold the Lease, or may yet."""
        started = self._timing.now(), self._timing.wall()
        left = self._left(started[0])
        if left <= 0:
            return False
        try:
            async with asyncio.timeout(min(self._deadline / 2, left)):
                held = await self._write()
        except (YuhengError, TimeoutError) as error:
            self._failed(error)
            return self._left(self._timing.now()) > 0
        self._works()
        if held:
            self._renewed = started
        return held

    def _left(self, now: float) -> float:
        """Seconds until we give up; only steady time counts: of a jump of the calendar we recover."""
        return self._renewed[0] + self._deadline - now if self._renewed is not None else 0.0

    async def _write(self) -> bool:
        """Renew the Lease; False where it is another's.

        Raises:
            ServerError: nobody knows whether it was renewed.
        """
        try:
            return await self._write_over(self._held())
        except ConflictError:
            pass
        except MissingError:
            # Somebody has deleted it; who makes it anew, leads.
            with suppress(ConflictError):
                self._look(await self._store.create(self._record(transitions=self._held().spec.lease_transitions or 0)))
                return True
        lease = await self._store.read()
        ours = self._is_ours(lease.spec)
        self._look(lease)
        return ours and await self._write_over(lease)

    async def _write_over(self, lease: Lease) -> bool:
        spec = lease.spec
        record = self._record(transitions=spec.lease_transitions or 0, acquired=spec.acquire_time)
        self._look(await self._store.update(lease, record))
        return True

    async def _give_back(self) -> None:
        """Empty the Lease, if it is ours still.

        Raises:
            ServerError: nobody knows whether it was.
        """
        while True:
            try:
                lease = await self._store.read()
                if not self._is_ours(lease.spec):
                    return
                now = micro_time(self._timing.wall())
                self._look(await self._store.update(lease, LeaseSpec("", 1, now, now, lease.spec.lease_transitions)))
            except ConflictError:
                # A renewal that was broken off has come through after all.
                continue
            except MissingError:
                return
            _log.info("has given the Lease back", identity=self.identity)
            return

    def _failed(self, error: YuhengError | TimeoutError) -> None:
        told = error if isinstance(error, YuhengError) else UnreachableError("the API server does not answer in time")
        self.trouble = told
        self._troubles.tell(told)

    def _works(self) -> None:
        self.trouble = None
        self._troubles.over()


def process_identity() -> str:
    """A name for this process that no other has, not even one that is started in its place on the same host."""
    return f"{socket.gethostname()}_{uuid.uuid4()}"


def _check(identity: str, duration: float, renew_deadline: float, retry: float) -> None:
    if not identity:
        raise ConfigError("leader election: the identity is empty")
    if not 0 < retry * JITTER < renew_deadline < duration:
        raise ConfigError(
            f"leader election: {duration:g} s of lease, {renew_deadline:g} s to renew it and {retry:g} s between tries "
            f"do not fit: each has to be longer than the next, and the tries' {JITTER:g} times over"
        )
