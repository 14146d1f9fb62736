"""The engine decides as the oracle does: nodes, devices, reasons and words, whatever the cluster and the policy."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from tests.scheduling.compared import engine_says, oracle_says, oracle_scores, seeds_order
from tests.scheduling.made_snapshots import policies, snapshot, snapshots
from tests.scheduling.searching import examples
from yuheng.model.cluster import Snapshot
from yuheng.model.policy import Policy
from yuheng.scheduling.planner import explain
from yuheng.scheduling.presets import PRESETS

# Where `random` goes is nobody's business but the seed's: see test_random_choice.
NAMED = [name for name in PRESETS if name != "random"]


@pytest.mark.parametrize("name", NAMED)
@examples(30)
@given(cluster=snapshots(), seed=st.integers(0, 3))
def test_a_named_policy_decides_as_the_oracle_does(name: str, cluster: Snapshot, seed: int):
    policy = PRESETS[name].policy
    assert engine_says(cluster, policy, seed) == oracle_says(cluster, policy, seed)


@examples(200)
@given(cluster=snapshots(), policy=policies(), seed=st.integers(0, 3))
def test_a_configured_policy_decides_as_the_oracle_does(cluster: Snapshot, policy: Policy, seed: int):
    assert engine_says(cluster, policy, seed) == oracle_says(cluster, policy, seed)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", ["kubernetes", "fgd", "binpack", "spread"])
def test_a_larger_cluster_with_interleaved_classes_is_decided_on_as_the_oracle_does(name: str, seed: int):
    cluster = snapshot(Random(seed), nodes=60, bound=80, pending=400, specs=40, scale=8)
    policy = PRESETS[name].policy
    assert engine_says(cluster, policy, seed) == oracle_says(cluster, policy, seed)


@pytest.mark.parametrize("name", ["kubernetes", "binpack", "fgd", "gpuclustering"])
@examples(12)
@given(cluster=snapshots(pending=5))
def test_the_scores_of_an_explanation_are_the_oracles_plugin_by_plugin(name: str, cluster: Snapshot):
    _explained_alike(cluster, PRESETS[name].policy)


@examples(40)
@given(cluster=snapshots(pending=4), policy=policies())
def test_the_scores_of_a_configured_policy_are_the_oracles_plugin_by_plugin(cluster: Snapshot, policy: Policy):
    _explained_alike(cluster, policy)


def _explained_alike(cluster: Snapshot, policy: Policy) -> None:
    for decision in oracle.plan(cluster, policy, seeds_order(cluster, policy, 0)):
        found = explain(cluster, decision.pod, policy)
        assert found.verdict == ("fits" if decision.node else "pending")
        assert found.node == decision.node
        assert [(candidate.node, candidate.plugins) for candidate in found.scores] == oracle_scores(decision)
        assert all(candidate.total == sum(candidate.plugins.values()) for candidate in found.scores)


@examples(40)
@given(cluster=snapshots(nodes=5, bound=5, pending=2))
def test_a_bound_pod_is_rated_as_the_oracle_rates_it_when_it_is_taken_off_its_node(cluster: Snapshot):
    bound = [pod for pod in cluster.pods if pod.node is not None]
    for pod in bound:
        loose = msgspec.structs.replace(pod, node=None, device_indices=())
        others = [other for other in bound if other is not pod]
        world = oracle.World(msgspec.structs.replace(cluster, pods=(*others, loose)), Policy())
        decision = oracle.decide(world, loose)
        found = explain(cluster, pod.key)
        assert (found.verdict, found.node) == ("bound", pod.node)
        assert [(candidate.node, candidate.plugins) for candidate in found.scores] == oracle_scores(decision)
