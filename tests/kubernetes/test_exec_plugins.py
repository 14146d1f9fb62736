"""Credentials from a program: run without a shell, kept until they expire, renewed when they are refused."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.kubernetes.made_api_server import FakeTime, answering, api_server, kubeconfig, status

from yuheng.errors import InputError
from yuheng.kubernetes.access import Access, open_access
from yuheng.kubernetes.access.kubeconfig import Cluster, Plugin
from yuheng.kubernetes.access.plugins import PluginSource
from yuheng.kubernetes.api import Api, UnauthorizedError

VERSION = "client.authentication.k8s.io/v1"
# Counts its runs, and answers with a token that says which one it is.
PROGRAM = """
import json, os, sys
from pathlib import Path
runs = Path({folder!r}) / "runs"
number = len(runs.read_text()) + 1 if runs.exists() else 1
runs.write_text("x" * number)
(Path({folder!r}) / "asked").write_text(os.environ["KUBERNETES_EXEC_INFO"])
(Path({folder!r}) / "seen").write_text(json.dumps([sys.argv[1:], os.environ.get("EXTRA"), "HOME" in os.environ]))
{more}
print(json.dumps({{"kind": "ExecCredential", "apiVersion": {version!r}, "status": {status}}}))
"""


def plugin(folder: Path, given: str = '{"token": f"t{number}"}', more: str = "", extra: str = "") -> Path:
    """A kubeconfig whose user is a program."""
    program = folder / "program.py"
    program.write_text(PROGRAM.format(folder=str(folder), version=VERSION, status=given, more=more))
    user = f"""exec:
  apiVersion: {VERSION}
  command: {sys.executable}
  args: ['{program}', '$(id)', 'a b']
  env: [{{name: EXTRA, value: more}}]
  interactiveMode: Never
{extra}"""
    return kubeconfig(folder / "config", "https://10.0.0.1:6443", cluster="tls-server-name: name", user=user)


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text())


def headers(access: Access) -> tuple[tuple[str, str], ...]:
    return asyncio.run(access.renewed()).headers


def test_a_program_is_run_as_it_is_written(tmp_path: Path) -> None:
    access = open_access(plugin(tmp_path))
    assert headers(access) == (("Authorization", "Bearer t1"),)
    assert json.loads((tmp_path / "seen").read_text()) == [["$(id)", "a b"], "more", True]
    asked = json.loads((tmp_path / "asked").read_text())
    assert asked == {"kind": "ExecCredential", "apiVersion": VERSION, "spec": {"interactive": False}}


def test_it_is_told_of_the_cluster_if_it_wants_to_know(tmp_path: Path) -> None:
    headers(open_access(plugin(tmp_path, extra="  provideClusterInfo: true")))
    cluster = json.loads((tmp_path / "asked").read_text())["spec"]["cluster"]
    assert cluster == {"server": "https://10.0.0.1:6443", "tls-server-name": "name"}


def test_what_it_gives_is_used_until_it_expires(tmp_path: Path) -> None:
    time = FakeTime()
    end = datetime.fromtimestamp(time.wall + 100, UTC).isoformat()
    given = f'{{"token": f"t{{number}}", "expirationTimestamp": {end!r}}}'
    access = open_access(plugin(tmp_path, given), timing=time.timing)
    assert headers(access) == (("Authorization", "Bearer t1"),)
    time.wall += 80
    assert access.identity() is not None
    # Not up to the last second: it has to arrive.
    time.wall += 15
    assert access.identity() is None
    assert headers(access) == (("Authorization", "Bearer t2"),)


def test_what_does_not_expire_is_kept(tmp_path: Path) -> None:
    time = FakeTime()
    access = open_access(plugin(tmp_path), timing=time.timing)
    headers(access)
    time.wall += 1e9
    assert access.identity() is not None


def test_a_server_that_does_not_accept_it_has_it_run_again(tmp_path: Path) -> None:
    async def run() -> list[str]:
        async with api_server() as server:
            path = plugin(tmp_path)
            path.write_text(path.read_text().replace("https://10.0.0.1:6443", server.url))
            server.faults.append(answering(lambda: status(401, "Unauthorized")))
            async with Api(open_access(path)) as api:
                await asyncio.gather(*(api.request("GET", "/api/v1/pods") for _ in range(8)))
            return [found["Authorization"] for _, _, found in server.requests]

    used = asyncio.run(run())
    assert used[-1] == "Bearer t2"
    assert runs(tmp_path) == 2


def test_credentials_that_stay_refused_are_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    async def run() -> int:
        async with api_server() as server:
            path = plugin(tmp_path)
            path.write_text(path.read_text().replace("https://10.0.0.1:6443", server.url))
            server.faults.extend(answering(lambda: status(401, "Unauthorized")) for _ in range(9))
            async with Api(open_access(path)) as api:
                with pytest.raises(UnauthorizedError, match="sign in again"):
                    await api.request("GET", "/api/v1/pods")
            return len(server.requests)

    assert asyncio.run(run()) == 2


def test_an_expired_token_that_is_written_down_is_not_tried_twice(tmp_path: Path) -> None:
    async def run() -> int:
        async with api_server() as server:
            server.faults.append(answering(lambda: status(401, "Unauthorized")))
            path = kubeconfig(tmp_path / "config", server.url, user="token: old")
            async with Api(open_access(path)) as api:
                with pytest.raises(UnauthorizedError, match="expired"):
                    await api.request("GET", "/api/v1/pods")
            return len(server.requests)

    assert asyncio.run(run()) == 1


def test_a_token_that_is_written_down_comes_first(tmp_path: Path) -> None:
    access = open_access(plugin(tmp_path, extra="token: written"))
    assert headers(access) == (("Authorization", "Bearer written"),)
    assert not (tmp_path / "runs").exists()


SECRET = "s3cr3t-value"  # noqa: S105 -- planted
WRONG = [
    ("{}", "", "exec: found neither, expected a token, or a client certificate with its key"),
    ("None", "", "found neither"),
    (f'{{"clientCertificateData": "{SECRET}"}}', "", "found neither"),
    (f'{{"token": "{SECRET}\\n"}}', "", "exec: found characters that no header can hold"),
    (f'{{"token": ["{SECRET}"]}}', "", "exec: found an answer that is none"),
    ('{"token": "t", "expirationTimestamp": "soon"}', "", "found an answer that is none"),
    ("{}", f"print({SECRET!r})", "found an answer that is none"),
    ("{}", "sys.exit(3)", "(exit code 3), expected credentials"),
    ("{}", "sys.exit('one\\nsign in first\\x1b[31m')", "(exit code 1): sign in first"),
    ("{}", "print(json.dumps({'kind': 'Pod', 'apiVersion': 'v1'})); sys.exit()", "found an answer of another kind"),
]


@pytest.mark.parametrize(("given", "more", "message"), WRONG)
def test_what_it_answers_else_is_told_in_a_line(tmp_path: Path, given: str, more: str, message: str) -> None:
    access = open_access(plugin(tmp_path, given, more))
    with pytest.raises(InputError) as caught:
        headers(access)
    assert message in str(caught.value)
    assert "user u: exec" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_a_program_that_is_not_there_comes_with_its_hint(tmp_path: Path) -> None:
    user = f"""exec:
  apiVersion: {VERSION}
  command: no-such-program
  installHint: |
    Install it
    from example.com"""
    access = open_access(kubeconfig(tmp_path / "config", "https://a", user=user))
    with pytest.raises(InputError, match=r"'no-such-program'.*expected Install it from example\.com"):
        headers(access)


def test_a_path_is_relative_to_the_kubeconfig(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "login"
    program.parent.mkdir()
    answer = {"kind": "ExecCredential", "apiVersion": VERSION, "status": {"token": "t"}}
    program.write_text(f"#!{sys.executable}\nprint({json.dumps(answer)!r})\n")
    program.chmod(0o755)
    user = f"exec: {{apiVersion: {VERSION}, command: ./bin/login, interactiveMode: IfAvailable}}"
    access = open_access(kubeconfig(tmp_path / "config", "https://a", user=user))
    assert headers(access) == (("Authorization", "Bearer t"),)


def test_a_program_that_does_not_end_is_ended(tmp_path: Path) -> None:
    slow = Plugin(command=sys.executable, args=("-c", "import time; time.sleep(60)"), api_version=VERSION)
    source = PluginSource(slow, (), (Cluster(), b""), file=tmp_path / "config", subject="user u", seconds=0.05)
    with pytest.raises(InputError, match=r"no answer of .* in time"):
        asyncio.run(source())


def test_a_program_that_needs_a_terminal_is_not_run_without_one(tmp_path: Path) -> None:
    path = plugin(tmp_path)
    path.write_text(path.read_text().replace("Never", "Always"))
    with pytest.raises(InputError, match="interactiveMode: found Always, expected a terminal"):
        headers(open_access(path))
    assert not (tmp_path / "runs").exists()
