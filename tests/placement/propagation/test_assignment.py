"""How many replicas each cluster gets, case by case, and what holds in every case."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.placement.propagation.made_members import (
    AGGREGATED,
    DYNAMIC,
    affinity,
    divided,
    make_clusters,
    make_policy,
    make_workload,
    room,
    static,
)

from yuheng.placement.propagation import propagate

Counts = dict[str, int]
UNSCHEDULABLE: Counts = {}


def assigned(
    scheduling: dict[str, Any] | None, replicas: int, free: Counts, previous: Counts | None = None, **asked: Any
) -> Counts:
    """The replicas on clusters of which the free ones are all there are."""
    found = propagate(
        make_workload(replicas, previous=previous or {}),
        make_policy(replicaScheduling=scheduling),
        make_clusters(free),
        room(free),
        **asked,
    )
    assert bool(found.replicas) != bool(found.reason)
    return dict(found.replicas)


# Replicas, weights, what each cluster gets: restated from the tests of Karmada's static weight strategy.
STATIC = [
    (12, [("m1", 3), ("m2", 2), ("m3", 1)], {"m1": 6, "m2": 4, "m3": 2}),
    (14, [("m1", 3), ("m2", 2), ("m3", 1)], {"m1": 7, "m2": 5, "m3": 2}),
    (3, [("m1", 1), ("m2", 1), ("m3", 1)], {"m1": 1, "m2": 1, "m3": 1}),
    (8, [("m1", 2), ("m2", 1), ("m3", 1), ("m4", 1)], {"m1": 3, "m2": 2, "m3": 2, "m4": 1}),
    (6, [("m1", 1), ("m2", 1), ("m3", 1), ("m4", 1)], {"m1": 2, "m2": 2, "m3": 1, "m4": 1}),
    (6, [("m1", 2), ("m2", 1), ("m3", 1), ("m4", 1)], {"m1": 3, "m2": 1, "m3": 1, "m4": 1}),
    (5, [("m1", 1), ("m2", 1), ("m3", 1), ("m4", 1)], {"m1": 2, "m2": 1, "m3": 1, "m4": 1}),
    (1, [("m1", 1), ("m2", 1)], {"m1": 1}),
]


@pytest.mark.parametrize(("replicas", "weights", "expected"), STATIC)
def test_static_weights(replicas: int, weights: list[tuple[str, int]], expected: Counts) -> None:
    assert assigned(static(weights), replicas, dict(weights)) == expected


def test_without_weights_all_clusters_count_the_same() -> None:
    assert assigned(divided("Weighted"), 12, {"m1": 0, "m2": 0, "m3": 0}) == {"m1": 4, "m2": 4, "m3": 4}


def test_weights_of_clusters_that_are_no_candidates_leave_all_candidates_the_same() -> None:
    assert assigned(static([("elsewhere", 5)]), 4, {"m1": 0, "m2": 0}) == {"m1": 2, "m2": 2}


def test_static_weights_do_not_look_at_room() -> None:
    def unasked(name: str) -> int:
        raise AssertionError(name)

    policy = make_policy(replicaScheduling=static([("m1", 1), ("m2", 1)]))
    assert propagate(make_workload(4), policy, make_clusters(["m1", "m2"]), unasked).replicas == {"m1": 2, "m2": 2}


def test_a_division_that_karmada_made_with_the_other_order_of_names_is_kept() -> None:
    weights, other = static([("m1", 1), ("m2", 1)]), {"m1": 1, "m2": 2}
    assert assigned(weights, 3, {"m1": 9, "m2": 9}, other) == other
    assert assigned(weights, 3, {"m1": 9, "m2": 9}, other, rebalance=True) == {"m1": 2, "m2": 1}
    assert assigned(weights, 3, {"m1": 9, "m2": 9}, {"m1": 0, "m2": 3}) == {"m1": 2, "m2": 1}


# Strategy, replicas, free room, previous replicas, expected: from Karmada's tests of dynamic division.
DIVIDED = [
    (DYNAMIC, 12, {"m1": 6, "m2": 12, "m3": 6}, {}, {"m1": 3, "m2": 6, "m3": 3}),
    (DYNAMIC, 12, {"m1": 6, "m2": 8, "m3": 10}, {}, {"m1": 3, "m2": 4, "m3": 5}),
    (DYNAMIC, 12, {"m1": 8, "m2": 8, "m3": 10}, {}, {"m1": 4, "m2": 4, "m3": 4}),
    (DYNAMIC, 24, {"m1": 1, "m2": 1, "m3": 1}, {"m1": 2, "m2": 4, "m3": 6}, UNSCHEDULABLE),
    (DYNAMIC, 12, {"m1": 3, "m2": 3}, {"m1": 6, "m3": 6}, {"m1": 9, "m2": 3}),
    (DYNAMIC, 12, {"m1": 0, "m2": 9}, {"m1": 6, "m2": 6}, {"m1": 6, "m2": 6}),
    (AGGREGATED, 12, {"m1": 6, "m2": 6, "m3": 6}, {}, {"m1": 6, "m2": 6}),
    (AGGREGATED, 12, {"m1": 12, "m2": 8, "m3": 10}, {}, {"m1": 12}),
    (AGGREGATED, 12, {"m1": 3, "m2": 3, "m3": 3}, {}, UNSCHEDULABLE),
    (AGGREGATED, 8, {"m1": 100, "m2": 100}, {"m1": 4, "m2": 8}, {"m2": 8}),
    (AGGREGATED, 24, {"m1": 4, "m2": 6, "m3": 8}, {"m1": 4, "m2": 8}, {"m1": 7, "m2": 12, "m3": 5}),
    (AGGREGATED, 24, {"m1": 1, "m2": 1, "m3": 1}, {"m1": 4, "m2": 8}, UNSCHEDULABLE),
    (AGGREGATED, 24, {"m1": 4, "m3": 8, "m4": 12}, {"m1": 4, "m2": 8}, {"m1": 7, "m3": 7, "m4": 10}),
]


@pytest.mark.parametrize(("scheduling", "replicas", "free", "previous", "expected"), DIVIDED)
def test_division_by_room(
    scheduling: dict[str, Any], replicas: int, free: Counts, previous: Counts, expected: Counts
) -> None:
    assert assigned(scheduling, replicas, free, previous) == expected


def test_a_rebalance_counts_what_runs_as_room() -> None:
    previous, free = {"m1": 6, "m2": 0}, {"m1": 0, "m2": 6}
    assert assigned(DYNAMIC, 6, free, previous) == {"m1": 6}
    assert assigned(DYNAMIC, 6, free, previous, rebalance=True) == {"m1": 3, "m2": 3}


def test_room_without_end_counts_as_the_replicas() -> None:
    assert assigned(DYNAMIC, 6, {"m1": 2**31 - 1, "m2": 6}) == {"m1": 3, "m2": 3}


def test_duplicated_replicas_are_everywhere_whether_or_not_there_is_room() -> None:
    assert assigned(None, 5, {"m1": 0, "m2": 99}) == {"m1": 5, "m2": 5}


@pytest.mark.parametrize("scheduling", [None, divided("Weighted"), DYNAMIC, AGGREGATED])
def test_a_workload_of_no_replicas_is_nowhere_and_not_unschedulable(scheduling: dict[str, Any] | None) -> None:
    workload, policy = make_workload(0, previous={"m1": 2}), make_policy(replicaScheduling=scheduling)
    found = propagate(workload, policy, make_clusters(["m1", "m2"]), room({"m1": 5}))
    assert (found.replicas, found.reason, found.moved) == ({}, "", {"m1": 2})


def test_a_gang_stays_whole() -> None:
    def placed(free: Counts, previous: Counts, **fields: Any) -> tuple[Counts, str]:
        workload = make_workload(4, divisible=False, previous=previous)
        found = propagate(workload, make_policy(**fields), make_clusters(free), room(free))
        return dict(found.replicas), found.reason

    assert placed({"m1": 3, "m2": 9, "m3": 5}, {}, replicaScheduling=DYNAMIC)[0] == {"m2": 4}
    assert placed({"m1": 0, "m2": 9}, {"m1": 4}, replicaScheduling=DYNAMIC)[0] == {"m1": 4}
    assert placed({"m1": 9, "m2": 9}, {}, replicaScheduling=static([("m1", 1), ("m2", 2)]))[0] == {"m2": 4}
    likes_m2: Any = {"m1": 0, "m2": 100}.__getitem__
    workload, policy = make_workload(4, divisible=False, previous={"m1": 4}), make_policy(replicaScheduling=DYNAMIC)
    for rebalance, expected in ((False, "m1"), (True, "m2")):
        clusters, free = make_clusters(["m1", "m2"]), room({"m2": 9})
        assert propagate(workload, policy, clusters, free, score=likes_m2, rebalance=rebalance).replicas == {
            expected: 4
        }
    assert "at most for 3" in placed({"m1": 3, "m2": 3}, {}, replicaScheduling=AGGREGATED)[1]
    twice = [{"spreadByField": "cluster", "minGroups": 2}]
    assert "together" in placed({"m1": 9}, {}, replicaScheduling=DYNAMIC, spreadConstraints=twice)[1]


def overflowing(replicas: int, free: Counts, previous: Counts, scheduling: dict[str, Any] = DYNAMIC) -> Counts:
    overflow = [{"affinityName": "b", **affinity("m2", "m3")}, {"affinityName": "c", **affinity("m3", "m4")}]
    term = {"affinityName": "a", **affinity("m1"), "overflowAffinities": overflow}
    policy = make_policy(clusterAffinities=[term], replicaScheduling=scheduling)
    workload = make_workload(replicas, previous=previous)
    return dict(propagate(workload, policy, make_clusters(["m1", "m2", "m3", "m4"]), room(free)).replicas)


OVERFLOWS = [
    (5, {"m1": 10, "m2": 10}, {}, {"m1": 5}),
    (8, {"m1": 2, "m2": 10}, {"m1": 3}, {"m1": 5, "m2": 3}),
    (9, {"m1": 3, "m2": 2, "m3": 2, "m4": 9}, {}, {"m1": 3, "m2": 2, "m3": 2, "m4": 2}),
    (4, {"m1": 0, "m2": 9}, {"m1": 3, "m2": 6}, {"m1": 3, "m2": 1}),
    (20, {"m1": 3, "m2": 2, "m3": 2, "m4": 9}, {}, UNSCHEDULABLE),
]


@pytest.mark.parametrize(("replicas", "free", "previous", "expected"), OVERFLOWS)
def test_a_tier_is_full_before_the_next_one_gets_any(
    replicas: int, free: Counts, previous: Counts, expected: Counts
) -> None:
    assert overflowing(replicas, free, previous) == expected


COUNTS = st.dictionaries(st.sampled_from(["m1", "m2", "m3", "m4", "m5"]), st.integers(0, 20), min_size=1)
FREE = st.fixed_dictionaries({name: st.integers(0, 20) for name in ("m1", "m2", "m3", "m4", "m5")})
BY_ROOM = st.sampled_from([DYNAMIC, AGGREGATED])


@given(BY_ROOM, st.integers(1, 80), FREE, COUNTS)
def test_all_replicas_are_assigned_and_none_beyond_the_room(
    scheduling: dict[str, Any], replicas: int, free: Counts, previous: Counts
) -> None:
    found = assigned(scheduling, replicas, free, previous)
    running = sum(previous.values())
    if found:
        assert sum(found.values()) == replicas
        assert all(count <= free[name] + previous.get(name, 0) for name, count in found.items())
    else:
        assert replicas - running > sum(free.values())
    if found and replicas >= running:
        assert all(found.get(name, 0) >= count for name, count in previous.items())
    if found and replicas <= running:
        assert all(count <= previous[name] for name, count in found.items())


@given(st.integers(1, 80), FREE)
def test_aggregated_uses_as_few_clusters_as_can_be(replicas: int, free: Counts) -> None:
    found = assigned(AGGREGATED, replicas, free)
    if found:
        largest = sorted(free.values(), reverse=True)
        assert sum(largest[: len(found) - 1]) < replicas <= sum(largest[: len(found)])


@given(st.sampled_from([DYNAMIC, AGGREGATED, divided("Weighted"), None]), st.integers(1, 40), FREE)
def test_nothing_moves_when_nothing_has_changed(scheduling: dict[str, Any] | None, replicas: int, free: Counts) -> None:
    first = assigned(scheduling, replicas, free)
    if first:
        left = {name: max(free[name] - first.get(name, 0), 0) for name in free}
        assert assigned(scheduling, replicas, left, first) == first
