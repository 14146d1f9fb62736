"""Logs: what a line looks like, and what no line ever shows."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from yuheng.errors import ConfigError
from yuheng.kubernetes.logs import masked, start_logs
from yuheng.kubernetes.mirror.known import Known
from yuheng.model.pod import Pod

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl"  # noqa: S105 -- made up
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIDCzCCAfOgAwIBAgIU\n-----END CERTIFICATE-----"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA"


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def logged(form: str = "json", level: str = "debug", /, msg: str = "bound", how: str = "info", **fields: Any) -> str:
    stream = io.StringIO()
    start_logs(level, form, stream)
    getattr(structlog.get_logger("yuheng.running"), how)(msg, **fields)
    return stream.getvalue()


def test_a_line_of_json_begins_with_when_who_and_what() -> None:
    line = json.loads(logged(pod="work/web", node="a", count=np.int64(3), share=0.5, ok=True, none=None))
    assert list(line)[:4] == ["ts", "level", "logger", "msg"]
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "info",
        "logger": "yuheng.running",
        "msg": "bound",
        "pod": "work/web",
        "node": "a",
        "count": 3,
        "share": 0.5,
        "ok": True,
        "none": None,
    }


def test_a_line_of_text_is_keys_and_values() -> None:
    line = logged("text", msg="Successfully bound", pod="work/web", ok=True)
    assert line.startswith("ts=20")
    assert line.endswith(' level=info logger=yuheng.running msg="Successfully bound" pod=work/web ok=true\n')


def test_what_is_below_the_level_is_not_logged() -> None:
    assert logged("json", "warning", how="info") == ""
    assert logged("json", "warning", how="error") != ""


def test_libraries_log_into_the_same_lines_from_warnings_up() -> None:
    stream = io.StringIO()
    start_logs("debug", "json", stream)
    logging.getLogger("aiohttp.server").info("hush")
    logging.getLogger("aiohttp.server").error("Bearer %s", TOKEN)
    [line] = stream.getvalue().splitlines()
    assert json.loads(line)["logger"] == "aiohttp.server"
    assert json.loads(line)["level"] == "error"
    assert TOKEN not in line


@pytest.mark.parametrize(("level", "form"), [("loud", "json"), ("info", "xml")])
def test_an_unknown_level_or_format_is_told_in_a_line(level: str, form: str) -> None:
    with pytest.raises(ConfigError, match=r"found '(loud|xml)', expected one of"):
        start_logs(level, form)


@pytest.mark.parametrize("form", ["json", "text"])
@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"401: Bearer {TOKEN} is expired", TOKEN),
        ("header was: Authorization: Bearer abc.def-123", "abc.def-123"),
        ("authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        (f"the plugin said {{'token': '{TOKEN}'}}", TOKEN),
        ('{"token":"abcdef0123456789","expirationTimestamp":"x"}', "abcdef0123456789"),
        ("GET https://host/api?access_token=s3cr3t&watch=1", "s3cr3t"),
        ("password=hunter2 user=me", "hunter2"),
        ("proxy http://me:hunter2@proxy:3128 refused", "hunter2"),
        (f"not a certificate: {CERTIFICATE}", "MIIDCzCCAfOgAwIBAgIU"),
        (f"cut off: {KEY}", "MIIEpAIBAAKCAQEA"),
        (f"data: {base64.b64encode(CERTIFICATE.encode()).decode()}", "LS0tLS1CRUdJTiBDRVJU"),
        ("k8s-aws-v1.aHR0cHM6Ly9zdHMuYW1hem9u rejected", "aHR0cHM6Ly9zdHMuYW1hem9u"),
        ("client-key-data: QUJDREVGRw==", "QUJDREVGRw"),
    ],
)
def test_credentials_are_masked_wherever_they_stand(form: str, text: str, secret: str) -> None:
    for line in (logged(form, msg=text), logged(form, err=text), logged(form, err=ValueError(text), all=[text])):
        assert secret not in line
        assert "***" in line


def test_fields_that_are_named_like_credentials_are_masked_whatever_they_hold() -> None:
    fields: dict[str, Any] = {"token": "x", "bearer_token": 7, "password": ["a"], "Authorization": {"a": 1}}
    line = json.loads(logged(**fields, node="a"))
    assert {name: line[name] for name in fields} == dict.fromkeys(fields, "***")
    assert line["node"] == "a"


def test_tracebacks_are_masked_too() -> None:
    stream = io.StringIO()
    start_logs("info", "json", stream)
    try:
        int(f"Bearer {TOKEN}")
    except ValueError:
        structlog.get_logger("x").exception("failed")
    assert TOKEN not in stream.getvalue()
    assert "ValueError" in json.loads(stream.getvalue())["exception"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_of_an_object_only_its_type_is_shown(form: str) -> None:
    planted = "environment-value"
    pod = Pod(name=planted)
    spec = {"containers": [{"env": [{"name": "A", "value": planted}]}]}
    known = Known(key="a/b", uid="u", pod=pod, told=planted)
    line = logged(form, pod=pod, spec=spec, known=known, raw=planted.encode(), all=[pod, spec])
    assert planted not in line
    assert "<Pod>" in line


def test_what_a_terminal_would_obey_is_shown_as_what_it_is() -> None:
    assert "\x1b" not in logged("text", node="\x1b[31mred\r\n level=error")
    assert logged("text", node="\x1b[31mred\r\n level=error").count("\n") == 1
    assert json.loads(logged("json", node="a\ud800b"))["node"] == "a\\ud800b"


def test_what_is_no_credential_stays() -> None:
    for text in (
        "0/3 nodes are available: 3 Insufficient cpu.",
        "Pod work/web: spec.affinity: found 3, expected an object",
        'no role allows apiGroups: [""], resources: ["pods/binding"], verbs: ["create"], in all namespaces',
        "secrets are not listed",
        "a.b@example.com",
    ):
        assert masked(text) == text


@given(before=st.text(max_size=80), after=st.text(max_size=80))
def test_a_token_is_masked_whatever_stands_around_it(before: str, after: str) -> None:
    assert TOKEN not in masked(f"{before} {TOKEN} {after}")
