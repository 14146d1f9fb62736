"""Measures and health, over HTTP: what Prometheus and the kubelet ask for.

``/livez`` (and ``/healthz``) says whether the process should be left alone, ``/readyz`` whether it knows the cluster.
One that stands by is ready, too: it would lead within seconds. Nothing else is served, and nothing that was asked is
told back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, Self

from aiohttp import web

from yuheng.errors import ConfigError

if TYPE_CHECKING:
    from types import TracebackType

    from yuheng.kubernetes.running.measures import Measures

__all__ = ["Address", "Pulse", "Serving"]

# Says what is wrong; empty where nothing is.
Check = Callable[[], str]
_ADDRESS: Final = re.compile(r"(?:\[([0-9a-fA-F:.%]+)\]|([^:\[\]\s]*)):([0-9]{1,5})")
_METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_SAFE: Final = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
_BACKLOG: Final = 32


class Address:
    """Where to serve.

    Args:
        text: ``:9090``, ``127.0.0.1:9090`` or ``[::1]:9090``; without a host, on all addresses; port 0 takes any.

    Attributes:
        host: None for all.
        port: 0 for any.

    Raises:
        ConfigError: it is no such thing.
    """

    def __init__(self, text: str) -> None:
        found = _ADDRESS.fullmatch(text)
        if found is None or int(found[3]) > 65535:
            raise ConfigError(f"address to serve metrics at: found {text!r}, expected HOST:PORT or :PORT")
        self.host: str | None = found[1] or found[2] or None
        self.port = int(found[3])

    def __str__(self) -> str:
        host = self.host or ""
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


class Pulse:
    """Whether something that should go on does.

    Args:
        now: seconds of a clock that never jumps.
        patience: seconds without a beat after which it counts as stuck.
    """

    def __init__(self, now: Callable[[], float], patience: float = 60.0) -> None:
        self._now = now
        self._patience = patience
        self._last = now()

    def beat(self) -> None:
        """It goes on."""
        self._last = self._now()

    def problem(self) -> str:
        """What is wrong; empty where nothing is."""
        silent = self._now() - self._last
        return f"nothing has turned for {silent:.0f} s" if silent > self._patience else ""


class Serving:
    """The server, while it is entered.

    Args:
        address: where.
        measures: what is measured.
        live: says why the process should be started anew.
        ready: says why it cannot do its work yet.

    Attributes:
        port: that is served, once it is.
    """

    def __init__(self, address: Address, measures: Measures, live: Check, ready: Check) -> None:
        self.port = address.port
        self._address = address
        self._measures = measures
        answers: Mapping[str, Callable[[], web.Response]] = {
            "/metrics": self._measured,
            "/livez": lambda: _checked(live),
            "/healthz": lambda: _checked(live),
            "/readyz": lambda: _checked(ready),
        }
        self._answers = answers
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=1.0)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._address.host, self._address.port, backlog=_BACKLOG)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            raise ConfigError(f"cannot serve metrics at {self._address}: {error.strerror or error}") from error
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = self._answers.get(request.path)
        if answer is None:
            return web.Response(status=404, text="not found\n", headers=_SAFE)
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, text="method not allowed\n", headers={**_SAFE, "Allow": "GET, HEAD"})
        return answer()

    def _measured(self) -> web.Response:
        return web.Response(body=self._measures.text(), headers={**_SAFE, "Content-Type": _METRICS_TYPE})


def _checked(check: Check) -> web.Response:
    problem = check()
    return web.Response(status=500 if problem else 200, text=problem or "ok", headers=_SAFE)
