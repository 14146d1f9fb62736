"""A quote: what a workload would cost in money, time and carbon on each group of machines, and where it may not go.

Letters for sizes: T templates of a workload (pods that are alike), G groups of the fleet, R regions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.model.objective import Terms
from yuheng.model.pod import Pod
from yuheng.placement.terrain import Terrain
from yuheng.placement.transfer import Moves

__all__ = ["Quote", "Refusals"]

F64 = NDArray[np.float64]


class Quote(NamedTuple):
    """A workload on each group.

    Attributes:
        templates: pods that are alike, and how many there are of each.
        rate: (T, G) US dollars per hour of one pod, where it fills its node with pods like itself.
        part: (T, G) US dollars per hour of its part of its node; the same as its rate on nodes that are not bought.
        held: (T, G) how many pods a node that is bought holds; infinite where none is.
        whole: (G,) US dollars of such a node until the workload ends, or over the horizon.
        begin: (G,) when it begins to pay for its machines, in seconds since the epoch.
        hours: (G,) that are paid for, from then on.
        money: (T, G) US dollars of one pod over them, at its rate.
        grams: (T, G) grams of CO2 equivalent of one pod over the same time.
        start: (G,) when it starts, in seconds since the epoch.
        time: (G,) seconds from the plan's time until it has finished, or works.
        busy: (G,) seconds from its start until it has finished; infinite for a service.
        open: (G,) whether it may go there.
        fixed: (R,) US dollars for its data in a region, whatever part of it runs there.
        moves: by region, what that is made of.
        refused: by cluster, why none of its groups is open.
        ends: whether it ends.
        limit: when it has to be finished, in seconds since the epoch; None for any time.
    """

    templates: tuple[tuple[Pod, int], ...]
    rate: F64
    part: F64
    held: F64
    whole: F64
    begin: F64
    hours: F64
    money: F64
    grams: F64
    start: F64
    time: F64
    busy: F64
    open: NDArray[np.bool_]
    fixed: F64
    moves: tuple[Moves, ...]
    refused: Mapping[int, str]
    ends: bool
    limit: float | None

    def scores(self, factors: Terms) -> F64:
        """(T, G) what one pod adds to the objective where it shares no node; infinite where it may not go.

        The time of a workload is that of its last replica; here each carries an equal part of its own. Data that has
        to be in a region is not in it, see `fixed`.
        """
        pods = sum(count for _, count in self.templates)
        found = factors.cost * self.money + factors.carbon * self.grams + factors.time * self.time / max(pods, 1)
        return np.where(self.open, found, np.inf)

    def bill(self, t: int, g: int, pods: int) -> float:
        """US dollars of so many pods of a template in a group, alone: whole nodes where they are bought."""
        held = float(self.held[t, g])
        return pods * float(self.money[t, g]) if math.isinf(held) else math.ceil(pods / held) * float(self.whole[g])

    def bills(self, counts: Sequence[int]) -> F64:
        """(G,) US dollars of so many pods of each template, all of them in one group and alone there."""
        wanted = np.array(counts, dtype=np.float64)[:, None]
        nodes = np.ceil(wanted / self.held)
        found: F64 = np.where(np.isinf(self.held), wanted * self.money, nodes * self.whole).sum(axis=0)
        return found


class Refusals:
    """Why groups are refused: of several reasons the last that was found counts, for it came closest."""

    def __init__(self, groups: int) -> None:
        self.open = np.ones(groups, dtype=np.bool_)
        self._why: list[str] = []
        self._code = np.full(groups, -1, dtype=np.int64)

    def refuse(self, mask: NDArray[np.bool_], why: str) -> None:
        """Close groups that are still open."""
        closing = self.open & mask
        if closing.any():
            self._code[closing] = len(self._why)
            self._why.append(why)
            self.open &= ~mask

    def by_cluster(self, terrain: Terrain) -> dict[int, str]:
        """The clusters without an open group, and why."""
        welcome = np.bincount(terrain.site[self.open], minlength=len(terrain.clusters))
        last = np.full(len(terrain.clusters), -1, dtype=np.int64)
        manned = np.flatnonzero(np.diff(terrain.first))
        if len(manned):
            last[manned] = np.maximum.reduceat(self._code, terrain.first[manned])
        closed = np.flatnonzero(welcome == 0)
        return {
            s: self._why[code] if code >= 0 else "it has no nodes and no node pools"
            for s, code in zip(closed.tolist(), last[closed].tolist(), strict=True)
        }
