"""How many more of a pod fit, where, and what runs out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given

from tests import oracle
from tests.scheduling.made_by_hand import GIB, ZONE, app, cluster, node, pod, share, whole, zoned
from tests.scheduling.made_snapshots import snapshots
from tests.scheduling.searching import examples
from yuheng.errors import InputError, NotFoundError
from yuheng.model.cluster import Snapshot
from yuheng.model.node import DeviceInventory
from yuheng.model.plan import Headroom, Reason
from yuheng.model.pod import Affinity, DeviceRequest, Pod, PodAffinity, PodAffinityTerm, TopologySpreadConstraint
from yuheng.model.policy import Policy
from yuheng.scheduling.planner import capacity


def rooms(found: Headroom) -> dict[str, int]:
    return {room.node: room.pods for room in found.nodes}


def core(milli: int = 1000, **rest: Any) -> Pod:
    return pod("model", requests={"cpu": milli}, **rest)


def test_it_is_counted_node_by_node_most_first():
    nodes = node("a"), node("b", cpu=10_000), node("c", cpu=500), node("d")
    found = capacity(cluster(*nodes, pod("r", on="a", requests={"cpu": 1500})), core(1000))
    assert (found.pod, found.policy, found.total) == ("default/model", "kubernetes", 16)
    assert [(room.node, room.pods) for room in found.nodes] == [("b", 10), ("d", 4), ("a", 2)]


def test_what_runs_out_is_told_in_kube_schedulers_words():
    nodes = node("a"), node("b", memory=GIB), node("c", unschedulable=True)
    found = capacity(cluster(*nodes), pod("model", requests={"cpu": 1500, "memory": GIB}))
    assert rooms(found) == {"a": 2, "b": 1}
    said = "1 Insufficient cpu, 1 Insufficient memory, 1 node(s) were unschedulable"
    assert found.message == f"0/3 nodes are available: {said}."


def test_the_limit_is_what_is_said_of_most_nodes():
    nodes = node("a"), node("b"), node("c", memory=2 * GIB)
    found = capacity(cluster(*nodes), pod("model", requests={"cpu": 1000, "memory": GIB}))
    assert rooms(found) == {"a": 4, "b": 4, "c": 2}
    assert found.message == "0/3 nodes are available: 1 Insufficient memory, 2 Insufficient cpu."
    assert found.reasons[0] == Reason("NodeResourcesFit", "Insufficient cpu", 2)
    assert found.limit == "Insufficient cpu"


def test_pods_that_ask_for_nothing_fit_until_there_are_too_many():
    found = capacity(cluster(node("a", pods=5), node("b", pods=2), pod("r", on="a")), pod("model"))
    assert rooms(found) == {"a": 4, "b": 2}
    assert found.message == "0/2 nodes are available: 2 Too many pods."


def test_pending_pods_of_the_cluster_take_no_room():
    assert capacity(cluster(node("a"), pod("p", requests={"cpu": 4000})), core()).total == 4


def test_the_model_may_be_a_pod_that_runs_or_waits():
    running = pod("r", on="a", requests={"cpu": 1000}, holds=(0,))
    snapshot = cluster(node("a"), running, pod("p", requests={"cpu": 1000}))
    assert capacity(snapshot, snapshot.pods[1]).total == 3
    again = capacity(cluster(node("a"), node("b"), running), running)
    assert again.total == 3


def test_a_pod_that_fits_nowhere_has_no_room_and_is_told_why():
    found = capacity(cluster(node("a"), node("b")), core(5000))
    assert (found.total, found.nodes) == (0, ())
    assert found.message == "0/2 nodes are available: 2 Insufficient cpu."


def test_without_nodes_there_is_no_room():
    found = capacity(cluster(), core())
    assert (found.total, found.nodes, found.message) == (0, (), "no nodes available to schedule pods")


def test_each_copy_counts_for_the_next_ones_spread_and_affinity():
    web = {"app": "web"}
    zones = zoned("a", "z1"), zoned("b", "z2", cpu=2000)
    spread = core(labels=web, spread=(TopologySpreadConstraint(1, ZONE, "DoNotSchedule", app("web")),))
    assert rooms(capacity(cluster(*zones), spread)) == {"a": 3, "b": 2}
    alone = Affinity(pod_anti_affinity=PodAffinity((PodAffinityTerm(ZONE, app("web")),)))
    assert rooms(capacity(cluster(*zones), core(labels=web, affinity=alone))) == {"a": 1, "b": 1}


GPUS = {
    "whole GPUs": (whole("model", 2), {"a": 2, "b": 1}),
    "shares that divide a GPU": (share("model", 250), {"a": 16, "b": 12}),
    "shares that leave something": (share("model", 400), {"a": 8, "b": 6}),
    "shares of more than a half": (share("model", 501), {"a": 4, "b": 3}),
}


@pytest.mark.parametrize(("model", "expected"), GPUS.values(), ids=GPUS.keys())
def test_gpus_are_counted_device_by_device(model: Pod, expected: dict[str, int]):
    assert rooms(capacity(cluster(node("a", gpus=4), node("b", gpus=3), node("c")), model)) == expected


def test_gpu_memory_alone_may_be_what_runs_out():
    machine = node("a", devices=DeviceInventory(2, 16 * GIB))
    found = capacity(cluster(machine), pod("model", devices=DeviceRequest(1, 0, 5 * GIB)))
    assert found.total == 6


def test_what_the_policy_does_not_check_is_no_limit():
    foo = pod("model", requests={"example.com/foo": 1})
    snapshot = cluster(node("a", pods=7))
    assert capacity(snapshot, foo).total == 0
    assert capacity(snapshot, foo, Policy(ignored_resources=("example.com/foo",))).total == 7


def test_a_node_without_a_limit_of_pods_is_no_reason_to_count_forever():
    limitless = node("a", pods=1_000_000_000)
    assert capacity(cluster(limitless), core()).total == 4
    with pytest.raises(InputError, match="Pod default/model"):
        capacity(cluster(limitless), pod("model"))


def test_an_unknown_policy_is_an_error():
    with pytest.raises(NotFoundError, match="policy: found 'none'"):
        capacity(cluster(node("a")), core(), "none")


@examples(60)
@given(cluster=snapshots(nodes=5, bound=5, pending=3))
def test_it_is_what_the_oracle_places_one_after_the_other(cluster: Snapshot):
    asking = msgspec.structs.replace(cluster.pods[-1].spec, requests={"cpu": 700}, gates=())
    model = msgspec.structs.replace(cluster.pods[-1], spec=asking, node=None)
    found = capacity(cluster, model)
    running = [pod for pod in cluster.pods if pod.node is not None and pod.key != model.key]
    copies = [msgspec.structs.replace(model, name=f"copy-{i:03}") for i in range(found.total + 1)]
    decisions = oracle.plan(msgspec.structs.replace(cluster, pods=(*running, *copies)), Policy())
    assert [bool(decision.node) for decision in decisions] == [True] * found.total + [False]
    assert decisions[-1].message == found.message
