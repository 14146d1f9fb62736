"""Fields that are kept of an object, as a tree, and what cuts an object down to them.

A tree is made into a type that decodes what is kept and nothing else: the rest is skipped without being built, and
what is kept whole is passed on as the text it was. What is not named is not there, whatever it is and whenever
somebody adds it to Kubernetes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

__all__ = ["WHOLE", "Each", "Fields", "Tree", "Values", "cutter"]


class _Whole(Enum):
    WHOLE = "whole"


# A field that is kept with everything in it.
WHOLE: Final = _Whole.WHOLE


class Each(NamedTuple):
    """A list: what is kept of each of its objects."""

    fields: Fields


class Values(NamedTuple):
    """A map with keys of people's own: what is kept of each of its values."""

    fields: Fields


Fields: TypeAlias = Mapping[str, "Tree"]
Tree: TypeAlias = _Whole | Each | Values | Fields
_ABSENT: Final = msgspec.Raw()


def cutter(fields: Fields, kind: str, api_version: str) -> Callable[[msgspec.Raw | bytes], bytes]:
    """What cuts an object down to some fields.

    Args:
        fields: those that are kept.
        kind: what the object is, which items of a list do not say.
        api_version: the same.

    Returns:
        A function from the JSON of an object to that of what is kept of it. It raises `msgspec.DecodeError` for what
        is no such object.
    """
    form = _form("object", {"apiVersion": WHOLE, "kind": WHOLE, **fields})
    decode, encode = msgspec.json.Decoder(form).decode, msgspec.json.Encoder().encode
    version, name = (msgspec.Raw(msgspec.json.encode(text)) for text in (api_version, kind))

    def cut(text: msgspec.Raw | bytes) -> bytes:
        found: Any = decode(text)
        found.field0, found.field1 = version, name
        return encode(found)

    return cut


def _form(name: str, fields: Fields) -> type[msgspec.Struct]:
    """The type of an object of which these fields are kept; names of fields are any text."""
    columns: list[tuple[str, Any, Any]] = []
    names = {}
    for number, (written, tree) in enumerate(fields.items()):
        names[f"field{number}"] = written
        columns.append((f"field{number}", *_column(written, tree)))
    return msgspec.defstruct(name, columns, rename=names, omit_defaults=True, gc=False)


def _column(written: str, tree: Tree) -> tuple[Any, Any]:
    """The type of a field, and what it is where it is absent: it is then not written."""
    if isinstance(tree, _Whole):
        return msgspec.Raw, _ABSENT
    if isinstance(tree, Each):
        return list[_form(written, tree.fields)] | None, None  # type: ignore[misc]
    if isinstance(tree, Values):
        return dict[str, _form(written, tree.fields)] | None, None  # type: ignore[misc]
    return _form(written, tree) | None, None
