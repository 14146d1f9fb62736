"""Who is where: workloads put on groups of machines, priced, and taken off again.

A *proposal* is worked out from what there is room for, and changes nothing. Putting it into force places its pods on
nodes; what it costs is then told by the nodes they are on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.model.fleet import FleetWorkload
from yuheng.model.fleet_plan import told_instant
from yuheng.model.objective import Terms
from yuheng.model.pod import Pod
from yuheng.placement.headroom import Headroom
from yuheng.placement.quote import Quote
from yuheng.placement.sites import ANY, EXISTING, Batch, Site
from yuheng.placement.slots import Slots
from yuheng.placement.terrain import Terrain

__all__ = ["Assignment", "Case", "Part", "Proposal", "Tenure"]

# More copies than this are not told apart.
MOST: Final = 1 << 20


class Part(NamedTuple):
    """So many pods of one template, in one group (or anywhere in a cluster: see `yuheng.placement.sites`)."""

    template: int
    site: int
    group: int
    pods: int


class Proposal(NamedTuple):
    """Where a workload could go, and what it would be worth.

    Attributes:
        parts: by template, then in the order in which they are filled.
        terms: what it adds to cost, time and carbon.
        score: the same in the objective.
        wait: seconds that it waits for a slot in its region.
    """

    parts: tuple[Part, ...]
    terms: Terms
    score: float
    wait: float = 0.0


class Tenure(NamedTuple):
    """Where a workload is.

    Attributes:
        proposal: as it turned out.
        batches: the pods on their nodes, by cluster.
        slots: the region, start, seconds and pods of the slots it holds.
    """

    proposal: Proposal
    batches: tuple[tuple[int, Batch], ...]
    slots: tuple[tuple[int, float, float, int], ...] = ()


class Case(NamedTuple):
    """A workload to place.

    Attributes:
        workload: the workload.
        quote: what it would cost where.
        counts: of each template of the quote, how many pods are to be placed.
        score: (T, G) see `Quote.scores`.
        factors: what a dollar, a second and a gram weigh.
        sites: the clusters that it may go to, as places in the fleet; None for all.
        by_policy: whether a Karmada policy divides it.
        everywhere: whether all machines of all clusters may be used.
    """

    workload: FleetWorkload
    quote: Quote
    counts: tuple[int, ...]
    score: NDArray[np.float64]
    factors: Terms
    sites: frozenset[int] | None = None
    by_policy: bool = False
    everywhere: bool = False

    @property
    def priority(self) -> int:
        """The highest of its pods."""
        return max((pod.priority for pod in self.workload.pods), default=0)

    def ideal(self, terrain: Terrain) -> float:
        """The least it could add to the objective, whatever else there is: a bound on what it adds in any plan."""
        usable = self.usable(terrain)
        if not usable.any():
            return float("inf")
        pods = float(np.array(self.counts) @ self.score[:, usable].min(axis=1))
        return pods + self.factors.cost * float(self.quote.fixed[terrain.region[usable]].min())

    def is_open(self, terrain: Terrain, s: int) -> bool:
        """Whether all machines of a cluster may be used."""
        return self.everywhere or bool(self.quote.open[terrain.first[s] : terrain.first[s + 1]].all())

    def usable(self, terrain: Terrain) -> NDArray[np.bool_]:
        """(G,) the groups that it may go to."""
        usable = self.quote.open
        if self.sites is not None:
            usable = usable & np.isin(terrain.site, list(self.sites))
        return usable

    def pod(self, template: int, cluster: str) -> Pod:
        """A pod of a template as it is in a cluster."""
        variants = self.workload.variants.get(cluster)
        if variants is None:
            return self.quote.templates[template][0]
        return variants[self.indices(template)[0]]

    def indices(self, template: int) -> list[int]:
        """Which of the workload's pods are of a template."""
        spec = self.quote.templates[template][0].spec
        return [i for i, pod in enumerate(self.workload.pods) if pod.spec is spec]


