"""JSON pointers (RFC 6901) and the operations add, remove and replace of JSON patches (RFC 6902), on decoded JSON."""

# ruff: noqa: ANN401 -- walks plain data of any shape

from __future__ import annotations

import copy
from typing import Any

from yuheng.errors import InputError

__all__ = ["patch", "value_at"]


def value_at(document: Any, pointer: str) -> Any:
    """What a pointer leads to.

    Raises:
        InputError: it leads nowhere.
    """
    for step in _steps(pointer):
        document = _child(document, step, pointer)
    return document


def patch(document: Any, operator: str, pointer: str, value: Any = None) -> None:
    """Change a document in place.

    Args:
        document: decoded JSON.
        operator: ``add`` puts a value into a map, or before an element of a list (``-`` for its end); ``replace`` puts
            it in the place of what is there; ``remove`` takes away what is there.
        pointer: where.
        value: of ``add`` and ``replace``.

    Raises:
        InputError: there is no such place.
    """
    *path, last = _steps(pointer)
    holder, value = document, copy.deepcopy(value)
    for step in path:
        holder = _child(holder, step, pointer)
    if operator == "add" and isinstance(holder, dict):
        holder[last] = value
    elif operator == "add" and isinstance(holder, list):
        holder.insert(_place(last, len(holder), pointer, end=True), value)
    else:
        _child(holder, last, pointer)
        place = last if isinstance(holder, dict) else int(last)
        if operator == "remove":
            del holder[place]
        else:
            holder[place] = value


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _child(holder: Any, step: str, pointer: str) -> Any:
    if isinstance(holder, dict) and step in holder:
        return holder[step]
    if isinstance(holder, list):
        return holder[_place(step, len(holder), pointer, end=False)]
    raise _nowhere(pointer)


def _place(step: str, length: int, pointer: str, *, end: bool) -> int:
    """The index of an element; with `end`, also the one behind the last."""
    if end and step == "-":
        return length
    if not (step.isascii() and step.isdigit()) or int(step) >= length + end:
        raise _nowhere(pointer)
    return int(step)


def _nowhere(pointer: str) -> InputError:
    return InputError(f"{pointer!r}", "the path of a field that the object has")
