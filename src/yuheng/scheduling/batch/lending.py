"""What is idle may be lent beyond what a queue deserves, but not what somebody who waits could reclaim at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from yuheng.scheduling.batch.roster import Group, JobState
from yuheng.scheduling.batch.tree import UNLIMITED

if TYPE_CHECKING:
    from yuheng.scheduling.batch.session import Session

__all__ = ["Lender"]

# Kinds of waiting pods that are looked at before a loan.
MOST_CLAIMANTS: Final = 32


class Lender:
    """Decides about loans while jobs wait that could claim."""

    def __init__(self, session: Session, waiting: Sequence[JobState]) -> None:
        self._session = session
        found: dict[tuple[int, int], tuple[JobState, Group]] = {}
        for state in waiting:
            for group in state.groups:
                if group.left and self._may_claim(state):
                    found.setdefault((state.queue, group.number), (state, group))
        self._claimants = list(found.values())[:MOST_CLAIMANTS]

    def _may_claim(self, state: JobState) -> bool:
        """Whether a job's queue deserves all the job needs to start, or one more of its pods if it runs."""
        tree, needed = self._session.tree, np.zeros(len(self._session.tree.names), dtype=np.int64)
        lacking = max(self._session.lacking(state), 1)
        for group in state.groups:
            count = min(group.left, lacking)
            needed += group.row * count
            lacking -= count
        counts = tree.written[state.queue] & (needed > 0)
        over = tree.allocated[state.queue] + needed > tree.deserved[state.queue]
        return bool(counts.any() and not over[counts].any())

    def lends(self, state: JobState, group: Group) -> int:
        """How many pods of a group may be placed before asking again: those that are no loan, or one, or none."""
        tree, q = self._session.tree, state.queue
        if not self._claimants:
            return UNLIMITED
        counts = np.flatnonzero(tree.written[q] & (group.row > 0))
        due = (tree.deserved[q, counts] - tree.allocated[q, counts]) // group.row[counts]
        if int(due.min(initial=UNLIMITED)) > 0:
            return int(due.min(initial=UNLIMITED))
        return 0 if any(self._could_take_back(one, q, group) for one in self._claimants) else 1

    def _could_take_back(self, claimant: tuple[JobState, Group], q: int, group: Group) -> bool:
        """Whether a claimant would find room on some node by what the borrower has beyond its due, and its free room.

        The most that reclaim takes of a queue is what is beyond its due, and the rest of the last pod.
        """
        state, wanted = claimant
        if state.queue == q or not wanted.left or not self._session.tree.queues[q].reclaimable:
            return False
        tree, roster, cluster = self._session.tree, self._session.roster, self._session.engine.cluster
        asked = np.flatnonzero(wanted.row[:-1])
        held = self._held(q)
        beyond = np.maximum(tree.allocated[q] + group.row - tree.deserved[q], 0)[asked]
        largest = roster.rows[roster.spec_of[held]].max(axis=0, initial=0)[asked]
        most = np.where(beyond > 0, beyond + np.maximum(largest, group.row[asked]) - 1, 0)
        on_node = np.zeros((len(self._session.engine.machines), len(asked)), dtype=np.int64)
        np.add.at(on_node, roster.node_of[held], roster.rows[roster.spec_of[held]][:, asked])
        free = cluster.allocatable[:, asked] - cluster.used[:, asked]
        return bool((free + np.minimum(on_node + group.row[asked], most) >= wanted.row[asked]).all(axis=1).any())

    def _held(self, q: int) -> NDArray[np.int64]:
        """The pods of a queue that are on nodes."""
        roster = self._session.roster
        jobs = [one.index for one in self._session.by_queue.get(q, ())]
        return np.flatnonzero(np.isin(roster.job_of, jobs) & (roster.node_of >= 0))
