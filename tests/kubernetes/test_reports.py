"""What users are told of their pods: conditions, nominated nodes and events, and what that must never hold up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from structlog.testing import capture_logs
from tests.kubernetes import virtual_time

from yuheng.errors import InputError
from yuheng.kubernetes.api import ApiError, ConflictError, ForbiddenError, MissingError, UnreachableError
from yuheng.kubernetes.mirror.known import Known
from yuheng.kubernetes.running.reports import Reporter
from yuheng.kubernetes.timing import Timing
from yuheng.model.pod import Pod

STATUS = "/api/v1/namespaces/work/pods/web/status"
EVENTS = "/apis/events.k8s.io/v1/namespaces/work/events"
LACKS = "0/3 nodes are available: 3 Insufficient cpu."


def known(name: str = "web", **fields: Any) -> Known:
    return Known(key=f"work/{name}", uid=f"uid-{name}", pod=Pod(name=name, namespace="work"), **fields)


class Server:
    """Takes requests, and fails them when it is told to.

    Attributes:
        asked: verb, path and body of each.
        failing: what is raised, by verb and a part of the path, before anything is kept.
        most: how many were under way at once.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self.types: set[tuple[str, str]] = set()
        self.failing: list[tuple[str, str, Exception]] = []
        self.seconds = 0.001
        self.under_way = 0
        self.most = 0
        self.timing = Timing(self.now, lambda: 1_800_000_000.0 + self.now(), asyncio.sleep, lambda: 0.5)

    @staticmethod
    def now() -> float:
        return asyncio.get_running_loop().time()

    async def request(self, verb: str, path: str, body: bytes, content_type: str = "", **_: Any) -> bytes:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            await asyncio.sleep(self.seconds)
            for each in self.failing:
                if each[0] == verb and each[1] in path:
                    raise each[2]
            self.asked.append((verb, path, json.loads(body)))
            self.types.add((verb, content_type))
            return b"{}"
        finally:
            self.under_way -= 1

    def bodies(self, verb: str, part: str) -> list[dict[str, Any]]:
        return [body for each, path, body in self.asked if each == verb and part in path]


def telling(story: Callable[[Server, Reporter], Awaitable[None]], **options: Any) -> Server:
    """Play a story in virtual time; gives the server as it is in the end."""

    async def play() -> Server:
        server = Server()
        reporter = Reporter(server, "yuheng", "yuheng-host-1", **options)  # type: ignore[arg-type]
        running = asyncio.ensure_future(reporter.run())
        await story(server, reporter)
        await reporter.drain(60.0)
        assert not running.done(), running.exception()
        running.cancel()
        await asyncio.wait({running})
        return server

    return virtual_time.run(play())


def test_a_pod_that_fits_nowhere_says_so_in_its_condition() -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        reporter.refused(known(), LACKS)

    server = telling(story)
    assert server.bodies("PATCH", STATUS) == [
        {
            "metadata": {"uid": "uid-web"},
            "status": {
                "conditions": [
                    {
                        "type": "PodScheduled",
                        "status": "False",
                        "reason": "Unschedulable",
                        "message": LACKS,
                        "lastTransitionTime": "2027-01-15T08:00:00Z",
                    }
                ]
            },
        }
    ]
    assert ("PATCH", "application/strategic-merge-patch+json") in server.types


def test_the_time_of_the_transition_stays_when_only_the_sentence_changes() -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        reporter.refused(known(told="another sentence"), LACKS)

    [body] = telling(story).bodies("PATCH", STATUS)
    assert "lastTransitionTime" not in body["status"]["conditions"][0]


def test_what_the_pod_says_already_is_not_written_again() -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        reporter.refused(known(told=LACKS), LACKS)
        reporter.nominated(known(nominated="a"), "a")
        reporter.nominated(known(), "")

    assert telling(story).bodies("PATCH", STATUS) == []


def test_what_was_written_and_is_not_seen_yet_is_not_written_again() -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        reporter.refused(known(), LACKS)
        await asyncio.sleep(1)
        reporter.refused(known(), LACKS)
        reporter.nominated(known(), "a")
        await asyncio.sleep(1)
        reporter.refused(known(), LACKS)
        reporter.nominated(known(), "a")

    assert len(telling(story).bodies("PATCH", STATUS)) == 2


