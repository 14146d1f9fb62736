"""How much of a node group a queue may use (annotation ``volcano.sh/nodegroup-resource-limits``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from yuheng.scheduling.batch.fences import NODE_GROUP
from yuheng.scheduling.batch.roster import Group, JobState
from yuheng.scheduling.batch.tree import UNLIMITED

if TYPE_CHECKING:
    from yuheng.scheduling.batch.session import Session

__all__ = ["GroupLimits"]


class GroupLimits:
    """The limits of all queues; most have none."""

    def __init__(self, session: Session) -> None:
        self._session = session
        tree = session.tree
        self._limits = {
            q: {group: tree.row(amounts, UNLIMITED) for group, amounts in queue.node_group_limits.items()}
            for q, queue in enumerate(tree.queues)
            if queue.node_group_limits and session.settings.node_groups
        }

    def concern(self, state: JobState) -> bool:
        """Whether a job's queue has any."""
        return state.queue in self._limits

    def open_nodes(self, state: JobState, group: Group) -> NDArray[np.int32]:
        """The nodes on which one more pod keeps the queue within its limits."""
        roster, column = self._session.roster, self._session.engine.machines.column(NODE_GROUP)
        jobs = [one.index for one in self._session.by_queue[state.queue]]
        mine = np.flatnonzero(np.isin(roster.job_of, jobs) & (roster.node_of >= 0))
        is_open = np.ones(len(column.ids), dtype=np.bool_)
        for name, limit in self._limits[state.queue].items():
            number = column.number.get(name, -2)
            there = mine[column.ids[roster.node_of[mine]] == number]
            used = roster.rows[roster.spec_of[there]].sum(axis=0)
            if (used + group.row > limit)[group.row > 0].any():
                is_open[column.ids == number] = False
        return np.flatnonzero(is_open).astype(np.int32)
