"""What batch scheduling adds to the cycle of one pod: choosing among some nodes only, and taking pods off again."""

from __future__ import annotations

from yuheng.scheduling.arrays import DEVICES_A_WORD, I32, I64, Cluster, Counters, Rules, Window
from yuheng.scheduling.cycle import commit, has_room, rate
from yuheng.scheduling.kernel import kernel
from yuheng.scheduling.room import leave

__all__ = ["place_among", "revert"]


@kernel
def revert(cluster: Cluster, window: Window, w: int, nodes: I32, devices: I64) -> None:
    """Take pods of class ``w`` off their nodes again, the last first; the log gets a line for each.

    Args:
        cluster: the nodes.
        window: the class in hand.
        w: the class.
        nodes: (pods,) where they are.
        devices: (pods, words) the devices they hold, as the log told them.
    """
    for line in range(nodes.shape[0] - 1, -1, -1):
        n = nodes[line]
        for d in range(cluster.device_free.shape[1] if window.device_count[w] > 0 else 0):
            if devices[line, d // DEVICES_A_WORD] >> (d % DEVICES_A_WORD) & 1:
                _give_back(cluster, window, w, n, d)
        if window.device_count[w] > 0:
            kind = 0 if window.device_milli[w] < 1000 else window.device_count[w]
            cluster.device_kinds[n, kind] -= 1
        leave(cluster, window, w, n)
        size = cluster.log_size[0]
        cluster.log_node[size] = n
        cluster.log_kind[size] = window.kind[w]
        cluster.log_sign[size] = -1
        cluster.log_size[0] = size + 1


@kernel
def _give_back(cluster: Cluster, window: Window, w: int, n: int, d: int) -> None:
    """Free what one pod of class ``w`` holds of device ``d``."""
    if window.device_milli[w] < 1000:
        cluster.device_free[n, d] += window.device_milli[w]
        cluster.device_memory[n, d] += window.device_memory[w]
    else:
        cluster.device_free[n, d] = 1000
        cluster.device_memory[n, d] = cluster.device_size[n]


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