def test_what_another_wrote_over_is_written_again() -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        reporter.refused(known(), LACKS)
        await asyncio.sleep(1)
        reporter.refused(known(told=LACKS), LACKS)
        reporter.refused(known(told="somebody else's words"), LACKS)

    assert len(telling(story).bodies("PATCH", STATUS)) == 2


def test_another_pod_of_the_same_name_is_another() -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        reporter.refused(known(), LACKS)
        await asyncio.sleep(1)
        other = known()
        other.uid = "another"
        reporter.refused(other, LACKS)

    first, second = telling(story).bodies("PATCH", STATUS)
    assert (first["metadata"]["uid"], second["metadata"]["uid"]) == ("uid-web", "another")
    assert "lastTransitionTime" in second["status"]["conditions"][0]


def test_condition_and_nominated_node_go_in_one_patch_and_the_newest_wins() -> None:
    async def story(server: Server, reporter: Reporter) -> None:
        server.seconds = 1.0
        reporter.refused(known(), "old")
        reporter.refused(known(), LACKS)
        reporter.nominated(known(), "node-a")
        await asyncio.sleep(0.5)
        reporter.nominated(known(), "node-b")
        reporter.nominated(known(), "")

    first, second = telling(story).bodies("PATCH", STATUS)
    assert first["status"]["conditions"][0]["message"] == LACKS
    assert first["status"]["conditions"][0]["lastTransitionTime"]
    assert first["status"]["nominatedNodeName"] == "node-a"
    assert second["status"] == {"nominatedNodeName": None}


@pytest.mark.parametrize(
    ("fields", "reason", "events"),
    [
        ({}, "Unschedulable", 1),
        ({"gated": True}, "SchedulingGated", 0),
        ({"problem": "spec.affinity: found 3"}, "SchedulerError", 1),
    ],
)
def test_the_reason_says_why_a_pod_waits(fields: dict[str, Any], reason: str, events: int) -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        reporter.refused(known(**fields), "so it is")

    server = telling(story)
    [body] = server.bodies("PATCH", STATUS)
    assert body["status"]["conditions"][0]["reason"] == reason
    assert len(server.bodies("POST", EVENTS)) == events


def test_a_binding_that_is_refused_is_told_in_the_pod_and_once_in_the_log() -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        for index in range(20):
            reporter.failed(known(f"p{index}"), "a", "no role allows pods/binding")

    with capture_logs() as lines:
        server = telling(story)
    conditions = [body["status"]["conditions"][0] for body in server.bodies("PATCH", "/status")]
    assert len(conditions) == 20
    assert {(one["reason"], one["message"]) for one in conditions} == {
        ("SchedulerError", "binding rejected: no role allows pods/binding")
    }
    events = server.bodies("POST", "/events")
    assert {(one["reason"], one["note"]) for one in events} == {
        ("FailedScheduling", "binding rejected: no role allows pods/binding")
    }
    assert [line["event"] for line in lines if line["log_level"] != "debug"] == [
        "pod work/p0 could not be bound to node a"
    ]


def test_who_does_not_lead_writes_no_status() -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        reporter.refused(known(), LACKS)

    assert telling(story, may_write=lambda: False).bodies("PATCH", STATUS) == []


def test_a_pod_that_was_bound_meanwhile_says_nothing_more() -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        reporter.refused(known(), LACKS)
        reporter.placed(known(), "node-a")

    assert telling(story).bodies("PATCH", STATUS) == []


@pytest.mark.parametrize(
    "error",
    [
        MissingError(404, "NotFound", "gone"),
        ConflictError(409, "Conflict", "uid mismatch"),
        ApiError(422, "Invalid", "immutable"),
        ForbiddenError(403, "Forbidden", "no role allows pods/status"),
        UnreachableError("no connection"),
        ApiError(500, "InternalError", "etcd"),
        InputError("the plugin gives no credentials"),
    ],
)
def test_a_status_that_cannot_be_written_stops_nothing_and_is_tried_when_it_is_told_again(error: Exception) -> None:
    async def story(server: Server, reporter: Reporter) -> None:
        server.failing = [("PATCH", "status", error)]
        reporter.refused(known(), LACKS)
        await asyncio.sleep(1)
        server.failing = []
        reporter.refused(known(), LACKS)

    assert len(telling(story).bodies("PATCH", STATUS)) == 1


