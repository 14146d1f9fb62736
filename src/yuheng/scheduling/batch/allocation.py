"""The actions ``allocate`` and ``backfill``: jobs start on free room, in the order of their turn."""

from __future__ import annotations

from yuheng.scheduling.batch.forecast import reservation
from yuheng.scheduling.batch.order import Line
from yuheng.scheduling.batch.roster import JobState
from yuheng.scheduling.batch.session import Session

__all__ = ["allocate", "backfill", "serve"]

# Waiting gangs that are asked when they could start, before nobody gets a reservation.
MOST_HEADS = 3


def allocate(session: Session) -> None:
    """Start jobs whole, then give those that have their minimum one pod a turn."""
    jobs = [state for state in session.roster.jobs if state.admitted and state.pending]
    session.moves.prepare([group.number for state in jobs for group in state.groups])
    serve(session, jobs)


def serve(session: Session, jobs: list[JobState]) -> None:
    """Give every job its turns until it has all its pods or cannot go on."""
    line = Line(session.tree, session.order, jobs)
    waiting = len(jobs)
    while (state := line.pop()) is not None:
        waiting -= 1
        if session.tree.is_overused(state.queue) and not _asks_nothing(state):
            continue
        if not _turn(session, state, alone=waiting == 0):
            if session.tree.queues[state.queue].dequeue == "fifo":
                waiting -= len(line.close(state.queue))
            _keep_room(session, state)
        elif state.pending:
            line.push(state)
            waiting += 1


def _turn(session: Session, state: JobState, *, alone: bool) -> bool:
    """Start a job, or give one that runs another pod; all of them when nobody else waits."""
    if not session.is_ready(state):
        return session.start(state)
    return session.advance(state, state.pending if alone else 1) > 0


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


def backfill(session: Session) -> None:
    """Start what may run in the holes: jobs behind a reservation that end in time, and pods that ask for nothing."""
    serve(session, [state for state in session.roster.jobs if state.admitted and state.pending])
