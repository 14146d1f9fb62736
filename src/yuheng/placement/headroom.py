"""How many more of a pod fit in each group of the fleet, kept up to date as pods come and go.

Where nothing but room decides about a pod, the nodes of all clusters stand side by side here: one look at them for each
shape of pod, then only at the nodes that changed. Where more than room decides (devices, ports, other pods), copies are
tried: see `yuheng.placement.sites.Site.tried_room`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.model.pod import Pod, PodSpec
from yuheng.placement.room import MOST, Copies, Nodes, count, recount, take
from yuheng.placement.shapes import Shape, Shapes
from yuheng.placement.sites import ANY, Batch, Site

__all__ = ["Headroom"]

I64 = NDArray[np.int64]
# Bytes that what is known of the shapes may take, and what a node takes of each.
KNOWN_BYTES: Final = 512 * 2**20
BYTES_A_NODE: Final = 4
# Lines of the log of changes; when they are used up, all nodes are looked at again.
LINES: Final = 1 << 20


class _Known:
    """What is known of one shape: the copies of it, in which clusters, and up to which line of the log."""

    def __init__(self, copies: Copies, seen: int) -> None:
        self.copies = copies
        self.everywhere = False
        self.seen = seen


class Headroom:
    """The room on the nodes of all clusters.

    Args:
        sites: the clusters, compiled.
    """

    def __init__(self, sites: Sequence[Site]) -> None:
        self._sites = sites
        self._first = _offsets([len(site.group_of) for site in sites])
        self._group_first = _offsets([len(site.groups) for site in sites])
        self._site_of_group = np.repeat(np.arange(len(sites)), np.diff(self._group_first))
        self._names = sorted({name for site in sites for name in site.engine.resources.names})
        size = self._first[-1]
        self._nodes = Nodes(
            free=np.zeros((len(self._names), size), dtype=np.int64),
            slots=np.zeros(size, dtype=np.int64),
            group_of=np.zeros(size, dtype=np.int32),
            site_of=np.zeros(size, dtype=np.int32),
            log=np.zeros(LINES, dtype=np.int32),
        )
        for s in range(len(sites)):
            self._take_in(s)
        self._lines = 0
        self._shapes = Shapes()
        # Specifications are held on to, so that no other takes the identity of one.
        self._rows: dict[int, tuple[PodSpec, I64]] = {}
        self._known: OrderedDict[int, _Known] = OrderedDict()
        self._open: dict[int, NDArray[np.uint8]] = {}
        self._most = max(2, KNOWN_BYTES // (BYTES_A_NODE * max(size, 1)))

    def _take_in(self, s: int) -> None:
        """What is left on the nodes of a cluster."""
        site, mine = self._sites[s], slice(self._first[s], self._first[s + 1])
        arrays, column = site.engine.cluster, site.engine.resources.column
        for row, name in enumerate(self._names):
            if name in column:
                self._nodes.free[row, mine] = arrays.allocatable[:, column[name]] - arrays.used[:, column[name]]
        self._nodes.slots[mine] = np.where(arrays.absent == 0, arrays.pod_limit - arrays.pods, 0)
        self._nodes.group_of[mine] = site.group_of + self._group_first[s]
        self._nodes.site_of[mine] = s

    def tried(self, pod: Pod) -> list[int]:
        """The clusters where more than room decides about a pod."""
        if not self._shapes.of(pod).plain:
            return list(range(len(self._sites)))
        return [s for s, site in enumerate(self._sites) if site.repelled]

    def room(self, pod: Pod, s: int, group: int, most: int) -> int:
        """How many more of a pod fit in one cluster, whatever decides.

        Args:
            pod: the pod.
            s: the cluster.
            group: the number of one of its groups, or what stands in its place.
            most: more than so many need not be told apart.
        """
        site = self._sites[s]
        if not site.is_plain(pod):
            return site.tried_room(pod, group, most)
        mine = self.totals(pod, s)[self._group_first[s] : self._group_first[s + 1]]
        if group >= 0:
            return int(mine[group])
        return sum(count for count, one in zip(mine.tolist(), site.groups, strict=True) if group == ANY or one.exists)

    def totals(self, pod: Pod, s: int | None = None) -> I64:
        """(G,) how many more of a pod fit in each group, where nothing but room decides; not to be changed.

        Args:
            pod: the pod.
            s: the only cluster whose groups matter; None for all of them.
        """
        shape = self._shapes.of(pod)
        known = self._known.get(shape.number)
        if known is None:
            known = self._known[shape.number] = self._met(pod, shape)
            if len(self._known) > self._most:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(shape.number)
        self._look(known, pod, s)
        return known.copies.totals

    def glance(self, pod: Pod) -> I64:
        """(G,) how many more of a pod fit in each group at the most, as far as it was looked at before."""
        shape = self._shapes.of(pod)
        known = self._known.get(shape.number) if shape.plain else None
        if known is None:
            return np.full(self._group_first[-1], MOST, dtype=np.int64)
        if known.seen < self._lines:
            recount(self._nodes, known.copies, known.seen, self._lines)
            known.seen = self._lines
        repelled = [s for s, site in enumerate(self._sites) if site.repelled]
        if known.everywhere and not repelled:
            return known.copies.totals
        sure = known.copies.counted > 0
        sure[repelled] = False
        return np.where(sure[self._site_of_group], known.copies.totals, MOST)

    def _met(self, pod: Pod, shape: Shape) -> _Known:
        """A shape that no cluster was looked at for."""
        size, row = self._first[-1], self._row(pod)
        if shape.places not in self._open:
            self._open[shape.places] = np.zeros(size, dtype=np.uint8)
        copies = Copies(
            request=row,
            needs=np.flatnonzero(row > 0),
            open=self._open[shape.places],
            each=np.empty(size, dtype=np.int32),
            totals=np.zeros(self._group_first[-1], dtype=np.int64),
            counted=np.zeros(len(self._sites), dtype=np.uint8),
        )
        return _Known(copies, self._lines)

    def _row(self, pod: Pod) -> I64:
        """(R,) what a pod asks for."""
        known = self._rows.get(id(pod.spec))
        if known is None:
            row = np.array([pod.spec.requests.get(name, 0) for name in self._names], dtype=np.int64)
            known = self._rows[id(pod.spec)] = (pod.spec, row)
        return known[1]

    def _look(self, known: _Known, pod: Pod, s: int | None) -> None:
        """Take in what changed, and the clusters that were not looked at before."""
        if known.seen < self._lines:
            recount(self._nodes, known.copies, known.seen, self._lines)
            known.seen = self._lines
        if known.everywhere:
            return
        counted = known.copies.counted
        for site in np.flatnonzero(counted == 0).tolist() if s is None else [s]:
            if not counted[site]:
                first, last = self._first[site], self._first[site + 1]
                known.copies.open[first:last] = self._sites[site].open_to(pod)
                count(self._nodes, known.copies, site, first, last)
        known.everywhere = bool(counted.all())

    def changed(self, s: int, batch: Batch, sign: int) -> None:
        """Take in that copies came to their nodes, or left them.

        Args:
            s: the cluster.
            batch: the copies.
            sign: 1 when they came, -1 when they left.
        """
        for start in range(0, len(batch.nodes), LINES):
            nodes = batch.nodes[start : start + LINES]
            if self._lines + len(nodes) > LINES:
                self._known.clear()
                self._lines = 0
            take(self._nodes, self._row(batch.pods[0]), nodes, self._first[s], sign, self._lines)
            self._lines += len(nodes)


def _offsets(sizes: Sequence[int]) -> list[int]:
    return [0, *np.cumsum(sizes, dtype=np.int64).tolist()]
