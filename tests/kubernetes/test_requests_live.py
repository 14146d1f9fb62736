"""One request to an API server: what it carries, what comes back, and what is asked again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from aiohttp import web
from tests.kubernetes.made_api_server import (
    ApiServer,
    FakeTime,
    access_to,
    answering,
    api_server,
    dropping,
    serving,
    status,
)

from yuheng.errors import YuhengError
from yuheng.kubernetes.api import (
    KINDS,
    Api,
    ApiError,
    Asked,
    ConflictError,
    ForbiddenError,
    GoneError,
    MissingError,
    Patience,
    UnauthorizedError,
    UnreachableError,
    rule_of,
)

PODS = KINDS["pods"]
POD = b'{"metadata": {"name": "web"}, "spec": {}}'


def asking(
    prepare: Callable[[ApiServer], object], verb: str = "GET", path: str = "", body: bytes = b"", **options: object
) -> tuple[bytes | YuhengError, ApiServer, FakeTime]:
    """Ask a server once; gives the answer or the error, the server, and the clock."""
    time = FakeTime()

    async def ask() -> tuple[bytes | YuhengError, ApiServer]:
        async with api_server() as server, Api(access_to(server.url), timing=time.timing) as api:
            server.put("pods", "here")
            prepare(server)
            try:
                return await api.request(verb, path or PODS.path("default", "here"), body, **options), server
            except YuhengError as error:
                return error, server

    answer, server = asyncio.run(ask())
    return answer, server, time


def failing(*codes: int, headers: dict[str, str] | None = None) -> Callable[[ApiServer], None]:
    def prepare(server: ApiServer) -> None:
        server.faults.extend(answering(lambda code=code: status(code, "Why", "so", headers)) for code in codes)

    return prepare


def test_a_request_says_who_asks_and_gets_the_body_of_the_answer() -> None:
    answer, server, _ = asking(lambda _: None)
    assert json.loads(answer)["metadata"]["name"] == "here"
    ((verb, url, headers),) = server.requests
    assert (verb, url) == ("GET", "/api/v1/namespaces/default/pods/here")
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["Accept"] == "application/json"
    assert "Cookie" not in headers


def test_a_body_is_sent_as_it_is() -> None:
    answer, server, _ = asking(lambda _: None, "POST", PODS.path("default"), POD)
    assert json.loads(answer)["metadata"]["name"] == "web"
    assert server.requests[0][2]["Content-Type"] == "application/json"


def test_a_patch_has_the_type_it_is_given() -> None:
    _, server, _ = asking(
        lambda _: None,
        "PATCH",
        PODS.path("default", "here"),
        b"{}",
        content_type="application/strategic-merge-patch+json",
        params=(("fieldManager", "yuheng"), ("force", "true")),
    )
    _, url, headers = server.requests[0]
    assert headers["Content-Type"] == "application/strategic-merge-patch+json"
    assert url.endswith("/pods/here?fieldManager=yuheng&force=true")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (401, UnauthorizedError),
        (403, ForbiddenError),
        (404, MissingError),
        (409, ConflictError),
        (410, GoneError),
        (422, ApiError),
    ],
)
def test_each_no_has_its_error(code: int, kind: type[ApiError]) -> None:
    error, server, time = asking(failing(code))
    assert type(error) is kind
    assert (error.status, error.reason) == (code, "Why")
    assert len(server.requests) == 1
    assert time.pauses == []


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_what_is_temporary_is_asked_again_with_pauses_that_grow(code: int) -> None:
    answer, server, time = asking(failing(code, code, code))
    assert isinstance(answer, bytes)
    assert len(server.requests) == 4
    assert time.pauses == [0.05, 0.1, 0.2]


def test_the_server_says_how_long_to_wait() -> None:
    answer, _, time = asking(failing(429, headers={"Retry-After": "7"}))
    assert isinstance(answer, bytes)
    assert time.pauses == [7 * 1.125]


def test_the_status_object_may_say_how_long_to_wait() -> None:
    body = {"kind": "Status", "code": 429, "reason": "TooManyRequests", "details": {"retryAfterSeconds": 3}}
    answer, _, time = asking(
        lambda server: server.faults.append(answering(lambda: web.json_response(body, status=429)))
    )
    assert isinstance(answer, bytes)
    assert time.pauses == [3 * 1.125]


@pytest.mark.parametrize("text", ["soon", "-1", "Wed, 21 Oct 2015 07:28:00 GMT", ""])
def test_a_wait_that_is_no_number_is_our_own(text: str) -> None:
    _, _, time = asking(failing(503, headers={"Retry-After": text}))
    assert time.pauses == [0.05]


def test_it_is_given_up_in_time() -> None:
    error, server, time = asking(failing(*[500] * 50))
    assert isinstance(error, ApiError)
    assert error.status == 500
    assert sum(time.pauses) <= 30
    assert 5 < len(server.requests) < 20


def test_a_wait_beyond_our_patience_is_not_begun() -> None:
    error, _, time = asking(failing(429, headers={"Retry-After": "60"}))
    assert isinstance(error, ApiError)
    assert error.retry_after == 60
    assert time.pauses == []


def test_a_create_that_may_have_happened_is_not_repeated() -> None:
    error, server, _ = asking(failing(500), "POST", PODS.path("default"), POD)
    assert isinstance(error, ApiError)
    assert len(server.requests) == 1
    error, server, _ = asking(lambda server: server.faults.append(dropping), "POST", PODS.path("default"), POD)
    assert isinstance(error, UnreachableError)
    assert error.was_sent
    assert len(server.requests) == 1


def test_a_create_that_was_turned_away_is_repeated() -> None:
    answer, server, _ = asking(failing(429), "POST", PODS.path("default"), POD)
    assert isinstance(answer, bytes)
    assert len(server.requests) == 2


def test_a_create_is_repeated_where_twice_is_once() -> None:
    answer, server, _ = asking(failing(500), "POST", PODS.path("default"), POD, twice_is_once=True)
    assert isinstance(answer, bytes)
    assert len(server.requests) == 2


def test_a_dropped_connection_is_asked_again() -> None:
    answer, server, _ = asking(lambda server: server.faults.append(dropping))
    assert isinstance(answer, bytes)
    assert len(server.requests) >= 2


def test_half_an_answer_is_asked_again() -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"metadata": ')
        request.transport.close()
        return response

    answer, server, _ = asking(lambda server: server.faults.append(half))
    assert isinstance(answer, bytes)
    assert json.loads(answer)
    assert len(server.requests) == 2


def test_a_slow_answer_is_not_waited_for() -> None:
    async def slow(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.Response()

    time = FakeTime()

    async def ask(verb: str) -> None:
        patience = Patience(total=0.2)
        async with (
            serving(slow) as url,
            Api(access_to(url), timing=time.timing, patience=patience, seconds=0.03) as api,
        ):
            await api.request(verb, "/api/v1/pods")

    for verb, pauses in (("GET", [0.05, 0.1]), ("POST", [])):
        time.pauses.clear()
        with pytest.raises(UnreachableError, match="does not answer in time") as caught:
            asyncio.run(ask(verb))
        assert caught.value.was_sent
        assert time.pauses == pauses


def test_a_redirect_is_not_followed() -> None:
    other: list[str] = []

    async def elsewhere(request: web.Request) -> web.StreamResponse:
        other.append(request.path)
        return web.Response(text="here")

    async def ask() -> YuhengError:
        async with serving(elsewhere) as url, api_server() as server, Api(access_to(server.url)) as api:
            server.faults.append(answering(lambda: web.Response(status=302, headers={"Location": url + "/login"})))
            with pytest.raises(ApiError) as caught:
                await api.request("GET", "/api/v1/pods")
            return caught.value

    error = asyncio.run(ask())
    assert "redirect" in str(error)
    assert other == []


def test_cookies_are_not_kept() -> None:
    def prepare(server: ApiServer) -> None:
        server.faults.append(answering(lambda: web.Response(status=500, headers={"Set-Cookie": "a=b; Path=/"})))

    _, server, _ = asking(prepare)
    assert [headers.get("Cookie") for _, _, headers in server.requests] == [None, None]


def test_a_forbidden_request_names_the_rule_that_is_missing() -> None:
    error, _, _ = asking(
        lambda server: server.faults.append(
            answering(lambda: status(403, "Forbidden", 'pods "here" is forbidden: User "u" cannot create'))
        ),
        "POST",
        PODS.path("work", "web", "binding"),
        b"{}",
    )
    assert isinstance(error, ForbiddenError)
    assert 'apiGroups: [""], resources: ["pods/binding"], verbs: ["create"], in namespace work' in str(error)
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("verb", "path", "params", "rule"),
    [
        ("GET", "/api/v1/pods", (), ("list", "", "pods", "")),
        ("GET", "/api/v1/pods", (("watch", "1"),), ("watch", "", "pods", "")),
        ("GET", "/api/v1/namespaces/a/pods/b", (), ("get", "", "pods", "a")),
        ("GET", "/api/v1/namespaces/a", (), ("get", "", "namespaces", "")),
        ("GET", "/api/v1/namespaces", (), ("list", "", "namespaces", "")),
        ("PATCH", "/api/v1/namespaces/a/status", (), ("patch", "", "namespaces/status", "")),
        ("PATCH", "/api/v1/namespaces/a/pods/b/status", (), ("patch", "", "pods/status", "a")),
        ("POST", "/api/v1/namespaces/a/pods/b/eviction", (), ("create", "", "pods/eviction", "a")),
        (
            "PUT",
            "/apis/coordination.k8s.io/v1/namespaces/a/leases/l",
            (),
            ("update", "coordination.k8s.io", "leases", "a"),
        ),
        ("DELETE", "/apis/apps/v1/namespaces/a/deployments", (), ("deletecollection", "apps", "deployments", "a")),
        ("DELETE", "/api/v1/nodes/n", (), ("delete", "", "nodes", "")),
        ("GET", "/version", (), ("get", "", "", "")),
    ],
)
def test_the_rule_of_a_request(verb: str, path: str, params: tuple, rule: tuple[str, ...]) -> None:
    assert rule_of(verb, path, params)[:4] == rule


def test_what_is_no_api_server_is_told_in_a_line() -> None:
    page = "<html>\n" + "Sign in " * 10_000
    error, _, _ = asking(
        lambda server: server.faults.append(
            answering(lambda: web.Response(text=page, status=404, content_type="text/html"))
        )
    )
    assert isinstance(error, MissingError)
    assert "text/html" in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 300


def test_what_others_say_is_shown_inert_and_short() -> None:
    error, _, _ = asking(
        lambda server: server.faults.append(answering(lambda: status(422, "Invalid", "bad\x1b[31m\nname" + "x" * 9000)))
    )
    assert "\x1b" not in str(error)
    assert "\n" not in str(error)
    assert len(str(error)) < 600


def test_a_server_that_is_not_there_is_named() -> None:
    time = FakeTime()

    async def ask() -> None:
        async with Api(access_to("http://127.0.0.1:9"), timing=time.timing, patience=Patience(5.0)) as api:
            await api.request("POST", "/api/v1/pods", b"{}")

    with pytest.raises(UnreachableError, match=r"http://127\.0\.0\.1:9: no connection to the API server: ") as caught:
        asyncio.run(ask())
    assert not caught.value.was_sent
    # It was never sent: even a create is tried again.
    assert len(time.pauses) > 3


def test_a_name_that_is_no_address_is_named() -> None:
    async def ask() -> None:
        async with Api(access_to("http://no-such-host.invalid"), patience=Patience(0.0)) as api:
            await api.request("GET", "/version")

    with pytest.raises(UnreachableError, match=r"no-such-host\.invalid"):
        asyncio.run(ask())


def test_many_requests_share_a_bounded_number_of_connections() -> None:
    together: list[int] = []
    now = 0

    async def slow(_: web.Request) -> web.StreamResponse:
        nonlocal now
        now += 1
        together.append(now)
        await asyncio.sleep(0.005)
        now -= 1
        return web.json_response({})

    async def ask() -> None:
        async with serving(slow) as url, Api(access_to(url), in_flight=4) as api:
            await asyncio.gather(*(api.request("GET", f"/{number}") for number in range(40)))

    asyncio.run(ask())
    assert len(together) == 40
    assert max(together) == 4


def test_an_observer_is_told_of_each_answer() -> None:
    told: list[tuple[str, str, int]] = []

    def observe(asked: Asked, code: int, seconds: float) -> None:
        assert seconds >= 0
        told.append((asked.verb, asked.path, code))

    async def ask() -> None:
        async with api_server() as server, Api(access_to(server.url), timing=FakeTime().timing, observe=observe) as api:
            server.faults.append(answering(lambda: status(503)))
            await api.request("GET", "/api/v1/pods")

    asyncio.run(ask())
    assert told == [("GET", "/api/v1/pods", 503), ("GET", "/api/v1/pods", 200)]


def test_paths_are_escaped() -> None:
    assert PODS.path("a/b", "c?d") == "/api/v1/namespaces/a%2Fb/pods/c%3Fd"
    assert KINDS["jobs.batch.volcano.sh"].path() == "/apis/batch.volcano.sh/v1alpha1/jobs"
