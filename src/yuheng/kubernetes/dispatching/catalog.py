"""What kinds of objects a cluster knows: how an ``apiVersion`` and a ``kind`` become a path.

A fleet's folder may hold anything, custom resources too, so no table will do: the server is asked. Every group is asked
for all its versions, and later for what the folder writes beside.

A group that does not say what it has (its own server is down, a role lacks a rule, something else answered) is not one
that has nothing: it is remembered as silent, with the reason, and what it may have is not known.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from yuheng.kubernetes.api import ApiError, Kind, MissingError, UnauthorizedError

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api

__all__ = ["Catalog", "completed", "discovered", "looked_up"]

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


class _Resources(msgspec.Struct, tag_field="kind", tag="APIResourceList"):
    resources: tuple[_Resource, ...] | None


class _Version(msgspec.Struct, rename="camel"):
    group_version: str


class _Group(msgspec.Struct, rename="camel"):
    preferred_version: _Version | None = None
    versions: tuple[_Version, ...] = ()


class _Groups(msgspec.Struct, tag_field="kind", tag="APIGroupList"):
    groups: tuple[_Group, ...] | None


class Catalog:
    """The kinds of a cluster.

    Attributes:
        prunable: each kind once, in one version: those that can be listed and deleted.
        silent: groups that did not say what they have in one of their versions, and why.
    """

    def __init__(self) -> None:
        self.prunable: list[Kind] = []
        self.silent: dict[str, str] = {}
        self._kinds: dict[tuple[str, str], Kind] = {}
        self._looked_through: set[tuple[str, str]] = set()

    def find(self, api_version: str, kind: str) -> Kind | None:
        """A kind as objects name it; None where the cluster does not know it."""
        return self._kinds.get((api_version, kind))

    def is_prunable(self, group: str, kind: str) -> bool:
        """Whether what there is of a kind can be looked through."""
        return (group, kind) in self._looked_through

    def take(self, api_version: str, found: Iterable[_Resource] | None, *, is_listed: bool) -> None:
        """Take in what one version of a group has; of several, the one that comes first is looked through."""
        group, _, version = api_version.rpartition("/")
        for one in found or ():
            if "/" in one.name:
                continue
            kind = Kind(group, version, one.name, one.kind, one.namespaced)
            self._kinds[api_version, one.kind] = kind
            is_wanted = is_listed and _PRUNABLE.issubset(one.verbs) and kind.name not in _PASSING
            if is_wanted and not self.is_prunable(group, one.kind):
                self.prunable.append(kind)
                self._looked_through.add((group, one.kind))


async def discovered(api: Api) -> Catalog:
    """Ask a server what kinds it knows, in all versions, those that it prefers first.

    Args:
        api: the server.

    Raises:
        ServerError: the server cannot be asked.
    """
    catalog = Catalog()
    groups = _decoded(await api.request("GET", "/apis"), _Groups).groups or ()
    asked = ["v1", *dict.fromkeys(version for group in groups for version in _versions(group))]
    answers = await asyncio.gather(*(_resources(api, version) for version in asked))
    for version, found in zip(asked, answers, strict=True):
        if isinstance(found, ApiError):
            catalog.silent.setdefault(version.rpartition("/")[0], str(found))
        else:
            catalog.take(version, found.resources, is_listed=True)
    return catalog


def _versions(group: _Group) -> list[str]:
    """The versions of a group, the one it prefers first."""
    preferred = [group.preferred_version] if group.preferred_version else []
    return [one.group_version for one in (*preferred, *group.versions)]


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
            catalog.take(version, () if isinstance(found, ApiError) else found.resources, is_listed=False)


async def looked_up(api: Api, catalog: Catalog, wanted: Iterable[tuple[str, str]]) -> list[Kind]:
    """Make sure of kinds that nothing was told of: the list of groups may be short while a server starts.

    Only a 404 of the version says that there is none; what else keeps it from being known makes the group silent.

    Args:
        api: the server.
        catalog: takes in what is there all the same.
        wanted: apiVersion and kind of each.

    Returns:
        Those that are there, and were not looked through.

    Raises:
        ServerError: the server cannot be asked.
    """
    lacking: dict[str, set[str]] = {}
    for version, kind in wanted:
        group = version.rpartition("/")[0]
        if re.fullmatch(_VERSION, version) and group not in catalog.silent and not catalog.is_prunable(group, kind):
            lacking.setdefault(version, set()).add(kind)
    found: list[Kind] = []
    for version, kinds in sorted(lacking.items()):
        answer = await _resources(api, version)
        if isinstance(answer, ApiError):
            if not isinstance(answer, MissingError):
                catalog.silent[version.rpartition("/")[0]] = str(answer)
            continue
        before = len(catalog.prunable)
        catalog.take(version, answer.resources, is_listed=True)
        found += [one for one in catalog.prunable[before:] if one.kind in kinds]
    return found


async def _resources(api: Api, version: str) -> _Resources | ApiError:
    """What a version of a group has, or why that is not known."""
    path = f"/apis/{version}" if "/" in version else f"/api/{version}"
    try:
        return _decoded(await api.request("GET", path), _Resources)
    except ApiError as error:
        if version == "v1" or isinstance(error, UnauthorizedError):
            raise
        return error


def _decoded(body: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(200, "Malformed", "an answer that does not say which kinds the server knows") from error
