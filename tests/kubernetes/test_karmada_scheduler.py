"""Yuheng as a scheduler of Karmada: which bindings it decides on, how, and what it writes."""

from __future__ import annotations

import asyncio
import json

import pytest
from tests.kubernetes.made_api_server import FakeTime, access_to, answering, status, until, unto
from tests.kubernetes.made_karmada import APPLIED, DYNAMIC, ControlPlane, is_done, karmada, scheduling

from yuheng.kubernetes.api import Api, ServerError
from yuheng.kubernetes.dispatching.karmada.process import scheduled
from yuheng.kubernetes.dispatching.karmada.roll import Roll


async def test_a_binding_gets_its_clusters_by_their_room_and_says_so_as_karmadas_scheduler_does():
    async with karmada() as plane:
        plane.member("m1", cpu="10")
        plane.member("m2", cpu="30")
        plane.binding(replicas=8)
        async with scheduling(plane):
            await until(lambda: is_done(plane))
        assert plane.clusters_of() == {"m1": 2, "m2": 6}
        found = plane.bound()
        assert json.loads(found["metadata"]["annotations"][APPLIED]) == DYNAMIC
        condition = plane.condition()
        assert (condition["status"], condition["reason"]) == ("True", "Success")
        assert condition["message"] == "Binding has been scheduled successfully."
        assert found["status"]["lastScheduledTime"].endswith("Z")


async def test_bindings_of_other_schedulers_suspended_and_deleted_ones_are_left_alone():
    async with karmada() as plane:
        plane.member("m1")
        plane.binding("theirs", schedulerName="default-scheduler")
        plane.binding("nobodys", schedulerName="")
        plane.binding("suspended", suspension={"scheduling": True})
        plane.binding("ours")
        async with scheduling(plane):
            await until(lambda: is_done(plane, "ours"))
        assert [plane.clusters_of(name) for name in ("theirs", "nobodys", "suspended")] == [{}, {}, {}]


async def test_what_is_decided_stays_until_placement_or_replicas_change():
    async with karmada() as plane:
        plane.member("m1", cpu="10")
        plane.member("m2", cpu="30")
        plane.binding(replicas=8)
        async with scheduling(plane):
            await until(lambda: is_done(plane))
            writes = len(plane.asked("PATCH", "resourcebindings"))
            plane.member("m1", cpu="90")
            found = plane.bound()
            plane.create("resourcebindings", {**found, "metadata": {**found["metadata"], "labels": {"x": "y"}}}, "shop")
            await asyncio.sleep(0.05)
            assert len(plane.asked("PATCH", "resourcebindings")) == writes
            assert plane.clusters_of() == {"m1": 2, "m2": 6}
            found = plane.bound()
            spec, metadata = {**found["spec"], "replicas": 4}, {**found["metadata"], "generation": 7}
            plane.create("resourcebindings", {**found, "spec": spec, "metadata": metadata}, "shop")
            await until(lambda: sum(plane.clusters_of().values()) == 4 and is_done(plane))
            assert plane.clusters_of() == {"m1": 1, "m2": 3}


async def test_no_room_is_a_condition_and_takes_nothing_away_and_room_that_comes_is_used():
    async with karmada() as plane:
        plane.member("m1", cpu="2")
        plane.binding(replicas=4, clusters=[{"name": "m1", "replicas": 1}])
        lines: list[str] = []
        async with scheduling(plane, lines):
            await until(lambda: plane.condition().get("reason") == "Unschedulable")
            assert plane.condition()["status"] == "False"
            assert plane.clusters_of() == {"m1": 1}
            plane.member("m1", cpu="20")
            await until(lambda: is_done(plane))
            assert plane.clusters_of() == {"m1": 4}
            assert plane.condition()["status"] == "True"
        assert len(lines) == len(set(lines))


async def test_where_no_cluster_is_left_a_binding_loses_what_it_had():
    async with karmada() as plane:
        taint = {"key": "drained", "effect": "NoSchedule"}
        plane.member("m1", spec={"taints": [taint]})
        plane.binding(replicas=2)
        async with scheduling(plane):
            await until(lambda: plane.condition().get("reason") == "NoClusterFit")
        assert "0/1 clusters are available" in plane.condition()["message"]
        assert plane.clusters_of() == {}


async def test_what_goes_everywhere_goes_to_new_clusters_too():
    async with karmada() as plane:
        plane.member("m1")
        plane.binding("role", 0, namespace="", placement={"clusterAffinity": {}})
        async with scheduling(plane):
            await until(lambda: is_done(plane, "role", ""))
            assert plane.clusters_of("role", "") == {"m1": 0}
            plane.member("m2")
            await until(lambda: plane.clusters_of("role", "") == {"m1": 0, "m2": 0})


