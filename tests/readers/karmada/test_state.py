"""Reading what Karmada knows of the fleet: clusters, bindings, rebalancers."""

from __future__ import annotations

import pytest
from tests.readers.karmada.made_karmada import read_with

from yuheng.errors import InputError
from yuheng.model.node import Taint
from yuheng.model.propagation import Eviction
from yuheng.readers.karmada import read_binding, read_karmada_cluster, read_rebalancer

CLUSTER = """
apiVersion: cluster.karmada.io/v1alpha1
kind: Cluster
metadata:
  name: member1
  labels: {env: prod}
spec:
  apiEndpoint: https://172.18.0.3:6443
  provider: huawei
  region: ap1
  zone: az0
  zones: [az1, az2]
  syncMode: Push
  taints:
  - {key: cluster.karmada.io/not-ready, effect: NoSchedule, timeAdded: "2026-01-01T00:00:00Z"}
status:
  conditions:
  - {type: Ready, status: "False", reason: ClusterNotReachable}
  kubernetesVersion: v1.31.0
"""


def test_a_cluster() -> None:
    found = read_with(read_karmada_cluster, CLUSTER)
    assert (found.name, found.provider, found.region, found.zones) == ("member1", "huawei", "ap1", ("az1", "az2"))
    assert found.labels == {"env": "prod"}
    assert found.taints == (Taint("cluster.karmada.io/not-ready", "NoSchedule"),)
    assert not found.ready


def test_a_cluster_that_says_little() -> None:
    found = read_with(read_karmada_cluster, {"kind": "Cluster", "metadata": {"name": "m"}, "spec": {"zone": "az0"}})
    assert (found.zones, found.ready, found.labels) == (("az0",), True, {})


def test_a_taint_with_an_unknown_effect_is_refused() -> None:
    spec = {"taints": [{"key": "a", "effect": "Never"}]}
    with pytest.raises(InputError, match=r"taints\[0\].effect: found 'Never', expected NoSchedule, PreferNo"):
        read_with(read_karmada_cluster, {"kind": "Cluster", "metadata": {"name": "m"}, "spec": spec})


BINDING = """
apiVersion: work.karmada.io/v1alpha2
kind: ResourceBinding
metadata:
  name: nginx-deployment
  namespace: shop
  annotations:
    propagationpolicy.karmada.io/namespace: shop
    propagationpolicy.karmada.io/name: nginx
spec:
  resource: {apiVersion: apps/v1, kind: Deployment, namespace: shop, name: nginx, resourceVersion: "9"}
  replicas: 3
  clusters:
  - {name: m1, replicas: 2}
  - {name: m2, replicas: 1}
  - {name: m3}
  gracefulEvictionTasks:
  - {fromCluster: m4, replicas: 1, reason: TaintUntolerated, producer: TaintManager}
  rescheduleTriggeredAt: "2026-01-02T00:00:00Z"
status:
  schedulerObservingAffinityName: own
  lastScheduledTime: "2026-01-01T00:00:00Z"
"""


def test_a_binding() -> None:
    found = read_with(read_binding, BINDING)
    assert (found.api_version, found.kind, found.namespace, found.name) == ("apps/v1", "Deployment", "shop", "nginx")
    assert found.clusters == {"m1": 2, "m2": 1, "m3": 0}
    assert (found.policy, found.affinity, found.reschedule) == ("shop/nginx", "own", True)
    assert found.evictions == (Eviction(from_cluster="m4", replicas=1, reason="TaintUntolerated"),)


def test_a_rebalance_that_has_been_done_is_not_asked_for() -> None:
    assert not read_with(read_binding, BINDING.replace("2026-01-01", "2026-01-03")).reschedule


def test_the_binding_of_a_cluster_wide_policy() -> None:
    written = {
        "kind": "ClusterResourceBinding",
        "metadata": {"name": "b", "annotations": {"clusterpropagationpolicy.karmada.io/name": "all"}},
        "spec": {"resource": {"apiVersion": "v1", "kind": "Namespace", "name": "shop"}},
    }
    found = read_with(read_binding, written)
    assert (found.policy, found.namespace, found.clusters) == ("all", "", {})


def test_negative_replicas_are_refused() -> None:
    with pytest.raises(InputError, match=r"spec.clusters\[0\].replicas: found -2, expected a whole number >= 0"):
        read_with(read_binding, BINDING.replace("replicas: 2}", "replicas: -2}"))


def test_a_rebalancer_names_workloads_until_it_has_finished() -> None:
    workloads = [{"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "nginx"}]
    written = {"kind": "WorkloadRebalancer", "metadata": {"name": "r"}, "spec": {"workloads": workloads}}
    found = read_with(read_rebalancer, written)
    assert [(each.kind, each.namespace, each.name) for each in found] == [("Deployment", "shop", "nginx")]
    assert read_with(read_rebalancer, written | {"status": {"finishTime": "2026-01-01T00:00:00Z"}}) == ()
