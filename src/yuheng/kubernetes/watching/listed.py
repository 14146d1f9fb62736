"""What a reflector is told of a kind, as the objects that there are: a list names all of them, an event changes one."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

__all__ = ["Listed"]


class Listed:
    """The objects of one kind.

    Args:
        take: takes an object in as it is now; its key, or None for one that cannot be read.
        drop: is told the key of an object that is there no longer.
        key: gives an object's key.
    """

    def __init__(
        self,
        take: Callable[[msgspec.Raw], str | None],
        drop: Callable[[str], object],
        key: Callable[[msgspec.Raw], str],
    ) -> None:
        self._take = take
        self._drop = drop
        self._key = key
        self._keys: set[str] = set()
        self._before: set[str] | None = None

    def restart(self) -> None:
        """A list begins: what it does not name is gone. One that began before may not have ended."""
        self._before, self._keys = (self._before or set()) | self._keys, set()

    def settle(self) -> None:
        """The list has ended."""
        for key in sorted((self._before or set()) - self._keys):
            self._drop(key)
        self._before = None

    def put(self, raw: msgspec.Raw) -> None:
        """An object is there, as it is now."""
        key = self._take(raw)
        if key is not None:
            self._keys.add(key)

    def gone(self, raw: msgspec.Raw) -> None:
        """An object is there no longer."""
        key = self._key(raw)
        self._keys.discard(key)
        self._drop(key)
