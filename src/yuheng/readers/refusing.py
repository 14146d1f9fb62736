"""What becomes of an object that cannot be used.

A file that holds one is refused as a whole: whoever wrote it is there to mend it. A live cluster goes on without it,
and all such objects are found in one reading: one reading for each would take minutes where there are hundreds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import msgspec

from yuheng.errors import InputError
from yuheng.readers.inventory import converted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from yuheng.readers.sources.documents import Item

__all__ = ["Refuse", "readable", "strictly"]

T = TypeVar("T")
# Is told of an error: it raises it, or it returns, and the object that the error is about is passed over.
Refuse = Callable[[InputError], None]


def strictly(error: InputError) -> None:
    """Pass over no object.

    Raises:
        InputError: always.
    """
    raise error


def readable(
    items: Iterable[Item], convert: Callable[[bytes | msgspec.Raw], T], refuse: Refuse
) -> Iterator[tuple[Item, T]]:
    """The objects that can be converted, each with what was made of it.

    Args:
        items: the objects.
        convert: makes something of the text of one.
        refuse: is told of each that cannot be converted.
    """
    for item in items:
        try:
            made = converted(item, convert)
        except InputError as error:
            refuse(error)
            continue
        yield item, made