async def test_a_cluster_that_is_being_left_gets_nothing():
    async with karmada() as plane:
        plane.member("m1")
        plane.member("m2")
        task = {"fromCluster": "m1", "reason": "TaintUntolerated", "producer": "TaintManager"}
        plane.binding(replicas=3, gracefulEvictionTasks=[task])
        async with scheduling(plane):
            await until(lambda: is_done(plane))
        assert plane.clusters_of() == {"m2": 3}


async def test_a_rescheduling_that_was_asked_for_begins_anew():
    async with karmada() as plane:
        plane.member("m1", cpu="10")
        plane.member("m2", cpu="30")
        plane.binding(replicas=8)
        async with scheduling(plane):
            await until(lambda: is_done(plane))
            plane.member("m1", cpu="30")
            found = plane.bound()
            asked = {**found["spec"], "rescheduleTriggeredAt": "2099-01-01T00:00:00Z"}
            metadata = {**found["metadata"], "generation": 9}
            plane.create("resourcebindings", {**found, "spec": asked, "metadata": metadata}, "shop")
            await until(lambda: plane.clusters_of() != {"m1": 2, "m2": 6})


async def test_the_ordered_affinity_that_was_used_is_noted_down():
    async with karmada() as plane:
        plane.member("m1", cpu="1")
        plane.member("m2", cpu="30")
        terms = [{"affinityName": f"to-{name}", "clusterNames": [name]} for name in ("m1", "m2")]
        plane.binding(replicas=3, placement={**DYNAMIC, "clusterAffinities": terms})
        async with scheduling(plane):
            await until(lambda: is_done(plane))
        assert plane.clusters_of() == {"m2": 3}
        assert plane.bound()["status"]["schedulerObservingAffinityName"] == "to-m2"


async def test_a_write_that_comes_too_late_is_decided_on_again():
    async with karmada() as plane:
        plane.member("m1")
        plane.binding(replicas=3)

        def late():
            found = plane.bound()
            spec = {**found["spec"], "replicas": 2}
            plane.create("resourcebindings", {**found, "spec": spec}, "shop")
            return status(409, "Conflict", "the object has been modified")

        plane.faults.append(unto("PATCH", "resourcebindings", answering(late)))
        async with scheduling(plane):
            await until(lambda: is_done(plane))
        assert plane.clusters_of() == {"m1": 2}


async def test_a_placement_that_is_none_is_a_condition_and_the_others_are_decided_on():
    async with karmada() as plane:
        plane.member("m1")
        plane.binding("bad", placement={"spreadConstraints": [{"minGroups": 3, "maxGroups": 1}]})
        plane.binding("good", replicas=1)
        async with scheduling(plane):
            await until(lambda: is_done(plane, "good") and plane.condition("bad").get("reason") == "SchedulerError")
        assert "spec.placement" in plane.condition("bad")["message"]


async def test_what_is_no_karmada_is_refused_in_a_line():
    async with karmada() as plane:
        plane.resources = [one for one in plane.resources if "karmada" not in one[0]]
        async with Api(access_to(plane.url), timing=FakeTime().timing) as api:
            with pytest.raises(ServerError, match="expected the API server of a Karmada"):
                await scheduled(api, "yuheng", print, asyncio.Event())


def not_ready(plane: ControlPlane, name: str) -> None:
    """As Karmada tells it: the condition, and the taint that keeps newcomers away."""
    live = plane.found("clusters", name, "") or {}
    taint = {"key": "cluster.karmada.io/not-ready", "effect": "NoSchedule"}
    conditions = [{"type": "Ready", "status": "False"}]
    changed = {"spec": {**live["spec"], "taints": [taint]}, "status": {**live["status"], "conditions": conditions}}
    plane.create("clusters", {**live, **changed}, "")


async def test_a_cluster_that_is_not_ready_keeps_what_it_has_and_gets_nothing_new():
    async with karmada() as plane:
        plane.member("m1")
        plane.member("m2")
        plane.binding("everywhere", 2, placement={"clusterAffinity": {}})
        plane.binding("divided", 4)
        async with scheduling(plane):
            await until(lambda: is_done(plane, "everywhere") and is_done(plane, "divided"))
            not_ready(plane, "m1")
            plane.binding("new", 2)
            await until(lambda: is_done(plane, "new"))
            found = plane.bound("divided")
            spec, metadata = {**found["spec"], "replicas": 6}, {**found["metadata"], "generation": 7}
            plane.create("resourcebindings", {**found, "spec": spec, "metadata": metadata}, "shop")
            await until(lambda: is_done(plane, "divided"))
        assert plane.clusters_of("everywhere") == {"m1": 2, "m2": 2}
        assert plane.clusters_of("divided")["m1"] >= 2
        assert plane.clusters_of("new") == {"m2": 2}


