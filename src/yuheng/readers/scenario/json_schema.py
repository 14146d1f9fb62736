"""The JSON Schemas of scenario files, for editors: as shipped, and as the models write them; one for each kind."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

from yuheng.model.simulation import MEASURES
from yuheng.readers.scenario.deadline import DeadlineFields
from yuheng.readers.scenario.refusals import Fields
from yuheng.readers.scenario.schema import ScenarioFields
from yuheng.readers.scenario.shifting import ShiftingFields
from yuheng.readers.written_schema import DIALECT, Untitled, definitions, tidied

__all__ = ["SCENARIOS", "SCHEMA_FILE", "scenario_schema", "schema_file", "written_schema"]

# Kinds of scenarios, and what may be written in each; a scenario without a kind is one of jobs on a cluster.
SCENARIOS: Final[dict[str, type[Fields]]] = {"": ScenarioFields, "deadline": DeadlineFields, "shifting": ShiftingFields}
SCHEMA_FILE: Final = "scenario.schema.json"


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
    found = SCENARIOS[kind].model_json_schema(by_alias=True, schema_generator=Untitled)
    found["properties"]["measures"]["items"] = {"enum": list(MEASURES)}
    head = {"$schema": DIALECT, "$id": f"urn:yuheng:v1alpha1:{kind or 'scenario'}", "title": "Scenario"}
    parts = definitions(found.pop("$defs"))
    return {**head, **{key: value for key, value in tidied(found).items() if key != "title"}, "$defs": parts}
