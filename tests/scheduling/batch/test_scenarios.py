"""Scenarios as data: a cluster in YAML, the verdict worked out by hand from the rules (see `written` and `judged`)."""

from __future__ import annotations

import pytest

import yuheng
from tests.scheduling.batch.judged import Outcome, applied, judge
from tests.scheduling.batch.written import Scenario, scenarios

SCENARIOS = scenarios()
SETTLED = [scenario for scenario in SCENARIOS if "told" not in scenario.expect and not scenario.repeats]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_verdict_is_the_one_worked_by_hand(scenario: Scenario):
    judge(scenario)


@pytest.mark.parametrize("scenario", SETTLED, ids=lambda scenario: scenario.name)
def test_planning_again_after_a_plan_evicts_nobody(scenario: Scenario):
    outcome = Outcome(scenario)
    after = applied(outcome.snapshot, outcome.plan)
    assert yuheng.plan(after, now=scenario.now).to_dict()["evictions"] == []


def test_there_are_enough_scenarios_and_each_has_a_name_of_its_own():
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS) >= 75
