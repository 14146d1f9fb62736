"""Workflows placed as a whole: the situations that papers solve apart, limits, and what cannot be placed."""

from __future__ import annotations

import pytest
from made_workflows import network, option, task, workflow

from yuheng.errors import InputError
from yuheng.model.requirements import DataUse, Requirements, RunTime
from yuheng.model.workflow import DataEdge, Limits, Network, Task, TaskOption, Weights, Workflow
from yuheng.placement.workflow import place_workflow

MONEY = Weights(money=1.0)
TIME = Weights(money=0.0, time=1.0)
NO_LIMITS = Limits()
EAST, WEST, NORTH = "aws/east", "aws/west", "gcp/north"


def where(plan):
    return {one.name: one.option.region for one in plan.tasks}


def starts(plan):
    return {one.name: one.start for one in plan.tasks}


def test_tasks_go_to_their_data_where_moving_it_costs_more_than_machines_do():
    made = workflow(task("a"), task("b", "a"), edges=[("a", "b", 100)])
    options = {"a": [option(EAST, 10, 5.0)], "b": [option(EAST, 10, 5.0), option(WEST, 10, 4.0)]}
    plan = place_workflow(made, options, network(), NO_LIMITS, MONEY)
    assert (where(plan), plan.money) == ({"a": EAST, "b": EAST}, 10.0)
    runner_up = plan.tasks[1].runner_up
    # One dollar less for the machine, two for 100 GB from east to west.
    assert (runner_up.option.region, runner_up.money) == (WEST, pytest.approx(1.0))


def test_tasks_leave_their_data_where_it_is_small():
    made = workflow(task("a"), task("b", "a"), edges=[("a", "b", 20)])
    options = {"a": [option(EAST, 10, 5.0)], "b": [option(EAST, 10, 5.0), option(WEST, 10, 4.0)]}
    plan = place_workflow(made, options, network(), NO_LIMITS, MONEY)
    assert where(plan)["b"] == WEST
    (moved,) = plan.transfers
    assert (moved.origin, moved.destination, moved.gigabytes) == (EAST, WEST, 20)
    assert moved.money == pytest.approx(0.4)
    # 1 s of latency and 0.1 s for each gigabyte.
    assert starts(plan)["b"] == pytest.approx(13.0)
    assert (plan.compute, plan.transfer) == (9.0, pytest.approx(0.4))


def test_the_fastest_provider_is_taken_where_time_counts():
    made = workflow(task("a"), task("b", "a"))
    options = {name: [option(EAST, 20, 1.0), option(NORTH, 8, 9.0)] for name in "ab"}
    plan = place_workflow(made, options, network(), NO_LIMITS, TIME)
    assert (plan.seconds, plan.money) == (16.0, 18.0)


def test_the_cheapest_offering_is_taken_that_keeps_the_deadline():
    made = workflow(task("a"), task("b", "a"))
    options = {name: [option(EAST, 20, 1.0), option(NORTH, 8, 9.0)] for name in "ab"}
    plans = {
        deadline: place_workflow(made, options, network(), NO_LIMITS, MONEY, deadline) for deadline in (40, 30, 16)
    }
    assert {deadline: plan.money for deadline, plan in plans.items()} == {40: 2.0, 30: 10.0, 16: 18.0}


def test_what_exceeds_a_region_s_concurrency_waits_or_goes_elsewhere():
    made = workflow(*(task(name) for name in "abcd"))
    options = {name: [option(EAST, 10, 1.0), option(WEST, 25, 2.0)] for name in "abcd"}
    limits = Limits(concurrency={EAST: 1})
    plan = place_workflow(made, options, network(), limits, Weights(money=0.1, time=1.0))
    # Two after each other in the east, two beside each other in the west; three in the east would take 30 s.
    assert plan.seconds == 25.0
    assert sorted(where(plan).values()) == [EAST, EAST, WEST, WEST]
    assert sorted(one.waits for one in plan.tasks) == [0.0, 0.0, 0.0, 10.0]


