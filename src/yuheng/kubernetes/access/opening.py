"""`open_access`: from a kubeconfig, or from inside a cluster, to an `Access`.

Looked for as ``kubectl`` does: the file that is named, else those of ``KUBECONFIG``, else ``~/.kube/config``, else the
service account of the pod we run in.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import structlog

from yuheng.errors import InputError, NotFoundError
from yuheng.kubernetes.access.access import Access
from yuheng.kubernetes.access.identity import Headers, Source, bearer
from yuheng.kubernetes.access.kubeconfig import Chosen, Cluster, User, merged
from yuheng.kubernetes.access.plugins import PluginSource
from yuheng.kubernetes.access.proxies import proxy_of
from yuheng.kubernetes.access.sources import Written, basic, checked_token, read_file, source_of
from yuheng.kubernetes.access.tls import Trust
from yuheng.kubernetes.timing import Timing

__all__ = ["SERVICE_ACCOUNT", "open_access"]

# Where a pod finds the credentials of its service account.
SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_log = structlog.get_logger("yuheng.access")


def open_access(
    kubeconfig: Path | None = None,
    context: str | None = None,
    *,
    environment: Mapping[str, str] = os.environ,
    service_account: Path = SERVICE_ACCOUNT,
    timing: Timing = Timing(),  # noqa: B008 -- immutable
) -> Access:
    """Where the API server is, and who asks it.

    Args:
        kubeconfig: the file; None to look where ``kubectl`` looks.
        context: the name of its context; None for the current one.
        environment: where ``KUBECONFIG``, ``HOME``, proxies and, in a pod, the server's address are looked up.
        service_account: the folder with the credentials of the pod we run in.
        timing: the clocks.

    Raises:
        InputError: a file is not what it should be, or there is nothing to say where the server is.
        NotFoundError: there is no such file or context.
    """
    paths = _paths(kubeconfig, environment)
    if not paths and context is None and (service_account / "token").exists():
        return _inside(environment, service_account, timing)
    if not paths:
        raise NotFoundError(
            "no kubeconfig: there is no ~/.kube/config, KUBECONFIG names no file that is there, and this is no pod of "
            "a cluster: name one with --kubeconfig FILE"
        )
    return _described(merged(paths).chosen(context), environment, timing)


def _paths(kubeconfig: Path | None, environment: Mapping[str, str]) -> list[Path]:
    """The files to read; of those that are only looked for, the ones that are there."""
    if kubeconfig is not None:
        if not kubeconfig.is_file():
            raise NotFoundError(f"{kubeconfig}: no such file")
        return [kubeconfig]
    named = [Path(part) for part in environment.get("KUBECONFIG", "").split(os.pathsep) if part]
    usual = Path(environment.get("HOME") or Path.home()) / ".kube" / "config"
    return [path for path in named or [usual] if path.is_file()]


def _inside(environment: Mapping[str, str], folder: Path, timing: Timing) -> Access:
    """The server of the cluster that we run in, asked by our pod's service account."""
    host, port = environment.get("KUBERNETES_SERVICE_HOST", ""), environment.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port.isdigit():
        raise InputError(
            "nothing", "the address that a pod is told", source="environment", field="KUBERNETES_SERVICE_HOST"
        )
    authorities = read_file(folder / "ca.crt", "certificates of authorities")
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    namespace = folder / "namespace"
    return Access(
        server,
        Trust(authorities, source=str(folder / "ca.crt")),
        source_of(Written(token_file=folder / "token"), timing),
        namespace=read_file(namespace, "a name").decode().strip() if namespace.exists() else "default",
        timing=timing,
    )


def _described(chosen: Chosen, environment: Mapping[str, str], timing: Timing) -> Access:
    cluster, file = chosen.cluster, str(chosen.cluster_file)
    subject = f"cluster {chosen.context.cluster}"
    server = _server(cluster, file, subject)
    trust = _trust(chosen, subject)
    if trust.is_blind:
        _log.warning("the server's certificate is not checked", server=server, kubeconfig=file)
    if server.startswith("http:") and not _is_here(server):
        _log.warning("the connection to the server is not encrypted", server=server, kubeconfig=file)
    return Access(
        server,
        trust,
        _source(chosen, trust, timing),
        context=chosen.name,
        namespace=chosen.context.namespace or "default",
        proxy=proxy_of(server, cluster.proxy_url, environment, source=file, subject=subject),
        server_name=cluster.tls_server_name or None,
        timing=timing,
    )