async def test_a_cluster_that_cannot_be_read_loses_nothing():
    async with karmada() as plane:
        plane.member("m1")
        plane.member("m2")
        plane.binding("everywhere", 2, placement={"clusterAffinity": {}})
        lines: list[str] = []
        async with scheduling(plane, lines):
            await until(lambda: is_done(plane, "everywhere"))
            plane.member("m1", cpu="ten")
            # What is asked for meanwhile waits, and says why; after all has been listed anew, too.
            await until(lambda: any("cluster m1 cannot be read" in line for line in lines))
            assert plane.condition("everywhere")["status"] == "True"
            plane.compact()
            plane.close_watches()
            found = plane.bound("everywhere")
            spec, metadata = {**found["spec"], "replicas": 3}, {**found["metadata"], "generation": 7}
            plane.create("resourcebindings", {**found, "spec": spec, "metadata": metadata}, "shop")
            await until(lambda: plane.condition("everywhere")["status"] == "False")
            assert "m1 cannot be read" in plane.condition("everywhere")["message"]
            assert plane.clusters_of("everywhere") == {"m1": 2, "m2": 2}
            plane.member("m1")
            await until(lambda: plane.clusters_of("everywhere") == {"m1": 3, "m2": 3})


async def test_a_rescheduling_that_was_asked_for_by_a_clock_ahead_of_ours_is_done_once():
    async with karmada() as plane:
        plane.member("m1")
        plane.binding(rescheduleTriggeredAt="2099-01-01T00:00:00Z")
        async with scheduling(plane):
            await until(lambda: is_done(plane))
            await asyncio.sleep(0.1)
            assert len(plane.asked("PATCH", "resourcebindings")) == 2


async def test_conditions_that_others_write_meanwhile_are_kept():
    async with karmada() as plane:
        plane.member("m1")
        plane.binding()
        applied = {"type": "FullyApplied", "status": "True"}

        async def other(request):
            if request.method == "PATCH" and request.path.endswith("/status"):
                plane.faults.remove(other)
                live = plane.bound()
                conditions = [*live.get("status", {}).get("conditions", []), applied]
                plane.create("resourcebindings", {**live, "status": {"conditions": conditions}}, "shop")

        plane.faults.append(other)
        async with scheduling(plane):
            await until(lambda: is_done(plane))
        assert {one["type"] for one in plane.bound()["status"]["conditions"]} == {"Scheduled", "FullyApplied"}


async def test_a_binding_whose_status_was_not_written_any_more_is_completed_as_it_was_decided():
    async with karmada() as plane:
        plane.member("m1", cpu="30")
        plane.member("m2", cpu="10")
        plane.binding(replicas=8, clusters=[{"name": "m1", "replicas": 1}, {"name": "m2", "replicas": 7}])
        found = plane.bound()
        noted = {**found["metadata"], "annotations": {APPLIED: json.dumps(DYNAMIC)}}
        plane.create("resourcebindings", {**found, "metadata": noted}, "shop")
        async with scheduling(plane):
            await until(lambda: is_done(plane))
        assert plane.condition()["status"] == "True"
        assert plane.clusters_of() == {"m1": 1, "m2": 7}


async def test_when_it_is_told_to_stop_what_is_being_written_is_finished_and_no_more():
    async with karmada() as plane:
        plane.member("m1", cpu="1000")
        for number in range(50):
            plane.binding(f"web-{number:02}", 1)
        stop = asyncio.Event()

        async def told(request):
            if request.method == "PATCH":
                stop.set()

        plane.faults.append(told)
        async with Api(access_to(plane.url), timing=FakeTime().timing) as api:
            await scheduled(api, "yuheng", lambda _: None, stop)
        assert is_done(plane, "web-00")
        assert len(plane.asked("PATCH", "resourcebindings")) == 2


async def test_what_breaks_is_no_end(monkeypatch: pytest.MonkeyPatch):
    async def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Roll, "confirm", broken)
    async with karmada() as plane, Api(access_to(plane.url), timing=FakeTime().timing) as api:
        with pytest.raises(ZeroDivisionError):
            await scheduled(api, "yuheng", print, asyncio.Event())
