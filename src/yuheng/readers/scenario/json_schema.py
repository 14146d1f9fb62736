"""The JSON Schema of scenario files, for editors: as shipped, and as the models write it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from yuheng.model.simulation import MEASURES
from yuheng.readers.scenario.schema import ScenarioFields

__all__ = ["SCHEMA_FILE", "scenario_schema", "written_schema"]

SCHEMA_FILE: Final = "scenario.schema.json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def scenario_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a scenario file, as shipped with the package."""
    found: dict[str, Any] = json.loads((files(__package__) / SCHEMA_FILE).read_text(encoding="utf-8"))
    return found


def written_schema() -> dict[str, Any]:
    """The same from the models; a test holds the two equal."""
    found = ScenarioFields.model_json_schema(by_alias=True, schema_generator=_Untitled)
    found["properties"]["measures"]["items"] = {"enum": list(MEASURES)}
    head = {"$schema": DIALECT, "$id": "urn:yuheng:v1alpha1:scenario", "title": "Scenario"}
    definitions = {_named(name): {**_tidy(body), "title": _named(name)} for name, body in found.pop("$defs").items()}
    return {**head, **{key: value for key, value in _tidy(found).items() if key != "title"}, "$defs": definitions}


def _named(name: str) -> str:
    return name.removesuffix("Fields")


def _tidy(schema: Any) -> Any:  # noqa: ANN401 -- any JSON
    """Without what only pydantic needs: null as the value of keys that are not written, and names of classes."""
    if isinstance(schema, list):
        return [_tidy(item) for item in schema if item != {"type": "null"}]
    if not isinstance(schema, dict):
        return _named(schema) if isinstance(schema, str) and schema.startswith("#/$defs/") else schema
    found = {key: _tidy(value) for key, value in schema.items() if key != "default" or _is_plain(value)}
    if len(found.get("anyOf", ())) == 1:
        (only,) = found.pop("anyOf")
        found = {**only, **found}
    return found


def _is_plain(default: Any) -> bool:  # noqa: ANN401 -- any JSON
    """Whether a default says something to people: nothing, and all keys of a map at their defaults, do not."""
    return default not in (None, "", [], {}) and not isinstance(default, dict)


class _Untitled(GenerateJsonSchema):
    """Without the titles that pydantic makes of every name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002 -- pydantic's own signature
        """Never."""
        return False
