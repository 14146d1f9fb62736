"""What a dispatch must not do: take away what was only paused, half read or half known, or undo what others did."""

from __future__ import annotations

import asyncio
import copy
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.kubernetes.made_api_server import FakeTime, answering, dropping, status, until, unto
from tests.kubernetes.made_member import Member, beside, deployment, members, write, write_fleet
from tests.kubernetes.test_dispatch import decision, run, urls, weighted
from tests.kubernetes.test_dispatch_watch import keeping

from yuheng.errors import YuhengError
from yuheng.kubernetes.api import Patience
from yuheng.kubernetes.dispatching.process import Options, dispatched

SCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "h", "namespace": "default"},
    "spec": {"maxReplicas": 9, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
}
WIDGET = {
    "apiVersion": "example.com/v1",
    "kind": "Widget",
    "metadata": {"name": "w", "namespace": "data"},
    "spec": {"size": 1},
}


def knowing(member: Member, version: str, plural: str, kind: str) -> None:
    member.resources.append((version, plural, kind, True))
    member.served.add(plural)


def image(tag: str, **fields: Any) -> dict[str, Any]:
    made = deployment(**fields)
    made["spec"]["template"]["spec"]["containers"][0]["image"] = tag
    return made


def image_of(member: Member, name: str = "web") -> str:
    live = member.found("deployments", name) or {}
    return str(live["spec"]["template"]["spec"]["containers"][0]["image"])


async def test_a_workload_that_is_paused_stays_where_it_was_with_all_it_needs(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        service = beside("Service", "web", spec={"ports": [{"port": 80}]})
        write(folder, "web.json", deployment(replicas=4), service, weighted(a=1, b=1))
        await run(folder)
        write(folder, "web.json", deployment(replicas=0), service, weighted(a=1, b=1))
        report = await run(folder)
        assert report.failures == {}
        assert [one.replicas() for one in found.values()] == [{"web": 0}, {"web": 0}]
        assert [one.deleted for one in found.values()] == [[], []]
        write(folder, "web.json", deployment(replicas=4), service, weighted(a=1, b=1))
        await run(folder)
        assert [one.replicas() for one in found.values()] == [{"web": 2}, {"web": 2}]


async def test_a_workload_that_begins_paused_goes_nowhere_and_is_told(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=0))
        report = await run(folder)
        assert found["a"].applied == []
        assert [note for note in report.notes if "Deployment default/web goes nowhere: it asks for no replicas" in note]


async def test_what_only_a_cluster_that_does_not_answer_can_know_waits_instead_of_running_twice(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=2))
        await run(folder)
        assert found["a"].replicas() == {"web": 2}
        found["a"].faults.extend(dropping for _ in range(100_000))
        report = await run(folder)
        assert found["b"].replicas() == {}
        assert report.unplaced == ()
        waits = "Deployment default/web waits: a cannot be read, and it may have it; "
        assert report.notes == (f"{waits}--without cluster=a says that it runs nothing of it",)
        await run(folder, without=("cluster=a",))
        assert found["b"].replicas() == {"web": 2}


async def test_a_decision_that_came_in_between_is_not_overwritten(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=3))
        await run(folder)
        live = copy.deepcopy(found["a"].found("deployments", "web") or {})
        live["metadata"]["annotations"]["yuheng.io/decision"] = '{"number":7,"replicas":{"a":1,"b":2}}'

        async def other(request: web.Request) -> None:
            if request.method == "GET" and request.path.endswith("deployments/web"):
                found["a"].faults.remove(other)
                found["a"].create("deployments", live)

        found["a"].faults.append(other)
        write(folder, "web.json", deployment(replicas=4))
        report = await run(folder)
        assert "changed while this was planned" in report.failures["a"]
        assert decision(found["a"].found("deployments", "web"))["number"] == 7
        assert (await run(folder)).failures == {}


async def test_a_share_that_was_moved_in_between_is_not_made_again(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=3))
        await run(folder)

        async def other(request: web.Request) -> None:
            if request.method == "PATCH":
                found["a"].faults.remove(other)
                await run(folder, without=("cluster=a",))
                await run(folder)

        found["a"].faults.append(other)
        write(folder, "web.json", deployment(replicas=4))
        report = await run(folder)
        assert "409 Conflict" in report.failures["a"]
        assert (found["a"].replicas(), found["b"].replicas()) == ({}, {"web": 4})


