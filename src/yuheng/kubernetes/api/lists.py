"""Lists, a page at a time.

A cluster of 100,000 pods is half a GB of JSON. It is asked for in pages, and of a page only the places of its objects
are known before somebody decodes them, so that no more than one page is held as text.
"""

from __future__ import annotations

from typing import Final

import msgspec

from yuheng.kubernetes.api.asked import Asked
from yuheng.kubernetes.api.errors import ApiError

__all__ = ["Page", "page_of"]


class _ListMetadata(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    more: str = msgspec.field(default="", name="continue")
    remaining_item_count: int | None = None


class _List(msgspec.Struct, rename="camel"):
    kind: str = ""
    metadata: _ListMetadata = msgspec.field(default_factory=_ListMetadata)
    items: list[msgspec.Raw] | None = None


_decode: Final = msgspec.json.Decoder(_List).decode


class Page(msgspec.Struct, frozen=True):
    """A page of a list.

    Attributes:
        items: its objects, without ``kind`` and ``apiVersion``, as views of what was received: what is kept of them
            has to be decoded or copied.
        version: the version of the whole list, from which a watch can go on.
        more: what asks for the next page; empty on the last.
        remaining: how many objects come after this page; None where the server does not say.
    """

    items: list[msgspec.Raw]
    version: str
    more: str = ""
    remaining: int | None = None


def page_of(body: bytes, asked: Asked) -> Page:
    """The page that an answer is.

    Raises:
        ApiError: the answer is no list.
    """
    try:
        found = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(200, "Malformed", f"{asked}: an answer that is no list of objects") from error
    if not found.kind.endswith("List"):
        raise ApiError(200, "Malformed", f"{asked}: an answer that is no list of objects")
    return Page(
        found.items or [], found.metadata.resource_version, found.metadata.more, found.metadata.remaining_item_count
    )
