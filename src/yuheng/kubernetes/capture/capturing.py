"""`capture`: what a cluster is, read once and written down, without touching it.

Only ``get`` and ``list`` are asked for, and never a Secret. Of each object only the fields that the readers look at are
kept (`fields`). A kind that may not be read, or that the cluster does not have, is told of and left out; pods and nodes
are what it is about, and have to be readable.

A cluster does not stand still while it is read. Nodes are listed before pods; a pod on a node that has come since has
it fetched, and a pod on a node that has gone is left out: whoever reads the file must not find a pod in the air. A list
that takes longer than the server remembers its version is begun again, and what was written is not written twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.kubernetes.api import (
    KINDS,
    NAMES_ONLY,
    ApiError,
    GoneError,
    MissingError,
    UnauthorizedError,
    served,
)
from yuheng.kubernetes.capture.configuration import kept_configuration
from yuheng.kubernetes.capture.fields import CONFIGURATION, kept
from yuheng.kubernetes.capture.trees import cutter
from yuheng.kubernetes.watching.newest import seen
from yuheng.readers.decoding import without_nulls

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api, Kind
    from yuheng.kubernetes.capture.trees import Fields

__all__ = ["CAPTURED", "Captured", "capture"]

_REQUIRED: Final = ("nodes", "pods")
# Every kind that is read, by name, in this order: nodes before pods, what makes pods before both.
CAPTURED: Final = (CONFIGURATION, *(name for name in kept() if name not in _REQUIRED), *_REQUIRED)
_PAGE: Final = 500
_ATTEMPTS: Final = 3
# How a ConfigMap with a scheduler's configuration is called, in part.
_SCHEDULER: Final = "scheduler"
_KEY: Final = "volcano-scheduler.conf"
Cut = Callable[[msgspec.Raw | bytes], bytes]
Take = Callable[[bytes], object]


class _Placement(msgspec.Struct, rename="camel"):
    node_name: str | None = None


class _Placed(msgspec.Struct):
    spec: _Placement | None = None


_placed: Final = msgspec.json.Decoder(_Placed).decode


class Captured(NamedTuple):
    """What was written down.

    Attributes:
        counts: how many objects of each kind, by its name.
        notes: what was left out, and why, a sentence each.
    """

    counts: dict[str, int]
    notes: tuple[str, ...]


async def capture(
    api: Api, take: Take, annotations: Iterable[str] = (), progress: Callable[[int, int], None] | None = None
) -> Captured:
    """Read a cluster.

    Args:
        api: the API server.
        take: takes each object, as JSON.
        annotations: that are kept beside those the readers look at.
        progress: is told how many of the kinds have been read, of how many.

    Raises:
        ServerError: pods or nodes cannot be read, or the server cannot be asked.
        InputError: the credentials cannot be had.
    """
    reading = _Reading(api, take, kept(annotations))
    for number, name in enumerate(CAPTURED):
        await reading.read(name)
        if progress is not None:
            progress(number + 1, len(CAPTURED))
    return reading.result()


class _Reading:
    """A cluster that is being read."""

    def __init__(self, api: Api, take: Take, fields: Mapping[str, Fields]) -> None:
        self._api = api
        self._take = take
        self._fields = fields
        self._counts: dict[str, int] = {}
        self._notes: list[str] = []
        self._nodes: set[str] = set()
        self._homeless = 0

    def result(self) -> Captured:
        """What was read."""
        if self._homeless:
            self._notes.append(f"{self._homeless} pods are left out: their nodes went while the cluster was read")
        return Captured(self._counts, tuple(self._notes))

    async def read(self, name: str) -> None:
        """All objects of a kind; what keeps us from reading one that is not required is told."""
        try:
            kind = await served(self._api, KINDS[name])
            if kind is not None:
                await self._read(kind)
        except UnauthorizedError:
            raise
        except MissingError:
            if name in _REQUIRED:
                raise
        except ApiError as error:
            if name in _REQUIRED:
                raise
            self._notes.append(f"{name} are left out: {error}")

    async def _read(self, kind: Kind) -> None:
        if kind.version != KINDS[kind.name].version:
            self._notes.append(f"{kind.name} are read in version {kind.version}, which this version does not know")
        if kind.name == CONFIGURATION:
            await self._read_configuration(kind)
            return
        known: set[str] = set()
        cut = self._cutter(kind)
        for left in reversed(range(_ATTEMPTS)):
            try:
                # In the end it is asked for in one piece, which cannot become too old on the way.
                async for page in self._api.pages(kind, page=_PAGE if left else 0):
                    await self._keep(kind, page.items, cut, known)
            except GoneError:
                if not left:
                    raise
            else:
                return

    def _cutter(self, kind: Kind) -> Cut:
        return cutter(self._fields[kind.name], kind.kind, kind.api_version)

    async def _keep(self, kind: Kind, items: Iterable[msgspec.Raw], cut: Cut, known: set[str]) -> None:
        """The objects of a page, once each."""
        for raw in items:
            try:
                key, text = seen(raw).key, cut(raw)
            except msgspec.DecodeError:
                self._notes.append(f"one of {kind.name} is left out: it is not what its API defines")
                continue
            if key in known or (kind.name == "pods" and not await self._has_place(raw)):
                continue
            known.add(key)
            if kind.name == "nodes":
                self._nodes.add(key.rpartition("/")[2])
            self._write(kind, text)

    async def _has_place(self, raw: msgspec.Raw) -> bool:
        """Whether the node of a pod is there, or it has none; one that has come since is read."""
        spec = _placed(raw).spec
        name = (spec and spec.node_name) or ""
        if not name or name in self._nodes:
            return True
        nodes = KINDS["nodes"]
        try:
            body = await self._api.request("GET", nodes.path(name=name))
        except MissingError:
            self._homeless += 1
            return False
        self._nodes.add(name)
        self._write(nodes, self._cutter(nodes)(body))
        return True

    async def _read_configuration(self, kind: Kind) -> None:
        """The scheduler's configuration. Of other ConfigMaps not more than the names is asked for."""
        found = []
        async for page in self._api.pages(kind, accept=NAMES_ONLY):
            for raw in page.items:
                namespace, _, name = seen(raw).key.partition("/")
                if _SCHEDULER in name:
                    body = await self._api.request("GET", kind.path(namespace, name))
                    found += self._configurations(body, namespace, name)
        if len(found) > 1:
            names = " and ".join(f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in found)
            self._notes.append(f"{kind.name} {names} hold a scheduler's configuration each: choose one with --config")
        elif found:
            self._write(kind, msgspec.json.encode(found[0]))

    def _configurations(self, body: bytes, namespace: str, name: str) -> list[dict[str, Any]]:
        """The ConfigMap with nothing but the configuration in it; none where it holds none."""
        from yuheng.readers.scheduler_config import in_config_map  # noqa: PLC0415 -- pydantic takes 50 ms to import

        try:
            configuration = in_config_map(without_nulls(msgspec.json.decode(body)), self._api.access.server)
        except InputError as error:
            self._notes.append(str(error))
            return []
        if configuration is None:
            return []
        # JSON is YAML; comments are not kept.
        data = {_KEY: msgspec.json.encode(kept_configuration(configuration[0])).decode()}
        metadata = {"name": name, "namespace": namespace}
        return [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}]

    def _write(self, kind: Kind, text: bytes) -> None:
        self._take(text)
        self._counts[kind.name] = self._counts.get(kind.name, 0) + 1
