"""What batch scheduling adds to the cycle of one pod: choosing among some nodes only."""

from __future__ import annotations

from yuheng.scheduling.arrays import I32, I64, Cluster, Counters, Rules, Window
from yuheng.scheduling.cycle import commit, has_room, rate
from yuheng.scheduling.kernel import kernel

__all__ = ["place_among"]


@kernel
def place_among(
    cluster: Cluster,
    window: Window,
    counters: Counters,
    rules: Rules,
    w: int,
    count: int,
    nodes: I32,
    bonus: I64,
) -> int:
    """Place pods of one class on some nodes only, until one cannot be placed.

    Args:
        cluster: the nodes; changed by every placement.
        window: the class in hand.
        counters: its counters.
        rules: the policy.
        w: the class.
        count: how many pods.
        nodes: the nodes that may be used.
        bonus: (nodes,) what is added to the score of each of them; scores are compared with it.

    Returns:
        How many were placed.
    """
    for placed in range(count):
        if rate(cluster, window, counters, rules, w) == 0:
            return placed
        n = _best_among(cluster, window, w, nodes, bonus)
        if n < 0:
            return placed
        commit(cluster, window, rules, w, n, cluster.draws[cluster.log_size[0]])
    return count


@kernel
def _best_among(cluster: Cluster, window: Window, w: int, nodes: I32, bonus: I64) -> int:
    """The best of some nodes, the earliest in rank of equals; -1 when none is feasible."""
    best = -(2**62)
    chosen = -1
    for i in range(nodes.shape[0]):
        n = nodes[i]
        if not has_room(window, w, n):
            continue
        g = window.leaf[w, 2 * n + 1]
        if window.verdict[g] != 0:
            continue
        score = window.tree[w, 2 * window.group_start[g] + window.leaf[w, 2 * n]] + window.total[g] + bonus[i]
        if score > best or (score == best and cluster.rank[n] < cluster.rank[chosen]):
            best = score
            chosen = n
    return chosen
