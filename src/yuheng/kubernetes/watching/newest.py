"""Which of two states of an object is the newer one.

Versions of objects are numbers that grow (Kubernetes promises it since 1.35, etcd always did). What comes with an older
or the same version as what is known is a duplicate, or was overtaken on its way, and is dropped. Deleted objects are
remembered until the server has said that everything up to their deletion has been sent: a state from before would
bring them back. A version that is no number is taken as new: then there is only the order in which things come.
"""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["Newest", "Seen", "seen"]


class _Metadata(msgspec.Struct, rename="camel", gc=False):
    name: str = ""
    namespace: str = ""
    resource_version: str = ""


class _Object(msgspec.Struct, gc=False):
    metadata: _Metadata


class Seen(msgspec.Struct, frozen=True, gc=False):
    """An object's name and version.

    Attributes:
        key: ``namespace/name``; of an object without a namespace, ``/name``.
        version: as the server says it.
        number: as a number; -1 for one that is none.
    """

    key: str
    version: str
    number: int


_decode: Final = msgspec.json.Decoder(_Object).decode


def seen(text: msgspec.Raw) -> Seen:
    """An object's name and version.

    Raises:
        msgspec.DecodeError: it is no object.
    """
    found = _decode(text).metadata
    version = found.resource_version
    number = int(version) if version.isascii() and version.isdigit() else -1
    return Seen(f"{found.namespace}/{found.name}", version, number)


class Newest:
    """The versions of the objects that are known, and of those that were deleted of late."""

    __slots__ = ("_deleted", "_known")

    def __init__(self) -> None:
        self._known: dict[str, int] = {}
        self._deleted: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._known)

    def restart(self) -> None:
        """A list begins: what it does not have is not there any more."""
        self._known.clear()
        self._deleted.clear()

    def listed(self, one: Seen) -> None:
        """An object is in the list."""
        self._known[one.key] = one.number

    def is_news(self, one: Seen) -> bool:
        """Whether a state is newer than what is known; it is known from now on."""
        if one.number < 0:
            self._deleted.pop(one.key, None)
            self._known[one.key] = one.number
            return True
        if one.number <= self._known.get(one.key, -1) or one.number <= self._deleted.get(one.key, -1):
            return False
        self._known[one.key] = one.number
        self._deleted.pop(one.key, None)
        return True

    def is_end(self, one: Seen) -> bool:
        """Whether a deletion is news: of an object that is known, and not of an earlier one of its name."""
        known = self._known.get(one.key)
        if known is None or 0 <= one.number < known:
            return False
        del self._known[one.key]
        self._deleted[one.key] = one.number
        return True

    def settled(self, number: int) -> None:
        """Everything up to a version has been sent."""
        if self._deleted:
            self._deleted = {key: deleted for key, deleted in self._deleted.items() if deleted > number}