class Assignment:
    """The state of a plan in the making.

    Attributes:
        terrain: all groups.
        sites: the clusters, compiled.
        tenures: by workload, where it is.
    """

    def __init__(self, terrain: Terrain, sites: Sequence[Site]) -> None:
        self.terrain = terrain
        self.sites = sites
        self.tenures: dict[str, Tenure] = {}
        self._headroom = Headroom(sites)
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
            if best is not None and least >= best.score:
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
        counts = np.array(case.counts, dtype=np.float64)
        fixed = case.factors.cost * case.quote.fixed[terrain.region[groups]]
        least = counts @ np.minimum.reduceat(case.score[:, groups], starts, axis=1) + np.minimum.reduceat(fixed, starts)
        wide = self._wide_scopes(case, groups) if case.workload.divisible and len(starts) > 1 else []
        ends = np.append(starts[1:], len(groups))
        bounds = [counts @ case.score[:, scope].min(axis=1) + self._least_fixed(case, scope) for scope in wide]
        ranked = [(float(value), i) for i, value in enumerate(least.tolist())]
        ranked += [(float(value), len(starts) + i) for i, value in enumerate(bounds)]
        for value, i in sorted(ranked):
            yield value, groups[starts[i] : ends[i]] if i < len(starts) else wide[i - len(starts)]

    def _least_fixed(self, case: Case, scope: NDArray[np.int64]) -> float:
        return case.factors.cost * float(case.quote.fixed[self.terrain.region[scope]].min())

    def _wide_scopes(self, case: Case, groups: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """All groups together, and those of each region with several clusters."""
        if not case.quote.fixed.any() and case.factors.time <= 0:
            return [groups]
        regions, sites = self.terrain.region[groups], self.terrain.site
        found = [groups[regions == r] for r in dict.fromkeys(regions.tolist())]
        return [*(scope for scope in found if sites[scope[0]] != sites[scope[-1]]), groups]

    def _filled(self, case: Case, groups: NDArray[np.int64]) -> Proposal | None:
        """Fill groups, the cheapest first; None when they have too little room."""
        parts: list[Part] = []
        fixed = case.factors.cost * case.quote.fixed[self.terrain.region[groups]] / max(sum(case.counts), 1)
        for t, wanted in enumerate(case.counts):
            left = wanted
            order = np.lexsort((groups, self._worth(case, t, groups, wanted) + fixed))
            for g in groups[order].tolist():
                if left == 0:
                    break
                some = min(self._room_in(case, t, g, left), left)
                if some > 0:
                    parts.append(Part(t, int(self.terrain.site[g]), g, some))
                    left -= some
            if left:
                return None
        return self._priced(case, tuple(parts))

    def _worth(self, case: Case, t: int, groups: NDArray[np.int64], pods: int) -> NDArray[np.float64]:
        """(groups,) what a pod adds when so many are placed: a node that is bought for few of them is dear."""
        quote, held = case.quote, case.quote.held[t, groups]
        part = np.where(np.isinf(held), 0.0, np.ceil(pods / held) * quote.whole[groups] / max(pods, 1))
        extra = np.where(np.isinf(held), 0.0, part - quote.money[t, groups])
        found: NDArray[np.float64] = case.score[t, groups] + case.factors.cost * extra
        return found

    def _room_in(self, case: Case, template: int, g: int, most: int) -> int:
        s = int(self.terrain.site[g])
        return self.room(case.pod(template, self.sites[s].cluster.name), g, most)

    def _priced(self, case: Case, parts: tuple[Part, ...]) -> Proposal | None:
        """A proposal of these parts; None when its region has no slot for it in time."""
        terms = self.terms(case, [(part.template, part.group, part.pods) for part in parts])
        wait = self._wait(case, parts)
        if wait is None:
            return None
        terms = terms._replace(time=terms.time + wait)
        return Proposal(parts, terms, self.score(case, terms), wait)

    def terms(self, case: Case, where: Iterable[tuple[int, int, int]]) -> Terms:
        """What so many pods of a template in a group amount to, each as ``(template, group, pods)``."""
        cost = carbon = time = 0.0
        regions = set()
        merged: Counter[tuple[int, int]] = Counter()
        for t, g, pods in where:
            merged[t, g] += pods
        for (t, g), pods in sorted(merged.items()):
            cost += case.quote.bill(t, g, pods)
            carbon += pods * float(case.quote.grams[t, g])
            time = max(time, float(case.quote.time[g]))
            regions.add(int(self.terrain.region[g]))
        return Terms(cost + sum(float(case.quote.fixed[r]) for r in sorted(regions)), time, carbon)

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
        taken: Counter[tuple[int, int]] = Counter()
        for part in proposal.parts:
            site = self.sites[part.site]
            share = (part.template, part.site if everywhere else 0)
            pods = _handed(case, site.cluster.name, part, taken[share])
            group = part.group - int(self.terrain.first[part.site]) if part.group >= 0 else part.group
            batch = site.place(pods, group)
            if batch is None:
                self._undo(batches)
                return False
            taken[share] += part.pods
            self._headroom.changed(part.site, batch, 1)
            batches.append((part.site, batch))
        self._hold(case, proposal, batches)
        return True

    def _hold(self, case: Case, proposal: Proposal, batches: Sequence[tuple[int, Batch]]) -> None:
        """Note where a workload is, as its nodes tell."""
        templates = [part.template for part in proposal.parts]
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
        self.tenures[case.workload.identity] = Tenure(real, tuple(batches), tuple(held))

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
        pod = case.pod(t, self.sites[s].cluster.name)
        if left == 0:
            return []
        mine = self.terrain.groups_of(s)
        if not ranked and case.is_open(self.terrain, s):
            here = min(self._headroom.room(pod, s, EXISTING, left), left)
            there = min(self._headroom.room(pod, s, ANY, left) - here, left - here) if here < left else 0
            found = [Part(t, s, EXISTING, here), Part(t, s, ANY, there)]
            return [part for part in found if part.pods > 0]
        parts = []
        usable = [g for g in mine if case.quote.open[g]]
        if ranked:
            usable.sort(key=lambda g: (float(case.score[t, g]), g))
        else:
            usable.sort(key=lambda g: (not self.terrain.exists[g], g))
        for g in usable:
            some = min(self._room_in(case, t, g, left), left)
            if some > 0:
                parts.append(Part(t, s, g, some))
                left -= some
        return parts

    def release(self, key: str) -> Tenure:
        """Take a workload off again; where it was."""
        tenure = self.tenures.pop(key)
        self._undo(tenure.batches)
        for r, start, busy, pods in tenure.slots:
            self._slots[r].give_back(start, busy, pods)
        return tenure

    def restore(self, key: str, tenure: Tenure) -> None:
        """Put a workload back on the very nodes it was on; nobody may have taken them since."""
        for s, batch in tenure.batches:
            self.sites[s].put_back(batch)
            self._headroom.changed(s, batch, 1)
        for r, start, busy, pods in tenure.slots:
            self._slots[r].take(start, busy, pods)
        self.tenures[key] = tenure

    def _undo(self, batches: Sequence[tuple[int, Batch]]) -> None:
        for s, batch in reversed(batches):
            self.sites[s].leave(batch)
            self._headroom.changed(s, batch, -1)


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
