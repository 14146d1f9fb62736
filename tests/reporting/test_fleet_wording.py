"""Money, carbon, moments and places of fleets in words."""

from __future__ import annotations

import pytest
from made_fleet_plans import CLUSTERS, WORKLOADS, example_fleet_plan
from msgspec.structs import replace

from yuheng.model.fleet_plan import RefusedCluster, Transfer
from yuheng.model.plan import Allocation
from yuheng.reporting.fleet_facts import alternatives, by_reason, by_region, flows, shown_resources
from yuheng.reporting.fleet_wording import (
    carbon_text,
    day_text,
    gigabytes_text,
    hours_text,
    latency_text,
    money_text,
    more_money_text,
    optimality,
    placed_text,
)

MONEY = {
    "none": (None, "-"),
    "nothing": (0.0, "$0"),
    "next to nothing": (1e-9, "$0"),
    "cents": (6.2051, "$6.21"),
    "thousands": (12345.6, "$12,345.60"),
    "below a dollar three digits": (0.0416789, "$0.0417"),
    "but two decimals at least": (0.5, "$0.50"),
    "what comes to a dollar": (0.99999, "$1.00"),
    "tiny": (0.0000316, "$0.0000316"),
    "less than nothing": (-1.437, "-$1.44"),
}


@pytest.mark.parametrize(("amount", "text"), MONEY.values(), ids=MONEY)
def test_money_has_the_digits_that_mean_something(amount, text):
    assert money_text(amount) == text


@pytest.mark.parametrize(("amount", "text"), [(1.5, "+$1.50"), (-1.5, "-$1.50"), (0.0, "$0"), (1e-9, "$0")])
def test_a_difference_in_money_has_its_sign(amount, text):
    assert more_money_text(amount) == text


CARBON = [
    (None, "-"),
    (0.0, "0 g"),
    (4.66, "4.7 g"),
    (850.2, "850 g"),
    (999.6, "1.0 kg"),
    (13894.3, "13.9 kg"),
    (1.24e6, "1.2 t"),
    (999_960, "1.0 t"),
    (-2500, "-2.5 kg"),
]


@pytest.mark.parametrize(("grams", "text"), CARBON)
def test_carbon_goes_up_to_tonnes(grams, text):
    assert carbon_text(grams) == text


@pytest.mark.parametrize(("hours", "text"), [(0, "0 h"), (28.53, "28.5 h"), (5000, "5,000 h"), (0.2, "12 min")])
def test_hours(hours, text):
    assert hours_text(hours) == text


def test_moments_data_and_latencies():
    assert day_text(1769850000.0) == "2026-01-31 09:00"
    assert day_text(None) == "-"
    assert [gigabytes_text(size) for size in (0.5, 200, 2000)] == ["0.5 GB", "200 GB", "2 TB"]
    assert latency_text(0.0125) == "12.5 ms"


PLACES = {
    "none": ({}, 3, "-"),
    "most first, ties by name": ({"b": 1, "c": 7, "a": 1}, 3, "c 7, a 1, b 1"),
    "one that is not named": ({"a": 3, "b": 2}, 1, "a 3 and 1 more cluster"),
    "several that are not named": ({"a": 3, "b": 2, "c": 1}, 1, "a 3 and 2 more clusters"),
}


@pytest.mark.parametrize(("replicas", "most", "text"), PLACES.values(), ids=PLACES)
def test_replicas_by_cluster(replicas, most, text):
    assert placed_text(replicas, most) == text


GAPS = {
    "some": ({"gap": 0.01213}, "at most 1.2% above the best possible"),
    "none": ({"gap": 0.0}, "no plan can do better"),
    "none that could be told": ({"gap": 0.0004}, "no plan can do better"),
    "not known": ({"gap": None}, "how far above the best possible is not known"),
    "of nothing": ({"gap": 0.0, "placed": 0}, "nothing is placed"),
}


@pytest.mark.parametrize(("changed", "sentence"), GAPS.values(), ids=GAPS)
def test_how_good_a_plan_is(changed, sentence):
    assert optimality(replace(example_fleet_plan().summary, **changed)) == sentence


def test_refused_clusters_are_told_by_reason_most_first():
    refused = [RefusedCluster("a", "full"), RefusedCluster("b", "far"), RefusedCluster("c", "far")]
    assert by_reason(refused) == [("far", ["b", "c"]), ("full", ["a"])]


def test_clusters_whose_region_is_not_known_go_last():
    assert [cluster.cluster for cluster in by_region(CLUSTERS)] == ["east-1", "west-1", "edge-1"]


def test_data_is_summed_by_pair_of_regions_and_what_stays_is_left_out():
    [train, *_] = WORKLOADS
    moves = (Transfer("x", 1, "aws/west", "aws/west", 0, 0), Transfer("y", 500, "aws/east", "own/edge", 9, 1))
    [first, second] = flows([train, train, replace(train, workload="ml/other", transfers=moves)])
    assert (first.source, first.destination, first.gigabytes, first.workloads) == ("aws/east", "own/edge", 500, 1)
    assert (second.destination, second.gigabytes, second.cost, second.workloads) == ("aws/west", 400.0, 8.0, 1)


def test_gpus_are_shown_once():
    share = Allocation(0, 0)
    assert shown_resources([{"gpu": share, "pods": share, "cpu": share}]) == ["cpu", "gpu"]
    assert shown_resources([{"gpu": share, "memory": share}, {"amd.com/gpu": share}]) == ["memory", "amd.com/gpu"]


def test_what_is_told_beside_a_workload():
    train, cache, web = WORKLOADS
    runner_up, advice = alternatives(train)
    assert runner_up == "would cost +$1.90/h, +$22.80 in all, in west (west-1)"
    assert advice == (
        "on the spot market with ours in west-a it would cost $15.00 on average "
        "(nine in ten: $14.00 to $19.50; on-demand alone: $36.00)"
    )
    assert list(alternatives(cache)) == ["2 running replicas lose their place"]
    assert list(alternatives(web)) == ["1 running replica loses its place"]
