"""Pods as kube-scheduler sees them: where they are, what they take, what they are worth."""

from __future__ import annotations

from typing import Any

import pytest
from made_objects import asking, container, named, node, pod, read_one

from yuheng.model.node import Toleration
from yuheng.model.pod import HostPort, OwnerReference
from yuheng.model.selectors import NodeSelectorRequirement
from yuheng.readers import read


class TestWhichPodsCount:
    @pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
    def test_a_finished_pod_does_not(self, phase: str) -> None:
        assert read(node(), pod(nodeName="n", status={"phase": phase})).pods == ()

    @pytest.mark.parametrize("phase", ["Pending", "Running", "Unknown", None])
    def test_any_other_does(self, phase: str | None) -> None:
        assert len(read(pod(status={"phase": phase})).pods) == 1

    def test_a_bound_pod_has_a_node(self) -> None:
        assert read_one(pod(nodeName="n"), node()).node == "n"

    @pytest.mark.parametrize("name", ["", None])
    def test_a_pending_pod_has_none(self, name: str | None) -> None:
        assert read_one(pod(nodeName=name)).node is None

    def test_a_bound_pod_that_is_being_deleted_still_counts(self) -> None:
        gone = pod(nodeName="n", metadata={"deletionTimestamp": "2026-01-31T12:00:00Z"})
        assert read_one(gone, node()).terminating

    def test_a_pending_pod_that_is_being_deleted_does_not(self) -> None:
        assert read(pod(metadata={"deletionTimestamp": "2026-01-31T12:00:00Z"})).pods == ()

    def test_a_pod_without_containers_is_told_of(self) -> None:
        assert read(pod(containers=[])).warnings == ("1 pods have no containers and request nothing: default/p, ...",)


class TestPriority:
    CLASSES = (
        named("PriorityClass", "high", "scheduling.k8s.io/v1", value=1000),
        named("PriorityClass", "usual", "scheduling.k8s.io/v1", value=7, globalDefault=True),
    )

    @pytest.mark.parametrize(
        ("spec", "priority"),
        [
            pytest.param({"priority": 5, "priorityClassName": "high"}, 5, id="its own number first"),
            pytest.param({"priority": 0, "priorityClassName": "high"}, 0, id="also when that is 0"),
            pytest.param({"priorityClassName": "high"}, 1000, id="its class"),
            pytest.param({}, 7, id="the default class"),
            pytest.param({"priorityClassName": "system-cluster-critical"}, 2_000_000_000, id="critical"),
            pytest.param({"priorityClassName": "system-node-critical"}, 2_000_001_000, id="more critical"),
        ],
    )
    def test_comes_from(self, spec: dict[str, Any], priority: int) -> None:
        assert read_one(pod(**spec), *self.CLASSES).priority == priority

    def test_is_0_without_a_default_class(self) -> None:
        assert read_one(pod()).priority == 0

    def test_the_lowest_default_wins(self) -> None:
        other = named("PriorityClass", "another", "scheduling.k8s.io/v1", value=3, globalDefault=True)
        assert read_one(pod(), *self.CLASSES, other).priority == 3

    def test_a_class_that_is_not_there_counts_0_and_is_told_of(self) -> None:
        snapshot = read(pod("a", priorityClassName="gone"), pod("b", priorityClassName="gone"), *self.CLASSES)
        assert [found.priority for found in snapshot.pods] == [0, 0]
        assert snapshot.warnings == ("PriorityClass 'gone' is not in the input: priority 0 for 2 pods that name it",)


class TestHostPorts:
    @staticmethod
    def ports(*given: dict[str, Any], **spec: Any) -> tuple[HostPort, ...]:
        return read_one(pod(containers=[container(ports=list(given))], **spec)).spec.host_ports

    def test_have_defaults(self) -> None:
        assert self.ports({"containerPort": 80, "hostPort": 1}) == (HostPort(1),)

    def test_are_taken_as_written(self) -> None:
        found = self.ports({"containerPort": 80, "hostPort": 53, "protocol": "UDP", "hostIP": "10.0.0.1"})
        assert found == (HostPort(53, "UDP", "10.0.0.1"),)

    @pytest.mark.parametrize("port", [{"containerPort": 80}, {"containerPort": 80, "hostPort": 0}])
    def test_are_none_without_a_number(self, port: dict[str, int]) -> None:
        assert self.ports(port) == ()

    def test_are_the_containers_own_on_the_network_of_the_host(self) -> None:
        found = self.ports({"containerPort": 80}, {"containerPort": 81, "hostPort": 9}, hostNetwork=True)
        assert [port.port for port in found] == [80, 9]

    def test_of_sidecars_count_and_of_other_init_containers_do_not(self) -> None:
        ports = [{"containerPort": 1, "hostPort": 1}]
        init = [
            container(ports=ports),
            container(ports=[{"containerPort": 2, "hostPort": 2}], restartPolicy="Always"),
        ]
        found = read_one(pod(initContainers=init, containers=[container(ports=[{"containerPort": 3, "hostPort": 3}])]))
        assert [port.port for port in found.spec.host_ports] == [2, 3]


class TestVolumes:
    VOLUMES = (
        {"name": "data", "persistentVolumeClaim": {"claimName": "mine"}},
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}},
        {"name": "model", "image": {"reference": "models/x:1"}},
        {"name": "config", "configMap": {"name": "c"}},
    )

    def test_claims_are_named_by_the_pod_or_after_it(self) -> None:
        assert read_one(pod("web-0", volumes=list(self.VOLUMES))).spec.claims == ("mine", "web-0-scratch")

    def test_images_of_init_containers_come_first(self) -> None:
        found = read_one(pod(initContainers=[container("i")], containers=[container("a"), container("b")])).spec
        assert found.images == ("i:1", "a:1", "b:1")

    def test_images_of_volumes_are_apart(self) -> None:
        found = read_one(pod(volumes=list(self.VOLUMES))).spec
        assert (found.images, found.volume_images) == (("c:1",), ("models/x:1",))


