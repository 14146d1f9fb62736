"""What a turn decided is carried out: pods are bound, others are asked to go, and whoever stays pending is told why.

Between a decision and its deed time passes: a pod may be gone by then, or bound by somebody else, or be another one of
the same name. So each decision is held against the pod that it was made on; what the engine counts and does not come
true is told to it as void.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable, Mapping, Set
from typing import Final

import msgspec
import structlog

from yuheng.kubernetes.mirror import Claims, Known, Mirror
from yuheng.kubernetes.running.backlog import Backlog
from yuheng.kubernetes.running.binding import Outcome
from yuheng.kubernetes.running.devices import device_annotations
from yuheng.kubernetes.running.evictions import GRACE, Evictions
from yuheng.kubernetes.running.roles import Binding, Reports
from yuheng.kubernetes.running.traits import looks_at_others
from yuheng.kubernetes.running.volumes import Volumes
from yuheng.kubernetes.timing import Timing
from yuheng.model.live import Change, Decisions, Lacking, Went
from yuheng.model.node import Taint
from yuheng.model.plan import Placement
from yuheng.model.pod import Pod

__all__ = ["Carrier"]

# What is added to the sentence of a pod that has to wait until others are gone.
ROOM: Final = " Room is being made on node "
CORDONED: Final = Taint("node.kubernetes.io/unschedulable", "NoSchedule")
_NOTHING: Final[Mapping[str, Hashable]] = {}
_log = structlog.get_logger("yuheng.running")


class Carrier:
    """Carries decisions out.

    Args:
        mirror: the cluster.
        backlog: the pods that wait.
        claims: the volumes that they wait for.
        binder: who binds and evicts.
        reports: who tells of it.
        timing: the clocks.
        ring: rings when there is something to look at.

    Attributes:
        nominated: the nodes that are being cleared for some pods, by ``namespace/name``.
        evictions: the pods that were asked to go.
        is_broken: whether something failed that nobody thought of: what the engine counts may not be so.
        unbound: why the last bindings of some pods failed, by ``namespace/name``, as long as they are there.
        volumes: has volumes made for pods that have a node; None where none are made.
        bound: is told of each pod that was bound: after how many attempts, and how many seconds.
        tried: is told of each binding: ``scheduled`` or ``error``, and how many seconds it took.
        admitted: is told of the jobs that were let in, ``namespace/name``.
    """

    def __init__(
        self,
        mirror: Mirror,
        backlog: Backlog,
        claims: Claims,
        binder: Binding,
        reports: Reports,
        timing: Timing,
        ring: Callable[[], object],
    ) -> None:
        self.nominated: dict[str, str] = {}
        self.evictions = Evictions(mirror, binder, reports, timing, self._was_refused)
        self.is_broken = False
        self.unbound: dict[str, str] = {}
        self.volumes: Volumes | None = None
        self.bound: Callable[[int, float], None] = lambda *_: None
        self.tried: Callable[[str, float], None] = lambda *_: None
        self.admitted: Callable[[Iterable[str]], None] = lambda _: None
        self._mirror = mirror
        self._backlog = backlog
        self._claims = claims
        self._binder = binder
        self._reports = reports
        self._timing = timing
        self._ring = ring
        self._tasks: set[asyncio.Task[None]] = set()
        self._void: list[Change] = []
        self._recalled: set[str] = set()
        self._draining = False
        # Of the turn that is carried out: the pods it was asked about, those that were held back, who is like whom.
        self._uids: Mapping[str, str] = {}
        self._held_back: Set[str] = frozenset()
        self._alike: Mapping[str, Hashable] = {}
        # Its gangs that are not begun after all.
        self._broken: set[str] = set()

    @property
    def in_flight(self) -> int:
        """How many bindings and evictions are."""
        return len(self._tasks)

    @property
    def is_busy(self) -> bool:
        """Whether something is in flight, or has to be told to the engine."""
        return bool(self._tasks or self._void)

    def take_void(self) -> list[Change]:
        """What the engine counts, and did not come true since the last call."""
        found, self._void = self._void, []
        return found

    async def drain(self, seconds: float) -> None:
        """Wait for what is in flight, but for no volumes, and not longer than so many seconds.

        What has not ended by then goes on: of a binding whose answer was lost nobody knows yet what became of it, and
        its pod holds its room until somebody does.
        """
        self._draining = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        self._draining = False

    def carry_out(
        self,
        decisions: Decisions,
        uids: Mapping[str, str],
        held_back: Set[str] = frozenset(),
        alike: Mapping[str, Hashable] = _NOTHING,
    ) -> None:
        """Carry out what a turn decided.

        Args:
            decisions: the decisions.
            uids: of the pods that were asked about, by ``namespace/name``.
            held_back: pods that were told to the engine as if they had gates.
            alike: what those that were refused have in common with others.
        """
        self._uids, self._held_back, self._alike = uids, held_back, alike
        self._broken = self._broken_gangs(decisions.placements)
        self.admitted(decisions.admitted)
        for placement in decisions.placements:
            self._place(placement)
        if decisions.placements:
            self._backlog.wake_looking()
        for room in decisions.preemptions:
            self._make_room(room.pod, room.node, room.victims)
        for key, node in decisions.nominated.items():
            self._nominate(key, node)
        in_vain = self._nominated_in_vain(decisions)
        for key in in_vain:
            self._withdraw(key)
        for one in (*decisions.lacking, *(Lacking(key, "") for key in decisions.nominated)):
            self._refuse(one)
        for key in (*in_vain, *decisions.later):
            self._backlog.touch(key)
        for eviction in decisions.evictions:
            self._evict(eviction.pod, eviction.by, eviction.node)

    def tell(self, known: Known, message: str) -> None:
        """Tell why a pod stays pending, unless it says so already."""
        if known.told != message:
            self._reports.refused(known, message)

    def _asked_about(self, key: str) -> Known | None:
        """The pod that was decided on, if it waits still: it may be gone, or bound, or another of the same name."""
        known = self._mirror.pods.get(key)
        if known is None or known.pod is None or self._uids.get(key) != known.uid:
            return None
        return known if self._mirror.is_waiting(key) else None

    def _place(self, placement: Placement) -> None:
        known = self._asked_about(placement.pod)
        if known is None or known.pod is None or known.group in self._broken or not self._is_as_told(placement.node):
            self._void.append(Went(placement.pod))
            self._ring()
            return
        bound: Pod = msgspec.structs.replace(known.pod, node=placement.node, device_indices=placement.devices)
        self._mirror.assume(known.key, bound)
        self._backlog.hold(known.key)
        self.nominated.pop(known.key, None)
        self._start(self._bind(known, bound))

    def _is_as_told(self, node: str) -> bool:
        """Whether a node is as it was when the engine was told of it: it may be cordoned by now, or gone."""
        return node in self._mirror.nodes and node not in self._mirror.closed

    def _broken_gangs(self, placements: Iterable[Placement]) -> set[str]:
        """The gangs one of whose pods cannot go where it was to: they are not bound by half, but have another turn."""
        found = set()
        for one in placements:
            known = self._mirror.pods.get(one.pod)
            if known is not None and known.group and not self._is_as_told(one.node):
                found.add(known.group)
        return found

    async def _bind(self, known: Known, bound: Pod) -> None:
        node, began = bound.node or "", self._timing.now()
        try:
            outcome, why = await self._tried_to_bind(known, bound)
        except Exception:
            self._take_back(known)
            raise
        is_recalled = known.key in self._recalled
        self._recalled.discard(known.key)
        self.unbound.pop(known.key, None)
        if not self._mirror.is_there(known.key, known.uid):
            return
        if outcome is Outcome.bound:
            since, attempts = self._no_longer_held(known)
            self.tried("scheduled", self._timing.now() - began)
            self.bound(attempts + 1, self._timing.now() - since)
            self._reports.placed(known, node)
            return
        if outcome is Outcome.failed and not (is_recalled or self._draining):
            self.unbound[known.key] = why
            self.tried("error", self._timing.now() - began)
            self._reports.failed(known, node, why)
        self._take_back(known)

    async def _tried_to_bind(self, known: Known, bound: Pod) -> tuple[Outcome, str]:
        if why := await self._volumes_for(known, bound):
            return Outcome.failed, why
        annotations = device_annotations(bound, by_milli=known.by_milli)
        return await self._binder.bind(bound.namespace, bound.name, known.uid, bound.node or "", annotations)

    def _take_back(self, known: Known) -> None:
        """A pod is not where it was assumed to be: it is tried again, if it still waits."""
        self._mirror.forget(known.key, known.uid)
        self._no_longer_held(known)
        self._ring()

    def _no_longer_held(self, known: Known) -> tuple[float, int]:
        """A binding has ended: since when its pod waited, and attempts in vain. One that still waits is tried again."""
        if not self._mirror.is_waiting(known.key):
            return self._backlog.remove(known.key)
        now = self._timing.now()
        add_to(self._backlog, known, now)
        self._backlog.fail(known.key, now)
        return now, 0

    async def _volumes_for(self, known: Known, bound: Pod) -> str:
        """Have the volumes made that wait for a pod; why there are none, or nothing."""
        if self.volumes is None or not bound.spec.claims:
            return ""

        def is_wanted() -> bool:
            is_there = self._mirror.is_there(known.key, known.uid)
            return is_there and not self._draining and known.key not in self._recalled

        return await self.volumes.bind(bound, is_wanted)

    def _refuse(self, one: Lacking) -> None:
        known = self._asked_about(one.pod)
        if known is None or known.pod is None or one.pod in self._held_back:
            return
        looks = looks_at_others(known.pod)
        self._backlog.refuse(one.pod, self._timing.now(), self._alike.get(one.pod), looks=looks)
        held = known.gated or known.problem or self._claims.lacks(known.pod)
        if not held:  # else it was told why
            node = self.nominated.get(one.pod)
            self.tell(known, f"{one.message}{ROOM}{node}.".lstrip() if node else one.message)

    def _nominated_in_vain(self, decisions: Decisions) -> list[str]:
        """The pods that found no place though a node is being cleared for them, and nobody is about to leave it."""
        made = {room.pod for room in decisions.preemptions} | decisions.nominated.keys()
        found = [one.pod for one in decisions.lacking if one.pod in self.nominated and one.pod not in made]
        if not found:
            return []
        leaving = self.evictions.nodes()
        return [key for key in found if self.nominated[key] not in leaving or not self._is_open(key)]

    def _is_open(self, key: str) -> bool:
        """Whether a pod may still go to the node that is being cleared for it: it may be gone, or cordoned."""
        known, node = self._mirror.pods.get(key), self._mirror.nodes.get(self.nominated[key])
        if known is None or known.pod is None or node is None:
            return False
        return not node.unschedulable or any(one.tolerates(CORDONED) for one in known.pod.spec.tolerations)

    def leave(self, key: str) -> bool:
        """No node is cleared for a pod any longer, whether it waits still or not: others may go there; if there was."""
        was = bool(self.nominated.pop(key, ""))
        if was:
            self._backlog.wake()
        return was

    def _withdraw(self, key: str) -> None:
        """No node is being cleared for a pod any longer."""
        known = self._mirror.pods.get(key)
        if self.leave(key) and known is not None:
            self._reports.nominated(known, "")

    def _nominate(self, key: str, node: str) -> None:
        known = self._asked_about(key)
        if known is not None and self.nominated.get(key) != node:
            self.nominated[key] = node
            self._backlog.follow(key)
            self._reports.nominated(known, node)

    def _make_room(self, key: str, node: str, victims: Iterable[str]) -> None:
        self._nominate(key, node)
        for victim in victims:
            self._evict(victim, key, node)

    def _evict(self, key: str, by: str, node: str) -> None:
        victim = self._mirror.pods.get(key)
        if self._mirror.is_assumed(key):
            # It is on no node yet, but waits for its volume: it gives up the room, and need not go.
            self._recalled.add(key)
            return
        if victim is not None and not self.evictions.is_asked(victim):
            self._start(self.evictions.ask(victim, by, node))

    def _was_refused(self, by: str, node: str) -> None:
        """Room that is not made is not kept: somewhere else others may be asked, and others have their turn before.

        Args:
            by: for whom it was to be made: a pod, or a job with pods that wait for the node.
            node: where.
        """
        for key in [by] if by in self.nominated else [key for key, one in self.nominated.items() if one == node]:
            self._withdraw(key)
            # It has been refused; but nothing has to happen for it to be tried elsewhere.
            self._backlog.touch(key)
            self._backlog.pause(key, self._timing.now() + GRACE)
            if (known := self._mirror.pods.get(key)) is not None:
                told = (
                    f"{known.told.partition(ROOM)[0]} No room could be made on node {node}: a pod may not be evicted."
                )
                self.tell(known, told.lstrip())

    def _start(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Something was carried out; what nobody thought of is told, and the whole state is looked at anew."""
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _log.error("something could not be carried out", exc_info=task.exception())
            self.is_broken = True
            self._ring()


def add_to(backlog: Backlog, known: Known, now: float) -> None:
    """A pod waits, unless it does so already."""
    pod = known.pod
    backlog.add(known.key, known.uid, now, priority=pod.priority if pod else 0, created=pod.created if pod else 0.0)
