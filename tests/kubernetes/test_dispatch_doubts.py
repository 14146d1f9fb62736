"""What is not known is not nothing: a cluster that does not tell what it has gets its share nowhere else."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import web
from tests.kubernetes.made_api_server import Answer, answering, dropping, status
from tests.kubernetes.made_member import Member, beside, deployment, members, write, write_fleet
from tests.kubernetes.test_dispatch import decision, run, urls

TEMPLATE = {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}}
JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"template": TEMPLATE},
}
VOLCANO = {
    "apiVersion": "batch.volcano.sh/v1alpha1",
    "kind": "Job",
    "metadata": {"name": "web", "namespace": "default"},
    "spec": {"minAvailable": 1, "tasks": [{"name": "t", "replicas": 2, "template": TEMPLATE}]},
}
WRITTEN = {"apps/v1": deployment(replicas=2), "batch/v1": JOB, "batch.volcano.sh/v1alpha1": VOLCANO}
PLURALS = {"apps/v1": "deployments", "batch/v1": "jobs", "batch.volcano.sh/v1alpha1": "jobs"}


def with_volcano(member: Member) -> None:
    """It knows the Jobs of Volcano, and none of batch."""
    member.resources = [one for one in member.resources if one[:2] != ("batch/v1", "jobs")]
    member.resources.append(("batch.volcano.sh/v1alpha1", "jobs", "Job", True))
    member.absent.add("/apis/batch/v1/jobs")


def only(path: Callable[[str], bool], fault: Answer) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse | None:
        is_meant = request.method == "GET" and path(request.path) and "watch" not in request.query
        return await fault(request) if is_meant else None

    return answer


def always(member: Member, path: Callable[[str], bool], fault: Answer) -> None:
    member.faults.extend(only(path, fault) for _ in range(300))


def saying(code: int) -> Answer:
    return answering(lambda: status(code, "Because", "no"))


def text(said: str) -> Answer:
    return answering(lambda: web.Response(text=said, content_type="application/json"))


class Way(NamedTuple):
    """A way not to know: where it strikes, and how."""

    where: str
    fault: Answer

    def strike(self, member: Member, version: str) -> None:
        paths = {
            "list": f"/apis/{version}/{PLURALS[version]}",
            "version": f"/apis/{version}",
            "groups": "/apis",
        }
        if self.where == "short":
            member.older.add(version)
        always(member, lambda path: path == paths.get(self.where, f"/apis/{version}"), self.fault)


WAYS = {
    **{f"list {code}": Way("list", saying(code)) for code in (403, 404, 405, 410, 429, 500, 503)},
    "list of no JSON": Way("list", text("<html>")),
    "list of no objects": Way("list", text('{"kind":"List","items":[7]}')),
    "list dropped": Way("list", dropping),
    **{f"version {code}": Way("version", saying(code)) for code in (403, 429, 500, 503)},
    "version of no JSON": Way("version", text("<html>")),
    "version of nothing": Way("version", text("{}")),
    "version dropped": Way("version", dropping),
    **{f"groups {code}": Way("groups", saying(code)) for code in (401, 403, 404, 500)},
    "groups of no JSON": Way("groups", text("<html>")),
    "groups of nothing": Way("groups", text("{}")),
    "a group that is not told of": Way("short", saying(503)),
}


async def placed(folder: Path, found: dict[str, Member], version: str) -> None:
    """The workload is in a, although b is cheaper."""
    if version.startswith("batch.volcano"):
        for one in found.values():
            with_volcano(one)
    write(folder, "web.json", WRITTEN[version], beside("ConfigMap", "c", data={}))
    await run(folder, without=("cluster=b",))
    assert found["a"].found(PLURALS[version], "web")
    assert not found["b"].applied


@pytest.mark.parametrize("version", WRITTEN)
@pytest.mark.parametrize("way", WAYS)
async def test_what_a_cluster_does_not_tell_is_made_nowhere_else_and_is_told(tmp_path, version, way):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found), a=0.02, b=0.01)
        await placed(folder, found, version)
        WAYS[way].strike(found["a"], version)
        report = await run(folder)
        assert list(report.failures) == ["a"]
        assert found["b"].applied == []
        assert (found["a"].deleted, found["b"].deleted) == ([], [])
        waits = [note for note in report.notes if "default/web waits: a " in note]
        assert waits
        assert waits[0].endswith("--without cluster=a says that it runs nothing of it")


async def test_a_group_that_is_not_told_of_and_is_there_is_looked_through(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found), a=0.02, b=0.01)
        await placed(folder, found, "batch.volcano.sh/v1alpha1")
        found["a"].older.add("batch.volcano.sh/v1alpha1")
        report = await run(folder)
        assert report.failures == {}
        assert found["b"].applied == []
        assert [(one.cluster, one.action) for one in report.objects if one.kind == "Job"] == [("a", "unchanged")]


async def test_a_kind_that_is_served_in_another_version_only_is_still_known(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found), a=0.02, b=0.01)
        await placed(folder, found, "batch.volcano.sh/v1alpha1")
        found["a"].resources.remove(("batch.volcano.sh/v1alpha1", "jobs", "Job", True))
        found["a"].resources.append(("batch.volcano.sh/v1", "jobs", "Job", True))
        report = await run(folder)
        assert "knows no Job of batch.volcano.sh/v1alpha1" in report.failures["a"]
        assert (found["b"].applied, found["a"].deleted) == ([], [])


async def test_replicas_that_are_added_wait_too(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found), a=0.02, b=0.01)
        await placed(folder, found, "apps/v1")
        WAYS["version 503"].strike(found["a"], "apps/v1")
        write(folder, "web.json", deployment(replicas=6))
        await run(folder)
        assert found["b"].applied == []


async def test_kinds_that_the_folder_has_no_workload_of_keep_nothing_waiting(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        always(found["a"], lambda path: path == "/apis/batch/v1", saying(503))
        always(found["a"], lambda path: path == "/api/v1/secrets", saying(403))
        write(folder, "web.json", deployment())
        report = await run(folder)
        assert report.failures == {}
        assert found["a"].replicas() == {"web": 3}
        start = "a: not looked through for what is no longer wanted: "
        assert f"{start}secrets: no role allows to list them" in report.notes
        assert [note for note in report.notes if note.startswith(f"{start}kinds of batch: ") and "503" in note]


async def test_what_a_kind_has_that_is_not_told_of_is_not_pruned_and_goes_when_it_is(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment("web"), deployment("old"))
        await run(folder)
        write(folder, "web.json", deployment("web"))
        WAYS["list 403"].strike(found["a"], "apps/v1")
        report = await run(folder)
        assert 'resources: ["deployments"], verbs: ["list"]' in report.failures["a"]
        assert found["a"].deleted == []
        found["a"].faults.clear()
        assert (await run(folder)).failures == {}
        assert found["a"].deleted == ["deployments old"]


async def test_a_kind_that_only_an_older_version_has_is_looked_through(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        found["a"].resources += [
            ("example.com/v1", "gadgets", "Gadget", True),
            ("example.com/v1beta1", "widgets", "Widget", True),
        ]
        found["a"].served |= {"gadgets", "widgets"}
        widget = {"apiVersion": "example.com/v1beta1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"x": 1}}
        write(folder, "web.json", deployment(), widget)
        await run(folder)
        write(folder, "web.json", deployment())
        await run(folder)
        assert found["a"].deleted == ["widgets w"]


async def test_a_workload_on_its_way_out_counts_as_there_until_it_is_gone(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found), a=0.02, b=0.01)
        await placed(folder, found, "apps/v1")
        live = copy.deepcopy(found["a"].found("deployments", "web") or {})
        live["metadata"] |= {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["foregroundDeletion"]}
        found["a"]._store("deployments", "default", "web", live)
        report = await run(folder)
        assert "it is being deleted" in report.failures["a"]
        assert found["b"].applied == []
        found["a"].delete("deployments", "web")
        assert (await run(folder)).failures == {}


@pytest.mark.parametrize("version", WRITTEN)
async def test_a_fleet_that_was_renamed_is_told_and_not_doubled_and_can_be_taken_over(tmp_path, version):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found), a=0.02, b=0.01)
        await placed(folder, found, version)
        report = await run(folder, name="store")
        assert "default/web: it belongs to the fleet 'shop', and would run twice: " in report.failures["a"]
        assert "--force-conflicts takes it over" in report.failures["a"]
        assert found["b"].applied == []
        assert (await run(folder, name="store", force_conflicts=True)).failures == {}
        assert found["b"].applied == []
        taken = found["a"].found(PLURALS[version], "web")
        assert decision(taken)["replicas"].keys() == {"a"}
        assert (taken or {})["metadata"]["annotations"]["yuheng.io/fleet"] == "store"
        report = await run(folder, name="store")
        assert report.failures == {}


async def test_a_workload_of_this_name_that_another_fleet_has_elsewhere_is_no_ones_business(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found), a=0.02, b=0.01)
        await placed(folder, found, "apps/v1")
        live = copy.deepcopy(found["a"].found("deployments", "web") or {})
        live["metadata"]["annotations"]["yuheng.io/fleet"] = "other"
        live["metadata"]["annotations"]["yuheng.io/decision"] = json.dumps({"number": 9, "replicas": {"b": 1}})
        found["b"].create("deployments", live)
        report = await run(folder)
        assert report.failures == {}
        assert found["a"].replicas() == {"web": 2}
        assert decision(found["b"].found("deployments", "web"))["number"] == 9
