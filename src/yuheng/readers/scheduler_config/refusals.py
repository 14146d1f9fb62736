"""What is wrong in a configuration, in our words: where, what was found, what was expected."""

from __future__ import annotations

import re
from typing import Any, Final

from pydantic import ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from yuheng.errors import InputError

__all__ = ["refusal", "refused", "shown"]

REFUSED: Final = "refused"
EXPECTED: Final = {
    "missing": "a value",
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a map",
    "model_type": "a map",
    "extra_forbidden": "a field that kube-scheduler knows",
}
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")


def refusal(error: ValidationError, path: str = "") -> InputError:
    """The first problem of a part of the configuration.

    Args:
        error: what pydantic has found.
        path: where the part stands in the whole.
    """
    problem = error.errors(include_url=False)[0]
    kind, context = problem["type"], problem.get("ctx", {})
    field = path + "".join(_step(step) for step in _written(problem["loc"], kind)) + context.get("at", "")
    if kind == REFUSED:
        found, expected = context["found"], context["expected"]
    else:
        found = {"missing": "nothing", "extra_forbidden": "an unknown field"}.get(kind, shown(problem["input"]))
        expected = context.get("expected") or EXPECTED.get(kind, problem["msg"])
    return InputError(found, expected, field=field.lstrip("."))


def refused(value: object, expected: str, at: str = "") -> PydanticCustomError:
    """A problem that a validator has found.

    Args:
        value: what was found; nothing where it is empty.
        expected: what should have been there, in words.
        at: where it was found below the validated value, for example ``[1].weight``.
    """
    return PydanticCustomError(REFUSED, REFUSED, {"found": shown(value), "expected": expected, "at": at})


def shown(value: Any) -> str:  # noqa: ANN401 -- any value of a YAML file
    """A value as an error message shows it: maps and lists by what they are, everything else as it is."""
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a map"
    return "a list" if isinstance(value, list) else repr(value)


def _written(steps: tuple[int | str, ...], kind: str) -> tuple[int | str, ...]:
    """The steps to a field as they are written: pydantic says our own name of a field that was not given."""
    last = steps[-1] if steps else 0
    is_ours = isinstance(last, str) and "_" in last and kind != "extra_forbidden"
    return (*steps[:-1], to_camel(str(last))) if is_ours else steps


def _step(step: int | str) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN_NAME.fullmatch(step) else f"[{step}]"
