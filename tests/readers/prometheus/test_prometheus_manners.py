"""What a server may do that is no answer: busy, slow, half, elsewhere, not Prometheus at all."""

from __future__ import annotations

import gzip
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest
from made_prometheus import Played, failure, success

from yuheng.errors import InputError
from yuheng.readers.usage.prometheus import VARIABLES, Bounds, Manners, Question, access_of, fetch
from yuheng.readers.usage.prometheus.answers import TooMuchError
from yuheng.readers.usage.prometheus.server import Server

DAY = 86_400
QUICK = Manners(timeout=0.3, attempts=4, first_pause=0.5, longest_pause=20.0, interval=0.0)
NOW = success([{"metric": {}, "value": [0, "1767312000"]}])
HTML = (200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><html><body>Sign in</body></html>")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


class Patience:
    """Pauses that are only written down."""

    def __init__(self):
        self.pauses = []

    def __call__(self, seconds):
        self.pauses.append(seconds)


def asking(url, manners=QUICK, environment=None):
    patience = Patience()
    server = Server(access_of(url, environment or {}), manners, sleep=patience, chance=lambda: 1.0)
    return server, patience


def half_of(body):
    """Half of what was announced, then silence."""

    def play(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[: len(body) // 2])
        handler.wfile.flush()
        handler.connection.close()

    return play


def slow(handler):
    """A drop now and then, for longer than anybody waits."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    try:
        for _ in range(100):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)
    except OSError:
        pass


def cut(handler):
    """Nothing at all."""
    handler.connection.close()


TEMPORARY = {
    "429": (429, {}, b"slow down"),
    "503": (503, {}, b""),
    "502 of a proxy": (502, {"Content-Type": "text/html"}, b"<html>Bad Gateway</html>"),
    "half an answer": half_of(NOW[2]),
    "an answer cut within its JSON": (200, {}, NOW[2][:-5]),
    "half of what was zipped": (200, {"Content-Encoding": "gzip"}, gzip.compress(NOW[2])[:-9]),
    "a connection that is closed": cut,
}


@pytest.mark.parametrize("reply", TEMPORARY.values(), ids=TEMPORARY)
def test_what_is_temporary_is_asked_again_after_a_pause_that_doubles(reply):
    with Played(lambda number, *_: reply if number in (2, 3, 4) else NOW) as played:
        server, patience = asking(played.url)
        server.ask("query", {"query": "1"})
        assert len(server.ask("query", {"query": "1"}).series) == 1
    assert patience.pauses == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("reply", [(429, {}, b"slow down"), (503, {}, b"busy")], ids=["429", "503"])
def test_a_server_that_stays_busy_is_left_alone_in_the_end(reply):
    with Played(lambda *_: reply) as played:
        server, _ = asking(played.url)
        with pytest.raises(InputError, match=r"127.0.0.1.*: found (429 Too Many|503 Service).*, 4 times, expected"):
            server.ask("query", {"query": "1"})
    assert len(played.requests) == 4


def test_jitter_keeps_pauses_between_half_and_all():
    for chance, expected in ((0.0, [0.25, 0.5, 1.0]), (1.0, [0.5, 1.0, 2.0])):
        with Played(lambda *_: (503, {}, b"")) as played:
            patience = Patience()
            server = Server(access_of(played.url, {}), QUICK, sleep=patience, chance=lambda drawn=chance: drawn)
            with pytest.raises(InputError):
                server.ask("query", {"query": "1"})
        assert patience.pauses == expected


@pytest.mark.parametrize(("wanted", "kept"), [("7", 7.0), ("3600", 20.0), ("soon", 0.5)])
def test_a_pause_that_the_server_asks_for_is_kept_within_reason(wanted, kept):
    with Played(lambda number, *_: (429, {"Retry-After": wanted}, b"") if number == 1 else NOW) as played:
        server, patience = asking(played.url)
        server.ask("query", {"query": "1"})
    assert patience.pauses == [kept]


FINAL = {
    "a page": (HTML, "an HTML page, expected an answer of the HTTP API of Prometheus: is the address"),
    "another path": ((404, {}, b"404 page not found"), "404 Not Found: 404 page not found"),
    "not logged in": ((401, {}, b""), "401 Unauthorized, expected credentials in YUHENG_PROMETHEUS_TOKEN_FILE"),
    "not allowed": ((403, {}, b"no"), "403 Forbidden, expected credentials"),
    "a redirect": ((302, {"Location": "http://127.0.0.1:1/x"}, b""), "a redirect to http://127.0.0.1:1/x"),
    "a login": (
        (302, {"Location": "https://me:hidden@sso/login?next=a@b&state=hidden#hidden"}, b""),
        "a redirect to https://sso/login, expected an answer of the HTTP API of Prometheus at this address",
    ),
    "a login nearby": ((307, {"Location": "/login?token=hidden"}, b""), "a redirect to /login, expected"),
    "a redirect to nowhere": ((302, {}, b""), "a redirect to nowhere"),
    "a query that is wrong": (failure(400, "bad_data", "parse error\nat char 3"), "400 Bad Request: parse error at"),
    "an error as a success": (failure(200, "internal", "broken"), "200: broken"),
}


@pytest.mark.parametrize(("reply", "message"), FINAL.values(), ids=FINAL)
def test_what_no_patience_mends_is_told_at_once_in_one_line(reply, message):
    with Played(lambda *_: reply) as played:
        server, patience = asking(played.url)
        with pytest.raises(InputError) as told:
            server.ask("query", {"query": "1"})
    assert message in str(told.value)
    assert "\n" not in str(told.value)
    assert "hidden" not in str(told.value)
    assert (len(played.requests), patience.pauses) == (1, [])


def test_a_server_that_is_not_there_is_told_at_once():
    server, patience = asking("http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"http://127\.0\.0\.1:9: found Connection refused"):
        server.ask("query", {"query": "1"})
    assert patience.pauses == []


def test_an_answer_that_drips_is_given_up_on():
    with Played(lambda *_: slow) as played:
        server, _ = asking(played.url)
        with pytest.raises(TooMuchError, match="no whole answer in time"):
            server.ask("query", {"query": "1"})
    assert len(played.requests) == 2


def test_an_answer_larger_than_any_is_not_taken_into_memory():
    bomb = gzip.compress(b" " * 10_000_000)
    for reply in ((200, {"Content-Encoding": "gzip"}, bomb), (200, {}, b" " * 2_000_000)):
        with Played(lambda *_, said=reply: said) as played:
            server, _ = asking(played.url, QUICK._replace(largest=1_000_000))
            with pytest.raises(InputError, match=r"an answer of more than 0\.95\d* MiB"):
                server.ask("query", {"query": "1"})


def test_requests_keep_their_distance():
    with Played(lambda *_: NOW) as played:
        server, patience = asking(played.url, QUICK._replace(interval=10.0))
        for _ in range(3):
            server.ask("query", {"query": "1"})
    assert patience.pauses == [pytest.approx(10.0, abs=0.5)] * 2


CREDENTIALS = {
    "a token": ({"TOKEN": "t0p"}, {"Authorization": "Bearer t0p"}),
    "a token in a file": ({"TOKEN_FILE": "secret"}, {"Authorization": "Bearer from-file"}),
    "a user": ({"USER": "me", "PASSWORD": "pass"}, {"Authorization": "Basic bWU6cGFzcw=="}),
    "a tenant": ({"TENANT": "team-a"}, {"X-Scope-Orgid": "team-a"}),
}


@pytest.mark.parametrize(("settings", "headers"), CREDENTIALS.values(), ids=CREDENTIALS)
def test_credentials_come_from_the_environment(settings, headers, tmp_path):
    (tmp_path / "secret").write_text("from-file\n", encoding="utf-8")
    known = {name: str(tmp_path / "secret") if name.endswith("_FILE") else value for name, value in settings.items()}
    environment = {f"YUHENG_PROMETHEUS_{name}": value for name, value in known.items()}
    with Played(lambda *_: NOW) as played:
        server, _ = asking(played.url, environment=environment)
        server.ask("query", {"query": "1"})
    sent = {name.title(): value for name, value in played.requests[0][2].items()}
    assert headers.items() <= sent.items()


ADDRESSES = {
    "a password": ("http://me:hidden@host", "a user in the address"),
    "a query": ("http://host/?a=1", "a query or fragment in the address"),
    "a file": ("file:///etc/passwd", "'file:///etc/passwd', expected an address such as http://localhost:9090"),
    "a host alone": ("localhost:9090", "'localhost:9090', expected an address such as"),
    "no port": ("http://host:x", "'http://host:x', expected an address"),
    "a line end": ("http://host/\r\nX: y", "expected an address"),
    "a query of what is none": ("host:9090?token=hidden", "'host:9090', expected an address"),
    "a query and a blank": ("http://host/a b?token=hidden#hidden", "'http://host/a b', expected an address"),
    "a password of marks": ("htp://me:hidden?hidden/hidden@host/x", "'host/x', expected an address"),
}


@pytest.mark.parametrize(("url", "message"), ADDRESSES.values(), ids=ADDRESSES)
def test_addresses_that_cannot_be_asked_are_refused_without_their_secrets(url, message):
    with pytest.raises(InputError) as told:
        access_of(url, {})
    assert message in str(told.value)
    assert "hidden" not in str(told.value)


SETTINGS = {
    "two kinds of credentials": ({"TOKEN": "a", "USER": "b"}, "YUHENG_PROMETHEUS_TOKEN and YUHENG_PROMETHEUS_USER"),
    "a file that is not there": ({"TOKEN_FILE": "/no/such"}, "/no/such: YUHENG_PROMETHEUS_TOKEN_FILE: found what"),
    "a line end": ({"TOKEN": "a\nHost: b"}, "characters that no header can hold"),
    "no certificates": ({"CA_FILE": "/no/such.pem"}, "/no/such.pem: found what cannot be used"),
}


@pytest.mark.parametrize(("settings", "message"), SETTINGS.values(), ids=SETTINGS)
def test_settings_that_cannot_be_used_are_refused(settings, message):
    environment = {f"YUHENG_PROMETHEUS_{name}": value for name, value in settings.items()}
    with pytest.raises(InputError) as told:
        asking("http://127.0.0.1:9", environment=environment)[0].ask("query", {"query": "1"})
    assert message in str(told.value)


def test_the_guide_names_every_variable():
    guide = Path(__file__).parents[3] / "docs" / "guides" / "prometheus.md"
    text = guide.read_text(encoding="utf-8")
    assert [name for name in VARIABLES if f"`{name}`" not in text] == []


def test_an_access_shows_no_secret():
    assert "t0p" not in repr(access_of("http://host", {"YUHENG_PROMETHEUS_TOKEN": "t0p"}))


def test_credentials_in_clear_to_another_machine_are_told():
    settings = {"YUHENG_PROMETHEUS_TOKEN": "t0p"}
    assert access_of("http://far.example", settings).is_secret_in_clear
    assert not access_of("https://far.example", settings).is_secret_in_clear
    assert not access_of("http://127.0.0.1:9090", settings).is_secret_in_clear
    assert not access_of("http://far.example", {}).is_secret_in_clear


class Small:
    """A server of one container that cannot answer more than some points at once."""

    def __init__(self, most, warnings=()):
        self.most = most
        self.warnings = list(warnings)
        self.lengths = []

    def __call__(self, _, path, form):
        query = form["query"]
        if query == "vector(time())":
            return NOW
        if "container_cpu_usage_seconds_total" not in query:
            return success([])
        if path.endswith("/query"):
            return success([{"metric": {"namespace": "shop"}, "value": [0, "1"]}])
        start, end, step = (int(form[name]) for name in ("start", "end", "step"))
        self.lengths.append((end - start) // step + 1)
        if self.lengths[-1] > self.most:
            return failure(422, "execution", "query processing would load too many samples into memory")
        labels = {"namespace": "shop", "pod": "cart-0", "container": "app"}
        values = [[time, "NaN" if time == end else "0.5"] for time in range(start, end + 1, step)]
        return success([{"metric": labels, "values": values}], warnings=self.warnings)


PERIOD = (1_767_225_600.0, 1_767_312_000.0 - 3600)


def asked(played, cache):
    return fetch(access_of(played.url, {}), Question(step=3600.0, period=PERIOD), cache, manners=QUICK)


def test_what_is_too_much_is_asked_in_halves_and_not_tried_again(tmp_path):
    small = Small(6)
    with Played(small) as played:
        fetched = asked(played, tmp_path)
        assert small.lengths == [23, 11, 5, 6, 12, 6, 6]
        assert asked(played, tmp_path).asked == 1
    count = duckdb.execute("SELECT count(*) FROM read_parquet(?)", [[str(path) for path in fetched.paths]]).fetchone()
    # Each answer ends in what is no number, and is no sample.
    assert count == (23 - 4,)


def test_a_server_that_cannot_answer_a_single_point_is_told(tmp_path):
    with Played(Small(0)) as played, pytest.raises(InputError, match=r"422 .*: query processing would load too many"):
        asked(played, tmp_path)


def test_a_part_that_did_not_answer_is_told_and_asked_again(tmp_path):
    with Played(Small(100, ["store 10.0.0.1 did not answer"])) as played:
        notes = asked(played, tmp_path).notes
        assert "part of the server did not answer: store 10.0.0.1 did not answer" in notes
        before = len(played.requests)
        assert asked(played, tmp_path).asked == len(played.requests) - before > 1


def test_two_runs_at_once_ask_for_everything_once(tmp_path):
    def answer(number, path, form):
        time.sleep(0.05)
        return Small(6)(number, path, form)

    with Played(answer) as played:
        with ThreadPoolExecutor(2) as pool:
            runs = list(pool.map(lambda _: asked(played, tmp_path), range(2)))
        assert min(run.asked for run in runs) == 1  # the time of the server
        assert len(played.requests) == sum(run.asked for run in runs)
    assert runs[0].paths == runs[1].paths
    assert all(path.exists() for path in runs[0].paths)


def test_remarks_on_a_query_are_no_missing_parts(tmp_path):
    with Played(Small(100, ["PromQL info: metric might not be a counter"])) as played:
        asked(played, tmp_path)
        assert asked(played, tmp_path).asked == 1


def test_clocks_that_differ_are_told(tmp_path):
    with Played(Small(100)) as played:
        assert any("its clock is -" in note for note in asked(played, tmp_path).notes)


def test_a_pod_with_more_series_than_any_query_may_have_is_left_out_and_told(tmp_path):
    def answer(number, path, form):
        if "count by (pod)" in form["query"]:
            return success(
                [{"metric": {"pod": name}, "value": [0, str(count)]} for name, count in (("a", 9), ("b", 2))]
            )
        if "count by" in form["query"] and "cpu_usage" in form["query"]:
            return success([{"metric": {"namespace": "shop"}, "value": [0, "11"]}])
        return Small(100)(number, path, form)

    with Played(answer) as played:
        question = Question(step=3600.0, period=PERIOD)
        fetched = fetch(access_of(played.url, {}), question, tmp_path, manners=QUICK, bounds=Bounds(series=5))
    assert any(note.startswith("pod shop/a: 9 series of container_cpu_usage_seconds_total") for note in fetched.notes)
    ranges = [form["query"] for path, form, _ in played.requests if path.endswith("range")]
    assert len(ranges) == 1
    assert 'pod=~"b",pod!~"a"' in ranges[0]


def test_queries_travel_in_the_body_with_the_time_they_may_take():
    with Played(lambda *_: NOW) as played:
        asking(played.url + "/prom/")[0].ask("query", {"query": "1"})
    path, form, headers = played.requests[0]
    assert (path, form) == ("/prom/api/v1/query", {"query": "1", "timeout": "0.3s"})
    assert headers["User-Agent"] == "yuheng"
    assert json.loads(NOW[2])["status"] == "success"
