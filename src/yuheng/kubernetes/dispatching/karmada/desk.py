"""`Desk`: bindings as they come, decided on one after the other, and written.

The order is that of their priority, then of their names. What cannot be placed is tried again after pauses that grow,
at once when somebody changes what it asks for or a cluster changes in a way that could help, and some seconds after its
last try when there is more room somewhere: in a large fleet there is more room somewhere all the time. A write that
comes too late (409) is dropped: what came in between is decided on instead.

A binding comes by the watch and as the answer to what is written to it, and neither waits for the other: the newer one
counts. An answer about one that was deleted meanwhile is no binding any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

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
from yuheng.kubernetes.dispatching.karmada.room import MemberStatus
from yuheng.kubernetes.watching.listed import Listed
from yuheng.kubernetes.watching.newest import seen

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api

__all__ = ["Desk", "bindings_of"]

_MERGE: Final = "application/merge-patch+json"
_FIRST, _LONGEST_PAUSE = 1.0, 300.0
# Seconds between two tries of what waits, though there is more room somewhere.
_LEAST: Final = 10.0
_log = structlog.get_logger("yuheng.karmada")
# Namespaced bindings, and those of cluster-wide objects.
NAMESPACED: Final = KINDS["resourcebindings.work.karmada.io"]
WIDE: Final = KINDS["clusterresourcebindings.work.karmada.io"]


class _Pause(NamedTuple):
    """How long something waits: until when, how long before chance had its say, and since when."""

    until: float
    length: float
    tried: float


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
        # Clusters that are gone for certain: what they had is theirs no longer.
        self._gone: set[str] = set()
        # Whether clusters are others than when everything was looked at.
        self._is_anew = False
        self._due: set[str] = set()
        self._pauses: dict[str, _Pause] = {}
        # The versions that were answered to what was written; older ones may still come by the watch.
        self._answered: dict[str, int] = {}
        self._said: dict[str, str] = {}

    def put_binding(self, binding: Binding) -> None:
        """A binding as it is now, or was before what was written to it since."""
        key = binding.key
        if 0 <= binding.number < self._answered.get(key, 0):
            return
        self._answered.pop(key, None)
        before = self._bindings.get(key)
        if before is not None and before.metadata.generation != binding.metadata.generation:
            # Somebody asks for something else: what was waited for is another matter.
            self._pauses.pop(key, None)
        self._take(binding)

    def _take(self, binding: Binding) -> None:
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

    def relist(self) -> None:
        """Bindings are listed anew: of a server that was restored, what comes is true though it is older."""
        self._answered.clear()

    def drop_binding(self, key: str) -> None:
        """A binding that is gone."""
        for kept in (self._bindings, self._said, self._pauses, self._answered):
            kept.pop(key, None)
        self._due.discard(key)

    def put_member(self, member: MemberStatus) -> None:
        """A cluster as it is now."""
        name = member.cluster.name
        self._blind.pop(name, None)
        self._gone.discard(name)
        before = self._members.get(name)
        self._members[name] = member
        if before is None or before.face != member.face:
            self._reconsider()
        elif self._pauses and member.has_more_room_than(before):
            # What waits for it has another try.
            self._pauses = {
                key: one._replace(until=min(one.until, one.tried + _LEAST)) for key, one in self._pauses.items()
            }
            self.bell.set()

    def blind_member(self, name: str, reason: str) -> None:
        """A cluster that is there and cannot be read: nothing new goes there, and what is there is not decided on."""
        is_known = self._blind.get(name) == reason
        self._blind[name] = reason
        self._gone.discard(name)
        self._members.pop(name, None)
        if not is_known:
            self._reconsider()

    def lose_member(self, name: str) -> None:
        """A cluster that nothing is known of any more: nothing new goes there, and what is there stays as it is."""
        self._blind.pop(name, None)
        self._members.pop(name, None)

    def drop_member(self, name: str) -> None:
        """A cluster that is gone for certain."""
        self.lose_member(name)
        self._gone.add(name)
        self._reconsider()

    def _reconsider(self) -> None:
        """The clusters are others: look at everything anew, once for all that change together."""
        self._is_anew = True
        self.bell.set()

    def _look_anew(self) -> None:
        """What goes everywhere, and what waits, is decided on anew."""
        self._is_anew = False
        self._pauses.clear()
        for key, binding in self._bindings.items():
            if binding.is_for(self._scheduler) and (binding.is_everywhere or binding.is_due()):
                self._due.add(key)

    async def work(self, is_over: Callable[[], bool] = lambda: False) -> float:
        """Decide on all that is due.

        Args:
            is_over: whether to stop before the next one.

        Returns:
            Seconds until something that waits is tried again.

        Raises:
            YuhengError: the server cannot be asked.
        """
        self.bell.clear()
        if self._is_anew:
            self._look_anew()
        now = self._api.timing.now()
        ready = [key for key in self._due if key not in self._pauses or self._pauses[key].until <= now]
        for key in sorted(ready, key=self._turn):
            if is_over():
                break
            binding = self._bindings.get(key)
            if binding is not None and key in self._due:
                await self._settle(key, binding)
                # Watches are read meanwhile, also where nothing is written.
                await asyncio.sleep(0)
        left = [self._pauses[key].until for key in self._due if key in self._pauses]
        return max(0.0, min(left, default=now + _LONGEST_PAUSE) - now)

    def _turn(self, key: str) -> tuple[int, str]:
        priority = self._bindings[key].spec.schedule_priority if key in self._bindings else None
        return -(priority.priority if priority is not None else 0), key

    async def _settle(self, key: str, binding: Binding) -> None:
        """Decide on a binding, and write it down."""
        verdict = decided_before(binding) or self._decided(binding)
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

    def _decided(self, binding: Binding) -> Verdict:
        return decide(binding, list(self._members.values()), self._blind, self._gone)

    def _told(self, key: str, binding: Binding, verdict: Verdict) -> None:
        where = ", ".join(f"{name} {count}" for name, count in (verdict.clusters or {}).items())
        resource = binding.spec.resource
        line = f"{resource.kind} {key.lstrip('/')}: {where or verdict.message}"
        self._tell(key, line)
        if verdict.reason == SUCCESS and key not in self._due:
            self._pauses.pop(key, None)
        else:
            # Written, and still due: it was changed meanwhile, or somebody takes back what is written.
            self._wait(key)

    def _tell(self, key: str, line: str) -> None:
        """Say what became of a binding, unless that was the last thing said of it."""
        if self._said.get(key) != line:
            if key in self._bindings:
                self._said[key] = line
            self._say(line)

    def _wait(self, key: str) -> None:
        """Try again later, and later still, unless it is gone by now."""
        if key not in self._bindings:
            return
        before, timing = self._pauses.get(key), self._api.timing
        length = min(max(before.length * 2 if before is not None else 0.0, _FIRST), _LONGEST_PAUSE)
        now = timing.now()
        self._pauses[key] = _Pause(now + length * (0.5 + timing.chance() / 2), length, now)
        self._due.add(key)

    async def _write(self, binding: Binding, verdict: Verdict) -> None:
        if self._dry_run:
            return
        kind = NAMESPACED if binding.metadata.namespace else WIDE
        patch = spec_patch(binding, verdict)
        if patch is not None:
            binding = await self._patched(kind, binding, patch, "")
        patch = status_patch(binding, verdict, self._api.timing.wall())
        if patch is not None:
            await self._patched(kind, binding, patch, "status")

    async def _patched(self, kind: Kind, binding: Binding, patch: bytes, subresource: str) -> Binding:
        path = kind.path(binding.metadata.namespace, binding.metadata.name, subresource)
        answer = read_due_binding(await self._api.request("PATCH", path, patch, content_type=_MERGE))
        known = self._bindings.get(binding.key)
        if known is not None and (answer.number < 0 or answer.number > known.number):
            self._answered[binding.key] = answer.number
            self._take(answer)
        return answer


class _Bindings(Listed):
    """Bindings on their way to a desk; one that cannot be read is told of, and not there."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(self._read, desk.drop_binding, lambda raw: seen(raw).key)
        self._desk = desk

    def restart(self) -> None:
        self._desk.relist()
        super().restart()

    def _read(self, raw: msgspec.Raw) -> str | None:
        key = seen(raw).key
        try:
            self._desk.put_binding(read_due_binding(raw))
        except (InputError, msgspec.DecodeError) as error:
            _log.warning("cannot be read", object=key, reason=str(error))
            return None
        return key


def bindings_of(desk: Desk) -> Listed:
    """Bindings on their way to a desk."""
    return _Bindings(desk)
