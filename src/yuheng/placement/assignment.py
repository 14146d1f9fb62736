"""Who is where: workloads put on groups of machines, priced, and taken off again.

A *proposal* is worked out from what there is room for, and changes nothing. Putting it into force places its pods on
nodes; what it costs is then told by the nodes they are on. Nodes that are bought are nobody's alone: what they cost is
not in the terms of a tenure, but in the bill of `yuheng.placement.opened`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from math import isinf

import numpy as np
from numpy.typing import NDArray

from yuheng.model.fleet_plan import told_instant
from yuheng.model.objective import Terms
from yuheng.model.pod import Pod
from yuheng.placement.cases import Case, Part, Proposal, Tenure
from yuheng.placement.filling import MOST, Filling
from yuheng.placement.headroom import Headroom
from yuheng.placement.opened import Opened, Tenant
from yuheng.placement.sites import ANY, EXISTING, Batch, Site
from yuheng.placement.slots import Slots
from yuheng.placement.terrain import Terrain

__all__ = ["Assignment"]


class Assignment:
    """The state of a plan in the making.

    Attributes:
        terrain: all groups.
        sites: the clusters, compiled.
        tenures: by workload, where it is.
        opened: the nodes that are bought, and their bill.
        filling: how groups would be filled.
    """

    def __init__(self, terrain: Terrain, sites: Sequence[Site]) -> None:
        self.terrain = terrain
        self.sites = sites
        self.tenures: dict[str, Tenure] = {}
        self.opened = Opened(terrain, sites)
        self._headroom = Headroom(sites)
        self.filling = Filling(terrain, sites, self.opened, self._headroom)
        self._slots: dict[int, Slots] = {}
        for r in range(len(terrain.regions)):
            limit = terrain.region_of(r).concurrency
            if limit is not None:
                self._slots[r] = Slots(limit)

    def is_limited(self, region: int) -> bool:
        """Whether pods of jobs may have to wait in a region."""
        return region in self._slots

    def slots_taken(self, region: int) -> int:
        """How many pods of jobs run in a region at a time at the most."""
        return self._slots[region].most if region in self._slots else 0

    def is_countable(self, pod: Pod) -> bool:
        """Whether nothing but room, whole GPUs among it, and what nodes are, decides about a pod in every cluster."""
        return all(site.is_countable(pod) for site in self.sites)

    def room(self, pod: Pod, g: int, most: int) -> int:
        """How many more of a pod fit in a group."""
        s = int(self.terrain.site[g])
        return self._headroom.room(pod, s, g - int(self.terrain.first[s]), most)

    def rooms(self, case: Case) -> list[int]:
        """How many more replicas fit in each cluster, on machines that the workload may use."""
        found = np.full(len(self.sites), MOST, dtype=np.int64)
        for t in range(len(case.counts)):
            if case.workload.variants:
                here = [self._open_room(case, case.pod(t, site.cluster.name), s) for s, site in enumerate(self.sites)]
                found = np.minimum(found, here)
                continue
            pod = case.quote.templates[t][0]
            sums = np.concatenate([[0], np.cumsum(np.where(case.quote.open, self._headroom.totals(pod), 0))])
            rooms = sums[self.terrain.first[1:]] - sums[self.terrain.first[:-1]]
            for s in self._headroom.tried(pod):
                rooms[s] = self._open_room(case, pod, s)
            found = np.minimum(found, rooms)
        return found.tolist() if case.counts else [0] * len(self.sites)

    def _open_room(self, case: Case, pod: Pod, s: int) -> int:
        """How many more of a pod fit in a cluster, on machines that the workload may use."""
        if case.is_open(self.terrain, s):
            return self._headroom.room(pod, s, ANY, MOST)
        return sum(self.room(pod, g, MOST) for g in self.terrain.groups_of(s) if case.quote.open[g])

    def why_no_slot(self, case: Case, s: int) -> str:
        """Why a cluster's region does not let a job run, or not in time; empty when it does."""
        r = self.terrain.region_of_site(s)
        groups = [g for g in self.terrain.groups_of(s) if case.quote.open[g]]
        if r not in self._slots or not case.quote.ends or not groups:
            return ""
        quote, slots = case.quote, self._slots[r]
        g = min(groups, key=lambda g: float(quote.start[g] + quote.busy[g]))
        first = slots.earliest(float(quote.start[g]), float(quote.busy[g]), sum(case.counts))
        if first is None:
            return f"its region lets {slots.limit} pods of jobs run at a time, and it has {sum(case.counts)}"
        finish = first + float(quote.busy[g])
        if quote.limit is None or finish <= quote.limit:
            return ""
        return (
            f"its region has room for it from {told_instant(first)} on only: it would finish at {told_instant(finish)},"
            f" after its deadline {told_instant(quote.limit)}"
        )

    def best(self, case: Case, without: Collection[int] = ()) -> Proposal | None:
        """The best way to place a workload: in one cluster, or across them where it may.

        Scopes that cannot be better than what was found are not looked at.

        Args:
            case: the workload.
            without: clusters that do not count.

        Returns:
            The proposal; None when there is no way.
        """
        best: Proposal | None = None
        for least, groups in self._ranked_scopes(case, without):
            if isinf(least) or (best is not None and least >= best.score):
                break
            found = self._filled(case, groups)
            if found is not None and (best is None or found.score < best.score):
                best = found
        return best

    def _ranked_scopes(self, case: Case, without: Collection[int]) -> Iterator[tuple[float, NDArray[np.int64]]]:
        """Sets of groups that the whole workload may be in, and the least that a proposal within each could be worth.

        Each cluster for itself; and, for what may be divided, all clusters together, and those of each region where
        being in one region saves data or time. By the least, then by name.
        """
        terrain = self.terrain
        usable = case.usable(terrain)
        if without:
            usable = usable & ~np.isin(terrain.site, list(without))
        groups = np.flatnonzero(usable)
        if not len(groups):
            return
        homes = terrain.site[groups]
        starts = np.flatnonzero(np.append(True, homes[1:] != homes[:-1]))
        ends = np.append(starts[1:], len(groups))
        least = self.filling.least_in(case, groups, starts)
        scopes = [(value, i) for i, value in enumerate(least.tolist())]
        wide: list[NDArray[np.int64]] = []
        if case.workload.divisible and len(starts) > 1:
            for value, scope in self._wide_scopes(case, usable):
                scopes.append((value, len(scopes)))
                wide.append(scope)
        for value, i in sorted(scopes):
            yield value, groups[starts[i] : ends[i]] if i < len(starts) else wide[i - len(starts)]

    def _wide_scopes(self, case: Case, usable: NDArray[np.bool_]) -> Iterator[tuple[float, NDArray[np.int64]]]:
        """The groups of each region with several clusters, as regions are met, then all groups together.

        Each after the least that a proposal across its clusters could be worth.
        """
        terrain, counts = self.terrain, np.array(case.counts)
        pods, fixed = self.filling.least(case), case.factors.cost * case.quote.fixed
        groups = terrain.by_region[usable[terrain.by_region]]
        regions = terrain.region[groups]
        starts = np.flatnonzero(np.append(True, regions[1:] != regions[:-1]))
        least = np.ascontiguousarray(np.minimum.reduceat(pods[:, groups], starts, axis=1).T)
        data = fixed[regions[starts]]
        if case.quote.fixed.any() or case.factors.time > 0:
            ends = np.append(starts[1:], len(groups))
            several = terrain.site[groups[starts]] != terrain.site[groups[ends - 1]]
            order = np.argsort(groups[starts])
            for i in order[several[order]].tolist():
                yield float(counts @ least[i] + data[i]), groups[starts[i] : ends[i]]
        yield float(counts @ least.min(axis=0) + data.min()), np.flatnonzero(usable)

    def _filled(self, case: Case, groups: NDArray[np.int64]) -> Proposal | None:
        """Fill groups, the cheapest first; None when they have too little room."""
        parts: list[Part] = []
        for t, wanted in enumerate(case.counts):
            found = self.filling.parts(case, t, self.filling.ranked(case, t, groups, wanted), wanted)
            if sum(part.pods for part in found) < wanted:
                return None
            parts += self.filling.topped(case, t, found)
        return self._priced(case, tuple(parts))

    def _priced(self, case: Case, parts: tuple[Part, ...]) -> Proposal | None:
        """A proposal of these parts; None when its region has no slot for it in time."""
        terms = self.terms(case, [(part.template, part.group, part.pods) for part in parts])
        wait = self._wait(case, parts)
        if wait is None:
            return None
        dollars, per_hour = self.filling.bought(case, parts, wait)
        terms = terms._replace(cost=terms.cost + dollars, time=terms.time + wait)
        quote = case.quote
        per_hour += sum(
            part.pods * float(quote.rate[part.template, part.group])
            for part in parts
            if not self.terrain.bought[part.group]
        )
        return Proposal(parts, terms, self.score(case, terms), wait, per_hour)

    def terms(self, case: Case, where: Iterable[tuple[int, int, int]]) -> Terms:
        """What so many pods of a template in a group amount to, each as ``(template, group, pods)``.

        The nodes that are bought for them are not in it.
        """
        cost = carbon = time = 0.0
        quote, bought, region = case.quote, self.terrain.bought, self.terrain.region
        regions = set()
        merged: dict[tuple[int, int], int] = {}
        for t, g, pods in where:
            merged[t, g] = merged.get((t, g), 0) + pods
        for (t, g), pods in sorted(merged.items()):
            cost += 0.0 if bought.item(g) else pods * quote.money.item(t, g)
            carbon += pods * quote.grams.item(t, g)
            time = max(time, quote.time.item(g))
            regions.add(region.item(g))
        return Terms(cost + sum(quote.fixed.item(r) for r in sorted(regions)), time, carbon)

    def score(self, case: Case, terms: Terms) -> float:
        """Terms in the objective."""
        return sum(weight * amount for weight, amount in zip(case.factors, terms, strict=True))

    def _wait(self, case: Case, parts: Sequence[Part]) -> float | None:
        """Seconds until all regions have slots; None when one never has, or when it would finish too late then."""
        if not self._slots or not case.quote.ends:
            return 0.0
        wait = 0.0
        for r, pods, start, busy in self._asked_slots(case, parts):
            first = self._slots[r].earliest(start + wait, busy, pods)
            if first is None:
                return None
            wait = max(wait, first - start)
        limit = case.quote.limit
        finish = max(float(case.quote.start[part.group] + case.quote.busy[part.group]) for part in parts)
        return None if limit is not None and wait > 0 and finish + wait > limit else wait

    def _asked_slots(self, case: Case, parts: Sequence[Part]) -> Iterator[tuple[int, int, float, float]]:
        """By limited region: pods, start and how long they are busy."""
        regions = sorted({int(self.terrain.region[part.group]) for part in parts} & set(self._slots))
        for r in regions:
            here = [part for part in parts if int(self.terrain.region[part.group]) == r]
            start = min(float(case.quote.start[part.group]) for part in here)
            end = max(float(case.quote.start[part.group] + case.quote.busy[part.group]) for part in here)
            yield r, sum(part.pods for part in here), start, end - start

    def settle(self, case: Case, proposal: Proposal, *, everywhere: bool = False) -> bool:
        """Put a proposal into force; whether its pods found their nodes. If not, everything is as before.

        Args:
            case: the workload.
            proposal: where it goes.
            everywhere: whether every cluster runs the whole workload, rather than a part of it.
        """
        batches: list[tuple[int, Batch]] = []
        tenant = Tenant(case.workload.identity, case.quote, proposal.wait)
        taken: Counter[tuple[int, int]] = Counter()
        for part in proposal.parts:
            site = self.sites[part.site]
            share = (part.template, part.site if everywhere else 0)
            pods = _handed(case, site.cluster.name, part, taken[share])
            group = part.group - int(self.terrain.first[part.site]) if part.group >= 0 else part.group
            batch = site.place(pods, group, self.filling.order(case, part, proposal.wait))
            if batch is None:
                self._undo(batches, tenant)
                return False
            taken[share] += part.pods
            self._headroom.changed(part.site, batch, 1)
            batches.append((part.site, batch))
            self.opened.enter(tenant, part.site, batch.nodes)
        self._hold(case, proposal, batches, tenant)
        return True

    def _hold(self, case: Case, proposal: Proposal, batches: Sequence[tuple[int, Batch]], tenant: Tenant) -> None:
        """Note where a workload is, as its nodes tell."""
        templates = tuple(part.template for part in proposal.parts)
        where = [item for t, (s, batch) in zip(templates, batches, strict=True) for item in self._on(t, s, batch)]
        terms = self.terms(case, where)
        terms = terms._replace(time=terms.time + proposal.wait)
        parts = tuple(Part(t, int(self.terrain.site[g]), g, pods) for t, g, pods in where)
        held = []
        if self._slots and case.quote.ends:
            for r, pods, start, busy in self._asked_slots(case, parts):
                self._slots[r].take(start + proposal.wait, busy, pods)
                held.append((r, start + proposal.wait, busy, pods))
        real = Proposal(parts, terms, self.score(case, terms), proposal.wait)
        self.tenures[case.workload.identity] = Tenure(real, tuple(batches), templates, tenant, tuple(held))

    def _on(self, template: int, s: int, batch: Batch) -> list[tuple[int, int, int]]:
        """The groups that a batch is on, and how many pods of it are in each."""
        site = self.sites[s]
        counts = np.bincount(site.group_of[batch.nodes], minlength=len(site.groups))
        first = int(self.terrain.first[s])
        return [(template, first + g, int(counts[g])) for g in np.flatnonzero(counts).tolist()]

    def settle_in(self, case: Case, replicas: Mapping[int, int], *, ranked: bool, everywhere: bool) -> dict[int, int]:
        """Put so many more replicas into each cluster, or as many of them as fit; how many found no node, by cluster.

        Args:
            case: the workload; its templates are filled in the order of its pods.
            replicas: by cluster.
            ranked: whether groups are filled by the objective; otherwise the cluster's scheduler has its way, on nodes
                that exist first.
            everywhere: whether every cluster runs the whole workload, rather than a part of it.
        """
        parts: list[Part] = []
        for s, count in sorted(replicas.items()):
            for t, share in enumerate(_shares(case.counts, count)):
                parts += self._parts_in(case, t, s, share, ranked=ranked)
        priced = [part for part in parts if part.group >= 0]
        wait = self._wait(case, priced) or 0.0
        if not self.settle(case, Proposal(tuple(parts), Terms(), 0.0, wait), everywhere=everywhere):
            return dict(replicas)
        placed: Counter[int] = Counter()
        for part in parts:
            placed[part.site] += part.pods
        return {s: count - placed[s] for s, count in replicas.items() if count > placed[s]}

    def _parts_in(self, case: Case, t: int, s: int, left: int, *, ranked: bool) -> list[Part]:
        mine = np.array([g for g in self.terrain.groups_of(s) if case.quote.open[g]], dtype=np.int64)
        if left == 0 or not len(mine):
            return []
        if ranked:
            return self.filling.parts(case, t, self.filling.ranked(case, t, mine, left), left)
        exists = self.terrain.exists[mine]
        if case.is_open(self.terrain, s):
            here = min(self._headroom.room(case.pod(t, self.sites[s].cluster.name), s, EXISTING, left), left)
            found = [Part(t, s, EXISTING, here)] if here else []
        else:
            found = self.filling.parts(case, t, ((g, MOST) for g in mine[exists].tolist()), left)
        # The scheduler chooses between nodes that are there: those that are opened for it are few, and cheap.
        left -= sum(part.pods for part in found)
        if left == 0:
            return found
        return found + self.filling.parts(case, t, self.filling.ranked(case, t, mine[~exists], left), left)

    def alone(self, tenure: Tenure) -> tuple[float, float]:
        """What leaving its place would save on nodes that are bought: US dollars in all, and per hour."""
        nodes: dict[int, list[NDArray[np.int32]]] = {}
        if not self.opened.count.any():
            return 0.0, 0.0
        for s, batch in tenure.batches:
            nodes.setdefault(s, []).append(batch.nodes)
        found = [self.opened.alone(tenure.tenant, s, np.concatenate(some)) for s, some in nodes.items()]
        return sum(dollars for dollars, _ in found), sum(per_hour for _, per_hour in found)

    def release(self, key: str) -> Tenure:
        """Take a workload off again; where it was."""
        tenure = self.tenures.pop(key)
        self._undo(tenure.batches, tenure.tenant)
        for r, start, busy, pods in tenure.slots:
            self._slots[r].give_back(start, busy, pods)
        return tenure

    def restore(self, key: str, tenure: Tenure) -> None:
        """Put a workload back on the very nodes it was on; nobody may have taken them since."""
        for s, batch in tenure.batches:
            self.sites[s].put_back(batch)
            self._headroom.changed(s, batch, 1)
            self.opened.enter(tenure.tenant, s, batch.nodes)
        for r, start, busy, pods in tenure.slots:
            self._slots[r].take(start, busy, pods)
        self.tenures[key] = tenure

    def _undo(self, batches: Sequence[tuple[int, Batch]], tenant: Tenant) -> None:
        for s, batch in reversed(batches):
            self.sites[s].leave(batch)
            self._headroom.changed(s, batch, -1)
            self.opened.leave(tenant, s, batch.nodes)


def _handed(case: Case, cluster: str, part: Part, taken: int) -> list[Pod]:
    """The pods for a part, as they are in its cluster; the first of a template are those that run already."""
    indices = case.indices(part.template)
    first = len(indices) - case.counts[part.template] + taken
    pods = case.workload.variants.get(cluster, case.workload.pods)
    return [pods[i] for i in indices[first : first + part.pods]]


def _shares(counts: Sequence[int], total: int) -> list[int]:
    """So many pods in all, of each template in order."""
    found = []
    for count in counts:
        found.append(min(count, total))
        total -= found[-1]
    return found