def test_room_of_a_machine_group_is_given_back_when_a_task_is_done():
    made = workflow(*(task(name) for name in "abc"))
    options = {name: [option(EAST, 10, group="gpu", units=2)] for name in "abc"}
    plan = place_workflow(made, options, network(), Limits(room={("east", "gpu"): 4}), TIME)
    assert sorted(starts(plan).values()) == [0.0, 0.0, 10.0]


def test_a_workflow_s_parallelism_limits_all_of_its_pods():
    made = workflow(*(task(name) for name in "abc"), parallelism=1)
    options = {"a": [option(EAST, 10)], "b": [option(WEST, 10)], "c": [option(NORTH, 10)]}
    assert place_workflow(made, options, network(), NO_LIMITS, TIME).seconds == 30.0


def test_a_step_without_pods_takes_its_time_and_nothing_else():
    pause = Task(name="pause", after=("a",), requirements=Requirements(run_time={"*": RunTime(90.0)}))
    made = workflow(task("a"), pause, task("b", "pause"), edges=[("a", "pause", 50)])
    options = {"a": [option(EAST, 10)], "b": [option(WEST, 10)]}
    plan = place_workflow(made, options, network(), Limits(concurrency={EAST: 1}), TIME)
    assert starts(plan) == {"a": 0.0, "pause": 10.0, "b": 100.0}


def test_carbon_is_minimised_where_it_counts():
    made = workflow(task("a"))
    options = {"a": [option(EAST, 10, 1.0, carbon=500.0), option(WEST, 10, 3.0, carbon=20.0)]}
    plan = place_workflow(made, options, network(), NO_LIMITS, Weights(money=0.0, carbon=1.0))
    assert (plan.carbon, plan.money) == (20.0, 3.0)


def test_options_that_are_equally_good_are_told_apart_by_name():
    made = workflow(task("a"))
    options = {"a": [option(EAST, 10, 1.0, cluster=name) for name in ("c2", "c1", "c3")]}
    plan = place_workflow(made, options, network(), NO_LIMITS, MONEY)
    assert plan.tasks[0].option.cluster == "c1"
    assert plan.tasks[0].runner_up.option.cluster == "c2"


def test_an_option_that_is_worse_in_everything_is_the_runner_up_of_the_only_better_one():
    made = workflow(task("a"))
    options = {"a": [option(EAST, 10, 1.0), option(EAST, 20, 4.0, cluster="slow")]}
    plan = place_workflow(made, options, network(), NO_LIMITS, Weights(money=1.0, time=0.1))
    runner_up = plan.tasks[0].runner_up
    assert (runner_up.money, runner_up.seconds, runner_up.objective) == (3.0, 10.0, pytest.approx(4.0))


def _resident(**kwargs):
    return Task(name="a", pods=task("a").pods, requirements=Requirements(**kwargs))


REFUSED = {
    "regions of the task": (
        workflow(_resident(regions=("gcp/*", "eu-*"))),
        NO_LIMITS,
        "task a: may run only in gcp/*, eu-*, not in aws/east",
    ),
    "a data set": (
        workflow(_resident(reads=(DataUse(name="d", gigabytes=1.0, may_live_in=("west",)),))),
        NO_LIMITS,
        "task a: data set d may be only in west, not in aws/east",
    ),
    "data of an edge": (
        Workflow(
            key="default/w",
            tasks=(task("a"), task("b", "a")),
            edges=(DataEdge(source="a", target="b", gigabytes=1.0, may_live_in=("west",)),),
        ),
        NO_LIMITS,
        "task a: data from a to b may be only in west, not in aws/east",
    ),
    "concurrency": (
        workflow(task("a")),
        Limits(concurrency={EAST: 1}),
        "task a: needs 2 pods at a time in aws/east, which allows 1",
    ),
    "room": (
        workflow(task("a")),
        Limits(room={("east", "g"): 2}),
        "task a: needs 3 units of g of east, which has 2",
    ),
    "parallelism": (
        workflow(task("a"), parallelism=1),
        NO_LIMITS,
        "task a: needs 2 pods at a time, and the workflow's parallelism is 1",
    ),
}


