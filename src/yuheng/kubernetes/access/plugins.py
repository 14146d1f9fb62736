"""Credentials from a program, as the kubeconfigs of cloud providers have it (``exec:``).

The program is run as it is written, with its arguments as they are written: no shell reads them. It is told in
``KUBERNETES_EXEC_INFO`` what is asked, and answers on its standard output with an ``ExecCredential``. That is used
until it says that it expires; a server that does not accept it has the program run again. A program that wants to talk
to somebody is only given the terminal if there is one.
"""

from __future__ import annotations

import asyncio
import base64
import math
import os
import sys
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from yuheng.errors import InputError
from yuheng.kubernetes.access.identity import Material, bearer
from yuheng.kubernetes.access.sources import checked_token
from yuheng.readers.decoding import without_nulls

if TYPE_CHECKING:
    from pathlib import Path

    from yuheng.kubernetes.access.identity import Headers
    from yuheng.kubernetes.access.kubeconfig import Cluster, Plugin

__all__ = ["PLUGIN_TIME", "PluginSource"]

VERSIONS: Final = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
# Seconds that a program may take; one that has a terminal may wait for somebody to type.
PLUGIN_TIME: Final = 60.0
TERMINAL_TIME: Final = 600.0
# What is used up to its last second fails on its way.
EARLY: Final = 10.0
_LARGEST: Final = 2**20
_LONGEST_TOLD: Final = 300
_HOW: Final = ("Never", "IfAvailable", "Always")


class _Given(msgspec.Struct, rename="camel"):
    expiration_timestamp: datetime | None = None
    token: str = ""
    client_certificate_data: str = ""
    client_key_data: str = ""

    def __repr__(self) -> str:
        return "ExecCredentialStatus(...)"


class _Credential(msgspec.Struct, rename="camel"):
    kind: str = ""
    api_version: str = ""
    status: _Given | None = None


class PluginSource:
    """A program that gives credentials.

    Args:
        plugin: what the kubeconfig says of it.
        headers: that say more of who asks, such as who is impersonated.
        cluster: the cluster that is asked, and the certificates of its authorities, for a program that wants to know.
        file: the kubeconfig file; a relative path of the program starts there.
        subject: the user's entry, for errors.
        seconds: that the program may take.

    Raises:
        InputError: what the kubeconfig says of it cannot be used.
    """

    def __init__(
        self,
        plugin: Plugin,
        headers: Headers,
        cluster: tuple[Cluster, bytes],
        *,
        file: Path,
        subject: str,
        seconds: float = PLUGIN_TIME,
    ) -> None:
        self._plugin = plugin
        self._headers = headers
        self._cluster = cluster
        self._file = file
        self._subject = subject
        self._seconds = seconds
        self._check()

    def __repr__(self) -> str:
        return f"PluginSource({self._plugin.command!r})"

    def _check(self) -> None:
        plugin = self._plugin
        if not plugin.command:
            raise self._wrong("nothing", "the program that gives credentials", "exec.command")
        if plugin.api_version not in VERSIONS:
            raise self._wrong(repr(plugin.api_version), " or ".join(VERSIONS), "exec.apiVersion")
        if plugin.interactive_mode not in ("", *_HOW):
            raise self._wrong(repr(plugin.interactive_mode), ", ".join(_HOW), "exec.interactiveMode")

    async def __call__(self) -> Material:
        """Run the program.

        Raises:
            InputError: it is not there, fails, takes too long, or answers something else.
        """
        return self._material(await self._run())

    async def _run(self) -> bytes:
        talks = self._talks()
        try:
            process = await asyncio.create_subprocess_exec(
                self._command(),
                *self._plugin.args,
                env=self._environment(talks),
                stdin=None if talks else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=None if talks else asyncio.subprocess.PIPE,
            )
        except (OSError, ValueError) as error:
            hint = " ".join(self._plugin.install_hint.split())[:_LONGEST_TOLD]
            raise self._wrong(
                f"a program that cannot be run: {self._plugin.command!r}: {getattr(error, 'strerror', '') or error}",
                hint or "an installed program",
                "exec.command",
            ) from error
        try:
            async with asyncio.timeout(TERMINAL_TIME if talks else self._seconds):
                out, told = await process.communicate()
        except TimeoutError as error:
            raise self._wrong(f"no answer of {self._plugin.command!r} in time", "credentials", "exec") from error
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        if process.returncode:
            raise self._wrong(
                f"a failure of {self._plugin.command!r} (exit code {process.returncode}){_told(told)}",
                "credentials",
                "exec",
            )
        return out

    def _talks(self) -> bool:
        """Whether the program gets the terminal.

        Raises:
            InputError: it needs one, and there is none.
        """
        mode = self._plugin.interactive_mode or "IfAvailable"
        has_terminal = sys.stdin is not None and not sys.stdin.closed and sys.stdin.isatty()
        if mode == "Always" and not has_terminal:
            raise self._wrong("Always", "a terminal to ask at, and there is none", "exec.interactiveMode")
        return mode != "Never" and has_terminal

    def _command(self) -> str:
        """A path with a slash in it is relative to the kubeconfig; a name is looked up in PATH."""
        command = self._plugin.command
        return str(self._file.parent / command) if os.sep in command else command

    def _environment(self, talks: bool) -> dict[str, str]:
        spec: dict[str, Any] = {"interactive": talks}
        if self._plugin.provide_cluster_info:
            spec["cluster"] = self._described()
        asked = {"kind": "ExecCredential", "apiVersion": self._plugin.api_version, "spec": spec}
        told = {"KUBERNETES_EXEC_INFO": msgspec.json.encode(asked).decode()}
        return {**os.environ, **{one.name: one.value for one in self._plugin.env}, **told}

    def _described(self) -> dict[str, Any]:
        cluster, authorities = self._cluster
        described = {
            "server": cluster.server,
            "tls-server-name": cluster.tls_server_name,
            "insecure-skip-tls-verify": cluster.insecure_skip_tls_verify,
            "certificate-authority-data": base64.b64encode(authorities).decode(),
            "proxy-url": cluster.proxy_url,
        }
        return {name: value for name, value in described.items() if value}

    def _material(self, out: bytes) -> Material:
        try:
            answer = msgspec.convert(without_nulls(msgspec.json.decode(out)), _Credential)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # What it answered may be a secret: neither it nor the decoder's words are shown.
            raise self._wrong("an answer that is none", "an ExecCredential in JSON", "exec") from None
        if answer.kind != "ExecCredential" or answer.api_version != self._plugin.api_version:
            raise self._wrong(
                "an answer of another kind or version", f"an ExecCredential of {self._plugin.api_version}", "exec"
            )
        given = answer.status or _Given()
        if not given.token and not (given.client_certificate_data and given.client_key_data):
            raise self._wrong("neither", "a token, or a client certificate with its key", "exec")
        headers = self._headers
        if given.token:
            headers += bearer(checked_token(given.token, source=str(self._file), subject=self._subject, field="exec"))
        until = math.inf if given.expiration_timestamp is None else given.expiration_timestamp.timestamp() - EARLY
        return Material(headers, given.client_certificate_data.encode(), given.client_key_data.encode(), until)

    def _wrong(self, found: str, expected: str, field: str) -> InputError:
        return InputError(found, expected, source=str(self._file), subject=self._subject, field=field)


def _told(text: bytes | None) -> str:
    """The last line that a program has said of its failure."""
    lines = (text or b"")[-_LARGEST:].decode("utf-8", "replace").strip().splitlines()
    return f": {lines[-1][:_LONGEST_TOLD]}" if lines else ""
