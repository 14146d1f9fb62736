"""The action ``enqueue``: which jobs are let into scheduling.

Plugins vote tier by tier as in Volcano. One thing is ours: a job that could start by evicting others is let in although
the cluster is full, or nobody would ever look whom it may claim from (volcano-sh/volcano issue 4679).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.model.batch_plan import Wait
from yuheng.model.quantity import format_amount
from yuheng.scheduling.batch.order import Line
from yuheng.scheduling.batch.roster import JobState
from yuheng.scheduling.batch.session import Session
from yuheng.scheduling.batch.tree import UNLIMITED

__all__ = ["enqueue", "minimum"]

Amounts = NDArray[np.int64]
_VOTERS: Final = ("overcommit", "proportion", "capacity", "sla")
PERMIT, ABSTAIN, REJECT = 1, 0, -1


def enqueue(session: Session) -> None:
    """Let jobs in, in the order of their turn."""
    doors = _Doors(session)
    waiting = [state for state in session.roster.jobs if not state.admitted and state.index not in session.barred]
    line = Line(session.tree, session.order, waiting)
    while (state := line.pop()) is not None:
        refusals = doors.refusals(state)
        if refusals:
            session.refused[state.index] = refusals
        else:
            state.admitted = True
            doors.promise(state)


def minimum(session: Session, state: JobState) -> NDArray[np.int64]:
    """(C,) what a job needs beyond what it holds: as written, or what the first pods it lacks ask for."""
    tree = session.tree
    if state.job.min_resources is not None:
        left: NDArray[np.int64] = tree.row(state.job.min_resources, 0) - tree.job_allocated[state.index]
        return np.maximum(left, 0)
    needed = max(state.need - state.total_ready, 0)
    total = np.zeros(len(tree.names), dtype=np.int64)
    for group in state.groups:
        count = min(group.left, needed)
        total += group.row * count
        needed -= count
    return total


class _Doors:
    """Who lets jobs in."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tree = session.tree
        settings = session.settings
        self._tiers = [
            [plugin.name for plugin in tier if plugin.name in _VOTERS and "jobEnqueued" not in plugin.off]
            for tier in settings.batch.tiers
        ]
        cluster = session.engine.cluster
        used = np.append(cluster.used.sum(axis=0), cluster.pods.sum())
        self._idle = (self._tree.total * max(settings.overcommit, 1.0)).astype(np.int64) - used
        self._preempts = settings.has("preempt")
        self._limited = bool((self._tree.quota < UNLIMITED // 2).any())
        for state in session.roster.jobs if self._limited else ():
            _count_elastic(session, state)
        self._promised = np.zeros(len(self._tree.names), dtype=np.int64)
        for state in session.roster.jobs:
            if state.admitted and not state.started:
                self.promise(state)

    def promise(self, state: JobState) -> None:
        """Count what a job that is let in will hold."""
        amount = minimum(self._session, state)
        self._promised += amount
        for q in self._tree.path[state.queue]:
            self._tree.inqueue[q] += amount

    def refusals(self, state: JobState) -> list[Wait]:
        """Why a job is not let in; empty when it is."""
        queue = self._tree.queues[state.queue]
        if queue.closed:
            return [Wait("queue", f"queue {queue.name} is closed")]
        found: list[Wait] = []
        needed, freeable = minimum(self._session, state), self._freeable(state)
        for tier in self._tiers:
            votes = [self._vote(plugin, state, needed, freeable) for plugin in tier]
            found += [wait for vote, wait in votes if vote == REJECT and wait is not None]
            if not found and any(vote == PERMIT for vote, _ in votes):
                return []
        return found

    def _vote(self, plugin: str, state: JobState, needed: Amounts, freeable: Amounts) -> tuple[int, Wait | None]:
        if plugin == "sla":
            return (PERMIT if self._session.order.is_overdue(state) else ABSTAIN), None
        if plugin == "overcommit":
            return self._by_cluster(state, needed, freeable)
        return self._by_queue(state, needed, freeable)

    def _by_cluster(self, state: JobState, needed: Amounts, freeable: Amounts) -> tuple[int, Wait | None]:
        """The cluster, ``overcommit-factor`` larger than it is, has room for the minimum."""
        asked = needed > 0
        asked[-1] = False
        idle = self._idle - self._promised
        over = asked & (needed > idle)
        if not over.any() or self._may_reclaim(state, needed):
            return PERMIT, None
        if (needed[over] <= (idle + freeable)[over]).all():
            return PERMIT, None
        parts = [
            f"{format_amount(name, int(needed[c]))} of {name} with {format_amount(name, max(int(idle[c]), 0))} to give"
            for c, name in enumerate(self._tree.names)
            if over[c]
        ]
        return REJECT, Wait("resources", f"not let in: its minimum asks for {', '.join(parts)} (overcommit)")

    def _by_queue(self, state: JobState, needed: Amounts, freeable: Amounts) -> tuple[int, Wait | None]:
        """No queue on the way up passes its limit."""
        tree, asked = self._tree, needed > 0
        # What queues above lack can be reclaimed from their other children; its own limit cannot.
        path = tree.path[state.queue][:1] if self._may_reclaim(state, needed) else tree.path[state.queue]
        tightest: tuple[float, int, int, int] | None = None
        for depth, q in enumerate(path if self._limited else ()):
            room = tree.quota[q] - tree.allocated[q] - tree.inqueue[q] + tree.elastic[q] + freeable
            over = np.flatnonzero(asked & (needed > room) & (tree.quota[q] < UNLIMITED // 2))
            if len(over):
                c = int(over[0])
                # The queue with the least room says no; of equals the one above, where the limit is written.
                found = (int(room[c]) / int(needed[c]), -depth, q, c)
                tightest = found if tightest is None else min(tightest, found)
        if tightest is None:
            return PERMIT, None
        _, _, q, c = tightest
        name = tree.names[c]
        room = tree.quota[q] - tree.allocated[q] - tree.inqueue[q] + tree.elastic[q] + freeable
        text = (
            f"not let in: its minimum asks for {format_amount(name, int(needed[c]))} of {name},"
            f" queue {tree.queues[q].name} has {format_amount(name, max(int(room[c]), 0))}"
            f" of {format_amount(name, int(tree.quota[q, c]))} left"
        )
        return REJECT, Wait("quota", text)

    def _may_reclaim(self, state: JobState, needed: NDArray[np.int64]) -> bool:
        """Whether the job's queue deserves what it asks for, so that it can be reclaimed from others."""
        tree, q = self._tree, state.queue
        if not self._session.settings.has("reclaim") or tree.queues[q].reclaims == "Never":
            return False
        counts = tree.written[q] & (needed > 0)
        over = tree.allocated[q] + tree.inqueue[q] + needed > tree.deserved[q]
        return bool(counts.any() and not over[counts].any())

    def _freeable(self, state: JobState) -> NDArray[np.int64]:
        """(C,) what running jobs of lower priority in the same queue hold: preemption may free it."""
        total = np.zeros(len(self._tree.names), dtype=np.int64)
        if not self._preempts:
            return total
        for other in self._session.by_queue.get(state.queue, ()):
            if other.priority < state.priority and other.running:
                total += self._tree.job_allocated[other.index]
        return total


def _count_elastic(session: Session, state: JobState) -> None:
    """Count what a running job holds beyond its minimum: it does not stand in the way of jobs to let in."""
    tree, roster = session.tree, session.roster
    if not state.started or (state.job.min_resources is None and len(state.running) <= state.need):
        return
    if state.job.min_resources is not None:
        least = tree.row(state.job.min_resources, 0)
    else:
        least = roster.rows[roster.spec_of[state.running[: state.need]]].sum(axis=0)
    surplus = np.maximum(tree.job_allocated[state.index] - least, 0)
    for q in tree.path[state.queue]:
        tree.elastic[q] += surplus
