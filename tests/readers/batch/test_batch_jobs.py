"""Volcano's jobs, and the pods they lack."""

from __future__ import annotations

import re
from typing import Any

import pytest
from made_batch import group, hyper_node, named, pod, queue, read_job, task, template, vcjob

from yuheng.errors import InputError
from yuheng.model.job import Job, JobTask, NetworkTopology, SubGroupPolicy, TaskTopology
from yuheng.model.pod import OwnerReference
from yuheng.model.selectors import LabelSelector
from yuheng.readers import read

OWNER = {"kind": "Job", "name": "train", "uid": "u-train", "controller": True}


def belonging(name: str = "train-worker-0", **parts: Any) -> dict[str, Any]:
    annotations = {"volcano.sh/job-name": "train", "volcano.sh/task-spec": "worker"}
    return pod(name, metadata={"annotations": annotations}, **parts)


def annotated(**annotations: str) -> dict[str, Any]:
    return vcjob(metadata={"annotations": {f"volcano.sh/{key}": value for key, value in annotations.items()}})


def test_all_pods_of_a_job_start_together_unless_it_says_otherwise() -> None:
    assert read_job(vcjob("train", task("ps", 1), task("worker", 4, minAvailable=3))) == Job(
        name="train",
        min_available=4,
        tasks=(JobTask(name="ps", min_available=1), JobTask(name="worker", min_available=3)),
    )


@pytest.mark.parametrize(
    ("given", "field", "expected"),
    [
        (vcjob(minAvailable=1), "min_available", 1),
        (vcjob(phase="Running"), "admitted", True),
        (vcjob(phase="Pending"), "admitted", False),
        (vcjob(metadata={"creationTimestamp": "1970-01-01T00:01:00Z"}), "created", 60),
        (vcjob(metadata={"namespace": "x"}), "key", "x/train"),
        (annotated(**{"sla-waiting-time": "1h30m"}), "waiting_time", 5400),
        (vcjob(metadata={"annotations": {"sla-waiting-time": "5m"}}), "waiting_time", 300),
        (annotated(preemptable="true"), "preemptable", True),
        (annotated(preemptable="false"), "preemptable", False),
        (vcjob(metadata={"labels": {"volcano.sh/preemptable": "true"}}), "preemptable", True),
        (annotated(**{"jdb-min-available": "50%"}), "disruption_min_available", "50%"),
        (annotated(**{"jdb-max-unavailable": "2"}), "disruption_max_unavailable", "2"),
        (vcjob(networkTopology={"mode": "soft", "highestTierAllowed": 2}), "topology", NetworkTopology("soft", 2)),
        (vcjob(networkTopology={}), "topology", NetworkTopology("hard", None)),
        (vcjob("train", task("")), "tasks", (JobTask(name="default0", min_available=2),)),
        (
            annotated(
                **{
                    "task-topology-affinity": "worker",
                    "task-topology-anti-affinity": "worker;",
                    "task-topology-task-order": "worker",
                }
            ),
            "task_topology",
            TaskTopology((("worker",),), (("worker",),), ("worker",)),
        ),
    ],
)
def test_fields(given: dict[str, Any], field: str, expected: object) -> None:
    assert getattr(read_job(given), field) == expected


def test_a_tier_may_be_named() -> None:
    objects = [hyper_node("s0", 3, tierName="spine"), vcjob(networkTopology={"highestTierName": "spine"})]
    assert read_job(*objects).topology == NetworkTopology("hard", 3)


def test_a_priority_class_counts() -> None:
    high = named("PriorityClass", "high", "scheduling.k8s.io/v1", value=9)
    found = read([vcjob(priorityClassName="high"), high])
    assert found.jobs[0].priority == 9
    assert {one.priority for one in found.pods} == {9}
    unknown = read(vcjob(priorityClassName="low"))
    assert unknown.jobs[0].priority is None
    assert any("PriorityClass 'low' is not in the input" in warning for warning in unknown.warnings)


def test_dependencies() -> None:
    tasks = [task("ps", 1), task("worker", 1, dependsOn={"name": ["ps"], "iteration": "any"})]
    assert read_job(vcjob("train", *tasks)).tasks[1] == JobTask(
        name="worker", min_available=1, depends_on=("ps",), depends_on_any=True
    )


