"""What is between double braces, as far as it is known before the workflow runs; and how often a call is made."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from yuheng.errors import InputError
from yuheng.readers.workflows.graph import MOST_TASKS

if TYPE_CHECKING:
    from yuheng.readers.workflows.argo_fields import Arguments, Call, Sequence

__all__ = ["Scope", "arguments_of", "artifact_named", "copies", "filled"]

# What is known, by what stands between the braces.
Scope = Mapping[str, str]
_HOLE: Final = re.compile(r"\{\{\s*(?:=\s*)?([^{}]*?)\s*\}\}")
_ARTIFACT: Final = re.compile(r"((?:tasks|steps)\.[^.]+)\.outputs\.artifacts\.(.+)|inputs\.artifacts\.(.+)")


def filled(value: Any, scope: Scope) -> Any:  # noqa: ANN401 -- any part of a template
    """A value with what is known in place of its braces; what is not known stays as it is."""
    if isinstance(value, str):
        return _HOLE.sub(lambda hole: scope.get(hole[1], hole[0]), value) if "{{" in value else value
    if isinstance(value, dict):
        return {key: filled(item, scope) for key, item in value.items()}
    return [filled(item, scope) for item in value] if isinstance(value, list) else value


def arguments_of(inputs: Arguments, given: Arguments, scope: Scope) -> dict[str, str]:
    """The parameters that a template is called with.

    Args:
        inputs: what the template declares, with defaults.
        given: what the call says.
        scope: what the caller knows.
    """
    found = {}
    for parameter in inputs.parameters:
        value = parameter.default if parameter.value is None else parameter.value
        if value is not None:
            found[parameter.name] = _text(value)
    for parameter in given.parameters:
        if parameter.value is not None:
            found[parameter.name] = filled(_text(parameter.value), scope)
    return {f"inputs.parameters.{name}": value for name, value in found.items()}


def copies(call: Call, scope: Scope) -> list[Scope] | None:
    """What each copy of a call knows beside its caller: one without more where it is called once.

    Returns:
        None where only the run tells how many there are.

    Raises:
        InputError: the items are no list, or there are too many.
    """
    if call.with_items is not None:
        items = filled(call.with_items, scope)
    elif call.with_param:
        text = filled(call.with_param, scope)
        if "{{" in text:
            return None
        items = _listed(text)
    elif call.with_sequence is not None:
        numbers = _numbers(call.with_sequence, scope)
        if numbers is None:
            return None
        items = list(numbers)
    else:
        return [{}]
    if len(items) > MOST_TASKS:
        raise InputError(f"{len(items)} copies", f"at most {MOST_TASKS}")
    return [dict(_of_item(item)) for item in items]


def _listed(text: str) -> list[Any]:
    try:
        items = msgspec.json.decode(text)
    except msgspec.DecodeError:
        items = None
    if not isinstance(items, list):
        raise InputError(repr(text), "a list in JSON", field="withParam")
    return items


def _numbers(sequence: Sequence, scope: Scope) -> range | None:
    """The numbers of a sequence; they count down where the end is before the start."""
    texts = [
        filled(_text(value), scope) for value in (sequence.start, sequence.end, sequence.count) if value is not None
    ]
    if any("{{" in text for text in texts):
        return None
    for text in texts:
        if not re.fullmatch(r"-?[0-9]{1,9}", text):
            raise InputError(repr(text), "a whole number", field="withSequence")
    start, last = int(texts[0]), int(texts[-1])
    if sequence.end is None:
        return range(start, start + (last if sequence.count is not None else 0))
    return range(start, last + 1) if last >= start else range(start, last - 1, -1)


def _of_item(item: object) -> Iterator[tuple[str, str]]:
    yield "item", _text(item)
    if isinstance(item, dict):
        for key, value in item.items():
            yield f"item.{key}", _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def artifact_named(source: str) -> tuple[str, str, str]:
    """Kind (``tasks``, ``steps`` or ``inputs``), producer and name of an artifact; empty where it is another's.

    ``{{tasks.A.outputs.artifacts.X}}`` is X of A, and ``{{inputs.artifacts.X}}`` what the caller has handed on as X.
    """
    match = _ARTIFACT.fullmatch(source.strip().removeprefix("{{").removesuffix("}}").strip())
    if match is None:
        return "", "", ""
    return ("inputs", "", match[3]) if match[3] else (match[1].split(".", 1)[0], match[1].split(".", 1)[1], match[2])
