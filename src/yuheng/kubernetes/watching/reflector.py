"""`Reflector`: one kind of object, mirrored into a sink, whatever happens on the way.

    list, a page at a time ──▶ watch from the list's version ──▶ the server closes ──▶ watch from the last version
      ▲                             │
      └──────── 410 Gone ◀──────────┘

A server closes every watch after some minutes, and may close it at any time: that is not an error, and the next one
goes on from the last version that was seen. Bookmarks move that version on where nothing happens, so that it stays
within what the server keeps. When it no longer does (``410 Gone``), all is listed anew. Connections die without a word:
a watch without a byte for minutes, though bookmarks are due every minute, is taken as dead. Failures are followed by
pauses that grow, with jitter, and end with the first event.

Kinds of other people's (Volcano's, say) may not be installed. That is no failure either: there are none, and it is
looked again every minute. A role that knows nothing of them is told 403 instead of 404; then the server's discovery,
which everybody may read, says whether there is such a kind.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec
import structlog

from yuheng.errors import YuhengError
from yuheng.kubernetes.api import (
    BOOKMARK,
    DELETED,
    ApiError,
    Backoff,
    ForbiddenError,
    GoneError,
    MissingError,
    Patience,
    ServerError,
    is_served,
    served_versions,
)
from yuheng.kubernetes.troubles import Troubles
from yuheng.kubernetes.watching.newest import Newest, Seen, seen

if TYPE_CHECKING:
    from yuheng.kubernetes.api import Api, Event, Kind

__all__ = ["Reflector", "Sink"]

# A scheduler that sees nothing decides nothing: it looks every ten seconds at the latest whether the server is back.
PATIENCE: Final = Patience(total=float("inf"), first=0.2, longest=10.0)
# Seconds after which a kind that is not installed is looked for again.
LOOK_AGAIN: Final = 60.0
# Seconds that the server is asked to keep a watch open: drawn between, so that not all end at once.
SHORTEST, LONGEST = 300.0, 600.0
SILENCE: Final = 180.0
# Seconds that a watch lasts at least which was not closed at once.
AT_ONCE: Final = 0.25
# What a server answers to a watch that it cannot begin where it is asked to.
_DOUBTFUL: Final = frozenset({200, 400, 500, 504})
# What fails, before the whole of a kind was seen and after.
LISTING: Final = "cannot list: nothing is decided before the whole cluster was seen"
WATCHING: Final = "cannot keep up: decisions rest on what was seen last"
_log = structlog.get_logger("yuheng.watching")


class Sink(Protocol):
    """Where a kind is mirrored to. What it is given is a view: it decodes, or copies, what it keeps."""

    def restart(self) -> None:
        """A list begins; one that began before may not have ended."""

    def put(self, raw: msgspec.Raw) -> None:
        """An object as it is now; it may be as it was."""

    def settle(self) -> None:
        """The list has ended: what was not put since it began is gone."""

    def gone(self, raw: msgspec.Raw) -> None:
        """An object was deleted: its last state."""


class Reflector:
    """Mirrors a kind into a sink.

    Args:
        api: the server.
        kind: the kind.
        sink: where it is mirrored to.
        namespace: of one namespace; empty for all.
        selector: on labels; empty for all.
        fields: on fields; empty for all.
        page: how many objects are listed at once.
        silence: seconds without a byte after which a watch counts as dead.

    Attributes:
        synced: is set while the sink has seen a whole list, or knows that there is nothing to list.
        is_missing: whether the server knows no such kind.
        is_watching: whether the server is telling what happens, now.
        listed: when all was last listed, in seconds of the steady clock.
        trouble: what failed last, until something comes again; None where nothing does.
        restarts: how often all had to be listed again.
        troubles: where failures are told; several reflectors may share it.
    """

    def __init__(
        self,
        api: Api,
        kind: Kind,
        sink: Sink,
        *,
        namespace: str = "",
        selector: str = "",
        fields: str = "",
        page: int = 500,
        silence: float = SILENCE,
    ) -> None:
        self.kind = kind
        self.synced = asyncio.Event()
        self.is_missing = False
        self.is_watching = False
        self.listed = float("-inf")
        self.trouble: YuhengError | None = None
        self.restarts = 0
        self.troubles = Troubles(WATCHING, api.timing.now, subject="kinds", logger="yuheng.watching")
        self._api = api
        self._sink = sink
        self._selected: dict[str, Any] = {"namespace": namespace, "selector": selector, "fields": fields}
        self._page = page
        self._silence = silence
        self._newest = Newest()
        self._version = ""
        self._broken_lists = 0
        self._failed_watches = 0
        self._backoff = Backoff(PATIENCE, api.timing)
        # Between two lists after each of which history was lost at once.
        self._losses = Backoff(PATIENCE, api.timing)

    async def run(self) -> None:
        """Mirror until cancelled."""
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._watch()
            except GoneError:
                _log.info("history is lost, listing anew", kind=self.kind.name)
                self._version = ""
                # An answer: whatever there was to wait for before is over.
                self._backoff.reset()
                await self._losses.wait()
            except MissingError:
                await self._is_not_there()
            except ForbiddenError as error:
                await self._is_forbidden(error)
            except YuhengError as error:
                self._failed(error)
                await self._backoff.wait(error.retry_after if isinstance(error, ApiError) else None)

    async def _list(self) -> None:
        """All objects, into the sink."""
        self._sink.restart()
        self._newest.restart()
        version = ""
        # Reading takes longer than the server keeps the list: then it is asked for in one piece.
        size = self._page if self._broken_lists < 2 else 0
        try:
            async for page in self._api.pages(self.kind, page=size, failing=self._told, **self._selected):
                for raw in page.items:
                    self._newest.listed(self._seen(raw))
                    self._sink.put(raw)
                version = page.version
        except GoneError:
            self._broken_lists += 1
            raise
        self._sink.settle()
        self._version = version
        self.listed = self._api.timing.now()
        self._broken_lists = 0
        self.restarts += self.synced.is_set()
        self._works()
        self.synced.set()

    async def _watch(self) -> None:
        """What happens, into the sink, until the server closes."""
        timing = self._api.timing
        started, count = timing.now(), 0
        try:
            async for event in self._api.watch(
                self.kind,
                self._version,
                seconds=SHORTEST + (LONGEST - SHORTEST) * timing.chance(),
                silence=self._silence,
                opened=self._opened,
                **self._selected,
            ):
                self._take(event)
                count += 1
                if count == 1:
                    self._losses.reset()
                    self._works()
        finally:
            self.is_watching = False
        if not count and timing.now() - started < AT_ONCE:
            # A server, or a proxy, that closes at once must not be asked in a loop.
            await self._backoff.wait()
        elif not count:
            self._works()

    def _opened(self) -> None:
        self.is_watching = True

    def _take(self, event: Event) -> None:
        one = self._seen(event.object)
        if event.type == BOOKMARK:
            self._newest.settled(one.number)
        elif event.type == DELETED:
            if self._newest.is_end(one):
                self._sink.gone(event.object)
        elif self._newest.is_news(one):
            self._sink.put(event.object)
        if one.version:
            self._version = one.version

    def _seen(self, raw: msgspec.Raw) -> Seen:
        try:
            return seen(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ApiError(200, "Malformed", f"{self._api.access.server}: {self.kind.name}: no object") from error

    def _works(self) -> None:
        self._backoff.reset()
        self._failed_watches = 0
        if self.is_missing:
            _log.info("the server has this kind by now", kind=self.kind.name)
        self.is_missing = False
        self.trouble = None
        self.troubles.over(self.kind.name)

    async def _is_not_there(self) -> None:
        """There is no such kind: the sink is empty, and that is known."""
        self.trouble = await self._other_version()
        self.troubles.over(self.kind.name)
        self._tell_missing()
        self.is_missing = True
        self._version = ""
        self._newest.restart()
        self._sink.restart()
        self._sink.settle()
        self.synced.set()
        await self._api.timing.sleep(LOOK_AGAIN * (1 + self._api.timing.chance() / 10))

    def _tell_missing(self) -> None:
        if self.trouble is not None and not self.is_missing:
            _log.warning("the server has no such kind", kind=self.kind.name, reason=str(self.trouble))
        elif self.synced.is_set() and not self.is_missing:
            _log.info("the server has this kind no longer", kind=self.kind.name)

    async def _is_forbidden(self, error: ForbiddenError) -> None:
        """Who may not list a kind is told so whether there is one or not: only what is there hinders anything."""
        if self.kind.is_foreign and not await self._is_served():
            await self._is_not_there()
            return
        self._failed(error)
        # Who may list and not watch is told of changes by lists.
        self._version = ""
        await self._backoff.wait()

    async def _is_served(self) -> bool:
        """Whether the server has the kind, as far as it says."""
        try:
            return await is_served(self._api, self.kind)
        except YuhengError:
            return True

    async def _other_version(self) -> YuhengError | None:
        """What to tell where the server has the kind in versions only that nobody here can read."""
        if not self.kind.is_foreign:
            return None
        try:
            versions = await served_versions(self._api, self.kind.group)
        except YuhengError as error:
            return error
        if not versions or self.kind.version in versions:
            return None
        found = f"{self._api.access.server}: {self.kind.name}: found version {' and '.join(versions)}"
        return ServerError(f"{found}, expected {self.kind.version}: its objects are not seen")

    def _told(self, error: YuhengError) -> None:
        self.troubles.tell(error, self.kind.name, "" if self.synced.is_set() else LISTING)

    def _failed(self, error: YuhengError) -> None:
        self._told(error)
        self.trouble = error
        if isinstance(error, ApiError) and error.status in _DOUBTFUL:
            # Perhaps it is what we ask for: a version that an etcd restored from a backup has not reached.
            self._failed_watches += 1
            if self._failed_watches > 1:
                self._version = ""