async def test_what_another_fleet_took_over_in_between_is_not_pruned(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment("web"), deployment("old"))
        await run(folder)
        write(folder, "web.json", deployment("web"))
        live = copy.deepcopy(found["a"].found("deployments", "old") or {})
        live["metadata"]["annotations"]["yuheng.io/fleet"] = "other"

        async def other(request: web.Request) -> None:
            if request.method == "PATCH":
                found["a"].create("deployments", live)

        found["a"].faults.append(other)
        report = await run(folder)
        assert found["a"].deleted == []
        assert [one.reason for one in report.objects if one.key == "default/old"] == [
            "it was changed while this was planned"
        ]


async def test_what_another_dispatcher_of_the_fleet_decided_on_in_between_is_not_pruned(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment("web"), deployment("old"))
        await run(folder)
        write(folder, "web.json", deployment("web"))
        live = copy.deepcopy(found["a"].found("deployments", "old") or {})
        live["metadata"]["annotations"]["yuheng.io/decision"] = '{"number":9,"replicas":{"a":3}}'

        async def other(request: web.Request) -> None:
            if request.method == "PATCH":
                found["a"].create("deployments", live)

        found["a"].faults.append(other)
        report = await run(folder)
        assert found["a"].deleted == []
        reasons = [one.reason for one in report.objects if one.key == "default/old"]
        assert reasons == ["it was changed while this was planned"]


async def test_what_was_made_anew_before_it_is_deleted_is_left(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment("web"), deployment("old"))
        await run(folder)
        write(folder, "web.json", deployment("web"))
        found["a"].faults.append(unto("DELETE", "/old", answering(lambda: status(409, "Conflict", "the UID"))))
        report = await run(folder)
        assert [one.action for one in report.objects if one.key == "default/old"] == ["left"]


async def test_a_move_that_could_not_be_made_is_not_told_as_made(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=2))
        await run(folder)
        write_fleet(folder, urls(found), a=9.0, b=0.01)
        refused = answering(lambda: status(422, "Invalid", "spec.x: Forbidden: no"))
        found["b"].faults.append(unto("PATCH", "deployments", refused))
        report = await run(folder, rebalance=True)
        assert "422" in report.failures["b"]
        assert report.moved == ()
        assert report.shares == ()
        assert found["a"].replicas() == {"web": 2}


async def test_a_move_that_could_not_be_made_is_not_remembered(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=2), weighted(a=1))
        async with keeping(folder) as kept:
            refused = answering(lambda: status(422, "Invalid", "spec.x: Forbidden: no"))
            found["b"].faults.extend(unto("PATCH", "deployments", refused) for _ in range(500))
            write(folder, "web.json", deployment(replicas=2), weighted(b=1))
            await until(lambda: kept.said("b: Deployment default/web: 422 Invalid"), 30)
            assert kept.keeper._decisions["Deployment", "default/web"].replicas == {"a": 2}
            assert found["a"].replicas() == {"web": 2}


async def test_files_that_change_while_a_fleet_is_read_are_refused(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment())

        async def edit(_: web.Request) -> None:
            write(folder, "web.json", deployment("another", replicas=7))

        found["a"].faults.append(edit)
        with pytest.raises(YuhengError, match="files at rest"):
            await run(folder)
        assert found["a"].applied == []