def _is_here(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _server(cluster: Cluster, file: str, subject: str) -> str:
    try:
        parts = urlsplit(cluster.server)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
        parts = urlsplit("")
    is_plain = cluster.server.isascii() and cluster.server.isprintable() and " " not in cluster.server
    if not is_good or not is_plain or parts.query or parts.fragment:
        raise InputError(
            "another text" if cluster.server else "nothing",
            "an address such as https://10.0.0.1:6443",
            source=file,
            subject=subject,
            field="server",
        )
    if parts.username is not None:
        raise InputError(
            "a user in the address", "credentials in the user's entry", source=file, subject=subject, field="server"
        )
    return cluster.server.rstrip("/")


def _trust(chosen: Chosen, subject: str) -> Trust:
    cluster, file = chosen.cluster, chosen.cluster_file
    authorities = _data_or_file(
        cluster.certificate_authority_data,
        cluster.certificate_authority,
        file,
        subject=subject,
        field="certificate-authority",
    )
    if isinstance(authorities, Path):
        authorities = read_file(authorities, "certificates of authorities")
    if authorities and cluster.insecure_skip_tls_verify:
        raise InputError(
            "true beside authorities",
            "one or the other",
            source=str(file),
            subject=subject,
            field="insecure-skip-tls-verify",
        )
    return Trust(authorities, cluster.insecure_skip_tls_verify, str(file), f"context {chosen.name}")


def _source(chosen: Chosen, trust: Trust, timing: Timing) -> Source:
    """How the user's credentials are got: a token, a password or a certificate first, else a program."""
    user, file = chosen.user, chosen.user_file
    subject = f"user {chosen.context.user}"
    if user.auth_provider is not None:
        raise InputError(
            f"{user.auth_provider.name!r}, which kubectl no longer knows either",
            "exec: with the plugin of the provider",
            source=str(file),
            subject=subject,
            field="auth-provider",
        )
    headers = _impersonated(user, str(file), subject)
    if user.plugin is not None and not (user.token or user.token_file or user.username):
        cluster = (chosen.cluster, trust.authorities)
        return PluginSource(user.plugin, headers, cluster, file=file, subject=subject)
    written = Written(
        headers + (() if user.token_file else _spoken(user, str(file), subject)),
        file.parent / user.token_file if user.token_file else None,
        *_certificate(user, file, subject),
    )
    return source_of(written, timing)


def _spoken(user: User, file: str, subject: str) -> Headers:
    """A token or a password."""
    if user.token:
        return bearer(checked_token(user.token, source=file, subject=subject, field="token"))
    return basic(user.username, user.password) if user.username else ()


def _certificate(user: User, file: Path, subject: str) -> tuple[bytes | Path, bytes | Path]:
    certificate = _data_or_file(
        user.client_certificate_data, user.client_certificate, file, subject=subject, field="client-certificate"
    )
    key = _data_or_file(user.client_key_data, user.client_key, file, subject=subject, field="client-key")
    if bool(certificate) != bool(key):
        field = "client-certificate" if key else "client-key"
        raise InputError("nothing", "a client certificate and its key", source=str(file), subject=subject, field=field)
    return certificate, key


def _data_or_file(data: str, path: str, file: Path, *, subject: str, field: str) -> bytes | Path:
    """What is written into the kubeconfig in base64; else the file that it names; else nothing."""
    if not data:
        return file.parent / path if path else b""
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        # What cannot be decoded may be a key.
        raise InputError("other text", "base64", source=str(file), subject=subject, field=f"{field}-data") from None


def _impersonated(user: User, file: str, subject: str) -> Headers:
    """Who is asked for in whose place."""
    if not user.impersonate:
        if user.impersonate_groups or user.impersonate_uid or user.impersonate_extra:
            raise InputError("nothing", "a user to go with as-groups", source=file, subject=subject, field="as")
        return ()
    headers = [("Impersonate-User", user.impersonate)]
    if user.impersonate_uid:
        headers.append(("Impersonate-Uid", user.impersonate_uid))
    headers += (("Impersonate-Group", group) for group in user.impersonate_groups)
    headers += (
        (f"Impersonate-Extra-{quote(key, safe='')}", value)
        for key, values in user.impersonate_extra.items()
        for value in values
    )
    if not all(value.isascii() and value.isprintable() for _, value in headers):
        raise InputError("characters that no header can hold", "names", source=file, subject=subject, field="as")
    return tuple(headers)
