"""What is told of a plan's pods that stay pending, and of clusters where little or nothing is."""

from __future__ import annotations

from typing import Any

import pytest

from tests.scheduling.made_by_hand import GIB, cluster, homes, node, pod, share, whole, words
from yuheng.errors import ConfigError, InputError, NotFoundError
from yuheng.model.cluster import Snapshot
from yuheng.model.node import Taint
from yuheng.model.plan import NearMiss, NodeUsage
from yuheng.model.policy import Policy, ScoreWeight, ScoringStrategy
from yuheng.scheduling.planner import capacity, explain, plan
from yuheng.scheduling.presets import PRESETS, preset
from yuheng.scheduling.registry import FILTERS, SCORES

NO_NODES = "no nodes available to schedule pods"


@pytest.mark.parametrize("name", PRESETS)
def test_without_nodes_pods_are_refused_in_kube_schedulers_words(name: str):
    found = plan(cluster(pod("p"), share("q", 500)), name)
    assert words(found) == {"p": NO_NODES, "q": NO_NODES}
    assert all(refusal.reasons == () for refusal in found.unschedulable)
    assert found.usage == ()
    assert found.summary.allocation == {}
    assert explain(cluster(pod("p")), "default/p", name).message == NO_NODES


@pytest.mark.parametrize("name", PRESETS)
def test_without_pods_there_is_nothing_to_plan(name: str):
    found = plan(cluster(node("a")), name)
    assert (found.placements, found.unschedulable) == ((), ())
    assert (found.summary.nodes, found.summary.pods, found.summary.bound) == (1, 0, 0)


@pytest.mark.parametrize("name", PRESETS)
def test_without_anything_there_is_an_empty_plan(name: str):
    found = plan(cluster(), name)
    assert (found.placements, found.unschedulable, found.usage) == ((), (), ())


def test_gated_pods_are_refused_last_and_hold_nothing():
    gated = pod("gated", priority=9, gates=("wait",), requests={"cpu": 4000})
    found = plan(cluster(node("a"), gated, pod("big", requests={"cpu": 5000}), pod("p", requests={"cpu": 4000})))
    assert homes(found) == {"p": "a"}
    assert list(words(found)) == ["big", "gated"]
    assert words(found)["gated"] == "Scheduling is blocked due to non-empty scheduling gates."
    assert (found.summary.pods, found.summary.unschedulable) == (3, 2)


def test_gates_of_a_bound_pod_do_not_matter():
    found = plan(cluster(node("a"), pod("r", on="a", gates=("wait",), requests={"cpu": 4000}), pod("p")))
    assert found.usage[0].before["cpu"] == 4000
    assert found.summary.bound == 1


def test_pods_of_one_class_are_told_what_was_true_when_each_was_refused():
    big = [pod(f"big-{i}", created=i, requests={"cpu": 3000}) for i in (0, 1, 3)]
    hungry = pod("hungry", created=2, requests={"memory": 8 * GIB})
    found = plan(cluster(node("a"), pod("r", on="a", requests={"cpu": 2000, "memory": 0}), *big, hungry))
    assert homes(found) == {"hungry": "a"}
    assert words(found) == {f"big-{i}": "0/1 nodes are available: 1 Insufficient cpu." for i in (0, 1, 3)}
    full = [pod(f"big-{i}", created=i, requests={"cpu": 3000, "memory": GIB}) for i in (1, 3)]
    told = words(plan(cluster(node("a"), pod("r", on="a", requests={"cpu": 2000}), *full, hungry)))
    assert told["big-1"] == "0/1 nodes are available: 1 Insufficient cpu."
    assert told["big-3"] == "0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory."


def test_the_closest_nodes_are_told_with_what_each_lacks():
    nodes = node("a", cpu=1000), node("b", cpu=2500), node("c", cpu=1000, memory=GIB)
    (refusal,) = plan(cluster(*nodes, pod("p", requests={"cpu": 3000, "memory": 2 * GIB}))).unschedulable
    assert refusal.closest[:2] == (NearMiss("b", {"cpu": "500m"}), NearMiss("a", {"cpu": "2"}))


def test_usage_and_allocation_are_told_before_and_after():
    snapshot = cluster(
        node("a", gpus=2),
        node("b", memory=24 * GIB),
        pod("r", on="a", requests={"cpu": 1000}),
        share("s", 250, on="a"),
        whole("p", 1, cpu=2000),
        pod("q", on="b", requests={"memory": 8 * GIB}),
    )
    found = plan(snapshot)
    offers = {"cpu": 4000, "memory": 8 * GIB, "nvidia.com/gpu": 2, "gpu": 2000}
    assert found.usage[0] == NodeUsage(
        "a", offers, {"cpu": 1000, "gpu": 250}, {"cpu": 3000, "nvidia.com/gpu": 1, "gpu": 1250}
    )
    allocation = found.summary.allocation
    assert list(allocation) == ["cpu", "memory", "gpu", "nvidia.com/gpu"]
    assert (allocation["cpu"].before, allocation["cpu"].after) == (0.125, 0.375)
    assert (allocation["memory"].before, allocation["memory"].after) == (0.25, 0.25)
    assert (allocation["gpu"].before, allocation["gpu"].after) == (0.125, 0.625)