class TestMetadata:
    def test_the_owner_is_the_controller(self) -> None:
        references = [
            {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"},
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "name": "web-5d4",
                "uid": "2",
                "controller": True,
            },
        ]
        found = read_one(pod(metadata={"ownerReferences": references})).owner
        assert found == OwnerReference("ReplicaSet", "web-5d4", "2", controller=True)

    def test_a_pod_without_a_controller_has_no_owner(self) -> None:
        references = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1"}]
        assert read_one(pod(metadata={"ownerReferences": references})).owner is None

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("1970-01-01T00:01:00Z", 60.0),
            ("1970-01-01T01:01:00+01:00", 60.0),
            ("1970-01-01T00:01:00.5Z", 60.5),
            (None, float("inf")),
        ],
    )
    def test_the_time_of_creation_is_in_seconds(self, text: str | None, seconds: float) -> None:
        assert read_one(pod(metadata={"creationTimestamp": text})).created == seconds

    def test_the_namespace_is_default_unless_given(self) -> None:
        first, second = read(pod(metadata={"namespace": "a"}), pod(metadata={"namespace": ""})).pods
        assert (first.namespace, second.namespace) == ("a", "default")

    def test_labels_and_gates_are_kept(self) -> None:
        found = read_one(pod(metadata={"labels": {"app": "web"}}, schedulingGates=[{"name": "example.com/wait"}]))
        assert (found.labels, found.spec.gates) == ({"app": "web"}, ("example.com/wait",))


class TestPlacementRules:
    def test_are_decoded(self) -> None:
        term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
        found = read_one(
            pod(
                nodeSelector={"pool": "a"},
                tolerations=[{"key": "gpu", "operator": "Exists", "tolerationSeconds": 5}],
                affinity={"nodeAffinity": required},
                topologySpreadConstraints=[
                    {"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"},
                ],
            )
        ).spec
        assert found.node_selector == {"pool": "a"}
        assert found.tolerations[0] == Toleration("gpu", "Exists")
        assert found.affinity.node_affinity.required is not None
        terms = found.affinity.node_affinity.required.node_selector_terms
        assert terms[0].match_expressions == (NodeSelectorRequirement("disk", "In", ("ssd",)),)
        assert (found.spread[0].max_skew, found.spread[0].min_domains) == (2, 1)

    def test_null_is_absent_everywhere(self) -> None:
        nothing = pod(
            metadata={
                "labels": None,
                "annotations": None,
                "ownerReferences": None,
                "deletionTimestamp": None,
            },
            nodeSelector={"a": None},
            affinity={
                "nodeAffinity": None,
                "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": None},
            },
            tolerations=None,
            topologySpreadConstraints=None,
            initContainers=None,
            volumes=[{"name": "v", "persistentVolumeClaim": None}],
            containers=[container(resources={"requests": None, "limits": {"cpu": None}}, ports=None)],
            overhead=None,
            resources=None,
            priority=None,
            priorityClassName=None,
            hostNetwork=None,
            schedulingGates=None,
            status={"phase": None, "containerStatuses": None},
        )
        assert read_one(nothing) == read_one(pod())


class TestSharing:
    def test_pods_of_one_template_share_what_scheduling_looks_at(self) -> None:
        def replica(number: int) -> dict[str, Any]:
            return pod(
                f"web-{number}",
                metadata={"labels": {"app": "web"}},
                containers=[asking({"cpu": "1"}, volumeMounts=[{"name": f"token-{number}"}])],
                volumes=[{"name": f"token-{number}", "projected": {}}],
                nodeName=f"n{number}",
            )

        first, second = read(replica(1), replica(2)).pods
        assert first.spec is second.spec
        assert first.labels is second.labels

    @pytest.mark.parametrize(
        "difference",
        [
            {"hostNetwork": True, "containers": [container(ports=[{"containerPort": 80}])]},
            {"nodeSelector": {"a": "b"}},
            {"overhead": {"cpu": "1"}},
            {"containers": [container("other")]},
            {"initContainers": [container()]},
            {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "x"}}]},
            {"metadata": {"annotations": {"alibabacloud.com/gpu-milli": "500"}}},
            {"schedulingGates": [{"name": "g"}]},
        ],
        ids=lambda difference: next(iter(difference)),
    )
    def test_different_pods_do_not(self, difference: dict[str, Any]) -> None:
        same = {"containers": difference["containers"]} if "hostNetwork" in difference else {}
        first, second = read(pod("a", **same), pod("b", **difference)).pods
        assert first.spec != second.spec


@pytest.mark.parametrize(
    ("tolerations", "added"),
    [
        ([], ["not-ready", "unreachable"]),
        ([{"key": "gpu", "operator": "Exists"}], ["not-ready", "unreachable"]),
        ([{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}], ["unreachable"]),
        ([{"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}], ["not-ready", "unreachable"]),
        ([{"operator": "Exists"}], []),
    ],
    ids=["none", "another", "one of them", "the other effect", "everything"],
)
def test_a_pod_tolerates_the_outage_of_a_node_as_admission_makes_it(
    tolerations: list[dict[str, str]], added: list[str]
) -> None:
    found = read_one(pod(tolerations=tolerations)).spec.tolerations[len(tolerations) :]
    assert found == tuple(Toleration(f"node.kubernetes.io/{key}", "Exists", "", "NoExecute") for key in added)
