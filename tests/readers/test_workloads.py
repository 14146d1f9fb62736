"""What the controllers of Kubernetes would create next, told from the objects alone."""

from __future__ import annotations

import re
import textwrap

import msgspec
import pytest
import yaml
from made_workloads import (
    CRON_JOB,
    DAEMON_SET,
    INDEXED,
    JOB,
    REPLICA_SET,
    SAFE,
    STATEFUL_SET,
    load,
    make_pod,
    missing,
    names,
    node,
    pod,
)

from yuheng.errors import InputError, QuantityError
from yuheng.readers.workloads import WORKLOAD_KINDS, missing_pods


class TestHowMany:
    @pytest.mark.parametrize(
        ("text", "pods", "expected"),
        [
            pytest.param(
                "kind: ReplicaSet\nmetadata: {name: a}\nspec: {template: TEMPLATE}",
                [],
                1,
                id="one by default",
            ),
            pytest.param(
                "kind: ReplicaSet\nmetadata: {name: a}\nspec: {replicas: 0, template: TEMPLATE}",
                [],
                0,
                id="none is none",
            ),
            pytest.param(REPLICA_SET, [], 3, id="nothing runs yet"),
            pytest.param(REPLICA_SET, [pod("x", "ReplicaSet", "web-5d4", uid="u1")], 2, id="counted by uid"),
            pytest.param(REPLICA_SET, [pod("x", "ReplicaSet", "web-5d4")], 2, id="counted by kind and name"),
            pytest.param(REPLICA_SET, [pod("x", "ReplicaSet", "web-5d4", uid="u2")], 3, id="of an earlier namesake"),
            pytest.param(REPLICA_SET, [pod("x", "ReplicaSet", "other")], 3, id="of another"),
            pytest.param(REPLICA_SET, [pod("x", "Job", "web-5d4")], 3, id="of another kind"),
            pytest.param(REPLICA_SET, [pod("x", "ReplicaSet", "web-5d4", namespace="b")], 3, id="elsewhere"),
            pytest.param(REPLICA_SET, [pod("x", "ReplicaSet", "web-5d4", terminating=True)], 3, id="on its way out"),
            pytest.param(
                REPLICA_SET,
                [pod(f"x{n}", "ReplicaSet", "web-5d4") for n in range(4)],
                0,
                id="more than wanted",
            ),
            pytest.param(
                REPLICA_SET.replace("uid: u1", "deletionTimestamp: 2026-01-01T00:00:00Z"), [], 0, id="deleted"
            ),
            pytest.param(JOB, [], 3, id="job: as many at once as it may"),
            pytest.param(JOB, [pod("x", "Job", "sum")], 2, id="job: one is active"),
            pytest.param(JOB, [pod(f"x{n}", "Job", "sum") for n in range(4)], 0, id="job: more than it may"),
            pytest.param(JOB, [pod("x", "Job", "sum", terminating=True)], 3, id="job: the terminating is replaced"),
            pytest.param(
                JOB.replace("spec: {", "spec: {podReplacementPolicy: Failed, "),
                [pod("x", "Job", "sum", terminating=True)],
                2,
                id="job: the terminating is waited for",
            ),
            pytest.param(
                JOB.replace("spec: {", "spec: {podFailurePolicy: {rules: []}, "),
                [pod("x", "Job", "sum", terminating=True)],
                2,
                id="job: a failure policy waits, too",
            ),
            pytest.param(JOB + "    status: {succeeded: 4}", [], 1, id="job: one completion is left"),
            pytest.param(JOB + "    status: {succeeded: 5}", [], 0, id="job: nothing is left"),
            pytest.param(
                JOB + "    status: {conditions: [{type: Complete, status: 'True'}]}",
                [],
                0,
                id="job: complete",
            ),
            pytest.param(JOB + "    status: {conditions: [{type: Failed, status: 'True'}]}", [], 0, id="job: failed"),
            pytest.param(
                JOB + "    status: {conditions: [{type: Failed, status: 'False'}]}",
                [],
                3,
                id="job: not failed",
            ),
            pytest.param(JOB.replace("spec: {", "spec: {suspend: true, "), [], 0, id="job: suspended"),
            pytest.param(JOB.replace("spec: {", "spec: {managedBy: example.com/x, "), [], 0, id="job: of others"),
            pytest.param(JOB.replace("completions: 5, ", ""), [], 3, id="work queue"),
            pytest.param(
                JOB.replace("completions: 5, ", "") + "    status: {succeeded: 1}",
                [],
                0,
                id="work queue: it is done",
            ),
            pytest.param(JOB.replace("parallelism: 3, completions: 5, ", ""), [], 1, id="job: one by default"),
            pytest.param(
                JOB.replace("parallelism: 3, completions: 5, ", "") + "    status: {succeeded: 1}",
                [],
                0,
                id="job: one by default, and it is done",
            ),
            pytest.param(JOB.replace("parallelism: 3, ", ""), [], 1, id="job: one at once by default"),
            pytest.param(JOB.replace("parallelism: 3", "parallelism: 0"), [], 0, id="job: none at once"),
            pytest.param("kind: Service\nmetadata: {name: web}", [], 0, id="not a workload"),
        ],
    )
    def test_so_many_pods_are_missing(self, text, pods, expected):
        assert len(missing(text, pods)) == expected


