"""One run: a scenario, a policy, a seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from yuheng.model.cluster import Snapshot
from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.model.scenario import PriceSeries, Scenario
from yuheng.model.simulation import RefusedJob, Run
from yuheng.scheduling.scheduler import Scheduler
from yuheng.simulation.deciders import PodByPod
from yuheng.simulation.disturbances import disturbances, initially_absent
from yuheng.simulation.generate import generate
from yuheng.simulation.impossible import impossible
from yuheng.simulation.measures import Happened, Measures
from yuheng.simulation.nodes import Nodes
from yuheng.simulation.population import Population, populate
from yuheng.simulation.record import Record, Sample
from yuheng.simulation.sequence import run_sequence
from yuheng.simulation.simulator import Settings, Simulator

__all__ = ["run_one"]

# Refused jobs that a run names; of more it tells how many.
MOST_REFUSED = 100


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
        workload = generate(scenario.generator, seed, scenario.epoch)
    stage = _stage(scenario)
    snapshot = stage.snapshot
    returning = bool(scenario.failures or scenario.markets or scenario.changes)
    population = populate(snapshot, workload, {}, returning=returning)
    refused = impossible(snapshot, policy, seed, population)
    record = Record()
    nodes = Nodes(len(snapshot.nodes), stage.absent, record)
    scheduler = Scheduler(snapshot, policy, seed, population.kinds, _typical(population))
    decider = PodByPod(scheduler)
    if stage.absent:
        decider.close(stage.absent)
    settings = Settings(scenario.cycle, scenario.startup, scenario.checkpoint, scenario.until, scenario.sample)
    simulator = Simulator(population, decider, nodes, record, settings)
    simulator.refuse(frozenset(refused))
    last_change = max((change.time for change in scenario.changes), default=0.0)
    simulator.disturb(disturbances(scenario, snapshot.nodes, seed), last_change)
    simulator.watch(lambda now: record.samples.append(Sample(now, scheduler.fragmented_milli())))
    end = simulator.run()
    happened = Happened(
        population=population,
        nodes=snapshot.nodes,
        prices=stage.prices,
        stints=record.stints(end),
        spans=record.spans,
        samples=record.samples,
        end=end,
        refused=frozenset(refused),
        epoch=scenario.epoch if workload is None or workload.epoch is None else workload.epoch,
    )
    return _told(policy, seed, Measures(happened), refused)


class _Stage(NamedTuple):
    """The nodes there will ever be, those of pools included."""

    snapshot: Snapshot
    absent: Sequence[int]
    prices: Sequence[PriceSeries | None]


def _stage(scenario: Scenario) -> _Stage:
    nodes = sorted(scenario.snapshot.nodes, key=lambda node: node.name)
    snapshot: Snapshot = msgspec.structs.replace(scenario.snapshot, nodes=tuple(nodes))
    return _Stage(snapshot, initially_absent(scenario, nodes), [_price(scenario, node) for node in nodes])


def _price(scenario: Scenario, node: Node) -> PriceSeries | None:
    """The first price that speaks of a node."""
    for pricing in scenario.prices:
        if pricing.labels.items() <= node.labels.items():
            return pricing.price
    return None


def _typical(population: Population) -> list[tuple[Pod, int]]:
    """The pods by which fragmentation is measured, and how many there are of each."""
    counts = np.bincount(population.kinds.kind[population.kinds.kind >= 0], minlength=len(population.kinds.models))
    return [(pod, count) for pod, count in zip(population.kinds.models, counts.tolist(), strict=True) if count]


def _told(policy: Policy, seed: int, measures: Measures, refused: dict[int, RefusedJob]) -> Run:
    totals = measures.totals()
    warnings = []
    if totals.get("pending"):
        warnings.append(f"{totals['pending']:.0f} jobs wait still at the end: their waits so far are counted as waits")
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
