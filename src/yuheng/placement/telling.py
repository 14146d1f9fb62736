"""From decisions to a plan: what each workload costs, and the plan in numbers."""

from __future__ import annotations

import math
import time as clock
from typing import Final

from yuheng.model.fleet import FleetWorkload
from yuheng.model.fleet_plan import FleetPlan, FleetSummary, SpotAdvice, WorkloadPlan
from yuheng.model.objective import TIE, Terms
from yuheng.model.plan import Placement, Refusal
from yuheng.model.prices import MARKETS
from yuheng.placement.bounds import bound_of
from yuheng.placement.cases import Case
from yuheng.placement.cautions import cautions
from yuheng.placement.decided import Told
from yuheng.placement.explaining import Explaining
from yuheng.placement.reports import cluster_report, new_nodes
from yuheng.placement.spot import cheapest, spot_advice
from yuheng.placement.standing import Standing
from yuheng.placement.transfer import Moves

__all__ = ["told"]

HOUR: Final = 3600.0
# Runner-ups cost a look at every cluster: of the first so many workloads they are told.
MOST_RUNNERS_UP: Final = 1_000


def told(decision: Told) -> FleetPlan:
    """The plan of a decision."""
    teller, homes = _Teller(decision), decision.homes
    workloads = tuple(teller.workload(workload, i) for i, workload in enumerate(decision.fleet.workloads))
    placements, refused = teller.pods()
    cautioned = cautions(decision, teller.standing, workloads, teller.advices)
    own = [(name, one) for name, found in decision.own for one in found.placements]
    own_refused = [(name, one) for name, found in decision.own for one in found.unschedulable]
    return FleetPlan(
        policy=decision.policy.name,
        objective=decision.objective.name,
        reference=decision.reference,
        placements=(*own, *placements),
        unschedulable=(*own_refused, *refused),
        evictions=tuple((name, one) for name, found in decision.own for one in found.evictions),
        jobs=tuple((name, one) for name, found in decision.own for one in found.jobs),
        workloads=workloads,
        workflows=decision.flows,
        clusters=tuple(
            cluster_report(cluster, decision.assignment, homes.get(cluster.name)) for cluster in decision.whole.clusters
        ),
        new_nodes=new_nodes(decision.assignment),
        without=decision.question.without,
        time=decision.now,
        summary=teller.summary(workloads, len(own) + len(placements), len(own_refused) + len(refused)),
        warnings=tuple(dict.fromkeys((*decision.warnings, *teller.warnings(), *cautioned))),
    )


