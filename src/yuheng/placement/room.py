"""How many more of a pod fit on each node, where nothing but room decides: kernels over a compiled cluster."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yuheng.scheduling.arrays import I32, I64, U8, Cluster
from yuheng.scheduling.kernel import kernel

__all__ = ["Room", "copies", "count", "recount"]

# More copies than this on one node are not told apart.
MOST = 1 << 30


@kernel
def copies(cluster: Cluster, request: I64, needs: I64, n: int) -> int:
    """How many more pods with this request fit on node ``n``."""
    found = cluster.pod_limit[n] - cluster.pods[n]
    for i in range(needs.shape[0]):
        column = needs[i]
        free = cluster.allocatable[n, column] - cluster.used[n, column]
        if free < request[column]:
            return 0
        found = min(found, free // request[column])
    return max(found, 0) if cluster.absent[n] == 0 else 0


@kernel
def count(cluster: Cluster, request: I64, needs: I64, open_: U8, group_of: I32, each: I32, totals: I64) -> None:
    """Look at every node: what `copies` tells of each, in a form that machines do several nodes of at a time.

    Division is in floating point: the quotient of two whole numbers below 2^53 is never rounded up to the next.

    Args:
        cluster: the nodes.
        request: (R,) what a pod asks for.
        needs: the columns that it asks for.
        open_: (N,) 1 where nothing but room can keep it away.
        group_of: (N,) the group of each node.
        each: (N,) gets how many fit on each node.
        totals: (groups,) gets how many fit in each group.
    """
    nodes = each.shape[0]
    for n in range(nodes):
        free = (cluster.pod_limit[n] - cluster.pods[n]) * open_[n] if cluster.absent[n] == 0 else 0
        each[n] = min(max(free, 0), MOST)
    for i in range(needs.shape[0]):
        column = needs[i]
        size = float(request[column])
        for n in range(nodes):
            free = cluster.allocatable[n, column] - cluster.used[n, column]
            each[n] = min(each[n], int(max(float(free), 0.0) / size))
    totals[:] = 0
    for n in range(nodes):
        totals[group_of[n]] += each[n]


@kernel
def recount(
    cluster: Cluster, request: I64, needs: I64, open_: U8, group_of: I32, each: I32, totals: I64, first: int
) -> None:
    """Look again at the nodes that the log names from line ``first`` on; the others as in `count`."""
    for line in range(first, cluster.log_size[0]):
        n = cluster.log_node[line]
        if open_[n] != 0:
            found = min(copies(cluster, request, needs, n), MOST)
            totals[group_of[n]] += found - each[n]
            each[n] = found


class Room:
    """The room for one kind of pod, kept up to date by the cluster's log.

    Attributes:
        totals: (groups,) how many more fit in each group, as of the last look; ``total`` in all of them.
    """

    def __init__(
        self,
        cluster: Cluster,
        request: NDArray[np.int64],
        needs: NDArray[np.int64],
        open_: U8,
        group_of: I32,
        groups: int,
    ) -> None:
        """Look at every node once.

        Args:
            cluster: the nodes.
            request: (R,) what a pod asks for.
            needs: the columns that it asks for.
            open_: (N,) 1 where nothing but room can keep it away.
            group_of: (N,) the group of each node.
            groups: how many groups there are.
        """
        self._cluster = cluster
        self._rest = (request, needs, open_, group_of, np.empty(len(group_of), dtype=np.int32))
        self.totals = np.zeros(groups, dtype=np.int64)
        self.total = 0
        self._seen = 0
        self.look(anew=True)

    def look(self, *, anew: bool = False) -> None:
        """Take in what changed; everything anew where the log was folded."""
        size = int(self._cluster.log_size[0])
        if size == self._seen and not anew:
            return
        if anew:
            count(self._cluster, *self._rest, self.totals)
        else:
            recount(self._cluster, *self._rest, self.totals, self._seen)
        self.total = int(self.totals.sum())
        self._seen = size
