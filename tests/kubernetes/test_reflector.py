"""A reflector keeps a sink true to the server, whatever the server, the network and etcd do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest
from aiohttp import web
from structlog.testing import capture_logs
from tests.kubernetes.made_api_server import (
    ApiServer,
    FakeTime,
    access_to,
    answering,
    api_server,
    dropping,
    line,
    serving,
    status,
    until,
    unto,
)
from tests.kubernetes.made_capture import Lists

from yuheng.kubernetes.api import KINDS, Api, ForbiddenError
from yuheng.kubernetes.watching import Reflector
from yuheng.kubernetes.watching.reflector import LISTING

PODS = KINDS["pods"]
LIST, WATCH = "pods?limit", "watch=1"


class Mirror:
    """A sink that keeps versions by name, and a journal."""

    def __init__(self) -> None:
        self.objects: dict[str, str] = {}
        self.journal: list[str] = []
        self._put: set[str] = set()

    def restart(self) -> None:
        self._put = set()
        self.journal.append("restart")

    def put(self, raw: msgspec.Raw) -> None:
        metadata = msgspec.json.decode(raw)["metadata"]
        self.objects[metadata["name"]] = metadata["resourceVersion"]
        self._put.add(metadata["name"])
        self.journal.append(f"put {metadata['name']}")

    def settle(self) -> None:
        self.objects = {name: version for name, version in self.objects.items() if name in self._put}
        self.journal.append("settle")

    def gone(self, raw: msgspec.Raw) -> None:
        name = msgspec.json.decode(raw)["metadata"]["name"]
        del self.objects[name]
        self.journal.append(f"gone {name}")


class Scene:
    """A server, a reflector of its pods, and what it has mirrored."""

    def __init__(self, server: ApiServer, reflector: Reflector, mirror: Mirror, time: FakeTime) -> None:
        self.server = server
        self.reflector = reflector
        self.mirror = mirror
        self.time = time

    def truth(self) -> dict[str, str]:
        pods = self.server._objects.get("pods", {})
        return {pod["metadata"]["name"]: pod["metadata"]["resourceVersion"] for pod in pods.values()}

    async def same(self) -> None:
        """Wait until the mirror is true."""
        with suppress(TimeoutError):
            await until(lambda: self.mirror.objects == self.truth(), 5)
        assert self.mirror.objects == self.truth()


@asynccontextmanager
async def scene(prepare: Callable[[ApiServer], object] = lambda _: None, **options: Any) -> AsyncIterator[Scene]:
    time, mirror = FakeTime(), Mirror()
    async with api_server() as server, Api(access_to(server.url), timing=time.timing) as api:
        for name in ("a", "b", "c"):
            server.put("pods", name)
        prepare(server)
        reflector = Reflector(api, PODS, mirror, **options)
        task = asyncio.create_task(reflector.run())
        try:
            yield Scene(server, reflector, mirror, time)
            assert not task.done()
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def play(
    steps: Callable[[Scene], Awaitable[None]], prepare: Callable[[ApiServer], object] = lambda _: None, **options: Any
) -> Scene:
    async def run() -> Scene:
        async with scene(prepare, **options) as made:
            await made.server.watched()
            await steps(made)
            return made

    return asyncio.run(run())


def test_what_is_there_is_listed_and_what_happens_is_watched() -> None:
    async def steps(made: Scene) -> None:
        assert made.reflector.synced.is_set()
        made.server.put("pods", "d")
        made.server.put("pods", "a")
        made.server.delete("pods", "b")
        await made.same()

    made = play(steps)
    assert made.mirror.journal == ["restart", "put a", "put b", "put c", "settle", "put d", "put a", "gone b"]
    assert len(made.server.asked("GET", LIST)) == 1
    (watch,) = made.server.asked("GET", WATCH)
    assert "allowWatchBookmarks=true" in watch
    assert "resourceVersion=103" in watch


def test_a_list_comes_in_pages() -> None:
    async def steps(made: Scene) -> None:
        await made.same()

    made = play(steps, page=2)
    assert ["continue" in url for url in made.server.asked("GET", "limit=2")] == [False, True]
    assert made.mirror.journal == ["restart", "put a", "put b", "put c", "settle"]


def test_a_watch_that_the_server_closes_goes_on_where_it_was() -> None:
    async def steps(made: Scene) -> None:
        for turn in range(5):
            made.server.put("pods", f"x{turn}")
            await made.same()
            made.server.close_watches()
            made.server.put("pods", "a")
            await until(lambda turn=turn: made.server.opened == turn + 2)
            await made.same()

    made = play(steps)
    assert len(made.server.asked("GET", LIST)) == 1
    assert made.mirror.journal.count("put a") == 6


def test_a_server_that_closes_at_once_is_not_asked_in_a_loop() -> None:
    async def closing(_: web.Request) -> web.StreamResponse | None:
        return web.Response(body=b"", content_type="application/json")

    async def steps(made: Scene) -> None:
        await made.same()

    made = play(steps, lambda server: server.faults.extend(unto("GET", WATCH, closing) for _ in range(6)))
    assert [round(pause, 3) for pause in made.time.pauses] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2]


def test_bookmarks_move_the_version_on() -> None:
    async def steps(made: Scene) -> None:
        for _ in range(40):
            made.server.put("nodes", "n", "")
        made.server.bookmark("pods")
        made.server.put("nodes", "n", "")
        made.server.compact()
        # What was before the bookmark is forgotten by now.
        made.server.oldest = 143
        made.server.close_watches()
        await until(lambda: made.server.opened == 2)
        made.server.put("pods", "d")
        await made.same()

    made = play(steps)
    assert len(made.server.asked("GET", LIST)) == 1


@pytest.mark.parametrize("as_event", [True, False])
def test_lost_history_is_listed_anew(as_event: bool) -> None:
    async def steps(made: Scene) -> None:
        if not as_event:
            made.server.faults.append(unto("GET", WATCH, answering(lambda: status(410, "Expired"))))
        made.server.close_watches()
        made.server.delete("pods", "a")
        made.server.put("pods", "d")
        made.server.compact()
        await until(lambda: len(made.server.asked("GET", LIST)) == 2)
        await made.same()

    made = play(steps)
    assert made.mirror.objects.keys() == {"b", "c", "d"}
    assert made.reflector.trouble is None
    assert made.reflector.restarts == 1


def test_a_gone_in_the_middle_of_an_open_watch_is_listed_anew() -> None:
    async def steps(made: Scene) -> None:
        said = {"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired", "message": "too old"}
        made.server.say("pods", {"type": "ERROR", "object": said})
        await until(lambda: len(made.server.asked("GET", LIST)) == 2)
        made.server.put("pods", "e")
        await made.same()

    play(steps)


def test_a_list_that_becomes_too_old_between_pages_is_begun_anew() -> None:
    def prepare(server: ApiServer) -> None:
        async def compacting(_: web.Request) -> None:
            server.compact()

        server.faults.append(unto("GET", "continue", compacting))
        server.faults.append(unto("GET", "continue", answering(lambda: status(410, "Expired"))))

    async def steps(made: Scene) -> None:
        await made.same()

    made = play(steps, prepare, page=2)
    assert made.mirror.journal.count("settle") == 1
    assert made.mirror.journal[-1] == "settle"


def test_a_list_that_is_always_too_old_is_asked_for_in_one_piece() -> None:
    def prepare(server: ApiServer) -> None:
        server.faults.extend(unto("GET", "continue", answering(lambda: status(410, "Expired"))) for _ in range(20))

    async def steps(made: Scene) -> None:
        await made.same()

    made = play(steps, prepare, page=2)
    lists = [url for url in made.server.asked("GET", "pods") if "watch" not in url]
    assert "limit" not in lists[-1]
    assert len(lists) == 5


def test_a_list_that_is_refused_for_some_time_is_asked_for_in_pages_all_the_same() -> None:
    def prepare(server: ApiServer) -> None:
        server.faults.extend(unto("GET", LIST, answering(lambda: status(403, "Forbidden"))) for _ in range(5))

    async def steps(made: Scene) -> None:
        await made.same()

    made = play(steps, prepare, page=2)
    lists = [url for url in made.server.asked("GET", "pods") if "watch" not in url]
    assert len(lists) == 7
    assert all("limit=2" in url for url in lists)


def test_half_a_line_is_not_an_event() -> None:
    async def steps(made: Scene) -> None:
        event = line({"type": "ADDED", "object": {"metadata": {"name": "ghost", "resourceVersion": "900"}}})
        made.server.say("pods", event[: len(event) // 2])
        made.server.close_watches()
        await until(lambda: made.server.opened == 2)
        made.server.put("pods", "d")
        await made.same()

    made = play(steps)
    assert len(made.server.asked("GET", LIST)) == 1


def test_a_connection_that_is_torn_goes_on_where_it_was() -> None:
    async def steps(made: Scene) -> None:
        for watcher in made.server.watchers:
            watcher.queue.put_nowait(b'{"type":')
        await asyncio.sleep(0.01)
        made.server.faults.append(unto("GET", WATCH, dropping))
        made.server.close_watches()
        await until(lambda: made.server.opened >= 2)
        made.server.put("pods", "d")
        await made.same()

    play(steps)


def test_a_line_that_is_no_event_is_survived() -> None:
    async def steps(made: Scene) -> None:
        made.server.say("pods", b"<html>\n")
        await until(lambda: made.server.opened == 2)
        made.server.say("pods", b'{"type": "ADDED", "object": 7}\n')
        await until(lambda: made.server.opened == 3)
        made.server.put("pods", "d")
        await made.same()

    made = play(steps)
    assert made.reflector.trouble is None


def test_a_watch_that_says_nothing_is_begun_anew() -> None:
    async def steps(made: Scene) -> None:
        await until(lambda: made.server.opened >= 2)
        made.server.put("pods", "d")
        await made.same()

    made = play(steps, silence=0.05)
    assert len(made.server.asked("GET", LIST)) == 1


def test_duplicates_and_what_was_overtaken_are_dropped() -> None:
    async def steps(made: Scene) -> None:
        server = made.server
        old = {**server._objects["pods"]["default/a"]}
        server.put("pods", "a")
        new = server._objects["pods"]["default/a"]
        for state in (new, old, new, old):
            server.say("pods", {"type": "MODIFIED", "object": state})
        server.say("pods", {"type": "DELETED", "object": old})
        server.put("pods", "end")
        await made.same()

    made = play(steps)
    assert made.mirror.journal[5:] == ["put a", "put end"]


def test_what_was_deleted_does_not_come_back_out_of_order() -> None:
    async def steps(made: Scene) -> None:
        old = {**made.server._objects["pods"]["default/a"]}
        made.server.delete("pods", "a")
        made.server.say("pods", {"type": "MODIFIED", "object": old})
        made.server.say("pods", {"type": "DELETED", "object": old})
        made.server.bookmark("pods")
        made.server.put("pods", "end")
        await made.same()
        # A new one of the name is another matter.
        made.server.put("pods", "a")
        await made.same()

    made = play(steps)
    assert made.mirror.journal[5:] == ["gone a", "put end", "put a"]


def test_versions_that_are_no_numbers_count_in_the_order_of_their_coming() -> None:
    async def steps(made: Scene) -> None:
        for version in ("x9", "x1", "x1"):
            state = {"metadata": {"name": "odd", "namespace": "default", "resourceVersion": version}}
            made.server.say("pods", {"type": "MODIFIED", "object": state})
        await until(lambda: made.mirror.journal.count("put odd") == 3)

    assert play(steps).mirror.objects["odd"] == "x1"


def test_a_kind_that_is_not_there_is_empty_and_looked_for_every_minute() -> None:
    async def run() -> None:
        time, mirror = FakeTime(), Mirror()
        async with api_server("nodes") as server, Api(access_to(server.url), timing=time.timing) as api:
            reflector = Reflector(api, PODS, mirror)
            task = asyncio.create_task(reflector.run())
            async with asyncio.timeout(5):
                await reflector.synced.wait()
            assert reflector.is_missing
            assert mirror.journal[-2:] == ["restart", "settle"]
            await until(lambda: len(time.pauses) > 3)
            assert all(60 <= pause < 67 for pause in time.pauses)
            server.put("pods", "first")
            server.served.add("pods")
            await until(lambda: mirror.objects)
            assert not reflector.is_missing
            # And when it is taken away, what it had is gone.
            server.served.remove("pods")
            server.compact()
            server.close_watches()
            await until(lambda: not mirror.objects)
            assert reflector.is_missing
            task.cancel()

    asyncio.run(run())


def test_what_is_forbidden_is_told_and_tried_again() -> None:
    def prepare(server: ApiServer) -> None:
        server.faults.extend(answering(lambda: status(403, "Forbidden", "no")) for _ in range(3))

    async def run() -> None:
        async with scene(prepare) as made:
            await until(lambda: made.reflector.trouble)
            assert isinstance(made.reflector.trouble, ForbiddenError)
            assert 'resources: ["pods"], verbs: ["list"]' in str(made.reflector.trouble)
            assert not made.reflector.synced.is_set() or made.reflector.trouble is None
            await made.server.watched()
            assert made.reflector.trouble is None
            assert made.reflector.synced.is_set()

    asyncio.run(run())


def test_a_version_that_the_server_has_not_reached_is_listed_anew() -> None:
    """As after an etcd was restored from a backup."""

    async def steps(made: Scene) -> None:
        too_large = answering(lambda: status(504, "Timeout", "Too large resource version: 103, current: 7"))
        made.server.faults.extend(unto("GET", WATCH, too_large) for _ in range(2))
        made.server.version, made.server._history = 50, []
        made.server._objects["pods"] = {}
        made.server.put("pods", "b")
        made.server.close_watches()
        await until(lambda: len(made.server.asked("GET", LIST)) == 2)
        await made.same()
        await made.server.watched()
        # It had a larger version before.
        made.server.put("pods", "a")
        await made.same()

    play(steps)


def test_a_kind_that_is_served_in_another_version_only_is_told() -> None:
    lists = Lists({"/apis/scheduling.volcano.sh/v9/queues": []})

    async def run() -> None:
        async with serving(lists.handle) as url, Api(access_to(url), timing=FakeTime().timing) as api:
            reflector = Reflector(api, KINDS["queues.scheduling.volcano.sh"], Mirror())
            task = asyncio.create_task(reflector.run())
            async with asyncio.timeout(5):
                await reflector.synced.wait()
            assert reflector.is_missing
            assert "queues.scheduling.volcano.sh: found version v9, expected v1beta1" in str(reflector.trouble)
            task.cancel()

    asyncio.run(run())


QUEUES = KINDS["queues.scheduling.volcano.sh"]


@pytest.mark.parametrize(
    ("there", "hinders"),
    [
        ({}, False),
        ({"/apis/scheduling.volcano.sh/v1beta1/podgroups": []}, False),
        ({"/apis/scheduling.volcano.sh/v1beta1/queues": []}, True),
    ],
    ids=["no such group", "the group lacks the kind", "there is one"],
)
def test_what_is_forbidden_hinders_only_where_it_is_installed(there: dict[str, Any], hinders: bool) -> None:
    lists = Lists(there)
    forbidden = unto("GET", "/queues", answering(lambda: status(403, "Forbidden", "no")))
    lists.faults.extend(forbidden for _ in range(100))

    async def run() -> None:
        async with serving(lists.handle) as url, Api(access_to(url), timing=FakeTime().timing) as api:
            reflector = Reflector(api, QUEUES, Mirror())
            task = asyncio.create_task(reflector.run())
            await until(lambda: reflector.synced.is_set() or reflector.trouble)
            assert reflector.synced.is_set() is not hinders
            assert isinstance(reflector.trouble, ForbiddenError) is hinders
            task.cancel()

    asyncio.run(run())


def test_the_first_failure_is_told_before_the_list_is_given_up() -> None:
    def prepare(server: ApiServer) -> None:
        server.faults.extend(answering(lambda: status(503, "", "starting")) for _ in range(3))

    async def run() -> None:
        with capture_logs() as lines:
            async with scene(prepare) as made:
                await until(lambda: lines)
                assert made.reflector.trouble is None
                await made.server.watched()
        assert [line["event"] for line in lines] == [LISTING, "works again"]
        assert lines[0]["kinds"] == "pods"

    asyncio.run(run())


def test_an_overloaded_server_is_left_alone_for_as_long_as_it_asks() -> None:
    async def steps(made: Scene) -> None:
        made.server.faults.append(
            unto("GET", WATCH, answering(lambda: status(429, "TooManyRequests", "", {"Retry-After": "9"})))
        )
        made.server.close_watches()
        await until(lambda: made.server.opened == 2)

    made = play(steps)
    assert 9 * 1.125 in made.time.pauses
    assert len(made.server.asked("GET", LIST)) == 1


def test_the_clock_of_the_wall_may_jump() -> None:
    async def steps(made: Scene) -> None:
        for jump in (-1e7, 2e7):
            made.time.wall += jump
            made.server.close_watches()
            opened = made.server.opened
            await until(lambda opened=opened: made.server.opened > opened)
            made.server.put("pods", f"after{jump}")
            await made.same()

    assert len(play(steps).server.asked("GET", LIST)) == 1


def test_a_namespace_and_selectors_are_asked_of_list_and_watch() -> None:
    async def steps(made: Scene) -> None:
        made.server.put("pods", "elsewhere", "other")
        made.server.put("pods", "d")
        await until(lambda: "d" in made.mirror.objects)

    made = play(steps, namespace="default", selector="app=web", fields="spec.nodeName=")
    assert "elsewhere" not in made.mirror.objects
    for url in made.server.asked("GET", "pods"):
        assert url.startswith("/api/v1/namespaces/default/pods?")
        assert "labelSelector=app%3Dweb" in url
        assert "fieldSelector=spec.nodeName%3D" in url


FAULTS = (
    answering(lambda: status(500)),
    answering(lambda: status(503)),
    answering(lambda: status(429, "", "", {"Retry-After": "1"})),
    answering(lambda: status(410, "Expired")),
    dropping,
)


@pytest.mark.parametrize("seed", range(3))
def test_after_any_faults_the_mirror_is_true(seed: int) -> None:
    """Changes and faults in any order end in the same state."""
    chance = random.Random(seed)

    async def steps(made: Scene) -> None:
        server = made.server
        for _ in range(150):
            name = f"p{chance.randrange(12)}"
            match chance.randrange(8):
                case 0:
                    server.close_watches()
                case 1:
                    server.compact()
                case 2:
                    server.faults.append(chance.choice(FAULTS))
                case 3 if name in made.truth():
                    server.delete("pods", name)
                case 4:
                    server.bookmark("pods")
                case 5 if made.truth():
                    state = chance.choice(list(server._objects["pods"].values()))
                    server.say("pods", {"type": "MODIFIED", "object": state})
                case _:
                    server.put("pods", name)
            if chance.random() < 0.4:
                await asyncio.sleep(0.002)
        server.faults.clear()
        server.put("pods", "last")
        await made.same()

    play(steps, page=3)
