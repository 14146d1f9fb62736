"""What is placed as a whole, and where it runs already."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_fleets import CONTAINER, annotated, cluster, deployment, fleet, node, pod, volcano_job, workload, written

from yuheng.model.requirements import RunTime
from yuheng.readers import read
from yuheng.readers.fleet import read_fleet


def kind(name: str, version: str, spec: dict) -> dict:
    return {"apiVersion": version, "kind": name, "metadata": {"name": "web"}, "spec": spec}


TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [CONTAINER]}}
SELECTOR = {"matchLabels": {"app": "web"}}
KINDS = [
    (kind("Deployment", "apps/v1", {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE}), 3),
    (kind("ReplicaSet", "apps/v1", {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE}), 3),
    (kind("StatefulSet", "apps/v1", {"replicas": 3, "selector": SELECTOR, "template": TEMPLATE}), 3),
    (kind("Job", "batch/v1", {"parallelism": 2, "completions": 9, "template": TEMPLATE}), 2),
    (kind("Pod", "v1", TEMPLATE["spec"]), 1),
]


@pytest.mark.parametrize(("made", "replicas"), KINDS, ids=[made["kind"] for made, _ in KINDS])
def test_every_controller_is_a_workload(made: dict, replicas: int) -> None:
    found = workload(made)
    assert (found.kind, found.api_version, len(found.pods)) == (made["kind"], made["apiVersion"], replicas)
    assert found.divisible
    assert len({id(one.spec) for one in found.pods}) == 1
    assert {one.name for one in found.pods} == {one.name for one in read(made).pods}
    assert all(one.node is None for one in found.pods)


def test_workloads_are_sorted_and_know_their_labels() -> None:
    found = fleet(cluster(), deployment("b", labels={"team": "x"}), deployment("a", namespace="z"), deployment("a"))
    assert [one.key for one in found.workloads] == ["default/a", "default/b", "z/a"]
    assert found.workloads[1].labels == {"team": "x"}


def test_a_gang_is_not_divisible() -> None:
    found = workload(volcano_job(), key="default/train")
    assert (found.kind, found.api_version, found.divisible) == ("Job", "batch.volcano.sh/v1alpha1", False)
    assert found.job is not None
    assert (found.job.key, found.job.min_available) == ("default/train", 4)
    assert {one.job for one in found.pods} == {"default/train"}


GROUP = {
    "apiVersion": "scheduling.volcano.sh/v1beta1",
    "kind": "PodGroup",
    "metadata": {"name": "pack"},
    "spec": {"minMember": 2},
}
IN_PACK = {"scheduling.k8s.io/group-name": "pack"}


def test_a_group_of_bare_pods_is_one_workload() -> None:
    pods = [pod(name, annotations=IN_PACK) for name in ("q", "r")]
    found = fleet(cluster(), GROUP, *pods).workloads
    assert [(one.kind, one.key, len(one.pods), one.divisible) for one in found] == [
        ("PodGroup", "default/pack", 2, False)
    ]


def test_a_group_binds_the_pods_of_a_controller() -> None:
    made = deployment()
    made["spec"]["template"]["metadata"]["annotations"] = IN_PACK
    (found,) = fleet(cluster(), GROUP, made).workloads
    assert (found.key, found.divisible, found.job and found.job.min_available) == ("default/web", False, 2)


def test_replica_sets_and_pods_of_a_deployment_are_part_of_it() -> None:
    part = kind("ReplicaSet", "apps/v1", {"replicas": 2, "selector": SELECTOR, "template": TEMPLATE})
    part["metadata"] = {
        "name": "web-abc",
        "labels": {"app": "web"},
        "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "controller": True}],
    }
    waiting = pod("web-abc-1", ("ReplicaSet", "web-abc"), labels={"app": "web"})
    (found,) = fleet(cluster(), deployment(), part, waiting).workloads
    assert (found.kind, len(found.pods)) == ("Deployment", 2)
    assert "web-abc-1" in {one.name for one in found.pods}


def test_pods_of_a_controller_that_is_not_there_are_workloads_of_their_own() -> None:
    (found,) = fleet(cluster(), pod("q", ("Rollout", "web"))).workloads
    assert (found.kind, found.key, len(found.pods)) == ("Pod", "default/q", 1)


def test_what_is_not_placed_is_said() -> None:
    cron = kind("CronJob", "batch/v1", {"schedule": "* * * * *", "jobTemplate": {"spec": {"template": TEMPLATE}}})
    daemon = kind("DaemonSet", "apps/v1", {"selector": SELECTOR, "template": TEMPLATE})
    found = fleet(cluster(), cron, daemon, node(), pod("q", on="n"))
    assert not found.workloads
    assert found.warnings[:4] == (
        "1 CronJob not placed: only their Jobs are placed, when they are there",
        "1 DaemonSet not placed: they run on every node of whichever cluster has them",
        "1 Node not placed: nodes belong to the manifests of a cluster",
        "1 pods with a node are not in the manifests of a cluster: they are not placed",
    )


QUEUE = {"apiVersion": "scheduling.volcano.sh/v1beta1", "kind": "Queue", "metadata": {"name": "research"}}


def test_a_workload_may_name_a_queue_that_a_cluster_has(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        f__json=cluster(manifests="s.json"),
        s__json=[node(), QUEUE],
        w__json=volcano_job(queue="research"),
    )
    (found,) = read_fleet(folder).workloads
    assert found.job is not None
    assert found.job.queue == "research"


STATE = [
    node(),
    pod("web-abc-1", ("ReplicaSet", "web-abc"), on="n"),
    pod("web-abc-2", ("ReplicaSet", "web-abc"), on="n"),
    pod("web-abc-3", ("ReplicaSet", "web-abc")),
    pod("other-abc-1", ("ReplicaSet", "other-abc")),
    pod("set-0", ("StatefulSet", "set"), on="n"),
    pod("gone-1", ("ReplicaSet", "web-abc"), on="n", deletionTimestamp="2026-01-01T00:00:00Z"),
    pod("web-abc-1", ("ReplicaSet", "web-abc"), on="n", namespace="elsewhere"),
]


def test_where_a_workload_runs_already(tmp_path: Path) -> None:
    stateful = {**kind("StatefulSet", "apps/v1", {"selector": SELECTOR, "template": TEMPLATE})}
    stateful["metadata"] = {"name": "set"}
    folder = written(
        tmp_path,
        f__json=[cluster("a", manifests="s.json"), cluster("b")],
        s__json=STATE,
        w__json=[deployment(replicas=3), stateful],
    )
    found = read_fleet(folder)
    by_key = {one.key: one for one in found.workloads}
    assert by_key["default/web"].previous == {"a": 2}
    assert by_key["default/web"].running == {"a": ("default/web-abc-1", "default/web-abc-2")}
    assert by_key["default/set"].previous == {"a": 1}
    state = found.clusters[0].snapshot
    assert [one.name for one in state.pending()] == ["other-abc-1"]
    assert len(state.pods) == 6


def test_pods_that_a_cluster_lacks_are_not_pending_twice(tmp_path: Path) -> None:
    """A member's own Deployment is the one that is placed: the pods it lacks there are the plan's to decide."""
    folder = written(
        tmp_path, f__json=cluster(manifests="s.json"), s__json=[node(), deployment(replicas=5)], w__json=deployment()
    )
    found = read_fleet(folder)
    assert not found.clusters[0].snapshot.pods
    assert len(found.workloads[0].pods) == 2


def test_an_estimate_is_a_run_time() -> None:
    job = {"parallelism": 1, "activeDeadlineSeconds": 600, "template": TEMPLATE}
    assert workload(kind("Job", "batch/v1", job)).requirements.run_time == {"*": RunTime(600.0)}
    assert annotated(run_time="1h")["metadata"]["annotations"] == {"yuheng.io/run-time": "1h"}
