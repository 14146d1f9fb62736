"""The process around the cycle: what ends it, what it says of its rules, and what it does not say again and again."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs
from tests.kubernetes.made_api_server import Answer, access_to, answering, kubeconfig, status, unto
from tests.kubernetes.made_cluster import Cluster, cluster

from yuheng.errors import ConfigError, YuhengError
from yuheng.kubernetes.api import Api, ForbiddenError
from yuheng.kubernetes.mirror import Mirror
from yuheng.kubernetes.running.binding import Binder
from yuheng.kubernetes.running.dry import Alone, DryReports
from yuheng.kubernetes.running.process import Options, schedule
from yuheng.kubernetes.running.refusals import Refusals
from yuheng.kubernetes.running.roles import Measured
from yuheng.kubernetes.running.rules import Rules
from yuheng.kubernetes.running.service import Service, reflectors
from yuheng.kubernetes.running.turns import Turns
from yuheng.model.batch import VOLCANO_DEFAULT
from yuheng.model.batch_plan import Eviction
from yuheng.model.live import Decisions, Preemption
from yuheng.scheduling.decider import Decider
from yuheng.scheduling.presets import preset

NO = answering(lambda: status(403, "Forbidden", "no"))


def forbids(made: Cluster, *parts: str) -> None:
    """For good."""
    for part in parts:
        made.faults.extend(unto("GET", part, NO) for _ in range(50))


async def once(made: Cluster, leading: Alone | None = None, *, is_dry: bool = False) -> None:
    """A scheduler that is not patient, until it ends."""
    async with Api(access_to(made.url)) as api:
        bell, stop = asyncio.Event(), asyncio.Event()
        mirror = Mirror("yuheng", bell.set)
        turns = Turns(mirror, Decider(), Binder(api), DryReports(str), bell=bell, timing=api.timing)
        watching = reflectors(api, mirror, is_silent=True)
        service = Service(watching, turns, leading or Alone(), is_patient=False, is_dry=is_dry)
        ending = asyncio.ensure_future(service.until_idle())
        ending.add_done_callback(lambda _: stop.set())
        try:
            async with asyncio.timeout(30):
                await service.run(stop)
            service.check_bound()
        finally:
            ending.cancel()


def first(group: BaseException) -> BaseException:
    return first(group.exceptions[0]) if isinstance(group, BaseExceptionGroup) else group


async def test_once_ends_with_all_the_rules_that_are_missing_and_says_nothing_before() -> None:
    async with cluster() as made:
        forbids(made, "/nodes?", "/services?", "/poddisruptionbudgets?")
        with capture_logs() as lines, pytest.raises(ExceptionGroup) as ended:
            await once(made)
    error = first(ended.value)
    assert isinstance(error, YuhengError)
    assert 'resources: ["nodes"], verbs: ["list"]' in str(error)
    assert str(error).endswith("; nor to list services, poddisruptionbudgets.policy")
    assert not lines


async def test_once_tells_of_bindings_that_were_refused() -> None:
    async with cluster() as made:
        made.node("a")
        made.pod("p")
        made.pod("q")
        made.faults.extend(unto("POST", "/binding", NO) for _ in range(50))
        with pytest.raises(YuhengError, match=r"default/. could not be bound, nor could 1 others: .*pods/binding"):
            await once(made)


async def test_who_may_list_and_not_watch_schedules_by_what_was_listed() -> None:
    async with cluster() as made:
        made.node("a")
        made.pod("p")
        forbids(made, "/nodes?watch")
        await once(made)
        assert made.homes() == {"p": "a"}
        assert len(made.faults) < 50


async def test_once_ends_where_the_lease_is_forbidden() -> None:
    class Forbidden(Alone):
        async def acquire(self) -> None:
            self.trouble = ForbiddenError(403, "Forbidden", "no role allows leases")
            await asyncio.sleep(3600)

    async with cluster() as made:
        with pytest.raises(ExceptionGroup) as ended:
            await once(made, Forbidden())
    assert str(first(ended.value)) == "no role allows leases"


async def test_one_cause_is_one_line_whichever_kinds_meet_it() -> None:
    async with cluster() as made, Api(access_to(made.url)) as api:
        made.faults.extend(unto("GET", "limit=", answered_by(401)) for _ in range(500))
        with capture_logs() as lines:
            tasks = [asyncio.ensure_future(one.run()) for one in reflectors(api, Mirror("yuheng"))]
            await asyncio.sleep(0.3)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    assert [line["kinds"] for line in lines] == ["nodes"]


@pytest.mark.parametrize("is_dry", [True, False])
async def test_who_writes_nothing_does_not_say_that_it_leads(is_dry: bool) -> None:
    async with cluster() as made:
        with capture_logs() as lines:
            await once(made, is_dry=is_dry)
    assert ("leading" in {line["event"] for line in lines}) is not is_dry


def answered_by(code: int) -> Answer:
    return answering(lambda: status(code, "", "no"))


@pytest.mark.parametrize("name", ["A b", "", "a/b", "-a", "a..b", "a" * 64, "a\n"])
def test_a_name_that_no_object_can_have_is_told_in_a_line(name: str) -> None:
    with pytest.raises(ConfigError, match=r"--name: found .*expected at most 63 lower case letters") as told:
        schedule(Options(name=name), print)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("lease", ["kube-system", "/a", "kube-system/", "a/b/c", "a/B", "a.b/c"])
def test_a_lease_that_cannot_be_is_told_in_a_line(lease: str, tmp_path: Path) -> None:
    config = kubeconfig(tmp_path / "config", "http://127.0.0.1:1")
    with pytest.raises(ConfigError, match="--lease"):
        schedule(Options(kubeconfig=config, lease=lease), print)


WAITS = """
import asyncio, time
from yuheng.kubernetes.signals import stopped_by_signals