async def test_one_kind_that_cannot_be_listed_does_not_hold_up_the_cluster(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        knowing(found["a"], "example.com/v1", "widgets", "Widget")
        broken = answering(lambda: status(500, "InternalError", "conversion webhook failed"))
        found["a"].faults.extend(unto("GET", "/widgets", broken) for _ in range(500))
        write(folder, "web.json", deployment())
        report = await run(folder)
        assert report.failures == {}
        assert found["a"].replicas() == {"web": 3}
        start = "a: not looked through for what is no longer wanted: widgets.example.com: "
        assert [note for note in report.notes if note.startswith(start) and "500 InternalError" in note]


async def test_workloads_that_cannot_be_listed_make_a_cluster_unreadable(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        broken = answering(lambda: status(500, "InternalError", "etcd"))
        found["a"].faults.extend(unto("GET", "/deployments?", broken) for _ in range(500))
        write(folder, "web.json", deployment())
        report = await run(folder)
        assert "500" in report.failures["a"]
        assert found["a"].applied == []


async def test_an_object_in_a_version_that_is_served_no_longer_is_told_and_not_pruned(tmp_path):
    async with members("a") as found:
        folder, here = write_fleet(tmp_path / "fleet", urls(found)), found["a"]
        for version in ("example.com/v1", "example.com/v2"):
            knowing(here, version, "widgets", "Widget")
        here.older.add("example.com/v1")
        here.create("namespaces", {"metadata": {"name": "data"}}, namespace="")
        policy = weighted(a=1)
        policy["metadata"]["namespace"] = "data"
        selector = {"apiVersion": "example.com/v1", "kind": "Widget"}
        policy["spec"] = {
            "resourceSelectors": [selector],
            "placement": {"clusterAffinity": {"clusterNames": ["a"]}},
        }
        write(folder, "web.json", deployment(), WIDGET, policy)
        assert (await run(folder)).failures == {}
        here.resources.remove(("example.com/v1", "widgets", "Widget", True))
        report = await run(folder)
        assert report.failures == {"a": "Widget data/w: the cluster knows no Widget of example.com/v1"}
        assert here.deleted == []


async def test_a_cluster_that_never_answers_does_not_hold_up_the_others_for_long(tmp_path, monkeypatch):
    monkeypatch.setattr("yuheng.kubernetes.dispatching.members.SECONDS", 0.2)
    monkeypatch.setattr("yuheng.kubernetes.dispatching.members.PATIENCE", Patience(total=0.0))
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=3))
        await run(folder)

        async def hanging(_: web.Request) -> web.Response:
            await asyncio.sleep(20)
            return web.Response()

        found["b"].faults.extend(hanging for _ in range(100))
        write(folder, "web.json", deployment(replicas=5))
        async with asyncio.timeout(10):
            report = await dispatched(Options((str(folder),)))
        assert "does not answer in time" in report.failures["b"]
        assert found["a"].replicas() == {"web": 5}
        for one in found.values():
            one.faults.clear()


async def test_an_object_on_its_way_out_is_told_instead_of_applied_to(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment())
        await run(folder)
        live = copy.deepcopy(found["a"].found("deployments", "web") or {})
        live["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        found["a"]._store("deployments", "default", "web", live)
        report = await run(folder)
        assert "it is being deleted" in report.failures["a"]


async def test_what_is_deleted_and_does_not_go_is_told_until_it_is_gone(tmp_path):
    async with members("a") as found:
        folder, here = write_fleet(tmp_path / "fleet", urls(found)), found["a"]
        write(folder, "web.json", deployment("web"), deployment("old"))
        await run(folder)
        live = copy.deepcopy(here.found("deployments", "old") or {})
        live["metadata"]["finalizers"] = ["example.com/slow"]
        here._store("deployments", "default", "old", live)
        write(folder, "web.json", deployment("web"))
        for _ in range(2):
            report = await run(folder)
            told = [(one.action, one.reason) for one in report.objects if one.key == "default/old"]
            assert told == [("left", "it is being deleted, and waits for its finalizers or for what it owns")]
        assert len(here.asked("DELETE", "deployments/old")) == 1
        here.delete("deployments", "old")
        assert not [one for one in (await run(folder)).objects if one.key == "default/old"]


async def test_what_is_gone_a_moment_after_it_is_deleted_is_told_as_gone(tmp_path):
    async with members("a") as found:
        folder, here = write_fleet(tmp_path / "fleet", urls(found)), found["a"]
        write(folder, "web.json", deployment("web"), deployment("old"))
        await run(folder)
        live = copy.deepcopy(here.found("deployments", "old") or {})
        live["metadata"]["finalizers"] = ["example.com/quick"]
        here._store("deployments", "default", "old", live)
        write(folder, "web.json", deployment("web"))

        async def quickly(_: web.Request) -> None:
            if "deletionTimestamp" in (here.found("deployments", "old") or {"metadata": {}})["metadata"]:
                here.delete("deployments", "old")

        here.faults.append(quickly)
        report = await run(folder)
        assert [one.action for one in report.objects if one.key == "default/old"] == ["prune"]


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        ([beside("ConfigMap", "c", data={"k": "1"}), beside("ConfigMap", "c", data={"k": "2"})], "a second ConfigMap"),
        ([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "c-"}}], "no metadata.name"),
    ],
)
async def test_what_cannot_be_applied_twice_the_same_is_refused(tmp_path, objects, said):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(), *objects)
        with pytest.raises(YuhengError, match=said):
            await run(folder)
        assert found["a"].applied == []


