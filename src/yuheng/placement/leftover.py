"""What is left on the nodes in use that are bought: how many more of a pod they hold, for all groups at a glance.

Letters for sizes: M nodes that are in use or were, R resources, G groups of the fleet.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from yuheng.model.pod import Pod
from yuheng.placement.sites import Site
from yuheng.placement.terrain import Terrain

__all__ = ["Leftover"]

I64 = NDArray[np.int64]


class Leftover:
    """The room on such nodes, kept up to date by who puts pods on them or takes them off.

    Whole devices count, parts of them do not; nor does what a pod looks at beside room: it is told too much, never too
    little.
    """

    def __init__(self, terrain: Terrain, sites: Sequence[Site], clusters: Collection[int]) -> None:
        """Begin with no node.

        Args:
            terrain: all groups.
            sites: all clusters.
            clusters: those with nodes that may be bought.
        """
        self._first = terrain.first
        self._groups = len(terrain.groups)
        self._sites = sites
        self._names = sorted({name for s in clusters for name in sites[s].engine.resources.names})
        # After the resources: pods, and whole GPUs.
        self._free = np.zeros((0, len(self._names) + 2), dtype=np.int64)
        self._group = np.zeros(0, dtype=np.int64)
        self._row = {s: np.full(len(sites[s].group_of), -1, dtype=np.int64) for s in clusters}
        self._version = 0
        self._known: dict[tuple[object, ...], tuple[int, I64]] = {}

    def look(self, s: int, nodes: NDArray[np.int32], in_use: NDArray[np.bool_]) -> None:
        """Look at nodes of a cluster on which pods came or went; those not in use have nothing left."""
        self._version += 1
        rows = self._rows_of(s, nodes)
        arrays, column = self._sites[s].engine.cluster, self._sites[s].engine.resources.column
        free = np.zeros((len(nodes), self._free.shape[1]), dtype=np.int64)
        for i, name in enumerate(self._names):
            if name in column:
                free[:, i] = arrays.allocatable[nodes, column[name]] - arrays.used[nodes, column[name]]
        free[:, -2] = np.where(arrays.absent[nodes] == 0, arrays.pod_limit[nodes] - arrays.pods[nodes], 0)
        free[:, -1] = (arrays.device_free[nodes] == 1000).sum(axis=1)
        self._free[rows] = np.where(in_use[:, None], np.maximum(free, 0), 0)

    def _rows_of(self, s: int, nodes: NDArray[np.int32]) -> I64:
        rows = self._row[s]
        new = nodes[rows[nodes] < 0]
        if len(new):
            size = len(self._free)
            rows[new] = np.arange(size, size + len(new))
            self._free = np.concatenate([self._free, np.zeros((len(new), self._free.shape[1]), dtype=np.int64)])
            groups = self._first[s] + self._sites[s].group_of[new]
            self._group = np.concatenate([self._group, groups])
        return rows[nodes]

    def joinable(self, pod: Pod) -> I64:
        """(G,) how many more of a pod fit on the nodes in use of each group, as far as room tells."""
        requests, devices = pod.spec.requests, pod.spec.devices
        whole = 0 if devices.is_share() else devices.count
        key = (tuple(sorted(requests.items())), whole)
        known = self._known.get(key)
        if known is None or known[0] != self._version:
            known = self._known[key] = (self._version, self._counted(requests, whole))
        return known[1]

    def _counted(self, requests: Mapping[str, int], whole: int) -> I64:
        asked = np.array([*(requests.get(name, 0) for name in self._names), 1, whole], dtype=np.int64)
        needs = np.flatnonzero(asked)
        copies = (self._free[:, needs] // asked[needs]).min(axis=1)
        return np.bincount(self._group, weights=copies, minlength=self._groups).astype(np.int64)
