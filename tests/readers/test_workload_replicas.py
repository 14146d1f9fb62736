"""Deployments with and without their ReplicaSets, and StatefulSets."""

from __future__ import annotations

import re
import textwrap

import pytest
from made_workloads import SAFE, STATEFUL_SET, missing, names, pod

from yuheng.model.pod import OwnerReference


class TestDeployment:
    DEPLOYMENT = """
        kind: Deployment
        metadata: {name: web, uid: d1}
        spec: {replicas: 3, selector: {matchLabels: {app: web}}, template: TEMPLATE}
    """
    OWNED = "ownerReferences: [{kind: Deployment, name: web, uid: d1, controller: true}]"

    def replica_set(self, name, replicas, more=""):
        return f"""
        ---
        kind: ReplicaSet
        metadata: {{name: {name}, {self.OWNED}{more}}}
        spec: {{replicas: {replicas}, template: TEMPLATE}}
        """

    def together(self, *texts):
        return "\n---\n".join(textwrap.dedent(text) for text in texts)

    def test_a_manifest_alone_gives_all_replicas(self):
        pods = missing(self.DEPLOYMENT)

        assert len(pods) == 3
        assert len(set(names(pods))) == 3
        hashes = {re.fullmatch(f"web-({SAFE}{{1,10}})-{SAFE}{{5}}", name)[1] for name in names(pods)}
        assert hashes == {pods[0].labels["pod-template-hash"]}
        assert pods[0].owner == OwnerReference("ReplicaSet", f"web-{hashes.pop()}", controller=True)
        assert all(one.labels["app"] == "web" and one.node is None for one in pods)

    def test_its_hash_follows_the_template(self):
        (before, *_), (same, *_) = missing(self.DEPLOYMENT), missing(self.DEPLOYMENT.replace("3", "5"))
        (after, *_) = missing(self.DEPLOYMENT.replace("TEMPLATE", "{metadata: {labels: {app: web}}, spec: {}}"))

        assert before.labels["pod-template-hash"] == same.labels["pod-template-hash"]
        assert before.labels["pod-template-hash"] != after.labels["pod-template-hash"]

    @pytest.mark.parametrize(
        ("existing", "expected"),
        [
            pytest.param(pod("x", "ReplicaSet", "web-5d4"), 2, id="its own"),
            pytest.param(pod("x", "ReplicaSet", "web-admin-5d4"), 3, id="of a Deployment with a longer name"),
            pytest.param(pod("x", "ReplicaSet", "web-5d4", labels={"app": "db"}), 3, id="not selected"),
            pytest.param(pod("x", "ReplicaSet", "web-5d4", terminating=True), 3, id="on its way out"),
            pytest.param(pod("x", "StatefulSet", "web-5d4"), 3, id="of another kind"),
            pytest.param(pod("x", "ReplicaSet", "web-5d4", namespace="b"), 3, id="elsewhere"),
        ],
    )
    def test_without_its_replica_sets_pods_are_told_by_selector_and_name(self, existing, expected):
        assert len(missing(self.DEPLOYMENT, [existing])) == expected

    def test_new_pods_join_the_replica_set_of_the_youngest(self):
        old = pod("old", "ReplicaSet", "web-aaa", uid="r1", created=1.0)
        young = pod("young", "ReplicaSet", "web-bbb", uid="r2", created=2.0)

        (new,) = missing(self.DEPLOYMENT, [young, old])

        assert new.owner == young.owner
        assert new.labels["pod-template-hash"] == "bbb"
        assert new.name.startswith("web-bbb-")

    def test_its_replica_sets_stand_for_it(self):
        text = self.together(self.DEPLOYMENT, self.replica_set("web-new", 3), self.replica_set("web-old", 0))

        pods = missing(text, [pod("x", "ReplicaSet", "web-new")])

        assert [name[:8] for name in names(pods)] == ["web-new-", "web-new-"]

    def test_a_rollout_is_taken_as_it_stands(self):
        text = self.together(self.DEPLOYMENT, self.replica_set("web-new", 1), self.replica_set("web-old", 2))

        assert [name[:8] for name in names(missing(text))] == ["web-new-", "web-old-", "web-old-"]

    def test_a_changed_count_reaches_the_only_active_replica_set(self):
        text = self.together(self.DEPLOYMENT, self.replica_set("web-new", 1), self.replica_set("web-old", 0))

        assert [name[:8] for name in names(missing(text))] == ["web-new-"] * 3

    def test_scaling_up_from_nothing_takes_the_youngest_revision(self):
        young, old = (f", annotations: {{deployment.kubernetes.io/revision: '{revision}'}}" for revision in (10, 9))
        text = self.together(
            self.DEPLOYMENT, self.replica_set("web-old", 0, old), self.replica_set("web-new", 0, young)
        )

        assert [name[:8] for name in names(missing(text))] == ["web-new-"] * 3

    def test_a_deleted_deployment_leaves_its_replica_sets_alone(self):
        deleted = self.DEPLOYMENT.replace("uid: d1", "uid: d1, deletionTimestamp: 2026-01-01T00:00:00Z")

        assert len(missing(self.together(deleted, self.replica_set("web-new", 1)))) == 1

    def test_a_replica_set_that_nobody_controls_is_adopted(self):
        orphan = """
            kind: ReplicaSet
            metadata: {name: web-5d4, labels: {app: web}}
            spec: {replicas: 3, template: TEMPLATE}
        """

        assert len(missing(self.together(self.DEPLOYMENT, orphan))) == 3

    def test_a_replica_set_of_an_earlier_namesake_stands_for_itself(self):
        foreign = self.replica_set("web-5d4", 1).replace("d1", "d0")

        assert len(missing(self.together(self.DEPLOYMENT, foreign))) == 4

    def test_an_empty_selector_selects_nothing(self):
        text = self.DEPLOYMENT.replace("{matchLabels: {app: web}}", "{}")

        assert len(missing(text, [pod("x", "ReplicaSet", "web-5d4")])) == 3

    def test_the_labels_of_the_template_stand_in_for_a_selector(self):
        text = self.DEPLOYMENT.replace("selector: {matchLabels: {app: web}}, ", "")

        assert len(missing(text, [pod("x", "ReplicaSet", "web-5d4")])) == 2


