"""Connections are secured: the server is checked, we are known by a certificate, and what is wrong is told."""

from __future__ import annotations

import asyncio
import base64
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import web
from tests.kubernetes.made_api_server import FakeTime, kubeconfig, serving

from yuheng.errors import InputError
from yuheng.kubernetes.access import open_access
from yuheng.kubernetes.api import Api, Patience, UnreachableError


class Certificates(NamedTuple):
    """Files of an authority, of a server that it vouches for, of one that it does not, and of a client."""

    authority: Path
    server: Path
    stranger: Path
    client: Path


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make certificates with")
    folder = tmp_path_factory.mktemp("certificates")
    authority = signed(folder, "authority", "CA:TRUE", None)
    return Certificates(
        authority,
        signed(folder, "server", "CA:FALSE", authority),
        signed(folder, "stranger", "CA:FALSE", None),
        signed(folder, "client", "CA:FALSE", authority),
    )


def signed(folder: Path, name: str, constraint: str, authority: Path | None) -> Path:
    """A certificate; its key is beside it."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", f"{name}.key", "-out", f"{name}.crt", "-days", "30", "-subj", f"/CN={name}"]
    command += ["-addext", f"basicConstraints=critical,{constraint}"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1,DNS:inside"]
    if authority is not None:
        command += ["-CA", str(authority), "-CAkey", str(authority.with_suffix(".key"))]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / f"{name}.crt"


def data(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def tls_of(made: Certificates, certificate: Path, *, wants_client: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, certificate.with_suffix(".key"))
    if wants_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(made.authority)
    return context


async def who(request: web.Request) -> web.StreamResponse:
    """Answers with the name of the client's certificate."""
    certificate = request.transport.get_extra_info("peercert") or {}
    names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    return web.json_response({"kind": "Status", "you": names})


def asked(
    folder: Path, tls: ssl.SSLContext | None, cluster: str = "", user: str = "", scheme: str = ""
) -> tuple[bytes, list[float]]:
    """Ask a server; gives the answer, and the pauses."""
    time = FakeTime()

    async def run() -> bytes:
        async with serving(who, tls) as url:
            path = kubeconfig(folder / "config", scheme + url.partition(":")[2] if scheme else url, cluster, user)
            async with Api(open_access(path), timing=time.timing, patience=Patience(5.0)) as api:
                return await api.request("GET", "/version")

    return asyncio.run(run()), time.pauses


def test_a_server_that_the_authority_vouches_for_is_asked(made: Certificates, tmp_path: Path) -> None:
    cluster = f"certificate-authority-data: {data(made.authority)}"
    assert b"you" in asked(tmp_path, tls_of(made, made.server), cluster)[0]
    assert b"you" in asked(tmp_path, tls_of(made, made.server), f"certificate-authority: {made.authority}")[0]


def test_a_server_may_be_known_by_another_name(made: Certificates, tmp_path: Path) -> None:
    cluster = f"certificate-authority: {made.authority}\ntls-server-name: inside"
    assert b"you" in asked(tmp_path, tls_of(made, made.server), cluster)[0]


@pytest.mark.parametrize(
    ("certificate", "cluster"),
    [
        ("stranger", "certificate-authority: {authority}"),
        ("server", ""),
        ("server", "certificate-authority: {authority}\ntls-server-name: outside"),
    ],
)
def test_a_server_that_is_not_trusted_is_told_and_not_asked_again(
    made: Certificates, tmp_path: Path, certificate: str, cluster: str
) -> None:
    tls = tls_of(made, getattr(made, certificate))
    time = FakeTime()

    async def run() -> None:
        async with serving(who, tls) as url:
            path = kubeconfig(tmp_path / "config", url, cluster.format(authority=made.authority))
            async with Api(open_access(path), timing=time.timing) as api:
                await api.request("GET", "/version")

    with pytest.raises(UnreachableError, match="the certificate of the API server is not trusted: ") as caught:
        asyncio.run(run())
    assert "https://127.0.0.1:" in str(caught.value)
    assert time.pauses == []