@pytest.mark.parametrize(("made", "limits", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_task_without_an_option_is_named_with_the_reason(made, limits, reason):
    options = {one.name: [option(EAST, 10, group="g", slots=2, units=3)] for one in made.tasks}
    plan = place_workflow(made, options, network(), limits, MONEY)
    assert (plan.tasks, plan.reason) == ((), reason)
    assert plan.refused[0].options == ("east/g (on-demand)",)


def test_a_task_that_was_given_no_option_is_named():
    plan = place_workflow(workflow(task("a")), {}, network(), NO_LIMITS, MONEY)
    assert plan.reason == "task a: there is no option"


def test_what_is_refused_is_told_also_of_a_workflow_that_can_be_placed():
    made = workflow(_resident(regions=("west",)))
    plan = place_workflow(made, {"a": [option(EAST, 1), option(WEST, 9)]}, network(), NO_LIMITS, MONEY)
    assert where(plan) == {"a": WEST}
    assert [(one.task, one.options) for one in plan.refused] == [("a", ("east (on-demand)",))]


def test_a_deadline_that_no_option_can_meet_is_told_with_the_earliest_finish():
    made = workflow(task("a"), task("b", "a"))
    options = {name: [option(EAST, 20)] for name in "ab"}
    plan = place_workflow(made, options, network(), NO_LIMITS, MONEY, 30)
    assert plan.reason == "task a: all would be done after 40 s at the earliest, not 30 s"


def test_a_deadline_that_limits_make_impossible_is_told_with_the_earliest_finish():
    made = workflow(task("a"), task("b"))
    options = {name: [option(EAST, 20)] for name in "ab"}
    plan = place_workflow(made, options, network(), Limits(concurrency={EAST: 1}), MONEY, 30)
    assert plan.reason == "all is done after 40 s at the earliest, and the deadline is after 30 s"


def test_data_that_cannot_go_anywhere_keeps_its_tasks_together():
    walls = Network(lambda *_: 0.0, lambda a, b, _: 0.0 if a == b else float("inf"))
    made = workflow(task("a"), task("b", "a"), edges=[("a", "b", 1)])
    options = {"a": [option(EAST, 1, 1.0), option(WEST, 1, 9.0)], "b": [option(WEST, 1, 1.0)]}
    assert where(place_workflow(made, options, walls, NO_LIMITS, MONEY)) == {"a": WEST, "b": WEST}
    apart = {"a": [option(EAST, 1)], "b": [option(WEST, 1)]}
    plan = place_workflow(made, apart, walls, NO_LIMITS, MONEY)
    assert plan.reason == "no options of its tasks are left between which its data can move"


def test_an_empty_workflow_is_done_at_once():
    plan = place_workflow(workflow(), {}, network(), NO_LIMITS, MONEY)
    assert (plan.tasks, plan.reason, plan.seconds, plan.gap) == ((), "", 0.0, 0.0)


def test_tasks_that_wait_for_each_other_are_an_error_that_names_them():
    made = workflow(task("c", "b"), task("b", "a"), task("a", "c"), task("x"))
    with pytest.raises(InputError, match=r"a cycle: a -> b -> c -> a"):
        place_workflow(made, {name: [option(EAST, 1)] for name in "abcx"}, network(), NO_LIMITS, MONEY)


@pytest.mark.parametrize(
    ("given", "weights", "message"),
    [
        (TaskOption(cluster="c", seconds=-1.0), MONEY, "task a, c (on-demand): seconds: found -1.0, expected a number"),
        (TaskOption(cluster="c", seconds=float("nan")), MONEY, "seconds: found nan"),
        (
            TaskOption(cluster="c", seconds=1.0),
            Weights(money=-1.0),
            "money: found -1.0, expected a weight of 0 or more",
        ),
    ],
)
def test_numbers_that_are_none_are_refused(given, weights, message):
    with pytest.raises(InputError) as caught:
        place_workflow(workflow(task("a")), {"a": [given]}, network(), NO_LIMITS, weights)
    assert message in str(caught.value)
