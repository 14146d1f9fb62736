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
from collections.abc import Callable, Coroutine, Iterable, Sequence
from heapq import nsmallest
from typing import Final

import msgspec
import structlog

from yuheng.errors import InputError
from yuheng.kubernetes.mirror import Claims, Known, Mirror
from yuheng.kubernetes.running.backlog import Backlog
from yuheng.kubernetes.running.binding import Outcome
from yuheng.kubernetes.running.devices import device_annotations
from yuheng.kubernetes.running.evictions import GRACE, Evictions
from yuheng.kubernetes.running.roles import Binding, Measured, Recorder, Reports
from yuheng.kubernetes.running.traits import frees, looks_at_others, turn_of, without
from yuheng.kubernetes.running.volumes import Volumes
from yuheng.kubernetes.timing import Timing, rung
from yuheng.model.cluster import Snapshot
from yuheng.model.live import Asked, Came, Change, Closed, Decisions, Guarded, Lacking, Renewed, Went
from yuheng.model.plan import Placement
from yuheng.model.pod import Pod
from yuheng.scheduling.decider import Decider

__all__ = ["Turns"]

# Pods that have their turn together; seconds that changes are gathered for.
TOGETHER: Final = 512
GATHER: Final = 0.005
# Compiling anew takes at most this share of the time, unless it cannot wait.
SHARE: Final = 0.25
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
        volumes: has volumes made for pods that have a node; None where none are made.
        bound: is told of each pod that was bound: after how many attempts, and how many seconds.
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
        self._binder = binder
        self._reports = reports
        self._timing = timing
        self._recorder = recorder
        self._claims = Claims(mirror)
        self._draining = False
        self._recalled: set[str] = set()
        self._observe = observe
        self.bound: Callable[[int, float], None] = lambda *_: None
        self.volumes: Volumes | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._void: list[Change] = []
        self._nominated: dict[str, str] = {}
        self._evictions = Evictions(mirror, binder, reports, timing, self._was_refused)
        self._renewed = 0.0
        self._cost = 0.0
        self._bad: set[str] = set()
        self._looking: set[str] = set()
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
        return self._turned and not (
            self._tasks or self._void or self.mirror.stale or self.backlog.due(self._timing.now())
        )

    @property
    def is_stuck(self) -> bool:
        """Whether a turn has been going on for so long that it will not end by itself."""
        return self._began is not None and self._timing.now() - self._began > STUCK

    def skip(self) -> None:
        """Others lead: what is told is known, and nothing is done about it."""
        self._note_touched(self._timing.now(), follow=True)
        self.mirror.changes()
        self._must_renew = True

    async def drain(self) -> None:
        """Wait for what is in flight, but for no volumes."""
        self._draining = True
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)
        self._draining = False

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
        return self._renewed + self._cost / SHARE

    async def turn(self) -> None:
        """One turn."""
        self._began = self._timing.now()
        try:
            await self._turn(self._began)
        finally:
            self._began = None

    async def _turn(self, now: float) -> None:
        self._note_touched(now)
        changes = [*self._void, *self.mirror.changes()]
        self._void = []
        if frees(changes):
            self.backlog.wake()
        elif any(isinstance(change, Came) for change in changes):
            self._wake_looking()
        self._early = set()
        due = [known for known in self._due(now) if self._may_have_its_turn(known)]
        self._uids = {known.key: known.uid for known in due}
        unknown = {known.key for known in due if not self._is_told(known)}
        try:
            told = self._told(changes, now, is_wanted=bool(unknown))
        except InputError as error:
            self._cannot_read(error)
            return
        if not any(isinstance(change, Renewed) for change in told):
            for key in unknown:
                self.backlog.pause(key, self._may_renew_at())
            due = [known for known in due if known.key not in unknown]
        pods = [known.pod for known in due[:TOGETHER] if known.pod is not None]
        if told or pods:
            await self._decided(told, pods)
        self._turned = True

    async def _decided(self, told: Sequence[Change], pods: Sequence[Pod]) -> None:
        began = time.perf_counter()
        # In the first turn it is not known yet whether queues decide.
        spares = self._decider.by_queue or not self._turned
        may_evict = not (spares and self._evictions.are_leaving())
        asked = Asked(self._timing.wall(), dict(self._nominated), may_evict=may_evict)
        self._must_renew = True
        try:
            decisions = await asyncio.to_thread(self._ask, told, pods, asked)
        except InputError as error:
            self._cannot_read(error)
            return
        # A turn that is cancelled does not come so far: nobody carries out what the engine thinks was decided.
        self._must_renew = False
        seconds = time.perf_counter() - began
        renewed = any(isinstance(change, Renewed) for change in told)
        if renewed:
            self._renewed, self._cost = self._timing.now(), seconds
        self._carry_out(decisions)
        asked_about = len(decisions.placements) + len(decisions.lacking) if self._decider.by_queue else len(pods)
        victims = tuple(len(room.victims) for room in decisions.preemptions)
        self._observe(Measured(asked_about, len(decisions.placements), seconds, renewed, victims))

    def _ask(self, told: Sequence[Change], pods: Sequence[Pod], asked: Asked) -> Decisions:
        """Ask the engine. It is recorded here, for what it was told it knows, whether anybody waits for it or not."""
        with self._alone:
            try:
                decisions = self._decider.turn(told, pods, asked)
            except InputError as error:
                self._record(told, pods, asked, str(error))
                raise
            self._record(told, pods, asked, decisions)
        return decisions

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
                self._nominated.pop(key, None)
                continue
            is_new = not self.backlog.has(key, known.uid)
            if is_new:
                self.backlog.add(key, known.uid, now)
            elif known.is_changed:
                known.is_changed = False
                self.backlog.touch(key)
            if is_new or follow:
                self._nominated.pop(key, None)
                if known.nominated:
                    self._nominated[key] = known.nominated

    def _due(self, now: float) -> list[Known]:
        """The pods that have their turn now, in its order."""
        if self._decider.by_queue:
            return list(self.mirror.waiting())
        keys = self.backlog.due(now) | {key for key in self._nominated if key in self.backlog}
        found = [
            known for key in keys if self.mirror.is_waiting(key) and (known := self.mirror.pods.get(key)) is not None
        ]
        # Some of them may not be ready.
        return nsmallest(4 * TOGETHER, found, key=turn_of)

    def _told(self, changes: Sequence[Change], now: float, *, is_wanted: bool) -> list[Change]:
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
        if self._must_renew or untold or decider.by_queue or (wanted and now >= self._may_renew_at()):
            self._must_renew = True  # until it has been told
            wakes = bool(mirror.stale)
            snapshot = self._without_claims(mirror.snapshot())
            if wakes:
                self.backlog.wake()
            self._uids |= {known.key: known.uid for known in mirror.waiting()} if decider.by_queue else {}
            return [Renewed(snapshot)]
        told = list(changes)
        if mirror.closed:
            told.append(Closed(tuple(sorted(mirror.closed))))
            mirror.closed.clear()
        if mirror.guarded:
            told.append(Guarded(mirror.budgets()))
            self.backlog.wake()
        return told

    def _without_claims(self, snapshot: Snapshot) -> Snapshot:
        """A state in which pods that wait for claims, or whose binding failed, are held back as those with gates."""
        paused = (self.backlog.paused(self._timing.now()) if self._decider.by_queue else set()) | self._early
        held = {
            pod.key
            for pod in snapshot.pods
            if pod.node is None and (pod.key in paused or (pod.spec.claims and self._claims.lacks(pod)))
        }
        self._held_back = held
        return without(snapshot, held)

    def _may_have_its_turn(self, known: Known) -> bool:
        """Whether a pod can be decided on; one with gates, or one that cannot be read, is told so."""
        now = self._timing.now()
        if known.problem or known.pod is None:
            self.backlog.park(known.key, now)
            self._lacks(known, f"the pod cannot be read: {known.problem}")
            return False
        if known.gated:
            self.backlog.park(known.key, now)
            self._lacks(known, "Scheduling is blocked due to non-empty scheduling gates")
            return False
        if self.mirror.lacks_group(known) and self.backlog.waits(known.key, now) < EARLY:
            self._early.add(known.key)
            self.backlog.pause(known.key, now + EARLY)
            return False
        if lacking := self._claims.lacks(known.pod):
            self.backlog.refuse(known.key, now)
            self._lacks(known, lacking)
            return False
        return True

    def _is_told(self, known: Known) -> bool:
        """Whether the engine can tell of a pod without being told the whole state."""
        if known.pod is None:
            return False
        # Of a claim that was bound since, the engine does not know where its volume is.
        is_known = not (known.pod.spec.claims and self.mirror.stale)
        return is_known and self._decider.tells(known.pod)

    def _asked_about(self, key: str) -> Known | None:
        """The pod that was decided on, if it waits still: it may be gone, or bound, or another of the same name."""
        known = self.mirror.pods.get(key)
        if known is None or known.pod is None or self._uids.get(key) != known.uid:
            return None
        return known if self.mirror.is_waiting(key) else None

    def _carry_out(self, decisions: Decisions) -> None:
        for placement in decisions.placements:
            self._place(placement)
        if decisions.placements:
            self._wake_looking()
        for one in decisions.lacking:
            self._refuse(one)
        for room in decisions.preemptions:
            self._make_room(room.pod, room.node, room.victims)
        for key, node in decisions.nominated.items():
            self._nominate(key, node)
            self._refuse(Lacking(key, f"room is being made on node {node}"))
        for eviction in decisions.evictions:
            self._evict(eviction.pod, eviction.by, eviction.node)

    def _place(self, placement: Placement) -> None:
        known = self._asked_about(placement.pod)
        if known is None or known.pod is None:
            self._void.append(Went(placement.pod))
            self.bell.set()
            return
        bound: Pod = msgspec.structs.replace(known.pod, node=placement.node, device_indices=placement.devices)
        self.mirror.assume(known.key, bound)
        self.backlog.hold(known.key)
        self._nominated.pop(known.key, None)
        self._start(self._bind(known, bound))

    async def _bind(self, known: Known, bound: Pod) -> None:
        node = bound.node or ""
        outcome, why = Outcome.failed, await self._volumes_for(known, bound)
        if not why:
            outcome, why = await self._binder.bind(
                bound.namespace, bound.name, known.uid, node, device_annotations(bound, by_milli=known.by_milli)
            )
        self._recalled.discard(known.key)
        if not self.mirror.is_there(known.key, known.uid):
            return
        if outcome is Outcome.bound:
            since, attempts = self._no_longer_held(known)
            self.bound(attempts + 1, self._timing.now() - since)
            self._reports.placed(known, node)
            return
        if outcome is Outcome.failed:
            _log.warning("a pod could not be bound", pod=known.key, node=node, reason=why)
        self.mirror.forget(known.key, known.uid)
        self._no_longer_held(known)
        self.bell.set()

    def _no_longer_held(self, known: Known) -> tuple[float, int]:
        """A binding has ended: since when its pod waited, and attempts in vain. One that still waits is tried again."""
        if not self.mirror.is_waiting(known.key):
            return self.backlog.remove(known.key)
        now = self._timing.now()
        self.backlog.add(known.key, known.uid, now)
        self.backlog.fail(known.key, now)
        return now, 0

    async def _volumes_for(self, known: Known, bound: Pod) -> str:
        """Have the volumes made that wait for a pod; why there are none, or nothing."""
        if self.volumes is None or not bound.spec.claims:
            return ""

        def is_wanted() -> bool:
            found = self.mirror.pods.get(known.key)
            is_there = found is not None and found.uid == known.uid
            return is_there and not self._draining and known.key not in self._recalled

        return await self.volumes.bind(bound, is_wanted)

    def _refuse(self, one: Lacking) -> None:
        known = self._asked_about(one.pod)
        if known is None or one.pod in self._held_back:
            return
        self.backlog.refuse(one.pod, self._timing.now())
        if known.pod is not None and looks_at_others(known.pod):
            self._looking.add(one.pod)
        held = known.gated or known.problem or (known.pod is not None and self._claims.lacks(known.pod))
        if not held:  # else it was told why
            self._lacks(known, one.message)

    def _wake_looking(self) -> None:
        """A pod is on a node: that could help those that want to be near it, or spread with it."""
        for key in self._looking:
            self.backlog.touch(key)
        self._looking.clear()

    def _lacks(self, known: Known, message: str) -> None:
        if known.told != message:
            self._reports.refused(known, message)

    def _nominate(self, key: str, node: str) -> None:
        known = self._asked_about(key)
        if known is not None and self._nominated.get(key) != node:
            self._nominated[key] = node
            self._reports.nominated(known, node)

    def _make_room(self, key: str, node: str, victims: Iterable[str]) -> None:
        self._nominate(key, node)
        for victim in victims:
            self._evict(victim, key, node)

    def _evict(self, key: str, by: str, node: str) -> None:
        victim = self.mirror.pods.get(key)
        if self.mirror.is_assumed(key):
            # It is on no node yet, but waits for its volume: it gives up the room, and need not go.
            self._recalled.add(key)
            return
        if victim is not None and not self._evictions.is_asked(victim):
            self._start(self._evictions.ask(victim, by, node))

    def _was_refused(self, key: str) -> None:
        """Room that is not made is not kept: somewhere else others may be asked, and others have their turn before."""
        known = self.mirror.pods.get(key)
        if known is not None and self._nominated.pop(key, ""):
            self._reports.nominated(known, "")
            self.backlog.pause(key, self._timing.now() + GRACE)

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Something was carried out; what nobody thought of is told, and the whole state is looked at anew."""
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("something could not be carried out", exc_info=task.exception())
            self._must_renew = True
            self.bell.set()
