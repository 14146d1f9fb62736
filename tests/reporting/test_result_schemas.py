"""The schemas accept what the model gives and nothing else."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator, ValidationError
from made_plans import (
    example_explanation,
    example_headroom,
    example_plan,
    explanations,
    headrooms,
    large_plan,
    pending_explanation,
    plans,
)
from made_queues import example_evictions, example_jobs, example_tree, queue_trees
from made_simulations import arrival_sequence, one_run, over_time, simulations
from msgspec.structs import replace

from yuheng.errors import NotFoundError
from yuheng.reporting.documents import json_text
from yuheng.reporting.schema import KINDS, schema

VALIDATORS = {kind: Draft202012Validator(schema(kind)) for kind in KINDS}
EXAMPLES = [example_plan(), example_explanation(), example_headroom(), example_tree(), over_time(seeds=2, points=5)]
# What an explanation tells only where there are queues, and a fleet plan of a workload only on the spot market.
OPTIONAL = {
    "Why one pod or job is where it is, would go where it would go, or waits.": {
        "job",
        "queue",
        "borrowers",
        "eviction",
    },
    "Where one workload goes.": {"advice"},
    "What a cluster cost over a window, by group. The totals of all rows and idle.hidden add up to total.": {"bill"},
}


def batch_plan():
    """The example with jobs and evictions."""
    return replace(example_plan(), jobs=example_jobs(), evictions=example_evictions())


def objects_in(value):
    """Every schema of an object, at any depth."""
    if isinstance(value, dict):
        if value.get("type") == "object":
            yield value
        for item in value.values():
            yield from objects_in(item)


def written(result):
    """The result as those read it who parse what was printed."""
    return json.loads(json_text(result))


def check(result):
    document = written(result)
    VALIDATORS[document["kind"]].validate(document)


@given(plans() | explanations | headrooms | queue_trees | simulations())
def test_any_result_satisfies_its_schema(result):
    check(result)


@pytest.mark.parametrize(
    "result",
    [*EXAMPLES, pending_explanation(), large_plan(40, 100), batch_plan(), arrival_sequence(2), one_run()],
    ids=lambda result: type(result).__name__,
)
def test_the_examples_satisfy_their_schema(result):
    check(result)


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_a_valid_schema(kind):
    Draft202012Validator.check_schema(schema(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_every_object_is_closed_and_every_known_key_required_and_described(kind):
    for found in objects_in(schema(kind)):
        properties = found.get("properties", {})
        assert found["description"]
        assert found.get("additionalProperties") is not None
        assert not properties or found["additionalProperties"] is False
        optional = OPTIONAL.get(found["description"], set())
        assert set(found.get("required", ())) == set(properties) - optional
        assert all("description" in entry or "$ref" in entry for entry in properties.values())


@pytest.mark.parametrize("result", EXAMPLES, ids=lambda result: type(result).__name__)
def test_a_missing_or_further_key_is_refused(result):
    document = written(result)
    validator = VALIDATORS[document["kind"]]
    for key in document:
        less = {name: value for name, value in document.items() if name != key}
        with pytest.raises(ValidationError):
            validator.validate(less)
    with pytest.raises(ValidationError):
        validator.validate({**document, "further": 1})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("apiVersion",), "v1"),
        (("kind",), "Headroom"),
        (("placements", 0, "pod"), "no-namespace"),
        (("placements", 0, "devices"), [0, 0]),
        (("placements", 0, "devices"), [-1]),
        (("unschedulable", 0, "reasons", 0, "nodes"), -1),
        (("unschedulable", 0, "closest", 0, "lacks", "cpu"), 500),
        (("summary", "allocation", "cpu", "before"), -0.1),
        (("summary", "seconds"), "fast"),
        (("jobs", 0, "state"), "sleeping"),
        (("jobs", 2, "waitingFor", 0), "luck"),
        (("jobs", 2, "earliestStart"), 1769850000),
        (("evictions", 0, "rule"), "whim"),
        (("evictions", 0, "pod"), "no-namespace"),
    ],
)
def test_a_wrong_value_is_refused(path, value):
    document = copy.deepcopy(batch_plan().to_dict())
    *parents, last = path
    target = document
    for key in parents:
        target = target[key]
    target[last] = value
    with pytest.raises(ValidationError):
        VALIDATORS["Plan"].validate(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("kind",), "Plan"),
        (("runs", 0, "seed"), 1.5),
        (("runs", 0, "totals", "jobs"), "many"),
        (("runs", 0, "totals"), {"Jobs done": 1.0}),
        (("runs", 0, "series", 0), {"nodes": 3.0}),
        (("runs", 0, "series", 0, "nodes"), None),
        (("runs", 0, "rush", 0), [1.0] * 23),
        (("runs", 0, "rush", 0), [1.0] * 25),
        (("runs", 0, "queues", 0, "allocated", 0), None),
        (("summary", 0, "mean"), None),
        (("scenario", "confidence"), 95),
    ],
)
def test_a_wrong_value_of_a_simulation_is_refused(path, value):
    document = written(over_time(seeds=1, points=3))
    *parents, last = path
    target = document
    for key in parents:
        target = target[key]
    target[last] = value
    with pytest.raises(ValidationError):
        VALIDATORS["Simulation"].validate(document)


def test_a_kind_is_found_in_any_case_and_an_unknown_one_is_an_error():
    assert schema("plan") == schema("Plan")
    with pytest.raises(
        NotFoundError,
        match=r"no schema for kind 'Pod', expected one of Plan, Explanation, Headroom, Queues, Simulation, "
        r"FleetPlan, FleetState, Drill, Budgets, Prices, Cost, CostChange, Rightsizing, Consolidation, WhatIf, "
        r"NodeMix, Commitments, Replay, ReplayMoment, ReplayComparison$",
    ):
        schema("Pod")
