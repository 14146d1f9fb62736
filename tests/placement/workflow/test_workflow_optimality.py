"""Plans of small workflows, compared with the slow obvious search; and what every plan has to keep."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_workflows import drawn, optimum, overloads

from yuheng.model.workflow import Weights
from yuheng.placement.workflow import place_workflow

FASTEST = Weights(money=0.0, time=1.0)


def small(seed):
    return drawn(seed, tasks=2 + seed % 4, regions=2 + seed % 2, limited=seed % 3 > 0)


def medium(seed):
    return drawn(seed, tasks=25, regions=3, options=6, limited=seed % 2 > 0, density=0.12)


@pytest.mark.parametrize("seed", range(60))
def test_a_small_workflow_is_placed_at_the_optimum(seed):
    problem = small(seed)
    plan = place_workflow(*problem)
    assert plan.objective == pytest.approx(optimum(*problem), rel=1e-6, abs=1e-9)
    assert (plan.method, plan.gap) == ("exact", 0.0)


@pytest.mark.parametrize("factor", [0.97, 1.0, 1.2])
@pytest.mark.parametrize("seed", range(100, 125))
def test_a_deadline_is_met_at_the_least_objective_or_refused(seed, factor):
    problem = small(seed)
    deadline = factor * optimum(*problem[:4], FASTEST)
    best = optimum(*problem, deadline)
    plan = place_workflow(*problem, deadline)
    assert bool(plan.reason) == (best == inf)
    if best < inf:
        assert plan.objective == pytest.approx(best, rel=1e-6, abs=1e-9)
        assert plan.seconds <= deadline * (1 + 1e-6)


@pytest.mark.parametrize("seed", range(200, 260))
def test_the_stated_gap_of_a_heuristic_plan_is_never_below_the_true_one(seed):
    problem = small(seed)
    best = optimum(*problem)
    plan = place_workflow(*problem, exact_limit=0)
    slack = 1e-6 * max(1.0, abs(best))
    assert plan.bound <= best + slack
    assert plan.objective >= best - slack
    assert plan.objective <= 1.1 * best + slack


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_every_plan_keeps_order_limits_and_its_own_sums(seed):
    made, options, network, limits, weights = medium(seed)
    plan = place_workflow(made, options, network, limits, weights)
    placed = {one.name: one for one in plan.tasks}
    assert set(placed) == {one.name for one in made.tasks}
    size = {(edge.source, edge.target): edge.gigabytes for edge in made.edges}
    for one in made.tasks:
        own = placed[one.name]
        assert own.option in options[one.name]
        assert own.finish == own.start + own.option.seconds
        assert own.start >= own.option.earliest
        for source in one.after:
            gigabytes = size.get((source, one.name), 0)
            moved = network.seconds(placed[source].option.region, own.option.region, gigabytes) if gigabytes else 0.0
            assert own.start >= placed[source].finish + moved - 1e-9
    runs = {name: (one.start, one.finish) for name, one in placed.items()}
    chosen = {name: one.option for name, one in placed.items()}
    assert not [one for one in plan.tasks if overloads(one.start, runs, chosen, limits)]
    assert plan.compute == pytest.approx(sum(one.money for one in chosen.values()))
    assert plan.transfer == pytest.approx(sum(one.money for one in plan.transfers))
    assert plan.seconds == max(one.finish for one in plan.tasks)
    expected = weights.money * plan.money + weights.time * plan.seconds + weights.carbon * plan.carbon
    assert plan.objective == pytest.approx(expected)
    assert plan.bound <= plan.objective
    assert plan.gap == pytest.approx(max(plan.objective - plan.bound, 0) / (plan.objective or 1.0), abs=1e-9)


@pytest.mark.parametrize("seed", [3, 4])
def test_the_same_input_gives_the_same_plan_in_whatever_order_options_come(seed):
    made, options, *rest = medium(seed)
    turned = {name: list(reversed(given)) for name, given in reversed(options.items())}
    plan = place_workflow(made, options, *rest)
    assert plan == place_workflow(made, options, *rest)
    assert plan == place_workflow(made, turned, *rest)