def test_warnings_of_the_snapshot_and_of_the_policy_are_passed_on():
    found = plan(cluster(node("a"), warnings=("one",)), Policy(warnings=("two",)))
    assert found.warnings == ("one", "two")


def test_nodes_that_are_not_ready_without_saying_so_by_a_taint_are_warned_of():
    silent, loud = node("b", ready=False), node("c", ready=False, taints=(Taint("not-ready", "NoExecute"),))
    (warning,) = plan(cluster(node("a"), silent, loud)).warnings
    assert warning.startswith("1 nodes are not ready and carry no taint that says so, b first")


def test_progress_is_told_up_to_the_last_pod():
    seen: list[tuple[int, int]] = []
    pods = [pod(f"p{i}", requests={"cpu": 3000 * (i % 2)}) for i in range(20)]
    plan(cluster(node("a"), *pods), progress=lambda done, total: seen.append((done, total)))
    assert seen == sorted(seen)
    assert seen[-1] == (20, 20)


def test_a_pod_bound_to_a_node_that_is_not_there_is_an_error_that_names_both():
    snapshot = cluster(node("a"), pod("r", on="gone", namespace="prod"))
    expected = "Pod prod/r: spec.nodeName: found 'gone', expected the name of a node in the input"
    with pytest.raises(InputError) as caught:
        plan(snapshot)
    assert str(caught.value) == expected


def test_more_gpus_than_can_be_told_apart_are_an_error_that_names_the_node():
    assert plan(cluster(node("a", gpus=4096))).summary.nodes == 1
    with pytest.raises(InputError, match=r"Node a: status\.allocatable: found 4097 GPUs, expected at most 4096"):
        plan(cluster(node("a", gpus=4097)))


def test_more_resources_than_a_record_has_bits_are_an_error():
    def asking(resources: int) -> Snapshot:
        return cluster(node("a"), pod("p", requests={f"example.com/r{i}": 1 for i in range(resources)}))

    (refusal,) = plan(asking(41)).unschedulable
    assert len(refusal.reasons) == 41
    with pytest.raises(InputError, match="found requests of 42 resources, expected at most 41"):
        plan(asking(42))


# Policies.


def test_the_presets_are_named_after_themselves_and_say_what_they_are_for():
    assert list(PRESETS) == [
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
        "random",
    ]
    for name, entry in PRESETS.items():
        assert entry.policy.name == name
        assert preset(name) == entry.policy
        assert entry.purpose


@pytest.mark.parametrize("name", PRESETS)
def test_a_plan_bears_the_name_of_its_policy(name: str):
    assert plan(cluster(node("a")), name).policy == name


def test_a_policy_that_does_not_exist_is_an_error_that_lists_those_that_do():
    with pytest.raises(NotFoundError, match="policy: found 'packing', expected one of kubernetes, binpack, spread"):
        plan(cluster(node("a")), "packing")


def test_a_filter_that_does_not_exist_is_an_error():
    policy = Policy(name="mine", filters=("NodeName", "NodeResources"))
    with pytest.raises(ConfigError, match=r"policy mine: found filter 'NodeResources', expected one of \['Dev"):
        plan(cluster(node("a")), policy)


def test_a_score_that_does_not_exist_is_an_error():
    policy = Policy(name="mine", scores=(ScoreWeight("Luck"),))
    with pytest.raises(ConfigError, match=r"policy mine: found score 'Luck', expected one of \['BestFit'"):
        plan(cluster(node("a")), policy)


@pytest.mark.parametrize("weight", [-1, 1_000_001])
def test_a_weight_that_scores_cannot_bear_is_an_error(weight: int):
    policy = Policy(name="mine", scores=(ScoreWeight("ImageLocality", weight),))
    with pytest.raises(ConfigError, match=f"policy mine: weight of ImageLocality: found {weight}, expected 0 to"):
        plan(cluster(node("a")), policy)


def test_a_ratio_without_a_shape_is_an_error():
    policy = Policy(name="mine", strategy=ScoringStrategy("RequestedToCapacityRatio"))
    with pytest.raises(ConfigError, match=r"policy mine: strategy\.shape: found no points, expected at least one"):
        plan(cluster(node("a")), policy)


@pytest.mark.parametrize("ask", [plan, explain, capacity])
def test_a_negative_seed_is_an_error(ask: Any):
    snapshot = cluster(node("a"), pod("p"))
    about = {plan: (), explain: ("default/p",), capacity: (snapshot.pods[0],)}[ask]
    with pytest.raises(ConfigError, match="seed: found -1, expected 0 or more"):
        ask(snapshot, *about, seed=-1)


def test_every_preset_uses_filters_and_scores_of_the_table():
    for entry in PRESETS.values():
        assert set(entry.policy.filters) <= FILTERS
        assert {score.plugin for score in entry.policy.scores} <= SCORES


def test_the_default_profile_has_kube_schedulers_weights():
    assert {score.plugin: score.weight for score in preset("kubernetes").scores} == {
        "TaintToleration": 3,
        "NodeAffinity": 2,
        "PodTopologySpread": 2,
        "InterPodAffinity": 2,
        "NodeResourcesFit": 1,
        "NodeResourcesBalancedAllocation": 1,
        "ImageLocality": 1,
    }
