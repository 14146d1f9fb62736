"""The JSON Schemas of the public format, as shipped with the package."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, Final

from yuheng.errors import NotFoundError

__all__ = ["KINDS", "schema"]

# A fleet's plan is a document of kind Plan, too: it is the one with workloads.
KINDS: Final = (
    "Plan",
    "Explanation",
    "Headroom",
    "Queues",
    "Simulation",
    "FleetPlan",
    "FleetState",
    "Drill",
    "Budgets",
    "Prices",
    "Cost",
    "CostChange",
    "Rightsizing",
    "Consolidation",
    "WhatIf",
    "NodeMix",
    "Commitments",
    "Replay",
    "ReplayMoment",
    "ReplayComparison",
)


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one kind of result.

    Args:
        kind: one of `KINDS`, in any case; ``FleetPlan`` for the plan of a fleet.

    Raises:
        NotFoundError: there is no such kind.
    """
    known = {name.lower(): name for name in KINDS}
    if kind.lower() not in known:
        raise NotFoundError(f"no schema for kind {kind!r}, expected one of {', '.join(KINDS)}")
    source = files("yuheng.reporting") / "schemas" / f"{kind.lower()}.schema.json"
    body: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    return body
