"""What was captured from a live cluster is read without what cannot be used in it; files of people stay strict."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.readers.made_objects import asking, named, node, pod

from yuheng.errors import InputError
from yuheng.model.cluster import Snapshot
from yuheng.readers import read
from yuheng.readers.captured import TOLD
from yuheng.readers.estate import read_estate
from yuheng.readers.sources.documents import CAPTURED_MARK

GROUP = "scheduling.k8s.io/group-name"
QUEUE = "scheduling.volcano.sh/queue-name"
ESTIMATE = "yuheng.io/running-estimate"
VOLCANO = "scheduling.volcano.sh/v1beta1"
TYPO = (
    "PodGroup default/g: spec.queue: found queue 'nope', which is not in the input, "
    "expected a queue of the input, or default; it is passed over"
)


def captured(*objects: dict[str, Any], mark: str = "true") -> dict[str, Any]:
    """A list as a capture writes it."""
    metadata = {"annotations": {CAPTURED_MARK: mark}}
    return {"apiVersion": "v1", "kind": "List", "metadata": metadata, "items": list(objects)}


def group(name: str = "g", queue: str = "nope") -> dict[str, Any]:
    return named("PodGroup", name, VOLCANO, spec={"minMember": 2, "queue": queue})


def saying(name: str, key: str, value: str, **more: Any) -> dict[str, Any]:
    """A pod with an annotation."""
    return pod(name, metadata={"annotations": {key: value}}, **more)


def names(found: Snapshot) -> dict[str, str | None]:
    return {one.name: one.node for one in found.pods}


def warned(found: Snapshot) -> list[str]:
    return [one.removeprefix("<object>: ") for one in found.warnings]


def test_a_group_of_a_missing_queue_is_left_out_and_told_and_its_pods_are_not_started_alone() -> None:
    waits, runs = saying("waits", GROUP, "g"), saying("runs", GROUP, "g", nodeName="n")
    found = read(captured(node(), group(), waits, runs, pod("other")))
    assert names(found) == {"other": None, "runs": "n"}
    assert found.jobs == ()
    cause = TYPO.removeprefix("PodGroup default/g: ").removesuffix("; it is passed over")
    assert warned(found)[0] == TYPO
    assert warned(found)[1] == f"Pod default/waits: PodGroup default/g cannot be used: {cause}; it is left out"
    assert "counted on node n as a pod of no job and no queue" in warned(found)[2]


@pytest.mark.parametrize("sources", [["file.json"], ["captured.json", "file.json"], ["file.json", "captured.json"]])
def test_the_same_in_a_file_that_somebody_wrote_is_refused(tmp_path: Path, sources: list[str]) -> None:
    (tmp_path / "captured.json").write_text(json.dumps(captured(node())))
    (tmp_path / "file.json").write_text(json.dumps({"kind": "List", "items": [group()]}))
    with pytest.raises(InputError, match=r"file\.json: PodGroup default/g: spec\.queue"):
        read(*(tmp_path / name for name in sources))


@pytest.mark.parametrize("mark", ["false", "", "True"])
def test_only_the_mark_itself_says_that_a_list_was_captured(mark: str) -> None:
    with pytest.raises(InputError, match="PodGroup default/g"):
        read(captured(group(), mark=mark))


@pytest.mark.parametrize("metadata", [None, {}, {"annotations": None}, {"annotations": {CAPTURED_MARK: 3}}])
def test_metadata_of_lists_may_be_anything(metadata: Any) -> None:
    with pytest.raises(InputError, match="PodGroup default/g"):
        read({**captured(group()), "metadata": metadata})


def test_a_pod_of_a_file_does_not_start_alone_when_its_captured_group_was_left_out(tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_text(json.dumps(saying("waits", GROUP, "g")))
    with pytest.raises(
        InputError, match=r"file\.json: Pod default/waits: PodGroup default/g cannot be used: spec\.queue"
    ):
        read(captured(node(), group()), file)


def test_of_two_objects_of_a_name_the_file_s_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_text(json.dumps(pod("p")))
    for sources in ([captured(pod("p")), file], [file, captured(pod("p"))]):
        with pytest.raises(InputError, match=r"file\.json: Pod default/p: found a second Pod of this name"):
            read(*sources)


def test_a_pod_that_cannot_be_read_closes_its_node_and_one_that_has_ended_does_not_matter() -> None:
    runs = saying("runs", ESTIMATE, "soon", nodeName="n", containers=[asking({"cpu": "1"})])
    ended = saying("ended", ESTIMATE, "soon", nodeName="m", status={"phase": "Succeeded"})
    found = read(captured(node("n"), node("m"), runs, ended, saying("waits", ESTIMATE, "soon")))
    assert {one.name: one.unschedulable for one in found.nodes} == {"m": False, "n": True}
    assert names(found) == {}
    told = warned(found)
    assert len(told) == 2
    assert "Pod default/runs" in told[0]
    assert "nothing more is placed on node n" in told[0]
    assert told[1].startswith("Pod default/waits")
    assert told[1].endswith("; it is left out")


def test_what_is_left_out_still_counts_for_what_made_it() -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [asking({"cpu": "1"})]}}
    replicas = {"replicas": 2, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u", "controller": True}
    made = [
        saying(name, ESTIMATE, "soon", **({"nodeName": "n"} if name == "web-a" else {})) for name in ("web-a", "web-b")
    ]
    for one in made:
        one["metadata"] |= {"labels": {"a": "b"}, "ownerReferences": [owner]}
    web = named("ReplicaSet", "web", "apps/v1", metadata={"uid": "u"}, spec=replicas)
    assert names(read(captured(node(), web, *made))) == {}
    assert len(names(read(captured(node(), web)))) == 2


def test_a_workload_whose_template_cannot_be_used_makes_no_pods_and_others_do() -> None:
    def web(name: str, queue: str) -> dict[str, Any]:
        metadata = {"labels": {"a": name}, "annotations": {QUEUE: queue}}
        template = {"metadata": metadata, "spec": {"containers": [asking({"cpu": "1"})]}}
        spec = {"replicas": 1, "selector": {"matchLabels": {"a": name}}, "template": template}
        return named("Deployment", name, "apps/v1", spec=spec)

    queue = named("Queue", "q", VOLCANO, spec={"weight": 1})
    found = read(captured(node(), queue, web("good", "q"), web("bad", "nope")))
    assert [one.labels["a"] for one in found.pods] == ["good"]
    assert [one.split(": ")[0] for one in warned(found)] == ["Deployment default/bad"]


def test_a_pod_of_a_node_that_cannot_be_used_is_told_with_the_node() -> None:
    bad = named("Node", "n", status={"allocatable": {"cpu": "many"}})
    found = read(captured(bad, node("m"), pod("p", nodeName="n"), pod("lost", nodeName="elsewhere")))
    assert [one.name for one in found.nodes] == ["m"]
    assert names(found) == {}
    assert [one.split(": ")[0] for one in warned(found)] == ["Node n", "Pod default/lost"]


def test_the_first_ten_are_told_and_the_rest_is_counted() -> None:
    found = read(captured(node(), *(group(f"g{number}") for number in range(TOLD + 3))))
    assert len(found.warnings) == TOLD + 1
    assert found.warnings[-1] == "3 more objects cannot be used"


@pytest.mark.parametrize("text", ["actions: dance\ntiers: []", "dance"])
def test_a_scheduler_s_configuration_that_cannot_be_used_is_told(text: str) -> None:
    data = {"volcano-scheduler.conf": text}
    found = read(captured(node(), named("ConfigMap", "volcano-scheduler-configmap", data=data)))
    assert found.configuration is None
    assert "ConfigMap volcano-scheduler-configmap" in found.warnings[0]


def test_what_a_captured_cluster_costs_is_read_without_what_cannot_be_used(tmp_path: Path) -> None:
    scaled = named("ScaledObject", "s", "keda.sh/v1alpha1", spec={"scaleTargetRef": {}})
    service = named("Service", "s", spec={"type": 3})
    path = tmp_path / "cluster.json"
    path.write_text(json.dumps(captured(node(), group(), pod("runs", nodeName="n"), scaled, service)))
    found = read_estate(path)
    assert list(found.pods) == ["default/runs"]
    subjects = [one.removeprefix(f"{path}: ").split(": ")[0] for one in found.warnings if "passed over" in one]
    assert subjects == ["PodGroup default/g", "Service default/s", "ScaledObject default/s"]
