"""One run: a scenario, a policy, a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from yuheng.errors import InputError
from yuheng.model.cluster import Snapshot
from yuheng.model.labels import HOSTNAME
from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.model.scenario import NodePool, PriceSeries, Scenario
from yuheng.model.simulation import RefusedJob, Run
from yuheng.model.workload import Workload
from yuheng.scheduling.batch.roster import job_keys
from yuheng.scheduling.batch.scheduler import BatchScheduler
from yuheng.scheduling.planner import chosen_policy, decides_by_queue
from yuheng.scheduling.scheduler import Scheduler
from yuheng.simulation.deciders import ByQueue, PodByPod
from yuheng.simulation.disturbances import disturbances, initially_absent
from yuheng.simulation.generate import generate
from yuheng.simulation.impossible import impossible
from yuheng.simulation.measures import Happened, Measures
from yuheng.simulation.nodes import Nodes
from yuheng.simulation.pools import Orders, PoolNodes, Pools
from yuheng.simulation.population import Population, populate
from yuheng.simulation.record import Record, Sample
from yuheng.simulation.roles import Decider
from yuheng.simulation.sequence import run_sequence
from yuheng.simulation.simulator import Settings, Simulator

__all__ = ["run_one"]

# Refused jobs that a run names; of more it tells how many.
MOST_REFUSED = 100
# Mean times to repair within which, but for one in a thousand million, a failed node is back.
REPAIRS = 20
DAY = 86_400.0


def run_one(scenario: Scenario, policy: Policy, seed: int) -> Run:
    """Simulate one policy on one seed.

    Args:
        scenario: what is simulated.
        policy: one of its policies.
        seed: of the workload where it is drawn, of failures and markets, and of the policy.

    Returns:
        The measures; the same for the same arguments, on every machine.

    Raises:
        ConfigError: the scenario or the policy cannot be worked with.
        InputError: something in the scenario's cluster cannot be.
    """
    if scenario.sequence is not None:
        return run_sequence(scenario, scenario.sequence, policy, seed)
    workload = scenario.workload
    if scenario.generator is not None:
        epoch = scenario.snapshot.time if scenario.epoch is None else scenario.epoch
        workload = generate(scenario.generator, seed, epoch)
    stage = _stage(scenario)
    policy = chosen_policy(stage.snapshot, policy, seed)
    return _Run(scenario, stage, workload, policy, seed).told()


class _Stage(NamedTuple):
    """The nodes there will ever be, those of pools included.

    Attributes:
        snapshot: the cluster at the start, with all of them.
        absent: those that are not there at the start.
        prices: of each; None where unknown.
        pools: which of them are whose.
        cordoned: those that are cordoned at the start, and not for good.
    """

    snapshot: Snapshot
    absent: Sequence[int]
    prices: Sequence[PriceSeries | None]
    pools: Sequence[PoolNodes]
    cordoned: Sequence[int]


def _stage(scenario: Scenario) -> _Stage:
    mine = {pool.name: [_of_pool(pool, i) for i in range(pool.maximum)] for pool in scenario.pools}
    lifted = {name for change in scenario.changes if change.kind == "uncordon" for name in change.nodes}
    cordoned = {node.name for node in scenario.snapshot.nodes if node.unschedulable and node.name in lifted}
    own = [_uncordoned(node) if node.name in cordoned else node for node in scenario.snapshot.nodes]
    every = [*own, *(node for nodes in mine.values() for node in nodes)]
    nodes = sorted(every, key=lambda node: node.name)
    number = {node.name: n for n, node in enumerate(nodes)}
    if len(number) < len(nodes):
        twice = next(name for name, times in Counter(node.name for node in nodes).items() if times > 1)
        raise InputError(f"two nodes named {twice!r}", "names that no pool's nodes have", field="pools")
    pools = [PoolNodes(pool, [number[node.name] for node in mine[pool.name]]) for pool in scenario.pools]
    to_come = [node for one in pools for node in one.nodes[one.pool.initial :]]
    snapshot: Snapshot = msgspec.structs.replace(scenario.snapshot, nodes=tuple(nodes))
    absent = (*initially_absent(scenario, nodes), *to_come)
    _check_homes(snapshot, absent)
    prices = [_price(scenario, node) for node in nodes]
    for one in pools:
        for node in one.nodes:
            prices[node] = one.pool.price or prices[node]
    return _Stage(snapshot, absent, prices, pools, [number[name] for name in sorted(cordoned)])


def _uncordoned(node: Node) -> Node:
    """A cordoned node as it will be: the simulation keeps it closed until then."""
    taints = tuple(taint for taint in node.taints if taint.key != "node.kubernetes.io/unschedulable")
    found: Node = msgspec.structs.replace(node, unschedulable=False, taints=taints)
    return found


def _check_homes(snapshot: Snapshot, absent: Sequence[int]) -> None:
    """Refuse pods that run where no node is yet."""
    missing = {snapshot.nodes[n].name for n in absent}
    for pod in snapshot.pods if missing else ():
        if pod.node in missing:
            found = f"{pod.node!r}, which is added later"
            expected = "a node that is there at the start"
            raise InputError(found, expected, subject=f"Pod {pod.key}", field="spec.nodeName")


def _of_pool(pool: NodePool, i: int) -> Node:
    """A pool's node."""
    name = f"{pool.name}-{i}"
    labels = {**pool.node.labels, HOSTNAME: name}
    node: Node = msgspec.structs.replace(pool.node, name=name, labels=labels)
    return node