def test_nobody_is_checked_where_the_kubeconfig_says_so(made: Certificates, tmp_path: Path) -> None:
    assert b"you" in asked(tmp_path, tls_of(made, made.stranger), "insecure-skip-tls-verify: true")[0]


@pytest.mark.parametrize("is_inline", [True, False])
def test_we_are_known_by_a_certificate(made: Certificates, tmp_path: Path, is_inline: bool) -> None:
    cluster = f"certificate-authority: {made.authority}"
    key = made.client.with_suffix(".key")
    user = f"client-certificate: {made.client}\nclient-key: {key}"
    if is_inline:
        user = f"client-certificate-data: {data(made.client)}\nclient-key-data: {data(key)}"
    assert b'["client"]' in asked(tmp_path, tls_of(made, made.server, wants_client=True), cluster, user)[0]


def test_no_key_is_left_on_the_disk(made: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.delattr("os.memfd_create", raising=False)
    user = f"client-certificate-data: {data(made.client)}\nclient-key-data: {data(made.client.with_suffix('.key'))}"
    cluster = f"certificate-authority: {made.authority}"
    assert b'["client"]' in asked(tmp_path, tls_of(made, made.server, wants_client=True), cluster, user)[0]
    assert list(folder.iterdir()) == []


def test_a_certificate_from_a_program(made: Certificates, tmp_path: Path) -> None:
    key = made.client.with_suffix(".key")
    program = tmp_path / "login"
    program.write_text(
        f"""#!/bin/sh
cat <<END
{{"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": {{
"clientCertificateData": "{escaped(made.client)}", "clientKeyData": "{escaped(key)}"}}}}
END
"""
    )
    program.chmod(0o755)
    cluster = f"certificate-authority: {made.authority}"
    user = "exec: {apiVersion: client.authentication.k8s.io/v1, command: ./login, interactiveMode: Never}"
    assert b'["client"]' in asked(tmp_path, tls_of(made, made.server, wants_client=True), cluster, user)[0]


def escaped(path: Path) -> str:
    return path.read_text().replace("\n", "\\\\n")


def test_a_certificate_that_the_server_wants_and_does_not_get_is_told(made: Certificates, tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"refuses our certificate|broke off|no answer"):
        asked(tmp_path, tls_of(made, made.server, wants_client=True), f"certificate-authority: {made.authority}")


def test_a_key_of_another_certificate_is_told(made: Certificates, tmp_path: Path) -> None:
    user = f"client-certificate: {made.client}\nclient-key: {made.server.with_suffix('.key')}"
    with pytest.raises(InputError, match="found a pair that does not belong together"):
        asked(tmp_path, None, "", user)


def test_a_server_without_tls_is_told(made: Certificates, tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match="does not speak TLS"):
        asked(tmp_path, None, f"certificate-authority: {made.authority}", scheme="https:")


def test_a_proxy_stands_between(tmp_path: Path) -> None:
    seen: list[str] = []

    async def proxy(request: web.Request) -> web.StreamResponse:
        seen.append(str(request.url))
        return web.json_response({"kind": "Status"})

    async def run() -> bytes:
        async with serving(proxy) as url:
            path = kubeconfig(tmp_path / "config", "http://cluster.invalid", cluster=f"proxy-url: {url}")
            async with Api(open_access(path)) as api:
                return await api.request("GET", "/version")

    assert asyncio.run(run())
    assert seen == ["http://cluster.invalid/version"]


def test_a_proxy_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path / "config", "https://cluster.invalid", cluster="proxy-url: http://127.0.0.1:9")

    async def run() -> None:
        async with Api(open_access(path), patience=Patience(0.0)) as api:
            await api.request("GET", "/version")

    with pytest.raises(UnreachableError, match=r"no connection to the proxy 127\.0\.0\.1:9"):
        asyncio.run(run())
