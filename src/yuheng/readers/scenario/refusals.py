"""What is wrong in a scenario file, in our words, and the base of all models of it.

A key that is not known is an error and never passed over: a scenario that says ``polices`` would compare nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from yuheng.errors import InputError
from yuheng.readers.scheduler_config.refusals import REFUSED, shown

__all__ = ["Fields", "nearest", "one_of", "refused", "said", "unfit"]

T = TypeVar("T")


def unfit(found: str, expected: str, at: str = "") -> PydanticCustomError:
    """A problem in words of our own.

    Args:
        found: what was found.
        expected: what should have been there.
        at: where it was found below the validated value, for example ``.at``.
    """
    return PydanticCustomError(REFUSED, REFUSED, {"found": found, "expected": expected, "at": at})


def refused(value: object, expected: str, at: str = "") -> PydanticCustomError:
    """A value that does not do; the arguments as for `unfit`."""
    return unfit(shown(value), expected, at)


def said(read: Callable[..., T], *arguments: object) -> T:
    """What a reader makes of its arguments; what it refuses becomes a problem of the field that is validated."""
    try:
        return read(*arguments)
    except InputError as error:
        at = f".{error.field}" if error.field and not error.field.startswith("[") else error.field
        raise unfit(error.found, error.expected, at) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """`` (did you mean x?)`` where one of the known names is close."""
    found = get_close_matches(name, list(known), 1)
    return f" (did you mean {found[0]}?)" if found else ""


class Fields(BaseModel):
    """The base of all: camel case, unknown keys refused, no type turned into another."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)

    @model_validator(mode="before")
    @classmethod
    def _check_keys(cls, value: Any) -> Any:  # noqa: ANN401 -- any YAML
        """Refuse unknown keys, with the nearest one that is known."""
        if isinstance(value, dict):
            known = [field.alias or name for name, field in cls.model_fields.items()]
            for key in value:
                if key not in known:
                    raise unfit(f"an unknown key{nearest(key, known)}", f"one of {', '.join(known)}", f".{key}")
        return value

    def given(self) -> list[str]:
        """The keys that are written."""
        fields = type(self).model_fields
        return [fields[name].alias or name for name in fields if name in self.model_fields_set]


def one_of(fields: Fields, *names: str) -> str:
    """Which of these keys is given.

    Raises:
        PydanticCustomError: none is, or more than one.
    """
    found = [name for name in fields.given() if name in names]
    if len(found) != 1:
        raise unfit(" and ".join(found) or "none of them", f"one of {', '.join(names)}")
    return found[0]
