"""Bad networks between a scheduler and a real API server: connections that are cut, answers that are lost or wrong."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
from aiohttp import web
from tests.kubernetes.made_api_server import serving, status
from tests.kubernetes.real.real_server import RealServer

__all__ = ["Cutter", "Troubles", "cutting", "troubled"]


class Cutter:
    """Passes connections on as they are, and cuts all of them every so often.

    Attributes:
        url: where it listens.
        cut: how many connections it has cut.
    """

    def __init__(self, server: RealServer) -> None:
        self.cut = 0
        self.url = ""
        self._port = int(server.url.rpartition(":")[2])
        self._open: set[asyncio.StreamWriter] = set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a connection on until one side ends it."""
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, back}
        try:
            await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))
        finally:
            self._open -= {writer, back}
            for one in (writer, back):
                one.transport.abort()

    @staticmethod
    async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(2**16):
                writer.write(data)
                await writer.drain()
        writer.transport.abort()

    async def cut_every(self, seconds: float) -> None:
        """Cut all connections, again and again, until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            self.cut += len(self._open) // 2
            for one in list(self._open):
                one.transport.abort()


@asynccontextmanager
async def cutting(server: RealServer, seconds: float) -> AsyncIterator[Cutter]:
    """A proxy that cuts all connections every so many seconds."""
    made = Cutter(server)
    listening = await asyncio.start_server(made.take, "127.0.0.1", 0)
    made.url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    task = asyncio.create_task(made.cut_every(seconds))
    try:
        yield made
    finally:
        task.cancel()
        listening.close()
        for one in list(made._open):
            one.transport.abort()
        await listening.wait_closed()
        await asyncio.sleep(0.05)


class Troubles:
    """Passes requests on over HTTP, and lets a share of them fail in some way.

    Attributes:
        url: where it listens.
        share: of the requests that fail; from 0 to 1.
        longest: seconds that a request may be delayed by; those about Leases are not.
        leases: seconds that requests about Leases are delayed by.
        done: how often it did what.
    """

    def __init__(self, server: RealServer, session: aiohttp.ClientSession, share: float, longest: float) -> None:
        self.url = ""
        self.share = share
        self.longest = longest
        self.leases = 0.0
        self.done: Counter[str] = Counter()
        self._server = server
        self._session = session
        self._random = random.Random(7)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """A request."""
        body = await request.read()
        await asyncio.sleep(self.leases if "/leases" in request.path else self._random.random() * self.longest)
        fault = self._random.choice(("429", "500", "409", "lost", "late")) if self._random.random() < self.share else ""
        self.done[fault] += 1
        if fault == "429":
            return status(429, "TooManyRequests", "please try again later", {"Retry-After": "1"})
        if fault == "500":
            return status(500, "InternalError", "etcdserver: leader changed")
        if fault == "409" and request.method != "GET":
            return status(409, "Conflict", "the object has been modified")
        if fault == "late":
            await asyncio.sleep(2.0)
        try:
            return await self._passed_on(request, body, answered=fault != "lost")
        except (aiohttp.ClientError, OSError):
            # One of both sides has gone.
            return web.Response(status=502)

    async def _passed_on(self, request: web.Request, body: bytes, *, answered: bool) -> web.StreamResponse:
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type", "Accept")}
        url = self._server.url + request.raw_path
        async with self._session.request(request.method, url, data=body or None, headers=headers) as answer:
            if not answered:
                await answer.content.read(1)
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            told = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
            with suppress(aiohttp.ClientError, OSError):
                await told.prepare(request)
                async for chunk in answer.content.iter_any():
                    await told.write(chunk)
            return told


@asynccontextmanager
async def troubled(server: RealServer, share: float, longest: float = 0.0) -> AsyncIterator[Troubles]:
    """A proxy that lets a share of requests fail."""
    connector = aiohttp.TCPConnector(ssl=server.trust(), limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
        made = Troubles(server, session, share, longest)
        async with serving(made.handle) as url:
            made.url = url
            yield made
