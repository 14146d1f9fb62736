"""What is idle may be lent beyond what a queue deserves, but not what somebody who waits could reclaim at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.scheduling.batch.roster import Group, JobState
from yuheng.scheduling.batch.tree import UNLIMITED

if TYPE_CHECKING:
    from yuheng.scheduling.batch.session import Session

__all__ = ["Lender"]

# Kinds of waiting pods that are looked at before a loan.
MOST_CLAIMANTS: Final = 32


class _Held(NamedTuple):
    """What the pods of a queue hold: (N, C) by node, and (C,) the most that one of them does."""

    version: int
    on_node: NDArray[np.int64]
    largest: NDArray[np.int64]


class Lender:
    """Decides about loans while jobs wait that could claim."""

    def __init__(self, session: Session, waiting: Sequence[JobState]) -> None:
        self._session = session
        self._fits: dict[int, bool] = {}
        found: dict[tuple[int, int], tuple[JobState, Group]] = {}
        for state in waiting:
            if len(found) >= MOST_CLAIMANTS:
                break
            for group in state.groups:
                known = (state.queue, group.number) in found
                if group.left and not known and self._fits_somewhere(group) and self._may_claim(state):
                    found[state.queue, group.number] = state, group
        self._claimants = list(found.values())
        self._known: dict[int, _Held] = {}

    def _fits_somewhere(self, group: Group) -> bool:
        """Whether a pod fits on any node, were it empty: who does not takes nothing back."""
        if group.number not in self._fits:
            allocatable = self._session.engine.cluster.allocatable
            self._fits[group.number] = bool((allocatable >= group.row[:-1]).all(axis=1).any())
        return self._fits[group.number]

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

    def lends(self, state: JobState, group: Group, wanted: int) -> int:
        """How many of some pods of a group may be placed before asking again.

        Those that are no loan; or all of them, where that is nothing anybody could take back; or one; or none.
        """
        tree, q = self._session.tree, state.queue
        if not self._claimants:
            return wanted
        counts = np.flatnonzero(tree.written[q] & (group.row > 0))
        due = (tree.deserved[q, counts] - tree.allocated[q, counts]) // group.row[counts]
        if int(due.min(initial=UNLIMITED)) > 0:
            return int(due.min(initial=wanted))
        for pods in dict.fromkeys((wanted, 1)):
            if not any(self._could_take_back(one, q, group.row * pods) for one in self._claimants):
                return pods
        return 0

    def _could_take_back(self, claimant: tuple[JobState, Group], q: int, loan: NDArray[np.int64]) -> bool:
        """Whether a claimant would find room on some node by what the borrower has beyond its due, and its free room.

        The most that reclaim takes of a queue is what is beyond its due, and the rest of the last pod.
        """
        state, wanted = claimant
        if state.queue == q or not wanted.left or not self._session.tree.queues[q].reclaimable:
            return False
        tree, cluster = self._session.tree, self._session.engine.cluster
        asked = np.flatnonzero(wanted.row[:-1])
        held = self._held(q)
        beyond = np.maximum(tree.allocated[q] + loan - tree.deserved[q], 0)[asked]
        most = np.where(beyond > 0, beyond + np.maximum(held.largest, loan)[asked] - 1, 0)
        free = cluster.allocatable[:, asked] - cluster.used[:, asked]
        room = free + np.minimum(held.on_node[:, asked] + loan[asked], most)
        return bool((room >= wanted.row[asked]).all(axis=1).any())

    def _held(self, q: int) -> _Held:
        """What the pods of a queue hold, in the state as it is."""
        version = self._session.moves.version
        found = self._known.get(q)
        if found is None or found.version != version:
            roster = self._session.roster
            jobs = np.zeros(len(roster.jobs), dtype=np.bool_)
            jobs[[one.index for one in self._session.by_queue.get(q, ())]] = True
            pods = np.flatnonzero(jobs[roster.job_of] & (roster.node_of >= 0))
            rows = roster.rows[roster.spec_of[pods]]
            on_node = np.zeros((len(self._session.engine.machines), rows.shape[1]), dtype=np.int64)
            np.add.at(on_node, roster.node_of[pods], rows)
            found = self._known[q] = _Held(version, on_node, rows.max(axis=0, initial=0))
        return found
