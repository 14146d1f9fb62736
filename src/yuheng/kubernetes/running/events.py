"""Events (``events.k8s.io/v1``) about pods, as kube-scheduler tells them.

The same thing told again is not another event but a series of one: the second time makes it one at once, later times
are counted, and the count is written when the series has ended (nothing for `FINISHED` seconds) or so often that the
server does not forget it. "The same" leaves out the words, as kube-scheduler does: the newest sentence is in the pod's
condition, and a pending pod whose sentence changes with every node that comes is one event, not hundreds.

Only so many events can be known again. What is new beyond that is dropped, not told as if for the first time each time:
a queue of 50,000 pods that nothing fits must not fill etcd with the same sentence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.errors import YuhengError
from yuheng.kubernetes.api import KINDS, ConflictError, ForbiddenError, MissingError
from yuheng.kubernetes.running.lease import micro_time
from yuheng.kubernetes.running.outbox import Outbox
from yuheng.kubernetes.troubles import Troubles

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api
    from yuheng.kubernetes.timing import Timing

__all__ = ["Events", "Reference", "cut"]

_EVENTS: Final = KINDS["events.events.k8s.io"]
_MERGE: Final = "application/merge-patch+json"
# What the API server accepts, in bytes.
LONGEST_NOTE: Final = 1024
LONGEST_INSTANCE: Final = 128
LONGEST_NAME: Final = 253
# Seconds after which what is not told again is a thing of the past, and after which a series that goes on is written.
FINISHED: Final = 360.0
REFRESHED: Final = 1800.0
# How many events are remembered, to know them again.
REMEMBERED: Final = 20_000
IN_FLIGHT: Final = 6
WAITING: Final = 10_000


class Reference(msgspec.Struct, rename="camel", omit_defaults=True, frozen=True):
    """A pod that an event is about."""

    namespace: str
    name: str
    uid: str = ""
    kind: str = ""
    api_version: str = ""

    @classmethod
    def to_pod(cls, key: str, uid: str) -> Reference:
        """A pod, by ``namespace/name`` and uid."""
        namespace, _, name = key.partition("/")
        return cls(namespace, name, uid, "Pod", "v1")


class _Metadata(msgspec.Struct, frozen=True):
    name: str
    namespace: str


class _Series(msgspec.Struct, rename="camel", frozen=True):
    count: int
    last_observed_time: str


class _Event(msgspec.Struct, rename="camel", omit_defaults=True):
    api_version: str
    kind: str
    metadata: _Metadata
    event_time: str
    reporting_controller: str
    reporting_instance: str
    action: str
    reason: str
    type: str
    note: str
    regarding: Reference
    related: Reference | None = None
    series: _Series | None = None


class _Patch(msgspec.Struct):
    series: _Series | None


class _Told(msgspec.Struct):
    """An event, and how far the server knows it.

    Attributes:
        event: as it is now.
        made: whether the server has it.
        known: the count that the server knows.
        at: when it was last told, in seconds of the steady clock.
        sent: when it was last sent, likewise.
    """

    event: _Event
    made: bool = False
    known: int = 0
    at: float = 0.0
    sent: float = 0.0

    @property
    def count(self) -> int:
        return self.event.series.count if self.event.series is not None else 1


class Events:
    """Events about pods.

    Args:
        api: the server.
        name: of the scheduler.
        instance: which of its instances tells.
        timing: the clocks.
        remembered: how many events are known again when they are told again.
        most: how many may wait to be sent.

    Attributes:
        outbox: where they wait to be sent.
        dropped: how many were not told because too many were told already.
    """

    def __init__(
        self,
        api: Api,
        name: str,
        instance: str,
        timing: Timing,
        *,
        remembered: int = REMEMBERED,
        most: int = WAITING,
    ) -> None:
        self._api = api
        self._name = name
        self._instance = cut(instance, LONGEST_INSTANCE, "")
        self._timing = timing
        self._remembered = remembered
        self._known: dict[tuple[str, str, str], _Told] = {}
        self.dropped = 0
        self._nanoseconds = 0
        self._troubles = Troubles("cannot write events", timing.now)
        self.outbox: Outbox[_Told] = Outbox(self._send, in_flight=IN_FLIGHT, most=most)

    def tell(
        self,
        regarding: Reference,
        reason: str,
        action: str,
        note: str,
        *,
        warns: bool = False,
        related: Reference | None = None,
        once: bool = False,
    ) -> None:
        """Tell something about a pod.

        Args:
            regarding: the pod.
            reason: in a word, as ``FailedScheduling``.
            action: what was done, in a word, as ``Binding``.
            note: a sentence; cut to what the server takes.
            warns: whether it is a ``Warning``.
            related: another pod that has to do with it.
            once: whether it cannot happen twice, so that nobody has to remember it.
        """
        key = (regarding.uid or f"{regarding.namespace}/{regarding.name}", reason, related.uid if related else "")
        told = self._known.get(key)
        if told is not None:
            self._again(told)
            return
        if not once and len(self._known) >= self._remembered:
            self.dropped += 1
            return
        event = self._event(regarding, reason, action, note)
        event.type = "Warning" if warns else "Normal"
        event.related = related
        told = _Told(event, at=self._timing.now())
        if self.outbox.put(event.metadata.name, told) and not once:
            self._known[key] = told

    def tidy(self) -> None:
        """Forget what is not told any more, and have the counts of what is written; due every `FINISHED` seconds."""
        now = self._timing.now()
        for key, told in list(self._known.items()):
            is_over = now - told.at >= FINISHED
            if is_over:
                del self._known[key]
            if told.count > told.known and (is_over or now - told.sent >= REFRESHED):
                self.outbox.put(told.event.metadata.name, told)

    def _again(self, told: _Told) -> None:
        told.at = self._timing.now()
        count = told.count + 1
        told.event.series = _Series(count, micro_time(self._timing.wall()))
        if count == 2:
            self.outbox.put(told.event.metadata.name, told)

    def _event(self, regarding: Reference, reason: str, action: str, note: str) -> _Event:
        wall = self._timing.wall()
        # No two events of one pod have the same name, even when they are told in the same moment.
        self._nanoseconds = max(self._nanoseconds + 1, int(wall * 1e9))
        stem = regarding.name if len(regarding.name) + 17 <= LONGEST_NAME else regarding.uid
        return _Event(
            api_version=_EVENTS.api_version,
            kind=_EVENTS.kind,
            metadata=_Metadata(f"{stem}.{self._nanoseconds:x}", regarding.namespace),
            event_time=micro_time(wall),
            reporting_controller=self._name,
            reporting_instance=self._instance,
            action=action,
            reason=reason,
            type="Normal",
            note=cut(note, LONGEST_NOTE),
            regarding=regarding,
        )

    async def _send(self, told: _Told) -> None:
        """Make an event, or write the count of one that is there."""
        count, told.sent = told.count, self._timing.now()
        try:
            if not (told.made and await self._patched(told)):
                await self._made(told)
        except ForbiddenError as error:
            # Nothing can be created in a namespace that is being deleted: that is no lack of a role.
            if "being terminated" not in str(error):
                self._troubles.tell(error)
        except YuhengError as error:
            self._troubles.tell(error)
        else:
            self._troubles.over()
            told.made, told.known = True, count

    async def _patched(self, told: _Told) -> bool:
        """Write a count; False where the server has forgotten the event."""
        metadata = told.event.metadata
        path = _EVENTS.path(metadata.namespace, metadata.name)
        try:
            await self._api.request("PATCH", path, msgspec.json.encode(_Patch(told.event.series)), content_type=_MERGE)
        except MissingError:
            return False
        return True

    async def _made(self, told: _Told) -> None:
        try:
            # Its name is its own: made twice, it is made once.
            await self._api.request(
                "POST",
                _EVENTS.path(told.event.metadata.namespace),
                msgspec.json.encode(told.event),
                twice_is_once=True,
            )
        except ConflictError:
            return


def cut(text: str, longest: int, mark: str = " ...") -> str:
    """Text of at most so many bytes; what was cut ends with a mark."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= longest:
        return text
    return encoded[: longest - len(mark)].decode("utf-8", "ignore") + mark
