"""Where a workload's replicas are after a plan: those that run, and those that were placed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from yuheng.model.fleet import FleetWorkload
from yuheng.model.objective import Terms
from yuheng.placement.assignment import Case
from yuheng.placement.decided import Told

__all__ = ["Standing"]


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
        if s not in self._nodes:
            self._nodes[s] = {pod.key: site.engine.machines.index[pod.node or ""] for pod in site.engine.bound}
        nodes = self._nodes[s]
        groups = Counter(
            first + int(site.group_of[nodes[key]])
            for key in workload.running.get(self.terrain.clusters[s].name, ())[:count]
            if key in nodes
        )
        unknown = count - groups.total()
        if unknown > 0 and site.groups:
            groups[first] += unknown
        return groups

    def terms(self, workload: FleetWorkload, case: Case) -> Terms:
        """What a workload amounts to, the replicas that run included."""
        tenure = self.assignment.tenures.get(workload.identity)
        terms = self.assignment.terms(case, self.where(workload))
        if tenure is None:
            return terms._replace(time=0.0)
        return terms._replace(time=tenure.proposal.terms.time)
