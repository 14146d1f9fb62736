"""How the pods of a workload would be put on nodes of a group that is bought, and what they would add to its bill.

Nodes in use are joined where that is worth it, the others are filled one after the other. Nothing is changed: who wants
the pods there hands the order of the nodes to `yuheng.placement.sites.Site.place`.

Letters for sizes: M nodes of the group, R resources.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from yuheng.model.pod import Pod
from yuheng.placement.opened import Opened, Tenant
from yuheng.placement.sites import Site
from yuheng.placement.terrain import Terrain

__all__ = ["Packing"]

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
# More copies than this on one node are not told apart.
MOST = 1 << 20


class Packing:
    """One workload on the nodes of one group.

    Attributes:
        dollars: that the bill of the group would grow by.
        order: the nodes that pods would be put on, in that order.
    """

    def __init__(self, terrain: Terrain, site: Site, opened: Opened, g: int, tenant: Tenant) -> None:
        self.dollars = 0.0
        self.order: list[int] = []
        self._site = site
        self._nodes = opened.members(g)
        span = tenant.span(g)
        self._whole = terrain.dollars(g, *span)
        self._more = opened.more(g, span)
        self._free, self._gpus, self._shut = opened.free(g)
        self._mine = False

    def copies(self, pod: Pod) -> I64:
        """(M,) how many more of a pod fit on each node, as far as its requests tell."""
        request, devices = self._site.engine.resources.row(pod.spec.requests), pod.spec.devices
        needs = np.flatnonzero(request > 0)
        found = self._free[:, -1].copy()
        if len(needs):
            found = np.minimum(found, (self._free[:, needs] // request[needs]).min(axis=1))
        if devices.count:
            each = self._gpus // devices.milli if devices.is_share() else self._gpus // 1000
            found = np.minimum(found, each.sum(axis=1) // devices.count)
        return np.clip(found, 0, MOST) * self._site.open_to(pod)[self._nodes]

    def joined(self, pod: Pod, wanted: int) -> tuple[int, float]:
        """How many of so many pods are better off on nodes in use than on one of their own; US dollars they add."""
        copies = self.copies(pod)
        fits = np.minimum(copies, wanted)
        held = int(fits[self._shut].max(initial=0))
        fair = self._more * held <= self._whole * fits if held else fits > 0
        mine = np.flatnonzero(fair & ~self._shut & (fits > 0))
        order = mine[np.lexsort((mine, copies[mine], self._more[mine] / fits[mine]))]
        last = int(np.searchsorted(np.cumsum(copies[order]), wanted)) + 1
        return min(int(copies[order].sum()), wanted), float(self._more[order[:last]].sum())

    def add(self, pod: Pod, count: int) -> None:
        """Put so many pods of a template on nodes: where a pod adds least first, then where the room is tightest."""
        copies, left = self.copies(pod), count
        if not self._mine:
            self._more, self._shut = self._more.copy(), self._shut.copy()
            self._free, self._gpus, self._mine = self._free.copy(), self._gpus.copy(), True
        while left > 0:
            fits = np.minimum(copies, left)
            usable = np.flatnonzero(fits > 0)
            if not len(usable):
                return
            each = self._more[usable] / fits[usable]
            best = usable[each <= each.min() * (1 + 1e-12)]
            some = self._chosen(best, copies, left)
            taken = np.minimum(copies[some], np.maximum(left - np.cumsum(copies[some]) + copies[some], 0))
            self._take(pod, some, taken)
            left -= int(taken.sum())
            copies[some] = 0

    def spare(self, pod: Pod) -> int:
        """How many more of a pod fit on the nodes that pods would be put on."""
        return int(self.copies(pod)[np.isin(self._nodes, self.order)].sum())

    def _chosen(self, best: I64, copies: I64, left: int) -> I64:
        """Of nodes on which a pod adds the same, those that are filled before prices are compared again."""
        order = best[np.lexsort((best, copies[best], self._shut[best]))]
        full = int(np.searchsorted(np.cumsum(copies[order]), left, side="right"))
        free = self._more[order] <= 0
        # The last of them may not be full: there a pod adds more than was thought, unless it adds nothing.
        return order[: full + 1] if free.all() else order[: max(full, 1)]

    def _take(self, pod: Pod, some: I64, taken: I64) -> None:
        request, devices = self._site.engine.resources.row(pod.spec.requests), pod.spec.devices
        self.dollars += float(self._more[some].sum())
        self.order += self._nodes[some].tolist()
        self._more[some], self._shut[some] = 0.0, False
        self._free[some, :-1] -= taken[:, None] * request
        self._free[some, -1] -= taken
        if devices.count:
            # Which devices they are is for the scheduler to say: the freest, as many as it takes.
            milli = taken * devices.count * min(devices.milli, 1000)
            self._gpus[some] = -np.sort(-self._gpus[some], axis=1)
            before = np.cumsum(self._gpus[some], axis=1) - self._gpus[some]
            self._gpus[some] -= np.clip(milli[:, None] - before, 0, self._gpus[some])
