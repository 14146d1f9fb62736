"""Spread constraints: by cluster and by region as Karmada has them, by all else by the same rule."""

from __future__ import annotations

from typing import Any

import pytest
from tests.placement.propagation.made_members import AGGREGATED, DYNAMIC, make_policy, make_workload, static

from yuheng.model.fleet import Cluster
from yuheng.placement.propagation import Propagation, propagate

# Name, region, score, availability.
Row = tuple[str, str, int, int]
FOUR: list[Row] = [
    ("member4", "R2", 60, 50),
    ("member2", "R1", 40, 60),
    ("member3", "R1", 30, 80),
    ("member1", "R1", 20, 40),
]
TEN: list[Row] = [
    ("member1", "R1", 90, 40),
    ("member2", "R2", 70, 40),
    ("member3", "R2", 60, 40),
    ("member4", "R2", 30, 40),
    ("member5", "R3", 80, 40),
    ("member6", "R3", 50, 60),
    ("member7", "R4", 50, 50),
    ("member8", "R4", 40, 50),
    ("member9", "R4", 10, 50),
    ("member10", "R4", 0, 50),
]
EIGHT: list[Row] = [
    ("member1", "R1", 70, 40),
    ("member2", "R2", 40, 40),
    ("member3", "R2", 40, 40),
    ("member4", "R2", 40, 40),
    ("member5", "R3", 60, 40),
    ("member6", "R3", 50, 60),
    ("member7", "R4", 70, 100),
    ("member8", "R5", 50, 50),
]


def by(field: str, least: int, most: int = 0) -> dict[str, Any]:
    return {"spreadByField": field, "minGroups": least, "maxGroups": most}


def spread(rows: list[Row], replicas: int, *constraints: dict[str, Any], **fields: Any) -> Propagation:
    clusters = [Cluster(name=name, region=region) for name, region, _, _ in rows]
    by_name = {name: (score, free) for name, _, score, free in rows}
    policy = make_policy(spreadConstraints=list(constraints), **fields)
    return propagate(
        make_workload(replicas),
        policy,
        clusters,
        lambda name: by_name[name][1],
        score=lambda name: by_name[name][0],
    )


# Constraint, strategy, replicas, clusters selected: restated from the tests of SelectBestClusters.
BY_CLUSTER = [
    (by("cluster", 1, 2), {"replicaSchedulingType": "Duplicated"}, 120, ["member4", "member2"]),
    (by("cluster", 1, 2), DYNAMIC, 120, ["member4", "member3"]),
    (by("cluster", 1, 2), DYNAMIC, 140, ["member2", "member3"]),
    (by("cluster", 1, 2), DYNAMIC, 200, []),
    (by("cluster", 7, 7), None, 30, []),
    (by("cluster", 2), DYNAMIC, 30, ["member4", "member2", "member3", "member1"]),
    (by("cluster", 1, 2), static([("member1", 2)]), 120, ["member4", "member2", "member3", "member1"]),
]


@pytest.mark.parametrize(("constraint", "scheduling", "replicas", "expected"), BY_CLUSTER)
def test_by_cluster(
    constraint: dict[str, Any], scheduling: dict[str, Any] | None, replicas: int, expected: list[str]
) -> None:
    assert list(spread(FOUR, replicas, constraint, replicaScheduling=scheduling).selected) == expected


REASONS = [
    ((by("cluster", 7, 7),), 30, "the number of feasible clusters is less than spreadConstraint.MinGroups: 4 of 7"),
    ((by("cluster", 1, 2),), 200, "no enough resource when selecting 2 clusters: room for 140 of 200 replicas"),
    (
        (by("region", 3, 3), by("cluster", 3, 4)),
        30,
        "the number of feasible region is less than spreadConstraint.MinGroups: 2 of 3",
    ),
    (
        (by("region", 1, 1), by("cluster", 4, 4)),
        30,
        (
            "the number of clusters is less than the cluster spreadConstraint.MinGroups: "
            "no 1 to 1 groups by region hold 4 clusters"
        ),
    ),
]


@pytest.mark.parametrize(("constraints", "replicas", "reason"), REASONS)
def test_the_reason_is_karmadas_with_the_numbers(
    constraints: tuple[dict[str, Any], ...], replicas: int, reason: str
) -> None:
    found = spread(FOUR, replicas, *constraints, replicaScheduling=DYNAMIC)
    assert (found.reason, found.replicas) == (reason, {})


# Clusters, regions and clusters wanted, clusters selected; all are duplicated, so a region weighs 1000 for each of its
# clusters, and their mean score. The clusters are those of Karmada's tests of selection by region.
BY_REGION = [
    (TEN, by("region", 2, 2), by("cluster", 4, 5), ["member7", "member2", "member3", "member8", "member4"]),
    (
        EIGHT,
        by("region", 1, 3),
        by("cluster", 6, 8),
        ["member2", "member5", "member1", "member6", "member3", "member4"],
    ),
    (TEN, by("region", 2, 2), by("cluster", 2, 3), ["member7", "member2", "member3"]),
    (TEN, by("region", 4, 4), by("cluster", 4, 4), ["member7", "member2", "member5", "member1"]),
]


