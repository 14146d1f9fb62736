"""`plan`: what happens to a whole fleet, and why.

fleet ──> losses, rebalance ──> own pending pods, cluster by cluster ──> Sites (compiled), Terrain (priced)
                                                                            │
     FleetPlan <── told (`telling`) <── exchanges (`search`) <── policies (`propagation`), then objectives (`search`)
"""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np

from yuheng.errors import ConfigError
from yuheng.model.cluster import Snapshot
from yuheng.model.fleet import Cluster, Fleet, FleetWorkload
from yuheng.model.fleet_plan import FleetPlan
from yuheng.model.objective import Terms, parse_objective
from yuheng.model.plan import Placement, Plan
from yuheng.model.pod import Pod, PodAffinity
from yuheng.model.policy import Policy
from yuheng.model.propagation import PropagationPolicy
from yuheng.placement.assignment import Assignment
from yuheng.placement.cases import Case
from yuheng.placement.collecting import collector_paused
from yuheng.placement.decided import Told
from yuheng.placement.exact import Bound, solve
from yuheng.placement.flows import Taken, flow
from yuheng.placement.losses import parse_loss, without
from yuheng.placement.machines import Stock, stock_of
from yuheng.placement.propagation import PolicyIndex, Propagation, Propagator
from yuheng.placement.quote import Quote
from yuheng.placement.quotes import HORIZON_HOURS, Quotes
from yuheng.placement.search import improve, place_all
from yuheng.placement.shapes import Shapes
from yuheng.placement.sites import Site
from yuheng.placement.standing import note_running
from yuheng.placement.telling import told
from yuheng.placement.terrain import Terrain
from yuheng.placement.transfer import Network
from yuheng.scheduling.planner import plan as plan_cluster
from yuheng.scheduling.presets import preset

__all__ = ["DEFAULT_OBJECTIVE", "Compiled", "Decision", "Question", "plan"]

DEFAULT_OBJECTIVE: Final = "cost"
Progress = Callable[[int, int], None]
_node_of = attrgetter("node")


class Question(NamedTuple):
    """What is asked of a fleet.

    Attributes:
        policy: what decides inside clusters; a preset's name, or a policy, or None for kube-scheduler's defaults.
        objective: what is minimised; None for cost, and for Karmada's policies to divide as Karmada does.
        within: seconds within which everything that ends has to be finished; None for no such limit.
        without: what is taken away before.
        rebalance: whether what runs may move.
        seed: of everything random.
        now: the plan's time, in seconds since the epoch; None for the latest that the input tells of.
        horizon: hours that services are counted for.
    """

    policy: str | Policy | None = None
    objective: str | None = None
    within: float | None = None
    without: tuple[str, ...] = ()
    rebalance: bool = False
    seed: int = 0
    now: float | None = None
    horizon: float = HORIZON_HOURS


class _Opened(NamedTuple):
    """A cluster that was compiled.

    Attributes:
        given: the cluster as it was given.
        cluster: the same, its own pending pods placed.
        plan: of those pods; None where there are none.
        site: compiled.
        stock: its nodes, in groups.
    """

    given: Cluster
    cluster: Cluster
    plan: Plan | None
    stock: Stock
    site: Site


# Clusters that were compiled, by the identity of what was given: questions that differ elsewhere share them.
Compiled = dict[int, _Opened]


def plan(fleet: Fleet, question: Question, progress: Progress | None = None) -> FleetPlan:
    """Place the workloads of a fleet.

    Args:
        fleet: the clusters, and what is to run on them; it is not changed.
        question: what is asked.
        progress: called now and then with the workloads decided and the workloads to decide.

    Raises:
        NotFoundError: what is taken away is not there, or there is no preset of that name.
        ConfigError: the objective cannot be read, or a deadline is not ahead.
        InputError: a pod of a cluster is on a node that the cluster does not have.
    """
    return Decision(fleet, question).plan(progress)


