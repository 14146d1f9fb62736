"""Kueue: its queues, and what they admit."""

from __future__ import annotations

import re
from typing import Any

import pytest
from made_batch import KUEUE, cluster_queue, local_queue, named, pod, queue, quota, read_queue, template

from yuheng.errors import InputError
from yuheng.model.job import Job
from yuheng.model.queue import Queue
from yuheng.readers import read

LABEL = "kueue.x-k8s.io/queue-name"
GROUP = "kueue.x-k8s.io/pod-group-name"
TOTAL = "kueue.x-k8s.io/pod-group-total-count"
QUEUES = [cluster_queue(), local_queue()]


def cohort(name: str, version: str = "v1beta1", **spec: Any) -> dict[str, Any]:
    return named("Cohort", name, f"kueue.x-k8s.io/{version}", spec=spec)


def batch_job(name: str = "j", *, conditions: Any = (), succeeded: int = 0, **spec: Any) -> dict[str, Any]:
    return named(
        "Job",
        name,
        "batch/v1",
        metadata={"uid": f"u-{name}", "labels": {LABEL: "lq"}},
        spec={"suspend": True, "parallelism": 3, "template": template(), **spec},
        status={"conditions": list(conditions), "succeeded": succeeded},
    )


def in_group(name: str, total: str = "2", **parts: Any) -> dict[str, Any]:
    metadata = {"labels": {LABEL: "lq", GROUP: "g"}, "annotations": {TOTAL: total} if total else {}}
    return pod(name, metadata=metadata, **parts)


class TestClusterQueue:
    def test_alone_has_what_is_its_own(self) -> None:
        found = read_queue(cluster_queue("q", quota("cpu", 9), quota("memory", "36Gi")))
        assert found == Queue(
            name="q",
            kind="ClusterQueue",
            deserved={"cpu": 9000, "memory": 36 * 2**30},
            capability={"cpu": 9000, "memory": 36 * 2**30},
            reclaims="Never",
            preempts="Never",
        )

    @pytest.mark.parametrize("field", ["cohort", "cohortName"])
    def test_in_a_cohort_borrows_and_lends(self, field: str) -> None:
        quotas = [
            quota("cpu", 9),
            quota("memory", 8, borrowingLimit=4),
            quota("gpu", 6, lendingLimit=2, borrowingLimit=0),
        ]
        found = read([cluster_queue("q", *quotas, **{field: "team"})]).queues
        assert [(one.name, one.kind, one.parent) for one in found] == [
            ("default", "Queue", ""),
            ("q", "ClusterQueue", "team"),
            ("team", "Cohort", ""),
        ]
        assert found[1].deserved == {"cpu": 9000, "memory": 8, "gpu": 6}
        assert found[1].capability == {"memory": 12, "gpu": 6}
        assert found[1].guarantee == {"gpu": 4}

    @pytest.mark.parametrize(
        ("spec", "field", "expected"),
        [
            ({"fairSharing": {"weight": "500m"}}, "weight", 0.5),
            ({"fairSharing": {"weight": 2}}, "weight", 2),
            ({"queueingStrategy": "StrictFIFO"}, "dequeue", "fifo"),
            ({"queueingStrategy": "BestEffortFIFO"}, "dequeue", "traverse"),
            ({"stopPolicy": "Hold"}, "closed", True),
            ({"stopPolicy": "HoldAndDrain"}, "closed", True),
            ({"stopPolicy": "None"}, "closed", False),
            ({"preemption": {"reclaimWithinCohort": "Any"}}, "reclaims", "Any"),
            ({"preemption": {"reclaimWithinCohort": "LowerPriority"}}, "reclaims", "LowerPriority"),
            ({"preemption": {"withinClusterQueue": "LowerPriority"}}, "preempts", "LowerPriority"),
        ],
    )
    def test_fields(self, spec: dict[str, Any], field: str, expected: object) -> None:
        assert getattr(read_queue(cluster_queue("q", **spec)), field) == expected

    def test_adds_up_flavors_and_says_so(self) -> None:
        found = read(cluster_queue("q", quota("cpu", 1), quota("cpu", 2)))
        assert found.queues[1].deserved == {"cpu": 3000}
        assert found.warnings == ("ClusterQueue q: the quotas of several flavors of cpu are added up",)

    def test_preempts_newer_pods_of_equal_priority_never(self) -> None:
        given = cluster_queue("q", preemption={"withinClusterQueue": "LowerOrNewerEqualPriority"})
        found = read(given)
        assert found.queues[1].preempts == "LowerPriority"
        assert found.warnings[0].startswith("ClusterQueue q: withinClusterQueue")


class TestCohort:
    @pytest.mark.parametrize("field", ["parent", "parentName"])
    def test_is_below_its_parent(self, field: str) -> None:
        found = read([cohort("team", **{field: "org"}), cohort("org")])
        assert [(one.name, one.parent) for one in found.queues] == [("default", ""), ("org", ""), ("team", "org")]

    def test_that_is_only_named_is_made(self) -> None:
        assert read_queue(cohort("team", parentName="org"), name="org") == Queue(name="org", kind="Cohort")

    def test_has_quotas_of_its_own(self) -> None:
        groups = [{"flavors": [{"name": "f", "resources": [quota("cpu", 4)]}]}]
        assert read_queue(cohort("q", resourceGroups=groups)).deserved == {"cpu": 4000}

    def test_may_have_the_name_of_a_cluster_queue(self) -> None:
        found = read([cluster_queue("team", cohort="team")]).queues
        assert [(one.name, one.parent) for one in found] == [
            ("cohort/team", ""),
            ("default", ""),
            ("team", "cohort/team"),
        ]


