"""Why a job waits: everything that holds it, each found by trying without the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.model.batch_plan import Wait, iso_time
from yuheng.model.quantity import format_amount
from yuheng.scheduling.batch.admission import minimum
from yuheng.scheduling.batch.order import Line
from yuheng.scheduling.batch.roster import Group, JobState
from yuheng.scheduling.batch.session import Session
from yuheng.scheduling.explain import reasons, sentence

__all__ = ["Reasons"]

# Room that others left after a job had its turn.
_NEXT: Final = (Wait("order", "there is room now: it was left after the job's turn, and is given in the next plan"),)


class Reasons:
    """Tells what holds jobs, in the state as it is; jobs that fare alike are looked at once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._told: dict[tuple[object, ...], tuple[Wait, ...]] = {}
        self._sentences: dict[tuple[int, int], str] = {}
        self._rooms: dict[tuple[object, ...], tuple[str, int]] = {}

    def waits(self, state: JobState) -> tuple[Wait, ...]:
        """Everything that holds a job that has not all its pods; empty when nothing does."""
        asked = tuple((state.job.min_resources or {}).items())
        key = (*self._session.likeness(state), asked, state.admitted, state.gated, len(state.running))
        if key not in self._told:
            self._told[key] = tuple(self._own(state))
        refused = self._session.refused.get(state.index, []) if not state.admitted else []
        kinds = {wait.kind for wait in refused}
        own = [wait for wait in self._told[key] if wait.kind not in kinds]
        return (*refused, *own, *self._behind(state)) or tuple(self._unlent(state)) or _NEXT

    def _own(self, state: JobState) -> Iterator[Wait]:
        session = self._session
        if state.gated:
            yield Wait("gates", f"{state.gated} of its pods have scheduling gates")
        ready = session.is_ready(state)
        blocked = session.blocked_tasks(state)
        for task in state.job.tasks:
            if task.name in blocked:
                yield Wait("dependsOn", f"task {task.name} waits until {', '.join(task.depends_on)} run")
        if not ready:
            yield from self._gang(state)
        yield from self._quota(state, blocked, ready=ready, due=False)
        yield from self._room(state, blocked, ready=ready)

    def _unlent(self, state: JobState) -> Iterator[Wait]:
        """Room is there, and beyond what the queue deserves: it is kept for those who may claim it."""
        session = self._session
        for wait in self._quota(state, set(), ready=session.is_ready(state), due=True):
            yield Wait(wait.kind, f"{wait.message}; the room there is was not lent, for others may claim it")
        if session.group_limits.concern(state):
            name = session.tree.queues[state.queue].name
            yield Wait("quota", f"queue {name} may use no more of the node groups that have room")

    def _gang(self, state: JobState) -> Iterator[Wait]:
        lacking = self._session.lacking(state)
        there = state.total_ready + state.pending
        if there < state.need <= there + state.gated:
            return
        if there < state.need:
            yield Wait("gang", f"its minimum is {state.need} pods, and there are {there}")
            return
        short = [f"{least} of task {task}" for task, least in state.minima.items() if state.ready.get(task, 0) < least]
        if lacking > 1 or (lacking <= 0 and short):
            of_tasks = f" ({', '.join(short)})" if short and len(state.job.tasks) > 1 else ""
            fits = self._fitting(state, lacking)
            if fits < lacking or short:
                text = f"{lacking} more pods have to start together{of_tasks}: {min(fits, lacking)} could now"
                yield Wait("gang", text)

    def _fitting(self, state: JobState, lacking: int) -> int:
        """How many pods could start now if they did not have to start together."""
        quota = max((self._session.quota(state, group) for group in state.groups), default=0)
        return min(quota, self._tried(state, state.groups, lacking)[1])

    def _tried(self, state: JobState, groups: list[Group], lacking: int) -> tuple[str, int]:
        """What the nodes say when that many pods are placed wherever there is room, and how many found some."""
        key = (tuple((group.number, group.task, group.left) for group in groups), lacking, *state.minima.items())
        if key not in self._rooms:
            moves = self._session.moves
            mark, before = moves.mark(), state.total_ready
            short = self._short(state, groups, lacking)
            text = "" if short is None else self.sentence(short)
            self._rooms[key] = (text, state.total_ready - before)
            moves.undo(mark)
        return self._rooms[key]

    def _quota(self, state: JobState, blocked: set[str], *, ready: bool, due: bool) -> Iterator[Wait]:
        """The queues on the way up that have no room for the minimum, or for one more pod: by their dues or limits."""
        tree = self._session.tree
        before = tree.by_due
        tree.by_due = due or (before and not self._session.lends)
        found = list(self._over(state, blocked, ready=ready))
        tree.by_due = before
        yield from found

    def _over(self, state: JobState, blocked: set[str], *, ready: bool) -> Iterator[Wait]:
        tree = self._session.tree
        needed = minimum(self._session, state)
        if ready:
            rows = [group.row for group in state.groups if group.left and group.task not in blocked]
            if not rows:
                return
            needed = rows[0]
        for q in tree.path[state.queue]:
            limit = tree.limit(q)
            # A queue that may use the whole cluster does not hold anybody: the cluster's size does.
            over = (needed > 0) & (tree.allocated[q] + needed > limit) & (limit < tree.total)
            if over.any():
                yield Wait("quota", self._quota_text(q, needed, over))

    def _quota_text(self, q: int, needed: NDArray[np.int64], over: NDArray[np.bool_]) -> str:
        tree = self._session.tree
        limit = tree.limit(q)
        what = "deserves" if tree.by_due else "may hold"
        parts = [
            f"{format_amount(name, int(limit[c]))} of {name} and holds {format_amount(name, int(tree.allocated[q, c]))}"
            for c, name in enumerate(tree.names)
            if over[c]
        ]
        asked = [f"{format_amount(name, int(needed[c]))} of {name}" for c, name in enumerate(tree.names) if over[c]]
        return f"queue {tree.queues[q].name} {what} {', '.join(parts)}: {', '.join(asked)} more are needed"

    def _room(self, state: JobState, blocked: set[str], *, ready: bool) -> Iterator[Wait]:
        """Whether the nodes have room, quota and reservations aside; and whether the network's parts do."""
        session = self._session
        groups = [group for group in state.groups if group.left and group.task not in blocked]
        if not groups:
            return
        text, _ = self._tried(state, groups, session.next_step(state, groups[0]) if ready else session.lacking(state))
        if text:
            yield Wait("resources", text)
        if state.job.topology is not None and state.job.topology.mode == "hard" and session.settings.network:
            yield from self._topology(state, groups, ready=ready)

    def _short(self, state: JobState, groups: list[Group], lacking: int) -> Group | None:
        """Place as many as are needed wherever there is room; the group that finds none, or None."""
        for group in groups:
            own = state.minima.get(group.task, 0) - state.ready.get(group.task, 0)
            own = min(max(own, 0), group.left)
            lacking -= own
            if own and self._session.moves.place(state, group, own) < own:
                return group
        failed = None
        for group in groups:
            wanted = min(max(lacking, 0), group.left)
            placed = self._session.moves.place(state, group, wanted) if wanted else 0
            lacking -= placed
            failed = group if placed < wanted else failed
        return failed if lacking > 0 else None

    def _topology(self, state: JobState, groups: list[Group], *, ready: bool) -> Iterator[Wait]:
        session = self._session
        lacking = 1 if ready else session.lacking(state)
        for nodes in session.network.candidates(session, state):
            mark = session.moves.mark()
            left = lacking
            for group in groups:
                left -= session.moves.place(state, group, min(left, group.left), nodes) if left > 0 else 0
            session.moves.undo(mark)
            if left <= 0:
                return
        topology = state.job.topology
        tier = "" if topology is None or topology.highest_tier is None else f" of tier {topology.highest_tier} or below"
        yield Wait("topology", f"no part of the network{tier} has room for all of it together")

    def sentence(self, group: Group) -> str:
        """kube-scheduler's sentence for one more pod of a group, in the state as it is."""
        session = self._session
        key = (group.number, session.moves.version)
        if key not in self._sentences:
            hand = session.moves.hands.hand(group.number)
            session.engine.rate(hand)
            found = reasons(session.engine, hand, session.engine.record(hand))
            self._sentences[key] = sentence(len(session.engine.machines), found)
        return self._sentences[key]

    def _behind(self, state: JobState) -> Iterator[Wait]:
        session = self._session
        hold = session.hold
        if hold is not None and hold.state is not state and not hold.lets_pass(session, state):
            when = "" if hold.start == float("inf") else f", which starts at {iso_time(hold.start)}"
            yield Wait("reservation", f"room is kept for job {hold.state.key}{when}")
        if session.tree.queues[state.queue].dequeue == "fifo":
            first = self._first_of(state.queue)
            if first is not None and first is not state:
                yield Wait("order", f"job {first.key} is before it in queue {session.tree.queues[state.queue].name}")

    def _first_of(self, q: int) -> JobState | None:
        session = self._session
        waiting = [one for one in session.by_queue.get(q, ()) if one.pending and not session.is_ready(one)]
        return Line(session.tree, session.order, waiting).pop()