async def test_an_answer_of_something_else_than_an_api_server_ends_nothing(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment())
        page = answering(lambda: web.Response(text="<html>", content_type="text/html"))
        found["a"].faults.append(unto("GET", "/namespaces/kube-system", page))
        assert (await run(folder)).failures == {}


async def test_what_stays_in_a_cluster_that_left_the_fleet_is_told(tmp_path):
    async with members("a", "b", cpu="4") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=6))
        await run(folder)
        found["b"].node("m", cpu="64")
        write_fleet(folder, {"b": found["b"].url})
        report = await run(folder)
        assert [
            note for note in report.notes if "cluster a is not in the fleet any more: 4 replicas stay there" in note
        ]


async def test_a_cluster_that_has_another_name_now_has_left_nothing_behind(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=2))
        await run(folder)
        write_fleet(folder, {"eu": found["a"].url})
        report = await run(folder)
        assert (report.failures, report.notes) == ({}, ())
        assert decision(found["a"].found("deployments", "web"))["replicas"] == {"eu": 2}


async def test_when_nobody_answers_the_reasons_are_all_that_is_told(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment())
        for one in found.values():
            one.faults.extend(dropping for _ in range(1000))
        report = await run(folder)
        assert sorted(report.failures) == ["a", "b"]
        assert (report.notes, report.unplaced, report.objects) == ((), (), ())


async def test_what_a_plan_assumes_of_prices_and_carbon_is_not_told_at_each_dispatch(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment())
        for _ in range(2):
            assert (await run(folder)).notes == ()


class Writing(FakeTime):
    """A clock by which somebody writes a little more of a file each second that the files are looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self.path = Path()

    async def sleep(self, seconds: float) -> None:
        if self.parts and seconds == 1.0:
            with self.path.open("a") as stream:
                stream.write(self.parts.pop(0))
        await super().sleep(seconds)


async def test_a_file_that_is_written_half_is_not_read_until_it_is_whole(tmp_path, monkeypatch):
    monkeypatch.setattr("tests.kubernetes.test_dispatch_watch.FakeTime", Writing)
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        names = ("one", "two", "three", "four")
        whole = [json.dumps(deployment(name)) + "\n---\n" for name in names]
        path = folder / "w.yaml"
        path.write_text("".join(whole), encoding="utf-8")
        async with keeping(folder) as kept:
            assert isinstance(kept.clock, Writing)
            changed = [json.dumps(image("i:2", name=name)) + "\n---\n" for name in names]
            path.write_text(changed[0], encoding="utf-8")
            kept.clock.path, kept.clock.parts = path, changed[1:]
            await until(lambda: image_of(found["a"], "four") == "i:2", 30)
            assert found["a"].deleted == []


async def test_a_folder_without_its_manifests_takes_nothing_away_by_itself(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment())
        async with keeping(folder, every=20.0) as kept:
            first = kept.keeper.report
            (folder / "web.json").unlink()
            await until(lambda: kept.keeper.report is not first, 30)
            await until(lambda: kept.keeper.report is not None and kept.keeper.report.objects != (), 30)
            assert found["a"].deleted == []
            assert kept.keeper.report is not None
            reasons = {one.reason for one in kept.keeper.report.objects if one.kind == "Deployment"}
            assert all(one.startswith("the folder holds nothing that could run") for one in reasons)
            assert reasons
        assert (await run(folder)).failures == {}
        assert found["a"].deleted == ["deployments web"]


async def test_files_that_a_repository_keeps_for_itself_are_no_change(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment())
        async with keeping(folder) as kept:
            (folder / ".git").mkdir()
            (folder / ".git" / "index").write_text("x", encoding="utf-8")
            started = kept.clock.seconds
            await until(lambda: kept.clock.seconds > started + 20, 30)
            assert not kept.said("the folder has changed")
