"""Every cluster without a replica is told why: those that fail together, and those of affinities that failed before."""

from __future__ import annotations

from typing import Any

import pytest
from tests.placement.propagation.made_members import (
    AGGREGATED,
    DYNAMIC,
    affinity,
    make_clusters,
    make_policy,
    make_workload,
    room,
    static,
)

from yuheng.placement.propagation import Propagation, Propagator

CLUSTERS = make_clusters(["m1", "m2", "m3"])
OUTSIDE = "did not match the placement cluster affinity constraint"
FIRST_THEN_OTHERS = {
    "clusterAffinities": [
        {"affinityName": "first", **affinity("m1")},
        {"affinityName": "others", **affinity("m2", "m3")},
    ]
}


def decided(replicas: int, rooms: dict[str, int], **policy: Any) -> Propagation:
    workload = make_workload(replicas, divisible=policy.pop("divisible", True))
    closed = policy.pop("closed", {})
    return Propagator(CLUSTERS).propagate(workload, make_policy(**policy), room(rooms), closed=closed)


@pytest.mark.parametrize("scheduling", [DYNAMIC, AGGREGATED])
def test_clusters_that_are_too_small_together_say_how_small(scheduling: dict[str, Any]) -> None:
    found = decided(9, {"m1": 4, "m2": 1}, replicaScheduling=scheduling)
    assert found.reason
    assert dict(found.refused) == {
        "m1": "has room for 4 of 9 replicas",
        "m2": "has room for 1 of 9 replicas",
        "m3": "has room for 0 of 9 replicas",
    }


def test_clusters_that_are_too_few_do_not_speak_of_room() -> None:
    constraint = [{"spreadByField": "cluster", "minGroups": 4, "maxGroups": 4}]
    found = decided(2, {"m1": 1}, replicaScheduling=DYNAMIC, spreadConstraints=constraint)
    assert set(dict(found.refused).values()) == {"would do, but there are too few like it"}
    assert len(found.refused) == 3


def test_pods_that_run_together_and_a_cluster_without_a_weight() -> None:
    found = decided(3, {"m1": 9, "m2": 2}, divisible=False, replicaScheduling=static([("m2", 1)]))
    assert dict(found.refused) == {
        "m1": "got no share by its static weight",
        "m2": "has room for 2 of 3 replicas",
        "m3": "has room for 0 of 3 replicas",
    }


def test_an_affinity_that_was_too_small_is_told_when_the_next_one_takes_over() -> None:
    found = decided(4, {"m1": 2, "m2": 5, "m3": 5}, replicaScheduling=AGGREGATED, **FIRST_THEN_OTHERS)
    assert (found.affinity, found.replicas) == ("others", {"m2": 4})
    assert dict(found.refused) == {
        "m1": "has room for 2 of 4 replicas",
        "m3": "was not needed: 1 cluster(s) hold all replicas",
    }


def test_when_all_affinities_fail_each_cluster_answers_for_its_own() -> None:
    found = decided(4, {"m1": 2, "m2": 1, "m3": 1}, replicaScheduling=DYNAMIC, **FIRST_THEN_OTHERS)
    assert found.reason == "Clusters available replicas 2 are not enough to schedule 4"
    assert dict(found.refused) == {
        "m1": "has room for 2 of 4 replicas",
        "m2": "has room for 1 of 4 replicas",
        "m3": "has room for 1 of 4 replicas",
    }


def test_a_cluster_in_no_affinity_says_so() -> None:
    found = decided(1, {"m1": 1}, replicaScheduling=DYNAMIC, clusterAffinity=affinity("m1"))
    assert dict(found.refused) == {"m2": OUTSIDE, "m3": OUTSIDE}


def test_other_reasons_than_the_policys_are_told_as_reasons() -> None:
    closed = dict.fromkeys(["m1", "m2", "m3"], "its region is none of eu")
    found = decided(1, {}, closed=closed, replicaScheduling=DYNAMIC)
    assert found.reason == "0/3 clusters are available: 3 cluster(s) because its region is none of eu"
