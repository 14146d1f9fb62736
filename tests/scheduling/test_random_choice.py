"""The policy ``random``: any node that fits, any GPU that fits, and nothing but the seed decides."""

from __future__ import annotations

from collections import Counter

from tests.scheduling.made_by_hand import cluster, homes, node, pod, share
from yuheng.model.node import Node
from yuheng.model.pod import Pod
from yuheng.scheduling.planner import explain, plan

NODES: list[Node] = [node(name, pods=1000) for name in "abc"]
PODS: list[Pod] = [pod(f"p{i:03}", created=i) for i in range(600)]


def test_the_seed_decides():
    snapshot = cluster(*NODES, *PODS)
    first, again, other = (homes(plan(snapshot, "random", seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_every_node_that_fits_is_as_likely_as_any_other():
    counts = Counter(homes(plan(cluster(*NODES, *PODS), "random", 3)).values())
    # 200 expected on each, with a standard deviation of 11.5.
    assert set(counts) == {"a", "b", "c"}
    assert all(abs(count - 200) < 50 for count in counts.values())


def test_only_nodes_that_fit_are_drawn():
    picky = [pod(f"p{i:03}", created=i, node_selector={"disk": "ssd"}) for i in range(50)]
    nodes = [*NODES, node("d", labels={"disk": "ssd"}), node("e", labels={"disk": "ssd"}, pods=10)]
    counts = Counter(homes(plan(cluster(*nodes, *picky), "random")).values())
    assert set(counts) == {"d", "e"}
    assert counts["e"] == 10


def test_a_share_takes_any_gpu_that_fits():
    shares = [share(f"p{i:02}", 10, created=i) for i in range(80)]
    full = share("full", 995, on="a", holds=(2,))
    found = plan(cluster(node("a", gpus=4), full, *shares), "random", 5)
    counts = Counter(placement.devices for placement in found.placements)
    assert set(counts) == {(0,), (1,), (3,)}
    assert min(counts.values()) > 10


def test_all_feasible_nodes_are_explained_to_be_worth_the_same():
    snapshot = cluster(*NODES, pod("p"))
    found = explain(snapshot, "default/p", "random", 4)
    assert [(candidate.node, candidate.total) for candidate in found.scores] == [("a", 0), ("b", 0), ("c", 0)]
    assert found.node == homes(plan(snapshot, "random", 4))["p"]
