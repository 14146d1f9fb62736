"""`Access`: where an API server is, and who asks it.

Requests ask for the identity each time, which costs nothing while it holds. When it has run out, or the server did not
accept it, it is got anew, by one of those who wait for it: a plugin that opens a browser must not open sixty.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from yuheng.kubernetes.access.identity import Identity, Material, Source
from yuheng.kubernetes.timing import Timing

if TYPE_CHECKING:
    from yuheng.kubernetes.access.tls import Trust

__all__ = ["Access"]


class Access:
    """An API server, and how to ask it.

    Args:
        server: its address, without a slash at the end.
        trust: whom we believe to be the server.
        source: gets what our identity is made of.
        context: the name of the kubeconfig's context; empty inside a cluster.
        namespace: the one that is meant where none is named.
        proxy: the address of the proxy in between; None for none.
        server_name: the name that the server's certificate must have; None for that of the address.
        timing: the clocks.
    """

    def __init__(
        self,
        server: str,
        trust: Trust,
        source: Source,
        *,
        context: str = "",
        namespace: str = "default",
        proxy: str | None = None,
        server_name: str | None = None,
        timing: Timing = Timing(),  # noqa: B008 -- immutable
    ) -> None:
        self.server = server
        self.context = context
        self.namespace = namespace
        self.proxy = proxy
        self.server_name = server_name
        self._trust = trust
        self._source = source
        self._wall = timing.wall
        self._lock = asyncio.Lock()
        self._identity: Identity | None = None
        self._material = Material()

    def __repr__(self) -> str:
        return f"Access({self.server!r}, context={self.context!r})"

    @property
    def is_blind(self) -> bool:
        """Whether the server's certificate is not checked."""
        return self._trust.is_blind

    def identity(self) -> Identity | None:
        """Who asks; None when that has run out, or was never asked for."""
        return self._identity if self._wall() < self._material.until else None

    async def renewed(self, refused: Identity | None = None) -> Identity:
        """Who asks, got anew if need be.

        Args:
            refused: the identity that the server did not accept; None where it has only run out.

        Returns:
            The identity; the same object where there is no other to be had.

        Raises:
            InputError: the credentials cannot be had, or are none.
        """
        async with self._lock:
            current = self.identity()
            if current is not None and current is not refused:
                return current
            material = await self._source()
            if self._identity is None or not material.is_as(self._material):
                tls = self._trust.context(material.certificate, material.key)
                self._identity = Identity(material.headers, tls)
            self._material = material
            return self._identity
