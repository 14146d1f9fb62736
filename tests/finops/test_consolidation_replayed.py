"""Whatever the cluster, the steps can be carried out: the oracle finds each pod's place possible, budgets are kept."""

from __future__ import annotations

from collections import Counter
from math import inf
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_consolidations import any_cluster
from msgspec.structs import replace
from tests.oracle.filters import rejection
from tests.oracle.schedule import commit
from tests.oracle.turn import Turn
from tests.oracle.world import World
from tests.scheduling.searching import examples

from yuheng.finops.consolidation import Terms, consolidate
from yuheng.scheduling.presets import PRESETS

KUBERNETES = PRESETS["kubernetes"].policy


class Decided:
    """What the oracle's `commit` wants to know."""

    def __init__(self, node, devices):
        self.node, self.devices = node, devices


def without(cluster, step):
    """The cluster while a step is carried out: the node cordoned, its evicted pods gone."""
    evicted = {one.pod for one in step.evictions}
    nodes = tuple(replace(one, unschedulable=one.unschedulable or one.name == step.node) for one in cluster.nodes)
    return replace(cluster, nodes=nodes, pods=tuple(pod for pod in cluster.pods if pod.key not in evicted))


def carried_out(cluster, step):
    """The cluster after a step; fails where the oracle would not let a pod on its node."""
    pods = {pod.key: pod for pod in cluster.pods}
    world = World(without(cluster, step), KUBERNETES)
    moved = []
    for one in step.evictions:
        loose = replace(pods[one.pod], node=None, device_indices=())
        assert pods[one.pod].node == step.node
        assert rejection(Turn(world, loose), world.machines[one.node]) is None, (step.node, one)
        commit(world, loose, Decided(one.node, one.devices))
        moved.append(replace(loose, node=one.node, device_indices=one.devices))
    kept = [pod for pod in without(cluster, step).pods if pod.node != step.node]
    left = {pod.key for pod in cluster.pods} - {pod.key for pod in (*kept, *moved)}
    assert left == set(step.vanish)
    return replace(cluster, nodes=tuple(one for one in cluster.nodes if one.name != step.node), pods=(*kept, *moved))


def check_budgets(cluster, step):
    """No round evicts more of a budget, or of a gang, than it allows."""
    pods = {pod.key: pod for pod in cluster.pods}
    running = Counter(pod.job for pod in cluster.pods)
    gone = Counter()
    for one in step.evictions:
        pod = pods[one.pod]
        for budget in cluster.budgets:
            if budget.namespace == pod.namespace and budget.selector.matches(pod.labels):
                gone[one.round, budget.name] += 1
                assert gone[one.round, budget.name] <= budget.disruptions_allowed
        job = next((job for job in cluster.jobs if job.key == pod.job and job.min_available > 1), None)
        if job is not None:
            gone[one.round, job.key] += 1
            assert gone[one.round, job.key] <= running[job.key] - job.min_available


def check(cluster, prices, annotations, terms):
    found = consolidate(cluster, prices, terms, annotations)
    state = cluster
    for step in found.steps:
        check_budgets(cluster, step)
        for one in step.evictions:
            assert one.pod not in annotations
        state = carried_out(state, step)
    names = {one.name for one in state.nodes}
    assert {pod.node for pod in state.pods} <= names
    assert len(names) == found.nodes_after
    assert {stay.node for stay in found.stays} == names
    cost = {price.node: price.per_hour for price in prices}
    assert sum(cost[name] for name in names) == pytest.approx(found.after)
    assert found.bound <= found.after + 1e-6
    return found


@examples(120)
@given(seed=st.integers(0, 10**6), k=st.sampled_from([0.5, 2.0, inf]), most=st.sampled_from([None, 0, 1]))
def test_every_step_can_be_carried_out(seed, k, most):
    rng = Random(seed)
    cluster, prices, annotations = any_cluster(rng, rng.randint(1, 8), rng.randint(1, 14))
    found = check(cluster, prices, annotations, Terms(k=k, most=most, bare=rng.random() < 0.5, policy=KUBERNETES))
    assert most is None or len(found.steps) <= most


@pytest.mark.parametrize("seed", range(3))
def test_every_step_on_a_larger_cluster_can_be_carried_out(seed):
    cluster, prices, annotations = any_cluster(Random(seed), 40, 160)
    assert check(cluster, prices, annotations, Terms(k=inf, bare=True, policy=KUBERNETES)).steps


@pytest.mark.parametrize("name", ["binpack", "spread", "firstfit"])
def test_another_policy_puts_pods_where_they_may_be(name):
    cluster, prices, annotations = any_cluster(Random(7), 20, 60)
    check(cluster, prices, annotations, Terms(k=inf, bare=True, policy=name))
