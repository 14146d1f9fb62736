"""From decisions to a plan: what each workload costs, what else it could have been, and who was refused."""

from __future__ import annotations

import time as clock
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from yuheng.model.fleet import Cluster, Fleet, FleetWorkload
from yuheng.model.fleet_plan import (
    ClusterReport,
    FleetPlan,
    FleetSummary,
    ForegoneChoice,
    NewNodes,
    RefusedCluster,
    WorkloadPlan,
)
from yuheng.model.objective import TIE, Objective, Terms
from yuheng.model.plan import Allocation, Placement, Refusal
from yuheng.model.policy import Policy
from yuheng.model.prices import MARKETS
from yuheng.model.propagation import PropagationPolicy
from yuheng.placement.assignment import Assignment, Case, Tenure
from yuheng.placement.bounds import bound_of
from yuheng.placement.exact import Bound
from yuheng.placement.propagation import Propagation
from yuheng.placement.spot import spot_advice
from yuheng.placement.transfer import Moves, Network

if TYPE_CHECKING:
    from yuheng.placement.planner import Question

__all__ = ["Told", "told"]

HOUR: Final = 3600.0
# Refusals are told of so many clusters at the most, workload by workload.
MOST_REFUSED: Final = 200
# Runner-ups cost a look at every cluster: of the first so many workloads they are told.
MOST_RUNNERS_UP: Final = 1_000
# Looks at a cluster to tell how much room it has left, over all workloads.
MOST_LOOKS: Final = 20_000


class Told(NamedTuple):
    """A decision, ready to be told (see `yuheng.placement.planner.Decision`)."""

    question: Question
    objective: Objective
    reference: Terms
    policy: Policy
    fleet: Fleet
    whole: Fleet
    lost: tuple[str, ...]
    now: float
    flows: tuple[dict[str, Any], ...]
    assignment: Assignment
    network: Network
    cases: Mapping[str, Case]
    bound: Bound | None
    left: frozenset[str]
    policies: Mapping[str, PropagationPolicy]
    propagations: Mapping[str, Propagation]
    shortfalls: Mapping[str, Mapping[int, int]]
    own: tuple[tuple[str, Placement], ...]
    own_refused: tuple[tuple[str, Refusal], ...]
    idle: tuple[PropagationPolicy, ...]
    warnings: tuple[str, ...]
    started: float


def told(decision: Told) -> FleetPlan:
    """The plan of a decision."""
    teller = _Teller(decision)
    workloads = tuple(teller.workload(workload, i) for i, workload in enumerate(decision.fleet.workloads))
    placements, refused = teller.pods()
    return FleetPlan(
        policy=decision.policy.name,
        objective=decision.objective.name,
        reference=decision.reference,
        placements=(*decision.own, *placements),
        unschedulable=(*decision.own_refused, *refused),
        workloads=workloads,
        workflows=decision.flows,
        clusters=tuple(teller.cluster(cluster) for cluster in decision.whole.clusters),
        new_nodes=teller.new_nodes(),
        without=decision.question.without,
        time=decision.now,
        summary=teller.summary(
            workloads, len(decision.own) + len(placements), len(decision.own_refused) + len(refused)
        ),
        warnings=tuple(dict.fromkeys((*decision.warnings, *teller.warnings()))),
    )