class TestAgain:
    DEPLOYMENT = """
        kind: Deployment
        metadata: {name: web}
        spec: {replicas: 3, selector: {matchLabels: {app: web}}, template: TEMPLATE}
    """

    @pytest.mark.parametrize(
        "text", [DEPLOYMENT, REPLICA_SET, STATEFUL_SET, JOB, INDEXED, DAEMON_SET.replace("SPEC", "{}")]
    )
    def test_what_has_been_created_is_missing_no_more(self, text):
        nodes = [node("n1"), node("n2")]
        created = missing(text, nodes=nodes)

        assert len(created) > 1
        assert missing(text, created, nodes) == []


class TestTolerations:
    """Admission adds what a pod does not say itself."""

    def tolerations(self, text):
        taken = []
        missing(text, [], [node("n1")], lambda document: taken.append(document) or make_pod(document))
        return taken[0]["spec"]["tolerations"]

    @pytest.mark.parametrize(
        ("own", "added"),
        [
            ("[]", ["not-ready", "unreachable"]),
            ("[{key: gpu, operator: Exists}]", ["not-ready", "unreachable"]),
            ("[{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute}]", ["unreachable"]),
            ("[{key: node.kubernetes.io/unreachable, operator: Exists}]", ["not-ready"]),
            ("[{key: node.kubernetes.io/unreachable, effect: NoSchedule}]", ["not-ready", "unreachable"]),
            ("[{operator: Exists}]", []),
            ("[{operator: Exists, effect: NoSchedule}]", ["not-ready", "unreachable"]),
        ],
    )
    def test_five_minutes_on_a_node_that_is_gone(self, own, added):
        text = REPLICA_SET.replace("TEMPLATE", f"{{spec: {{tolerations: {own}}}}}")

        assert self.tolerations(text)[len(yaml.safe_load(own)) :] == [
            {
                "key": f"node.kubernetes.io/{key}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 300,
            }
            for key in added
        ]

    def test_daemons_stay_for_ever(self):
        limited = "{key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 9}"
        text = DAEMON_SET.replace("SPEC", f"{{tolerations: [{limited}]}}")

        found = self.tolerations(text)

        assert not any("tolerationSeconds" in one for one in found)
        assert {(one["key"].split("/")[1], one["effect"]) for one in found} == {
            ("not-ready", "NoExecute"),
            ("unreachable", "NoExecute"),
            ("disk-pressure", "NoSchedule"),
            ("memory-pressure", "NoSchedule"),
            ("pid-pressure", "NoSchedule"),
            ("unschedulable", "NoSchedule"),
        }


