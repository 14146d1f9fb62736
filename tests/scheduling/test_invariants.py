"""What holds of every plan, whatever the cluster: section 6 of the rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from tests.oracle.filters import rejection
from tests.oracle.schedule import commit
from tests.oracle.turn import Turn
from tests.scheduling.made_snapshots import policies, snapshot, snapshots
from tests.scheduling.searching import examples
from yuheng.model.cluster import Snapshot
from yuheng.model.plan import Plan, Refusal
from yuheng.model.pod import Pod
from yuheng.model.policy import Policy
from yuheng.scheduling.planner import plan
from yuheng.scheduling.presets import PRESETS

NAMES = st.sampled_from(list(PRESETS))


def facts(found: Plan) -> dict[str, Any]:
    """A plan but for the time it took."""
    return {
        **msgspec.structs.asdict(found),
        "summary": msgspec.structs.replace(found.summary, seconds=0.0),
    }


def replayed(cluster: Snapshot, policy: Policy, found: Plan) -> Iterator[tuple[oracle.World, Pod, oracle.Decision]]:
    """Every decision of a plan in the order of the queue, with the cluster as it was when it was made."""
    placed = {placement.pod: placement for placement in found.placements}
    refused = {refusal.pod: refusal for refusal in found.unschedulable}
    world = oracle.World(cluster, policy)
    for pod in world.queue():
        if pod.key in placed:
            made = placed[pod.key]
            decision = oracle.Decision(pod.key, made.node, made.devices, "", {}, {})
        else:
            decision = oracle.Decision(pod.key, "", (), refused[pod.key].message, {}, {})
        yield world, pod, decision
        if decision.node:
            commit(world, pod, decision)


@examples(80)
@given(cluster=snapshots(), name=NAMES, seed=st.integers(0, 3))
def test_a_placement_passes_every_filter_of_the_oracle(cluster: Snapshot, name: str, seed: int):
    policy = PRESETS[name].policy
    for world, pod, decision in replayed(cluster, policy, plan(cluster, policy, seed)):
        if decision.node:
            machine = world.machines[decision.node]
            assert rejection(Turn(world, pod), machine) is None
            _devices_suffice(machine, pod, decision.devices)


def _devices_suffice(machine: Any, pod: Pod, devices: tuple[int, ...]) -> None:
    request = pod.spec.devices
    assert len(set(devices)) == len(devices) == request.count
    if request.is_share():
        assert devices[0] in machine.fitting_devices(request)
    else:
        assert set(devices) <= set(machine.untouched_devices())


@examples(60)
@given(cluster=snapshots(), name=NAMES)
def test_a_refused_pod_fits_nowhere_and_the_words_are_the_oracles(cluster: Snapshot, name: str):
    policy = PRESETS[name].policy
    for world, pod, decision in replayed(cluster, policy, plan(cluster, policy)):
        if not decision.node:
            assert oracle.decide(world, pod).message == decision.message


@examples(60)
@given(cluster=snapshots(), name=NAMES)
def test_no_node_is_over_what_it_offers_by_what_was_placed(cluster: Snapshot, name: str):
    found = plan(cluster, name)
    asked = Counter(
        (placement.node, resource)
        for placement in found.placements
        for resource, amount in _pod(cluster, placement.pod).spec.requests.items()
        if amount
    )
    for usage in found.usage:
        for resource, after in usage.after.items():
            if asked[usage.node, resource]:
                assert after <= usage.allocatable.get(resource, 0)
    for node in cluster.nodes:
        placed = sum(placement.node == node.name for placement in found.placements)
        running = sum(pod.node == node.name for pod in cluster.pods)
        assert not placed or placed + running <= node.allocatable["pods"]


def _pod(cluster: Snapshot, key: str) -> Pod:
    return next(pod for pod in cluster.pods if pod.key == key)


@examples(60)
@given(cluster=snapshots(), name=NAMES)
def test_usage_is_what_running_and_placed_pods_request(cluster: Snapshot, name: str):
    found = plan(cluster, name)
    homes = {placement.pod: placement.node for placement in found.placements}
    before, after = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for pod in cluster.pods:
        for resource, amount in pod.spec.requests.items():
            before[pod.node or "", resource] += amount
            after[pod.node or homes.get(pod.key, ""), resource] += amount
    for usage in found.usage:
        for told, counted in ((usage.before, before), (usage.after, after)):
            for resource in set(told) - {"gpu"}:
                assert told[resource] == counted[usage.node, resource]


@examples(60)
@given(cluster=snapshots(), policy=policies())
def test_every_pod_is_accounted_for_once(cluster: Snapshot, policy: Policy):
    found = plan(cluster, policy)
    told = [placement.pod for placement in found.placements] + [refusal.pod for refusal in found.unschedulable]
    assert sorted(told) == sorted(pod.key for pod in cluster.pods if pod.node is None)
    summary = found.summary
    assert (summary.placed, summary.unschedulable) == (len(found.placements), len(found.unschedulable))
    assert (summary.nodes, summary.pods) == (len(cluster.nodes), len(told))
    assert summary.bound == len(cluster.pods) - len(told)


@examples(80)
@given(cluster=snapshots(), policy=policies())
def test_the_counts_of_a_refusal_add_up_to_the_number_of_nodes(cluster: Snapshot, policy: Policy):
    gated = {pod.key for pod in cluster.pods if pod.spec.gates}
    for refusal in plan(cluster, policy).unschedulable:
        if refusal.pod not in gated:
            _adds_up(refusal, len(cluster.nodes))


def _adds_up(refusal: Refusal, nodes: int) -> None:
    """A node is told of by one filter; NodeResourcesFit may say several things of it, each thing once."""
    short = [reason.nodes for reason in refusal.reasons if reason.filter == "NodeResourcesFit"]
    others = sum(reason.nodes for reason in refusal.reasons if reason.filter != "NodeResourcesFit")
    assert all(reason.nodes > 0 for reason in refusal.reasons)
    assert max(short, default=0) <= nodes - others <= sum(short)


@examples(60)
@given(cluster=snapshots(), policy=policies(), name=NAMES, shuffle=st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(cluster: Snapshot, policy: Policy, name: str, shuffle: Random):
    for chosen in (policy, PRESETS[name].policy):
        assert facts(plan(_shuffled(cluster, shuffle), chosen, 1)) == facts(plan(cluster, chosen, 1))


def _shuffled(cluster: Snapshot, rng: Random) -> Snapshot:
    def mixed(items: Any) -> Any:
        return tuple(rng.sample(list(items), len(items)))

    return msgspec.structs.replace(
        cluster,
        nodes=mixed(cluster.nodes),
        pods=mixed(cluster.pods),
        selectors=mixed(cluster.selectors),
        namespaces=dict(mixed(cluster.namespaces.items())),
        volumes=dict(mixed(cluster.volumes.items())),
    )


@examples(30)
@given(cluster=snapshots(), name=NAMES, seed=st.integers(0, 2**40))
def test_the_same_seed_gives_the_same_plan(cluster: Snapshot, name: str, seed: int):
    assert facts(plan(cluster, name, seed)) == facts(plan(cluster, name, seed))


@examples(30)
@given(cluster=snapshots(), name=NAMES)
def test_the_snapshot_is_not_changed(cluster: Snapshot, name: str):
    before = msgspec.msgpack.encode(cluster)
    plan(cluster, name)
    assert msgspec.msgpack.encode(cluster) == before


@examples(40)
@given(cluster=snapshots(), policy=policies())
def test_pods_that_share_a_spec_and_pods_that_have_one_each_are_decided_on_alike(cluster: Snapshot, policy: Policy):
    apart = msgspec.msgpack.decode(msgspec.msgpack.encode(cluster), type=Snapshot)
    assert facts(plan(apart, policy)) == facts(plan(cluster, policy))


@pytest.mark.parametrize("name", ["kubernetes", "fgd", "random"])
@pytest.mark.parametrize("budget", [1, 5_000])
def test_however_few_classes_are_held_at_once_the_plan_is_the_same(
    name: str, budget: int, monkeypatch: pytest.MonkeyPatch
):
    cluster = snapshot(Random(7), nodes=20, bound=30, pending=150, specs=30, scale=4)
    at_once = facts(plan(cluster, name, 1))
    monkeypatch.setattr("yuheng.scheduling.engine._BUDGET", budget)
    monkeypatch.setattr("yuheng.scheduling.engine._STRETCH", 7)
    assert facts(plan(cluster, name, 1)) == at_once
    assert at_once["placements"]
    assert at_once["unschedulable"]
