"""Converting one object, forgivingly; and where that fails, finding the place.

An object is converted as it is. Only when that fails is it taken apart: nulls are dropped (Kubernetes treats
a null as absent) and it is tried again. What fails then is the user's to mend, and the message must say
where: of a map the decoder only says ``labels[...]``, and halving the map tells which key it means.
"""

# ruff: noqa: ANN401 -- walks plain data of any shape

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from yuheng.errors import InputError
from yuheng.readers.decoding import TYPES, UNKNOWN, joined, misfit, not_utf8, without_nulls

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["forgiving"]

T = TypeVar("T")
_STEP: Final = re.compile(r"\.?([^.\[\]]+)|\[([^\]]*)\]")
_LONGEST: Final = 60


def forgiving(convert: Callable[[bytes | msgspec.Raw], T], text: bytes | msgspec.Raw) -> T:
    """Convert an object, once more without its nulls when it fails as it stands.

    Args:
        convert: from the JSON text of an object to whatever is wanted of it.
        text: the object.

    Raises:
        InputError: the object cannot be converted; ``field`` says which part of it.
    """
    try:
        return convert(text)
    except UnicodeDecodeError as error:
        raise not_utf8(error) from error
    except (msgspec.ValidationError, InputError):
        data = _decoded(text)
    failure = _failure(convert, data)
    if failure is not None:
        raise _shown(data, _located(convert, data, failure))
    try:
        return convert(msgspec.json.encode(data))
    except msgspec.ValidationError as error:
        raise misfit(error) from error


def _decoded(text: bytes | msgspec.Raw) -> Any:
    try:
        return without_nulls(msgspec.json.decode(text))
    except UnicodeDecodeError as error:
        raise not_utf8(error) from error
    except msgspec.ValidationError as error:
        raise InputError("a number beyond 64 bits", "numbers that Kubernetes can hold") from error


def _failure(convert: Callable[[bytes], object], data: object) -> InputError | None:
    try:
        convert(msgspec.json.encode(data))
    except msgspec.ValidationError as error:
        return misfit(error)
    except InputError as error:
        return error
    return None


def _located(convert: Callable[[bytes], object], data: Any, failure: InputError) -> InputError:
    """The failure with every ``[...]`` of its field replaced by the key that is meant."""
    while UNKNOWN in failure.field:
        path, rest = failure.field.split(UNKNOWN, 1)
        holder = _at(data, path)
        if not isinstance(holder, dict) or not holder:
            return failure
        keys = list(holder)
        while len(keys) > 1:
            half = keys[: len(keys) // 2]
            again = _failure(convert, _only(data, path, half))
            same = again is not None and again.field == failure.field
            keys = half if same else keys[len(half) :]
        failure = type(failure)(failure.found, failure.expected, field=joined(path, keys[0]) + rest)
    return failure


def _shown(data: Any, failure: InputError) -> InputError:
    """The failure with the very value that was found, where the decoder only said of which type it is."""
    if failure.found not in TYPES:
        return failure
    value = _at(data, failure.field)
    if value is None or isinstance(value, dict | list):
        return failure
    shown = repr(value) if isinstance(value, str) else msgspec.json.encode(value).decode()
    found = shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."
    return type(failure)(found, failure.expected, field=failure.field)


def _at(data: Any, path: str) -> Any:
    """What is at a path; None where the path does not lead through the data."""
    for match in _STEP.finditer(path):
        key = match[1] or match[2]
        try:
            data = data[int(key)] if isinstance(data, list) else data[key]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return data


def _only(data: Any, path: str, keys: list[str]) -> Any:
    """A copy of the data in which the map at the path holds nothing but these keys."""
    whole = copy.deepcopy(data)
    holder = _at(whole, path)
    kept = {key: holder[key] for key in keys}
    holder.clear()
    holder.update(kept)
    return whole
