"""Workflows are part of a fleet."""

from __future__ import annotations

from typing import Any

import pytest
from made_fleets import cluster, fleet, ours, settings

from yuheng.errors import InputError


def workflow(**spec: Any) -> dict[str, Any]:
    tasks = [{"name": "a", "runTime": "1h", "reads": [{"name": "d", "sizeGB": 1, "regions": "us-east-1"}]}]
    return ours("Workflow", "etl", {"tasks": tasks, **spec})


def test_workflows_are_read_beside_workloads() -> None:
    found = fleet(cluster(), workflow())
    assert [one.key for one in found.workflows] == ["default/etl"]
    assert list(found.regions) == ["aws/eu-west-1", "aws/us-east-1"]
    assert not found.skipped


def test_a_deadline_that_has_passed_can_be_met_by_no_plan() -> None:
    made = [cluster(), workflow(deadline="2026-01-01"), settings(time="2026-01-02")]
    with pytest.raises(InputError, match="Workflow default/etl: deadline: found a deadline 86,400 s before the time"):
        fleet(*made)
