"""A snapshot: what was read, put together and checked against itself."""

from __future__ import annotations

import gc
import random
from pathlib import Path
from typing import Any

import pytest
from made_objects import named, node, pod

from yuheng.errors import InputError
from yuheng.model.cluster import PersistentVolume, PodDisruptionBudget, PodSelector, Skipped, Snapshot
from yuheng.model.selectors import LabelSelector
from yuheng.readers import read

APP = {"matchLabels": {"app": "web"}}
WEB = LabelSelector({"app": "web"})


def test_nothing_is_an_empty_snapshot() -> None:
    assert read() == Snapshot()


@pytest.mark.parametrize("was_on", [True, False])
def test_the_garbage_collector_is_left_as_it_was(was_on: bool) -> None:
    (gc.enable if was_on else gc.disable)()
    try:
        read(pod())
        assert gc.isenabled() is was_on
    finally:
        gc.enable()


def test_the_order_of_the_input_does_not_matter() -> None:
    objects = [
        *(node(f"n{number}") for number in range(5)),
        *(pod(f"p{number}", metadata={"namespace": f"s{number % 2}"}) for number in range(9)),
        *(named("Service", f"s{number}", spec={"selector": {"a": "b"}}) for number in range(3)),
        named("ConfigMap", "c"),
        named("Secret", "s"),
    ]
    first = read(objects)
    random.Random(7).shuffle(objects)
    assert read(objects) == first
    assert [found.name for found in first.nodes] == ["n0", "n1", "n2", "n3", "n4"]
    assert [found.key for found in first.pods] == sorted(found.key for found in first.pods)


class TestSelectors:
    @pytest.mark.parametrize(
        ("kind", "version", "spec"),
        [
            ("Service", "v1", {"selector": {"app": "web"}}),
            ("ReplicationController", "v1", {"selector": {"app": "web"}}),
            ("ReplicaSet", "apps/v1", {"selector": APP, "replicas": 0, "template": {"spec": {}}}),
            ("StatefulSet", "apps/v1", {"selector": APP, "replicas": 0, "template": {"spec": {}}}),
        ],
    )
    def test_are_those_of(self, kind: str, version: str, spec: dict[str, Any]) -> None:
        found = read(named(kind, "a", version, metadata={"namespace": "x"}, spec=spec))
        assert found.selectors == (PodSelector(kind, "a", "x", WEB),)

    @pytest.mark.parametrize(
        ("kind", "version", "spec"),
        [
            ("Service", "v1", {"type": "ExternalName"}),
            ("Service", "v1", {"selector": {}}),
            ("Service", "v1", None),
            ("ReplicaSet", "apps/v1", {"replicas": 0, "template": {"spec": {}}}),
            ("ReplicaSet", "apps/v1", {"replicas": 0, "template": {"spec": {}}, "selector": {}}),
        ],
    )
    def test_are_none_where_nothing_is_selected(self, kind: str, version: str, spec: dict[str, Any] | None) -> None:
        assert read(named(kind, "a", version, spec=spec)).selectors == ()

    def test_of_a_deployment_are_those_of_the_replica_set_it_will_create(self) -> None:
        template = {"metadata": {"labels": {"app": "web"}}, "spec": pod()["spec"]}
        deployment = named("Deployment", "web", "apps/v1", spec={"replicas": 2, "selector": APP, "template": template})
        found = read(deployment)
        owner = found.pods[0].owner
        assert owner is not None
        assert found.selectors == (
            PodSelector("ReplicaSet", owner.name, "default", LabelSelector(found.pods[0].labels)),
        )
        assert all(found.selectors[0].selector.matches(one.labels) for one in found.pods)


