"""A simulation of one cycle is a plan: the same placements, byte for byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.scheduling import made_batches, made_snapshots
from tests.scheduling.made_by_hand import cluster, node, pod, whole
from tests.scheduling.searching import examples
from tests.simulation.made_runs import EVERY_ACTION, Seen, by_queue, run, scenario

import yuheng
from yuheng.model.cluster import Snapshot
from yuheng.model.job import Job
from yuheng.model.pod import DeviceRequest
from yuheng.model.policy import Policy
from yuheng.model.queue import Queue
from yuheng.scheduling.batch.roster import job_keys
from yuheng.scheduling.presets import PRESETS, preset

HOUR = 3600.0
IN_QUEUES = (
    by_queue("drf", "predicates", "proportion", "nodeorder", actions=EVERY_ACTION),
    by_queue("drf", "predicates", "capacity", "nodeorder", actions=EVERY_ACTION),
    by_queue("predicates", "nodeorder", "network-topology-aware", "task-topology"),
)


def one_cycle(snapshot: Snapshot, policy: Policy, seed: int = 0) -> Seen:
    """What the first cycle decides; the next one would be an hour later."""
    return run(scenario(snapshot, None, policy, cycle=HOUR, until=1.0), policy, seed)


def placements_of(found: Seen) -> bytes:
    rows = [{"pod": each.pod, "node": each.node, "devices": list(each.devices)} for each in found.decisions]
    return json.dumps(rows).encode()


def planned(snapshot: Snapshot, policy: Policy, seed: int = 0) -> bytes:
    return json.dumps(yuheng.plan(snapshot, policy, seed).to_dict()["placements"]).encode()


def ungated(snapshot: Snapshot) -> Snapshot:
    specs = {id(each.spec): msgspec.structs.replace(each.spec, gates=()) for each in snapshot.pods}
    pods = tuple(msgspec.structs.replace(each, spec=specs[id(each.spec)]) for each in snapshot.pods)
    return msgspec.structs.replace(snapshot, pods=pods)


def without_refused(snapshot: Snapshot, found: Seen) -> Snapshot:
    """The snapshot without what the simulation never submitted."""
    keys, gone = job_keys(snapshot), {job.job for job in found.run.refused}
    pods = tuple(each for each in snapshot.pods if each.node is not None or keys[each.key] not in gone)
    return msgspec.structs.replace(snapshot, pods=pods)


@pytest.mark.parametrize("policy", sorted(PRESETS))
def test_a_cluster_drawn_at_random(policy: str) -> None:
    for seed in range(8):
        rng = Random(seed)
        snapshot = ungated(made_snapshots.snapshot(rng, rng.randint(1, 8), rng.randint(0, 8), rng.randint(1, 24), 8))
        chosen = preset(policy)
        assert placements_of(one_cycle(snapshot, chosen, seed)) == planned(snapshot, chosen, seed)


@examples(20)
@given(snapshot=made_snapshots.snapshots(), policy=made_snapshots.policies(), seed=st.integers(0, 9))
def test_any_policy(snapshot: Snapshot, policy: Policy, seed: int) -> None:
    snapshot = ungated(snapshot)
    assert placements_of(one_cycle(snapshot, policy, seed)) == planned(snapshot, policy, seed)


@pytest.mark.parametrize("choose", [made_batches.policy, *(lambda _, each=each: each for each in IN_QUEUES)])
def test_queues_drawn_at_random(choose: Callable[[Random], Policy]) -> None:
    for seed in range(6):
        rng = Random(seed)
        snapshot = ungated(made_batches.batch(rng))
        policy = choose(rng)
        found = one_cycle(snapshot, policy, seed)
        snapshot = without_refused(snapshot, found)
        assert placements_of(found) == planned(snapshot, policy, seed)
        evictions = yuheng.plan(snapshot, policy, seed).evictions
        assert sorted(name for _, name in found.evictions) == sorted(each.pod for each in evictions)


def test_a_pod_behind_a_gate_waits() -> None:
    snapshot = cluster(node("a"), pod("gated", gates=("example.com/wait",)), pod("free"))
    found = one_cycle(snapshot, preset("kubernetes"))
    assert placements_of(found) == planned(snapshot, preset("kubernetes"))


def test_a_gang_of_different_pods_starts_when_it_fits() -> None:
    """A master that only the large node has room for, and workers; the three have to start together."""
    pods = [pod("master", requests={"cpu": 5000}), *(pod(f"worker-{i}", requests={"cpu": 1000}) for i in range(2))]
    members = [msgspec.structs.replace(each, job="default/gang") for each in pods]
    nodes = node("large", cpu=8000), node("small")
    gang = Job(name="gang", min_available=3)
    snapshot = cluster(*nodes, *members, queues=(Queue(name="default"),), jobs=(gang,))
    found = one_cycle(snapshot, preset("kubernetes"))
    assert found.run.refused == ()
    assert placements_of(found) == planned(snapshot, preset("kubernetes"))


def test_running_pods_are_part_of_the_typical_workload() -> None:
    """Half of all pods ask for a whole GPU: the share goes beside the other one, and leaves one whole."""
    shares = [DeviceRequest(1, 500)] * 2
    running = [
        pod("r0", on="b", devices=shares[0], holds=(0,)),
        whole("r1", 1, on="c", holds=(0,)),
        whole("r2", 1, on="d", holds=(0,)),
    ]
    nodes = [node(name, gpus=1) for name in "abcd"]
    snapshot = cluster(*nodes, *running, pod("new", devices=shares[1]))
    for seed in range(8):
        found = one_cycle(snapshot, preset("fgd"), seed)
        assert [each.node for each in found.decisions] == ["b"]
        assert placements_of(found) == planned(snapshot, preset("fgd"), seed)


# The data of the workplace.


@pytest.mark.shared_data
@pytest.mark.parametrize("policy", ["kubernetes", "fgd", "random"])
def test_the_cluster_of_500_nodes(shared: Path, policy: str) -> None:
    snapshot = yuheng.read(shared / "data/kubernetes/cluster-500-nodes.json.gz")
    assert placements_of(one_cycle(snapshot, preset(policy), 7)) == planned(snapshot, preset(policy), 7)


@pytest.mark.shared_data
def test_the_cluster_of_500_nodes_in_queues(shared: Path) -> None:
    snapshot = yuheng.read(shared / "data/kubernetes/cluster-500-nodes.json.gz")
    found = one_cycle(snapshot, IN_QUEUES[0])
    assert placements_of(found) == planned(without_refused(snapshot, found), IN_QUEUES[0])


@pytest.mark.shared_data
@pytest.mark.parametrize("policy", ["kubernetes", "bestfit"])
def test_the_openb_trace(shared: Path, policy: str) -> None:
    snapshot = openb(shared)
    found = one_cycle(snapshot, preset(policy))
    assert len(found.decisions) > 5000
    assert placements_of(found) == planned(snapshot, preset(policy))


@pytest.mark.shared_data
def test_the_openb_trace_in_queues(shared: Path) -> None:
    snapshot = openb(shared)
    snapshot = msgspec.structs.replace(snapshot, nodes=snapshot.nodes[:150], pods=snapshot.pods[::8])
    found = one_cycle(snapshot, IN_QUEUES[0])
    assert len(found.decisions) > 500
    assert placements_of(found) == planned(without_refused(snapshot, found), IN_QUEUES[0])


def openb(shared: Path) -> Snapshot:
    folder = shared / "data/openb"
    return yuheng.read(folder / "openb_node_list_gpu_node.csv", folder / "openb_pod_list_default.csv")