class TestStatefulSet:
    def test_pods_are_named_by_ordinal(self):
        pods = missing(STATEFUL_SET)

        assert names(pods) == ["db-0", "db-1", "db-2"]
        labels = pods[1].labels
        assert labels["statefulset.kubernetes.io/pod-name"] == "db-1"
        assert labels["apps.kubernetes.io/pod-index"] == "1"
        assert re.fullmatch(f"db-{SAFE}+", labels["controller-revision-hash"])
        assert labels["app"] == "web"
        assert pods[1].owner == OwnerReference("StatefulSet", "db", "u1", controller=True)

    def test_the_revision_is_that_of_the_status(self):
        (first, *_) = missing(STATEFUL_SET + "    status: {updateRevision: db-77}")

        assert first.labels["controller-revision-hash"] == "db-77"

    def test_only_missing_ordinals_are_filled(self):
        assert names(missing(STATEFUL_SET, [pod("db-1", "StatefulSet", "db")])) == ["db-0", "db-2"]

    def test_a_terminating_pod_keeps_its_ordinal(self):
        taken = pod("db-1", "StatefulSet", "db", terminating=True)

        assert names(missing(STATEFUL_SET, [taken])) == ["db-0", "db-2"]

    def test_ordinals_start_where_they_are_told(self):
        text = STATEFUL_SET.replace("spec: {", "spec: {ordinals: {start: 5}, ")

        assert names(missing(text, [pod("db-0", "StatefulSet", "db")])) == ["db-5", "db-6", "db-7"]

    def test_every_pod_gets_claims_of_its_own(self):
        text = STATEFUL_SET.replace(
            "spec: {",
            "spec: {volumeClaimTemplates: [{metadata: {name: data}}, {metadata: {name: log}}], ",
        ).replace(
            "TEMPLATE",
            """{spec: {containers: [], volumes: [
                {name: data, persistentVolumeClaim: {claimName: shared-data}},
                {name: common, persistentVolumeClaim: {claimName: common}}]}}""",
        )

        claims = {one.name: one.spec.claims for one in missing(text)}

        assert claims["db-0"] == ("data-db-0", "log-db-0", "common")
        assert claims["db-2"] == ("data-db-2", "log-db-2", "common")
