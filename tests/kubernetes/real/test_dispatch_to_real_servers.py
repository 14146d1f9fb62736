"""A fleet of two real API servers: what is applied to them is what they keep, and what they say is understood."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kubernetes.made_member import beside, deployment, ours, write
from tests.kubernetes.real.real_server import RealServer, what_is_missing

from yuheng.kubernetes.api import Api
from yuheng.kubernetes.dispatching import applying
from yuheng.kubernetes.dispatching.process import Options, dispatched
from yuheng.model.dispatch import DispatchReport

pytestmark = pytest.mark.skipif(bool(what_is_missing()), reason=what_is_missing())


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, RealServer]]:
    root = tmp_path_factory.mktemp("servers")
    with RealServer(root / "a") as a, RealServer(root / "b") as b:
        for one in (a, b):
            amounts = {"cpu": "4", "memory": "16Gi", "pods": "110"}
            conditions = [{"type": "Ready", "status": "True"}]
            node_status = {"allocatable": amounts, "capacity": amounts, "conditions": conditions}
            one.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": node_status})
        yield {"a": a, "b": b}


@pytest.fixture
def folder(servers: dict[str, RealServer], tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "fleet"
    made.mkdir()
    clusters = []
    for number, (name, one) in enumerate(servers.items()):
        rates = {"cpu": 0.01 * (number + 1), "memory": 0.001}
        spec = {"context": "real", "kubeconfig": str(one.kubeconfig), "region": f"r{number}", "rates": rates}
        clusters.append(ours("Cluster", name, spec))
    write(made, "fleet.json", ours("Fleet", tmp_path.name.replace("_", "-"), {}), *clusters)
    yield made
    # What one test leaves takes the room of the next.
    for path in made.iterdir():
        if path.name != "fleet.json":
            path.unlink()
    run(made)


def run(folder: Path, **options: Any) -> DispatchReport:
    return asyncio.run(dispatched(Options((str(folder),), **options)))


def replicas(one: RealServer, name: str) -> int | None:
    found = {each["metadata"]["name"]: each["spec"]["replicas"] for each in one.objects("deployments")}
    return found.get(name)


def acts(report: DispatchReport) -> set[str]:
    return {one.action for one in report.objects}


def test_a_fleet_is_applied_kept_tried_and_pruned(servers, folder):
    namespace = beside("Namespace", "first", "")
    config = beside("ConfigMap", "c", "first", data={"k": "v"})
    secret = beside("Secret", "s", "first", data={"password": "aHVudGVyMg=="})
    write(folder, "web.json", deployment("web", 6, namespace="first"), config, secret, namespace)
    tried = run(folder, dry_run=True)
    assert (tried.failures, acts(tried)) == ({}, {"create"})
    assert [replicas(one, "web") for one in servers.values()] == [None, None]

    report = run(folder)
    assert report.failures == {}
    shares = {name: replicas(one, "web") for name, one in servers.items()}
    assert sum(count or 0 for count in shares.values()) == 6
    assert all(shares.values())
    again = run(folder)
    assert (again.failures, acts(again)) == ({}, {"unchanged"})

    changed = deployment("web", 6, namespace="first")
    changed["spec"]["template"]["spec"]["containers"][0]["image"] = "i:2"
    write(folder, "web.json", changed, {**secret, "data": {"password": "aHVudGVyMw=="}}, namespace)
    tried = run(folder, dry_run=True)
    told = {(one.kind, one.action): one.fields for one in tried.objects}
    assert told["Deployment", "change"] == ("spec.template.spec.containers[c].image",)
    assert told["Secret", "change"] == ("data",)
    assert ("ConfigMap", "prune") in told
    assert run(folder).failures == {}
    assert all(
        not [one for one in server.objects("configmaps") if one["metadata"]["name"] == "c"]
        for server in servers.values()
    )

    write(folder, "web.json")
    gone = run(folder)
    assert {one.kind for one in gone.objects if one.action == "prune"} == {"Deployment", "Secret"}
    assert {one.kind for one in gone.objects if one.action == "left"} == {"Namespace"}
    assert [replicas(one, "web") for one in servers.values()] == [None, None]


def test_what_somebody_else_set_is_a_conflict_that_names_them(servers, folder):
    write(folder, "web.json", deployment("scaled", 2))
    assert run(folder).failures == {}
    servers["a"].kubectl("scale", "deployment", "scaled", "--replicas", "5")
    report = run(folder)
    assert "kubectl" in report.failures["a"]
    assert ".spec.replicas" in report.failures["a"]
    assert replicas(servers["a"], "scaled") == 5
    assert run(folder, force_conflicts=True).failures == {}
    assert replicas(servers["a"], "scaled") == 2


def test_replicas_that_are_set_where_a_workload_runs_are_kept_and_the_rest_is_applied(servers, folder):
    made = deployment("retained", 2)
    retained = {"resourcetemplate.karmada.io/retain-replicas": "true"}
    made["metadata"]["labels"] = {**made["metadata"]["labels"], **retained}
    write(folder, "web.json", made)
    assert run(folder).failures == {}
    for count in (5, 1):
        servers["a"].kubectl("scale", "deployment", "retained", "--replicas", str(count))
        made["metadata"]["labels"]["count"] = str(count)
        write(folder, "web.json", made)
        assert run(folder).failures == {}
        assert replicas(servers["a"], "retained") == count
    found = {one["metadata"]["name"]: one for one in servers["a"].objects("deployments")}
    assert found["retained"]["metadata"]["labels"]["count"] == "1"


def test_a_paused_workload_stays_with_what_it_needs(servers, folder):
    config = beside("ConfigMap", "paused", data={"k": "v"})
    write(folder, "web.json", deployment("paused", 2), config)
    assert run(folder).failures == {}
    write(folder, "web.json", deployment("paused", 0), config)
    report = run(folder)
    assert (report.failures, acts(report)) == ({}, {"change", "unchanged"})
    assert replicas(servers["a"], "paused") == 0


def test_a_share_that_is_gone_by_the_time_it_is_applied_is_not_made_again(servers, folder, monkeypatch):
    write(folder, "web.json", deployment("moved", 1))
    assert run(folder).failures == {}
    found = applying._found

    async def found_and_gone(api: Api, path: str) -> bytes | None:
        live = await found(api, path)
        if path.endswith("/deployments/moved"):
            servers["a"].kubectl("delete", "deployment", "moved")
        return live

    monkeypatch.setattr(applying, "_found", found_and_gone)
    write(folder, "web.json", deployment("moved", 2))
    assert "409 Conflict" in run(folder).failures["a"]
    assert replicas(servers["a"], "moved") is None


def test_what_is_being_deleted_is_told(servers, folder):
    made = beside("ConfigMap", "held", data={"k": "v"})
    made["metadata"]["finalizers"] = ["example.com/held"]
    write(folder, "web.json", deployment("near", 1), made)
    assert run(folder).failures == {}
    servers["a"].kubectl("delete", "configmap", "held", "--wait=false")
    assert "it is being deleted" in run(folder).failures["a"]
    servers["a"].kubectl("patch", "configmap", "held", "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    assert run(folder).failures == {}


def test_a_kind_is_defined_and_used_in_one_go(servers, folder):
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "names": {"plural": "widgets", "kind": "Widget"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 1}}
    write(folder, "web.json", deployment("user", 1), definition, widget)
    tried = run(folder, dry_run=True)
    assert (tried.failures, acts(tried)) == ({}, {"create"})
    assert run(folder).failures == {}
    assert [one["metadata"]["name"] for one in servers["a"].objects("widgets")] == ["w"]
    write(folder, "web.json", deployment("user", 1), definition)
    assert "Widget" in {one.kind for one in run(folder).objects if one.action == "prune"}


def test_what_a_server_does_not_take_is_told_without_what_it_quotes(folder):
    wrong = deployment("wrong", 1)
    wrong["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "TOKEN", "value": 8675309}]
    write(folder, "web.json", wrong)
    report = run(folder)
    text = json.dumps(report.to_dict())
    assert "TOKEN" in report.failures["a"]
    assert "8675309" not in text


def test_what_cannot_be_changed_is_told_without_what_it_holds(folder):
    template = deployment("job", 1)["spec"]["template"]
    template["spec"]["restartPolicy"] = "Never"
    container = template["spec"]["containers"][0]
    spec = {"parallelism": 1, "completions": 1, "template": template}
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job", "namespace": "default"}, "spec": spec}
    container["env"] = [{"name": "TOKEN", "value": "planted words"}]
    write(folder, "job.json", job)
    assert run(folder).failures == {}
    container["env"] = [{"name": "TOKEN", "value": "other planted words"}]
    write(folder, "job.json", job)
    report = run(folder)
    assert "spec.template" in str(report.failures)
    assert "planted" not in json.dumps(report.to_dict())


def test_a_field_that_nobody_defines_is_refused(folder):
    wrong = deployment("typo", 1)
    wrong["spec"]["replcias"] = 3
    write(folder, "web.json", wrong)
    assert "replcias" in run(folder).failures["a"]


def test_a_server_that_is_gone_keeps_what_it_has_and_the_other_is_done(servers, folder):
    write(folder, "web.json", deployment("both", 6))
    run(folder)
    shares = {name: replicas(one, "both") for name, one in servers.items()}
    servers["b"].stop()
    try:
        changed = deployment("both", 6)
        changed["metadata"]["labels"] = {**changed["metadata"]["labels"], "new": "yes"}
        write(folder, "web.json", changed)
        report = run(folder)
        assert list(report.failures) == ["b"]
        assert replicas(servers["a"], "both") == shares["a"]
    finally:
        servers["b"].start()
    assert run(folder).failures == {}
    assert {name: replicas(one, "both") for name, one in servers.items()} == shares


def test_a_workload_whose_replicas_others_set_is_paused_and_begins_anew(servers, folder):
    made = deployment("resting", 2)
    made["metadata"]["labels"] |= {"resourcetemplate.karmada.io/retain-replicas": "true"}
    write(folder, "web.json", made)
    assert run(folder).failures == {}
    servers["a"].kubectl("scale", "deployment", "resting", "--replicas", "5")
    for wanted in (0, 0, 2):
        made["spec"]["replicas"] = wanted
        write(folder, "web.json", made)
        assert run(folder).failures == {}
        assert replicas(servers["a"], "resting") == wanted
    servers["a"].kubectl("scale", "deployment", "resting", "--replicas", "0")
    assert run(folder).failures == {}
    assert replicas(servers["a"], "resting") == 0


def test_what_waits_for_its_finalizers_is_told_until_it_is_gone(servers, folder):
    write(folder, "web.json", deployment("stays", 1))
    assert run(folder).failures == {}
    patch = ("patch", "deployment", "stays", "--type", "merge", "-p")
    servers["a"].kubectl(*patch, '{"metadata":{"finalizers":["example.com/slow"]}}')
    write(folder, "web.json")
    for _ in range(2):
        told = {(one.kind, one.action): one.reason for one in run(folder).objects}
        assert told["Deployment", "left"].startswith("it is being deleted, and waits for its finalizers")
    write(folder, "web.json", deployment("stays", 1))
    report = run(folder)
    assert "it is being deleted" in report.failures["a"]
    assert replicas(servers["b"], "stays") is None
    servers["a"].kubectl(*patch, '{"metadata":{"finalizers":null}}')
    assert run(folder).failures == {}


def test_a_fleet_that_was_renamed_waits_and_is_taken_over(servers, folder):
    job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "mends", "namespace": "default"}}
    template = deployment()["spec"]["template"]
    template["spec"]["restartPolicy"] = "Never"
    write(folder, "job.json", {**job, "spec": {"ttlSecondsAfterFinished": 5, "template": template}})
    assert run(folder).failures == {}
    found = [one for one in servers["a"].objects("jobs") if one["metadata"]["name"] == "mends"]
    assert "ttlSecondsAfterFinished" not in found[0]["spec"]
    name = f"{folder.parent.name.replace('_', '-')}-anew"
    assert "would run twice" in run(folder, name=name, without=("cluster=b",)).failures["a"]
    assert "would run twice" in run(folder, name=name, rebalance=True).failures["a"]
    assert run(folder, name=name, force_conflicts=True).failures == {}
    (folder / "job.json").unlink()
    gone = run(folder, name=name)
    assert [(one.cluster, one.kind, one.action) for one in gone.objects] == [("a", "Job", "prune")]
