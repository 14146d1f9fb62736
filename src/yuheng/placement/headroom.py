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
from yuheng.placement.room import MOST, Copies, Nodes, count, count_all, recount, take
from yuheng.placement.shapes import Shape, Shapes
from yuheng.placement.sites import ANY, Batch, Site

__all__ = ["Headroom"]

I64 = NDArray[np.int64]
# Bytes that what is known of the shapes may take.
KNOWN_BYTES: Final = 512 * 2**20
# Bytes of the log of changes; when they are used up, all nodes are looked at again.
LOG_BYTES: Final = 64 * 2**20


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
        words = len(self._names) + 4
        self._room_for_lines = LOG_BYTES // (8 * words)
        self._nodes = Nodes(
            free=np.zeros((len(self._names), size), dtype=np.int64),
            slots=np.zeros(size, dtype=np.int64),
            group_of=np.zeros(size, dtype=np.int32),
            site_of=np.repeat(np.arange(len(sites), dtype=np.int32), np.diff(self._first)),
            first=np.array(self._first, dtype=np.int64),
            log=np.zeros((self._room_for_lines, words), dtype=np.int64),
        )
        for s in range(len(sites)):
            self._take_in(s)
        self._lines = 0
        # Clusters where pods keep others away: once one does, it is tried what fits.
        self._repelled = [s for s, site in enumerate(sites) if site.repelled]
        most = max((int(site.engine.cluster.pod_limit.max(initial=0)) for site in sites), default=0)
        self._whole = np.min_scalar_type(min(most, MOST))
        self._shapes = Shapes()
        # Specifications are held on to, so that no other takes the identity of one.
        self._rows: dict[int, tuple[PodSpec, I64]] = {}
        self._known: OrderedDict[int, _Known] = OrderedDict()
        # By what decides about places: where pods may be, and the clusters for which that is known.
        self._open: dict[int, tuple[NDArray[np.uint8], NDArray[np.bool_]]] = {}
        self._most = max(2, KNOWN_BYTES // (self._whole.itemsize * max(size, 1)))

    def _take_in(self, s: int) -> None:
        """What is left on the nodes of a cluster."""
        site, mine = self._sites[s], slice(self._first[s], self._first[s + 1])
        arrays, column = site.engine.cluster, site.engine.resources.column
        for row, name in enumerate(self._names):
            if name in column:
                self._nodes.free[row, mine] = arrays.allocatable[:, column[name]] - arrays.used[:, column[name]]
        self._nodes.slots[mine] = np.where(arrays.absent == 0, arrays.pod_limit - arrays.pods, 0)
        self._nodes.group_of[mine] = site.group_of + self._group_first[s]

    def tried(self, pod: Pod) -> list[int]:
        """The clusters where more than room decides about a pod."""
        if not self._shapes.of(pod).plain:
            return list(range(len(self._sites)))
        return self._repelled

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
        if known.everywhere and not self._repelled:
            return known.copies.totals
        sure = known.copies.counted > 0
        sure[self._repelled] = False
        return np.where(sure[self._site_of_group], known.copies.totals, MOST)

    def _met(self, pod: Pod, shape: Shape) -> _Known:
        """A shape that no cluster was looked at for."""
        size, row = self._first[-1], self._row(pod)
        if shape.places not in self._open:
            self._open[shape.places] = np.zeros(size, dtype=np.uint8), np.zeros(len(self._sites), dtype=np.bool_)
        copies = Copies(
            request=row,
            needs=np.flatnonzero(row > 0),
            open=self._open[shape.places][0],
            each=np.empty(size, dtype=self._whole),
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
        if s is None:
            self._open_up(pod, range(len(self._sites)))
            count_all(self._nodes, known.copies)
            known.everywhere = True
        elif not known.copies.counted[s]:
            self._open_up(pod, [s])
            count(self._nodes, known.copies, s)
            known.everywhere = bool(known.copies.counted.all())

    def _open_up(self, pod: Pod, sites: Sequence[int]) -> None:
        """Find out where in some clusters a pod may be."""
        mask, known = self._open[self._shapes.of(pod).places]
        for s in sites:
            if not known[s]:
                mask[self._first[s] : self._first[s + 1]] = self._sites[s].open_to(pod)
                known[s] = True

    def changed(self, s: int, batch: Batch, sign: int) -> None:
        """Take in that copies came to their nodes, or left them.

        Args:
            s: the cluster.
            batch: the copies.
            sign: 1 when they came, -1 when they left.
        """
        if self._sites[s].repelled and s not in self._repelled:
            self._repelled.append(s)
        for start in range(0, len(batch.nodes), self._room_for_lines):
            nodes = batch.nodes[start : start + self._room_for_lines]
            if self._lines + len(nodes) > self._room_for_lines:
                self._known.clear()
                self._lines = 0
            take(self._nodes, self._row(batch.pods[0]), nodes, self._first[s], sign, self._lines)
            self._lines += len(nodes)


def _offsets(sizes: Sequence[int]) -> list[int]:
    return [0, *np.cumsum(sizes, dtype=np.int64).tolist()]
