"""A request, as it is told in errors and measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Asked", "Observer"]


class Asked(NamedTuple):
    """A request.

    Attributes:
        server: the address of the API server.
        verb: of HTTP.
        path: without the query.
        params: the query.
    """

    server: str
    verb: str
    path: str
    params: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return f"{self.verb} {self.server}{self.path}"


# What was asked, the status of the answer (0 where there was none), and the seconds until its headers were there.
Observer = Callable[[Asked, int, float], None]
