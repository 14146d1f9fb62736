"""The stream of a watch, taken apart into events.

Each event is a line of JSON. Lines arrive in pieces of any size: a piece may hold a thousand of them, or a hundredth
of one (an object may have several MB). What comes is split where it is and copied once; only a line that spans pieces
is put together, once, when its end is there. A line whose end never came is not an event: the server was cut off
while it wrote.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.kubernetes.api.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yuheng.kubernetes.api.asked import Asked

__all__ = ["BOOKMARK", "DELETED", "ERROR", "Event", "Lines", "event_of"]

BOOKMARK: Final = "BOOKMARK"
DELETED: Final = "DELETED"
ERROR: Final = "ERROR"
# etcd keeps objects of at most some MB: what is longer is no event.
LONGEST_LINE: Final = 64 * 2**20


class Event(msgspec.Struct, frozen=True):
    """An event of a watch.

    Attributes:
        type: ``ADDED``, ``MODIFIED``, ``DELETED`` or ``BOOKMARK``.
        object: the object as it is now, or was last before it was deleted; of a bookmark, only a version. It is a
            view of what was received: keep a copy, or what was decoded from it.
    """

    type: str
    object: msgspec.Raw


_decode: Final = msgspec.json.Decoder(Event).decode


def event_of(line: bytes, asked: Asked) -> Event:
    """The event that a line is.

    Raises:
        ApiError: the line is no event.
    """
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(200, "Malformed", f"{asked}: a line that is no event of a watch") from error


class Lines:
    """A stream of bytes, as whole lines."""

    __slots__ = ("_length", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0

    def take(self, chunk: bytes) -> Sequence[bytes]:
        """The lines that end in what has come; blank ones are left out.

        Raises:
            ValueError: a line is too long to be an event.
        """
        found = chunk.split(b"\n")
        rest = found.pop()
        if found:
            if self._pieces:
                self._pieces.append(found[0])
                found[0] = b"".join(self._pieces)
                self._pieces, self._length = [], 0
            if b"" in found:
                found = [line for line in found if line]
        if rest:
            self._pieces.append(rest)
            self._length += len(rest)
            if self._length > LONGEST_LINE:
                raise ValueError("a line that does not end")
        return found
