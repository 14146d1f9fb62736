"""The built-in example: a cluster that holds together, with ten refusals that each teach something else."""

from __future__ import annotations

from collections import Counter

import pytest

import yuheng
from yuheng.cli.example import EXPLAINED, example_list, example_objects
from yuheng.reporting.pending import grouped


@pytest.fixture(scope="module")
def snapshot():
    return yuheng.read(example_objects())


@pytest.fixture(scope="module")
def plan(snapshot):
    return yuheng.plan(snapshot)


def test_it_is_what_the_help_of_the_demo_says(snapshot):
    assert len(snapshot.nodes) == 30
    assert sum(pod.node is not None for pod in snapshot.pods) == 200
    assert sum(pod.node is None for pod in snapshot.pods) == 40


def test_everything_in_it_is_used_and_nothing_had_to_be_assumed(snapshot):
    assert snapshot.skipped == ()
    assert snapshot.warnings == ()
    assert len(snapshot.budgets) == 1
    assert len(snapshot.volumes) == 3


def test_it_is_the_same_every_time():
    assert example_objects() == example_objects()
    assert example_list()["items"] == example_objects()


def test_controllers_and_their_pods_agree():
    wanted, found = Counter(), Counter()
    for item in example_objects():
        owner = next(iter(item["metadata"].get("ownerReferences", [])), None)
        if item["kind"] == "Pod":
            found[owner["kind"], owner["uid"]] += 1
        elif item["kind"] in ("ReplicaSet", "StatefulSet"):
            wanted[item["kind"], item["metadata"]["uid"]] = item["spec"]["replicas"]
        elif item["kind"] == "Job":
            wanted[item["kind"], item["metadata"]["uid"]] = item["spec"]["parallelism"]
    assert {key: number for key, number in found.items() if key[0] != "DaemonSet"} == dict(wanted)


def test_names_and_uids_are_unique():
    objects = example_objects()
    places = [(item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]) for item in objects]
    uids = [item["metadata"]["uid"] for item in objects if "uid" in item["metadata"]]
    assert len(set(places)) == len(places)
    assert len(set(uids)) == len(uids)


def test_no_node_holds_more_than_it_has(plan):
    for node in plan.usage:
        for resource, amount in node.after.items():
            assert amount <= node.allocatable[resource], (node.node, resource)


def test_three_zones_and_a_node_that_is_cordoned(snapshot):
    zones = Counter(node.labels["topology.kubernetes.io/zone"] for node in snapshot.nodes)
    assert sorted(zones) == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    assert [node.name for node in snapshot.nodes if node.unschedulable] == ["memory-b-1"]


def test_thirty_pods_fit_and_ten_do_not_each_for_a_reason_of_its_own(plan):
    assert (plan.summary.placed, plan.summary.unschedulable) == (30, 10)
    assert len(grouped(plan.unschedulable)) == 10


def test_the_refusals_speak_of_every_kind_of_filter(plan):
    filters = {reason.filter for refusal in plan.unschedulable for reason in refusal.reasons}
    assert filters == {
        "DeviceFit",
        "InterPodAffinity",
        "NodeAffinity",
        "NodePorts",
        "NodeResourcesFit",
        "NodeUnschedulable",
        "PodTopologySpread",
        "TaintToleration",
        "VolumeZone",
    }


def test_the_pod_that_is_explained_asks_for_fewer_gpus_than_are_free(plan, snapshot):
    refusal = next(refusal for refusal in plan.unschedulable if refusal.pod.startswith(EXPLAINED))
    pod = next(pod for pod in snapshot.pods if pod.key == refusal.pod)
    free = [
        (node.allocatable["gpu"] - node.after["gpu"]) // 1000 for node in plan.usage if "nvidia.com/gpu" in node.after
    ]
    assert pod.spec.devices.count == 8
    assert sum(free) > 8 > max(free)


def test_it_would_fit_had_the_notebooks_been_packed(snapshot):
    plan = yuheng.plan(snapshot, policy="binpack")
    assert plan.summary.unschedulable == 9
    assert not any(refusal.pod.startswith(EXPLAINED) for refusal in plan.unschedulable)
