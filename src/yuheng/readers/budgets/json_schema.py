"""The JSON Schema of a budget, for editors: as shipped, and as the models write it."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

from yuheng.readers.budgets.fields import BudgetObject
from yuheng.readers.written_schema import DIALECT, Untitled, definitions, tidied

__all__ = ["SCHEMA_FILE", "budget_schema", "written_schema"]

SCHEMA_FILE: Final = "budget.schema.json"


def budget_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a ``Budget``, as shipped with the package."""
    found: dict[str, Any] = json.loads((files(__package__) / SCHEMA_FILE).read_text(encoding="utf-8"))
    return found


def written_schema() -> dict[str, Any]:
    """The same from the models; a test holds the two equal."""
    found = BudgetObject.model_json_schema(by_alias=True, schema_generator=Untitled)
    parts = found.pop("$defs")
    return {
        "$schema": DIALECT,
        "$id": "urn:yuheng:v1alpha1:budget",
        **tidied(found),
        "title": "Budget",
        "$defs": definitions(parts),
    }
