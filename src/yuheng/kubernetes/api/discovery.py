"""Which version of a kind a server has.

Kinds of other people's projects change their versions with their releases: Kueue's were ``v1beta1`` for years and are
``v1beta2`` now. What is built into Kubernetes is asked for as the table has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.kubernetes.api.errors import MissingError

if TYPE_CHECKING:
    from yuheng.kubernetes.api.kinds import Kind
    from yuheng.kubernetes.api.session import Api

__all__ = ["is_served", "served", "served_versions"]


class _Version(msgspec.Struct):
    version: str = ""


class _Group(msgspec.Struct, rename="camel"):
    versions: tuple[_Version, ...] = ()
    preferred_version: _Version = msgspec.field(default_factory=_Version)


class _Resource(msgspec.Struct):
    name: str = ""


class _Resources(msgspec.Struct):
    resources: tuple[_Resource, ...] = ()


_decode: Final = msgspec.json.Decoder(_Group).decode
_decode_resources: Final = msgspec.json.Decoder(_Resources).decode


async def served_versions(api: Api, group: str) -> tuple[str, ...]:
    """The versions of a group that a server has, the one that it prefers first; none of a group it does not know.

    Args:
        api: the server.
        group: such as ``kueue.x-k8s.io``.

    Raises:
        ServerError: the server does not say.
    """
    try:
        body = await api.request("GET", f"/apis/{group}")
    except MissingError:
        return ()
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ()
    names = (found.preferred_version.version, *(one.version for one in found.versions))
    return tuple(dict.fromkeys(name for name in names if name))


async def is_served(api: Api, kind: Kind) -> bool:
    """Whether a server has a kind, in the table's version; what it may not be asked about it may be asked this.

    Args:
        api: the server.
        kind: of a group other than the core.

    Raises:
        ServerError: the server does not say.
    """
    try:
        found = _decode_resources(await api.request("GET", f"/apis/{kind.group}/{kind.version}"))
    except MissingError:
        return False
    except (msgspec.DecodeError, UnicodeDecodeError):
        return True
    return any(one.name == kind.plural for one in found.resources)


async def served(api: Api, kind: Kind) -> Kind | None:
    """A kind in the version to ask a server for: the table's where it has that, else the one that it prefers.

    Args:
        api: the server.
        kind: as the table has it.

    Returns:
        The kind; None where the server does not know its group. The group may lack the kind still.

    Raises:
        ServerError: the server does not say.
    """
    if not kind.is_foreign:
        return kind
    versions = await served_versions(api, kind.group)
    if kind.version in versions:
        return kind
    return kind._replace(version=versions[0]) if versions else None
