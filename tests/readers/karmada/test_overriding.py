"""What override policies make of an object: each overrider, their order, and what cannot be applied."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from tests.readers.karmada.made_karmada import override_object, read_with

from yuheng.errors import InputError
from yuheng.model.fleet import Cluster
from yuheng.model.propagation import ImageOverrider, OverridePolicy
from yuheng.readers.karmada import overridden, read_override_policy
from yuheng.readers.karmada.images import overridden_image

HERE = Cluster(name="m1", labels={"env": "prod"})
THERE = Cluster(name="m2")
WEB: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "default", "labels": {"app": "web"}},
    "spec": {
        "replicas": 3,
        "template": {
            "spec": {
                "containers": [
                    {"name": "main", "image": "reg.example/web:1.0", "args": ["-a", "-b", "-a"]},
                    {"name": "side", "image": "busybox", "command": ["sh"]},
                ]
            }
        },
    },
}


def policy(*rules: dict[str, Any], **spec: Any) -> OverridePolicy:
    return read_with(read_override_policy, override_object(*rules, **spec))


def named(name: str, namespace: str, *rules: dict[str, Any], **spec: Any) -> OverridePolicy:
    written = override_object(*rules, **spec)
    written["metadata"] = {"name": name, "namespace": namespace}
    written["kind"] = "OverridePolicy" if namespace else "ClusterOverridePolicy"
    return read_with(read_override_policy, written)


def after(*rules: dict[str, Any], manifest: dict[str, Any] = WEB) -> dict[str, Any]:
    before = copy.deepcopy(manifest)
    found = overridden(manifest, [policy(*rules)], HERE)
    assert manifest == before
    assert found is not None
    return found


def containers(found: dict[str, Any]) -> list[dict[str, Any]]:
    return list(found["spec"]["template"]["spec"]["containers"])


DIGEST = "sha256:dbcc1c35ac38df41fd2f5e4130b32ffdb93ebae8b3dbe638c23575912276fc9c"
# The image, component, operator and value, the image then: restated from Karmada's tests of image overriders.
IMAGES = [
    ("perl:5.34.0", "Registry", "add", "registry.k8s.io", "registry.k8s.io/perl:5.34.0"),
    ("reg.example/img:v1", "Registry", "add", ".test", "reg.example.test/img:v1"),
    ("reg.example/img:v1", "Registry", "replace", "reg.us", "reg.us/img:v1"),
    ("reg.example/img:v1", "Registry", "remove", "", "img:v1"),
    ("reg.example:10443/a/img:v1", "Registry", "replace", "b", "b/a/img:v1"),
    ("localhost/img", "Registry", "remove", "", "img"),
    ("library/img", "Registry", "add", "reg.example", "reg.example/library/img"),
    ("reg.example/img:v1", "Repository", "add", "/nginx", "reg.example/img/nginx:v1"),
    ("reg.example/img:v1", "Repository", "replace", "nginx", "reg.example/nginx:v1"),
    ("reg.example/img:v1", "Repository", "remove", "", "reg.example/:v1"),
    ("reg.example/img:v1", "Tag", "add", ".1", "reg.example/img:v1.1"),
    ("reg.example/img:v1.0.0", "Tag", "add", DIGEST, "reg.example/img:v1.0.0"),
    ("reg.example/img:v1", "Tag", "replace", "v2", "reg.example/img:v2"),
    ("reg.example/img:v1", "Tag", "replace", DIGEST, f"reg.example/img@{DIGEST}"),
    (f"reg.example/img@{DIGEST}", "Tag", "replace", "v2", "reg.example/img:v2"),
    (f"reg.example/img@{DIGEST}", "Registry", "remove", "", f"img@{DIGEST}"),
    (f"reg.example/img:v1@{DIGEST}", "Registry", "remove", "", "img:v1"),
    ("reg.example:443/img", "Tag", "add", "v2", "reg.example:443/img:v2"),
    ("reg.example/img:v1", "Tag", "remove", "", "reg.example/img"),
    ("img", "Tag", "remove", "", "img"),
    (f"img:v1@{DIGEST}", "Tag", "remove", "", "img"),
]


@pytest.mark.parametrize(("image", "component", "operator", "value", "expected"), IMAGES)
def test_a_part_of_an_image(image: str, component: Any, operator: Any, value: str, expected: str) -> None:
    rule = ImageOverrider(component=component, operator=operator, value=value)
    assert overridden_image(image, rule) == expected


def test_all_images_or_one() -> None:
    rule = {"component": "Registry", "operator": "replace", "value": "eu.example"}
    found = containers(after({"imageOverrider": [rule]}))
    assert [each["image"] for each in found] == ["eu.example/web:1.0", "eu.example/busybox"]
    one = rule | {"predicate": {"path": "/spec/template/spec/containers/1/image"}}
    found = containers(after({"imageOverrider": [one]}))
    assert [each["image"] for each in found] == ["reg.example/web:1.0", "eu.example/busybox"]


def test_the_images_of_a_pod_and_of_what_karmada_does_not_know() -> None:
    rule = {"imageOverrider": [{"component": "Tag", "operator": "add", "value": "2"}]}
    pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "a"}]}}
    assert after(rule, manifest=pod)["spec"]["containers"][0]["image"] == "a:2"
    unknown = pod | {"kind": "Sandbox"}
    assert after(rule, manifest=unknown) == unknown


def test_commands_and_arguments() -> None:
    found = containers(
        after(
            {
                "commandOverrider": [
                    {"containerName": "side", "operator": "add", "value": ["-c"]},
                    {"containerName": "main", "operator": "add", "value": ["run"]},
                ],
                "argsOverrider": [
                    {"containerName": "main", "operator": "remove", "value": ["-a"]},
                    {"containerName": "side", "operator": "remove", "value": ["-a"]},
                    {"containerName": "other", "operator": "add", "value": ["-z"]},
                ],
            }
        )
    )
    assert found[0]["command"] == ["run"]
    assert found[0]["args"] == ["-b"]
    assert found[1]["command"] == ["sh", "-c"]
    assert "args" not in found[1]


def test_labels_and_annotations() -> None:
    found = after(
        {
            "labelsOverrider": [
                {"operator": "add", "value": {"a/b": "1", "app": "shop"}},
                {"operator": "replace", "value": {"app": "store", "absent": "x"}},
            ],
            "annotationsOverrider": [
                {"operator": "add", "value": {"k": "v", "l": "w"}},
                {"operator": "remove", "value": {"k": "whatever", "absent": "x"}},
            ],
        }
    )["metadata"]
    assert found["labels"] == {"a/b": "1", "app": "store"}
    assert found["annotations"] == {"l": "w"}


def test_json_patches() -> None:
    found = after(
        {
            "plaintext": [
                {"path": "/spec/replicas", "operator": "replace", "value": 7},
                {"path": "/spec/template/spec/containers/0/args", "operator": "remove"},
                {"path": "/spec/template/spec/containers/0/args", "operator": "add", "value": []},
                {"path": "/spec/template/spec/containers/0/args/-", "operator": "add", "value": "z"},
                {"path": "/spec/template/spec/containers/0/args/0", "operator": "add", "value": "a"},
                {"path": "/metadata/labels/example.com~1a~0b", "operator": "add", "value": "1"},
                {"path": "/spec/paused", "operator": "add", "value": None},
                {"path": "/spec/template/spec/containers/1", "operator": "remove"},
            ]
        }
    )
    assert (found["spec"]["replicas"], found["spec"]["paused"]) == (7, None)
    assert [each["args"] for each in containers(found)] == [["a", "z"]]
    assert found["metadata"]["labels"]["example.com/a~b"] == "1"


def test_a_patched_value_stays_the_policys_own() -> None:
    rule = {
        "plaintext": [
            {"path": "/spec/template/spec/nodeSelector", "operator": "add", "value": {"a": "1"}},
            {"path": "/spec/template/spec/nodeSelector/b", "operator": "add", "value": "2"},
        ]
    }
    found = policy(rule)
    first, second = overridden(WEB, [found], HERE), overridden(WEB, [found], THERE)
    assert first == second
    assert found.rules[0].overriders.plaintext[0].value == {"a": "1"}


CONFIG = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "web", "namespace": "default"},
    "data": {"db.yaml": "db:\n  host: a\n  port: 1\n", "db.json": '{"port": 1, "host": "a", "db": 2}', "n": 1},
}


def test_documents_inside_fields() -> None:
    found = after(
        {
            "fieldOverrider": [
                {
                    "fieldPath": "/data/db.yaml",
                    "yaml": [
                        {"subPath": "/db/host", "operator": "replace", "value": "b"},
                        {"subPath": "/db/user", "operator": "add", "value": {"name": "u"}},
                    ],
                },
                {"fieldPath": "/data/db.json", "json": [{"subPath": "/db", "operator": "remove"}]},
            ]
        },
        manifest=CONFIG,
    )["data"]
    assert found["db.yaml"] == "db:\n  host: b\n  port: 1\n  user:\n    name: u\n"
    assert found["db.json"] == '{"host":"a","port":1}'


def label(value: str) -> dict[str, Any]:
    return {"labelsOverrider": [{"operator": "add", "value": {"last": value, value: "yes"}}]}


BY_NAME = {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}]}
BY_KIND = {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment"}]}
BY_LABEL = {
    "resourceSelectors": [
        {"apiVersion": "apps/v1", "kind": "Deployment", "labelSelector": {"matchLabels": {"app": "web"}}}
    ]
}
OTHER = {"resourceSelectors": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "db"}]}


def test_cluster_wide_policies_come_first_then_the_less_precise_then_by_name() -> None:
    policies = [
        named("a", "default", label("by-name"), **BY_NAME),
        named("b", "default", label("by-label"), **BY_LABEL),
        named("d", "default", label("by-kind-2"), **BY_KIND),
        named("c", "default", label("all")),
        named("z", "", label("wide"), **BY_NAME),
        named("e", "elsewhere", label("elsewhere")),
        named("f", "default", label("other"), **OTHER),
    ]

    def labels(chosen: list[OverridePolicy]) -> dict[str, str]:
        found = overridden(WEB, chosen, HERE)
        return dict(found["metadata"]["labels"]) if found else {}

    assert set(labels(policies)) == {"app", "last", "by-name", "by-label", "by-kind-2", "all", "wide"}
    order = ["by-name", "by-label", "by-kind-2", "all", "wide"]
    for place, last in enumerate(order):
        assert labels(policies[place:])["last"] == last


def test_rules_apply_one_after_another_on_the_clusters_that_they_are_for() -> None:
    written = override_object()
    written["spec"]["overrideRules"] = [
        {"overriders": label("everywhere")},
        {"targetCluster": {"labelSelector": {"matchLabels": {"env": "prod"}}}, "overriders": label("prod")},
    ]
    found = read_with(read_override_policy, written)
    for cluster, last in ((HERE, "prod"), (THERE, "everywhere")):
        changed = overridden(WEB, [found], cluster)
        assert changed is not None
        assert changed["metadata"]["labels"]["last"] == last


def test_a_policy_of_the_old_form() -> None:
    written = override_object()
    written["spec"] = {"targetCluster": {"clusterNames": ["m2"]}, "overriders": label("old")}
    found = read_with(read_override_policy, written)
    assert overridden(WEB, [found], HERE) is None
    assert overridden(WEB, [found], THERE) is not None


def test_without_a_rule_there_is_no_other_object() -> None:
    assert overridden(WEB, [], HERE) is None
    assert overridden(WEB, [named("f", "default", label("x"), **OTHER)], HERE) is None


SPEC = "spec.overrideRules[0].overriders"
REFUSED: list[tuple[dict[str, Any], str]] = [
    (
        {"imageOverrider": [{"component": "Name", "operator": "add", "value": "x"}]},
        f"{SPEC}.imageOverrider[0].component: found 'Name', expected Registry, Repository or Tag",
    ),
    (
        {"imageOverrider": [{"component": "Tag", "operator": "move"}]},
        f"{SPEC}.imageOverrider[0].operator: found 'move', expected add, remove or replace",
    ),
    (
        {"imageOverrider": [{"component": "Tag", "operator": "add"}]},
        f"{SPEC}.imageOverrider[0].value: found nothing, expected what to add",
    ),
    (
        {"commandOverrider": [{"containerName": "c", "operator": "replace"}]},
        f"{SPEC}.commandOverrider[0].operator: found 'replace', expected add or remove",
    ),
    (
        {"plaintext": [{"path": "spec/replicas", "operator": "remove"}]},
        f"{SPEC}.plaintext[0].path: found 'spec/replicas', expected a JSON pointer such as /spec/replicas",
    ),
    (
        {"fieldOverrider": [{"fieldPath": "/data/a"}]},
        f"{SPEC}.fieldOverrider[0]: found neither json nor yaml, expected one of them",
    ),
]


@pytest.mark.parametrize(("rule", "message"), REFUSED)
def test_a_policy_that_is_refused(rule: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        policy(rule)
    assert str(caught.value) == f"policy.yaml: OverridePolicy default/web: {message}"


def test_both_forms_at_once_are_refused() -> None:
    with pytest.raises(InputError, match="overrideRules beside targetCluster or overriders"):
        policy(label("a"), overriders=label("b"))


UNFIT: list[tuple[dict[str, Any], str]] = [
    (
        {"plaintext": [{"path": "/spec/nothing/there", "operator": "add", "value": 1}]},
        "plaintext[0]: found '/spec/noth",
    ),
    ({"plaintext": [{"path": "/spec/absent", "operator": "remove"}]}, "plaintext[0]: found '/spec/absent'"),
    (
        {"plaintext": [{"path": "/spec/absent", "operator": "replace", "value": 1}]},
        "plaintext[0]: found '/spec/absent'",
    ),
    (
        {"plaintext": [{"path": "/spec/template/spec/containers/2", "operator": "remove"}]},
        "plaintext[0]: found '/spec/template/spec/containers/2'",
    ),
    ({"fieldOverrider": [{"fieldPath": "/spec", "json": [{"subPath": "/a", "operator": "remove"}]}]}, "no text"),
    (
        {"imageOverrider": [{"component": "Tag", "operator": "remove", "predicate": {"path": "/spec/replicas"}}]},
        "imageOverrider[0]: found '/spec/replicas', which is no text",
    ),
]


@pytest.mark.parametrize(("rule", "part"), UNFIT)
def test_a_rule_that_does_not_fit_the_object(rule: dict[str, Any], part: str) -> None:
    with pytest.raises(InputError) as caught:
        after(rule)
    assert str(caught.value).startswith("OverridePolicy default/web: spec.overrideRules[0].overriders.")
    assert part in str(caught.value)
    assert "Deployment default/web" in str(caught.value)
