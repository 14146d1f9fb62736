"""Who asks: what a request carries so that the server knows us, and for how long that holds.

An `Identity` is what requests use, and a `Material` is what it is made of, as a kubeconfig, a file or a program gave
it. Neither shows what it holds when it is printed.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import ssl

__all__ = ["Headers", "Identity", "Material", "Source", "bearer"]

# Names and values; a name may come several times.
Headers = tuple[tuple[str, str], ...]


class Identity:
    """What a request carries.

    Attributes:
        headers: such as ``Authorization``.
        tls: how the connection is secured, with our certificate in it where we have one.
    """

    __slots__ = ("headers", "tls")

    def __init__(self, headers: Headers, tls: ssl.SSLContext) -> None:
        self.headers = headers
        self.tls = tls

    def __repr__(self) -> str:
        return f"Identity({', '.join(name for name, _ in self.headers) or 'no headers'})"


class Material(NamedTuple):
    """What an identity is made of.

    Attributes:
        headers: that say who asks.
        certificate: of the client, with its chain, in PEM; empty for none.
        key: of the certificate, in PEM.
        until: seconds since the epoch until which it may be used without asking again.
    """

    headers: Headers = ()
    certificate: bytes = b""
    key: bytes = b""
    until: float = math.inf

    def __repr__(self) -> str:
        return f"Material(until={self.until})"

    def is_as(self, other: Material) -> bool:
        """Whether it is the same, perhaps for another time."""
        return self[:3] == other[:3]


# Gets what an identity is made of: once at the start, and whenever it has run out or was not accepted.
Source = Callable[[], Awaitable[Material]]


def bearer(token: str) -> Headers:
    """The header of a token; none for an empty one."""
    return (("Authorization", f"Bearer {token}"),) if token else ()
