"""Reading propagation policies: what they say, what Karmada fills in, what it would refuse."""

from __future__ import annotations

from typing import Any

import pytest
from tests.readers.karmada.made_karmada import SELECTORS, policy_object, read_with

from yuheng.errors import InputError
from yuheng.readers.karmada import read_propagation_policy

NGINX = """
apiVersion: policy.karmada.io/v1alpha1
kind: PropagationPolicy
metadata:
  name: nginx
  namespace: shop
spec:
  resourceSelectors:
  - apiVersion: apps/v1
    kind: Deployment
    name: nginx
  - apiVersion: apps/v1
    kind: Deployment
    labelSelector:
      matchLabels: {tier: web}
  priority: 3
  preemption: Always
  failover:
    cluster:
      purgeMode: Directly
  placement:
    clusterAffinities:
    - affinityName: own
      labelSelector:
        matchExpressions:
        - {key: env, operator: In, values: [prod]}
      overflowAffinities:
      - affinityName: rented
        fieldSelector:
          matchExpressions:
          - {key: provider, operator: NotIn, values: [gcp]}
    - affinityName: last
      clusterNames: [m9]
      exclude: [m1]
    clusterTolerations:
    - {key: maintenance, operator: Exists, effect: NoExecute, tolerationSeconds: 30}
    spreadConstraints:
    - minGroups: 0
      maxGroups: 2
    - {spreadByField: region}
    - {spreadByLabel: rack, maxGroups: 3}
    replicaScheduling:
      replicaDivisionPreference: Weighted
      replicaSchedulingType: Divided
      weightPreference:
        dynamicWeight: AvailableReplicas
"""


def test_a_policy_with_all_that_is_used() -> None:
    found, warnings = read_with(read_propagation_policy, NGINX)
    assert (found.key, found.kind, found.priority, found.preempts) == ("shop/nginx", "PropagationPolicy", 3, True)
    assert found.purge_mode == "Directly"
    assert [(each.namespace, each.name) for each in found.resource_selectors] == [("shop", "nginx"), ("shop", "")]
    placement = found.placement
    assert [term.affinity_name for term in placement.cluster_affinities] == ["own", "last"]
    assert [each.affinity_name for each in placement.cluster_affinities[0].overflow_affinities] == ["rented"]
    assert placement.cluster_affinities[1].exclude_clusters == ("m1",)
    assert placement.cluster_tolerations[0].toleration_seconds == 30
    groups = [(each.spread_by_field, each.spread_by_label, each.min_groups) for each in placement.spread_constraints]
    assert groups == [("cluster", "", 1), ("region", "", 1), ("", "rack", 1)]
    assert placement.strategy == "DynamicWeight"
    assert warnings == ()


def test_a_cluster_wide_policy_has_no_namespace() -> None:
    written = policy_object() | {"kind": "ClusterPropagationPolicy", "metadata": {"name": "all"}}
    found = read_with(read_propagation_policy, written).policy
    assert (found.key, found.namespace, found.kind) == ("all", "", "ClusterPropagationPolicy")
    assert found.resource_selectors[0].namespace == ""


def test_a_policy_is_in_the_default_namespace_and_nulls_are_nothing() -> None:
    written = policy_object({"clusterAffinity": None, "spreadConstraints": None}, priority=None)
    written["metadata"] = {"name": "web"}
    assert read_with(read_propagation_policy, written).policy.key == "default/web"


STRATEGIES: list[tuple[dict[str, Any] | None, str]] = [
    (None, "Duplicated"),
    ({"replicaSchedulingType": "Duplicated"}, "Duplicated"),
    ({}, "StaticWeight"),
    ({"replicaSchedulingType": "Divided"}, "StaticWeight"),
    ({"replicaDivisionPreference": "Aggregated"}, "Aggregated"),
    ({"weightPreference": {"dynamicWeight": "AvailableReplicas"}}, "DynamicWeight"),
]


@pytest.mark.parametrize(("scheduling", "expected"), STRATEGIES)
def test_the_strategy_with_karmadas_defaults(scheduling: dict[str, Any] | None, expected: str) -> None:
    written = policy_object({} if scheduling is None else {"replicaScheduling": scheduling})
    assert read_with(read_propagation_policy, written).policy.placement.strategy == expected


def test_what_is_not_used_is_told() -> None:
    written = policy_object(
        {"workloadAffinity": {"affinity": {"groupByLabelKey": "app"}}},
        suspension={"dispatching": True},
        failover={"application": {"decisionConditions": {"tolerationSeconds": 60}}},
        activationPreference="Lazy",
        schedulerName="default-scheduler",
    )
    assert read_with(read_propagation_policy, written).warnings == (
        "PropagationPolicy default/web: spec.placement.workloadAffinity is not used",
        "PropagationPolicy default/web: spec.failover.application is not used",
        "PropagationPolicy default/web: spec.suspension is not used",
        "PropagationPolicy default/web: spec.activationPreference is not used",
    )


def weights(*numbers: int) -> dict[str, Any]:
    rules = [{"targetCluster": {"clusterNames": [f"m{i}"]}, "weight": number} for i, number in enumerate(numbers)]
    return {"replicaScheduling": {"weightPreference": {"staticWeightList": rules}}}


def by_field(key: str, operator: str) -> dict[str, Any]:
    return {"fieldSelector": {"matchExpressions": [{"key": key, "operator": operator, "values": ["x"]}]}}