def test_a_conflict_is_tried_again_at_once() -> None:
    async def story(server: Server, reporter: Reporter) -> None:
        server.failing = [("PATCH", "status", ConflictError(409, "Conflict", "changed"))]
        reporter.refused(known(), LACKS)
        await asyncio.sleep(0.0015)
        server.failing = []

    assert len(telling(story).bodies("PATCH", STATUS)) == 1


def test_an_event_is_as_kube_scheduler_writes_it() -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        reporter.placed(known(), "node-a")

    server = telling(story)
    [event] = server.bodies("POST", EVENTS)
    name = event["metadata"].pop("name")
    assert name.startswith("web.")
    assert int(name.removeprefix("web."), 16) >= 1_800_000_000 * 10**9
    assert event == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": "work"},
        "eventTime": "2027-01-15T08:00:00.000000Z",
        "reportingController": "yuheng",
        "reportingInstance": "yuheng-host-1",
        "action": "Binding",
        "reason": "Scheduled",
        "type": "Normal",
        "note": "Successfully assigned work/web to node-a",
        "regarding": {"kind": "Pod", "apiVersion": "v1", "namespace": "work", "name": "web", "uid": "uid-web"},
    }


def test_a_victim_is_told_for_whom_it_goes_without_the_others_name() -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        reporter.preempted(known("old"), "secret-team/big", "node-a")
        reporter.preempted(known("older"), "secret-team/unknown", "node-a")

    uids = {"secret-team/big": "uid-7"}
    first, second = telling(story, uid_of=lambda key: uids.get(key, "")).bodies("POST", EVENTS)
    assert (first["reason"], first["action"]) == ("Preempted", "Preempting")
    assert first["note"] == "Preempted by pod uid-7 on node node-a"
    assert second["note"] == "Preempted by another pod on node node-a"
    assert "secret-team" not in json.dumps([first, second])


def test_what_is_told_again_becomes_a_series_and_is_counted() -> None:
    async def story(server: Server, reporter: Reporter) -> None:
        for turn in range(10):
            reporter.refused(known(), f"{LACKS} {turn}")
            await asyncio.sleep(1)
        assert len(server.bodies("PATCH", EVENTS)) == 1
        await asyncio.sleep(800)

    server = telling(story)
    [made] = server.bodies("POST", EVENTS)
    second, last = server.bodies("PATCH", EVENTS)
    assert (made["reason"], made["type"], made["note"]) == ("FailedScheduling", "Warning", f"{LACKS} 0")
    assert "series" not in made
    assert second["series"] == {"count": 2, "lastObservedTime": "2027-01-15T08:00:01.000000Z"}
    assert last["series"] == {"count": 10, "lastObservedTime": "2027-01-15T08:00:09.000000Z"}


def test_a_series_that_goes_on_is_written_every_half_hour() -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        for _ in range(130):
            reporter.refused(known(told=LACKS), LACKS)
            await asyncio.sleep(60)

    counts = [body["series"]["count"] for body in telling(story).bodies("PATCH", EVENTS)]
    assert counts == [2, 37, 67, 97, 127]


def test_told_twice_before_it_is_sent_it_is_made_as_a_series() -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        reporter.refused(known(), LACKS)
        reporter.refused(known(), LACKS)

    server = telling(story)
    [made] = server.bodies("POST", EVENTS)
    assert made["series"]["count"] == 2
    assert server.bodies("PATCH", EVENTS) == []


def test_after_a_while_the_same_is_a_new_event() -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        reporter.refused(known(), LACKS)
        await asyncio.sleep(800)
        reporter.refused(known(told=LACKS), LACKS)

    first, second = telling(story).bodies("POST", EVENTS)
    assert first["metadata"]["name"] != second["metadata"]["name"]