@pytest.mark.parametrize(("rows", "regions", "clusters", "expected"), BY_REGION)
def test_by_region(rows: list[Row], regions: dict[str, Any], clusters: dict[str, Any], expected: list[str]) -> None:
    assert list(spread(rows, 10, regions, clusters).selected) == expected


def test_a_region_that_holds_its_part_beats_one_with_better_clusters() -> None:
    rows = [("a1", "A", 100, 10), ("a2", "A", 100, 10), ("b1", "B", 0, 40), ("b2", "B", 0, 30)]
    found = spread(rows, 50, by("region", 1, 1), by("cluster", 1, 2), replicaScheduling=AGGREGATED)
    assert found.selected == ("b1", "b2")


def test_duplicated_replicas_go_to_the_region_with_more_clusters_that_hold_them_all() -> None:
    rows = [("a1", "A", 100, 60), ("a2", "A", 100, 10), ("b1", "B", 0, 60), ("b2", "B", 0, 60)]
    assert spread(rows, 50, by("region", 1, 1), by("cluster", 1, 1)).selected == ("b1",)


PLACES = [
    Cluster(name="a", provider="aws", region="eu", zones=("eu-1",), labels={"rack": "x"}),
    Cluster(name="b", provider="aws", region="eu", zones=("eu-2",), labels={"rack": "x"}),
    Cluster(name="c", provider="aws", region="us", zones=("us-1", "us-2"), labels={"rack": "y"}),
    Cluster(name="d", provider="gcp", region="eu", zones=("g-1",), labels={"rack": "y"}),
    Cluster(name="e", provider="gcp", region="asia", zones=("g-2",)),
    Cluster(name="f"),
]
SCORES = {"a": 90, "b": 80, "c": 70, "d": 60, "e": 50, "f": 100}


def placed(*constraints: dict[str, Any], replicas: int = 3) -> Propagation:
    policy = make_policy(spreadConstraints=list(constraints))
    return propagate(make_workload(replicas), policy, PLACES, lambda _: 9, score=SCORES.__getitem__)


def test_by_provider_zone_and_label() -> None:
    assert placed(by("provider", 2, 2), by("cluster", 2, 2)).selected == ("a", "d")
    assert placed(by("zone", 3, 3), by("cluster", 3, 3)).selected == ("a", "b", "c")
    rack = {"spreadByLabel": "rack", "minGroups": 2, "maxGroups": 2}
    assert placed(rack, by("cluster", 2, 2)).selected == ("a", "c")
    assert placed(rack).selected == ("a", "c", "b", "d")


def test_clusters_without_what_makes_a_group_are_refused() -> None:
    refused = dict(placed({"spreadByLabel": "rack", "minGroups": 2}).refused)
    assert refused == {"e": "did not have rack property", "f": "did not have rack property"}
    assert dict(placed(by("region", 1, 1)).refused)["f"] == "did not have region property"


def test_several_constraints_hold_together() -> None:
    found = placed(by("provider", 2, 2), by("region", 3, 3), by("cluster", 3, 3)).selected
    clusters = [cluster for cluster in PLACES if cluster.name in found]
    assert len({cluster.provider for cluster in clusters}) == 2
    assert len({cluster.region for cluster in clusters}) == 3
    assert len(clusters) == 3


def test_no_chosen_provider_is_left_without_a_region() -> None:
    clusters = [Cluster(name=name, provider=provider, region=name) for name, provider in zip("abc", "xxy", strict=True)]
    policy = make_policy(spreadConstraints=[by("provider", 2, 2), by("region", 2, 2), by("cluster", 2, 2)])
    found = propagate(make_workload(1), policy, clusters, lambda _: 9, score={"a": 9, "b": 8, "c": 0}.__getitem__)
    assert found.selected == ("a", "c")


def test_a_provider_is_chosen_that_has_enough_regions() -> None:
    only_gcp = [cluster for cluster in PLACES if cluster.region != "us"]
    policy = make_policy(spreadConstraints=[by("provider", 1, 1), by("region", 2, 2), by("cluster", 2, 2)])
    found = propagate(make_workload(1), policy, only_gcp, lambda _: 9, score=SCORES.__getitem__)
    assert found.selected == ("d", "e")


def test_one_region_may_be_that_of_two_providers() -> None:
    assert placed(by("provider", 2, 2), by("region", 1, 1), by("cluster", 2, 2)).selected == ("a", "d")


def test_constraints_that_cannot_hold_are_unschedulable() -> None:
    assert placed(by("provider", 2, 2), by("zone", 1, 1), by("cluster", 2, 2)).reason
    assert placed(by("provider", 2, 2), by("zone", 1, 1), by("cluster", 3, 3)).reason
    assert "feasible zone is less" in placed(by("zone", 7), by("cluster", 1)).reason
    assert placed(by("zone", 1, 2), by("cluster", 5, 5)).reason


def test_the_clusters_that_were_not_selected_are_told() -> None:
    refused = dict(placed(by("cluster", 1, 2)).refused)
    assert refused["c"] == "was not among the 2 selected clusters"