class TestNames:
    def test_the_same_input_gives_the_same_names(self):
        assert names(missing(REPLICA_SET)) == names(missing(REPLICA_SET))

    def test_no_name_is_given_twice(self):
        twice = textwrap.dedent(REPLICA_SET) + "---" + textwrap.dedent(REPLICA_SET)

        assert len(set(names(missing(twice)))) == 6

    def test_they_depend_on_the_workload(self):
        assert names(missing(REPLICA_SET)) != names(missing(REPLICA_SET.replace("u1", "u2")))

    def test_a_name_that_is_taken_is_passed_over(self):
        wanted = missing(REPLICA_SET)
        strangers = [pod(wanted[0].name, "Node", "n1"), pod(wanted[2].name, "Node", "n1")]

        found = names(missing(REPLICA_SET, strangers))

        assert len(set(found)) == 3
        assert not set(found) & set(names(strangers))
        assert wanted[1].name in found

    @pytest.mark.parametrize(
        ("text", "pattern"),
        [
            (REPLICA_SET.replace("web-5d4", "w" * 70), f"w{{58}}{SAFE}{{5}}"),
            (INDEXED.replace("name: sum", "name: " + "s" * 60), f"s{{55}}-0-{SAFE}{{5}}"),
        ],
    )
    def test_long_names_are_cut_to_what_kubernetes_allows(self, text, pattern):
        assert re.fullmatch(pattern, missing(text)[0].name)


