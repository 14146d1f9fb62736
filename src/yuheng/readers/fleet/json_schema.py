"""The JSON Schema of our own kinds of objects, for editors: as shipped, and as the models write it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from yuheng.readers.fleet.cluster_fields import ClusterObject
from yuheng.readers.fleet.policy_fields import PlacementPolicyObject
from yuheng.readers.fleet.region_fields import RegionObject
from yuheng.readers.fleet.settings_fields import FleetObject
from yuheng.readers.workflows.own_fields import WorkflowObject

__all__ = ["SCHEMA_FILE", "fleet_schema", "written_schema"]

SCHEMA_FILE: Final = "fleet.schema.json"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
KINDS: Final = (ClusterObject, RegionObject, FleetObject, PlacementPolicyObject, WorkflowObject)


def fleet_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an object of `yuheng.io/v1alpha1`, as shipped with the package."""
    found: dict[str, Any] = json.loads((files(__package__) / SCHEMA_FILE).read_text(encoding="utf-8"))
    return found


def written_schema() -> dict[str, Any]:
    """The same from the models; a test holds the two equal."""
    models = [(kind, "validation") for kind in KINDS]
    _, found = models_json_schema(models, by_alias=True, schema_generator=_Untitled)  # type: ignore[arg-type]
    return {
        "$schema": DIALECT,
        "$id": "urn:yuheng:v1alpha1:fleet",
        "title": "Objects of a fleet",
        "oneOf": [{"$ref": f"#/$defs/{_named(kind.__name__)}"} for kind in KINDS],
        "$defs": {_named(name): {**_tidy(body), "title": _named(name)} for name, body in found["$defs"].items()},
    }


def _named(name: str) -> str:
    return name.removesuffix("Fields").removesuffix("Object")


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
