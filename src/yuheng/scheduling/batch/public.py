"""Public and private queues (Momo): a job uses the public queue while that has room, and its own when it may.

A job names its private queue. It goes to the public one if its minimum fits there; otherwise it stays in its own, if
its priority is high enough for that.
"""

from __future__ import annotations

import numpy as np

from yuheng.errors import ConfigError
from yuheng.model.batch_plan import Wait
from yuheng.scheduling.batch.admission import minimum
from yuheng.scheduling.batch.order import Line
from yuheng.scheduling.batch.roster import JobState
from yuheng.scheduling.batch.session import Session
from yuheng.scheduling.batch.tree import UNLIMITED

__all__ = ["choose_queues"]


def choose_queues(session: Session) -> None:
    """Send every job that was not let in yet to the public queue or to its own.

    Raises:
        ConfigError: the public queue is not among the queues.
    """
    public = _public_queue(session)
    if public is None:
        return
    tree = session.tree
    entitled = np.where(tree.entitled[public] < UNLIMITED, tree.entitled[public], tree.real[public])
    room = np.minimum(entitled, tree.real[public]) - tree.request[public]
    moving = [state for state in session.roster.jobs if not state.admitted and _is_private(session, state, public)]
    line = Line(tree, session.order, moving)
    while (state := line.pop()) is not None:
        needed = minimum(session, state)
        if (needed <= room)[needed > 0].all():
            room = room - needed
            _move(session, state, public)
        elif not _may_stay(session, state):
            own, least = tree.queues[state.queue].name, _least_priority(session, state)
            text = f"the public queue has no room, and queue {own} takes jobs of priority {least} and above only"
            session.refused[state.index] = [Wait("priority", text)]
            session.barred.add(state.index)
    tree.deserve()
    session.order.regroup()


def _public_queue(session: Session) -> int | None:
    name = session.settings.public_queue
    if name:
        if name not in session.tree.number:
            raise ConfigError(f"plugin publicqueue: publicqueue.name: found {name!r}, expected the name of a queue")
        return session.tree.number[name]
    if not session.settings.batch.has("publicqueue"):
        return None
    return next((q for q, queue in enumerate(session.tree.queues) if queue.public), None)


def _is_private(session: Session, state: JobState, public: int) -> bool:
    """Whether a job names a queue of its own: neither the public one nor the default one."""
    return state.queue != public and session.tree.queues[state.queue].name != "default"


def _least_priority(session: Session, state: JobState) -> int | None:
    own = session.tree.queues[state.queue].private_priority
    return session.settings.private_priority if own is None else own


def _may_stay(session: Session, state: JobState) -> bool:
    least = _least_priority(session, state)
    return least is None or state.priority >= least


def _move(session: Session, state: JobState, queue: int) -> None:
    """Put a job, with all it holds and asks for, into another queue."""
    tree = session.tree
    held = tree.job_allocated[state.index]
    asked = held.copy()
    for group in state.groups:
        asked += group.row * len(group.pods)
    for q in tree.path[state.queue]:
        tree.allocated[q] -= held
        tree.request[q] -= asked
    session.by_queue[state.queue].remove(state)
    state.queue = queue
    session.by_queue.setdefault(queue, []).append(state)
    for q in tree.path[queue]:
        tree.allocated[q] += held
        tree.request[q] += asked
    if session.rename is not None:
        session.rename(state, tree.queues[queue].name)
    session.forget()
