"""`Api`: all that is asked of an API server goes through here.

One pool of connections, one way to say who asks, one way to fail. A request is a body of bytes and gives one: what
it means is the caller's. On the hot path nothing is built that could be kept: 10,000 requests bind 5,000 pods and
tell of it, and they have to cost less than the server spends on them.

What fails is asked again while that makes sense (`retrying`); credentials that are not accepted are renewed once;
redirects are not followed, since credentials must not go where an answer says; cookies are not kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import urlencode

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from yuheng.kubernetes.api.asked import Asked, Observer
from yuheng.kubernetes.api.errors import ApiError, ServerError, UnauthorizedError, UnreachableError
from yuheng.kubernetes.api.lists import Page, page_of
from yuheng.kubernetes.api.refusals import refusal, refused_watch
from yuheng.kubernetes.api.retrying import Backoff, Patience, may_repeat
from yuheng.kubernetes.api.unreachable import BROKEN, unreachable
from yuheng.kubernetes.api.watches import ERROR, Event, Lines, event_of
from yuheng.kubernetes.timing import Timing

if TYPE_CHECKING:
    from types import TracebackType

    from yuheng.kubernetes.access import Access, Identity
    from yuheng.kubernetes.api.kinds import Kind

__all__ = ["JSON", "NAMES_ONLY", "Api"]

JSON: Final = "application/json"
# What asks for an object's metadata alone.
NAMES_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
Params = Sequence[tuple[str, str]]
Failing = Callable[[ServerError], object]
# The API server gives up on a request after a minute; it should get to say so before we do.
SECONDS: Final = 75.0
_SECONDS_TO_CONNECT: Final = 10.0
_READ_AT_ONCE: Final = 2**18
_LONGEST_REFUSAL: Final = 2**16
_AGENT: Final = "yuheng"


class Api:
    """An API server.

    Args:
        access: where it is and who asks.
        timing: the clocks and the chance.
        patience: how long what fails is asked again.
        seconds: that a request may take.
        in_flight: how many requests are under way at once, watches not counted.
        compressed: whether answers may be compressed: worth it over slow networks.
        observe: is told of each answer.
    """

    def __init__(
        self,
        access: Access,
        *,
        timing: Timing = Timing(),  # noqa: B008 -- immutable
        patience: Patience = Patience(),  # noqa: B008 -- immutable
        seconds: float = SECONDS,
        in_flight: int = 64,
        compressed: bool = False,
        observe: Observer | None = None,
    ) -> None:
        self.access = access
        self.timing = timing
        self._patience = patience
        self._timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=_SECONDS_TO_CONNECT)
        self._slots = asyncio.Semaphore(in_flight)
        self._encoding = "gzip" if compressed else "identity"
        self._observe = observe
        self._client: aiohttp.ClientSession | None = None
        self._identity: Identity | None = None
        self._headers: dict[tuple[str, str], CIMultiDict[str]] = {}

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=30)
        self._client = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=self._timeout,
            read_bufsize=_READ_AT_ONCE,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def request(
        self,
        verb: str,
        path: str,
        body: bytes = b"",
        params: Params = (),
        content_type: str = JSON,
        *,
        twice_is_once: bool | None = None,
        accept: str = JSON,
        while_allowed: Callable[[], bool] = lambda: True,
    ) -> bytes:
        """Ask, and ask again while that makes sense.

        Args:
            verb: of HTTP.
            path: escaped, as `Kind.path` gives it.
            body: what is sent.
            params: the query.
            content_type: of the body.
            twice_is_once: whether it may be sent again when nobody knows what became of it; by default all but
                creates may.
            accept: the type that the answer is to have.
            while_allowed: asked before it is sent again: whether it still may be.

        Returns:
            The body of the answer.

        Raises:
            ApiError: the answer is no; its subclasses say which.
            UnreachableError: there is no answer.
            InputError: the credentials cannot be had.
        """
        asked = Asked(self.access.server, verb, path, tuple(params))
        repeatable = verb != "POST" if twice_is_once is None else twice_is_once
        types = content_type, accept
        return await self._persisted(asked, body, types, repeatable=repeatable, while_allowed=while_allowed)

    async def _persisted(
        self,
        asked: Asked,
        body: bytes,
        types: tuple[str, str],
        *,
        repeatable: bool = True,
        while_allowed: Callable[[], bool] = lambda: True,
        failing: Failing = lambda _: None,
    ) -> bytes:
        backoff: Backoff | None = None
        while True:
            try:
                async with self._slots:
                    response = await self._answer(asked, body, types, self._timeout)
                    return await _body(asked, response)
            except (ApiError, UnreachableError) as error:
                if not may_repeat(error, twice_is_once=repeatable):
                    raise
                failing(error)
                backoff = backoff or Backoff(self._patience, self.timing)
                again = await backoff.wait(error.retry_after if isinstance(error, ApiError) else None)
                if not again or not while_allowed():
                    raise

    async def pages(
        self,
        kind: Kind,
        *,
        namespace: str = "",
        selector: str = "",
        fields: str = "",
        page: int = 500,
        accept: str = JSON,
        failing: Failing = lambda _: None,
    ) -> AsyncIterator[Page]:
        """All objects of a kind, a page at a time.

        Args:
            kind: of which kind.
            namespace: of one namespace; empty for all.
            selector: on labels, as ``app=web``.
            fields: on fields, as ``spec.nodeName=``.
            page: how many objects at once; 0 for all.
            accept: `NAMES_ONLY` for their metadata alone.
            failing: is told of each failure that may be followed by another try.

        Raises:
            GoneError: the list has become too old between two pages: begin anew.
            ServerError: as `request`.
        """
        params = _selected(selector, fields)
        if page:
            params.append(("limit", str(page)))
        path, more = kind.path(namespace), ""
        while True:
            asked = [*params, ("continue", more)] if more else params
            request = Asked(self.access.server, "GET", path, tuple(asked))
            body = await self._persisted(request, b"", (JSON, accept), failing=failing)
            found = page_of(body, request)
            more = found.more
            yield found
            if not more:
                return
            del body, found  # one page of text at a time

    async def watch(
        self,
        kind: Kind,
        version: str,
        *,
        namespace: str = "",
        selector: str = "",
        fields: str = "",
        seconds: float = 480.0,
        silence: float = 180.0,
        opened: Callable[[], object] = lambda: None,
    ) -> AsyncIterator[Event]:
        """What happens to objects of a kind, until the server closes or the connection dies.

        Args:
            kind: of which kind.
            version: after which version, as a list or an event tells it.
            namespace: of one namespace; empty for all.
            selector: on labels.
            fields: on fields.
            seconds: how long the server is asked to keep it open.
            silence: seconds without a byte after which the connection counts as dead. Bookmarks come every minute.
            opened: is called once the server has begun to tell.

        Raises:
            GoneError: the version is older than what the server keeps: list anew.
            UnreachableError: no connection.
            ApiError: another no, or what is no watch.
        """
        params = [
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", version),
            ("timeoutSeconds", str(max(1, int(seconds)))),
            *_selected(selector, fields),
        ]
        asked = Asked(self.access.server, "GET", kind.path(namespace), tuple(params))
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_SECONDS_TO_CONNECT, sock_read=silence)
        response = await self._answer(asked, b"", (JSON, JSON), timeout)
        try:
            opened()
            async with aclosing(_lines(asked, response)) as lines:
                async for line in lines:
                    event = event_of(line, asked)
                    if event.type == ERROR:
                        raise refused_watch(asked, event.object)
                    yield event
        finally:
            # It has no end that another request could come after.
            response.close()

    async def _answer(
        self, asked: Asked, body: bytes, types: tuple[str, str], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        """The answer, if it is yes; credentials that are not accepted are renewed once."""
        identity = self.access.identity() or await self.access.renewed()
        try:
            return await self._once(asked, body, types, timeout, identity)
        except UnauthorizedError:
            renewed = await self.access.renewed(refused=identity)
            if renewed is identity:
                raise
        return await self._once(asked, body, types, timeout, renewed)

    async def _once(
        self, asked: Asked, body: bytes, types: tuple[str, str], timeout: aiohttp.ClientTimeout, identity: Identity
    ) -> aiohttp.ClientResponse:
        if self._client is None:
            raise ServerError(f"{asked}: the session is not open")
        started = self.timing.now()
        url = f"{asked.server}{asked.path}?{urlencode(asked.params)}" if asked.params else asked.server + asked.path
        try:
            response = await self._client.request(
                asked.verb,
                URL(url, encoded=True),
                data=body or None,
                headers=self._headers_of(identity, types),
                ssl=identity.tls,
                server_hostname=self.access.server_name,
                proxy=self.access.proxy,
                timeout=timeout,
                allow_redirects=False,
            )
        except BROKEN as error:
            self._tell(asked, 0, started)
            raise unreachable(asked, error) from error
        self._tell(asked, response.status, started)
        if response.status >= 300:
            raise await _refused(asked, response)
        return response

    def _headers_of(self, identity: Identity, types: tuple[str, str]) -> CIMultiDict[str]:
        """The headers of a request, made once for each identity, type of body and type of answer."""
        if identity is not self._identity:
            self._identity, self._headers = identity, {}
        headers = self._headers.get(types)
        if headers is None:
            headers = CIMultiDict(identity.headers)
            headers.update({"Content-Type": types[0], "Accept": types[1]})
            headers.update({"Accept-Encoding": self._encoding, "User-Agent": _AGENT})
            self._headers[types] = headers
        return headers

    def _tell(self, asked: Asked, status: int, started: float) -> None:
        if self._observe is not None:
            self._observe(asked, status, self.timing.now() - started)


def _selected(selector: str, fields: str) -> list[tuple[str, str]]:
    pairs = (("labelSelector", selector), ("fieldSelector", fields))
    return [(name, value) for name, value in pairs if value]


async def _body(asked: Asked, response: aiohttp.ClientResponse) -> bytes:
    try:
        return await response.read()
    except BROKEN as error:
        raise unreachable(asked, error) from error


async def _refused(asked: Asked, response: aiohttp.ClientResponse) -> ApiError:
    """The error that an answer is; of a long page only the beginning is read."""
    body = b""
    try:
        # What is read at once is what has come, which of a long sentence is a part.
        while len(body) < _LONGEST_REFUSAL and (more := await response.content.read(_LONGEST_REFUSAL - len(body))):
            body += more
    except BROKEN:
        body = b""
    error = refusal(asked, response.status, response.headers, body)
    response.release() if response.content.at_eof() else response.close()
    return error


async def _lines(asked: Asked, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """The lines of an answer; where it is cut off, or nothing more comes, it ends."""
    lines = Lines()
    content = response.content
    try:
        while chunk := await content.readany():
            for line in lines.take(chunk):
                yield line
    except ValueError as error:
        raise ApiError(200, "Malformed", f"{asked}: {error}") from error
    except BROKEN:
        return
