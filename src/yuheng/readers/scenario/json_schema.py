"""The JSON Schemas of scenario files, for editors: as shipped, and as the models write them; one for each kind."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema

from yuheng.model.simulation import MEASURES
from yuheng.readers.scenario.deadline import DeadlineFields
from yuheng.readers.scenario.refusals import Fields
from yuheng.readers.scenario.schema import ScenarioFields
from yuheng.readers.scenario.shifting import ShiftingFields

__all__ = ["SCENARIOS", "SCHEMA_FILE", "scenario_schema", "schema_file", "written_schema"]

# Kinds of scenarios, and what may be written in each; a scenario without a kind is one of jobs on a cluster.
SCENARIOS: Final[dict[str, type[Fields]]] = {"": ScenarioFields, "deadline": DeadlineFields, "shifting": ShiftingFields}
SCHEMA_FILE: Final = "scenario.schema.json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schema_file(kind: str = "") -> str:
    """The name of the file with the schema of a kind of scenarios."""
    return f"{kind}.schema.json" if kind else SCHEMA_FILE


def scenario_schema(kind: str = "") -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a scenario file, as shipped with the package.

    Args:
        kind: of the scenario; empty for jobs on a cluster, whose files have no kind.
    """
    found: dict[str, Any] = json.loads((files(__package__) / schema_file(kind)).read_text(encoding="utf-8"))
    return found


def written_schema(kind: str = "") -> dict[str, Any]:
    """The same from the models; a test holds the two equal."""
    found = SCENARIOS[kind].model_json_schema(by_alias=True, schema_generator=_Untitled)
    found["properties"]["measures"]["items"] = {"enum": list(MEASURES)}
    head = {"$schema": DIALECT, "$id": f"urn:yuheng:v1alpha1:{kind or 'scenario'}", "title": "Scenario"}
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
