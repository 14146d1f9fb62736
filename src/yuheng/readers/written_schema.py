"""JSON Schemas from pydantic models, as people want to read them: without what only pydantic needs."""

from __future__ import annotations

from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

__all__ = ["DIALECT", "Untitled", "definitions", "named", "tidied"]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
# What the names of classes end in, and the names in a schema do not.
ENDINGS: Final = ("Fields", "Object")


def definitions(written: dict[str, Any]) -> dict[str, Any]:
    """The definitions of a schema, tidied, under names without the endings of classes."""
    return {named(name): {**tidied(body), "title": named(name)} for name, body in written.items()}


def named(name: str) -> str:
    """The name of a class, or a reference to it, as the schema has it."""
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return name


def tidied(schema: Any) -> Any:  # noqa: ANN401 -- any JSON
    """Without what only pydantic needs: null as the value of keys that are not written, and names of classes."""
    if isinstance(schema, list):
        return [tidied(item) for item in schema if item != {"type": "null"}]
    if not isinstance(schema, dict):
        return named(schema) if isinstance(schema, str) and schema.startswith("#/$defs/") else schema
    found = {key: tidied(value) for key, value in schema.items() if key != "default" or _is_plain(value)}
    if len(found.get("anyOf", ())) == 1:
        (only,) = found.pop("anyOf")
        found = {**only, **found}
    return found


def _is_plain(default: Any) -> bool:  # noqa: ANN401 -- any JSON
    """Whether a default says something to people: nothing, and all keys of a map at their defaults, do not."""
    return default not in (None, "", [], {}) and not isinstance(default, dict)


class Untitled(GenerateJsonSchema):
    """Without the titles that pydantic makes of every name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 -- pydantic's own signature
        """Never."""
        return False
