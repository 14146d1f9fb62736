"""Decoding once what is repeated letter by letter.

Thousands of pods of one template carry the same labels, tolerations and resources. Each such text is decoded
once per reading, and the pods share the result: that saves most of the time, and nearly all of the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from yuheng.errors import InputError
from yuheng.readers.decoding import below, misfit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Shared"]

T = TypeVar("T")


class Shared(Generic[T]):
    """The values of one field, by their JSON text.

    Args:
        kind: the type to decode to.
        empty: what an absent field, or ``null``, stands for.
        field: where the text stands in its object, for the error message.
        then: what is to be made of the decoded value; nothing means it stays as it is.
    """

    def __init__(self, kind: object, empty: T, field: str, then: Callable[[Any], T] | None = None) -> None:
        self._decoder = msgspec.json.Decoder(kind)
        self._field = field
        self._then = then
        self._empty = empty
        self.forget()

    def forget(self) -> None:
        """Forget all texts: those that come again are decoded again."""
        self._known: dict[bytes, T] = {b"": self._empty, b"null": self._empty}

    def __len__(self) -> int:
        return len(self._known)

    def get(self, text: bytes) -> T:
        """The value of this JSON text.

        Raises:
            InputError: the text is not of the field's type; ``field`` says where.
        """
        found = self._known.get(text)
        return self._decode(text) if found is None else found

    def _decode(self, text: bytes) -> T:
        try:
            decoded = self._decoder.decode(text)
            value: T = self._then(decoded) if self._then else decoded
        except msgspec.ValidationError as error:
            raise below(self._field, misfit(error)) from error
        except InputError as error:
            raise below(self._field, error) from error
        self._known[text] = value
        return value