async def work():
    stop = asyncio.Event()
    with stopped_by_signals(stop):
        print("ready", flush=True)
        await stop.wait()
        print("stopping", flush=True)
        time.sleep({seconds})

asyncio.run(work())
"""


def signalled(seconds: float, *numbers: signal.Signals, pause: float = 0.0) -> int:
    """The exit code of a process that takes some time to end, after signals with a pause between."""
    with subprocess.Popen(
        [sys.executable, "-c", WAITS.format(seconds=seconds)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for number, line in zip(numbers, ("ready", "stopping"), strict=False):
            assert process.stdout.readline().strip() == line
            time.sleep(pause if line == "stopping" else 0.0)
            os.kill(process.pid, number)
        return process.wait(20)


def test_the_first_signal_ends_it_in_good_order() -> None:
    assert signalled(0, signal.SIGTERM) == 0
    assert signalled(0, signal.SIGINT) == 0


def test_the_second_signal_ends_it_at_once() -> None:
    assert signalled(60, signal.SIGTERM, signal.SIGTERM, pause=0.6) == 143
    assert signalled(60, signal.SIGTERM, signal.SIGINT, pause=0.6) == 130


def test_a_signal_that_is_sent_twice_at_once_is_one() -> None:
    assert signalled(0.2, signal.SIGTERM, signal.SIGTERM) == 0


def test_the_rules_that_hold_are_told_once_and_when_they_change() -> None:
    rules = Rules(None)
    with capture_logs() as lines:
        for by_queue in (False, False, True, True, False):
            rules.hold(by_queue=by_queue)
    assert [(line["event"], line["preemption"], line["log_level"]) for line in lines] == [
        ("decides as kube-scheduler: pod by pod, by priority", "on", "info"),
        ("decides as Volcano: by queue and gang", "off", "warning"),
        ("decides as kube-scheduler: pod by pod, by priority", "on", "warning"),
    ]
    assert lines[1]["actions"] == "enqueue, allocate, backfill"


def test_a_configuration_says_whether_anybody_makes_room() -> None:
    batch = msgspec.structs.replace(VOLCANO_DEFAULT, actions=("enqueue", "allocate", "preempt"))
    with capture_logs() as lines:
        Rules(msgspec.structs.replace(preset("kubernetes"), batch=batch)).hold(by_queue=True)
    assert (lines[0]["preemption"], lines[0]["reclaim"]) == ("on", "off")


async def test_pods_that_stay_pending_for_the_same_reason_are_one_line() -> None:
    refusals = Refusals()
    with capture_logs() as lines:
        for pod in range(11):
            refusals.note(f"default/gang-{pod:02}", "Unschedulable", "there are 4 of 11")
        refusals.note("default/alone", "Unschedulable", "no room")
        refusals.tell()
        refusals.tell()
    told = [line for line in lines if line["log_level"] == "info"]
    assert [(line.get("pods"), line.get("first"), line.get("pod"), line["err"]) for line in told] == [
        (11, "default/gang-00", None, "there are 4 of 11"),
        (None, None, "default/alone", "no room"),
    ]


def test_room_that_is_made_is_measured_whoever_decides() -> None:
    pod_by_pod = Decisions(preemptions=(Preemption("a/b", "n", ("a/c", "a/d")),))
    assert Measured.of(pod_by_pod, 3, 1.0, compiled=False) == (3, 0, 1.0, False, (2,))
    by_queue = Decisions(
        evictions=(Eviction("a/c", "a/b", "preempt"), Eviction("a/d", "a/b", "preempt")), nominated={"a/b": "n"}
    )
    assert Measured.of(by_queue, 0, 1.0, compiled=True) == (1, 0, 1.0, True, (2,))
