"""The one pod of a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_objects import asking, named, pod

from yuheng.errors import InputError, NotFoundError
from yuheng.readers import read_pod

SPEC = {"containers": [asking({"cpu": "1"})], "priorityClassName": "high"}
TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": SPEC}
HIGH = named("PriorityClass", "high", "scheduling.k8s.io/v1", value=9)


@pytest.mark.parametrize(
    "manifest",
    [
        named("Pod", "web", metadata={"labels": {"app": "web"}}, spec=SPEC),
        named("Deployment", "web", "apps/v1", spec={"template": TEMPLATE}),
        named("StatefulSet", "web", "apps/v1", spec={"template": TEMPLATE}),
        named("DaemonSet", "web", "apps/v1", spec={"template": TEMPLATE}),
        named("ReplicaSet", "web", "apps/v1", spec={"template": TEMPLATE}),
        named("ReplicationController", "web", spec={"template": TEMPLATE}),
        named("Job", "web", "batch/v1", spec={"template": TEMPLATE}),
        named("CronJob", "web", "batch/v1", spec={"jobTemplate": {"spec": {"template": TEMPLATE}}}),
    ],
    ids=lambda manifest: manifest["kind"],
)
def test_is_read_of_a_pod_or_a_template(manifest: dict[str, Any]) -> None:
    manifest["metadata"]["namespace"] = "shop"
    found = read_pod({"kind": "List", "items": [HIGH, manifest, named("Service", "web")]})
    assert (found.key, found.labels, found.priority) == ("shop/web", {"app": "web"}, 9)
    assert found.spec.requests == {"cpu": 1000}


def test_is_read_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text("kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c}]}\n")
    assert read_pod(path).key == read_pod(str(path)).key == "default/a"


@pytest.mark.parametrize(
    "fate",
    [
        {"status": {"phase": "Succeeded"}},
        {"nodeName": "n", "status": {"phase": "Running"}},
        {"metadata": {"deletionTimestamp": "2026-01-31T12:00:00Z", "creationTimestamp": "2026-01-31T12:00:00Z"}},
    ],
)
def test_is_as_it_would_be_created_whatever_has_become_of_it(fate: dict[str, Any]) -> None:
    assert read_pod(pod(**fate)) == read_pod(pod())


def test_has_the_node_that_it_asks_for() -> None:
    assert read_pod(pod(nodeName="n")).node == "n"


def test_may_have_a_name_that_is_only_begun() -> None:
    assert read_pod({**pod(), "metadata": {"generateName": "web-"}}).name == "web"


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (named("Service", "s"), "<object>: found no pods and workloads, expected one Pod, or one workload"),
        ({"kind": "List", "items": [pod("a"), pod("b")]}, "<object>: found 2 pods and workloads, expected one Pod"),
        (
            named("Deployment", "d", "apps/v1", spec={"template": {"spec": {"containers": [asking({"cpu": "x"})]}}}),
            "<object>: Deployment default/d: spec.template.spec.containers[0].resources.requests.cpu: found 'x', ",
        ),
        (
            named(
                "CronJob", "d", "batch/v1", spec={"jobTemplate": {"spec": {"template": {"spec": {"tolerations": 5}}}}}
            ),
            "<object>: CronJob default/d: spec.jobTemplate.spec.template.spec.tolerations: found 5, expected a list",
        ),
        (
            named("Job", "d", "batch/v1", spec={"template": {"metadata": {"labels": {"a": "b", "c": 1}}}}),
            "<object>: Job default/d: spec.template.metadata.labels.c: found 1, expected text",
        ),
        (
            named("Job", "d", "batch/v1", spec={"template": "x"}),
            "<object>: Job default/d: spec.template: found 'x', expected a map",
        ),
        (
            named("Job", "d", "batch/v1"),
            "<object>: Job default/d: spec.template: found nothing, expected a pod template",
        ),
    ],
)
def test_is_an_error_without_one(manifest: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read_pod(manifest)
    assert str(caught.value).startswith(message)


def test_is_not_found_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        read_pod(tmp_path / "gone.yaml")