class Decision:
    """One plan in the making.

    Attributes:
        fleet: what is left of the fleet, as it is decided on.
        objective: what is minimised.
        assignment: who is where.
        cases: the workloads that the objective places, by key.
        propagations: what Karmada's policies decided, by workload.
    """

    def __init__(self, fleet: Fleet, question: Question, compiled: Compiled | None = None) -> None:
        """Open a fleet.

        Args:
            fleet: the fleet.
            question: what is asked.
            compiled: clusters that were compiled for a question with the same workloads, policy, seed and time; those
                that are compiled now are added.

        Raises:
            YuhengError: as for `plan`.
        """
        self.started = clock.perf_counter()
        self.question = question
        self.objective = parse_objective(question.objective or DEFAULT_OBJECTIVE)
        if question.within is not None and question.within <= 0:
            raise ConfigError(f"--deadline: found {question.within:g} s, expected more than 0")
        self.policy = _policy(question.policy)
        self.warnings: list[str] = list(fleet.warnings)
        self.now = self._time(fleet)
        remains = without(fleet, [parse_loss(text) for text in question.without])
        self.lost = remains.lost
        self.whole = fleet
        rest = _loosened(remains.fleet) if question.rebalance else remains.fleet
        with collector_paused():
            self._open(rest, {} if compiled is None else compiled)

    def _time(self, fleet: Fleet) -> float:
        if self.question.now is not None:
            return self.question.now
        if fleet.time is not None:
            return fleet.time
        self.warnings.append("nothing tells what time it is: the plan is made as at 1970-01-01T00:00:00Z (see --now)")
        return 0.0

    def _open(self, rest: Fleet, compiled: Compiled) -> None:
        """Compile and price the clusters."""
        most = sum(len(workload.pods) for workload in rest.workloads)
        most += sum(len(task.pods) for workflow in rest.workflows for task in workflow.tasks)
        peculiar, shapes = _peculiar(rest.workloads), Shapes()
        opened = []
        for cluster in rest.clusters:
            known = compiled.get(id(cluster))
            if known is None:
                known = compiled[id(cluster)] = self._opened(cluster, rest, most, peculiar, shapes)
            opened.append(known)
        self.own = [(one.cluster.name, one.plan) for one in opened if one.plan is not None]
        fleet: Fleet = msgspec.structs.replace(rest, clusters=tuple(one.cluster for one in opened))
        self.fleet = fleet
        self.network = Network(fleet.regions)
        self.terrain = Terrain(fleet, [one.stock for one in opened], self.now)
        self.quotes = Quotes(self.terrain, self.network, self.now, self.question.within, self.question.horizon)
        self.assignment = Assignment(self.terrain, [one.site for one in opened])
        self.place_of = {cluster.name: s for s, cluster in enumerate(fleet.clusters)}
        self.index = PolicyIndex(fleet.policies)
        self.propagator = Propagator(fleet.clusters)
        self.propagations: dict[str, Propagation] = {}
        self.policy_of: dict[str, PropagationPolicy] = {}
        self.cases: dict[str, Case] = {}
        self.shortfalls: dict[str, dict[int, int]] = {}
        self.left: list[Case] = []
        self.bound: Bound | None = None

    def _opened(self, given: Cluster, fleet: Fleet, most: int, peculiar: Sequence[Pod], shapes: Shapes) -> _Opened:
        """A cluster whose own pending pods have had their turn, as its scheduler would give it to them, compiled."""
        cluster, found = given, None
        if None in map(_node_of, given.snapshot.pods):
            found = plan_cluster(given.snapshot, self.policy, self.question.seed, now=self.now)
            cluster = _settled(given, found)
        stock = stock_of(cluster, fleet, self.now, most)
        site = Site(cluster, stock, self.policy, self.question.seed, peculiar, shapes)
        return _Opened(given, cluster, found, stock, site)

    def flows(self) -> tuple[dict[str, Any], ...]:
        """The plans of workflows, on what the workloads leave."""
        taken = Taken(self.assignment)
        return tuple(
            flow(
                workflow,
                self.assignment,
                self.quotes,
                parse_objective(workflow.objective) if workflow.objective else self.objective,
                self.question.within,
                taken,
            )
            for workflow in self.fleet.workflows
        )

    def undo(self) -> None:
        """Leave the compiled clusters as they were."""
        for key in list(self.assignment.tenures):
            self.assignment.release(key)

    def plan(self, progress: Progress | None = None) -> FleetPlan:
        """Decide, and tell."""
        with collector_paused():
            self.decide(progress)
            return told(self._told())

    def decide(self, progress: Progress | None = None) -> None:
        """Place everybody."""
        workloads = [workload for workload in self.fleet.workloads if workload.pods]
        turns = _Turns(len(workloads), progress)
        found = ((workload.identity, self.index.policy_for(workload)) for workload in workloads)
        self.policy_of = {identity: policy for identity, policy in found if policy is not None}
        self.reference = self._reference(workloads)
        self.cases = {workload.identity: self._case(workload) for workload in workloads}
        note_running(self.assignment, self.cases.values())
        free: list[Case] = []
        left: list[Case] = []
        ordered = sorted(workloads, key=lambda workload: (-_priority(workload), workload.key))
        for _, some in groupby(ordered, key=_priority):
            these = list(some)
            for workload in (one for one in these if one.identity in self.policy_of):
                self._propagate(workload, self.policy_of[workload.identity])
                turns.next()
            cases = [self.cases[one.identity] for one in these if one.identity not in self.policy_of]
            cases = [case for case in cases if sum(case.counts)]
            left += place_all(self.assignment, cases, turns.next)
            free += cases
        improve(self.assignment, free, left)
        self.bound = solve(self.assignment, free)
        self.left = [case for case in free if case.workload.identity not in self.assignment.tenures]

    def _reference(self, workloads: Iterable[FleetWorkload]) -> Terms:
        """The least of each term that the workloads could have, each alone."""
        total = Terms()
        for workload in workloads:
            quote = self.quotes.quote(workload, by_policy=workload.identity in self.policy_of)
            if not quote.open.any():
                continue
            counts = np.array([count for _, count in quote.templates], dtype=np.float64)
            fixed = quote.fixed[self.terrain.region]
            cost = float((quote.bills([count for _, count in quote.templates]) + fixed)[quote.open].min())
            carbon = float((counts @ quote.grams)[quote.open].min())
            total = total.plus(Terms(cost, float(quote.time[quote.open].min()), carbon))
        return total

    def _case(self, workload: FleetWorkload) -> Case:
        """What is to be placed of a workload, and what that would be worth where."""
        own = workload.requirements.objective
        factors = (parse_objective(own) if own else self.objective).steering(self.reference)
        by_policy = workload.identity in self.policy_of
        quote = self.quotes.quote(workload, factors, by_policy=by_policy)
        held = sum(count for name, count in workload.previous.items() if name in self.place_of)
        quote = self._with_data_there(quote, workload)
        counts = []
        for _, count in quote.templates:
            counts.append(max(count - held, 0))
            held = max(held - count, 0)
        homes = {self.place_of[name] for name in workload.previous if name in self.place_of}
        sites = frozenset(homes) if homes and not workload.divisible else None
        everywhere = bool(quote.open.all())
        return Case(workload, quote, tuple(counts), quote.scores(factors), factors, sites, by_policy, everywhere)

    def _with_data_there(self, quote: Quote, workload: FleetWorkload) -> Quote:
        """A quote without what was moved before, to regions where some of the workload runs already."""
        sites = (self.place_of[name] for name in workload.previous if name in self.place_of)
        homes = sorted({self.terrain.region_of_site(s) for s in sites})
        if not homes or not (workload.requirements.reads or workload.requirements.writes):
            return quote
        fixed, moves = quote.fixed.copy(), list(quote.moves)
        for r in homes:
            fixed[r] -= sum(item.cost for item in moves[r].before)
            moves[r] = moves[r]._replace(before=())
        return quote._replace(fixed=fixed, moves=tuple(moves))

    def _propagate(self, workload: FleetWorkload, policy: PropagationPolicy) -> None:
        """Divide a workload as its policy says."""
        case = self.cases[workload.identity]
        rooms: list[int] = []

        def headroom(name: str) -> int:
            if not rooms:
                rooms.extend(self.assignment.rooms(case))
            return rooms[self.place_of[name]]

        found = self.propagator.propagate(
            workload,
            policy,
            headroom,
            leaving=frozenset(workload.leaving),
            rebalance=self.question.rebalance or workload.rebalance,
            score=self._score(case) if self.question.objective else None,
            closed={self.terrain.clusters[s].name: why for s, why in case.quote.refused.items()},
        )
        self.propagations[workload.identity] = found
        everywhere = policy.placement.strategy == "Duplicated"
        growth = {
            self.place_of[name]: count - min(workload.previous.get(name, 0), count)
            for name, count in found.replicas.items()
        }
        growth = {s: count for s, count in growth.items() if count > 0}
        if not growth:
            return
        whole = tuple(count for _, count in case.quote.templates)
        if everywhere or sum(growth.values()) > sum(case.counts):
            case = self.cases[workload.identity] = case._replace(counts=whole)
        lacking = self.assignment.settle_in(
            case, growth, ranked=self.question.objective is not None, everywhere=everywhere
        )
        if lacking:
            self.shortfalls[workload.identity] = lacking

    def _score(self, case: Case) -> Callable[[str], float]:
        """What decides between clusters, 0 to 100: the objective, where it was asked for."""
        usable = case.usable(self.terrain)
        worth = np.array(case.counts) @ np.where(usable, case.score, 0.0)
        fixed = case.factors.cost * case.quote.fixed[self.terrain.region]
        best: dict[str, float] = {}
        for g in np.flatnonzero(usable).tolist():
            name = self.terrain.clusters[int(self.terrain.site[g])].name
            best[name] = min(best.get(name, np.inf), float(worth[g] + fixed[g]))
        least, most = min(best.values(), default=0.0), max(best.values(), default=0.0)

        def score(name: str) -> float:
            if name not in best:
                return 0.0
            return 100.0 if most <= least else 100.0 * (most - best[name]) / (most - least)

        return score

    def _told(self) -> Told:
        return Told(
            question=self.question,
            objective=self.objective,
            reference=self.reference,
            policy=self.policy,
            fleet=self.fleet,
            whole=self.whole,
            lost=self.lost,
            now=self.now,
            flows=self.flows(),
            assignment=self.assignment,
            network=self.network,
            cases=self.cases,
            bound=self.bound,
            left=frozenset(case.workload.identity for case in self.left),
            policies=self.policy_of,
            propagations=self.propagations,
            shortfalls=self.shortfalls,
            own=tuple(self.own),
            idle=tuple(self.index.selecting_nothing(self.fleet.workloads)),
            warnings=tuple(self.warnings),
            started=self.started,
        )


