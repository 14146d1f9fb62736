"""Pod groups, what pods say of jobs and queues, and the time of a snapshot."""

from __future__ import annotations

from typing import Any

import pytest
from made_batch import VOLCANO, group, named, node, pod, queue, read_job, template, vcjob

from yuheng.errors import InputError
from yuheng.model.job import Job, JobTask, NetworkTopology, SubGroupPolicy
from yuheng.model.pod import Pod
from yuheng.model.selectors import LabelSelector
from yuheng.readers import read, read_pod

GROUP = "scheduling.k8s.io/group-name"


def member(name: str = "p", **annotations: str) -> dict[str, Any]:
    return pod(name, metadata={"annotations": {GROUP: "g", **annotations}})


def read_one(given: dict[str, Any], *others: dict[str, Any]) -> Pod:
    (found,) = read([given, *others]).pods
    return found


class TestPodGroup:
    def test_is_a_job_where_none_owns_it(self) -> None:
        assert read_job(group(minMember=3, minTaskMember={"ps": 1, "worker": 2}, minResources={"cpu": "3"})) == Job(
            name="g",
            kind="PodGroup",
            min_available=3,
            tasks=(JobTask(name="ps", min_available=1), JobTask(name="worker", min_available=2)),
            min_resources={"cpu": 3000},
        )

    def test_with_nothing_written_in_it_needs_one_pod(self) -> None:
        assert read_job(group()) == Job(name="g", kind="PodGroup")

    @pytest.mark.parametrize(
        ("phase", "admitted"),
        [("", False), ("Pending", False), ("Inqueue", True), ("Running", True), ("Unknown", True)],
    )
    def test_is_admitted_by_its_phase(self, phase: str, admitted: bool) -> None:
        assert read_job(group(phase=phase)).admitted is admitted

    def test_that_is_completed_is_left_out(self) -> None:
        found = read([group(phase="Completed", queue="q"), queue("q"), member()])
        assert found.jobs == ()
        assert [(one.job, one.queue) for one in found.pods] == [("", "q")]

    @pytest.mark.parametrize("name", [GROUP, "scheduling.volcano.sh/group-name"])
    def test_has_the_pods_that_name_it(self, name: str) -> None:
        given = pod(metadata={"annotations": {name: "g", "volcano.sh/task-spec": "ps"}})
        one = read_one(given, group())
        assert (one.job, one.task) == ("default/g", "ps")

    def test_has_a_task_by_label_too(self) -> None:
        given = pod(metadata={"annotations": {GROUP: "g"}, "labels": {"volcano.sh/task-spec": "ps"}})
        assert read_one(given, group()).task == "ps"

    def test_of_a_controller_is_a_job_of_its_own(self) -> None:
        owner = {"kind": "ReplicaSet", "name": "web", "uid": "u"}
        assert read_job(group("podgroup-u", metadata={"ownerReferences": [owner]})).key == "default/podgroup-u"

    def test_whose_job_is_not_in_the_input_is_a_job_of_its_own(self) -> None:
        owner = {"kind": "Job", "name": "train", "uid": "u-train"}
        found = read_job(group("train-u-train", metadata={"ownerReferences": [owner]}))
        assert (found.key, found.kind) == ("default/train-u-train", "PodGroup")

    def test_counts_the_pods_that_ended_well(self) -> None:
        ended = member("q", **{"volcano.sh/task-spec": "ps"}) | {"status": {"phase": "Succeeded"}}
        found = read_job(group(minTaskMember={"ps": 1}), member(), ended)
        assert found.succeeded == 1
        assert found.tasks[0].succeeded == 1

    def test_has_groups_within_it(self) -> None:
        policy = {
            "name": "decode",
            "labelSelector": {"matchLabels": {"role": "decode"}},
            "matchLabelKeys": ["shard"],
            "subGroupSize": 4,
            "minSubGroups": 2,
            "networkTopology": {"mode": "hard", "highestTierAllowed": 1},
        }
        assert read_job(group(subGroupPolicy=[policy, {"name": "rest"}])).sub_groups == (
            SubGroupPolicy(
                name="decode",
                selector=LabelSelector({"role": "decode"}),
                keys=("shard",),
                size=4,
                minimum=2,
                topology=NetworkTopology("hard", 1),
            ),
            SubGroupPolicy(name="rest"),
        )

    def test_of_another_system_is_not_used(self) -> None:
        found = read(named("PodGroup", "g", "scheduling.sigs.k8s.io/v1alpha1", spec={}))
        assert (found.jobs, found.queues) == ((), ())
        assert [one.kind for one in found.skipped] == ["PodGroup.scheduling.sigs.k8s.io"]

    def test_that_is_not_in_the_input_is_told_of(self) -> None:
        found = read([queue(), member("a"), member("b")])
        assert found.warnings[-1].startswith("1 PodGroups that pods name are not in the input")
        assert {one.job for one in found.pods} == {""}

    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            ({"minMember": -1}, "spec.minMember: found -1, expected a count of 0 or more"),
            ({"minTaskMember": {"a": -1}}, "spec.minTaskMember.a: found -1, expected a count of 0 or more"),
            ({"minResources": {"cpu": "x"}}, "spec.minResources.cpu: found 'x', expected a quantity"),
            ({"queue": "nowhere"}, "spec.queue: found queue 'nowhere', which is not in the input"),
            ({"subGroupPolicy": [{"subGroupSize": 0}]}, "spec.subGroupPolicy[0].subGroupSize: found 0, expected a"),
            ({"subGroupPolicy": [{"minSubGroups": -1}]}, "spec.subGroupPolicy[0].minSubGroups: found -1, expected a"),
            ({"networkTopology": {"mode": "firm"}}, "spec.networkTopology.mode: found 'firm', expected"),
        ],
    )
    def test_is_refused(self, spec: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError) as caught:
            read(group(**spec))
        assert str(caught.value).startswith(f"<object>: PodGroup default/g: {message}")

    def test_may_not_have_the_name_of_a_job(self) -> None:
        owner = {"kind": "ReplicaSet", "name": "web", "uid": "u"}
        with pytest.raises(InputError, match="found another job of this name"):
            read([vcjob("g"), group(metadata={"ownerReferences": [owner]})])


