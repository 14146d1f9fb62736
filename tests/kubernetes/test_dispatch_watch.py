"""A plan that is kept: clusters fail and come back, files change, others interfere."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.kubernetes.made_api_server import FakeTime, answering, dropping, status, until, unto
from tests.kubernetes.made_member import Member, deployment, members, write, write_fleet

from yuheng.kubernetes.dispatching.applying import Settings
from yuheng.kubernetes.dispatching.keeping import Keeper, Patience
from yuheng.kubernetes.dispatching.rounds import Task
from yuheng.placement.planner import Question


class Kept:
    """A keeper at work, and what it says."""

    def __init__(self, folder: Path, *, failback: bool = False, **patience: float) -> None:
        self.lines: list[str] = []
        task = Task(Question(), Settings(""), failback=failback)
        self.clock = FakeTime()
        self.keeper = Keeper(
            (str(folder),), task, self.lines.append, patience=Patience(**patience), timing=self.clock.timing
        )

    def said(self, text: str) -> bool:
        return any(text in line for line in self.lines)


@asynccontextmanager
async def keeping(folder: Path, **options: Any) -> AsyncIterator[Kept]:
    kept, stop = Kept(folder, **options), asyncio.Event()
    running = asyncio.ensure_future(kept.keeper.run(stop))
    try:
        await until(lambda: running.done() or (kept.keeper.report is not None and not kept.keeper.report.failures), 30)
        yield kept
    finally:
        stop.set()
        async with asyncio.timeout(20):
            await running


def urls(found: dict[str, Member]) -> dict[str, str]:
    return {name: one.url for name, one in found.items()}


def down(one: Member) -> None:
    """It answers nobody."""
    one.faults.extend(dropping for _ in range(100_000))
    one.close_watches()


async def test_a_cluster_that_stays_away_is_given_up_and_what_it_has_left_goes_when_it_is_back(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=5))
        async with keeping(folder) as kept:
            assert found["a"].replicas() == {"web": 5}
            down(found["a"])
            await until(lambda: found["b"].replicas() == {"web": 5}, 30)
            assert kept.said("cluster a is given up")
            given_up = next(line for line in kept.lines if "given up" in line)
            assert int(given_up.split("not ready for ")[1].split()[0]) >= 300
            live = found["b"].found("deployments", "web") or {}
            found["b"].create("deployments", {**live, "status": {"readyReplicas": 5}})
            found["a"].faults.clear()
            await until(lambda: found["a"].replicas() == {}, 30)
            assert kept.said("cluster a is ready again: no replica goes back without --failback")
            assert found["b"].replicas() == {"web": 5}


async def test_replicas_go_back_where_that_was_asked_for(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=5))
        found["a"].works = True
        async with keeping(folder, failback=True):
            down(found["a"])
            await until(lambda: found["b"].replicas() == {"web": 5}, 30)
            found["a"].faults.clear()
            await until(lambda: found["a"].replicas() == {"web": 5} and found["b"].replicas() == {}, 30)


async def test_replicas_that_go_back_wait_until_they_are_ready_there(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=5))
        async with keeping(folder, failback=True, grace=1e9):
            down(found["a"])
            await until(lambda: found["b"].replicas() == {"web": 5}, 30)
            found["a"].delete("deployments", "web")
            found["a"].faults.clear()
            await until(lambda: found["a"].replicas() == {"web": 5}, 30)
            await asyncio.sleep(0.1)
            assert found["b"].replicas() == {"web": 5}
            live = found["a"].found("deployments", "web") or {}
            found["a"].create("deployments", {**live, "status": {"readyReplicas": 5}})
            await until(lambda: found["b"].replicas() == {}, 30)


async def test_a_cluster_is_not_ready_when_none_of_its_nodes_is(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=5))
        async with keeping(folder) as kept:
            found["a"].node("n", status={"conditions": [{"type": "Ready", "status": "Unknown"}]})
            await until(lambda: found["b"].replicas() == {"web": 5}, 30)
            assert kept.said("none of its nodes is ready")


async def test_a_cluster_that_is_away_for_a_moment_keeps_its_replicas(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=5))
        async with keeping(folder, failover_after=1e9) as kept:
            down(found["a"])
            await until(lambda: kept.keeper.report is not None and "a" in kept.keeper.report.failures, 30)
            assert found["b"].replicas() == {}
            assert found["a"].replicas() == {"web": 5}


async def test_a_cluster_that_does_not_let_us_in_is_not_given_up(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=5))
        async with keeping(folder) as kept:
            expired = answering(lambda: status(401, "Unauthorized", "Unauthorized"))
            found["a"].faults.extend(expired for _ in range(100_000))
            await until(lambda: kept.keeper.report is not None and "a" in kept.keeper.report.failures, 30)
            started = kept.clock.seconds
            await until(lambda: kept.clock.seconds > started + 2000, 30)
            assert kept.keeper.lost == set()
            assert found["b"].replicas() == {}


async def test_when_no_cluster_answers_nobody_is_given_up(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=5))
        async with keeping(folder) as kept:
            started = kept.clock.seconds
            down(found["a"])
            down(found["b"])
            await until(lambda: kept.clock.seconds > started + 2000, 30)
            assert kept.keeper.lost == set()


async def test_changes_of_the_files_are_picked_up_and_broken_ones_are_told(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=2))
        async with keeping(folder) as kept:
            (folder / "web.json").write_text("{", encoding="utf-8")
            await until(lambda: kept.said("nothing is dispatched") or kept.said("the folder is not used"), 30)
            assert found["a"].replicas() == {"web": 2}
            write(folder, "web.json", deployment(replicas=4))
            await until(lambda: found["a"].replicas() == {"web": 4}, 30)


async def test_what_others_delete_is_applied_again(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=2))
        async with keeping(folder, every=1e9):
            await found["a"].watched(5)
            found["a"].delete("deployments", "web")
            await until(lambda: found["a"].replicas() == {"web": 2}, 30)


async def test_readiness_is_told_as_it_comes(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=2))
        async with keeping(folder) as kept:
            await until(lambda: kept.keeper.ready, 30)
            live = found["a"].found("deployments", "web") or {}
            found["a"].create("deployments", {**live, "status": {"readyReplicas": 1}})
            await until(lambda: kept.said("a: Deployment default/web: 1/2 replicas are ready"), 30)


async def test_a_round_that_fails_is_done_again(tmp_path):
    async with members("a") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=2))
        found["a"].faults.extend(unto("PATCH", "deployments", dropping) for _ in range(30))
        async with keeping(folder) as kept:
            assert found["a"].replicas() == {"web": 2}
            assert kept.lines


async def test_a_quarrel_over_replicas_does_not_shorten_the_pauses_between_rounds_that_fail(tmp_path):
    async with members("a") as found:
        folder, here = write_fleet(tmp_path / "fleet", urls(found)), found["a"]
        write(folder, "web.json", deployment(replicas=2), deployment("other", replicas=1))
        async with keeping(folder, every=1e6) as kept:
            await here.watched(5)
            ends: list[float] = []
            reports = [kept.keeper.report]

            def look() -> bool:
                if kept.keeper.report is not reports[-1]:
                    reports.append(kept.keeper.report)
                    ends.append(kept.clock.seconds)
                    # Each time that it was tried, somebody scales it again, and its status changes.
                    here.changed("deployments", "web", "default", "kubectl", replicas=5 + len(ends))
                live = here.found("deployments", "web") or {}
                here._store("deployments", "default", "web", {**live, "status": {"readyReplicas": len(ends) % 3}})
                return len(ends) >= 9

            here.changed("deployments", "web", "default", "kubectl", replicas=5)
            await until(look, 30)
            pauses = [later - sooner for sooner, later in itertools.pairwise(ends)]
            assert pauses[-1] > 500
            # What it is not about is not held up by it.
            here.delete("deployments", "other")
            started = kept.clock.seconds
            await until(lambda: "other" in here.replicas(), 30)
            assert kept.clock.seconds - started < 500


async def test_what_is_noted_is_told_once(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=0))
        async with keeping(folder, every=20.0) as kept:
            for _ in range(3):
                last = kept.keeper.report
                await until(lambda last=last: kept.keeper.report is not last, 30)
            assert len([line for line in kept.lines if "goes nowhere: it asks for no replicas" in line]) == 1


async def test_a_workload_that_waits_for_a_cluster_is_told_of(tmp_path):
    async with members("a", "b") as found:
        folder = write_fleet(tmp_path / "fleet", urls(found))
        write(folder, "web.json", deployment(replicas=2))
        down(found["a"])
        kept, stop = Kept(folder, failover_after=1e9), asyncio.Event()
        running = asyncio.ensure_future(kept.keeper.run(stop))
        await until(lambda: kept.said("Deployment default/web waits: a cannot be read"), 30)
        stop.set()
        async with asyncio.timeout(20):
            await running


async def test_what_waits_to_go_is_looked_for_again_after_pauses_that_grow(tmp_path):
    async with members("a") as found:
        folder, here = write_fleet(tmp_path / "fleet", urls(found)), found["a"]
        write(folder, "web.json", deployment("web"), deployment("old"))
        async with keeping(folder, every=1e6) as kept:
            live = here.found("deployments", "old") or {}
            live["metadata"]["finalizers"] = ["example.com/slow"]
            write(folder, "web.json", deployment("web"))
            await until(lambda: kept.said("Deployment default/old stays: it is being deleted"), 30)
            last, started = kept.keeper.report, kept.clock.seconds
            await until(lambda: kept.keeper.report is not last, 30)
            assert kept.clock.seconds - started < 1000
            assert len(here.asked("DELETE", "deployments/old")) == 1
