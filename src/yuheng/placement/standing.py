"""Where a workload's replicas are after a plan: those that run, and those that were placed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from yuheng.model.fleet import FleetWorkload
from yuheng.model.objective import Terms
from yuheng.placement.assignment import Assignment
from yuheng.placement.bill import Seat, Share, shares
from yuheng.placement.cases import Case
from yuheng.placement.decided import Told
from yuheng.placement.opened import Tenant

__all__ = ["Standing", "note_running"]


def note_running(assignment: Assignment, cases: Iterable[Case]) -> None:
    """Take note of the workloads that run on nodes of pools already: who joins them there finds the nodes paid."""
    terrain = assignment.terrain
    nodes: dict[str, dict[str, int]] = {}
    for s, site in enumerate(assignment.sites):
        bought = terrain.bought[terrain.first[s] : terrain.first[s + 1]]
        used = (
            set(np.flatnonzero(bought[site.group_of] & (site.engine.cluster.pods > 0)).tolist()) if len(bought) else ()
        )
        index = site.engine.machines.index
        if used:
            found = ((pod.key, index[pod.node or ""]) for pod in site.engine.bound)
            nodes[site.cluster.name] = {key: n for key, n in found if n in used}
    places = {site.cluster.name: s for s, site in enumerate(assignment.sites)}
    for case in cases if nodes else ():
        for name, keys in case.workload.running.items():
            mine = [nodes[name][key] for key in keys if key in nodes.get(name, {})]
            tenant = Tenant(case.workload.identity, case.quote, runs=True)
            assignment.opened.enter(tenant, places.get(name, 0), np.array(mine, dtype=np.int32))


class Standing:
    """Looks workloads up in a decision."""

    def __init__(self, decision: Told) -> None:
        self.decision = decision
        self.assignment = decision.assignment
        self.terrain = decision.assignment.terrain
        self.homes = decision.homes
        self._before = {one.identity: one.previous for one in decision.whole.workloads}
        self._nodes: dict[int, dict[str, int]] = {}
        self._where: dict[str, list[tuple[int, int, int]]] = {}
        self._unseen: dict[str, Counter[int]] = {}
        workloads = [one for one in decision.fleet.workloads if one.pods]
        used = set(self.terrain.site[self.assignment.opened.count > 0].tolist())
        seats = (seat for one in workloads for seat in self._seats(one) if seat.site in used)
        self._shares = shares(self.terrain, self.assignment.sites, seats)

    def replicas(self, workload: FleetWorkload) -> dict[str, int]:
        """By cluster, running ones included; those that an objective or a policy keeps."""
        key = workload.identity
        found = self.decision.propagations.get(key)
        if found is not None and not found.reason:
            return dict(found.replicas)
        wanted = len(workload.pods)
        tenure = self.assignment.tenures.get(key)
        held = {name: count for name, count in workload.previous.items() if name in self.homes}
        if sum(held.values()) >= wanted:
            return self._kept(workload, held, wanted)
        replicas = Counter(held)
        for s, batch in tenure.batches if tenure is not None else ():
            replicas[self.terrain.clusters[s].name] += len(batch.nodes)
        return {name: count for name, count in sorted(replicas.items()) if count}

    def _kept(self, workload: FleetWorkload, held: Mapping[str, int], wanted: int) -> dict[str, int]:
        """What stays where a workload has more replicas than it asks for: the cheapest."""
        case = self.decision.cases[workload.identity]
        worth = {name: self._worth(case, self.homes[name]) for name in held}
        kept: dict[str, int] = {}
        for name in sorted(held, key=lambda name: (worth[name], name)):
            some = min(held[name], wanted)
            if some:
                kept[name] = some
                wanted -= some
        return dict(sorted(kept.items()))

    def _worth(self, case: Case, s: int) -> float:
        groups = list(self.terrain.groups_of(s))
        return float(case.score[0, groups].min()) if groups else float("inf")

    def moved(self, workload: FleetWorkload, replicas: Mapping[str, int]) -> int:
        """How many replicas that run today lose their place; those of an unschedulable workload stay where they can."""
        kept = replicas or {name: count for name, count in workload.previous.items() if name in self.homes}
        before = self._before.get(workload.identity, workload.previous)
        return sum(max(count - kept.get(name, 0), 0) for name, count in before.items())

    def where(self, workload: FleetWorkload) -> list[tuple[int, int, int]]:
        """Template, group and number of all pods: those that run, and those that this plan places."""
        if workload.identity not in self._where:
            self._where[workload.identity] = self._found(workload)
        return self._where[workload.identity]

    def _found(self, workload: FleetWorkload) -> list[tuple[int, int, int]]:
        counts: Counter[tuple[int, int]] = Counter()
        tenure = self.assignment.tenures.get(workload.identity)
        if tenure is not None:
            for part in tenure.proposal.parts:
                counts[part.template, part.group] += part.pods
        replicas = self.replicas(workload)
        for name, held in workload.previous.items():
            s = self.homes.get(name)
            if s is not None:
                for g, some in self._groups_of_running(workload, s, min(held, replicas.get(name, 0))).items():
                    counts[0, g] += some
        return [(t, g, pods) for (t, g), pods in sorted(counts.items())]

    def _groups_of_running(self, workload: FleetWorkload, s: int, count: int) -> dict[int, int]:
        """The groups that replicas run on; of those that are bound and have no node yet, the first group."""
        site = self.assignment.sites[s]
        first = int(self.terrain.first[s])
        groups = Counter(first + int(site.group_of[n]) for n in self._running(workload, s, count))
        unknown = count - groups.total()
        if unknown > 0 and site.groups:
            groups[first] += unknown
            self._unseen.setdefault(workload.identity, Counter())[first] += unknown
        return groups

    def _running(self, workload: FleetWorkload, s: int, count: int) -> list[int]:
        """The nodes of the first so many replicas that run in a cluster."""
        site = self.assignment.sites[s]
        if s not in self._nodes:
            self._nodes[s] = {pod.key: site.engine.machines.index[pod.node or ""] for pod in site.engine.bound}
        nodes = self._nodes[s]
        keys = workload.running.get(self.terrain.clusters[s].name, ())[:count]
        return [nodes[key] for key in keys if key in nodes]

    def _seats(self, workload: FleetWorkload) -> Iterator[Seat]:
        """All pods on their nodes."""
        tenure = self.assignment.tenures.get(workload.identity)
        if tenure is not None:
            for template, (s, batch) in zip(tenure.templates, tenure.batches, strict=True):
                yield Seat(tenure.tenant, template, s, batch.nodes)
        replicas = self.replicas(workload)
        tenant = Tenant(workload.identity, self.decision.cases[workload.identity].quote)
        for name, held in workload.previous.items():
            if name in self.homes:
                nodes = self._running(workload, self.homes[name], min(held, replicas.get(name, 0)))
                yield Seat(tenant, 0, self.homes[name], np.array(nodes, dtype=np.int32))

    def share(self, workload: FleetWorkload) -> Share:
        """What it pays of the nodes that are bought; whole ones for replicas that nobody sees on a node."""
        found = self._shares.get(workload.identity, Share())
        self.where(workload)
        quote = self.decision.cases[workload.identity].quote
        for g, pods in self._unseen.get(workload.identity, Counter()).items():
            if self.terrain.bought[g]:
                dollars, hours = quote.bill(0, g, pods), float(quote.hours[g])
                found = found.plus(Share(dollars, dollars / hours if hours > 0 else 0.0))
        return found

    def machines(self, workload: FleetWorkload) -> float:
        """US dollars of the machines of all its pods, its share of those that are bought among them."""
        money = self.decision.cases[workload.identity].quote.money
        own = (pods * float(money[t, g]) for t, g, pods in self.where(workload) if not self.terrain.bought[g])
        return sum(own) + self.share(workload).dollars

    def per_hour(self, workload: FleetWorkload) -> float:
        """US dollars per hour of all its pods."""
        rate = self.decision.cases[workload.identity].quote.rate
        own = (pods * float(rate[t, g]) for t, g, pods in self.where(workload) if not self.terrain.bought[g])
        return sum(own) + self.share(workload).per_hour

    def terms(self, workload: FleetWorkload, case: Case) -> Terms:
        """What a workload amounts to, the replicas that run included."""
        tenure = self.assignment.tenures.get(workload.identity)
        terms = self.assignment.terms(case, self.where(workload))
        terms = terms._replace(cost=terms.cost + self.share(workload).dollars)
        if tenure is None:
            return terms._replace(time=0.0)
        return terms._replace(time=tenure.proposal.terms.time)
