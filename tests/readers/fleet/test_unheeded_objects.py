"""What is in the input and comes to nothing is said: overrides of nothing, bindings to clusters that are not there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_fleets import cluster, deployment, fleet, policy, written

from yuheng.errors import InputError
from yuheng.readers.fleet import read_fleet


def karmadas(kind: str, group: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": f"{group}.karmada.io/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def override(kind: str) -> dict[str, Any]:
    selector = {"apiVersion": "apps/v1", "kind": kind}
    return karmadas("OverridePolicy", "policy", "changes", {"resourceSelectors": [selector], "overrideRules": []})


def binding(**clusters: int) -> dict[str, Any]:
    resource = {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default", "name": "web"}
    placed = [{"name": name, "replicas": replicas} for name, replicas in clusters.items()]
    return karmadas("ResourceBinding", "work", "web-deployment", {"resource": resource, "clusters": placed})


def about(words: str, *objects: dict[str, Any]) -> list[str]:
    return [warning for warning in fleet(cluster(), deployment(), *objects).warnings if words in warning]


def test_an_override_policy_that_selects_no_workload() -> None:
    (said,) = about("OverridePolicy", override("StatefulSet"))
    assert said.endswith("OverridePolicy default/changes selects no workload")
    assert not about("OverridePolicy", override("Deployment"))


def test_a_binding_to_a_cluster_that_is_not_in_the_fleet() -> None:
    (said,) = about("binding", binding(a=1, gone=2))
    assert said.endswith("the binding of Deployment default/web names clusters that are not in the fleet: gone")
    assert not about("binding", binding(a=1))


@pytest.mark.parametrize(
    ("objects", "where"),
    [
        (
            [deployment(annotations={"yuheng.io/objective": "luck"})],
            "Deployment default/web: metadata.annotations[yuheng.io/objective]: found 'luck', expected one of cost,",
        ),
        (
            [deployment(), policy(objective="0*cost")],
            "PlacementPolicy default/rules: spec.objective: found '0*cost', expected one of cost, time, carbon,",
        ),
    ],
)
def test_an_objective_that_is_none_is_told_with_its_place(tmp_path: Path, objects: list[Any], where: str) -> None:
    written(tmp_path, f__json=[cluster(), *objects])
    with pytest.raises(InputError) as refused:
        read_fleet(tmp_path)
    assert f"f.json: {where}" in str(refused.value)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (
            {"name": "w", "annotations": {"yuheng.io/interruptible": True}},
            r"annotations\[yuheng.io/interruptible\]: found",
        ),
        ({"name": 0}, "metadata.name: found 0, expected text"),
        (True, "metadata: found true, expected a map"),
    ],
)
def test_metadata_that_are_none_are_refused_in_one_line(metadata: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        fleet(cluster(), {**deployment(), "metadata": metadata})


def propagation(name: str = "spread", **spec: Any) -> dict[str, Any]:
    selectors = [{"apiVersion": "apps/v1", "kind": "Deployment"}]
    return karmadas("PropagationPolicy", "policy", name, {"resourceSelectors": selectors, **spec})


def member(name: str = "m", **spec: Any) -> dict[str, Any]:
    return karmadas("Cluster", "cluster", name, spec)


POLICY, OVERRIDE = "PropagationPolicy default/spread", "OverridePolicy default/o"
RULES = {"overrideRules": [{"targetClusters": {}, "overriders": {}}]}
# An object of Karmada's, what it is called, the key in it that Karmada does not define, and the one that is meant.
STRAYS: list[tuple[dict[str, Any], str, str, str]] = [
    (
        propagation(placement={"spreadConstraintsX": []}),
        POLICY,
        "spec.placement.spreadConstraintsX",
        "spec.placement.spreadConstraints",
    ),
    (
        propagation(placement={"replicaScheduling": {"replicaSchedulingTypeX": "Divided"}}),
        POLICY,
        "spec.placement.replicaScheduling.replicaSchedulingTypeX",
        "spec.placement.replicaScheduling.replicaSchedulingType",
    ),
    (
        propagation(placement={"clusterAffinities": [{"affinityName": "a", "clusterName": ["a"]}]}),
        POLICY,
        "spec.placement.clusterAffinities[0].clusterName",
        "spec.placement.clusterAffinities[0].clusterNames",
    ),
    (propagation(clusterAffinity={}), POLICY, "spec.clusterAffinity", "spec.placement.clusterAffinity"),
    (propagation(placement={"a": None}), POLICY, "spec.placement.a", ""),
    (
        karmadas("OverridePolicy", "policy", "o", RULES),
        OVERRIDE,
        "spec.overrideRules[0].targetClusters",
        "spec.overrideRules[0].targetCluster",
    ),
    (
        karmadas("ResourceBinding", "work", "b", {**binding()["spec"], "clustersX": []}),
        "ResourceBinding default/b",
        "spec.clustersX",
        "spec.clusters",
    ),
    (member(regoin="eu-west-1"), "Cluster m", "spec.regoin", "spec.region"),
]


@pytest.mark.parametrize(("made", "subject", "key", "meant"), STRAYS)
def test_a_key_that_karmada_does_not_define_is_told(made: dict[str, Any], subject: str, key: str, meant: str) -> None:
    hint = f" (did you mean {meant}?)" if meant else ""
    assert about("no field", made) == [f"<object>: {subject}: {key} is no field of Karmada's{hint}: it is not used"]


def test_the_same_key_in_many_objects_is_told_once() -> None:
    (said,) = about("no field", *(propagation(name, placment={}) for name in ("one", "two", "three")))
    assert said.startswith("<object>: PropagationPolicy default/one: spec.placment is no field of Karmada's")
    assert said.endswith("(did you mean spec.placement?): it is not used, there and 2 times more")


def test_what_karmada_defines_is_no_stray_key_whether_it_is_used_or_not() -> None:
    taint = {"key": "k", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}
    cluster_ = member(syncMode="Push", apiEndpoint="https://m:6443", proxyHeader={"a": "b"}, taints=[taint])
    affinity = {
        "labelSelector": {"matchLabels": {"any": "key"}, "matchExpressions": [{"key": "a", "operator": "Exists"}]},
        "fieldSelector": {"matchExpressions": [{"key": "region", "operator": "In", "values": ["r"]}]},
    }
    weights = {"weightPreference": {"staticWeightList": [{"targetCluster": affinity, "weight": 1}]}}
    made = propagation(
        placement={"clusterAffinity": affinity, "replicaScheduling": {**weights, "replicaSchedulingType": "Divided"}},
        suspension={"dispatching": False},
        conflictResolution="Overwrite",
    )
    changes = {"plaintext": [{"path": "/spec/x", "operator": "add", "value": {"any": "thing"}}]}
    rules = karmadas("OverridePolicy", "policy", "o", {"overrideRules": [{"overriders": changes}]})
    assert not about("no field", cluster_, made, rules, {**binding(a=1), "status": {"aggregatedStatus": []}})


@pytest.mark.parametrize("metadata", [{"name": ""}, {"name": None}, {}])
def test_a_cluster_of_karmada_needs_a_name(metadata: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        fleet(cluster(), {**member(), "metadata": metadata})
    assert str(caught.value) == "<object>: Cluster, item 2: metadata.name: found nothing, expected a name"