class TestPod:
    @pytest.mark.parametrize(
        ("metadata", "field", "expected"),
        [
            ({}, "preemptable", None),
            ({"annotations": {"volcano.sh/preemptable": "true"}}, "preemptable", True),
            ({"annotations": {"volcano.sh/preemptable": "F"}}, "preemptable", False),
            ({"annotations": {"volcano.sh/preemptable": "maybe"}}, "preemptable", False),
            ({"labels": {"volcano.sh/preemptable": "true"}}, "preemptable", True),
            ({"annotations": {"volcano.sh/revocable-zone": "*"}}, "revocable", True),
            ({"annotations": {"volcano.sh/revocable-zone": "rz"}}, "revocable", False),
            ({"annotations": {"volcano.sh/preemptable": "true"}}, "revocable", True),
            (
                {"annotations": {"volcano.sh/preemptable": "true", "volcano.sh/revocable-zone": "rz"}},
                "revocable",
                False,
            ),
            ({"labels": {"volcano.sh/preemptable": "true"}}, "revocable", False),
            ({"annotations": {"yuheng.io/running-estimate": "1h2m3s"}}, "estimate", 3723),
            ({"annotations": {"scheduling.volcano.sh/queue-name": "q"}}, "queue", "q"),
            ({"annotations": {"volcano.sh/queue-name": "q"}}, "queue", "q"),
        ],
    )
    def test_words(self, metadata: dict[str, Any], field: str, expected: object) -> None:
        assert getattr(read_one(pod(metadata=metadata)), field) == expected

    @pytest.mark.parametrize(
        ("spec", "classes", "expected"),
        [
            ({}, {}, True),
            ({"preemptionPolicy": "Never"}, {}, False),
            ({"preemptionPolicy": "PreemptLowerPriority"}, {"preemptionPolicy": "Never", "globalDefault": True}, True),
            ({"priorityClassName": "c"}, {"preemptionPolicy": "Never"}, False),
            ({"priorityClassName": "c"}, {}, True),
            ({}, {"preemptionPolicy": "Never", "globalDefault": True}, False),
            ({}, {"preemptionPolicy": "Never"}, True),
        ],
    )
    def test_preempts_as_it_or_its_class_says(
        self, spec: dict[str, Any], classes: dict[str, Any], expected: bool
    ) -> None:
        known = named("PriorityClass", "c", "scheduling.k8s.io/v1", value=1, **classes)
        assert read_one(pod(**spec), known).preempts is expected

    def test_started_when_its_status_says_so(self) -> None:
        given = pod(nodeName="n") | {"status": {"phase": "Running", "startTime": "1970-01-01T00:02:00Z"}}
        assert read_one(given).started == 120

    def test_runs_until_its_deadline_at_most(self) -> None:
        assert read_one(pod(activeDeadlineSeconds=30)).estimate == 30
        job = named("Job", "j", "batch/v1", spec={"activeDeadlineSeconds": 40, "template": template()})
        assert read_one(job).estimate == 40

    def test_names_a_queue_that_is_there(self) -> None:
        given = pod(metadata={"annotations": {"scheduling.volcano.sh/queue-name": "nowhere"}})
        assert read_one(given).queue == "nowhere"
        with pytest.raises(InputError, match=r"Pod default/p: .*found queue 'nowhere', which is not in the input"):
            read([given, queue()])

    def test_is_not_kept_waiting_by_the_gate_of_a_queue(self) -> None:
        gates = [{"name": "scheduling.volcano.sh/queue-allocation-gate"}, {"name": "other"}]
        assert read_one(pod(schedulingGates=gates)).spec.gates == ("other",)

    def test_with_a_malformed_estimate_is_refused(self) -> None:
        given = pod(metadata={"annotations": {"yuheng.io/running-estimate": "long"}})
        with pytest.raises(InputError, match=r"metadata\.annotations\[yuheng\.io/running-estimate\]: found 'long'"):
            read(given)

    def test_of_a_manifest_has_no_job(self) -> None:
        assert read_pod(member()).job == ""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (node(), None),
        (pod(metadata={"creationTimestamp": "1970-01-01T00:00:01Z"}), 1),
        (pod(nodeName="n") | {"status": {"startTime": "1970-01-01T00:00:02Z"}}, 2),
        (queue() | {"metadata": {"name": "q", "creationTimestamp": "1970-01-01T00:00:03Z"}}, 3),
        (vcjob(metadata={"creationTimestamp": "1970-01-01T00:00:04Z"}), 4),
        (group(metadata={"creationTimestamp": "1970-01-01T00:00:05Z"}), 5),
        (
            node()
            | {
                "status": {
                    "allocatable": {"cpu": 1},
                    "conditions": [
                        {"type": "Ready", "status": "True", "lastHeartbeatTime": "1970-01-01T00:00:06Z"},
                        {"type": "X", "status": "True", "lastHeartbeatTime": "1970-01-01T00:00:05Z"},
                    ],
                }
            },
            6,
        ),
        (
            named(
                "Job",
                "j",
                "batch/v1",
                metadata={"creationTimestamp": "1970-01-01T00:00:07Z"},
                spec={"template": template()},
            ),
            7,
        ),
    ],
)
def test_the_time_is_the_latest_that_is_told(given: dict[str, Any], expected: float | None) -> None:
    assert read(given).time == expected
    earlier = pod("earlier", metadata={"creationTimestamp": "1970-01-01T00:00:00Z"})
    assert read([earlier, given]).time == (expected or 0)


def test_queues_of_another_group_are_not_used() -> None:
    found = read([named("Queue", "q", "scheduling.run.ai/v2"), named("Queue", "r", VOLCANO)])
    assert [one.name for one in found.queues] == ["default", "r"]