def _price(scenario: Scenario, node: Node) -> PriceSeries | None:
    """The first price that speaks of a node."""
    for pricing in scenario.prices:
        if pricing.labels.items() <= node.labels.items():
            return pricing.price
    return None


class _Run:
    """Everything of one run, put together."""

    def __init__(self, scenario: Scenario, stage: _Stage, workload: Workload | None, policy: Policy, seed: int) -> None:
        self._scenario = scenario
        self._stage = stage
        self._policy = policy
        self._seed = seed
        self._workload = workload
        snapshot = stage.snapshot
        by_queue = decides_by_queue(snapshot, policy) or (workload is not None and _is_batch(workload))
        disturbed = bool(scenario.failures or scenario.markets or scenario.changes)
        keys = job_keys(snapshot) if by_queue else {}
        self._population = populate(snapshot, workload, keys, returning=by_queue or disturbed)
        self._refused = impossible(snapshot, policy, seed, self._population)
        self._record = Record()
        kinds = self._population.kinds
        self._scheduler = Scheduler(snapshot, policy, seed, kinds, _typical(self._population))
        start = self._epoch() or 0.0
        self._queues: BatchScheduler | None = None
        self._decider: Decider = PodByPod(self._scheduler)
        if by_queue:
            self._queues = BatchScheduler(self._scheduler, snapshot, policy, kinds, start)
            self._decider = ByQueue(self._queues, self._population, start, periodic=scenario.cycle > 0)

    def _epoch(self) -> float | None:
        """Second 0 in seconds since the epoch, as far as anything tells."""
        own = None if self._workload is None else self._workload.epoch
        known = (self._scenario.epoch, own, self._stage.snapshot.time)
        return next((time for time in known if time is not None), None)

    def told(self) -> Run:
        """Let it happen, and measure it."""
        scenario, stage, record = self._scenario, self._stage, self._record
        nodes = Nodes(len(stage.snapshot.nodes), stage.absent, record)
        if stage.absent:
            self._decider.close(stage.absent, gone=True)
        for node in stage.cordoned:
            nodes.close(node, "drained")
            self._decider.close([node], gone=False)
        settings = Settings(scenario.cycle, scenario.startup, scenario.checkpoint, scenario.until, scenario.sample)
        simulator = Simulator(self._population, self._decider, nodes, record, settings)
        simulator.refuse(frozenset(self._refused))
        last_change = max((change.time for change in scenario.changes), default=0.0)
        events = disturbances(scenario, stage.snapshot.nodes, self._seed)
        windows = 0.0 if self._decider.next_window(0.0) is None else DAY
        simulator.disturb(events, last_change, max(_patience(scenario), windows))
        simulator.watch(self._look)
        if stage.pools:
            changes = sorted({time for one in stage.pools if one.pool.price for time in one.pool.price.times[1:]})
            simulator.provide(Pools(stage.pools, stage.snapshot.nodes, self._orders(nodes)), changes)
        end = simulator.run()
        refused = {job: one for job, one in self._refused.items() if self._population.submit[job] <= end}
        happened = Happened(
            population=self._population,
            nodes=stage.snapshot.nodes,
            prices=stage.prices,
            stints=record.stints(end),
            spans=record.spans,
            samples=record.samples,
            end=end,
            refused=frozenset(refused),
            epoch=self._epoch(),
        )
        return _told(self._policy, self._seed, Measures(happened), refused, self._warnings())

    def _warnings(self) -> list[str]:
        """What of the scenario has to be known to read the numbers rightly."""
        unpriced = [price is None for price in self._stage.prices]
        if not any(unpriced) or all(unpriced):
            return []
        return [f"the price of {sum(unpriced)} of {len(unpriced)} nodes is not known: the cost leaves them out"]

    def _orders(self, nodes: Nodes) -> Orders:
        """Who waits, for those who order nodes."""
        kinds = self._population.kinds
        return Orders(
            waiting=self._decider.first_waiting,
            spec=lambda pod: kinds.models[kinds.kind[pod]].spec,
            may_run_on=self._scheduler.may_run_on,
            to_be_had=nodes.to_be_had,
        )

    def _look(self, now: float) -> None:
        """A point of the time series."""
        shares = {} if self._queues is None else self._queues.shares(now)
        self._record.samples.append(Sample(now, self._scheduler.fragmented_milli(), shares))


def _patience(scenario: Scenario) -> float:
    """Seconds until a node that failed, or whose market is gone, should be back: else it is no use to wait for it."""
    repairs = [REPAIRS * failures.mttr for failures in scenario.failures]
    rounds = [market.gap * len(market.available) for market in scenario.markets]
    return max([*repairs, *rounds], default=0.0)


def _is_batch(workload: Workload) -> bool:
    """Whether any job has to start together, or names a queue."""
    return bool((workload.minimum > 1).any()) or any(pod.queue for pod in workload.templates)


def _typical(population: Population) -> list[tuple[Pod, int]]:
    """The pods by which fragmentation is measured, and how many there are of each."""
    models = population.kinds.models
    counts = np.bincount(population.models(), minlength=len(models)).tolist()
    return [(pod, count) for pod, count in zip(models, counts, strict=True) if count]


def _told(policy: Policy, seed: int, measures: Measures, refused: dict[int, RefusedJob], warnings: list[str]) -> Run:
    totals = measures.totals()
    if totals.get("pending"):
        warnings.append("jobs wait still at the end: the time that they waited so far counts as time pending")
    return Run(
        policy=policy.name,
        seed=seed,
        totals=totals,
        series=measures.series(),
        queues=measures.queues(),
        rush=measures.rush(),
        refused=tuple(refused.values())[:MOST_REFUSED],
        warnings=tuple(warnings),
    )