class TestWorkloads:
    def test_add_the_pods_they_lack(self) -> None:
        template = {"metadata": {"labels": {"app": "web"}}, "spec": {**pod()["spec"], "priorityClassName": "high"}}
        objects = [
            named("StatefulSet", "web", "apps/v1", spec={"replicas": 3, "selector": APP, "template": template}),
            named("PriorityClass", "high", "scheduling.k8s.io/v1", value=9),
            pod("web-1", metadata={"labels": {"app": "web"}}),
        ]
        found = read(objects)
        assert [(one.name, one.priority) for one in found.pods] == [("web-0", 9), ("web-1", 0), ("web-2", 9)]

    def test_are_named_in_errors_with_their_file(self, tmp_path: Path) -> None:
        text = (
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  template:\n"
            "    spec: {containers: [{name: c, resources: {requests: {cpu: lots}}}]}\n"
        )
        (tmp_path / "web.yaml").write_text(text)
        with pytest.raises(InputError) as caught:
            read(tmp_path)
        assert str(caught.value) == (
            f"{tmp_path}/web.yaml: Deployment shop/web: spec.template.spec.containers[0].resources.requests.cpu: "
            "found 'lots', expected a quantity such as 100m, 1.5Gi, 1e3 or 2k"
        )

    @pytest.mark.parametrize(
        ("metadata", "said"),
        [
            ("{name: 5}", "Deployment default/5: metadata.name: found 5, expected text"),
            ("{}", "Deployment default/(unnamed): metadata.name: found nothing, expected a value"),
            ("true", "Deployment default/(unnamed): metadata: found true, expected a map"),
        ],
    )
    def test_without_a_name_are_told_with_their_file_too(self, tmp_path: Path, metadata: str, said: str) -> None:
        (tmp_path / "web.yaml").write_text(
            f"{{apiVersion: apps/v1, kind: Deployment, metadata: {metadata}, spec: {{}}}}"
        )
        with pytest.raises(InputError) as caught:
            read(tmp_path)
        assert str(caught.value) == f"{tmp_path}/web.yaml: {said}"


class TestBudgets:
    def test_are_read(self) -> None:
        budget = named(
            "PodDisruptionBudget", "b", "policy/v1", spec={"selector": APP}, status={"disruptionsAllowed": 2}
        )
        assert read(budget).budgets == (PodDisruptionBudget("b", "default", WEB, 2),)

    def test_allow_nothing_without_a_status(self) -> None:
        assert read(named("PodDisruptionBudget", "b", "policy/v1", spec={"selector": {}})).budgets == (
            PodDisruptionBudget("b", "default", LabelSelector(), 0),
        )

    def test_select_nothing_without_a_selector(self) -> None:
        assert read(named("PodDisruptionBudget", "b", "policy/v1", spec={"minAvailable": 1})).budgets == ()


