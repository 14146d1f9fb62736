"""kube-scheduler's scores on numbers worked out by hand: 0 to 100 each, before the policy's weights."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scheduling.made_by_hand import GIB, MIB, cluster, node, pod, scores_of
from yuheng.model.node import ContainerImage, Taint, Toleration
from yuheng.model.pod import Affinity, NodeAffinity
from yuheng.model.policy import Policy, ResourceWeight, ScoreWeight, ScoringStrategy, ShapePoint
from yuheng.model.selectors import NodeSelectorRequirement, NodeSelectorTerm, PreferredSchedulingTerm
from yuheng.scheduling.planner import explain

FIT, BALANCED = "NodeResourcesFit", "NodeResourcesBalancedAllocation"
HALF = {"cpu": 2000, "memory": 4 * GIB}
CPU, MEMORY = ResourceWeight("cpu"), ResourceWeight("memory")
GPU = ResourceWeight("nvidia.com/gpu", 3)


def strategy(kind: Any, *resources: ResourceWeight, shape: tuple[ShapePoint, ...] = ()) -> ScoringStrategy:
    return ScoringStrategy(kind, resources or (CPU, MEMORY), shape)


# NodeResourcesFit.


def test_least_allocated_is_the_mean_share_left_free():
    busy = pod("r", on="b", requests={"cpu": 1000, "memory": 2 * GIB})
    snapshot = cluster(node("a"), node("b"), busy, pod("new", requests={"cpu": 1000, "memory": 4 * GIB}))
    assert scores_of(snapshot, FIT) == {"a": (75 + 50) // 2, "b": (50 + 25) // 2}


def test_a_container_without_requests_counts_100_milli_and_200_mebibytes():
    snapshot = cluster(node("a", cpu=1000, memory=1000 * MIB), pod("new"))
    assert scores_of(snapshot, FIT) == {"a": (90 + 80) // 2}


def test_a_running_pod_counts_what_it_holds():
    running = pod("r", on="a", scoring_requests=(100, 0), held_requests=(2000, 4 * GIB))
    snapshot = cluster(node("a"), node("b"), running, pod("new", scoring_requests=(0, 0)))
    assert scores_of(snapshot, FIT) == {"a": 50, "b": 100}


def test_a_resource_that_is_scored_over_what_there_is_counts_nothing():
    crowd = [pod(f"r{i}", on="a", scoring_requests=(3000, 0)) for i in range(2)]
    assert scores_of(cluster(node("a"), *crowd, pod("new", scoring_requests=(0, 0))), FIT) == {"a": (0 + 100) // 2}


def test_most_allocated_is_the_mean_share_requested():
    snapshot = cluster(node("a"), node("b"), pod("r", on="b", requests=HALF), pod("new", requests={"cpu": 1000}))
    memory = 200 * MIB * 100 // (8 * GIB)
    most = strategy("MostAllocated")
    assert scores_of(snapshot, FIT, strategy=most) == {"a": (25 + memory) // 2, "b": (75 + 52) // 2}


def test_an_extended_resource_counts_only_for_pods_that_ask_for_it():
    nodes = node("a", more={"nvidia.com/gpu": 4}), node("b")
    most = strategy("MostAllocated", CPU, GPU)
    plain = cluster(*nodes, pod("new", requests={"cpu": 1000}))
    assert scores_of(plain, FIT, strategy=most) == {"a": 25, "b": 25}
    asking = cluster(*nodes, pod("new", requests={"cpu": 1000, "nvidia.com/gpu": 1}))
    assert scores_of(asking, FIT, strategy=most) == {"a": (25 + 3 * 25) // 4}


SHAPE = (ShapePoint(20, 0), ShapePoint(60, 10), ShapePoint(100, 4))


@pytest.mark.parametrize(
    ("cpu", "expected"),
    [(400, 0), (800, 0), (1600, 50), (2400, 100), (3200, 70), (3250, 69), (4000, 40)],
)
def test_requested_to_capacity_ratio_follows_its_line(cpu: int, expected: int):
    ratio = strategy("RequestedToCapacityRatio", CPU, shape=SHAPE)
    snapshot = cluster(node("a"), pod("new", requests={"cpu": cpu}))
    assert scores_of(snapshot, FIT, strategy=ratio) == {"a": expected}


def test_in_the_ratio_resources_that_score_nothing_do_not_count_and_halves_round_up():
    ratio = strategy("RequestedToCapacityRatio", CPU, MEMORY, ResourceWeight("ephemeral-storage"), shape=SHAPE)
    new = pod("new", requests={"cpu": 2400, "memory": GIB, "ephemeral-storage": 30})
    snapshot = cluster(node("a", more={"ephemeral-storage": 100}), new)
    # 60 percent score 100, 12 percent 0, 30 percent 25: the mean of 100 and 25 is 62.5.
    assert scores_of(snapshot, FIT, strategy=ratio) == {"a": 63}


def test_in_the_ratio_a_resource_that_a_node_does_not_have_counts_nothing():
    ratio = strategy("RequestedToCapacityRatio", CPU, ResourceWeight("ephemeral-storage"), shape=SHAPE)
    snapshot = cluster(node("a"), pod("new", requests={"cpu": 2400}))
    assert scores_of(snapshot, FIT, strategy=ratio) == {"a": 100}


# NodeResourcesBalancedAllocation.


def test_a_pod_that_evens_out_a_node_scores_more_than_one_that_tilts_it():
    tilted = pod("r", on="a", requests={"cpu": 2000})
    evens = cluster(node("a"), node("b"), tilted, pod("new", requests={"memory": 4 * GIB}))
    # a: from 0.5 and 0 (evenness 75) to 0.5 and 0.5 (100); b: from even to 0 and 0.5.
    assert scores_of(evens, BALANCED) == {"a": 50 + (50 + 100 - 75) // 2, "b": 50 + (50 + 75 - 100) // 2}


def test_a_pod_that_changes_nothing_scores_75_and_one_that_asks_for_nothing_0():
    assert scores_of(cluster(node("a"), pod("new", requests=HALF)), BALANCED) == {"a": 75}
    assert scores_of(cluster(node("a"), pod("new")), BALANCED) == {"a": 0}


def test_shares_over_one_count_as_one():
    crowd = pod("r", on="a", requests={"cpu": 9000})
    snapshot = cluster(node("a"), crowd, pod("new", requests={"memory": 8 * GIB}))
    assert scores_of(snapshot, BALANCED) == {"a": 50 + (50 + 100 - 50) // 2}


def test_more_than_two_resources_are_balanced_by_their_standard_deviation():
    three = (CPU, MEMORY, ResourceWeight("ephemeral-storage"))
    new = pod("new", requests={"cpu": 4000, "memory": 8 * GIB})
    snapshot = cluster(node("a", more={"ephemeral-storage": 100}), new)
    # 1, 1 and 0: the mean is 2/3, the deviation the root of 2/9, 0.4714; 52 percent are left.
    assert scores_of(snapshot, BALANCED, balanced=three) == {"a": 50 + (50 + 52 - 100) // 2}


# TaintToleration, NodeAffinity, ImageLocality.


def test_the_fewer_taints_a_pod_would_rather_avoid_the_better():
    spot, old = Taint("spot", "PreferNoSchedule"), Taint("old", "PreferNoSchedule")
    nodes = node("a"), node("b", taints=(spot,)), node("c", taints=(spot, old))
    assert scores_of(cluster(*nodes, pod("new")), "TaintToleration") == {"a": 100, "b": 50, "c": 0}
    forgiving = pod("new", tolerations=(Toleration("spot", "Exists"),))
    assert scores_of(cluster(*nodes, forgiving), "TaintToleration") == {"a": 100, "b": 100, "c": 0}


def test_a_toleration_for_another_effect_does_not_help_the_score():
    nodes = node("a"), node("b", taints=(Taint("spot", "PreferNoSchedule"),))
    new = pod("new", tolerations=(Toleration("spot", "Exists", "", "NoSchedule"),))
    assert scores_of(cluster(*nodes, new), "TaintToleration") == {"a": 100, "b": 0}


def preferring(*weights: tuple[int, str]) -> Affinity:
    terms = [
        PreferredSchedulingTerm(weight, NodeSelectorTerm((NodeSelectorRequirement(key, "Exists"),)))
        for weight, key in weights
    ]
    return Affinity(NodeAffinity(preferred=tuple(terms)))


def test_preferred_terms_add_up_and_the_best_node_scores_100():
    nodes = node("a"), node("b", labels={"ssd": ""}), node("c", labels={"ssd": "", "near": ""})
    new = pod("new", affinity=preferring((10, "ssd"), (5, "near")))
    assert scores_of(cluster(*nodes, new), "NodeAffinity") == {"a": 0, "b": 66, "c": 100}


def test_an_empty_preferred_term_is_satisfied_by_no_node():
    empty = Affinity(NodeAffinity(preferred=(PreferredSchedulingTerm(5, NodeSelectorTerm()),)))
    assert scores_of(cluster(node("a"), pod("new", affinity=empty)), "NodeAffinity") == {"a": 0}


def test_the_policys_own_preferences_count_for_every_pod():
    nodes = node("a"), node("b", labels={"ssd": ""})
    added = preferring((1, "ssd")).node_affinity
    assert scores_of(cluster(*nodes, pod("new")), "NodeAffinity", added_affinity=added) == {"a": 0, "b": 100}


def test_what_is_normalised_is_so_over_the_feasible_nodes():
    nodes = node("a"), node("b", labels={"ssd": ""}), node("c", labels={"ssd": "", "near": ""}, cpu=0)
    new = pod("new", requests={"cpu": 1}, affinity=preferring((10, "ssd"), (5, "near")))
    assert scores_of(cluster(*nodes, new), "NodeAffinity") == {"a": 0, "b": 100}


def having(name: str, *images: tuple[str, int]) -> Any:
    return node(name, images=tuple(ContainerImage((image,), size * MIB) for image, size in images))


IMAGES = {
    "an image on one node of two": ([("app:1", 1000)], ["app:1"], (500 - 23) * 100 // 977),
    "latest is understood": ([("app:latest", 1000)], ["app"], (500 - 23) * 100 // 977),
    "a port is no tag": ([("host:5000/app:latest", 1000)], ["host:5000/app"], (500 - 23) * 100 // 977),
    "small images count nothing": ([("app:1", 46)], ["app:1"], 0),
    "more than 1000 MiB a container count no more": ([("app:1", 9000)], ["app:1"], 100),
    "two containers share the bounds": ([("app:1", 1000)], ["app:1", "db:1"], (500 - 23) * 100 // 1977),
    "two containers with the same image": ([("app:1", 1000)], ["app:1", "app:1"], (1000 - 23) * 100 // 1977),
}


@pytest.mark.parametrize(("images", "wanted", "expected"), IMAGES.values(), ids=IMAGES.keys())
def test_image_locality(images: list[tuple[str, int]], wanted: list[str], expected: int):
    snapshot = cluster(having("a", *images), node("b"), pod("new", images=tuple(wanted)))
    assert scores_of(snapshot, "ImageLocality") == {"a": expected, "b": 0}


def test_an_image_is_as_large_as_the_first_node_says_and_counts_more_the_wider_it_is_spread():
    nodes = having("a", ("app:1", 400)), having("b", ("app:1", 999)), node("c")
    each = int(400 * MIB * (2 / 3))
    expected = (each - 23 * MIB) * 100 // (977 * MIB)
    assert scores_of(cluster(*nodes, pod("new", images=("app:1",))), "ImageLocality") == {
        "a": expected,
        "b": expected,
        "c": 0,
    }


def test_images_of_volumes_count_but_do_not_raise_the_bounds():
    new = pod("new", images=("db:1",), volume_images=("data:1",))
    snapshot = cluster(having("a", ("data:1", 500)), new)
    assert scores_of(snapshot, "ImageLocality") == {"a": (500 - 23) * 100 // 977}


# All together.


@pytest.mark.parametrize("plugin", ["LoadAware", "Price"])
def test_what_a_snapshot_does_not_tell_makes_no_difference_between_nodes(plugin: str):
    assert scores_of(cluster(node("a"), node("b"), pod("new")), plugin) == {"a": 100, "b": 100}


def test_the_total_is_the_sum_of_weighted_plugins_and_the_best_comes_first():
    policy = Policy(name="two", scores=(ScoreWeight(FIT, 3), ScoreWeight(BALANCED, 2)))
    snapshot = cluster(node("a"), node("b", cpu=8000, memory=16 * GIB), pod("new", requests=HALF))
    found = explain(snapshot, "default/new", policy)
    assert [(candidate.node, candidate.total, candidate.plugins) for candidate in found.scores] == [
        ("b", 3 * 75 + 2 * 75, {FIT: 3 * 75, BALANCED: 2 * 75}),
        ("a", 3 * 50 + 2 * 75, {FIT: 3 * 50, BALANCED: 2 * 75}),
    ]
