"""Whose turn it is, and which of equal nodes is taken."""

from __future__ import annotations

import numpy as np
import pytest

from tests.scheduling.made_by_hand import cluster, homes, node, pod, words
from yuheng.scheduling.planner import plan
from yuheng.scheduling.presets import PRESETS

ORDERS = {
    "high priority first": (pod("late", priority=1, created=9), pod("early", created=1)),
    "negative priority last": (pod("late", created=9), pod("early", priority=-1, created=1)),
    "old before young": (pod("z", created=1), pod("a", created=2)),
    "pods without a creation time last": (pod("z", created=1), pod("a", created=float("inf"))),
    "then by namespace": (pod("z", namespace="a"), pod("a", namespace="b")),
    "then by name": (pod("a"), pod("b")),
}


@pytest.mark.parametrize("pods", ORDERS.values(), ids=ORDERS.keys())
def test_the_queue_is_worked_off(pods: tuple[object, object]):
    first, second = pods
    for order in ((first, second), (second, first)):
        found = plan(cluster(node("n", pods=1), *order))
        assert [placement.pod for placement in found.placements] == [first.key]
        assert [refusal.pod for refusal in found.unschedulable] == [second.key]


def test_a_pod_that_is_refused_holds_up_nobody():
    found = plan(cluster(node("n", cpu=1000), pod("big", priority=5, requests={"cpu": 2000}), pod("small")))
    assert homes(found) == {"small": "n"}
    assert list(words(found)) == ["big"]


def test_every_placement_is_seen_by_the_next_pod():
    pods = [pod(f"p{i}", created=i, requests={"cpu": 3000}) for i in range(3)]
    assert homes(plan(cluster(node("a"), node("b"), *pods))) == {"p0": "a", "p1": "b"}


@pytest.mark.parametrize("name", ["kubernetes", "binpack", "spread", "firstfit"])
def test_of_equal_nodes_the_first_by_name_is_taken(name: str):
    assert homes(plan(cluster(node("b"), node("a"), node("c"), pod("p")), name, seed=5)) == {"p": "a"}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.policy.ties == "shuffled"])
def test_the_study_takes_the_first_of_the_seeds_order(name: str, seed: int):
    names = [f"n{i}" for i in range(9)]
    first = names[np.random.Generator(np.random.PCG64(seed)).permutation(9)[0]]
    found = plan(cluster(*(node(each) for each in names), pod("p")), name, seed)
    if PRESETS[name].policy.pick == "best":
        assert homes(found) == {"p": first}


def test_firstfit_fills_one_node_before_the_next():
    pods = [pod(f"p{i}", created=i, requests={"cpu": 2000}) for i in range(5)]
    found = plan(cluster(node("a"), node("b"), node("c"), *pods), "firstfit")
    assert list(homes(found).values()) == ["a", "a", "b", "b", "c"]


def test_binpack_fills_what_is_in_use_and_spread_what_is_not():
    running = pod("r", on="b", requests={"cpu": 1000})
    snapshot = cluster(node("a"), node("b"), node("c"), running, pod("p", requests={"cpu": 1000}))
    assert homes(plan(snapshot, "binpack")) == {"p": "b"}
    assert homes(plan(snapshot, "spread")) == {"p": "a"}
