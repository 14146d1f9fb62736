"""Jobs and the next run of CronJobs."""

from __future__ import annotations

import re
import textwrap

import pytest
from made_workloads import CRON_JOB, INDEXED, JOB, SAFE, missing, names, pod

from yuheng.model.pod import OwnerReference


class TestJob:
    def test_pods_carry_the_labels_of_their_job(self):
        (first, *_) = missing(JOB)

        assert re.fullmatch(f"sum-{SAFE}{{5}}", first.name)
        assert first.owner == OwnerReference("Job", "sum", "u1", controller=True)
        assert first.labels == {
            "app": "web",
            "job-name": "sum",
            "batch.kubernetes.io/job-name": "sum",
            "controller-uid": "u1",
            "batch.kubernetes.io/controller-uid": "u1",
        }

    def test_a_selector_of_its_own_adds_no_labels(self):
        (first, *_) = missing(JOB.replace("spec: {", "spec: {manualSelector: true, "))

        assert first.labels == {"app": "web"}

    @pytest.mark.parametrize(
        ("status", "pods", "expected"),
        [
            pytest.param("", [], [0, 1, 2], id="the first ones"),
            pytest.param("completedIndexes: '0,2-3'", [], [1, 4], id="completed ones are done"),
            pytest.param("completedIndexes: '2-9'", [], [0, 1], id="beyond the last"),
            pytest.param("failedIndexes: '1'", [], [0, 2, 3], id="failed ones are given up"),
            pytest.param("", [pod("sum-1-abcde", "Job", "sum")], [0, 2], id="active ones, told by name"),
            pytest.param(
                "",
                [pod("x", "Job", "sum", labels={"batch.kubernetes.io/job-completion-index": "0"})],
                [1, 2],
                id="active ones, told by label",
            ),
            pytest.param(
                "",
                [pod("sum-0-abcde", "Job", "sum", terminating=True)],
                [0, 1, 2],
                id="a terminating one is replaced",
            ),
        ],
    )
    def test_indexes_that_are_open_are_taken_in_order(self, status, pods, expected):
        created = missing(INDEXED + f"    status: {{{status}}}", pods)

        assert [one.labels["batch.kubernetes.io/job-completion-index"] for one in created] == [
            str(index) for index in expected
        ]
        for index, one in zip(expected, created, strict=True):
            assert re.fullmatch(f"sum-{index}-{SAFE}{{5}}", one.name)

    def test_an_index_is_not_refilled_while_its_pod_is_waited_for(self):
        text = INDEXED.replace("spec: {", "spec: {podReplacementPolicy: Failed, ")

        created = missing(text, [pod("sum-0-abcde", "Job", "sum", terminating=True)])

        assert [one.name[:6] for one in created] == ["sum-1-", "sum-2-"]


class TestCronJob:
    RUN = """
        ---
        kind: Job
        metadata:
          name: tidy-29453765
          ownerReferences: [{kind: CronJob, name: tidy, uid: c1, controller: true}]
        spec: {parallelism: 2, completions: 4, template: TEMPLATE}
        status: {STATUS}
    """

    def test_one_run_is_planned(self):
        pods = missing(CRON_JOB)

        minute = 1767225900 // 60 + 1
        assert len(pods) == 2
        assert re.fullmatch(f"tidy-{minute}-{SAFE}{{5}}", pods[0].name)
        assert pods[0].owner == OwnerReference("Job", f"tidy-{minute}", controller=True)
        assert pods[0].labels["job-name"] == f"tidy-{minute}"
        assert "controller-uid" not in pods[0].labels

    def test_one_that_never_ran_and_has_no_date_still_gets_a_name(self):
        (first, _) = missing(CRON_JOB.partition("status:")[0])

        assert re.fullmatch(f"tidy-0-{SAFE}{{5}}", first.name)

    def test_an_active_job_stands_for_itself(self):
        pods = missing(textwrap.dedent(CRON_JOB) + textwrap.dedent(self.RUN).replace("STATUS", "succeeded: 3"))

        assert [name[:14] for name in names(pods)] == ["tidy-29453765-"]

    def test_a_finished_job_makes_way_for_the_next_run(self):
        done = textwrap.dedent(self.RUN).replace("STATUS", "conditions: [{type: Complete, status: 'True'}]")

        assert len(missing(textwrap.dedent(CRON_JOB) + done)) == 2

    @pytest.mark.parametrize(
        ("text", "pods"),
        [
            pytest.param(CRON_JOB.replace("spec:", "spec:\n          suspend: true", 1), [], id="suspended"),
            pytest.param(
                CRON_JOB.replace("{spec: {par", "{spec: {suspend: true, par"),
                [],
                id="its jobs start suspended",
            ),
            pytest.param(
                CRON_JOB.replace("status: {", "status: {active: [{name: x}], "), [], id="active by its status"
            ),
            pytest.param(CRON_JOB, [pod("x", "Job", "tidy-29453765")], id="pods of a job that is not in the input"),
        ],
    )
    def test_nothing_is_planned(self, text, pods):
        assert missing(text, pods) == []
