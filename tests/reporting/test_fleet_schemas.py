"""The schemas of fleets accept what the model gives and nothing else."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator, ValidationError
from made_fleet_plans import (
    NO_WORKFLOW,
    WORKFLOW,
    drills,
    example_drill,
    example_fleet_plan,
    example_state,
    fleet_plans,
    fleet_states,
    large_fleet_plan,
)
from msgspec.structs import replace

from yuheng.model.plan import listed
from yuheng.reporting.documents import json_text, yaml_text
from yuheng.reporting.schema import schema

VALIDATORS = {kind: Draft202012Validator(schema(kind)) for kind in ("FleetPlan", "FleetState", "Drill")}
PLAN = replace(example_fleet_plan(), workflows=(WORKFLOW, NO_WORKFLOW))
EXAMPLES = {"FleetPlan": PLAN, "FleetState": example_state(), "Drill": example_drill()}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_examples_satisfy_their_schema(kind):
    VALIDATORS[kind].validate(json.loads(json_text(EXAMPLES[kind])))


@given(fleet_plans | fleet_states | drills)
def test_any_result_satisfies_its_schema(result):
    VALIDATORS[type(result).__name__].validate(json.loads(json_text(result)))


def test_a_large_plan_satisfies_it_too():
    VALIDATORS["FleetPlan"].validate(json.loads(json_text(large_fleet_plan(20, 100))))


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_dictionary_is_its_own_json_and_yaml(kind):
    document = listed(EXAMPLES[kind].to_dict())
    assert json.loads(json_text(EXAMPLES[kind])) == document
    assert yaml_text(EXAMPLES[kind]).startswith("apiVersion: yuheng.io/v1alpha1\nkind: ")


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_missing_or_further_key_is_refused(kind):
    document = EXAMPLES[kind].to_dict()
    for key in document:
        less = {name: value for name, value in document.items() if name != key}
        with pytest.raises(ValidationError):
            VALIDATORS[kind].validate(less)
    with pytest.raises(ValidationError):
        VALIDATORS[kind].validate({**document, "further": 1})


def test_a_fleet_plan_is_a_plan_that_has_workloads():
    assert example_fleet_plan().to_dict()["kind"] == "Plan"
    with pytest.raises(ValidationError):
        Draft202012Validator(schema("Plan")).validate(example_fleet_plan().to_dict())


WRONG = {
    "a placement without its cluster": ("FleetPlan", ("placements", 0, "cluster"), None),
    "a start that is no time": ("FleetPlan", ("workloads", 0, "start"), "tomorrow"),
    "a start with another zone": ("FleetPlan", ("workloads", 0, "start"), "2026-01-31T09:00:00+01:00"),
    "replicas that are no numbers": ("FleetPlan", ("workloads", 0, "replicas"), {"a": "many"}),
    "less carbon than none": ("FleetPlan", ("workloads", 0, "carbonGrams"), -1),
    "a total that is text": ("FleetPlan", ("workloads", 0, "cost", "total"), "$1"),
    "a workload without its namespace": ("FleetPlan", ("workloads", 0, "workload"), "train"),
    "a gap below nothing": ("FleetPlan", ("summary", "gap"), -0.1),
    "a workload that is refused without a reason": ("FleetPlan", ("workloads", 0, "refused", 0), {"cluster": "a"}),
    "a workflow without its tasks": ("FleetPlan", ("workflows", 0, "tasks"), None),
    "a task that starts in seconds": ("FleetPlan", ("workflows", 0, "tasks", 0, "start"), 12.5),
    "a workflow that was placed by luck": ("FleetPlan", ("workflows", 0, "method"), "luck"),
    "a loss of something else": ("Drill", ("rows", 0, "lost"), "moon=1"),
    "a share that is text": ("FleetState", ("clusters", 0, "allocation", "cpu", "before"), "half"),
    "a limit below nothing": ("FleetState", ("regions", 1, "concurrency"), -1),
}


@pytest.mark.parametrize(("kind", "path", "value"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_refused(kind, path, value):
    document = copy.deepcopy(EXAMPLES[kind].to_dict())
    *parents, last = path
    target = document
    for key in parents:
        target = target[key]
    target[last] = value
    with pytest.raises(ValidationError):
        VALIDATORS[kind].validate(document)
