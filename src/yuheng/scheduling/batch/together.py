"""Tasks of one job together (locality) or apart (redundancy), by node (Volcano's ``task-topology``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from yuheng.scheduling.batch.roster import Group, JobState, Roster

if TYPE_CHECKING:
    from yuheng.scheduling.batch.session import Session

__all__ = ["Together"]


class Together:
    """Scores nodes by the tasks of the same job that are on them."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    @staticmethod
    def concerns(state: JobState, group: Group) -> bool:
        """Whether a group's task is named by its job's task topology."""
        topology = state.job.task_topology
        return any(group.task in tasks for tasks in (*topology.together, *topology.apart))

    def bonus(self, session: Session, state: JobState, group: Group) -> NDArray[np.int64]:
        """(N,) what a node gets for the pods it should have beside, and loses for those it should not.

        A node with one unwanted neighbour loses more than the wanted ones can give: apart goes before together.
        """
        size, weight = len(session.engine.machines), session.settings.topology_weight
        found = np.zeros(size, dtype=np.int64)
        if not weight or not self.concerns(state, group):
            return found
        wanted = _peers(group.task, state.job.task_topology.together)
        unwanted = _peers(group.task, state.job.task_topology.apart)
        for pod in self._roster.pods_on_nodes(state):
            task, n = self._roster.pods[pod].task, int(self._roster.node_of[pod])
            found[n] += 100 * (task in wanted) - 10_000 * (task in unwanted)
        return weight * np.clip(found, -10_000, 1_000)


def _peers(task: str, sets: tuple[tuple[str, ...], ...]) -> set[str]:
    """The tasks that are named in one set with a task, itself included."""
    return {name for tasks in sets if task in tasks for name in tasks}
