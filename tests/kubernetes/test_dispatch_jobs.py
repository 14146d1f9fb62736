"""What runs to its end runs once, however often a fleet is looked at."""

from __future__ import annotations

import asyncio
import copy
from typing import Any

import pytest
from tests.kubernetes.made_api_server import until
from tests.kubernetes.made_member import Member, deployment, members, write, write_fleet
from tests.kubernetes.test_dispatch import run
from tests.kubernetes.test_dispatch_doubts import JOB, VOLCANO, with_volcano
from tests.kubernetes.test_dispatch_watch import Kept, down, keeping, urls

DONE = {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}


def says(member: Member, status: dict[str, Any]) -> None:
    live = copy.deepcopy(member.found("jobs", "web") or {})
    member._store("jobs", "default", "web", {**live, "status": status})


async def some_rounds(kept: Kept) -> None:
    """Wait until the fleet has been looked at some times more."""
    for _ in range(3):
        last = kept.keeper.report
        await until(lambda last=last: kept.keeper.report is not last, 30)


def times_made(member: Member) -> int:
    return member.applied.count("Job web")


@pytest.mark.parametrize("is_seen", [True, False])
async def test_a_job_that_is_done_and_gone_is_not_made_again_until_it_is_written_anew(tmp_path, is_seen):
    async with members("a", "b") as found:
        folder, here = write_fleet(tmp_path / "fleet", urls(found)), found["a"]
        write(folder, "job.json", JOB)
        async with keeping(folder, every=20.0) as kept:
            await here.watched(5)
            if is_seen:
                says(here, DONE)
            here.delete("jobs", "web")
            if not is_seen:
                # What became of it is forgotten before anybody looks.
                here._history.clear()
                for watcher in here.watchers:
                    while not watcher.queue.empty():
                        watcher.queue.get_nowait()
                here.compact()
                here.close_watches()
            await some_rounds(kept)
            assert times_made(here) == 1
            assert found["b"].applied == []
            assert kept.said("Job default/web stays: it has run and is gone")
            changed = copy.deepcopy(JOB)
            changed["spec"]["backoffLimit"] = 2
            write(folder, "job.json", changed)
            await until(lambda: times_made(here) == 2, 30)


async def test_a_job_that_was_taken_out_of_the_folder_and_comes_back_is_made_again(tmp_path):
    async with members("a") as found:
        folder, here = write_fleet(tmp_path / "fleet", urls(found)), found["a"]
        write(folder, "other.json", deployment("other"))
        write(folder, "job.json", JOB)
        async with keeping(folder):
            await here.watched(5)
            says(here, DONE)
            (folder / "job.json").unlink()
            await until(lambda: here.deleted == ["jobs web"], 30)
            write(folder, "job.json", JOB)
            await until(lambda: times_made(here) == 2, 30)


async def test_a_job_that_is_deleted_at_work_is_made_again(tmp_path):
    async with members("a") as found:
        folder, here = write_fleet(tmp_path / "fleet", urls(found)), found["a"]
        write(folder, "job.json", JOB)
        async with keeping(folder):
            await here.watched(5)
            says(here, {"active": 1})
            here.delete("jobs", "web")
            await until(lambda: times_made(here) == 2, 30)


async def test_a_job_of_volcano_that_is_gone_is_not_made_again(tmp_path):
    async with members("a") as found:
        folder, here = write_fleet(tmp_path / "fleet", urls(found)), found["a"]
        with_volcano(here)
        write(folder, "job.json", VOLCANO)
        async with keeping(folder, every=20.0) as kept:
            here.delete("jobs", "web")
            await some_rounds(kept)
            assert times_made(here) == 1


@pytest.mark.parametrize("is_volcano", [True, False])
async def test_a_job_that_is_done_is_not_run_again_when_its_cluster_is_given_up(tmp_path, is_volcano):
    async with members("a", "b") as found:
        folder, here = write_fleet(tmp_path / "fleet", urls(found)), found["a"]
        if is_volcano:
            for one in found.values():
                with_volcano(one)
        write(folder, "job.json", VOLCANO if is_volcano else JOB)
        async with keeping(folder, every=20.0) as kept:
            await here.watched(4 if is_volcano else 5)
            says(here, {"state": {"phase": "Completed"}} if is_volcano else DONE)
            await some_rounds(kept)
            down(here)
            await until(lambda: kept.said("cluster a is given up"), 30)
            await some_rounds(kept)
            assert found["b"].applied == []
            assert kept.said("Job default/web ended in a before that was given up: it is not run again")


async def test_a_job_at_work_is_run_elsewhere_when_its_cluster_is_given_up(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "job.json", JOB)
        async with keeping(folder):
            await asyncio.sleep(0.01)
            down(found["a"])
            await until(lambda: times_made(found["b"]) == 1, 30)


@pytest.mark.parametrize("written", [JOB, VOLCANO])
async def test_a_job_does_not_take_itself_away_when_it_is_done(tmp_path, written):
    async with members("a") as found:
        folder, here = write_fleet(tmp_path / "fleet", urls(found)), found["a"]
        if written is VOLCANO:
            with_volcano(here)
        write(folder, "job.json", {**written, "spec": {**written["spec"], "ttlSecondsAfterFinished": 30}})
        assert (await run(folder)).failures == {}
        assert "ttlSecondsAfterFinished" not in (here.found("jobs", "web") or {})["spec"]