class TestJob:
    def test_that_waits_suspended_is_a_job_with_pods(self) -> None:
        found = read([*QUEUES, batch_job()])
        assert found.jobs == (Job(name="j", kind="Job", queue="cq", min_available=3),)
        assert {one.job for one in found.pods} == {"default/j"}
        assert len(found.pods) == 3

    def test_that_runs_was_admitted(self) -> None:
        assert read([*QUEUES, batch_job(suspend=False)]).jobs[0].admitted

    def test_needs_the_pods_that_are_open_still(self) -> None:
        (job,) = read([*QUEUES, batch_job(completions=5, succeeded=4)]).jobs
        assert job.min_available == 1

    @pytest.mark.parametrize("kind", ["Complete", "Failed"])
    def test_that_has_ended_is_left_out(self, kind: str) -> None:
        found = read([*QUEUES, batch_job(conditions=[{"type": kind, "status": "True"}])])
        assert (found.jobs, found.pods) == ((), ())

    def test_has_the_pods_that_exist(self) -> None:
        owner = {"kind": "Job", "name": "j", "uid": "u-j", "controller": True}
        found = read([*QUEUES, batch_job(suspend=False), pod("j-1", metadata={"ownerReferences": [owner]})])
        assert [one.job for one in found.pods] == ["default/j"] * 3

    def test_stays_suspended_where_kueue_is_not_in_the_input(self) -> None:
        found = read(batch_job())
        assert (found.jobs, found.pods, found.queues) == ((), (), ())

    def test_without_the_label_is_none_of_kueue(self) -> None:
        given = batch_job(suspend=False)
        del given["metadata"]["labels"]
        found = read([*QUEUES, given])
        assert found.jobs == ()
        assert {one.job for one in found.pods} == {""}


class TestPods:
    def test_in_a_group_are_one_job(self) -> None:
        first = in_group("a")
        first["metadata"]["creationTimestamp"] = "1970-01-01T00:00:05Z"
        found = read([*QUEUES, first, in_group("b")])
        assert found.jobs == (Job(name="g", kind="PodGroup", queue="cq", min_available=2, created=5),)
        assert {one.job for one in found.pods} == {"default/g"}

    def test_of_a_group_that_ended_well_are_counted(self) -> None:
        (job,) = read([*QUEUES, in_group("a"), in_group("b", phase="Succeeded")]).jobs
        assert job.succeeded == 1

    def test_of_a_group_that_has_ended_are_no_job(self) -> None:
        assert read([*QUEUES, in_group("a", phase="Succeeded")]).jobs == ()

    def test_alone_are_in_the_queue(self) -> None:
        (one,) = read([*QUEUES, pod(metadata={"labels": {LABEL: "lq"}})]).pods
        assert (one.job, one.queue) == ("", "cq")

    def test_wait_for_no_admission_but_ours(self) -> None:
        gated = pod(metadata={"labels": {LABEL: "lq"}}, schedulingGates=[{"name": "kueue.x-k8s.io/admission"}])
        assert read([*QUEUES, gated]).pods[0].spec.gates == ()
        assert read(gated).pods[0].spec.gates == ("kueue.x-k8s.io/admission",)


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ([local_queue()], "LocalQueue default/lq: spec.clusterQueue: found 'cq', expected a ClusterQueue of the input"),
        (
            [cluster_queue(), batch_job()],
            "Job default/j: metadata.labels[kueue.x-k8s.io/queue-name]: found 'lq', expected a LocalQueue of the name",
        ),
        ([cluster_queue(), pod(metadata={"labels": {LABEL: "lq"}})], "Pod default/p: metadata.labels[kueue.x-k8s.io/q"),
        ([*QUEUES, in_group("a", total="")], f"metadata.annotations[{TOTAL}]: found nothing, expected how many pods"),
        ([*QUEUES, in_group("a", total="many")], f"metadata.annotations[{TOTAL}]: found 'many', expected how many"),
        (
            [cluster_queue("q", quota("cpu", "x"))],
            "spec.resourceGroups[0].flavors[0].resources[0].nominalQuota: found 'x', expected a quantity",
        ),
        ([cluster_queue("q", quota("cpu", -1))], "nominalQuota: found -1, expected an amount that is not negative"),
        ([cluster_queue("q", fairSharing={"weight": "-1"})], "spec.fairSharing.weight: found '-1', expected a weight"),
        ([cluster_queue("q", fairSharing={"weight": "x"})], "spec.fairSharing.weight: found 'x', expected a quantity"),
        ([cohort("a", parentName="b"), cohort("b", parentName="a")], "Cohort a: spec.parentName: found a circle"),
        ([queue("q"), cluster_queue("q")], "ClusterQueue q: found a Queue of the same name"),
        ([cluster_queue("q", stopPolicy="Later")], "spec.stopPolicy: found 'Later', expected"),
        ([*QUEUES, batch_job(parallelism=-1)], "Job default/j: spec.parallelism: found -1, expected a count of 0"),
    ],
)
def test_what_is_refused(objects: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        read(objects)


def test_a_version_does_not_matter() -> None:
    given = named("ClusterQueue", "q", KUEUE.replace("v1beta1", "v1beta2"), spec={"cohortName": "c"})
    assert read_queue(given).parent == "c"
