"""A fleet plan carried out on clusters in miniature: what is applied, pruned, left, and told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs
from tests.kubernetes.made_api_server import FakeTime, answering, dropping, status, unto
from tests.kubernetes.made_member import Member, beside, deployment, members, write, write_fleet

from yuheng.errors import YuhengError
from yuheng.kubernetes.dispatching.process import Options, dispatched
from yuheng.model.dispatch import DispatchReport


def decision(one: dict[str, Any] | None) -> dict[str, Any]:
    assert one is not None
    found: dict[str, Any] = json.loads(one["metadata"]["annotations"]["yuheng.io/decision"])
    return found


def actions(report: DispatchReport, *kinds: str) -> list[tuple[str, str, str]]:
    return [(one.cluster, one.kind, one.action) for one in report.objects if one.kind in kinds]


async def run(folder: Path, **options: Any) -> DispatchReport:
    return await dispatched(Options((str(folder),), **options), FakeTime().timing)


def urls(found: dict[str, Member]) -> dict[str, str]:
    return {name: one.url for name, one in found.items()}


async def test_workloads_go_where_the_plan_has_room_for_them(tmp_path):
    async with members("a", "b", cpu="4") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=6))
        report = await run(folder)
        assert report.failures == {}
        assert found["a"].replicas()["web"] + found["b"].replicas()["web"] == 6
        assert found["a"].replicas()["web"] <= 4
        assert {one.cluster: one.replicas for one in report.shares} == {
            name: one.replicas()["web"] for name, one in found.items()
        }
        assert decision(found["a"].found("deployments", "web"))["number"] == 1


async def volcano_s_group(request: web.Request) -> web.Response | None:
    """A fault: the group is there after all."""
    known = {"kind": "APIGroup", "versions": [{"version": "v1beta1"}], "preferredVersion": {"version": "v1beta1"}}
    return web.json_response(known) if request.path == "/apis/scheduling.volcano.sh" else None


async def test_a_typo_of_a_tenant_of_one_cluster_keeps_no_fleet_from_being_dispatched(tmp_path):
    async with members("a", "b") as found:
        group = {"metadata": {"name": "typo"}, "spec": {"minMember": 1, "queue": "nope"}}
        found["a"].create("podgroups", group)
        found["a"].faults.extend([volcano_s_group] * 9)
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment())
        report = await run(folder)
        assert report.failures == {}
        assert found["a"].replicas() == {"web": 3}
        assert [one for one in report.notes if "PodGroup default/typo: spec.queue: found queue 'nope'" in one]


async def test_the_same_dispatch_again_changes_nothing(tmp_path):
    async with members("a", "b", cpu="4") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=6), beside("ConfigMap", "c", data={"k": "v"}))
        await run(folder)
        versions = [one.version for one in found.values()]
        report = await run(folder)
        assert {one.action for one in report.objects} == {"unchanged"}
        assert [one.version for one in found.values()] == versions


async def test_objects_beside_follow_the_workloads_of_their_namespace_and_come_first(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "r"}}
        write(
            folder,
            "web.json",
            deployment(namespace="shop"),
            beside("ConfigMap", "c", "shop", data={"k": "v"}),
            beside("ServiceAccount", "s", "shop"),
            beside("Namespace", "shop", ""),
            beside("ConfigMap", "elsewhere", "other", data={}),
            role,
        )
        report = await run(folder)
        assert report.failures == {}
        assert found["a"].applied[0] == "Namespace shop"
        assert found["a"].applied[-1] == "Deployment web"
        assert set(found["a"].applied[1:-1]) == {"ConfigMap c", "ServiceAccount s", "ClusterRole r"}
        assert found["b"].applied == []


async def test_overrides_change_what_a_cluster_is_given_but_not_how_much(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        image = {"component": "Tag", "operator": "replace", "value": "2"}
        plain = {"path": "/spec/replicas", "operator": "replace", "value": 9}
        rule = {
            "targetCluster": {"clusterNames": ["a"]},
            "overriders": {"imageOverrider": [image], "plaintext": [plain]},
        }
        policy = {
            "apiVersion": "policy.karmada.io/v1alpha1",
            "kind": "OverridePolicy",
            "metadata": {"name": "o", "namespace": "default"},
            "spec": {"overrideRules": [rule]},
        }
        write(folder, "web.json", deployment(replicas=2), policy)
        await run(folder)
        spec = (found["a"].found("deployments", "web") or {})["spec"]
        assert spec["template"]["spec"]["containers"][0]["image"] == "i:2"
        assert spec["replicas"] == 2


async def test_what_is_wanted_no_more_is_pruned_and_nothing_else(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        here = found["a"]
        write(
            folder,
            "web.json",
            deployment("web", namespace="shop"),
            deployment("old", namespace="shop"),
            beside("Namespace", "shop", ""),
            beside("ConfigMap", "old", "shop", data={"k": "v"}),
            beside("PersistentVolumeClaim", "data", "shop", spec={"accessModes": ["ReadWriteOnce"]}),
        )
        await run(folder)
        here.create("configmaps", beside("ConfigMap", "theirs", "shop"), "shop")
        label = {"yuheng.io/managed-by": "yuheng"}
        copied = {"metadata": {"name": "copied", "labels": label, "annotations": {"yuheng.io/fleet": "shop"}}}
        here.create("services", copied, "shop")
        write(folder, "web.json", deployment("web", namespace="shop"))
        kept = await run(folder, prune=False)
        assert here.deleted == []
        assert {one.reason for one in kept.objects if one.kind == "Deployment" and one.action == "left"} == {
            "--no-prune"
        }
        report = await run(folder)
        assert sorted(here.deleted) == ["configmaps old", "deployments old"]
        left = {one.kind for one in report.objects if one.action == "left"}
        assert left == {"Namespace", "PersistentVolumeClaim"}


async def test_a_dry_run_says_what_each_cluster_would_make_of_it_and_writes_nothing(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        here = found["a"]
        write(folder, "web.json", deployment("web"), deployment("old"))
        await run(folder)
        version = here.version
        changed = deployment("web", replicas=4)
        changed["spec"]["template"]["spec"]["containers"][0]["image"] = "i:2"
        write(
            folder,
            "web.json",
            changed,
            deployment("new", namespace="shop"),
            beside("Namespace", "shop", ""),
            beside("Secret", "s", data={"password": "aHVudGVyMg=="}),
        )
        report = await run(folder, dry_run=True)
        assert here.version == version
        told = {(one.kind, one.key): one for one in report.objects}
        assert told["Deployment", "default/web"].fields == (
            "metadata.annotations[yuheng.io/decision]",
            "spec.replicas",
            "spec.template.spec.containers[c].image",
        )
        assert told["Deployment", "shop/new"].action == "create"
        assert told["Namespace", "shop"].action == "create"
        assert told["Deployment", "default/old"].action == "prune"
        assert report.failures == {}


async def test_a_secret_is_applied_and_never_told(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        secret = beside("Secret", "s", data={"password": "aHVudGVyMg=="})
        write(folder, "web.json", deployment(), secret)
        await run(folder)
        assert (found["a"].found("secrets", "s") or {})["data"] == {"password": "aHVudGVyMg=="}
        write(folder, "web.json", deployment(), {**secret, "data": {"password": "aHVudGVyMw=="}})
        told = await run(folder, dry_run=True)
        assert [one.fields for one in told.objects if one.kind == "Secret"] == [("data",)]
        refused = 'Secret "s" is invalid: data[password]: Invalid value: "aHVudGVyMw==" (aHVudGVyMw==)'
        found["a"].faults.append(unto("PATCH", "secrets", answering(lambda: status(422, "Invalid", refused))))
        report = await run(folder)
        text = json.dumps(report.to_dict())
        assert "422 Invalid" in report.failures["a"]
        assert "aHVudGVy" not in text
        assert "hunter" not in text


async def test_values_that_a_server_quotes_are_not_passed_on(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment())
        said = (
            'failed to create typed patch object: .env[name="TOKEN"].value: expected string, got '
            '&value.valueUnstructured{Value:8675309}; spec.x: Invalid value: "hunter2": no'
        )
        found["a"].faults.append(unto("PATCH", "deployments", answering(lambda: status(422, "Invalid", said))))
        report = await run(folder)
        assert "8675309" not in str(report)
        assert "hunter2" not in str(report)
        assert '.env[name="TOKEN"].value: expected string' in report.failures["a"]


async def test_a_conflict_is_told_and_taken_over_only_by_force(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=2))
        await run(folder)
        found["a"].changed("deployments", "web", "default", "hpa", replicas=5)
        report = await run(folder)
        assert 'conflict with "hpa": .spec.replicas' in report.failures["a"]
        assert "--force-conflicts" in report.failures["a"]
        assert found["a"].replicas() == {"web": 5}
        assert (await run(folder, force_conflicts=True)).failures == {}
        assert found["a"].replicas() == {"web": 2}


async def test_an_object_of_another_fleet_is_left_to_it(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment())
        await run(folder, name="other")
        report = await run(folder)
        assert "belongs to the fleet 'other'" in report.failures["a"]
        assert found["a"].deleted == []


async def test_a_role_that_lacks_a_rule_is_told_with_the_rule_and_the_others_are_done(tmp_path):
    async with members("a", "b", cpu="4") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=6))
        found["b"].faults.append(unto("PATCH", "deployments", answering(lambda: status(403, "Forbidden", "no"))))
        report = await run(folder)
        assert list(report.failures) == ["b"]
        assert 'resources: ["deployments"], verbs: ["patch"]' in report.failures["b"]
        assert found["a"].replicas()["web"] > 0


async def test_a_cluster_that_goes_down_half_way_keeps_what_it_has_and_holds_back_what_depends_on_it(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=3))
        await run(folder)
        assert found["a"].replicas() == {"web": 3}
        # It has to move, and its new home breaks off when it comes.
        found["b"].faults.extend(unto("PATCH", "deployments", dropping) for _ in range(60))
        write_fleet(folder, urls(found), a=9.0, b=0.01)
        report = await run(folder, rebalance=True)
        assert list(report.failures) == ["b"]
        assert found["a"].replicas() == {"web": 3}
        assert [one.action for one in report.objects if one.cluster == "a"] == ["left"]
        found["b"].faults.clear()
        found["b"].works = True
        again = await run(folder, rebalance=True)
        assert again.failures == {}
        assert found["b"].replicas() == {"web": 3}
        assert found["a"].replicas() == {}
        assert again.moved == ("Deployment default/web: a 3 -> b 3",)


def weighted(**weights: int) -> dict[str, Any]:
    """A policy that divides by weights."""
    listed = [{"targetCluster": {"clusterNames": [name]}, "weight": weight} for name, weight in weights.items()]
    scheduling = {
        "replicaSchedulingType": "Divided",
        "replicaDivisionPreference": "Weighted",
        "weightPreference": {"staticWeightList": listed},
    }
    selector = {"apiVersion": "apps/v1", "kind": "Deployment"}
    return {
        "apiVersion": "policy.karmada.io/v1alpha1",
        "kind": "PropagationPolicy",
        "metadata": {"name": "p", "namespace": "default"},
        "spec": {"resourceSelectors": [selector], "placement": {"replicaScheduling": scheduling}},
    }


async def test_a_share_does_not_shrink_before_the_others_have_grown(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=4), weighted(a=3, b=1))
        await run(folder)
        assert {name: one.replicas()["web"] for name, one in found.items()} == {"a": 3, "b": 1}
        write(folder, "web.json", deployment(replicas=4), weighted(a=1, b=3))
        found["b"].faults.append(unto("PATCH", "deployments", answering(lambda: status(403, "Forbidden", "no"))))
        report = await run(folder)
        assert {name: one.replicas()["web"] for name, one in found.items()} == {"a": 3, "b": 1}
        assert [one.reason for one in report.objects if one.action == "left"] == [
            "it stays until its workload is whole elsewhere"
        ]
        assert (await run(folder, grace=0.0)).failures == {}
        assert {name: one.replicas()["web"] for name, one in found.items()} == {"a": 1, "b": 3}


async def test_a_cluster_that_cannot_be_read_keeps_its_replicas_by_what_the_others_know(tmp_path):
    async with members("a", "b", cpu="4") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=6))
        await run(folder)
        before = {name: one.replicas() for name, one in found.items()}
        for one in ("a", "b"):
            found[one].node("m", cpu="64")
        found["b"].faults.extend(unto("GET", "/apis", dropping) for _ in range(60))
        report = await run(folder)
        assert list(report.failures) == ["b"]
        assert {name: one.replicas() for name, one in found.items()} == before
        assert found["b"].deleted == []


async def test_a_cluster_that_is_given_up_loses_its_replicas_and_gets_them_back_only_on_request(tmp_path):
    async with members("a", "b", cpu="8") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found), a=0.01, b=0.02)
        write(folder, "web.json", deployment(replicas=5))
        await run(folder)
        assert found["a"].replicas() == {"web": 5}
        found["a"].works = found["b"].works = True
        await run(folder, without=("cluster=a",))
        assert found["b"].replicas() == {"web": 5}
        assert decision(found["b"].found("deployments", "web")) == {
            "number": 2,
            "replicas": {"b": 5},
            "before": {"a": 5},
        }
        # It is back: what it has left goes, and nothing comes back by itself.
        await run(folder)
        assert (found["a"].replicas(), found["b"].replicas()) == ({}, {"web": 5})
        await run(folder, failback=True)
        assert (found["a"].replicas(), found["b"].replicas()) == ({"web": 5}, {})


async def test_replicas_that_move_stay_until_those_that_replace_them_are_ready(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=3))
        await run(folder)
        write_fleet(folder, urls(found), a=9.0, b=0.01)
        looks = 0

        async def starting(request):
            nonlocal looks
            live = found["b"].found("deployments", "web")
            if request.method == "GET" and live is not None:
                looks += 1
                assert found["a"].replicas() == {"web": 3}
                if looks == 4:
                    found["b"].create("deployments", {**live, "status": {"readyReplicas": 3}})

        found["b"].faults.append(unto("GET", "deployments/web", starting))
        report = await run(folder, rebalance=True)
        assert looks >= 4
        assert (found["a"].replicas(), found["b"].replicas()) == ({}, {"web": 3})
        assert not [note for note in report.notes if "not ready" in note]


async def test_replicas_leave_a_cluster_that_is_given_up_after_the_grace_period_in_any_case(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=3))
        await run(folder)
        clock = FakeTime()
        with capture_logs() as lines:
            report = await dispatched(Options((str(folder),), without=("cluster=a",), grace=60.0), clock.timing)
        assert [line["workloads"] for line in lines] == ["Deployment default/web"]
        assert 50 < sum(clock.pauses) < 70
        assert (found["a"].replicas(), found["b"].replicas()) == ({}, {"web": 3})
        assert [note for note in report.notes if "is not ready after 60 s" in note]


async def test_replicas_do_not_leave_a_cluster_that_works_for_one_where_they_do_not(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=3))
        await run(folder)
        write_fleet(folder, urls(found), a=9.0, b=0.01)
        report = await run(folder, rebalance=True, grace=60.0)
        assert (found["a"].replicas(), found["b"].replicas()) == ({"web": 3}, {"web": 3})
        assert "Deployment default/web is not ready after 60 s: it stays where it was as well" in report.failures["b"]
        assert [one.reason for one in report.objects if one.action == "left"] == [
            "it stays until what replaces it is ready"
        ]
        assert (await run(folder, grace=0.0)).failures == {}
        assert (found["a"].replicas(), found["b"].replicas()) == ({}, {"web": 3})


async def test_a_workload_without_a_place_takes_nothing_away(tmp_path):
    async with members("a", cpu="4") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=2), beside("ConfigMap", "c", data={}))
        await run(folder)
        write(folder, "web.json", deployment(replicas=200), beside("ConfigMap", "c", data={"k": "new"}))
        report = await run(folder)
        assert [one.workload for one in report.unplaced] == ["default/web"]
        assert (found["a"].found("configmaps", "c") or {})["data"] == {"k": "new"}
        assert found["a"].replicas() == {"web": 2}
        assert found["a"].deleted == []


async def test_a_job_that_is_divided_divides_its_completions(tmp_path):
    async with members("a", "b", cpu="4") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        template = deployment(cpu="1")["spec"]["template"]
        template["spec"]["restartPolicy"] = "Never"
        spec = {"parallelism": 6, "completions": 12, "template": template}
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "default"}, "spec": spec}
        write(folder, "job.json", job)
        report = await run(folder)
        specs = [(one.found("jobs", "j") or {})["spec"] for one in found.values()]
        assert report.failures == {}
        assert sum(one["parallelism"] for one in specs) == 6
        assert sum(one["completions"] for one in specs) == 12


async def test_an_older_version_of_a_kind_is_found_too(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        found["a"].resources.append(("autoscaling/v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", True))
        found["a"].older.add("autoscaling/v1")
        scaler = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}}
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
        write(folder, "web.json", deployment(), {**scaler, "spec": {"maxReplicas": 3, "scaleTargetRef": target}})
        report = await run(folder)
        assert report.failures == {}
        assert "HorizontalPodAutoscaler h" in found["a"].applied


async def test_a_kind_that_a_cluster_does_not_know_is_told_and_the_rest_is_done(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}}
        write(folder, "web.json", deployment(), widget)
        report = await run(folder)
        assert report.failures == {"a": "Widget w: the cluster knows no Widget of example.com/v1"}
        assert found["a"].replicas() == {"web": 3}


async def test_what_a_dump_holds_of_its_server_is_left_out(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        dumped = deployment()
        dumped["metadata"] |= {"uid": "x", "resourceVersion": "1", "managedFields": [], "generation": 4}
        dumped["status"] = {"readyReplicas": 3}
        write(folder, "web.json", dumped)
        sent: list[dict[str, Any]] = []

        async def keep(request):
            if request.method == "PATCH":
                sent.append(json.loads(await request.read()))

        found["a"].faults.append(keep)
        await run(folder)
        assert set(sent[0]["metadata"]) == {"name", "namespace", "labels", "annotations"}
        assert "status" not in sent[0]


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ([], "found no Cluster"),
        ([{"apiVersion": "yuheng.io/v1alpha1", "kind": "Cluster", "metadata": {"name": "a"}, "spec": {}}], "no Fleet"),
    ],
)
async def test_what_is_no_fleet_is_refused_in_a_line(tmp_path, objects, said):
    write(tmp_path, "x.json", *objects)
    with pytest.raises(YuhengError, match=said):
        await run(tmp_path)
