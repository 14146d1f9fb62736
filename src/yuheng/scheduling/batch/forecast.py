"""When could a waiting job start, if nothing new arrives? The state is run ahead from end to end, and taken back.

Only ends that are known count: a pod's start and how long it runs (``runningEstimate``, a deadline). A job that starts
in the forecast ends in it, too, if it says how long it runs.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from yuheng.scheduling.batch.holds import Hold
from yuheng.scheduling.batch.roster import JobState
from yuheng.scheduling.batch.session import Session

__all__ = ["forecast", "reservation"]

# Moments that are looked at, and attempts to start a job, before a forecast gives up.
MOST_MOMENTS: Final = 400
MOST_ATTEMPTS: Final = 4_000


class _Ahead:
    """The state, run ahead: pods end, and the queues' dues are worked out anew."""

    def __init__(self, session: Session) -> None:
        self._session = session
        roster = session.roster
        on_nodes = np.flatnonzero((roster.node_of >= 0) & np.isfinite(roster.ends))
        self._ends = [(float(roster.ends[i]), int(i)) for i in on_nodes.tolist()]
        heapq.heapify(self._ends)

    def is_blind(self) -> bool:
        """Whether no end is known."""
        return not self._ends

    def next_moment(self) -> float | None:
        """Let the next pods end; when that is, or None when no end is known."""
        if not self._ends:
            return None
        moment = self._ends[0][0]
        ending = []
        while self._ends and self._ends[0][0] <= moment:
            ending.append(heapq.heappop(self._ends)[1])
        self._session.clock = moment
        self._session.moves.evict(ending, ended=True)
        self._session.tree.deserve()
        return moment

    def started(self, state: JobState, moment: float) -> None:
        """Note when the pods end that just started."""
        roster = self._session.roster
        for group in state.groups:
            for pod in group.pods[: group.next]:
                estimate = roster.pods[pod].estimate
                if estimate is not None and roster.node_of[pod] >= 0:
                    heapq.heappush(self._ends, (moment + estimate, pod))


def _on_the_side(session: Session, run: Callable[[_Ahead], None]) -> None:
    """Run ahead, and take back all that was done; nothing is run where no end is known."""
    ahead = _Ahead(session)
    if ahead.is_blind():
        return
    mark, hold = session.moves.mark(), session.hold
    session.hold = None if hold is None else hold.copy()
    try:
        run(ahead)
    finally:
        session.moves.undo(mark)
        session.hold, session.clock = hold, session.now
        session.tree.deserve()


def reservation(session: Session, state: JobState, *, overdue: bool) -> Hold | None:
    """Room for a job at the first moment it fits, if only others end; None when that is not known.

    Args:
        session: the state, which is the same afterwards.
        state: the job.
        overdue: it is past its waiting time: when nothing is known, all it could use is kept.
    """
    found: list[Hold] = []
    cluster, tree = session.engine.cluster, session.tree

    def run(ahead: _Ahead) -> None:
        if session.start(state):
            # There is room for it; other things keep it waiting.
            return
        for _ in range(MOST_MOMENTS):
            moment = ahead.next_moment()
            if moment is None:
                return
            if session.start(state):
                places = cluster.pod_limit - cluster.pods
                free = np.concatenate([cluster.allocatable - cluster.used, places[:, None]], axis=1)
                found.append(Hold(state, moment, free, tree.allocated.copy(), session.heads))
                return

    _on_the_side(session, run)
    if found:
        return found[0]
    return _everything_it_could_use(session, state) if overdue else None


def _everything_it_could_use(session: Session, state: JobState) -> Hold:
    """Nothing is free for others on the nodes that a job could use, whenever that may be."""
    cluster, tree = session.engine.cluster, session.tree
    places = cluster.pod_limit - cluster.pods
    free = np.concatenate([cluster.allocatable - cluster.used, places[:, None]], axis=1)
    for group in state.groups:
        hand = session.moves.hands.hand(group.number)
        free[hand.window.static[hand.row] == 0] = 0
    return Hold(state, float("inf"), free, tree.allocated.copy(), session.heads)


def forecast(session: Session, waiting: Sequence[JobState]) -> dict[int, float]:
    """The earliest start of waiting jobs, in seconds since the epoch, by job number.

    Args:
        session: the state, which is the same afterwards.
        waiting: the jobs, in the order in which they are tried.

    Returns:
        Jobs whose start is not known are left out.
    """
    found: dict[int, float] = {}
    if waiting:
        _on_the_side(session, lambda ahead: _run_ahead(session, ahead, list(waiting), found))
    return found


def _run_ahead(session: Session, ahead: _Ahead, waiting: list[JobState], found: dict[int, float]) -> None:
    attempts = 0
    for _ in range(MOST_MOMENTS):
        moment = ahead.next_moment()
        if moment is None or not waiting or attempts > MOST_ATTEMPTS:
            return
        remaining = []
        for state in waiting:
            attempts += 1
            if attempts <= MOST_ATTEMPTS and session.start(state):
                found[state.index] = moment
                ahead.started(state, moment)
                if session.hold is not None and session.hold.state is state:
                    session.hold = None
            else:
                remaining.append(state)
        waiting = remaining