WEIGHTS = "spec.placement.replicaScheduling.weightPreference.staticWeightList"
SPREAD = "spec.placement.spreadConstraints[0]"
TERM = {"affinityName": "a", "clusterNames": ["m1"]}
AGGREGATED = {"replicaScheduling": {"replicaDivisionPreference": "Aggregated"}}
REFUSED: list[tuple[dict[str, Any], str, str, str]] = [
    (weights(0, 0), WEIGHTS, "weights that sum to 0", "weights of 1 or more"),
    (weights(1, -2), f"{WEIGHTS}[1].weight", "-2", "a weight of 1 or more"),
    (weights(1, 0), f"{WEIGHTS}[1].weight", "0", "a weight of 1 or more"),
    (
        {"spreadConstraints": [{"spreadByField": "cluster", "minGroups": 3, "maxGroups": 2}]},
        f"{SPREAD}.maxGroups",
        "2",
        "at least minGroups, which is 3",
    ),
    (
        {"spreadConstraints": [{"spreadByField": "rack"}]},
        f"{SPREAD}.spreadByField",
        "'rack'",
        "cluster, region, zone or provider",
    ),
    (
        {"spreadConstraints": [{"spreadByField": "zone", "spreadByLabel": "rack"}]},
        SPREAD,
        "spreadByField and spreadByLabel",
        "one of them",
    ),
    (
        {"spreadConstraints": [{"minGroups": -1}]},
        f"{SPREAD}.minGroups",
        "-1",
        "a number of groups, 0 or more",
    ),
    (
        {"spreadConstraints": [{}, {"spreadByField": "cluster"}]},
        "spec.placement.spreadConstraints[1]",
        "a second constraint by cluster",
        "one at most",
    ),
    (
        {"clusterAffinity": {}, "clusterAffinities": [TERM]},
        "spec.placement",
        "clusterAffinity and clusterAffinities",
        "one of them",
    ),
    (
        {"clusterAffinities": [TERM, TERM]},
        "spec.placement.clusterAffinities",
        "a second affinity named 'a'",
        "a name of its own for each",
    ),
    (
        {"clusterAffinity": by_field("rack", "In")},
        "spec.placement.clusterAffinity.fieldSelector.matchExpressions[0].key",
        "'rack'",
        "provider, region or zone",
    ),
    (
        {"clusterAffinity": by_field("zone", "Exists")},
        "spec.placement.clusterAffinity.fieldSelector.matchExpressions[0].operator",
        "'Exists'",
        "In or NotIn",
    ),
    (
        {"clusterAffinity": by_field("zone", "Within")},
        "spec.placement.clusterAffinity.fieldSelector.matchExpressions[0].operator",
        "'Within'",
        "In or NotIn",
    ),
    (
        {"clusterTolerations": [{"key": "a", "operator": "Gt"}]},
        "spec.placement.clusterTolerations[0].operator",
        "'Gt'",
        "Exists or Equal",
    ),
    (
        {"clusterAffinities": [{**TERM, "overflowAffinities": [{"affinityName": "b"}]}]},
        "spec.placement.clusterAffinities[0].overflowAffinities",
        "overflow affinities beside Duplicated replica scheduling",
        "replica scheduling Divided by dynamicWeight, or Aggregated",
    ),
    (
        {"clusterAffinities": [{"affinityName": "a", "overflowAffinities": [{"affinityName": "b"}]}], **AGGREGATED},
        "spec.placement.clusterAffinities[0].overflowAffinities",
        "overflow affinities of an affinity of all clusters",
        "an affinity of some",
    ),
    (
        {"clusterAffinities": [{**TERM, "overflowAffinities": [{"affinityName": "a"}]}], **AGGREGATED},
        "spec.placement.clusterAffinities[0].overflowAffinities",
        "a second affinity named 'a'",
        "a name of its own for each",
    ),
    (
        {"replicaScheduling": {"replicaSchedulingType": "Halved"}},
        "spec.placement.replicaScheduling.replicaSchedulingType",
        "'Halved'",
        "Duplicated or Divided",
    ),
    (
        {"replicaScheduling": {"weightPreference": {"dynamicWeight": "Cost"}}},
        "spec.placement.replicaScheduling.weightPreference.dynamicWeight",
        "'Cost'",
        "AvailableReplicas",
    ),
]


@pytest.mark.parametrize(("placement", "field", "found", "expected"), REFUSED)
def test_a_placement_that_is_refused(placement: dict[str, Any], field: str, found: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        read_with(read_propagation_policy, policy_object(placement))
    assert str(caught.value) == (
        f"policy.yaml: PropagationPolicy default/web: {field}: found {found}, expected {expected}"
    )


def test_selectors_that_are_refused() -> None:
    with pytest.raises(InputError, match=r"resourceSelectors: found nothing, expected at least one selector"):
        read_with(read_propagation_policy, policy_object(resourceSelectors=[]))
    elsewhere = [SELECTORS[0] | {"namespace": "shop"}]
    with pytest.raises(InputError, match=r"\[0\].namespace: found 'shop', expected 'default', the namespace of the"):
        read_with(read_propagation_policy, policy_object(resourceSelectors=elsewhere))
    with pytest.raises(InputError, match=r"resourceSelectors\[0\].kind: found nothing, expected a value"):
        read_with(read_propagation_policy, policy_object(resourceSelectors=[{"apiVersion": "v1"}]))