class _Teller:
    """Tells one decision."""

    def __init__(self, decision: Told) -> None:
        self.decision = decision
        self.assignment = decision.assignment
        self.terrain = decision.assignment.terrain
        self.homes = {cluster.name: s for s, cluster in enumerate(self.terrain.clusters)}
        self._nodes: dict[int, dict[str, int]] = {}

    def workload(self, workload: FleetWorkload, number: int) -> WorkloadPlan:
        """Where one workload goes."""
        decision = self.decision
        if not workload.pods:
            return WorkloadPlan(workload=workload.key, kind=workload.kind, replicas={}, wanted=0)
        case = decision.cases[workload.identity]
        found = decision.propagations.get(workload.identity)
        replicas = self._replicas(workload)
        wanted = len(workload.pods)
        policy = decision.policies.get(workload.identity)
        decided_by = f"{policy.kind} {policy.key}" if policy is not None else ""
        if not replicas and wanted:
            return WorkloadPlan(
                workload=workload.key,
                kind=workload.kind,
                replicas={},
                wanted=wanted,
                moved=self._moved(workload, {}),
                reason=self._reason(workload, case, found),
                refused=self._refused(case, found, {}),
                policy=decided_by,
            )
        where = self._where(workload)
        per_hour = sum(pods * float(case.quote.rate[t, g]) for t, g, pods in where)
        terms = self.assignment.terms(case, where)
        groups = [g for _, g, _ in where]
        starts = [float(case.quote.start[g]) for g in groups]
        tenure = self.assignment.tenures.get(workload.identity)
        wait = tenure.proposal.wait if tenure is not None else 0.0
        regions = sorted({int(self.terrain.region[g]) for g in groups})
        moves = [case.quote.moves[r] for r in regions] if tenure is not None else []
        egress = sum(item.cost for item in moves)
        compute = sum(pods * float(case.quote.money[t, g]) for t, g, pods in where)
        markets = sorted({self.terrain.market_of(g) for g in groups}, key=MARKETS.index)
        return WorkloadPlan(
            workload=workload.key,
            kind=workload.kind,
            replicas=replicas,
            wanted=wanted,
            moved=self._moved(workload, replicas),
            market="+".join(markets),
            start=min(starts, default=decision.now) + wait,
            finish=decision.now + terms.time + wait if case.quote.ends else None,
            per_hour=per_hour,
            total=compute + egress + self._storage(case, regions, moves) if case.quote.ends else None,
            compute=compute,
            egress=egress,
            storage=self._storage(case, regions, moves),
            carbon_grams=terms.carbon,
            transfers=tuple(item for move in moves for item in (*move.before, *move.after)),
            affinity=found.affinity if found is not None else "",
            runner_up=self._runner_up(workload, case, tenure, per_hour) if number < MOST_RUNNERS_UP else None,
            refused=self._refused(case, found, replicas),
            policy=decided_by,
            advice=spot_advice(case, self.terrain, decision.now),
        )

    def _storage(self, case: Case, regions: list[int], moves: list[Moves]) -> float:
        if not moves:
            return 0.0
        return sum(float(case.quote.fixed[r]) - case.quote.moves[r].cost for r in regions)

    def _replicas(self, workload: FleetWorkload) -> dict[str, int]:
        """By cluster, running ones included; those that an objective or a policy keeps."""
        key = workload.identity
        found = self.decision.propagations.get(key)
        if found is not None:
            return dict(found.replicas)
        wanted = len(workload.pods)
        tenure = self.assignment.tenures.get(key)
        held = {name: count for name, count in workload.previous.items() if name in self.homes}
        if sum(held.values()) >= wanted:
            return self._kept(workload, held, wanted)
        if tenure is None:
            return {}
        replicas = Counter(held)
        for s, batch in tenure.batches:
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
        scores = case.quote.scores(case.factors)
        return float(scores[0, groups].min()) if groups and len(scores) else float("inf")

    def _moved(self, workload: FleetWorkload, replicas: Mapping[str, int]) -> int:
        """How many replicas that run today lose their place."""
        before = next((one.previous for one in self._before(workload)), workload.previous)
        return sum(max(count - replicas.get(name, 0), 0) for name, count in before.items())

    def _before(self, workload: FleetWorkload) -> list[FleetWorkload]:
        if not hasattr(self, "_originals"):
            self._originals = {one.identity: one for one in self.decision.whole.workloads}
        one = self._originals.get(workload.identity)
        return [] if one is None else [one]

    def _where(self, workload: FleetWorkload) -> list[tuple[int, int, int]]:
        """Template, group and number of all pods: those that run, and those that this plan places."""
        counts: Counter[tuple[int, int]] = Counter()
        tenure = self.assignment.tenures.get(workload.identity)
        if tenure is not None:
            for part in tenure.proposal.parts:
                counts[part.template, part.group] += part.pods
        replicas = self._replicas(workload)
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

    def _reason(self, workload: FleetWorkload, case: Case, found: Propagation | None) -> str:
        """Why a workload is unschedulable."""
        if found is not None:
            return found.reason or "its policy gives it no replicas"
        usable = case.usable(self.terrain)
        if not usable.any():
            reasons = Counter(case.quote.refused.values())
            told_reasons = "; ".join(f"{count} because {why}" for why, count in reasons.most_common(3))
            total = len(self.terrain.clusters)
            return f"0/{total} clusters will do: {told_reasons}" if total else "there are no clusters"
        need = sum(case.counts)
        room = {
            s: sum(
                self.assignment.room(case.pod(0, self.terrain.clusters[s].name), g, need) for g in self._usable(case, s)
            )
            for s in sorted(set(self.terrain.site[usable].tolist()))
        }
        best = max(room, key=lambda s: (room[s], self.terrain.clusters[s].name))
        together = "" if workload.divisible else " together"
        return (
            f"{need} replicas{together} find no room: {self.terrain.clusters[best].name} has room for"
            f" {min(room[best], need)}, all {len(room)} clusters that will do for {sum(room.values())}"
        )

    def _usable(self, case: Case, s: int) -> list[int]:
        usable = case.usable(self.terrain)
        return [g for g in self.terrain.groups_of(s) if usable[g]]

    def _refused(
        self, case: Case, found: Propagation | None, replicas: Mapping[str, int]
    ) -> tuple[RefusedCluster, ...]:
        """The clusters it cannot go to, by name."""
        reasons = dict.fromkeys(self.decision.lost, "it is lost")
        if found is not None:
            reasons |= dict(found.refused)
        else:
            reasons |= {self.terrain.clusters[s].name: why for s, why in case.quote.refused.items()}
            if case.sites is not None:
                home = ", ".join(self.terrain.clusters[s].name for s in sorted(case.sites))
                others = (name for name, s in self.homes.items() if s not in case.sites)
                reasons |= dict.fromkeys(others, f"its pods run together, and some run in {home}")
            reasons |= self._cramped(case, {*reasons, *replicas})
        told_of = sorted((name, why) for name, why in reasons.items() if name not in replicas)
        return tuple(RefusedCluster(name, why) for name, why in told_of[:MOST_REFUSED])

    def _cramped(self, case: Case, known: set[str]) -> dict[str, str]:
        """The clusters that have too little room left, in their scheduler's words."""
        need = sum(case.counts)
        found = {}
        if (
            need == 0
            or len(self.terrain.clusters) - len(known) > MOST_REFUSED
            or len(self.decision.cases) * len(self.homes) > MOST_LOOKS
        ):
            return {}
        for name, s in self.homes.items():
            if name in known:
                continue
            pod = case.pod(0, name)
            room = sum(self.assignment.room(pod, g, need) for g in self._usable(case, s))
            if room < need:
                message = self.assignment.sites[s].refusal(pod).message if room == 0 else ""
                found[name] = f"room for {room} of {need}" + (f": {message}" if message else "")
        return found

    def _runner_up(
        self, workload: FleetWorkload, case: Case, tenure: Tenure | None, per_hour: float
    ) -> ForegoneChoice | None:
        """The best without any of the clusters, or else without the market, that were chosen."""
        if tenure is None or workload.identity in self.decision.propagations or workload.previous:
            return None
        here = {part.site for part in tenure.proposal.parts}
        other = self.assignment.best(case, here)
        if other is None:
            other = self.assignment.best(self._elsewhere(case, tenure))
        if other is None:
            return None
        rate = sum(part.pods * float(case.quote.rate[part.template, part.group]) for part in other.parts)
        names = sorted({self.terrain.clusters[part.site].name for part in other.parts})
        regions = sorted({self.terrain.clusters[part.site].region for part in other.parts})
        markets = sorted({self.terrain.market_of(part.group) for part in other.parts}, key=MARKETS.index)
        more = Terms(*(theirs - ours for theirs, ours in zip(other.terms, tenure.proposal.terms, strict=True)))
        total = more.cost if case.quote.ends else None
        return ForegoneChoice(
            cluster="+".join(names),
            region="+".join(filter(None, regions)),
            market="+".join(markets),
            per_hour=rate - per_hour,
            total=total,
            seconds=more.time,
            carbon_grams=more.carbon,
            text=_sentence(rate - per_hour, total, "+".join(filter(None, regions)) or "+".join(names), "+".join(names)),
        )

    def _elsewhere(self, case: Case, tenure: Tenure) -> Case:
        """The case without the groups that were chosen."""
        open_ = case.quote.open.copy()
        open_[[part.group for part in tenure.proposal.parts]] = False
        return case._replace(quote=case.quote._replace(open=open_), score=np.where(open_, case.score, np.inf))

    def pods(self) -> tuple[list[tuple[str, Placement]], list[tuple[str, Refusal]]]:
        """The pods of workloads: placed, and refused."""
        placed: list[tuple[str, Placement]] = []
        refused: list[tuple[str, Refusal]] = []
        for workload in self.decision.fleet.workloads:
            tenure = self.assignment.tenures.get(workload.identity)
            for s, batch in tenure.batches if tenure is not None else ():
                site = self.assignment.sites[s]
                placed += [(site.cluster.name, placement) for placement in site.placements(batch)]
            for s, count in self.decision.shortfalls.get(workload.identity, {}).items():
                refused += self._short(workload, s, count)
            if tenure is None and workload.identity in self.decision.left:
                case = self.decision.cases[workload.identity]
                reason = self._reason(workload, case, None)
                pods = workload.pods[len(workload.pods) - sum(case.counts) :]
                refused += [("", Refusal(pod.key, reason)) for pod in pods]
        return placed, refused

    def _short(self, workload: FleetWorkload, s: int, count: int) -> list[tuple[str, Refusal]]:
        """Pods that a policy sends to a cluster without room for them."""
        site = self.assignment.sites[s]
        pods = workload.variants.get(site.cluster.name, workload.pods)
        why = site.refusal(pods[0])
        return [
            (site.cluster.name, Refusal(pod.key, why.message, why.reasons, why.closest, why.hint))
            for pod in pods[len(pods) - count :]
        ]

    def new_nodes(self) -> tuple[NewNodes, ...]:
        """The nodes of pools that pods were placed on."""
        found = []
        for s, site in enumerate(self.assignment.sites):
            first = int(self.terrain.first[s])
            used = np.flatnonzero(site.engine.cluster.pods > 0)
            counts = np.bincount(site.group_of[used], minlength=len(site.groups)) if len(used) else ()
            for g, group in enumerate(site.groups):
                if not group.exists and len(counts) and counts[g]:
                    price = group.price if group.price is not None else self.terrain.whole_price(first + g)
                    found.append(NewNodes(site.cluster.name, group.pool, int(counts[g]), int(counts[g]) * price))
        return tuple(found)

    def cluster(self, cluster: Cluster) -> ClusterReport:
        """A cluster before and after."""
        s = self.homes.get(cluster.name)
        if s is None:
            return _lost(cluster)
        site = self.assignment.sites[s]
        exists = np.array([group.exists for group in site.groups], dtype=np.bool_)
        mask = exists[site.group_of] if len(site.groups) else np.zeros(0, dtype=np.bool_)
        arrays = site.engine.cluster
        allocation, free, largest = {}, {}, {}
        for column, name in enumerate(site.engine.resources.names):
            whole = int(arrays.allocatable[mask, column].sum())
            if whole:
                before, after = (int(used[mask, column].sum()) for used in (site.engine.used_before, arrays.used))
                left = np.maximum(arrays.allocatable - site.engine.used_before, 0)[mask, column]
                free[name], largest[name] = int(left.sum()), int(left.max())
                allocation[name] = Allocation(round(before / whole, 4), round(after / whole, 4))
        return ClusterReport(
            cluster=cluster.name,
            provider=cluster.provider,
            region=cluster.region,
            zones=cluster.zones,
            nodes=int(mask.sum()),
            pools=sum(pool.maximum for pool in cluster.pools),
            pods=len(site.engine.bound),
            allocation=allocation,
            free=free,
            largest=largest,
            cheapest=self.terrain.cheapest(s),
            missing=self.terrain.missing(s),
        )

    def summary(self, workloads: tuple[WorkloadPlan, ...], pods: int, pending: int) -> FleetSummary:
        """The plan in numbers."""
        decision = self.decision
        placed = [one for one in workloads if one.replicas or not one.wanted]
        total = Terms()
        for one, workload in zip(workloads, decision.fleet.workloads, strict=True):
            if one.replicas:
                total = total.plus(self._terms(workload, decision.cases[workload.identity]))
        factors = decision.objective.factors(decision.reference)
        value = sum(weight * amount for weight, amount in zip(factors, total, strict=True))
        steering = decision.objective.steering(decision.reference)
        # What breaks ties has a part in the scores that the bound is made of, and none in the value.
        bound = min(
            bound_of(self.assignment, decision.cases, steering, total, decision.bound) * (1 - 1000 * TIE), value
        )
        return FleetSummary(
            clusters=len(decision.fleet.clusters),
            workloads=len(workloads),
            placed=len(placed),
            unschedulable=len(workloads) - len(placed),
            pods=pods,
            pending=pending,
            per_hour=sum(one.per_hour for one in placed),
            total=total.cost,
            hours=total.time / HOUR,
            carbon_grams=total.carbon,
            value=value,
            bound=bound,
            gap=(value - bound) / bound if bound > 0 else (0.0 if value <= bound else None),
            horizon=decision.question.horizon,
            seconds=round(clock.perf_counter() - decision.started, 3),
        )

    def _terms(self, workload: FleetWorkload, case: Case) -> Terms:
        tenure = self.assignment.tenures.get(workload.identity)
        terms = self.assignment.terms(case, self._where(workload))
        if tenure is None:
            return terms._replace(time=0.0)
        return terms._replace(time=tenure.proposal.terms.time)

    def warnings(self) -> list[str]:
        """What has to be known to read the plan rightly."""
        decision = self.decision
        found = [f"{policy.source}: {policy.kind} {policy.key} selects no workload" for policy in decision.idle]
        unpriced = sorted(decision.network.unpriced)
        if unpriced:
            first = " to ".join(unpriced[0])
            found.append(
                f"egress between {len(unpriced)} pairs of regions has no price, {first} first: nothing is charged"
            )
        if decision.network.unmeasured:
            first = " to ".join(min(decision.network.unmeasured))
            count = len(decision.network.unmeasured)
            found.append(
                f"the bandwidth between {count} pairs of regions is not known, {first} first: moving data takes no time"
            )
        return found


def _lost(cluster: Cluster) -> ClusterReport:
    return ClusterReport(
        cluster=cluster.name,
        provider=cluster.provider,
        region=cluster.region,
        zones=cluster.zones,
        nodes=len(cluster.snapshot.nodes),
        pools=sum(pool.maximum for pool in cluster.pools),
        pods=sum(pod.node is not None for pod in cluster.snapshot.pods),
        allocation={},
        cheapest={},
        lost=True,
    )


def _sentence(per_hour: float, total: float | None, region: str, cluster: str) -> str:
    place = region if region == cluster or not region else f"{region} ({cluster})"
    amount = f"{'+' if per_hour >= 0 else '-'}${abs(per_hour):,.2f}/h"
    if total is None:
        return f"would cost {amount} in {place}"
    return f"would cost {amount}, {'+' if total >= 0 else '-'}${abs(total):,.2f} in all, in {place}"
