"""The simulator decides what a fresh plan of every moment's state would: pods, nodes, GPUs, times.

Nodes that are not there count for the simulator where something looks at *all* nodes, as cordoned nodes without labels
would: BestFit, WorstFit, DotProduct and GpuClustering (cpu and GPUs of the largest node), ties that are broken by the
seed's order of nodes, the share of nodes that have an image. Policies that look at none of these decide as if such
nodes were not there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import msgspec
import pytest
from tests.simulation.made_runs import (
    EVERY_ACTION,
    GANGS,
    crowded,
    drawn,
    drawn_by_queue,
    run,
)
from tests.simulation.made_runs import by_queue as configured
from tests.simulation.plain_simulation import Absent, Plain

from yuheng.model.batch import PluginOption
from yuheng.model.policy import Policy
from yuheng.model.scenario import Scenario
from yuheng.scheduling import engine, scheduler

SEEDS = range(16)
ALL_PRESETS = (
    "kubernetes",
    "binpack",
    "spread",
    "fgd",
    "gpupacking",
    "gpuclustering",
    "dotproduct",
    "bestfit",
    "worstfit",
    "firstfit",
)


def compare(
    scenario: Scenario, absent: Absent = "cordoned", *, again: bool = True, windows: Sequence[float] = ()
) -> int:
    """Simulate both ways; how many decisions there were."""
    found = run(scenario)
    plain = Plain(scenario, absent=absent, again=again, windows=windows).run()
    assert found.decisions == plain.decisions
    assert found.evictions == plain.evictions
    left = {unit.pod.key: [stay[1:] for stay in unit.stays] for unit in plain.units if unit.stays}
    ended = {
        name: [(end, outcome.name) for _, end, outcome in stays if outcome.name != "RUNNING"]
        for name, stays in found.times().items()
    }
    assert {name: stays for name, stays in ended.items() if stays} == left
    return len(plain.decisions)


@pytest.mark.parametrize("policy", ALL_PRESETS)
def test_pods_one_by_one(policy: str) -> None:
    assert sum(compare(drawn(Random(seed), policy)) for seed in SEEDS) > 150


@pytest.mark.parametrize(
    ("policy", "absent"),
    [("kubernetes", "as they are"), ("binpack", "as they are"), ("kubernetes", "cordoned"), ("fgd", "cordoned")],
)
def test_pods_whose_rules_look_at_other_pods(policy: str, absent: Absent) -> None:
    assert sum(compare(drawn(Random(seed), policy, peers=True), absent) for seed in SEEDS) > 150


@pytest.mark.parametrize("policy", ["kubernetes", "binpack", "firstfit"])
def test_absent_nodes_count_for_nothing_where_nobody_looks_at_all_nodes(policy: str) -> None:
    assert sum(compare(drawn(Random(seed), policy), "left out") for seed in SEEDS) > 150


def test_a_random_choice_begins_as_a_plan_does() -> None:
    """In the first cycle; later ones draw other numbers than a plan that begins then."""
    for seed in SEEDS:
        scenario = msgspec.structs.replace(drawn(Random(seed), "random"), changes=())
        found, plain = run(scenario).decisions, Plain(scenario).run().decisions
        assert [each for each in found if each.time == 0.0] == [each for each in plain if each.time == 0.0]


def test_a_log_that_is_folded_again_and_again_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "LINES", 48)
    monkeypatch.setattr(scheduler, "STRETCH", 16)
    assert sum(compare(drawn(Random(seed), "kubernetes", peers=True), "as they are") for seed in SEEDS) > 150
    assert sum(compare(drawn(Random(seed), "fgd")) for seed in SEEDS) > 150


def test_classes_that_are_too_many_for_one_window_decide_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_BUDGET", 1)
    assert sum(compare(drawn(Random(seed), "kubernetes", peers=True), "as they are") for seed in SEEDS) > 150
    assert sum(compare(drawn(Random(seed), "bestfit")) for seed in SEEDS) > 150


def test_trying_only_the_first_of_each_kind_tells_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "FEW", 1)
    assert sum(compare(drawn(Random(seed), "kubernetes")) for seed in SEEDS) > 150
    assert sum(compare(drawn(Random(seed), "gpupacking")) for seed in SEEDS) > 150


# Queues.

RESERVE = PluginOption("reserve", arguments={"reserve.factor": 0.8})
NODE_GROUPS = PluginOption("nodegroup", arguments={"strict": False})
ZONES = PluginOption("tdm", arguments={"tdm.revocable-zone.day": "08:00-20:00"})
SLA = PluginOption("sla", arguments={"sla-waiting-time": "10s"})
PREEMPT = ("enqueue", "allocate", "preempt", "backfill")
RECLAIM = ("enqueue", "allocate", "reclaim", "backfill")

QUIET = {
    "proportion": configured("drf", "predicates", "proportion", "nodeorder"),
    "capacity": configured("drf", "predicates", "capacity", "nodeorder"),
    "overcommit": configured("overcommit", "drf", "predicates", "proportion", "nodeorder"),
    "easy": configured("drf", "predicates", "nodeorder"),
    "tdm": configured("predicates", "proportion", "nodeorder", ZONES),
}
EVICTING = {
    "preempt": configured("drf", "predicates", "proportion", "nodeorder", actions=PREEMPT),
    "reclaim": configured("drf", "predicates", "proportion", "nodeorder", actions=RECLAIM),
    "capacity": configured("drf", "predicates", "capacity", "nodeorder", actions=EVERY_ACTION),
    "easy": configured("predicates", "proportion", "nodeorder", actions=EVERY_ACTION),
    "nodegroup": configured("predicates", "proportion", "nodeorder", NODE_GROUPS, actions=EVERY_ACTION),
    "reserve": configured("predicates", "capacity", "nodeorder", RESERVE, actions=EVERY_ACTION),
    "sla": configured("predicates", "proportion", "nodeorder", actions=EVERY_ACTION, first=(*GANGS, SLA)),
}


def in_queues(name: str, policy: Policy, seed: int) -> Scenario:
    shares = policy.batch is not None and policy.batch.has("capacity")
    found = drawn_by_queue(
        Random(seed), policy, capacity=shares, estimates=name == "easy", places=name in ("nodegroup", "tdm")
    )
    # The zone is open, all day or until a minute from the start.
    return msgspec.structs.replace(found, epoch=20 * 3600.0 - (60.0 if seed % 2 else 7200.0))


@pytest.mark.parametrize("name", QUIET)
def test_queues(name: str) -> None:
    """Every cycle of the period is one, and one that placed something is followed by another."""
    assert sum(compare(one, "left out", windows=windows(one, name)) for one in scenarios_of(name)) > 80


def scenarios_of(name: str) -> list[Scenario]:
    return [in_queues(name, QUIET[name], seed) for seed in range(10)]


def windows(scenario: Scenario, name: str) -> list[float]:
    """When the zone closes, as a cycle sees it."""
    if name != "tdm":
        return []
    closes, period = 20 * 3600.0 - (scenario.epoch or 0.0), scenario.cycle
    return [math.ceil(closes / period) * period if period else closes]


@pytest.mark.parametrize("name", ["proportion", "capacity", "overcommit"])
def test_crowds_of_jobs_that_are_alike(name: str) -> None:
    scenarios = [crowded(Random(seed), in_queues(name, QUIET[name], seed)) for seed in range(4)]
    assert sum(compare(scenario, "left out") for scenario in scenarios) > 150


@pytest.mark.parametrize("name", EVICTING)
def test_queues_that_take_room_from_others(name: str) -> None:
    scenarios = [in_queues(name, EVICTING[name], seed) for seed in range(8)]
    # Without a period, what was just placed is evicted when something happens, not at once.
    assert sum(compare(one, "left out", again=one.cycle > 0) for one in scenarios) > 40


def test_with_a_period_every_cycle_of_it_may_evict() -> None:
    compare(in_queues("capacity", EVICTING["capacity"], 113), "left out")


def test_queues_with_a_log_that_is_folded_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "LINES", 48)
    for seed in range(8):
        one = in_queues("capacity", EVICTING["capacity"], seed)
        compare(one, "left out", again=one.cycle > 0)
