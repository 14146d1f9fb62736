"""The actions ``allocate`` and ``backfill``: jobs start on free room, in the order of their turn."""

from __future__ import annotations

from itertools import count
from typing import Final

from yuheng.scheduling.batch.claims import Claims
from yuheng.scheduling.batch.forecast import reservation
from yuheng.scheduling.batch.lending import Lender
from yuheng.scheduling.batch.order import Key, Line
from yuheng.scheduling.batch.roster import JobState
from yuheng.scheduling.batch.session import Session

__all__ = ["allocate", "backfill", "lend", "serve"]

# Waiting gangs that are asked when they could start, before nobody gets a reservation.
MOST_HEADS: Final = 3
# Turns between two reports of progress.
TURNS_A_REPORT: Final = 2_000
# Jobs that found no room and are asked again when others leave more than was needed.
MOST_RETRIED: Final = 200


def allocate(session: Session, claims: Claims) -> None:
    """Start jobs whole, then give those that have their minimum one pod a turn."""
    jobs = [state for state in session.roster.jobs if state.admitted and state.pending]
    session.moves.hands.prepare([group.number for state in jobs for group in state.groups])
    if session.settings.share_policy == "capacity" and session.settings.has("reclaim"):
        _serve_dues(session, jobs)
        jobs = [state for state in jobs if state.pending]
        session.lender = Lender(session, jobs)
    serve(session, [*jobs, *_kept_out(session)], claims)
    session.lender = None


def _serve_dues(session: Session, jobs: list[JobState]) -> None:
    """Give queues what they deserve before anybody gets more: those whose due it is would take it back."""
    session.tree.by_due = True
    line = Line(session.tree, session.order, jobs)
    while (state := line.pop()) is not None:
        if _turn(session, state, alone=False) and state.pending:
            line.push(state)
    session.tree.by_due = False
    session.forget()


def _kept_out(session: Session) -> list[JobState]:
    """The first job of each queue that was not let in because the cluster is full.

    Those behind them must not push their start away.
    """
    first: dict[int, tuple[Key, JobState]] = {}
    for j, waits in session.refused.items():
        state = session.roster.jobs[j]
        if j in session.barred or any(wait.kind != "resources" for wait in waits):
            continue
        key = session.order.job_key(state)
        if state.queue not in first or key < first[state.queue][0]:
            first[state.queue] = key, state
    return [state for _, state in first.values()]


def serve(session: Session, jobs: list[JobState], claims: Claims | None = None) -> None:
    """Give every job its turns until it has all its pods or cannot go on.

    Args:
        session: the state.
        jobs: who is in line.
        claims: how a job that finds no room takes it from others; None for not at all.
    """
    service = _Service(session, jobs, claims)
    for turn in count():
        if session.progress is not None and turn % TURNS_A_REPORT == 0:
            waited = len(session.engine.queue)
            session.progress(waited - sum(one.pending for one in jobs), waited)
        if not service.next():
            return


class _Service:
    """A line of jobs, and those that found no room so far."""

    def __init__(self, session: Session, jobs: list[JobState], claims: Claims | None) -> None:
        self._session = session
        self._claims = claims
        self._line = Line(session.tree, session.order, jobs)
        self._waiting = len(jobs)
        self._failed: list[JobState] = []

    def next(self) -> bool:
        """Give the next job its turn; False when none is in line."""
        session, state = self._session, self._line.pop()
        if state is None:
            return False
        self._waiting -= 1
        if session.tree.is_overused(state.queue) and not _asks_nothing(state):
            if session.order.is_overdue(state):
                _keep_room(session, state)
            return True
        if not state.admitted:
            _keep_room(session, state)
        elif not (_turn(session, state, alone=self._waiting == 0) or self._claimed(state)):
            self._fail(state)
        elif state.pending:
            self._push(state)
        return True

    def _push(self, state: JobState) -> None:
        self._line.push(state)
        self._waiting += 1

    def _claimed(self, state: JobState) -> bool:
        """Whether a job that found no room started on that of others.

        Those who found no room before it come before the others for what is left of the room that was made.
        """
        if self._claims is None or self._session.is_ready(state) or not self._claims.attempt(state):
            return False
        if len(self._failed) <= MOST_RETRIED and _left_over(self._session, state):
            for other in self._failed:
                self._push(other)
            self._failed.clear()
        return True

    def _fail(self, state: JobState) -> None:
        self._failed.append(state)
        if self._session.tree.queues[state.queue].dequeue == "fifo":
            self._waiting -= len(self._line.close(state.queue))
        _keep_room(self._session, state)


def _turn(session: Session, state: JobState, *, alone: bool) -> bool:
    """Start a job, or give one that runs another pod; all of them when nobody else waits."""
    if not session.is_ready(state):
        return session.start(state)
    return session.advance(state, state.pending if alone else 1) > 0


def _left_over(session: Session, state: JobState) -> bool:
    """Whether those who just left for a job held more of anything than the job's pods take."""
    gone = [one for one in session.evictions if one.by == state.key]
    index = {session.roster.pods[i].key: i for i in session.moves.evicted}
    held = session.roster.rows[session.roster.spec_of[[index[one.pod] for one in gone]]].sum(axis=0)
    return bool((held[:-1] > session.tree.job_allocated[state.index][:-1]).any())


def _asks_nothing(state: JobState) -> bool:
    """Whether all pods that wait are best-effort: they fill anywhere, whatever their queue has."""
    return not any(group.row[:-1].any() for group in state.groups if group.left)


def _keep_room(session: Session, state: JobState) -> None:
    """Reserve room for the first gang that waits for it (EASY), and for a job past its waiting time."""
    if session.hold is not None or session.is_ready(state):
        return
    overdue = session.order.is_overdue(state)
    first = session.settings.has("backfill") and session.heads < MOST_HEADS
    if first or overdue:
        session.heads += 1
        session.hold = reservation(session, state, overdue=overdue)
        if session.hold is not None:
            session.forget()


def lend(session: Session) -> None:
    """Let queues borrow what is idle still, beyond what they deserve: reclaim can take it back from them.

    Nothing is lent that somebody who waits already could reclaim at once; and what was freed by reclaim is not idle:
    those who left it will ask for it.
    """
    if any(eviction.rule == "reclaim" for eviction in session.evictions):
        return
    session.tree.by_due = False
    session.forget()
    jobs = [state for state in session.roster.jobs if state.admitted and state.pending]
    session.lender = Lender(session, jobs)
    serve(session, jobs)
    session.lender = None
    session.tree.by_due = True
    session.forget()


def backfill(session: Session) -> None:
    """Start what may run in the holes: jobs behind a reservation that end in time, and pods that ask for nothing."""
    serve(session, [state for state in session.roster.jobs if state.admitted and state.pending])
