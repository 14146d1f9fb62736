"""What kinds of objects a cluster knows: how an ``apiVersion`` and a ``kind`` become a path.

A fleet's folder may hold anything, custom resources too, so no table will do: the server is asked. Every group is asked
for the version it prefers, and later for what the folder writes beside. A group whose own server is down is left out.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from yuheng.kubernetes.api import ApiError, Kind

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api

__all__ = ["Catalog", "completed", "discovered"]

_T = TypeVar("_T")

# What nobody applies; some of them are told by labels that controllers copy.
_PASSING: Final = frozenset(
    (
        "bindings",
        "componentstatuses",
        "controllerrevisions.apps",
        "endpoints",
        "endpointslices.discovery.k8s.io",
        "events",
        "events.events.k8s.io",
        "leases.coordination.k8s.io",
        "nodes",
    )
)
# What a manifest may name as its version and still be part of a path.
_VERSION: Final = r"(?:[a-z0-9.-]+/)?v[a-z0-9]+"
_PRUNABLE: Final = frozenset(("delete", "list", "patch"))


class _Resource(msgspec.Struct):
    name: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...] = ()


class _Resources(msgspec.Struct):
    resources: tuple[_Resource, ...] = ()


class _Version(msgspec.Struct, rename="camel"):
    group_version: str


class _Group(msgspec.Struct, rename="camel"):
    preferred_version: _Version | None = None


class _Groups(msgspec.Struct):
    groups: tuple[_Group, ...] = ()


class Catalog:
    """The kinds of a cluster.

    Attributes:
        prunable: each kind once, in one version: those that can be listed and deleted.
        silent: groups that did not say what they have.
    """

    def __init__(self) -> None:
        self.prunable: list[Kind] = []
        self.silent: list[str] = []
        self._kinds: dict[tuple[str, str], Kind] = {}

    def find(self, api_version: str, kind: str) -> Kind | None:
        """A kind as objects name it; None where the cluster does not know it."""
        return self._kinds.get((api_version, kind))

    def take(self, api_version: str, found: Iterable[_Resource], *, is_preferred: bool) -> None:
        """Take in what one version of a group has."""
        group, _, version = api_version.rpartition("/")
        for one in found:
            if "/" in one.name:
                continue
            kind = Kind(group, version, one.name, one.kind, one.namespaced)
            self._kinds[api_version, one.kind] = kind
            if is_preferred and _PRUNABLE.issubset(one.verbs) and kind.name not in _PASSING:
                self.prunable.append(kind)


async def discovered(api: Api) -> Catalog:
    """Ask a server what kinds it knows, in the versions that it prefers.

    Args:
        api: the server.

    Raises:
        ServerError: the server cannot be asked.
    """
    catalog = Catalog()
    groups = _decoded(await api.request("GET", "/apis"), _Groups).groups
    asked = ["v1", *(one.preferred_version.group_version for one in groups if one.preferred_version)]
    answers = await asyncio.gather(*(_resources(api, version) for version in asked))
    for version, found in zip(asked, answers, strict=True):
        if found is None:
            catalog.silent.append(version)
        else:
            catalog.take(version, found.resources, is_preferred=True)
    return catalog


async def completed(api: Api, catalog: Catalog, wanted: Iterable[tuple[str, str]]) -> None:
    """Look for kinds that a catalog lacks: in versions that the server has beside the one it prefers.

    Args:
        api: the server.
        catalog: takes them in.
        wanted: apiVersion and kind of each.

    Raises:
        ServerError: the server cannot be asked.
    """
    for version in sorted({version for version, kind in wanted if catalog.find(version, kind) is None}):
        if re.fullmatch(_VERSION, version):
            found = await _resources(api, version)
            catalog.take(version, found.resources if found is not None else (), is_preferred=False)


async def _resources(api: Api, version: str) -> _Resources | None:
    """What a version of a group has; None where its own server does not answer."""
    path = f"/apis/{version}" if "/" in version else f"/api/{version}"
    try:
        return _decoded(await api.request("GET", path), _Resources)
    except ApiError:
        if version == "v1":
            raise
        return None


def _decoded(body: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError(200, "Malformed", "an answer that does not say which kinds the server knows") from error
