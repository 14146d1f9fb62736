"""Copies of one pod, all at once: for pods to which nodes differ in nothing but their room and their own score.

Trees pay when a class returns after few nodes have changed. Where many classes take turns on a large cluster, each turn
would build them anew; here nodes are looked at in one sweep, and after each copy only the one that it went to. What is
chosen is what `cycle.place` chooses: its twin.
"""

from __future__ import annotations

from yuheng.scheduling.arrays import I32, Cluster, Rules, Window
from yuheng.scheduling.cycle import commit, score_at
from yuheng.scheduling.kernel import kernel
from yuheng.scheduling.sweep import can_sweep, sweep

__all__ = ["are_alike", "place_alike"]


@kernel
def are_alike(cluster: Cluster, window: Window, rules: Rules, w: int) -> bool:
    """Whether nothing but room and a node's own score tells the nodes of class ``w`` apart: no group, no counter."""
    if rules.random_pick > 0 or window.counter_first[w + 1] > window.counter_first[w]:
        return False
    return bool(window.group_first[w + 1] - window.group_first[w] == 1 and can_sweep(cluster, window, rules, w))


@kernel
def place_alike(cluster: Cluster, window: Window, rules: Rules, w: int, pods: int) -> int:
    """Place copies of class ``w`` until one cannot be placed; how many were. The class's trees are left as they are.

    Args:
        cluster: the nodes; changed by every placement, which its log records.
        window: the classes; ``w`` is one of those that `are_alike` knows.
        rules: the policy.
        w: the class.
        pods: how many copies there are.
    """
    score = cluster.score
    sweep(cluster, window, rules, w)
    _leave_members(score, window.static[w])
    for i in range(pods):
        n = _best_of(score, cluster.rank)
        if n < 0:
            return i
        commit(cluster, window, rules, w, n, 0)
        score[n] = score_at(cluster, window, rules, w, n)
    return pods


@kernel
def _leave_members(score: I32, static: I32) -> None:
    """No room where a static filter rejects a node."""
    for n in range(score.shape[0]):
        score[n] = -1 if static[n] != 0 else score[n]


@kernel
def _best_of(score: I32, rank: I32) -> int:
    """The node with the highest score, the earliest in rank of equals; -1 where none is feasible."""
    most = -1
    for n in range(score.shape[0]):
        most = max(most, score[n])
    best = -1
    for n in range(score.shape[0] if most >= 0 else 0):
        if score[n] == most and (best < 0 or rank[n] < rank[best]):
            best = n
    return best