class TestPods:
    def test_the_pod_that_is_made_is_complete(self):
        taken = []
        text = """
            kind: ReplicaSet
            metadata: {name: web-5d4, namespace: shop, uid: u1, creationTimestamp: 2026-01-01T02:00:00+02:00}
            spec:
              template:
                metadata: {labels: {app: web}, annotations: {note: hello}}
                spec: {containers: [{name: main}], priorityClassName: high}
        """

        missing(text, make=lambda document: taken.append(document) or make_pod(document))

        (document,) = taken
        name = document["metadata"].pop("name")
        tolerations = document["spec"].pop("tolerations")
        assert name.startswith("web-5d4-")
        assert len(tolerations) == 2
        assert document == {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "namespace": "shop",
                "labels": {"app": "web"},
                "annotations": {"note": "hello"},
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "ownerReferences": [
                    {
                        "apiVersion": "apps/v1",
                        "kind": "ReplicaSet",
                        "name": "web-5d4",
                        "uid": "u1",
                        "controller": True,
                        "blockOwnerDeletion": True,
                    }
                ],
            },
            "spec": {"containers": [{"name": "main"}], "priorityClassName": "high"},
        }

    def test_the_pods_of_a_template_share_their_specification(self):
        first, *others = missing(REPLICA_SET)

        assert all(other.spec is first.spec for other in others)

    def test_the_input_is_left_as_it_was(self):
        documents = load(STATEFUL_SET + "\n---\n" + textwrap.dedent(REPLICA_SET))
        before = msgspec.json.encode(documents)

        missing_pods(documents, [], [], make_pod)

        assert msgspec.json.encode(documents) == before

    def test_the_namespace_is_default_where_none_is_named(self):
        text = "kind: ReplicaSet\nmetadata: {name: a, namespace: NAMESPACE}\nspec: {template: TEMPLATE}"

        assert [missing(text.replace("NAMESPACE", given))[0].namespace for given in ('""', "shop")] == [
            "default",
            "shop",
        ]

    def test_nulls_are_absent(self):
        text = REPLICA_SET.replace("uid: u1", "uid: u1, labels: null, deletionTimestamp: null")

        assert len(missing(text)) == 3

    def test_pods_come_in_the_order_of_the_input(self):
        text = textwrap.dedent(STATEFUL_SET) + "---" + textwrap.dedent(REPLICA_SET)

        assert [name[:2] for name in names(missing(text))] == ["db", "db", "db", "we", "we", "we"]


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (
                "kind: Deployment\nmetadata: {namespace: shop}\nspec: {template: TEMPLATE}",
                "Deployment shop/(unnamed): metadata.name: found nothing, expected a value",
            ),
            (
                "kind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}",
                "Deployment default/web: spec.template: found nothing, expected a value",
            ),
            (
                "kind: Deployment\nmetadata: {name: web}\nspec: {template: {metadata: {}}}",
                "Deployment default/web: spec.template.spec: found nothing, expected a value",
            ),
            (
                "kind: DaemonSet\nmetadata: {name: a}",
                "DaemonSet default/a: spec: found nothing, expected a value",
            ),
            (
                "kind: StatefulSet\nmetadata: {name: db}\nspec: {replicas: -1, template: TEMPLATE}",
                "StatefulSet default/db: spec.replicas: found -1, expected a count of 0 or more",
            ),
            (
                "kind: StatefulSet\nmetadata: {name: db}\nspec: {ordinals: {start: -1}, template: TEMPLATE}",
                "StatefulSet default/db: spec.ordinals.start: found -1, expected a count of 0 or more",
            ),
            (
                "kind: ReplicaSet\nmetadata: {name: a}\nspec: {replicas: three, template: TEMPLATE}",
                "ReplicaSet default/a: spec.replicas: found 'three', expected a whole number",
            ),
            (
                "kind: Job\nmetadata: {name: a}\nspec: {suspend: 1, template: TEMPLATE}",
                "Job default/a: spec.suspend: found 1, expected true or false",
            ),
            (
                REPLICA_SET.replace("TEMPLATE", "{metadata: {labels: {v: 1}}, spec: {}}"),
                "ReplicaSet default/web-5d4: spec.template.metadata.labels.v: found 1, expected text",
            ),
            (
                INDEXED.replace("completions: 5, ", ""),
                (
                    "Job default/sum: spec.completions: found nothing, "
                    "expected how many completions there are, since completionMode is Indexed"
                ),
            ),
            (
                INDEXED + "    status: {completedIndexes: '-3'}",
                "Job default/sum: status.completedIndexes: found '-3', expected indexes such as 0,3-5",
            ),
            (
                INDEXED + "    status: {completedIndexes: 1-x}",
                "Job default/sum: status.completedIndexes: found '1-x', expected indexes such as 0,3-5",
            ),
            (
                CRON_JOB.replace("completions: 4", "completions: -2").replace("name: tidy", "name: t"),
                "CronJob default/t: spec.jobTemplate.spec.completions: found -2, expected a count of 0 or more",
            ),
            (
                "kind: ReplicaSet\nmetadata: {name: a}\nspec: {template: {spec: {tolerations: all}}}",
                "ReplicaSet default/a: spec.template.spec.tolerations: found 'all', expected a list",
            ),
        ],
    )
    def test_the_message_names_object_field_found_and_expected(self, text, message):
        with pytest.raises(InputError) as caught:
            missing(text)

        assert str(caught.value) == message

    @pytest.mark.parametrize(
        ("text", "place"),
        [
            (REPLICA_SET, "ReplicaSet default/web-5d4: spec.template.spec.containers[0]"),
            (JOB, "Job default/sum: spec.template.spec.containers[0]"),
            (CRON_JOB, "CronJob default/tidy: spec.jobTemplate.spec.template.spec.containers[0]"),
        ],
    )
    def test_an_error_in_the_template_names_the_workload(self, text, place):
        def refuse(document):
            subject = f"Pod {document['metadata']['name']}"
            raise QuantityError("'lots'", "a quantity", subject=subject, field="spec.containers[0]")

        with pytest.raises(QuantityError) as caught:
            missing(text, make=refuse)

        assert str(caught.value) == f"{place}: found 'lots', expected a quantity"


def test_the_kinds_are_named_for_readers():
    assert {"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob"} == WORKLOAD_KINDS