class TestVolumes:
    CLAIM = named("PersistentVolumeClaim", "data", metadata={"namespace": "x"}, spec={"volumeName": "v"})

    def test_are_found_by_their_claim(self) -> None:
        term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
        volume = named(
            "PersistentVolume",
            "v",
            metadata={"labels": {"topology.kubernetes.io/zone": "a__b", "other": "c"}},
            spec={"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}},
        )
        found = read(self.CLAIM, volume).volumes
        assert list(found) == ["x/data"]
        assert found["x/data"].topology == {"topology.kubernetes.io/zone": ("a", "b")}
        assert found["x/data"].node_affinity is not None
        assert found["x/data"].node_affinity.matches({"zone": "a"}, "n")

    def test_without_labels_can_be_reached_from_anywhere(self) -> None:
        assert read(self.CLAIM, named("PersistentVolume", "v")).volumes == {"x/data": PersistentVolume("v")}

    def test_of_unbound_claims_are_none(self) -> None:
        assert read(named("PersistentVolumeClaim", "data", spec={}), named("PersistentVolume", "v")).volumes == {}

    def test_that_are_not_in_the_input_are_told_of(self) -> None:
        found = read(self.CLAIM)
        assert (found.volumes, found.warnings) == (
            {},
            ("the volumes of 1 claims are not in the input: their zones are not looked at",),
        )


class TestNamespaces:
    def test_carry_their_name_as_a_label(self) -> None:
        found = read(named("Namespace", "x", metadata={"labels": {"team": "a"}}))
        assert found.namespaces == {"x": {"team": "a", "kubernetes.io/metadata.name": "x"}}

    def test_that_only_pods_tell_of_have_that_label_alone(self) -> None:
        assert read(pod(metadata={"namespace": "x"})).namespaces == {"x": {"kubernetes.io/metadata.name": "x"}}


class TestOtherKinds:
    def test_are_counted(self) -> None:
        found = read(named("Secret", "a"), named("ConfigMap", "a"), named("Secret", "b"))
        assert found.skipped == (Skipped("ConfigMap", 1), Skipped("Secret", 2))

    def test_of_a_known_name_and_another_group_are_told_apart(self) -> None:
        found = read(
            named("Service", "a", "serving.knative.dev/v1"),
            named("Job", "a", "batch.example.com/v1alpha1"),
            named("Pod", "a", "example.com/v1"),
        )
        assert [one.kind for one in found.skipped] == [
            "Job.batch.example.com",
            "Pod.example.com",
            "Service.serving.knative.dev",
        ]
        assert found.pods == ()

    def test_are_told_apart_in_lists_too(self) -> None:
        found = read({"kind": "List", "apiVersion": "v1", "items": [named("Job", "a", "batch.example.com/v1")]})
        assert found.skipped == (Skipped("Job.batch.example.com", 1),)

    def test_need_not_be_well_formed(self) -> None:
        assert read({"kind": "Widget", "metadata": 5}).skipped == (Skipped("Widget", 1),)

    def test_an_object_that_does_not_say_its_version_is_taken_for_what_it_seems(self) -> None:
        assert len(read({key: value for key, value in pod().items() if key != "apiVersion"}).pods) == 1


class TestNames:
    def test_must_be_there(self) -> None:
        with pytest.raises(InputError, match=r"<object>: Pod, item 2: metadata.name: found nothing, expected a name"):
            read([pod(), {**pod(), "metadata": {"generateName": "web-"}}])

    @pytest.mark.parametrize(
        "kind", ["Node", "Namespace", "PersistentVolume", "PersistentVolumeClaim", "PriorityClass", "Service"]
    )
    def test_must_be_there_in_every_kind(self, kind: str) -> None:
        with pytest.raises(InputError, match=f"<object>: {kind}, item 1: metadata.name: found nothing"):
            read({"kind": kind, "metadata": {}})

    @pytest.mark.parametrize(
        ("first", "subject"),
        [
            (node("a"), "Node a"),
            (pod("a"), "Pod default/a"),
            (named("Service", "a", spec={"selector": {"a": "b"}}), "Service default/a"),
            (named("Namespace", "a"), "Namespace a"),
            (named("PersistentVolume", "a"), "PersistentVolume a"),
            (named("PersistentVolumeClaim", "a", spec={"volumeName": "v"}), "PersistentVolumeClaim default/a"),
            (named("PriorityClass", "a", "scheduling.k8s.io/v1", value=1), "PriorityClass a"),
            (named("PodDisruptionBudget", "a", "policy/v1", spec={"selector": {}}), "PodDisruptionBudget default/a"),
            (named("Job", "a", "batch/v1", spec={"template": {"spec": {"containers": []}}}), "Job default/a"),
        ],
        ids=lambda given: given.split()[0] if isinstance(given, str) else "",
    )
    def test_must_not_come_twice(self, first: dict[str, Any], subject: str) -> None:
        with pytest.raises(InputError) as caught:
            read([first, first])
        assert str(caught.value) == (
            f"<object>: {subject}: found a second {first['kind']} of this name (the first: item 1 of <object>), "
            "expected one object of a name"
        )

    def test_of_pods_are_by_namespace(self) -> None:
        assert len(read(pod("a"), pod("a", metadata={"namespace": "x"})).pods) == 2

    @pytest.mark.parametrize("make", [node, pod])
    def test_of_the_very_same_object_may_come_again(self, make: Any) -> None:
        found = read(make("a", metadata={"uid": "1"}), make("a", metadata={"uid": "1"}))
        assert len(found.nodes + found.pods) == 1

    def test_of_an_object_that_was_made_anew_may_not(self) -> None:
        with pytest.raises(InputError, match="a second Pod"):
            read(pod("a", metadata={"uid": "1"}), pod("a", metadata={"uid": "2"}))


class TestNodesOfBoundPods:
    def test_must_be_in_the_input(self) -> None:
        with pytest.raises(InputError) as caught:
            read(node("n"), pod(nodeName="gone"))
        assert str(caught.value) == (
            "<object>: Pod default/p: spec.nodeName: found node 'gone', which is not in the input, "
            "expected a node of the input, or none"
        )

    def test_need_not_be_where_there_are_no_nodes_at_all(self) -> None:
        assert read(pod(nodeName="gone")).pods[0].node == "gone"

    def test_may_be_gone_when_their_pods_are_going_too(self) -> None:
        going = {"deletionTimestamp": "2026-01-31T12:00:00Z"}
        found = read(node("n"), pod("a", nodeName="gone", metadata=going), pod("b"))
        assert [one.name for one in found.pods] == ["b"]
        assert found.warnings == ("1 terminating pods are left out: their nodes are not in the input",)


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (
            pod(tolerations=[{"operator": "Exists"}, {"operator": "Maybe"}]),
            "spec.tolerations[1].operator: found 'Maybe'",
        ),
        (pod(tolerations="all"), "spec.tolerations: found 'all', expected a list"),
        (pod(nodeSelector={"a": "b", "c": True}), "spec.nodeSelector.c: found true, expected text"),
        (pod(nodeSelector={"example.com/a": 5, "b": "c"}), "spec.nodeSelector[example.com/a]: found 5, expected text"),
        (pod(containers="c"), "spec.containers: found 'c', expected a list"),
        (
            pod(containers=[{"name": "c", "ports": [{}, {"hostPort": "http"}]}]),
            "spec.containers[0].ports[1].hostPort: ",
        ),
        (pod(containers=[{"name": "c", "ports": [{"hostPort": 99999}]}]), "hostPort: found 99999, expected a whole "),
        (pod(priority=2**31), "spec.priority: found 2147483648, expected a whole number <= 2147483647"),
        (pod(hostNetwork="yes"), "spec.hostNetwork: found 'yes', expected true or false"),
        (
            pod(metadata={"creationTimestamp": "yesterday"}),
            "metadata.creationTimestamp: found 'yesterday', expected a time",
        ),
        (
            pod(metadata={"creationTimestamp": "2026-01-31T12:00:00"}),
            "found '2026-01-31T12:00:00', expected a time such",
        ),
        (
            pod(topologySpreadConstraints=[{"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "Never"}]),
            (
                "spec.topologySpreadConstraints[0].whenUnsatisfiable: found 'Never', "
                "expected DoNotSchedule or ScheduleAnyway"
            ),
        ),
        (
            pod(affinity={"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{}]}}),
            "requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: found nothing, expected a value",
        ),
        ({"kind": "Pod", "metadata": {"name": 5}}, "<object>: Pod, item 1: metadata.name: found 5, expected text"),
        ({"kind": "Pod", "metadata": {"name": "p"}, "spec": []}, "spec: found a list, expected a map"),
        ({"kind": "Pod", "metadata": "p", "spec": {}}, "<object>: Pod, item 1: metadata: found 'p', expected a map"),
        (
            named("Service", "s", spec={"selector": {"a": 1}}),
            "Service default/s: spec.selector.a: found 1, expected text",
        ),
        (named("PriorityClass", "c", "scheduling.k8s.io/v1", value="high"), "PriorityClass c: value: found 'high'"),
    ],
)
def test_what_is_of_the_wrong_type_is_said_with_its_place(manifest: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(manifest)
    assert message in str(caught.value)


def test_a_long_value_is_not_shown_whole() -> None:
    with pytest.raises(InputError, match=r"spec.tolerations: found 'x{59}\.\.\., expected a list"):
        read(pod(tolerations="x" * 10_000))


def test_the_key_of_a_large_map_is_found_fast() -> None:
    labels: dict[str, Any] = {f"label-{number}": "x" for number in range(5_000)}
    with pytest.raises(InputError, match=r"metadata\.labels\.label-4321: found 5, expected text"):
        read(pod(metadata={"labels": labels | {"label-4321": 5}}))
