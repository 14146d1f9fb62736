"""How groups of machines are filled with the pods of a workload, and what they cost there: nothing is changed by it.

Letters for sizes: T templates of a workload, G groups of the fleet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heappop, heappush
from itertools import repeat
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.model.pod import Pod
from yuheng.placement.cases import Case, Part
from yuheng.placement.headroom import Headroom
from yuheng.placement.opened import Opened, Tenant
from yuheng.placement.packing import Packing
from yuheng.placement.sites import Site
from yuheng.placement.terrain import Terrain

__all__ = ["MOST", "Filling"]

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]
# More copies than this are not told apart.
MOST: Final = 1 << 20
# In place of how many pods there is room for.
UNKNOWN: Final = -1


class Filling:
    """Looks at the room there is, and at the nodes that are bought."""

    def __init__(self, terrain: Terrain, sites: Sequence[Site], opened: Opened, headroom: Headroom) -> None:
        self._terrain = terrain
        self._sites = sites
        self._opened = opened
        self._headroom = headroom

    def _pod(self, case: Case, template: int, g: int) -> Pod:
        return case.pod(template, self._terrain.clusters[int(self._terrain.site[g])].name)

    def _room_in(self, case: Case, template: int, g: int, most: int) -> int:
        s = int(self._terrain.site[g])
        return self._headroom.room(self._pod(case, template, g), s, g - int(self._terrain.first[s]), most)

    def _packing(self, case: Case, g: int, wait: float = 0.0) -> Packing:
        site = self._sites[int(self._terrain.site[g])]
        return Packing(self._terrain, site, self._opened, g, Tenant(case.workload.identity, case.quote, wait))

    def parts(self, case: Case, t: int, groups: Iterable[tuple[int, int]], left: int) -> list[Part]:
        """So many pods of a template, or as many as there is room for, in groups with how many each may have."""
        taken: Counter[int] = Counter()
        for g, most in groups:
            if left == 0:
                break
            some = min(self._room_in(case, t, g, left + taken[g]) - taken[g], left, most)
            if some > 0:
                taken[g] += some
                left -= some
        return [Part(t, int(self._terrain.site[g]), g, some) for g, some in taken.items()]

    def ranked(self, case: Case, t: int, groups: I64, pods: int) -> Iterator[tuple[int, int]]:
        """Groups by what a pod adds in them, and how many pods at the most: there is little room on nodes in use.

        How much room there is, is only looked at where it could be the best that is left.
        """
        fixed = case.factors.cost * case.quote.fixed[self._terrain.region] / max(sum(case.counts), 1)
        groups = groups[self._space(case, t)[groups] > 0]
        worth = self._worth(case, t, groups, pods) + fixed[groups]
        shared = groups[self._joinable(case, t)[groups] > 0]
        if not len(shared):
            yield from ((g, MOST) for g in groups[np.lexsort((groups, worth))].tolist())
            return
        beside = (self._beside(case, t) + fixed)[shared]
        ranked = list(zip(worth.tolist(), groups.tolist(), repeat(MOST)))
        ranked += zip(beside.tolist(), shared.tolist(), repeat(UNKNOWN))
        heapify(ranked)
        while ranked:
            worth_each, g, most = heappop(ranked)
            if most != UNKNOWN:
                yield g, most
                continue
            some, dollars = self._packing(case, g).joined(self._pod(case, t, g), pods)
            if some:
                heappush(ranked, (worth_each + case.factors.cost * dollars / some, g, some))

    def _worth(self, case: Case, t: int, groups: I64, pods: int) -> F64:
        """(groups,) what a pod adds when so many are placed: a node that is bought for few of them is dear."""
        quote, held = case.quote, case.quote.held[t, groups]
        part = np.where(np.isinf(held), 0.0, np.ceil(pods / held) * quote.whole[groups] / max(pods, 1))
        extra = np.where(np.isinf(held), 0.0, part - quote.money[t, groups])
        found: F64 = case.score[t, groups] + case.factors.cost * extra
        return found

    def topped(self, case: Case, t: int, parts: Sequence[Part]) -> list[Part]:
        """Parts with nodes that they open filled up, by pods that would pay for their part of another node."""
        taken = {part.group: part.pods for part in parts}
        opening = [g for g in taken if self._terrain.bought[g]]
        others = sorted(taken.keys() - set(opening), key=lambda g: (-float(case.score[t, g]), g))
        for g in opening if others else ():
            spare = self._spare(case, t, g, taken[g])
            beside = float(case.score[t, g]) - case.factors.cost * float(case.quote.money[t, g])
            for other in others:
                some = min(spare, taken[other]) if float(case.score[t, other]) > beside else 0
                taken[g], taken[other], spare = taken[g] + some, taken[other] - some, spare - some
        return [part._replace(pods=taken[part.group]) for part in parts if taken[part.group]]

    def _spare(self, case: Case, t: int, g: int, pods: int) -> int:
        """How many more pods the nodes hold that so many are put on."""
        if not self._opened.count[g]:
            return min(-pods % int(case.quote.held[t, g]), self._room_in(case, t, g, MOST) - pods)
        packing, pod = self._packing(case, g), self._pod(case, t, g)
        packing.add(pod, pods)
        return packing.spare(pod)

    def bought(self, case: Case, parts: Sequence[Part], wait: float) -> tuple[float, float]:
        """US dollars that parts add to the bill of nodes that are bought: in all, and per hour of the workload."""
        dollars = per_hour = 0.0
        by_group: dict[int, list[Part]] = {}
        for part in parts:
            if self._terrain.bought[part.group]:
                by_group.setdefault(part.group, []).append(part)
        for g, mine in by_group.items():
            if len(mine) == 1 and not wait and not self._opened.count[g]:
                more = case.quote.bill(mine[0].template, g, mine[0].pods)
            else:
                packing = self._packing(case, g, wait)
                for part in mine:
                    packing.add(self._pod(case, part.template, g), part.pods)
                more = packing.dollars
            dollars += more
            per_hour += more / float(case.quote.hours[g] or 1.0)
        return dollars, per_hour

    def order(self, case: Case, part: Part, wait: float) -> list[int]:
        """The nodes that a part is put on where some of its group are in use; empty where it does not matter."""
        if part.group < 0 or not self._opened.count[part.group]:
            return []
        packing = self._packing(case, part.group, wait)
        packing.add(self._pod(case, part.template, part.group), part.pods)
        return packing.order

    def least(self, case: Case) -> F64:
        """(T, G) the least that one pod of a workload could add as things are: nodes in use may have room for it."""
        if not self._opened.count.any():
            return case.score
        rows = [
            np.where(self._joinable(case, t) > 0, self._beside(case, t), case.score[t]) for t in range(len(case.counts))
        ]
        return np.stack(rows)

    def hoped(self, case: Case) -> F64:
        """(T, G) the same, if those who are on nodes in use made way."""
        if not self._opened.count.any():
            return case.score
        rows = [np.where(self._opened.count > 0, self._beside(case, t), case.score[t]) for t in range(len(case.counts))]
        return np.stack(rows)

    def _beside(self, case: Case, t: int) -> F64:
        """(G,) what a pod of a template adds beside a node that is bought for it."""
        found: F64 = case.score[t] - case.factors.cost * self._terrain.bought * case.quote.money[t]
        return found

    def _joinable(self, case: Case, t: int) -> I64:
        """(G,) how many pods of a template fit on nodes in use of groups that are bought, at the most."""
        if not self._opened.count.any():
            return np.zeros(len(self._terrain.groups), dtype=np.int64)
        if case.workload.variants:
            return np.where(self._opened.count > 0, MOST, 0)
        return self._opened.leftover.joinable(case.quote.templates[t][0])

    def least_in(self, case: Case, groups: I64, starts: I64) -> F64:
        """(scopes,) the least that a proposal within each of some sets of groups could be worth.

        Args:
            case: the workload.
            groups: of all sets, one after the other.
            starts: where each set begins.
        """
        fixed = case.factors.cost * case.quote.fixed[self._terrain.region[groups]]
        found: F64 = np.minimum.reduceat(fixed, starts)
        for t, count in enumerate(case.counts):
            if count:
                found += self._least_of(case, t, count, groups, starts)
        return found

    def _least_of(self, case: Case, t: int, count: int, groups: I64, starts: I64) -> F64:
        """(scopes,) the same of so many pods of one template, data left out.

        They are on nodes that are there, which are in use or exist, as many as those hold; or one node is opened.
        """
        bought, space = self._terrain.bought[groups], np.minimum(self._space(case, t)[groups], count)
        score = np.where(space > 0, case.score[t, groups], np.inf)
        there, own = np.minimum.reduceat(np.where(bought, np.inf, score), starts), np.minimum.reduceat(score, starts)
        held, on_there, on_own = np.add.reduceat(np.where(bought, 0, space), starts), count * there, count * own
        beside = np.where(space > 0, self._beside(case, t)[groups], np.inf)
        room = np.minimum(self._joinable(case, t)[groups], space)
        if room.any():
            joined = np.minimum(np.add.reduceat(room, starts), count)
            free = _times(joined, np.minimum.reduceat(np.where(room > 0, beside, np.inf), starts))
            on_there = np.minimum(_times(count - joined, there) + free, on_there)
            on_own = np.minimum(_times(count - joined, own) + free, on_own)
            held = held + joined
        if len(case.counts) == 1:
            whole = np.where(bought & (space > 0), case.factors.cost * case.quote.whole[groups], np.inf)
            least = np.minimum.reduceat(whole, starts) + count * np.minimum.reduceat(beside, starts)
            on_own = np.maximum(on_own, least)
        found: F64 = np.minimum(np.where(held < count, np.inf, on_there), on_own)
        return np.where(np.add.reduceat(space, starts) < count, np.inf, found)

    def _space(self, case: Case, t: int) -> I64:
        """(G,) how many pods of a template fit in each group at the most, as far as that is known."""
        if case.workload.variants:
            return np.full(len(self._terrain.groups), MOST)
        return self._headroom.glance(case.quote.templates[t][0])


def _times(pods: I64, each: F64) -> F64:
    """What so many pods come to; nothing where there is none, even where there is no place for any."""
    return np.where(pods > 0, pods * np.where(pods > 0, each, 0.0), 0.0)