def test_partitions_are_groups_of_pods() -> None:
    policy = {
        "totalPartitions": 2,
        "partitionSize": 2,
        "minPartitions": 1,
        "networkTopology": {"highestTierAllowed": 1},
    }
    found = read(vcjob("train", task("worker", 4, partitionPolicy=policy)))
    assert found.jobs[0].sub_groups == (
        SubGroupPolicy(
            name="worker",
            selector=LabelSelector({"volcano.sh/task-spec": "worker"}),
            keys=("volcano.sh/partition-id",),
            size=2,
            minimum=1,
            topology=NetworkTopology("hard", 1),
        ),
    )
    assert found.jobs[0].tasks[0].min_available == 2
    assert [one.labels["volcano.sh/partition-id"] for one in found.pods] == ["0", "0", "1", "1"]


class TestPodsThatAreLacking:
    def test_are_as_the_controller_would_create_them(self) -> None:
        found = read(
            [queue("q"), vcjob("train", task("worker", 1), queue="q", runningEstimate="90s", priorityClassName="")]
        )
        (one,) = found.pods
        assert one.key == "default/train-worker-0"
        assert (one.job, one.task, one.queue, one.estimate) == ("default/train", "worker", "", 90)
        assert one.owner == OwnerReference("Job", "train", "u-train", controller=True)
        assert one.labels == {
            "volcano.sh/job-name": "train",
            "volcano.sh/job-namespace": "default",
            "volcano.sh/queue-name": "q",
            "volcano.sh/task-spec": "worker",
            "volcano.sh/task-index": "0",
        }

    def test_mount_the_volumes_of_the_job(self) -> None:
        found = read(vcjob(volumes=[{"mountPath": "/x", "volumeClaimName": "data"}, {"mountPath": "/y"}]))
        assert {one.spec.claims for one in found.pods} == {("data",)}

    def test_inherit_what_the_job_says_of_preemption(self) -> None:
        found = read(annotated(preemptable="true", **{"revocable-zone": "*"}))
        assert {(one.preemptable, one.revocable) for one in found.pods} == {(True, True)}

    @pytest.mark.parametrize(
        ("existing", "created"),
        [
            ([belonging()], ["train-worker-1"]),
            ([belonging("another-name")], ["train-worker-0"]),
            ([pod("train-worker-1", metadata={"ownerReferences": [OWNER]})], ["train-worker-0"]),
            ([belonging(phase="Succeeded")], ["train-worker-1"]),
            ([belonging(phase="Failed")], ["train-worker-1"]),
            ([belonging(), belonging("train-worker-1")], []),
        ],
    )
    def test_are_those_that_do_not_exist(self, existing: list[dict[str, Any]], created: list[str]) -> None:
        found = read([vcjob(), *existing])
        given = {one["metadata"]["name"] for one in existing}
        assert [one.name for one in found.pods if one.name not in given] == created
        assert {(one.job, one.task) for one in found.pods} <= {("default/train", "worker")}

    def test_are_fewer_where_the_status_tells_of_pods_that_ended(self) -> None:
        job = vcjob()
        job["status"]["taskStatusCount"] = {"worker": {"phase": {"Succeeded": 1, "Running": 1}}}
        assert len(read(job).pods) == 1


def test_pods_that_ended_well_are_counted_once() -> None:
    objects = [vcjob("train", task("ps", 1), task("worker", 3)), belonging(phase="Succeeded")]
    job = read_job(*objects, belonging(phase="Succeeded"), belonging("train-worker-1", phase="Failed"))
    assert job.succeeded == 1
    assert [one.succeeded for one in job.tasks] == [0, 1]


@pytest.mark.parametrize("phase", ["Completed", "Failed", "Terminated", "Aborted", "Completing", "Aborting"])
def test_a_job_that_is_over_is_left_out(phase: str) -> None:
    found = read([queue("q"), vcjob(phase=phase, queue="q"), belonging()])
    assert found.jobs == ()
    assert [(one.job, one.queue) for one in found.pods] == [("", "q")]


class TestItsPodGroup:
    @pytest.mark.parametrize(
        "metadata",
        [
            {"name": "train-u-train", "ownerReferences": [{"kind": "Job", "name": "train", "uid": "u-train"}]},
            {"name": "odd", "ownerReferences": [{"kind": "Job", "name": "train", "uid": "u-train"}]},
            {"name": "train-u-train"},
            {"name": "train"},
        ],
    )
    def test_is_merged_into_it(self, metadata: dict[str, Any]) -> None:
        member = pod(metadata={"annotations": {"scheduling.k8s.io/group-name": metadata["name"]}})
        found = read([vcjob(), group(metadata=metadata, phase="Inqueue", minResources={"cpu": "2"}), member])
        (job,) = found.jobs
        assert (job.key, job.kind, job.admitted, job.min_resources) == ("default/train", "Job", True, {"cpu": 2000})
        assert {one.job for one in found.pods} == {"default/train"}