class _Turns:
    """Tells how many workloads have had their turn."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done = 0
        self._total = total
        self._progress = progress

    def next(self) -> None:
        """One more has."""
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)


def _policy(asked: str | Policy | None) -> Policy:
    return preset(asked or "kubernetes") if not isinstance(asked, Policy) else asked


def _priority(workload: FleetWorkload) -> int:
    return max((pod.priority for pod in workload.pods), default=0)


def _settled(cluster: Cluster, found: Plan) -> Cluster:
    """A cluster after the plan of its own pending pods: those that stay pending are left out."""
    places = {placement.pod: placement for placement in found.placements}
    evicted = {eviction.pod for eviction in found.evictions}
    pods = [_bound(pod, places) for pod in cluster.snapshot.pods if pod.key not in evicted]
    running = tuple(pod for pod in pods if pod.node is not None)
    snapshot: Snapshot = msgspec.structs.replace(cluster.snapshot, pods=running, jobs=(), queues=())
    settled: Cluster = msgspec.structs.replace(cluster, snapshot=snapshot)
    return settled


def _bound(pod: Pod, places: dict[str, Placement]) -> Pod:
    """A pod on the node that was chosen for it; as it is where none was."""
    place = places.get(pod.key)
    if pod.node is not None or place is None:
        return pod
    bound: Pod = msgspec.structs.replace(pod, node=place.node, device_indices=place.devices)
    return bound


def _loosened(fleet: Fleet) -> Fleet:
    """The fleet with its workloads taken off their nodes, so that all of them are decided anew."""
    loose: dict[str, set[str]] = {}
    for workload in fleet.workloads:
        for cluster, keys in workload.running.items():
            loose.setdefault(cluster, set()).update(keys)
    clusters = tuple(_emptied(cluster, loose.get(cluster.name, set())) for cluster in fleet.clusters)
    workloads = tuple(msgspec.structs.replace(one, previous={}, running={}) for one in fleet.workloads)
    found: Fleet = msgspec.structs.replace(fleet, clusters=clusters, workloads=workloads)
    return found


def _emptied(cluster: Cluster, keys: set[str]) -> Cluster:
    if not keys:
        return cluster
    pods = tuple(pod for pod in cluster.snapshot.pods if pod.key not in keys)
    emptied: Cluster = msgspec.structs.replace(cluster, snapshot=msgspec.structs.replace(cluster.snapshot, pods=pods))
    return emptied


def _peculiar(workloads: Sequence[FleetWorkload]) -> list[Pod]:
    """One pod of each specification that asks for more than cpu, memory and disk, or looks at ports or other pods."""
    found: dict[int, Pod] = {}
    usual = {"cpu", "memory", "ephemeral-storage", "pods"}
    for workload in workloads:
        for pods in (workload.pods, *workload.variants.values()):
            for pod in pods:
                spec = pod.spec
                affinity = spec.affinity
                if (
                    spec.host_ports
                    or spec.spread
                    or affinity.pod_affinity != PodAffinity()
                    or affinity.pod_anti_affinity != PodAffinity()
                    or not usual.issuperset(spec.requests)
                ):
                    found.setdefault(id(spec), pod)
    return list(found.values())
