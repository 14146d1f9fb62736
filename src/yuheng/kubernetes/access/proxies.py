"""The proxy between us and an API server, if any: the kubeconfig's, or the environment's as ``kubectl`` reads it.

``NO_PROXY`` is a list of names, of domains, of addresses and of networks; what is on this machine is never asked for
through a proxy.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from yuheng.errors import InputError

__all__ = ["proxy_of"]


def proxy_of(server: str, written: str, environment: Mapping[str, str], *, source: str, subject: str) -> str | None:
    """The address of the proxy; None for none.

    Args:
        server: the address of the API server.
        written: the kubeconfig's ``proxy-url``; empty for none.
        environment: where ``HTTPS_PROXY``, ``HTTP_PROXY`` and ``NO_PROXY`` are looked up, in either case.
        source: the kubeconfig, for errors.
        subject: its cluster, for errors.

    Raises:
        InputError: it is a kind of proxy that is not supported, or no address.
    """
    if written:
        return _checked(written, source=source, subject=subject, field="proxy-url")
    parts = urlsplit(server)
    name = f"{parts.scheme}_proxy"
    found = environment.get(name.upper()) or environment.get(name) or ""
    excluded = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    if not found or _is_excluded(parts.hostname or "", parts.port, excluded):
        return None
    return _checked(
        found if "://" in found else f"http://{found}", source="environment", subject="", field=name.upper()
    )


def _checked(address: str, *, source: str, subject: str, field: str) -> str:
    """An address that a proxy can have. It may hold a password: it is not shown."""
    with suppress(ValueError):
        parts = urlsplit(address)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return address
    raise InputError("another address", "a proxy of http:// or https://", source=source, subject=subject, field=field)


def _is_excluded(host: str, port: int | None, excluded: str) -> bool:
    address = None
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
    if host == "localhost" or (address is not None and address.is_loopback):
        return True
    return any(_covers(entry.strip().lower(), host, port, address) for entry in excluded.split(","))


def _covers(
    entry: str, host: str, port: int | None, address: ipaddress.IPv4Address | ipaddress.IPv6Address | None
) -> bool:
    if entry in ("", "*"):
        return entry == "*"
    if address is not None:
        with suppress(ValueError):
            return address in ipaddress.ip_network(entry, strict=False)
    name, _, wanted = entry.partition(":")
    if wanted and wanted != str(port):
        return False
    domain = name.removeprefix("*").removeprefix(".")
    return host.endswith(f".{domain}") or (host == name == domain)