class _Teller:
    """Tells one decision."""

    def __init__(self, decision: Told) -> None:
        self.decision = decision
        self.assignment = decision.assignment
        self.terrain = decision.assignment.terrain
        self.standing = Standing(decision)
        self.explaining = Explaining(decision)
        self.advices: dict[str, dict[int, SpotAdvice]] = {}

    def workload(self, workload: FleetWorkload, number: int) -> WorkloadPlan:
        """Where one workload goes."""
        decision = self.decision
        if not workload.pods:
            return WorkloadPlan(workload=workload.key, kind=workload.kind, replicas={}, wanted=0)
        case = decision.cases[workload.identity]
        found = decision.propagations.get(workload.identity)
        replicas = self.standing.replicas(workload)
        wanted = len(workload.pods)
        policy = decision.policies.get(workload.identity)
        decided_by = f"{policy.kind} {policy.key}" if policy is not None else ""
        left_out = workload.identity in decision.left or bool(found is not None and found.reason)
        short = decision.shortfalls.get(workload.identity, {})
        if left_out or not replicas:
            lacking = max(wanted - sum(replicas.values()), 0)
            reason = self.explaining.reason(workload, case, found, lacking)
        else:
            lacking, reason = sum(short.values()), self.explaining.shortfall(workload, short)
        if not replicas:
            return WorkloadPlan(
                workload=workload.key,
                kind=workload.kind,
                replicas={},
                wanted=wanted,
                unplaced=lacking,
                moved=self.standing.moved(workload, {}),
                reason=reason,
                refused=self.explaining.refused(case, found, {}),
                policy=decided_by,
            )
        advices = self.advices[workload.identity] = spot_advice(case, self.terrain, decision.now)
        where = self.standing.where(workload)
        terms = self.assignment.terms(case, where)
        groups = [g for _, g, _ in where]
        starts = [float(case.quote.start[g]) for g in groups]
        tenure = self.assignment.tenures.get(workload.identity)
        wait = tenure.proposal.wait if tenure is not None else 0.0
        regions = sorted({int(self.terrain.region[g]) for g in groups})
        moves = [case.quote.moves[r] for r in regions] if tenure is not None else []
        egress = sum(item.cost for item in moves)
        compute = self.standing.machines(workload)
        markets = sorted({self.terrain.market_of(g) for g in groups}, key=MARKETS.index)
        return WorkloadPlan(
            workload=workload.key,
            kind=workload.kind,
            replicas={} if left_out else replicas,
            kept=replicas if left_out else {},
            wanted=wanted,
            unplaced=lacking,
            reason=reason,
            moved=self.standing.moved(workload, replicas),
            market="+".join(markets),
            start=min(starts, default=decision.now) + wait,
            finish=decision.now + terms.time + wait if case.quote.ends else None,
            per_hour=self.standing.per_hour(workload),
            total=compute + egress + self._storage(case, regions, moves) if case.quote.ends else None,
            compute=compute,
            egress=egress,
            storage=self._storage(case, regions, moves),
            carbon_grams=terms.carbon,
            transfers=tuple(item for move in moves for item in (*move.before, *move.after)),
            affinity=found.affinity if found is not None else "",
            runner_up=self.explaining.runner_up(workload, case, tenure) if number < MOST_RUNNERS_UP else None,
            refused=self.explaining.refused(case, found, {} if left_out else replicas),
            policy=decided_by,
            advice=cheapest(advices),
        )

    def _storage(self, case: Case, regions: list[int], moves: list[Moves]) -> float:
        if not moves:
            return 0.0
        return sum(float(case.quote.fixed[r]) - case.quote.moves[r].cost for r in regions)

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
            if workload.identity in self.decision.left:
                lacking = len(workload.pods) - sum(self.standing.replicas(workload).values())
                reason = self.explaining.reason(workload, self.decision.cases[workload.identity], None, lacking)
                refused += [("", Refusal(pod.key, reason)) for pod in workload.pods[len(workload.pods) - lacking :]]
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

    def summary(self, workloads: tuple[WorkloadPlan, ...], pods: int, pending: int) -> FleetSummary:
        """The plan in numbers."""
        decision = self.decision
        asking = [one for one in workloads if one.wanted]
        placed = [one for one in asking if not one.reason]
        total = Terms()
        for one, workload in zip(workloads, decision.fleet.workloads, strict=True):
            if one.replicas or one.kept:
                total = total.plus(self.standing.terms(workload, decision.cases[workload.identity]))
        factors = decision.objective.factors(decision.reference)
        value = sum(weight * amount for weight, amount in zip(factors, total, strict=True))
        steering = decision.objective.steering(decision.reference)
        # What breaks ties has a part in the scores that the bound is made of, and none in the value.
        bound = min(
            bound_of(self.assignment, decision.cases, steering, total, decision.bound) * (1 - 1000 * TIE), value
        )
        return FleetSummary(
            clusters=len(decision.fleet.clusters),
            workloads=len(asking),
            placed=len(placed),
            unschedulable=len(asking) - len(placed),
            pods=pods,
            pending=pending,
            per_hour=sum(one.per_hour for one in workloads),
            total=total.cost + math.fsum(one["cost"]["total"] for one in decision.flows),
            hours=total.time / HOUR + math.fsum(one["seconds"] for one in decision.flows) / HOUR,
            carbon_grams=total.carbon + math.fsum(one["carbonGrams"] for one in decision.flows),
            value=value,
            bound=bound,
            gap=(value - bound) / bound if bound > 0 else (0.0 if value <= bound else None),
            by_policy=len(decision.policies),
            horizon=decision.question.horizon,
            seconds=round(clock.perf_counter() - decision.started, 3),
        )

    def _endless(self) -> list[str]:
        """Jobs that do not say how long they run."""
        jobs = [
            one
            for one in self.decision.fleet.workloads
            if one.kind == "Job" and one.pods and not one.requirements.run_time
        ]
        if not jobs:
            return []
        hours = f"{self.decision.question.horizon:g}"
        dated = self.decision.question.within is not None or any(
            one.requirements.deadline is not None or one.requirements.within is not None for one in jobs
        )
        told_dates = "; no deadline of theirs is looked at" if dated else ""
        what = f"1 job does not say how long it runs ({jobs[0].key})"
        if len(jobs) > 1:
            what = f"{len(jobs)} jobs do not say how long they run ({jobs[0].key} first)"
        return [f"{what}: counted like a service, for {hours} h{told_dates} (see yuheng.io/run-time)"]

    def _unseen(self) -> list[str]:
        """Replicas that are bound to clusters whose state does not show them."""
        unseen = [
            one
            for one in self.decision.fleet.workloads
            if any(count > len(one.running.get(name, ())) for name, count in one.previous.items())
        ]
        if not unseen:
            return []
        what = "1 workload has" if len(unseen) == 1 else f"{len(unseen)} workloads have"
        return [f"{what} replicas in clusters that do not show them ({unseen[0].key} first): they take no room here"]

    def _assumed_egress(self) -> list[str]:
        """The prices of moving data that nobody said, and that others stand in for."""
        found: dict[tuple[str, float], list[tuple[str, str]]] = {}
        for pair, price in sorted(self.decision.network.assumed.items()):
            found.setdefault((pair[0].rpartition("/")[0], price), []).append(pair)
        return [
            f"egress has no price between {_pairs(len(pairs))} of regions, {' to '.join(pairs[0])} first: the dearest"
            f" that is known{f' of {provider}' if provider else ''}, ${price:.4g} per GB, is charged"
            for (provider, price), pairs in found.items()
        ]

    def warnings(self) -> list[str]:
        """What has to be known to read the plan rightly."""
        decision = self.decision
        found = [*self._endless(), *self._unseen()]
        found += [f"{policy.source}: {policy.kind} {policy.key} selects no workload" for policy in decision.idle]
        found += self._assumed_egress()
        unpriced = sorted(decision.network.unpriced)
        if unpriced:
            first = " to ".join(unpriced[0])
            found.append(
                f"egress has no price between {_pairs(len(unpriced))} of regions, {first} first: nothing is charged"
            )
        if decision.network.unmeasured:
            first = " to ".join(min(decision.network.unmeasured))
            count = len(decision.network.unmeasured)
            found.append(
                f"the bandwidth is not known between {_pairs(count)} of regions, {first} first: moving takes no time"
            )
        return found


def _pairs(count: int) -> str:
    return "1 pair" if count == 1 else f"{count} pairs"
