"""The JSON Schema of our own kinds of objects, for editors: as shipped, and as the models write it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from yuheng.readers.fleet.cluster_fields import ClusterObject
from yuheng.readers.fleet.policy_fields import PlacementPolicyObject
from yuheng.readers.fleet.region_fields import RegionObject
from yuheng.readers.fleet.settings_fields import FleetObject
from yuheng.readers.workflows.own_fields import WorkflowObject
from yuheng.readers.written_schema import DIALECT, Untitled, definitions, named

__all__ = ["SCHEMA_FILE", "fleet_schema", "written_schema"]

SCHEMA_FILE: Final = "fleet.schema.json"
KINDS: Final = (ClusterObject, RegionObject, FleetObject, PlacementPolicyObject, WorkflowObject)


def fleet_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of an object of `yuheng.io/v1alpha1`, as shipped with the package."""
    found: dict[str, Any] = json.loads((files(__package__) / SCHEMA_FILE).read_text(encoding="utf-8"))
    return found


def written_schema() -> dict[str, Any]:
    """The same from the models; a test holds the two equal."""
    models = [(kind, "validation") for kind in KINDS]
    _, found = models_json_schema(models, by_alias=True, schema_generator=Untitled)  # type: ignore[arg-type]
    return {
        "$schema": DIALECT,
        "$id": "urn:yuheng:v1alpha1:fleet",
        "title": "Objects of a fleet",
        "oneOf": [{"$ref": f"#/$defs/{named(kind.__name__)}"} for kind in KINDS],
        "$defs": definitions(found["$defs"]),
    }
