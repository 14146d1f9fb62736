"""What is not known of Karmada's clusters takes nothing from a binding."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.kubernetes.made_api_server import FakeTime, until
from tests.kubernetes.made_karmada import ControlPlane, is_done, karmada, scheduling

BOTH = {"clusterAffinity": {"clusterNames": ["m1", "m2"]}}
HAS = {"dup": {"m1": 2, "m2": 2}, "cm": {"m1": 0, "m2": 0}, "div": {"m1": 2, "m2": 2}}


@asynccontextmanager
async def placed() -> AsyncIterator[ControlPlane]:
    """Two clusters, and bindings of each sort that have both."""
    async with karmada() as plane:
        plane.member("m1")
        plane.member("m2")
        plane.binding("dup", 2, placement=BOTH)
        plane.binding("cm", 0, placement=BOTH)
        plane.binding("div", 4)
        async with scheduling(plane):
            await until(lambda: all(is_done(plane, name) for name in HAS))
        assert held(plane) == HAS
        plane.close_watches()
        await until(lambda: not plane.watchers)
        yield plane


def held(plane: ControlPlane) -> dict[str, dict[str, int]]:
    return {name: plane.clusters_of(name) for name in HAS}


def lists(plane: ControlPlane) -> int:
    return len([url for url in plane.asked("GET", "/clusters?") if "watch=1" not in url])


async def relisted(plane: ControlPlane, times: int = 1) -> None:
    """Everybody lists anew, and what comes of it is done."""
    before = lists(plane)
    plane.forget()
    await until(lambda: lists(plane) >= before + times)
    await asyncio.sleep(0.05)


async def test_a_kind_that_is_not_served_for_a_moment_takes_nothing():
    async with placed() as plane, scheduling(plane):
        await plane.watched(3)
        plane.knows_clusters = False
        await relisted(plane, 2)
        assert held(plane) == HAS
        assert {plane.condition(name)["status"] for name in HAS} == {"True"}
        plane.asks("dup", replicas=3)
        await until(lambda: plane.condition("dup")["status"] == "False")
        assert (plane.clusters_of("dup"), plane.condition("dup")["reason"]) == (HAS["dup"], "SchedulerError")
        assert "no clusters available to schedule" in plane.condition("dup")["message"]
        plane.knows_clusters = True
        await until(lambda: plane.clusters_of("dup") == {"m1": 3, "m2": 3} and is_done(plane, "dup"))
    assert held(plane) == {**HAS, "dup": {"m1": 3, "m2": 3}}


@pytest.mark.parametrize("hidden", [("m1", "m2"), ("m2",)])
@pytest.mark.parametrize("name", ["dup", "cm", "div"])
async def test_a_list_at_the_start_that_lacks_a_cluster_takes_nothing(hidden: tuple[str, ...], name: str):
    async with placed() as plane:
        plane.hidden.update(hidden)
        plane.asks(name, replicas=3 if name != "cm" else 0)
        async with scheduling(plane):
            await until(lambda: plane.condition(name)["status"] == "False")
            assert held(plane) == HAS
            assert plane.condition(name)["reason"] == "SchedulerError"
            plane.hidden.clear()
            plane.forget()
            await until(lambda: is_done(plane, name) and plane.condition(name)["status"] == "True")
        assert set(plane.clusters_of(name)) <= {"m1", "m2"}


async def test_a_list_that_lacks_a_cluster_which_nobody_saw_deleted_takes_nothing_and_gives_nothing():
    async with placed() as plane, scheduling(plane):
        await plane.watched(3)
        plane.hidden.add("m2")
        await relisted(plane)
        plane.binding("new", 2)
        plane.asks("dup", replicas=3)
        await until(lambda: is_done(plane, "new") and plane.condition("dup")["status"] == "False")
        assert held(plane) == HAS
        assert plane.clusters_of("new") == {"m1": 2}
        assert "cluster m2 is not in the list, and was not seen to be deleted" in plane.condition("dup")["message"]
        plane.hidden.clear()
        await relisted(plane)
        await until(lambda: plane.clusters_of("dup") == {"m1": 3, "m2": 3})


async def test_a_cluster_that_was_seen_to_be_deleted_and_is_in_no_later_list_is_left():
    async with placed() as plane, scheduling(plane):
        await plane.watched(3)
        plane.delete("clusters", "m2", "")
        await until(lambda: plane.clusters_of("dup") == {"m1": 2} and plane.clusters_of("cm") == {"m1": 0})
        await until(lambda: is_done(plane, "dup"))
    # What is divided stays where it is until it is due, as ever.
    assert plane.clusters_of("div") == HAS["div"]


async def test_a_deletion_that_no_list_confirms_takes_nothing():
    async with placed() as plane, scheduling(plane):
        await plane.watched(3)
        cluster = plane.found("clusters", "m2", "")
        before = lists(plane)
        plane.knows_clusters = False
        plane.delete("clusters", "m2", "")
        await until(lambda: lists(plane) > before + 2)
        assert held(plane) == HAS
        plane.knows_clusters = True
        plane.create("clusters", cluster, "")
        await relisted(plane)
        assert held(plane) == HAS
        # It is there again: that deletion confirms nothing any more.
        plane.hidden.add("m2")
        await relisted(plane)
        plane.asks("dup", replicas=3)
        await until(lambda: plane.condition("dup")["status"] == "False")
        assert held(plane) == HAS


async def test_a_list_that_names_nobody_confirms_no_deletion():
    async with placed() as plane, scheduling(plane):
        await plane.watched(3)
        before = lists(plane)
        plane.hidden.add("m1")
        plane.delete("clusters", "m2", "")
        await until(lambda: lists(plane) > before + 2)
        assert held(plane) == HAS


async def test_an_event_that_the_list_gives_the_lie_to_takes_nothing():
    async with placed() as plane, scheduling(plane):
        await plane.watched(3)
        before = lists(plane)
        cluster = plane.found("clusters", "m2", "")
        plane.say("clusters", {"type": "DELETED", "object": cluster})
        await until(lambda: lists(plane) > before + 2)
        assert held(plane) == HAS


async def test_a_cluster_that_was_being_deleted_and_is_not_in_the_next_list_is_gone():
    async with placed() as plane, scheduling(plane, clock=FakeTime()):
        await plane.watched(3)
        cluster = plane.found("clusters", "m2", "")
        metadata = {**cluster["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
        plane.create("clusters", {**cluster, "metadata": metadata}, "")
        await until(lambda: plane.clusters_of("dup") == {"m1": 2})
        assert plane.clusters_of("div") == HAS["div"]
        plane.hidden.add("m2")
        await relisted(plane)
        plane.asks("div", replicas=3)
        await until(lambda: is_done(plane, "div"))
        assert plane.clusters_of("div") == {"m1": 3}
