"""`Desk`: bindings as they come, decided on one after the other, and written.

The order is that of their priority, then of their names. What cannot be placed is tried again after pauses that grow,
and at once when a cluster changes in a way that could help. A write that comes too late (409) is dropped: what came in
between is decided on instead.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec
import structlog

from yuheng.errors import InputError, YuhengError
from yuheng.kubernetes.api import KINDS, ConflictError, Kind, MissingError
from yuheng.kubernetes.dispatching.karmada.bindings import Binding, read_due_binding
from yuheng.kubernetes.dispatching.karmada.deciding import (
    ERROR,
    SUCCESS,
    Verdict,
    decide,
    decided_before,
    spec_patch,
    status_patch,
)
from yuheng.kubernetes.dispatching.karmada.room import MemberStatus, read_member
from yuheng.kubernetes.watching.listed import Listed
from yuheng.kubernetes.watching.newest import seen

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api

__all__ = ["Desk", "bindings_of", "clusters_of"]

_MERGE: Final = "application/merge-patch+json"
_FIRST, _LONGEST_PAUSE = 1.0, 300.0
_log = structlog.get_logger("yuheng.karmada")
# Namespaced bindings, and those of cluster-wide objects.
NAMESPACED: Final = KINDS["resourcebindings.work.karmada.io"]
WIDE: Final = KINDS["clusterresourcebindings.work.karmada.io"]


class Desk:
    """What is due, and who decides.

    Args:
        api: Karmada's API server.
        scheduler: our name.
        say: takes a line for each decision.
        dry_run: whether nothing is written.

    Attributes:
        bell: rings when something may be due.
    """

    def __init__(self, api: Api, scheduler: str, say: Callable[[str], object], *, dry_run: bool = False) -> None:
        self.bell = asyncio.Event()
        self._api = api
        self._scheduler = scheduler
        self._say = say
        self._dry_run = dry_run
        self._bindings: dict[str, Binding] = {}
        self._members: dict[str, MemberStatus] = {}
        self._blind: dict[str, str] = {}
        self._due: set[str] = set()
        self._pauses: dict[str, tuple[float, float]] = {}
        self._said: dict[str, str] = {}

    def put_binding(self, binding: Binding) -> None:
        """A binding as it is now."""
        key = binding.key
        self._bindings[key] = binding
        if not binding.is_for(self._scheduler):
            self._due.discard(key)
            self._pauses.pop(key, None)
        elif binding.is_due() or binding.is_untold:
            self._due.add(key)
            self.bell.set()
        else:
            self._due.discard(key)

    def drop_binding(self, key: str) -> None:
        """A binding that is gone."""
        self._bindings.pop(key, None)
        self._said.pop(key, None)
        self._due.discard(key)
        self._pauses.pop(key, None)

    def put_member(self, member: MemberStatus) -> None:
        """A cluster as it is now."""
        name = member.cluster.name
        self._blind.pop(name, None)
        before = self._members.get(name)
        self._members[name] = member
        if before is None or before.face != member.face:
            self._reconsider()
        elif self._pauses:
            # There may be more room: what waits for it has another try.
            self._pauses = {key: (0.0, pause) for key, (_, pause) in self._pauses.items()}
            self.bell.set()

    def blind_member(self, name: str, reason: str) -> None:
        """A cluster that is there and cannot be read: nothing new goes there, and what is there is not decided on."""
        self._blind[name] = reason
        self._members.pop(name, None)
        self._reconsider()

    def drop_member(self, name: str) -> None:
        """A cluster that is gone."""
        self._blind.pop(name, None)
        if self._members.pop(name, None) is not None:
            self._reconsider()

    def _reconsider(self) -> None:
        """The clusters are others: what goes everywhere, and what waits, is decided on anew."""
        self._pauses.clear()
        for key, binding in self._bindings.items():
            if binding.is_for(self._scheduler) and (binding.is_everywhere or binding.is_due()):
                self._due.add(key)
        self.bell.set()

    async def work(self) -> float:
        """Decide on all that is due.

        Returns:
            Seconds until something that waits is tried again.

        Raises:
            YuhengError: the server cannot be asked.
        """
        self.bell.clear()
        now = self._api.timing.now()
        ready = [key for key in self._due if self._pauses.get(key, (0.0, 0.0))[0] <= now]
        for key in sorted(ready, key=self._turn):
            binding = self._bindings.get(key)
            if binding is not None and key in self._due:
                await self._settle(key, binding)
        left = [self._pauses[key][0] for key in self._due if key in self._pauses]
        return max(0.0, min(left, default=now + _LONGEST_PAUSE) - now)

    def _turn(self, key: str) -> tuple[int, str]:
        priority = self._bindings[key].spec.schedule_priority if key in self._bindings else None
        return -(priority.priority if priority is not None else 0), key

    async def _settle(self, key: str, binding: Binding) -> None:
        """Decide on a binding, and write it down."""
        verdict = decided_before(binding) or decide(binding, list(self._members.values()), self._blind)
        self._due.discard(key)
        if verdict.reason == ERROR and not binding.is_due():
            # It was looked at because clusters changed, and has what it had: nothing to tell Karmada.
            self._told(key, binding, verdict)
            return
        try:
            await self._write(binding, verdict)
        except (ConflictError, MissingError):
            _log.info("overtaken", binding=key)
            # What overtook us comes by the watch; until then it stays due.
            self._wait(key)
        except YuhengError as error:
            self._tell(key, f"{key.lstrip('/')}: {error}")
            self._wait(key)
        else:
            self._told(key, binding, verdict)

    def _told(self, key: str, binding: Binding, verdict: Verdict) -> None:
        where = ", ".join(f"{name} {count}" for name, count in (verdict.clusters or {}).items())
        resource = binding.spec.resource
        line = f"{resource.kind} {key.lstrip('/')}: {where or verdict.message}"
        self._tell(key, line)
        if verdict.reason == SUCCESS:
            self._pauses.pop(key, None)
        else:
            self._wait(key)

    def _tell(self, key: str, line: str) -> None:
        """Say what became of a binding, unless that was the last thing said of it."""
        if self._said.get(key) != line:
            self._said[key] = line
            self._say(line)

    def _wait(self, key: str) -> None:
        """Try again later, and later still."""
        _, pause = self._pauses.get(key, (0.0, 0.0))
        pause = min(max(pause * 2, _FIRST), _LONGEST_PAUSE)
        timing = self._api.timing
        self._pauses[key] = (timing.now() + pause * (0.5 + timing.chance() / 2), pause)
        self._due.add(key)

    async def _write(self, binding: Binding, verdict: Verdict) -> None:
        if self._dry_run:
            return
        kind = NAMESPACED if binding.metadata.namespace else WIDE
        patch = spec_patch(binding, verdict)
        if patch is not None:
            binding = await self._patched(kind, binding, patch, "")
            self._bindings[binding.key] = binding
        patch = status_patch(binding, verdict, self._api.timing.wall())
        if patch is not None:
            self._bindings[binding.key] = await self._patched(kind, binding, patch, "status")

    async def _patched(self, kind: Kind, binding: Binding, patch: bytes, subresource: str) -> Binding:
        path = kind.path(binding.metadata.namespace, binding.metadata.name, subresource)
        return read_due_binding(await self._api.request("PATCH", path, patch, content_type=_MERGE))


def bindings_of(desk: Desk) -> Listed:
    """Bindings on their way to a desk."""
    return _listed(lambda raw: desk.put_binding(read_due_binding(raw)), desk.drop_binding)


def clusters_of(desk: Desk) -> Listed:
    """Clusters on their way to a desk."""

    def put(raw: msgspec.Raw) -> None:
        try:
            desk.put_member(read_member(bytes(raw)))
        except (InputError, msgspec.DecodeError) as error:
            name = seen(raw).key.rpartition("/")[2]
            _log.warning("cannot be read", object=name, reason=str(error))
            desk.blind_member(name, str(error))

    return _listed(put, lambda key: desk.drop_member(key.rpartition("/")[2]))


def _listed(put: Callable[[msgspec.Raw], object], drop: Callable[[str], object]) -> Listed:
    """Objects of a kind; one that cannot be read is told of, and not there."""

    def take(raw: msgspec.Raw) -> str | None:
        key = seen(raw).key
        try:
            put(raw)
        except (InputError, msgspec.DecodeError) as error:
            _log.warning("cannot be read", object=key, reason=str(error))
            return None
        return key

    return Listed(take, drop, lambda raw: seen(raw).key)