def test_an_event_that_the_server_has_forgotten_is_made_again() -> None:
    async def story(server: Server, reporter: Reporter) -> None:
        reporter.refused(known(), LACKS)
        await asyncio.sleep(1)
        server.failing = [("PATCH", "/events/", MissingError(404, "NotFound", "expired"))]
        reporter.refused(known(), LACKS)

    first, second = telling(story).bodies("POST", EVENTS)
    assert first["metadata"]["name"] == second["metadata"]["name"]
    assert second["series"]["count"] == 2


@pytest.mark.parametrize("length", [1, 240, 253])
def test_the_name_of_an_event_is_never_too_long(length: int) -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        reporter.placed(known("p" * length), "a")
        reporter.placed(known("p" * length), "a")

    first, second = (body["metadata"]["name"] for body in telling(story).bodies("POST", EVENTS))
    assert first != second
    assert len(first) <= 253 or first.startswith("uid-")


@pytest.mark.parametrize("word", ["x", "é", "节", "🚀"])
def test_a_note_is_cut_to_what_the_server_takes(word: str) -> None:
    async def story(_: Server, reporter: Reporter) -> None:
        reporter.refused(known(), word * 3000)

    server = telling(story)
    [event] = server.bodies("POST", EVENTS)
    assert 1018 <= len(event["note"].encode()) <= 1024
    assert event["note"].endswith(" ...")
    [body] = server.bodies("PATCH", STATUS)
    assert len(body["status"]["conditions"][0]["message"].encode()) <= 8192


def test_a_sentence_that_was_cut_is_not_written_again() -> None:
    async def story(server: Server, reporter: Reporter) -> None:
        reporter.refused(known(), "x" * 9000)
        await asyncio.sleep(1)
        [body] = server.bodies("PATCH", STATUS)
        reporter.refused(known(told=body["status"]["conditions"][0]["message"]), "x" * 9000)

    assert len(telling(story).bodies("PATCH", STATUS)) == 1


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ForbiddenError(403, "Forbidden", 'no role allows resources: ["events"]'), 1),
        (ForbiddenError(403, "Forbidden", "forbidden: namespace work because it is being terminated"), 0),
        (MissingError(404, "NotFound", "no such kind"), 1),
        (UnreachableError("no connection"), 1),
        (InputError("the plugin gives no credentials"), 1),
    ],
)
def test_events_that_cannot_be_written_are_told_of_once(
    error: Exception, told: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story(server: Server, reporter: Reporter) -> None:
        server.failing = [("POST", "events", error)]
        for index in range(50):
            reporter.placed(known(f"p{index}"), "a")

    telling(story)
    said = capsys.readouterr()
    assert (said.out + said.err).count("cannot write events") == told


def test_few_are_sent_at_once_and_too_many_are_dropped_and_counted() -> None:
    dropped = []

    async def story(server: Server, reporter: Reporter) -> None:
        server.seconds = 0.01
        for index in range(12_000):
            reporter.placed(known(f"p{index}"), "a")
        dropped.append(reporter.dropped)
        assert reporter.waiting == 10_000

    server = telling(story)
    assert dropped == [2_000]
    assert len(server.bodies("POST", EVENTS)) == 10_000
    assert server.most <= 12


def test_thousands_that_wait_for_ever_are_not_told_anew_each_time() -> None:
    seen = []

    async def story(_: Server, reporter: Reporter) -> None:
        for _ in range(3):
            for part in range(0, 25_000, 5_000):
                for index in range(part, part + 5_000):
                    reporter.refused(known(f"p{index}", told=LACKS), LACKS)
                await reporter.drain(100.0)
        seen.append(reporter.dropped)

    server = telling(story)
    assert len(server.bodies("POST", EVENTS)) == 20_000
    assert seen == [15_000]


def test_draining_does_not_wait_for_a_server_that_hangs() -> None:
    async def story(server: Server, reporter: Reporter) -> None:
        server.seconds = 3600.0
        reporter.placed(known(), "a")
        began = server.now()
        await reporter.drain(5.0)
        assert server.now() - began == pytest.approx(5.0)
        reporter._events.outbox._sending.clear()
        reporter._events.outbox._note_empty()

    telling(story)
