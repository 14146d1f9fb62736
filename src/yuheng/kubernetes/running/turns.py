"""One turn after the other: what changed is told to the engine, and what it decides is carried out.

    mirror ──changes──▶ decider ──decisions──▶ assumed in the mirror ──▶ bound, evicted, reported
      ▲                                                                     │
      └───────────────── the API server tells of it ◀──────────────────────┘

The engine works in a thread of its own, so that leases are renewed and watches are read meanwhile. What it placed is
assumed to be there until the binding is confirmed, and taken back when it fails. A turn takes so many pods at most, so
that the first are bound while the next are decided on.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Final

import structlog

from yuheng.errors import InputError
from yuheng.kubernetes.mirror import Claims, Known, Mirror
from yuheng.kubernetes.running.backlog import Backlog
from yuheng.kubernetes.running.carrying import Carrier, add_to
from yuheng.kubernetes.running.roles import Binding, Measured, Recorder, Reports
from yuheng.kubernetes.running.traits import frees, without
from yuheng.kubernetes.timing import Timing, rung
from yuheng.model.live import Asked, Came, Change, Closed, Decisions, Guarded, Renewed
from yuheng.model.pod import Pod
from yuheng.scheduling.decider import Decider

__all__ = ["Turns"]

# Pods that have their turn together; seconds that changes are gathered for.
TOGETHER: Final = 512
GATHER: Final = 0.005
# Compiling anew takes at most this share of the time, unless it cannot wait.
SHARE: Final = 0.25
# Where queues decide, each turn compiles it, and deciding is what the time is for.
QUEUES_SHARE: Final = 0.5
# Seconds between two looks at everything where queues decide, at least.
PERIOD: Final = 0.2
# Seconds after which a state that could not be read is looked at again.
UNREADABLE: Final = 5.0
# Seconds after which a turn counts as stuck: the largest clusters take some tens.
STUCK: Final = 300.0
# Seconds that pods wait for the PodGroup they name: the two may be told in any order.
EARLY: Final = 10.0
_log = structlog.get_logger("yuheng.running")


class Turns:
    """The cycle of a scheduler that leads.

    Attributes:
        mirror: the cluster.
        backlog: the pods that wait.
        bell: rings when there is something to look at.
        carrier: carries out what is decided.
    """

    def __init__(
        self,
        mirror: Mirror,
        decider: Decider,
        binder: Binding,
        reports: Reports,
        *,
        bell: asyncio.Event,
        timing: Timing = Timing(),  # noqa: B008 -- immutable
        recorder: Recorder | None = None,
        observe: Callable[[Measured], None] = lambda _: None,
    ) -> None:
        self.mirror = mirror
        self.backlog = Backlog()
        self.bell = bell
        self._decider = decider
        self._timing = timing
        self._recorder = recorder
        self._claims = Claims(mirror)
        self.carrier = Carrier(mirror, self.backlog, self._claims, binder, reports, timing, bell.set)
        self._observe = observe
        self._renewed = 0.0
        self._cost = 0.0
        self._bad: set[str] = set()
        self._turned = False
        self._began: float | None = None
        # Whether the engine has to be told the whole state before anything else is decided.
        self._must_renew = True
        self._not_before = 0.0
        self._held_back: set[str] = set()
        self._early: set[str] = set()
        self._uids: dict[str, str] = {}
        # A turn that nobody waits for any longer ends before the next one begins.
        self._alone = threading.Lock()

    async def run(self) -> None:
        """Turn after turn, until cancelled; what is in flight then is finished by `drain`."""
        while True:
            await self._wait()
            self.bell.clear()
            await self.turn()

    def waiting(self) -> dict[str, int]:
        """How many pods wait in which queue."""
        gated = sum(known.gated for known in self.mirror.waiting())
        counts = self.backlog.counts(self._timing.now())
        return {**counts, "unschedulable": max(counts["unschedulable"] - gated, 0), "gated": gated}

    @property
    def is_idle(self) -> bool:
        """Whether every pod that waits has had its turn, and nothing is in flight."""
        return self._turned and not (self.carrier.is_busy or self.mirror.stale or self.backlog.due(self._timing.now()))

    @property
    def is_stuck(self) -> bool:
        """Whether a turn has been going on for so long that it will not end by itself."""
        return self._began is not None and self._timing.now() - self._began > STUCK

    def now(self) -> float:
        """What time it is, by the steady clock."""
        return self._timing.now()

    def skip(self) -> None:
        """Others lead: what is told is known, and nothing is done about it."""
        self._note_touched(self._timing.now(), follow=True)
        if frees(self.mirror.changes()) or self.mirror.stale:
            self.backlog.wake()
        self._must_renew = True

    async def drain(self, seconds: float) -> None:
        """Wait for what is in flight, but for no volumes, and not longer than so many seconds."""
        await self.carrier.drain(seconds)

    async def _wait(self) -> None:
        """Until there is something to do; changes that come together are taken together."""
        now = self._timing.now()
        if not self.backlog.due(now):
            times = [self.backlog.next_at(now), self._may_renew_at() if self.mirror.stale or self._must_renew else None]
            until = min((time for time in times if time is not None), default=None)
            await rung(self.bell, None if until is None else until - self._timing.now())
        await asyncio.sleep(GATHER)
        rest = self._may_turn_at() - self._timing.now()
        if rest > 0:
            await asyncio.sleep(rest)

    def _may_turn_at(self) -> float:
        """When the next turn may be: where queues decide, each looks at everything."""
        paced = max(self._renewed + PERIOD, self._may_renew_at()) if self._decider.by_queue else 0.0
        return max(paced, self._not_before)

    def _may_renew_at(self) -> float:
        return self._renewed + self.pace

    @property
    def pace(self) -> float:
        """Seconds from the end of a turn that compiles the cluster anew to the next that may, by what the last took."""
        return self._cost / (QUEUES_SHARE if self._decider.by_queue else SHARE)

    async def turn(self) -> None:
        """One turn."""
        self._began = self._timing.now()
        try:
            await self._turn(self._began)
        finally:
            self._began = None

    async def _turn(self, now: float) -> None:
        self._note_touched(now)
        changes = [*self.carrier.take_void(), *self.mirror.changes()]
        if frees(changes):
            self.backlog.wake()
        elif any(isinstance(change, Came) for change in changes):
            self.backlog.wake_looking()
        due, unknown = self._due(now)
        # As they are now: while the state is put together they change.
        asked = {key: self.mirror.pods[key] for key in (*due, *unknown)}
        self._uids = {key: known.uid for key, known in asked.items()}
        try:
            told = await self._told(changes, now, is_wanted=bool(unknown))
        except InputError as error:
            self._cannot_read(error)
            return
        if any(isinstance(change, Renewed) for change in told):
            # Some may have turned out to contradict others.
            fit = [key for key in (*due, *unknown) if not asked[key].problem]
            due = self.backlog.in_order(fit)[:TOGETHER]
        else:
            for key in unknown:
                self.backlog.pause(key, self._may_renew_at())
        pods = [pod for key in due if (pod := asked[key].pod) is not None]
        if told or pods:
            await self._decided(told, pods)
        self._turned = True

    async def _decided(self, told: Sequence[Change], pods: Sequence[Pod]) -> None:
        began = time.perf_counter()
        # In the first turn it is not known yet whether queues decide.
        spares = self._decider.by_queue or not self._turned
        may_evict = not (spares and self.carrier.evictions.are_leaving())
        asked = Asked(self._timing.wall(), dict(self.carrier.nominated), may_evict=may_evict)
        self._must_renew = True
        try:
            decisions, alike = await asyncio.to_thread(self._ask, told, pods, asked)
        except InputError as error:
            self._cannot_read(error)
            return
        # A turn that is cancelled does not come so far: nobody carries out what the engine thinks was decided.
        self._must_renew = False
        seconds = time.perf_counter() - began
        renewed = any(isinstance(change, Renewed) for change in told)
        if renewed:
            self._renewed, self._cost = self._timing.now(), seconds
        self.carrier.carry_out(decisions, self._uids, self._held_back, alike)
        asked_about = 0 if self._decider.by_queue else len(pods)
        self._observe(Measured.of(decisions, asked_about, seconds, compiled=renewed, nominated=asked.nominated))

    def _ask(
        self, told: Sequence[Change], pods: Sequence[Pod], asked: Asked
    ) -> tuple[Decisions, Mapping[str, Hashable]]:
        """Ask the engine: what it decides, and what those that it refused have in common with others.

        It is recorded here, for what it was told it knows, whether anybody waits for it or not.
        """
        with self._alone:
            try:
                decisions = self._decider.turn(told, pods, asked)
            except InputError as error:
                self._record(told, pods, asked, str(error))
                raise
            self._record(told, pods, asked, decisions)
            refused = {one.pod for one in decisions.lacking}
            return decisions, {pod.key: self._decider.alike(pod) for pod in pods if pod.key in refused}

    def _record(self, told: Sequence[Change], pods: Sequence[Pod], asked: Asked, outcome: Decisions | str) -> None:
        if self._recorder is not None:
            self._recorder.turn(told, pods, asked, outcome)

    def _cannot_read(self, error: InputError) -> None:
        """Something contradicts itself: told once, and looked at again when something changes."""
        if str(error) not in self._bad:
            self._bad.add(str(error))
            _log.error("the cluster cannot be read as a whole", problem=str(error))
        self._must_renew = True
        if not self.mirror.leave_out(error):
            self._not_before = self._timing.now() + UNREADABLE
        self.bell.set()

    def _note_touched(self, now: float, *, follow: bool = False) -> None:
        """Bring the backlog up to date.

        Args:
            now: what time it is.
            follow: whether others nominate, so that what they say counts; else what we said may not be back yet.
        """
        for key in self.mirror.touched():
            known = self.mirror.pods.get(key)
            if known is not None and self.backlog.is_held(key) and self.backlog.has(key, known.uid):
                continue
            if known is None or not self.mirror.is_waiting(key):
                self.backlog.remove(key)
                self.carrier.leave(key)
                self.carrier.unbound.pop(key, None)
                continue
            is_new = not self.backlog.has(key, known.uid)
            if is_new:
                add_to(self.backlog, known, now)
            elif known.is_changed:
                known.is_changed = False
                self.backlog.touch(key)
            if is_new or follow:
                self.carrier.nominated.pop(key, None)
                if known.nominated:
                    self.carrier.nominated[key] = known.nominated

    def _due(self, now: float) -> tuple[list[str], list[str]]:
        """The pods that have their turn now, in its order, and those that would, were the state told anew."""
        self._early = set()
        unknown: list[str] = []

        def is_ready(key: str) -> bool:
            known = self.mirror.pods.get(key)
            if known is None or not self.mirror.is_waiting(key) or not self._may_have_its_turn(known):
                return False
            if not self._is_told(known):
                unknown.append(key)
                return False
            return True

        if self._decider.by_queue:
            return [known.key for known in self.mirror.waiting() if self._may_have_its_turn(known)], []
        # The room that is being made for some of them is kept in every turn.
        promised = {key for key in self.carrier.nominated if key in self.backlog and is_ready(key)}
        found = self.backlog.first(now, TOGETHER, lambda key: key not in promised and is_ready(key))
        return self.backlog.in_order([*promised, *found]), list(dict.fromkeys(unknown))

    async def _told(self, changes: Sequence[Change], now: float, *, is_wanted: bool) -> list[Change]:
        """What the engine is told before its turn: the changes, or the whole state when it is to be compiled anew.

        Args:
            changes: in the order they came.
            now: what time it is.
            is_wanted: whether pods wait that can only be told with the whole state.

        Raises:
            InputError: the state contradicts itself.
        """
        decider, mirror = self._decider, self.mirror
        untold = any(isinstance(one, Came) and not decider.tells(one.pod) for one in changes)
        begins = self._recorder is not None and self._recorder.wants_state
        wanted = bool(mirror.stale) or is_wanted or decider.crowded or begins
        must = self._must_renew or self.carrier.is_broken
        if must or untold or decider.by_queue or (wanted and now >= self._may_renew_at()):
            self._must_renew, self.carrier.is_broken = True, False  # until it has been told
            if mirror.stale or mirror.guarded:
                self.backlog.wake()
            self._uids |= {known.key: known.uid for known in mirror.waiting()} if decider.by_queue else {}
            # Of the same instant as the state is.
            held = self._held_back = self._to_be_held_back()
            return [Renewed(without(await mirror.snapshot(), held))]
        told = list(changes)
        if mirror.closed:
            told.append(Closed(tuple(sorted(mirror.closed))))
            mirror.closed.clear()
        if mirror.guarded:
            told.append(Guarded(mirror.budgets()))
            self.backlog.wake()
        return told

    def _to_be_held_back(self) -> set[str]:
        """The pods that wait for claims, or whose binding failed: they are told as if they had gates."""
        paused = self.backlog.paused(self._timing.now()) if self._decider.by_queue else frozenset()
        lacking = {
            known.key
            for known in self.mirror.waiting()
            if known.pod is not None and known.pod.spec.claims and self._claims.lacks(known.pod)
        }
        return {*paused, *self._early, *lacking}

    def _may_have_its_turn(self, known: Known) -> bool:
        """Whether a pod can be decided on; one with gates, or one that cannot be read, is told so."""
        now = self._timing.now()
        if known.problem or known.pod is None:
            self.backlog.park(known.key, now)
            what = "read" if known.pod is None else "scheduled"
            self.carrier.tell(known, f"the pod cannot be {what}: {known.problem}")
            return False
        if known.gated:
            self.backlog.park(known.key, now)
            self.carrier.tell(known, "Scheduling is blocked due to non-empty scheduling gates")
            return False
        if self.mirror.lacks_group(known) and self.backlog.waits(known.key, now) < EARLY:
            self._early.add(known.key)
            self.backlog.pause(known.key, now + EARLY)
            return False
        if lacking := self.mirror.problem_of_group(known) or self._claims.lacks(known.pod):
            self.backlog.refuse(known.key, now)
            self.carrier.tell(known, lacking)
            return False
        return True

    def _is_told(self, known: Known) -> bool:
        """Whether the engine can tell of a pod without being told the whole state."""
        if known.pod is None:
            return False
        # Of a claim that was bound since, the engine does not know where its volume is; nor of a group that came.
        is_known = not (self.mirror.stale and (known.pod.spec.claims or known.member is not None))
        return is_known and self._decider.tells(known.pod)
