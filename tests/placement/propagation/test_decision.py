"""From a policy to clusters: which may take a workload, one affinity after another, and what becomes of failures."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from tests.placement.propagation.made_members import (
    AGGREGATED,
    DYNAMIC,
    affinity,
    make_clusters,
    make_placement,
    make_policy,
    make_workload,
    room,
)

from yuheng.model.fleet import Cluster
from yuheng.model.node import Taint
from yuheng.model.propagation import ClusterAffinity
from yuheng.placement.propagation import PolicyIndex, Propagator, propagate

HERE = Cluster(name="m1", provider="aws", region="eu", zones=("z1", "z2"), labels={"env": "prod"})


def fields(key: str, operator: str, *values: str) -> dict[str, Any]:
    expression = {"key": key, "operator": operator, "values": list(values)}
    return {"fieldSelector": {"matchExpressions": [expression]}}


PROD = {"labelSelector": {"matchLabels": {"env": "prod"}}}
AFFINITIES: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"clusterNames": ["m1"]}, True),
    ({"clusterNames": ["m2"]}, False),
    ({"clusterNames": ["m1"], "exclude": ["m1"]}, False),
    ({"exclude": ["m2"]}, True),
    (PROD, True),
    ({"labelSelector": {"matchLabels": {"env": "test"}}}, False),
    ({**PROD, "clusterNames": ["m2"]}, False),
    (fields("provider", "In", "aws", "gcp"), True),
    (fields("provider", "NotIn", "aws"), False),
    (fields("region", "In", "us"), False),
    (fields("region", "NotIn", "us"), True),
    (fields("zone", "In", "z2", "z9"), True),
    (fields("zone", "In", "z9"), False),
    (fields("zone", "NotIn", "z2"), False),
    (fields("zone", "NotIn", "z9"), True),
    ({**PROD, **fields("zone", "In", "z9")}, False),
]


@pytest.mark.parametrize(("written", "expected"), AFFINITIES)
def test_a_cluster_affinity(written: dict[str, Any], expected: bool) -> None:
    found = make_placement(clusterAffinity=written).cluster_affinity
    assert found is not None
    assert found.matches(HERE) is expected


def test_a_cluster_without_the_field_is_in_nothing() -> None:
    nowhere = Cluster(name="m1")
    for key in ("provider", "region", "zone"):
        in_any = make_placement(clusterAffinity=fields(key, "In", "x")).cluster_affinity
        not_in = make_placement(clusterAffinity=fields(key, "NotIn", "x")).cluster_affinity
        assert isinstance(in_any, ClusterAffinity)
        assert isinstance(not_in, ClusterAffinity)
        assert (in_any.matches(nowhere), not_in.matches(nowhere)) == (False, True)


TAINTED = Cluster(name="m1", taints=(Taint("gpu", "NoSchedule", "a100"),))
PREFER = Cluster(name="m1", taints=(Taint("gpu", "PreferNoSchedule"),))
EVICTING = Cluster(name="m1", taints=(Taint("gpu", "NoExecute"),))
DOWN = Cluster(name="m1", ready=False)
NOT_READY = {"key": "cluster.karmada.io/not-ready", "operator": "Exists"}
TAINTS: list[tuple[str, Cluster, list[dict[str, Any]], dict[str, int], str]] = [
    ("a taint rejects", TAINTED, [], {}, "had untolerated taint {gpu=a100:NoSchedule}"),
    ("unless it is tolerated", TAINTED, [{"key": "gpu", "operator": "Exists"}], {}, ""),
    ("by its value", TAINTED, [{"key": "gpu", "value": "h100"}], {}, "had untolerated taint {gpu=a100:NoSchedule}"),
    ("unless it runs there", TAINTED, [], {"m1": 1}, ""),
    ("NoExecute too", EVICTING, [], {}, "had untolerated taint {gpu:NoExecute}"),
    ("NoExecute unless it runs there", EVICTING, [], {"m1": 1}, ""),
    ("a preference does not reject", PREFER, [], {}, ""),
    (
        "no newcomers where nobody answers",
        DOWN,
        [],
        {},
        "had untolerated taint {cluster.karmada.io/not-ready:NoSchedule}",
    ),
    (
        "and what runs there is lost",
        DOWN,
        [],
        {"m1": 1},
        "had untolerated taint {cluster.karmada.io/not-ready:NoExecute}",
    ),
    ("unless it is tolerated for ever", DOWN, [NOT_READY], {"m1": 1}, ""),
    (
        "not for a while",
        DOWN,
        [{**NOT_READY, "tolerationSeconds": 300}],
        {"m1": 1},
        "had untolerated taint {cluster.karmada.io/not-ready:NoExecute}",
    ),
]


@pytest.mark.parametrize(
    ("cluster", "tolerations", "previous", "reason"), [case[1:] for case in TAINTS], ids=[case[0] for case in TAINTS]
)
def test_taints(cluster: Cluster, tolerations: list[dict[str, Any]], previous: dict[str, int], reason: str) -> None:
    policy = make_policy(clusterTolerations=tolerations)
    found = propagate(make_workload(previous=previous), policy, [cluster], room({}))
    assert dict(found.refused) == ({"m1": reason} if reason else {})
    assert found.reason == (f"0/1 clusters are available: 1 cluster(s) {reason}" if reason else "")


def test_the_reason_counts_clusters_by_reason() -> None:
    clusters = [TAINTED, *make_clusters(["m2", "m3"])]
    found = propagate(make_workload(), make_policy(clusterAffinity=affinity("m1")), clusters, room({}))
    assert found.reason == (
        "0/3 clusters are available: 1 cluster(s) had untolerated taint {gpu=a100:NoSchedule}, "
        "2 cluster(s) did not match the placement cluster affinity constraint"
    )
    assert propagate(make_workload(), make_policy(), [], room({})).reason == (
        "0/0 clusters are available: no cluster exists"
    )


GROUPS = [
    {"affinityName": "own", **affinity("m1")},
    {"affinityName": "rented", **affinity("m2", "m3")},
    {"affinityName": "any"},
]


def grouped(replicas: int, free: dict[str, int], **fields: Any) -> tuple[dict[str, int], str]:
    asked = {key: fields.pop(key) for key in ("rebalance", "failed") if key in fields}
    policy = make_policy(clusterAffinities=GROUPS, replicaScheduling=DYNAMIC)
    clusters = make_clusters(["m1", "m2", "m3", "m4"])
    found = propagate(make_workload(replicas, **fields), policy, clusters, room(free), **asked)
    return dict(found.replicas), found.affinity


ROOMY = {"m1": 9, "m2": 9, "m3": 9, "m4": 9}


def test_the_first_group_that_fits_is_used() -> None:
    assert grouped(4, ROOMY) == ({"m1": 4}, "own")
    assert grouped(12, ROOMY) == ({"m2": 6, "m3": 6}, "rented")
    assert grouped(36, ROOMY) == (ROOMY, "any")


def test_a_workload_stays_in_its_group_until_a_rebalance() -> None:
    there = {"previous": {"m2": 2, "m3": 2}, "affinity": "rented"}
    assert grouped(6, ROOMY, **there) == ({"m2": 3, "m3": 3}, "rented")
    assert grouped(4, ROOMY, rebalance=True, **there) == ({"m1": 4}, "own")


def test_a_group_that_fails_is_left_for_the_next_and_not_for_an_earlier_one() -> None:
    there = {"previous": {"m2": 2, "m3": 2}, "affinity": "rented"}
    assert grouped(4, ROOMY, failed={"m2", "m3"}, **there)[1] == "any"


def test_a_group_that_is_gone_counts_as_none() -> None:
    assert grouped(4, ROOMY, affinity="renamed") == ({"m1": 4}, "own")


def test_when_no_group_fits_the_first_one_says_why() -> None:
    policy = make_policy(clusterAffinities=GROUPS[:2], replicaScheduling=DYNAMIC)
    found = propagate(make_workload(30), policy, make_clusters(["m1", "m2"]), room({"m1": 9, "m2": 8}))
    assert found.reason == "Clusters available replicas 9 are not enough to schedule 30"
    assert (found.replicas, found.affinity) == ({}, "")


def test_a_failed_cluster_loses_its_replicas_to_the_others() -> None:
    workload = make_workload(6, previous={"m1": 3, "m2": 3})
    policy = make_policy(replicaScheduling=DYNAMIC)
    found = propagate(workload, policy, make_clusters(["m1", "m2", "m3"]), room(ROOMY), failed={"m1"})
    assert found.replicas == {"m2": 5, "m3": 1}
    assert (found.moved, found.purge_mode, found.grace_period) == ({"m1": 3}, "Gracefully", 600.0)
    assert dict(found.refused)["m1"] == "has failed"


def test_replicas_that_leave_at_once_have_no_grace() -> None:
    policy = make_policy(replicaScheduling=DYNAMIC, purge_mode="Directly")
    workload = make_workload(3, previous={"m1": 3})
    found = propagate(workload, policy, make_clusters(["m1", "m2"]), room(ROOMY), failed={"m1"})
    assert (found.replicas, found.purge_mode, found.grace_period) == ({"m2": 3}, "Directly", 0.0)


def test_without_another_place_only_the_failed_clusters_replicas_are_lost() -> None:
    policy = make_policy(replicaScheduling=AGGREGATED)
    workload = make_workload(6, previous={"m1": 3, "m2": 3})
    found = propagate(workload, policy, make_clusters(["m1", "m2"]), room({}), failed={"m1"})
    assert found.reason
    assert found.moved == {"m1": 3}


def test_a_cluster_that_a_workload_is_leaving_is_no_candidate() -> None:
    found = propagate(make_workload(), make_policy(), make_clusters(["m1", "m2"]), room({}), leaving={"m1"})
    assert dict(found.refused) == {"m1": "is in the process of eviction"}
    assert found.replicas == {"m2": 1}


def test_clusters_that_run_the_workload_already_come_first() -> None:
    policy = make_policy(spreadConstraints=[{"spreadByField": "cluster", "minGroups": 1, "maxGroups": 1}])
    clusters, workload = make_clusters(["m1", "m2"]), make_workload(previous={"m2": 1})
    assert propagate(workload, policy, clusters, room({"m1": 9, "m2": 1})).selected == ("m2",)
    assert propagate(make_workload(), policy, clusters, room({"m1": 1, "m2": 9})).selected == ("m2",)


def test_clusters_without_a_replica_say_why() -> None:
    policy = make_policy(replicaScheduling=AGGREGATED)
    found = propagate(make_workload(3), policy, make_clusters(["m1", "m2", "m3"]), room({"m1": 9, "m2": 8}))
    assert dict(found.refused) == {
        "m2": "was not needed: 1 cluster(s) hold all replicas",
        "m3": "has no room for a replica",
    }


def test_each_cluster_is_asked_for_headroom_once_and_only_where_room_counts() -> None:
    asked: Counter[str] = Counter()

    def headroom(name: str) -> int:
        asked[name] += 1
        return 9

    clusters = make_clusters(["m1", "m2", "m3"])
    propagate(make_workload(2), make_policy(), clusters, headroom)
    assert not asked
    constraint = [{"spreadByField": "cluster", "minGroups": 1, "maxGroups": 2}]
    policy = make_policy(replicaScheduling=DYNAMIC, spreadConstraints=constraint)
    propagate(make_workload(2), policy, clusters, headroom)
    assert asked == {"m1": 1, "m2": 1, "m3": 1}


def test_the_order_of_clusters_does_not_matter() -> None:
    clusters = make_clusters(["m1", "m2", "m3"])
    policy = make_policy(replicaScheduling=AGGREGATED)
    forward = propagate(make_workload(9), policy, clusters, room(ROOMY))
    assert propagate(make_workload(9), policy, clusters[::-1], room(ROOMY)) == forward


def test_one_propagator_serves_many_policies() -> None:
    propagator = Propagator(make_clusters(["m1", "m2"]))
    one, two = make_policy("one", clusterAffinity=affinity("m1")), make_policy("two", clusterAffinity=affinity("m2"))
    for policy, expected in ((one, "m1"), (two, "m2"), (one, "m1")):
        assert propagator.propagate(make_workload(), policy, room({})).replicas == {expected: 1}
    changed = make_policy("one", clusterAffinity=affinity("m2"))
    assert propagator.propagate(make_workload(), changed, room({})).replicas == {"m2": 1}
    assert PolicyIndex([one]).policy_for(make_workload()) is one