def test_jobs_of_kubernetes_and_of_volcano_are_told_apart() -> None:
    other = named("Job", "train", "batch/v1", metadata={"uid": "u2"}, spec={"parallelism": 1, "template": template()})
    found = read([vcjob(), other])
    assert sorted(one.job for one in found.pods) == ["", "default/train", "default/train"]


def waiting(*names: str) -> dict[str, Any]:
    return {"dependsOn": {"name": list(names)}}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (vcjob(minAvailable=3), "spec.minAvailable: found 3, expected no more than the 2 replicas of all tasks"),
        (vcjob(minAvailable=-1), "spec.minAvailable: found -1, expected a count of 0 or more"),
        (vcjob("train", task(minAvailable=3)), "spec.tasks[0].minAvailable: found 3, expected no more than the 2 repl"),
        (vcjob("train", task(replicas=-1)), "spec.tasks[0].replicas: found -1, expected a count of 0 or more"),
        (vcjob("train", task(replicas=10**7)), "spec.tasks[0].replicas: found 10000000, expected at most 1000000"),
        (vcjob("train", task(), task()), "spec.tasks[1].name: found a second task 'worker', expected each name once"),
        (
            vcjob("train", task("a", **waiting("b"))),
            "spec.tasks[0].dependsOn.name: found 'b', expected a task of the job: a",
        ),
        (
            vcjob("train", task("a"), task("b", **waiting("c")), task("c", **waiting("b"))),
            "spec.tasks[1].dependsOn: found a circle of b, c, expected",
        ),
        (vcjob("train", task("a", **waiting("a"))), "spec.tasks[0].dependsOn: found a circle of a"),
        (vcjob(runningEstimate="soon"), "spec.runningEstimate: found 'soon', expected a duration"),
        (annotated(**{"sla-waiting-time": "soon"}), "metadata.annotations[volcano.sh/sla-waiting-time]: found 'soon'"),
        (annotated(**{"sla-waiting-time": "-1s"}), "found '-1s', expected a duration above 0"),
        (annotated(**{"jdb-min-available": "half"}), "found 'half', expected a count or a percentage"),
        (vcjob(networkTopology={"highestTierName": "x"}), "spec.networkTopology.highestTierName: found 'x', expected"),
        (vcjob(networkTopology={"highestTierAllowed": -1}), "found -1, expected a tier of 0 or more"),
        (vcjob(networkTopology={"highestTierName": "x", "highestTierAllowed": 1}), "found both, expected either"),
        (vcjob(queue="nowhere"), "spec.queue: found queue 'nowhere', which is not in the input, expected a queue of"),
        (
            vcjob("train", task(partitionPolicy={"totalPartitions": 2, "partitionSize": 2})),
            "spec.tasks[0].partitionPolicy: found 2 partitions of 2, expected partitions of 2 pods together",
        ),
        (
            vcjob("train", task(partitionPolicy={"totalPartitions": 1})),
            "spec.tasks[0].partitionPolicy.partitionSize: found 0, expected a count of 1 or more",
        ),
        (vcjob("train", {"name": "a", "replicas": 1}), "spec.tasks[0].template: found nothing, expected a value"),
        (
            vcjob("train", task(template=template(cpu="much"))),
            "spec.tasks[0].template.spec.containers[0].resources.requests.cpu: found 'much', expected a quantity",
        ),
    ],
)
def test_what_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        read(given)
    assert str(caught.value).startswith("<object>: Job.batch.volcano.sh default/train: ")
    assert re.search(re.escape(message), str(caught.value))


def test_a_job_without_tasks_is_refused() -> None:
    job = vcjob()
    job["spec"]["tasks"] = []
    with pytest.raises(InputError, match=r"spec\.tasks: found nothing, expected at least one task"):
        read(job)


@pytest.mark.parametrize("names", ["worker,worker", "ghost"])
def test_a_task_topology_that_volcano_ignores_is_told(names: str) -> None:
    found = read(annotated(**{"task-topology-affinity": names}))
    assert found.jobs[0].task_topology == TaskTopology()
    assert "its task topology names a task twice, or one it has not" in found.warnings[0]
