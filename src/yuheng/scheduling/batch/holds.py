"""Room kept for a waiting job: EASY backfill's reservation, and the harder one of a job past its waiting time.

With runtimes known, the first waiting gang gets the earliest moment at which it fits, and the nodes it will take then.
A job behind it may run if it ends before that moment, or where it takes nothing the gang will need (EASY: Lifka,
"The ANL/IBM SP scheduling system", JSSPP'95). Without runtimes nothing is known to be delayed, and nothing is held;
only a job past its waiting time (SLA) then keeps every node it could use.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from yuheng.scheduling.batch.roster import Group, JobState

if TYPE_CHECKING:
    from yuheng.scheduling.batch.session import Session

__all__ = ["Hold"]

Nodes = NDArray[np.int32]


class Hold:
    """A reservation.

    Attributes:
        state: the job it is for.
        start: when the job can start, in seconds since the epoch; infinite when nobody knows.
        free: (N, C) what will be free on each node once the job has started: resources, then places for pods.
        quota: (Q, C) what every queue will hold by then.
        serial: a number of its own.
    """

    def __init__(
        self, state: JobState, start: float, free: NDArray[np.int64], quota: NDArray[np.int64], serial: int
    ) -> None:
        self.state = state
        self.start = start
        self.free = free
        self.quota = quota
        self.serial = serial

    def lets_pass(self, session: Session, state: JobState) -> bool:
        """Whether a job may use any room: it is the one that is waited for, or ends in time."""
        if state is self.state:
            return True
        estimate = session.estimate(state)
        return estimate is not None and session.clock + estimate <= self.start

    def copy(self) -> Hold:
        """The same reservation, to be used up by a forecast."""
        return Hold(self.state, self.start, self.free.copy(), self.quota.copy(), self.serial)

    def free_nodes(self, group: Group) -> Nodes:
        """The nodes on which one more pod of a group takes nothing of what is kept."""
        asked = group.row > 0
        fits = (self.free[:, asked] >= group.row[asked]).all(axis=1)
        found: Nodes = np.flatnonzero(fits).astype(np.int32)
        return found

    def has_quota(self, session: Session, state: JobState, group: Group) -> bool:
        """Whether one more pod leaves the queues enough for the job that is waited for."""
        tree = session.tree
        shared = set(tree.path[self.state.queue])
        for q in tree.path[state.queue]:
            asked = group.row > 0
            if q in shared and (self.quota[q][asked] + group.row[asked] > tree.limit(q)[asked]).any():
                return False
        return True

    def take(self, session: Session, state: JobState, group: Group) -> None:
        """Count a pod that was just placed and stays beyond the start."""
        n = int(session.roster.node_of[group.pods[group.next - 1]])
        path = session.tree.path[state.queue]
        self._count(n, path, group.row)
        session.moves.note(lambda: self._count(n, path, -group.row))

    def _count(self, n: int, path: Sequence[int], row: NDArray[np.int64]) -> None:
        self.free[n] -= row
        self.quota[path] += row
