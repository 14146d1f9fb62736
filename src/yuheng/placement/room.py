"""How many more of a pod fit on each node, where nothing but room decides: kernels over the nodes of a whole fleet.

Letters for sizes: N nodes of all clusters, R resources, G groups, S clusters.
"""

from __future__ import annotations

from typing import Final

from yuheng.scheduling.arrays import I32, I64, U8
from yuheng.scheduling.kernel import kernel
from yuheng.scheduling.structs import Struct

__all__ = ["MOST", "Copies", "Nodes", "count", "count_all", "recount", "take"]

# More copies than this on one node are not told apart.
MOST: Final = 1 << 30


class Nodes(Struct):
    """The nodes of all clusters side by side; what pods take changes in place.

    Attributes:
        free: (R, N) what is left of each resource.
        slots: (N,) how many more pods a node may hold; 0 where it takes none.
        group_of: (N,) the group of each node.
        site_of: (N,) the cluster of each node.
        first: (S + 1,) the nodes of each cluster, as a slice.
        log: (lines, R + 4) nodes on which something changed, in order: the node, its group, its cluster, and what was
            left of its slots and resources then. Whoever reads it in order need not look the nodes up.
    """

    free: I64
    slots: I64
    group_of: I32
    site_of: I32
    first: I64
    log: I64


class Copies(Struct):
    """One pod, and how many more of it fit.

    Attributes:
        request: (R,) what it asks for.
        needs: the resources that it asks for.
        open: (N,) 1 where nothing but room can keep it away.
        each: (N,) how many fit on each node, in whole numbers that hold as many pods as a node may.
        totals: (G,) that added up.
        counted: (S,) 1 where the nodes of a cluster were looked at.
    """

    request: I64
    needs: I64
    open: U8
    each: I32
    totals: I64
    counted: U8


@kernel
def count_all(nodes: Nodes, copies: Copies) -> None:
    """Look at the nodes of all clusters that were not looked at before."""
    for s in range(copies.counted.shape[0]):
        if copies.counted[s] == 0:
            count(nodes, copies, s)


@kernel
def count(nodes: Nodes, copies: Copies, s: int) -> None:
    """Look at the nodes of cluster ``s``, in a form that machines do several nodes of at a time.

    Args:
        nodes: all nodes.
        copies: the pod; its totals in the groups of the cluster are 0 before.
        s: the cluster.
    """
    first = nodes.first[s]
    last = nodes.first[s + 1]
    each = copies.each[first:last]
    _start_with_slots(each, nodes.slots[first:last], copies.open[first:last])
    for i in range(copies.needs.shape[0]):
        column = copies.needs[i]
        _limit(each, nodes.free[column][first:last], float(copies.request[column]))
    for n in range(first, last):
        copies.totals[nodes.group_of[n]] += copies.each[n]
    copies.counted[s] = 1


@kernel
def _start_with_slots(each: I32, slots: I64, open_: U8) -> None:
    """As many as a node may hold."""
    for n in range(each.shape[0]):
        each[n] = min(max(slots[n] * open_[n], 0), MOST)


@kernel
def _limit(each: I32, free: I64, size: float) -> None:
    """No more than fit into what is left of one resource.

    Division is in floating point: the quotient of two whole numbers below 2^53 is never rounded up to the next.
    """
    for n in range(each.shape[0]):
        each[n] = int(min(float(each[n]), max(float(free[n]), 0.0) / size))


@kernel
def recount(nodes: Nodes, copies: Copies, first: int, last: int) -> None:
    """Look again at the nodes that the log names from line ``first`` up to ``last``, in clusters looked at before."""
    log = nodes.log
    for line in range(first, last):
        n = log[line, 0]
        if copies.open[n] == 0 or copies.counted[log[line, 2]] == 0:
            continue
        found = min(max(log[line, 3], 0), MOST)
        for i in range(copies.needs.shape[0]):
            column = copies.needs[i]
            found = min(found, max(log[line, 4 + column], 0) // copies.request[column])
        # One after the other: a difference of what the array holds may not be told in its whole numbers.
        copies.totals[log[line, 1]] += found
        copies.totals[log[line, 1]] -= copies.each[n]
        copies.each[n] = found


@kernel
def take(nodes: Nodes, request: I64, where: I32, offset: int, sign: int, line: int) -> None:
    """Put a pod on each of some nodes, or take it off again, and log the nodes.

    Args:
        nodes: all nodes.
        request: (R,) what the pod asks for.
        where: the nodes by their number in their cluster; one may be there several times.
        offset: the number that the cluster's first node has in the fleet.
        sign: 1 to put them on, -1 to take them off.
        line: of the log, where the first of them is written.
    """
    for i in range(where.shape[0]):
        n = where[i] + offset
        nodes.slots[n] -= sign
        nodes.log[line + i, 0] = n
        nodes.log[line + i, 1] = nodes.group_of[n]
        nodes.log[line + i, 2] = nodes.site_of[n]
        nodes.log[line + i, 3] = nodes.slots[n]
        for r in range(nodes.free.shape[0]):
            nodes.free[r, n] -= sign * request[r]
            nodes.log[line + i, 4 + r] = nodes.free[r, n]
