"""How many more of a pod fit on each node, where nothing but room decides: kernels over the nodes of a whole fleet.

Letters for sizes: N nodes of all clusters, R resources, G groups, S clusters.
"""

from __future__ import annotations

from typing import Final

from yuheng.scheduling.arrays import I32, I64, U8
from yuheng.scheduling.kernel import kernel
from yuheng.scheduling.structs import Struct

__all__ = ["MOST", "Copies", "Nodes", "count", "recount", "take"]

# More copies than this on one node are not told apart.
MOST: Final = 1 << 30


class Nodes(Struct):
    """The nodes of all clusters side by side; what pods take changes in place.

    Attributes:
        free: (R, N) what is left of each resource.
        slots: (N,) how many more pods a node may hold; 0 where it takes none.
        group_of: (N,) the group of each node.
        site_of: (N,) the cluster of each node.
        log: (lines,) nodes on which something changed, in order.
    """

    free: I64
    slots: I64
    group_of: I32
    site_of: I32
    log: I32


class Copies(Struct):
    """One pod, and how many more of it fit.

    Attributes:
        request: (R,) what it asks for.
        needs: the resources that it asks for.
        open: (N,) 1 where nothing but room can keep it away.
        each: (N,) how many fit on each node.
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
def count(nodes: Nodes, copies: Copies, s: int, first: int, last: int) -> None:
    """Look at the nodes of cluster ``s``, in a form that machines do several nodes of at a time.

    Division is in floating point: the quotient of two whole numbers below 2^53 is never rounded up to the next.

    Args:
        nodes: all nodes.
        copies: the pod; its totals in the groups of the cluster are 0 before.
        s: the cluster.
        first: its first node.
        last: the one after its last.
    """
    each = copies.each
    for n in range(first, last):
        each[n] = min(max(nodes.slots[n] * copies.open[n], 0), MOST)
    for i in range(copies.needs.shape[0]):
        column = copies.needs[i]
        size = float(copies.request[column])
        for n in range(first, last):
            each[n] = min(each[n], int(max(float(nodes.free[column, n]), 0.0) / size))
    for n in range(first, last):
        copies.totals[nodes.group_of[n]] += each[n]
    copies.counted[s] = 1


@kernel
def recount(nodes: Nodes, copies: Copies, first: int, last: int) -> None:
    """Look again at the nodes that the log names from line ``first`` up to ``last``, in clusters looked at before."""
    for line in range(first, last):
        n = nodes.log[line]
        if copies.open[n] == 0 or copies.counted[nodes.site_of[n]] == 0:
            continue
        found = min(max(nodes.slots[n], 0), MOST)
        for i in range(copies.needs.shape[0]):
            column = copies.needs[i]
            found = min(found, max(nodes.free[column, n], 0) // copies.request[column])
        copies.totals[nodes.group_of[n]] += found - copies.each[n]
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
        for r in range(nodes.free.shape[0]):
            nodes.free[r, n] -= sign * request[r]
        nodes.slots[n] -= sign
        nodes.log[line + i] = n
