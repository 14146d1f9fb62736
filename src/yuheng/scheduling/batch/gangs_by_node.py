"""Whole gangs that could make way, node by node: what it costs to make room for a pod on each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from yuheng.scheduling.batch.roster import Group, JobState
from yuheng.scheduling.batch.session import Session

__all__ = ["nodes_of_gangs"]


def nodes_of_gangs(
    session: Session, gangs: Sequence[JobState], group: Group, nodes: NDArray[np.int32] | None
) -> list[tuple[tuple[int, int, int], int, list[JobState]]]:
    """What making room on a node costs, the node, and the gangs that could leave there; the cheapest first.

    Args:
        session: the state.
        gangs: those that could leave whole, the cheapest first.
        group: the pods that need room.
        nodes: the only nodes that may be used; None for all.
    """
    hand = session.moves.hands.hand(group.number)
    allowed = None if nodes is None else set(nodes.tolist())
    on_node: dict[int, dict[int, JobState]] = {}
    for gang in gangs:
        for i in gang.running:
            n = int(session.roster.node_of[i])
            if n >= 0 and hand.window.static[hand.row, n] == 0 and (allowed is None or n in allowed):
                on_node.setdefault(n, {})[gang.index] = gang
    lists = ((n, list(there.values())) for n, there in on_node.items())
    return sorted(((_cost(session, there, group, n), n, there) for n, there in lists), key=lambda item: item[:2])


def _cost(session: Session, gangs: Sequence[JobState], group: Group, n: int) -> tuple[int, int, int]:
    """What leaves until a pod fits on a node: the highest priority, how many pods, the node's rank."""
    roster, cluster = session.roster, session.engine.cluster
    asked = np.flatnonzero(group.row[:-1])
    free = cluster.allocatable[n] - cluster.used[n]
    pods, priority = 0, -(2**40)
    for gang in gangs:
        if (free[asked] >= group.row[asked]).all():
            break
        here = [i for i in gang.running if roster.node_of[i] == n]
        free = free + roster.rows[roster.spec_of[here]][:, :-1].sum(axis=0)
        pods += sum(1 for i in gang.running if roster.node_of[i] >= 0)
        priority = max(priority, gang.priority)
    return priority, pods, int(cluster.rank[n])
