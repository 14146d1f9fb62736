"""Karmada's objects in a fleet: clusters, policies, bindings, and pods as override policies make them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_fleets import CONTAINER, POOL, cluster, deployment, fleet, node, ours, pod, volcano_job, written

from yuheng.errors import InputError
from yuheng.model.node import Taint
from yuheng.readers.fleet import read_fleet

SUMMARY = {"allocatable": {"cpu": "10", "memory": "20Gi", "pods": "100"}, "allocated": {"cpu": "2500m", "pods": "7"}}


def member(name: str = "m", status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """A Cluster of Karmada."""
    found = {"apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": name}, "spec": spec}
    return found if status is None else {**found, "status": status}


def binding(clusters: dict[str, int], status: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    """A ResourceBinding of the Deployment `web`."""
    resource = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default", "name": "web"}
    placed = [{"name": name, "replicas": replicas} for name, replicas in clusters.items()]
    annotations = {"propagationpolicy.karmada.io/namespace": "default", "propagationpolicy.karmada.io/name": "spread"}
    return {
        "apiVersion": "work.karmada.io/v1alpha2",
        "kind": "ResourceBinding",
        "metadata": {"name": "web-deployment", "namespace": "default", "annotations": annotations},
        "spec": {"resource": resource, "clusters": placed, **spec},
        "status": status or {},
    }


def override(name: str, clusters: list[str], overriders: dict[str, Any]) -> dict[str, Any]:
    """An OverridePolicy of all Deployments, for some clusters."""
    rule = {"targetCluster": {"clusterNames": clusters}, "overriders": overriders}
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "OverridePolicy",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}], "overrideRules": [rule]},
    }


def to_registry(registry: str) -> dict[str, Any]:
    return {"imageOverrider": [{"component": "Registry", "operator": "add", "value": registry}]}


def test_a_cluster_of_karmada() -> None:
    status = {"conditions": [{"type": "Ready", "status": "False"}], "resourceSummary": SUMMARY}
    taint = {"key": "k", "effect": "NoExecute"}
    made = member(status=status, provider="aws", region="eu-west-1", zones=["x"], taints=[taint])
    found = fleet(made)
    (only,) = found.clusters
    assert (only.name, only.provider, only.region, only.zones, only.ready) == ("m", "aws", "eu-west-1", ("x",), False)
    assert only.taints == (Taint("k", "NoExecute"),)
    (single,) = only.snapshot.nodes
    assert single.allocatable == {"cpu": 7500, "memory": 20 * 2**30, "pods": 93}
    assert single.labels == {"topology.kubernetes.io/region": "eu-west-1", "topology.kubernetes.io/zone": "x"}
    assert "only the sum of free resources is known of 1 cluster (m): it counts as one node" in found.warnings


def test_one_without_any_state_is_said_to_have_no_nodes() -> None:
    assert "no nodes are known of 1 cluster (m): nothing fits there" in fleet(member()).warnings


def test_our_cluster_adds_what_karmada_does_not_know(tmp_path: Path) -> None:
    made = member(status={"resourceSummary": SUMMARY}, provider="aws", region="eu-west-1")
    made["metadata"]["labels"] = {"tier": "tin", "team": "ml"}
    mine = ours("Cluster", "m", {"manifests": "n.json", "priceFactor": 0}, labels={"tier": "gold"})
    found = read_fleet(written(tmp_path, f__json=[made, mine], n__json=node()))
    (only,) = found.clusters
    assert (only.provider, only.region, only.price_factor) == ("aws", "eu-west-1", 0.0)
    assert only.labels == {"tier": "gold", "team": "ml"}
    assert [one.name for one in only.snapshot.nodes] == ["n"]
    assert not any("one node" in one for one in found.warnings)


def test_pools_may_stand_beside_a_sum() -> None:
    made = member(status={"resourceSummary": SUMMARY}, provider="aws", region="eu-west-1")
    (only,) = fleet(made, ours("Cluster", "m", {"nodePools": [POOL]})).clusters
    assert (len(only.snapshot.nodes), len(only.pools)) == (1, 1)


def test_propagation_policies_are_read() -> None:
    selectors = [{"apiVersion": "apps/v1", "kind": "Deployment"}]
    made = {"apiVersion": "policy.karmada.io/v1alpha1", "spec": {"resourceSelectors": selectors}}
    own = {**made, "kind": "PropagationPolicy", "metadata": {"name": "b", "namespace": "default"}}
    own["spec"] = {**own["spec"], "schedulerName": "mine"}
    wide = {**made, "kind": "ClusterPropagationPolicy", "metadata": {"name": "a"}}
    found = fleet(cluster(), own, wide)
    assert [one.key for one in found.policies] == ["a", "default/b"]
    assert {one.source for one in found.policies} == {"<object>"}
    assert "<object>: PropagationPolicy default/b: spec.schedulerName is not used" in found.warnings
    assert not found.skipped


def test_a_binding_says_where_a_workload_is(tmp_path: Path) -> None:
    evictions = [{"fromCluster": "c", "reason": "TaintUntolerated"}]
    made = binding(
        {"a": 3, "b": 0}, gracefulEvictionTasks=evictions, status={"schedulerObservingAffinityName": "primary"}
    )
    state = [node(), pod("web-abc-1", ("ReplicaSet", "web-abc"), on="n")]
    folder = written(tmp_path, f__json=[cluster(manifests="s.json"), deployment(), made], s__json=state)
    (found,) = read_fleet(folder).workloads
    assert found.previous == {"a": 3}
    assert found.running == {"a": ("default/web-abc-1",)}
    assert (found.policy_name, found.affinity, found.leaving) == ("default/spread", "primary", ("c",))
    assert not found.rebalance


def test_a_rebalance_may_be_asked_for() -> None:
    named = [{"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default", "name": "web"}]
    asked = {
        "apiVersion": "apps.karmada.io/v1alpha1",
        "kind": "WorkloadRebalancer",
        "metadata": {"name": "r"},
        "spec": {"workloads": named},
    }
    found = fleet(cluster(), deployment(), deployment("db"), asked)
    assert {one.name: one.rebalance for one in found.workloads} == {"db": False, "web": True}


def test_pods_are_as_override_policies_make_them() -> None:
    made = [cluster(name) for name in "abc"]
    rules = [override("one", ["a", "b"], to_registry("eu.io")), override("two", ["b"], to_registry(":5000"))]
    found = fleet(*made, *rules, deployment(replicas=3), volcano_job())
    web = next(one for one in found.workloads if one.name == "web")
    images = {name: {one.spec.images for one in pods} for name, pods in web.variants.items()}
    assert images == {"a": {("eu.io/shop/web:1",)}, "b": {("eu.io:5000/shop/web:1",)}}
    assert {len(pods) for pods in web.variants.values()} == {3}
    assert len({id(one.spec) for one in web.variants["a"]}) == 1
    assert not next(one for one in found.workloads if one.name == "train").variants


def test_clusters_with_the_same_rules_share_pods() -> None:
    found = fleet(cluster("a"), cluster("b"), override("one", ["a", "b"], to_registry("eu.io")), deployment())
    (web,) = found.workloads
    assert web.variants["a"] is web.variants["b"]


def test_how_many_replicas_there_are_is_not_for_a_cluster_to_say() -> None:
    patch = {"plaintext": [{"path": "/spec/replicas", "operator": "replace", "value": 9}]}
    (web,) = fleet(cluster(), override("one", ["a"], patch), deployment(replicas=2)).workloads
    assert len(web.variants["a"]) == 2


def test_requests_may_differ() -> None:
    bigger = {**CONTAINER, "resources": {"requests": {"cpu": 2}}}
    patch = {"plaintext": [{"path": "/spec/template/spec/containers/0", "operator": "replace", "value": bigger}]}
    (web,) = fleet(cluster(), override("one", ["a"], patch), deployment()).workloads
    assert web.pods[0].spec.requests == {"cpu": 1000}
    assert web.variants["a"][0].spec.requests == {"cpu": 2000}


BAD: list[tuple[list[dict[str, Any]], str]] = [
    ([member(), member()], "<object>: Cluster m: found a second Cluster of this name (the first: item 1 of <object>)"),
    (
        [member(status={"resourceSummary": {"allocatable": {"cpu": "x"}}})],
        "<object>: Cluster m: status.resourceSummary.allocatable.cpu: found 'x', expected a quantity such as 100m",
    ),
    (
        [member(taints=[{"key": "k", "effect": "Never"}])],
        "<object>: Cluster m: spec.taints[0].effect: found 'Never', expected NoSchedule, PreferNoSchedule or NoExecute",
    ),
    (
        [member(), override("one", ["m"], {"plaintext": [{"path": "/spec/x/y", "operator": "remove"}]}), deployment()],
        "<object>: OverridePolicy default/one: spec.overrideRules[0].overriders.plaintext",
    ),
]


@pytest.mark.parametrize(("objects", "message"), BAD)
def test_what_karmada_would_refuse_is_refused(objects: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError) as caught:
        fleet(*objects)
    assert str(caught.value).startswith(message)
