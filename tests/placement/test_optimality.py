"""How good plans are: 200 small random fleets against an exact integer program that shares nothing with the planner."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from exact_fleet import Exact
from small_fleets import TYPES, small_fleet

from yuheng.model.fleet import Fleet
from yuheng.model.fleet_plan import FleetPlan, FleetSummary
from yuheng.model.labels import INSTANCE_TYPE
from yuheng.placement import exact
from yuheng.placement.planner import Question, plan

FLEETS = 200
SEARCHED = 40
EXACT = 1e-6


class Match(NamedTuple):
    """One fleet: the plan in numbers, the best value of any plan of the same workloads, and how many fit at the most.

    Attributes:
        sure: whether the integer program was solved to the end.
        shares: whether workloads share a node that is opened.
    """

    seed: int
    summary: FleetSummary
    best: float
    sure: bool
    most: int
    shares: bool

    @property
    def distance(self) -> float:
        """How far the plan is above the best one, relative to it."""
        above = self.summary.value - self.best
        return above / self.best if self.best > 0 else above


@pytest.fixture(scope="module")
def matches() -> list[Match]:
    return [_match(seed) for seed in range(FLEETS)]


def _match(seed: int) -> Match:
    fleet, objective = small_fleet(seed)
    found = plan(fleet, Question(objective=objective))
    oracle = Exact(fleet, objective)
    best = oracle.best([one.workload for one in found.workloads if one.replicas])
    sure = best.value - best.bound <= EXACT * abs(best.value) + 1e-12
    return Match(seed, found.summary, best.value, sure, oracle.most(), _shares(fleet, found))


def _shares(fleet: Fleet, found: FleetPlan) -> bool:
    key_of = {pod.key: one.key for one in fleet.workloads for pod in one.pods}
    exist = {node.name for cluster in fleet.clusters for node in cluster.snapshot.nodes}
    on = {(item.node, key_of[item.pod]) for _, item in found.placements if item.node not in exist}
    return len(on) > len({node for node, _ in on})


def test_the_exact_answers_are_exact(matches: list[Match]) -> None:
    assert [match.seed for match in matches if not match.sure] == []


def test_no_plan_is_better_than_the_best_there_is(matches: list[Match]) -> None:
    """Its sums are those of plain Python, then: a price that was too low, or pods that do not fit, would show."""
    assert [(match.seed, match.distance) for match in matches if match.distance < -EXACT] == []


def test_plans_are_within_two_percent_of_the_best_on_average_and_never_ten_off(matches: list[Match]) -> None:
    assert [(match.seed, match.distance) for match in matches if match.distance > 0.1] == []
    assert sum(match.distance for match in matches) / FLEETS <= 0.02


def test_in_half_of_the_fleets_workloads_share_nodes_that_are_opened(matches: list[Match]) -> None:
    assert sum(match.shares for match in matches) >= FLEETS / 2
    pools = [pool for seed in range(FLEETS) for one in small_fleet(seed)[0].clusters for pool in one.pools]
    assert {pool.node.labels[INSTANCE_TYPE] for pool in pools} == set(TYPES)


def test_the_search_alone_comes_as_close(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too large for the exact program is left to it."""
    monkeypatch.setattr(exact, "MOST_COLUMNS", 0)
    distances = []
    for seed in range(SEARCHED):
        fleet, objective = small_fleet(seed)
        found = plan(fleet, Question(objective=objective))
        best = Exact(fleet, objective).best([one.workload for one in found.workloads if one.replicas]).value
        distances.append((found.summary.value - best) / best if best > 0 else found.summary.value)
    assert max(distances) <= 0.1
    assert sum(distances) / SEARCHED <= 0.02


def test_nobody_is_left_who_could_be_placed(matches: list[Match]) -> None:
    """In a few fleets one workload more would fit if pods were packed by hand."""
    fewer = {match.seed: match.most - match.summary.placed for match in matches if match.summary.placed < match.most}
    assert len(fewer) <= 4, fewer
    assert max(fewer.values(), default=0) <= 2
    assert all(match.summary.placed <= match.most for match in matches)


def test_the_stated_gap_is_never_below_the_true_one(matches: list[Match]) -> None:
    for match in matches:
        summary = match.summary
        assert summary.bound <= match.best * (1 + EXACT) + 1e-12, match.seed
        assert summary.bound <= summary.value, match.seed
        if summary.gap is not None:
            assert summary.gap >= match.distance - EXACT, match.seed
        else:
            assert summary.bound <= 0, match.seed


def test_a_gap_is_stated_wherever_there_is_anything_to_pay(matches: list[Match]) -> None:
    """And most of them are small: the bound is worth something."""
    stated = sorted(match.summary.gap for match in matches if match.summary.gap is not None)
    assert len(stated) >= 0.95 * FLEETS
    assert stated[len(stated) // 2] <= 0.01


def test_the_fleets_differ_in_what_matters() -> None:
    """A generator that only made fleets with room for everybody would prove nothing."""
    fleets = [small_fleet(seed) for seed in range(FLEETS)]
    workloads = [one for fleet, _ in fleets for one in fleet.workloads]
    assert len({objective for _, objective in fleets}) >= 6
    assert {len(fleet.clusters) for fleet, _ in fleets} == set(range(1, 7))
    assert {len(fleet.workloads) for fleet, _ in fleets} == set(range(1, 13))
    for holds in (
        [one.divisible for one in workloads],
        [bool(one.requirements.run_time) for one in workloads],
        [bool(one.requirements.reads) for one in workloads],
        [bool(one.requirements.regions) for one in workloads],
        [bool(one.requirements.markets) for one in workloads],
        [one.requirements.within is not None for one in workloads],
    ):
        assert len(workloads) // 20 <= sum(holds) <= len(workloads) * 19 // 20
