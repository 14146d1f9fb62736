"""The decoder's errors in our words, and the paths of fields in objects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from yuheng.errors import InputError

if TYPE_CHECKING:
    import msgspec

__all__ = ["OTHER", "TYPES", "UNKNOWN", "below", "joined", "misfit", "not_utf8", "without_nulls"]

# What the decoder says where it means one value of a map.
UNKNOWN: Final = "[...]"
_MESSAGE: Final = re.compile(r"(.*?)(?: - at `(?:key in )?\$?(.*)`)?", re.DOTALL)
_EXPECTED: Final = re.compile(r"Expected `([^`]*)`(?:, got `([^`]*)`| ([<>]=? [-\d]+))?.*", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `([^`]*)`")
_INVALID: Final = re.compile(r"Invalid enum value (.*)", re.DOTALL)
_WORDS: Final = {
    "array": "a list",
    "bool": "true or false",
    "datetime": "a time such as 2026-01-31T12:00:00Z",
    "float": "a number",
    "int": "a whole number",
    "object": "a map",
    "str": "text",
}
# What is said of a value of which only the type is known.
OTHER: Final = "something else"
TYPES: Final = frozenset((*_WORDS.values(), OTHER))
_CHOICES: Final = {
    "effect": "NoSchedule, PreferNoSchedule or NoExecute",
    "nodeAffinityPolicy": "Honor or Ignore",
    "nodeTaintsPolicy": "Honor or Ignore",
    "operator": "an operator such as In, NotIn, Exists, DoesNotExist or Equal",
    "whenUnsatisfiable": "DoNotSchedule or ScheduleAnyway",
}


def misfit(error: msgspec.ValidationError) -> InputError:
    """The error of the decoder in our words; which key of a map it means is not known yet (``[...]``)."""
    match = _MESSAGE.fullmatch(str(error))
    problem, path = (match[1], match[2] or "") if match else (str(error), "")
    field = path.lstrip(".")
    if missing := _MISSING.fullmatch(problem):
        return InputError("nothing", "a value", field=joined(field, missing[1]))
    if invalid := _INVALID.fullmatch(problem):
        choices = _CHOICES.get(field.rpartition(".")[2], "a value that Kubernetes defines")
        return InputError(invalid[1], choices, field=field)
    if "RFC3339" in problem:
        return InputError("text", _WORDS["datetime"], field=field)
    if expected := _EXPECTED.fullmatch(problem):
        found = _WORDS.get(expected[2] or "", expected[2] or OTHER)
        return InputError(found, f"{_alternatives(expected[1])} {expected[3] or ''}".rstrip(), field=field)
    return InputError(problem, field=field)


def not_utf8(error: UnicodeDecodeError) -> InputError:
    """The error of text that the decoder cannot read."""
    return InputError(f"text that is not UTF-8: {error.reason}", "UTF-8")


def _alternatives(types: str) -> str:
    names = set(types.split(" | ")) - {"null"}
    if "float" in names:
        names -= {"int"}
    return " or ".join(sorted(_WORDS.get(name, name) for name in names))


def joined(path: str, name: str) -> str:
    """A field's path below another: ``a`` and ``b`` are ``a.b``, a name with dots is put into brackets."""
    if "." in name or "/" in name:
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


def below(path: str, error: InputError) -> InputError:
    """The error of a part, told from the whole: its field is below this path."""
    dot = "." if error.field and not error.field.startswith("[") else ""
    return type(error)(
        error.found,
        error.expected,
        source=error.source,
        subject=error.subject,
        field=f"{path}{dot}{error.field}",
    )


def without_nulls(value: Any) -> Any:  # noqa: ANN401 -- walks plain data of any shape
    """Decoded JSON without the fields that are null, which Kubernetes treats as absent."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value
