"""Queues and jobs on the command line: what is asked for reaches the engine, and its answer the reader."""

from __future__ import annotations

import json
import time

import jsonschema
import pytest

from yuheng.cli.work import chosen_policy, chosen_time
from yuheng.model.batch_plan import QueueTree
from yuheng.model.plan import Explanation, Plan, Summary
from yuheng.reporting.schema import schema
from yuheng.scheduling import planner

EMPTY_PLAN = Plan("p", (), (), Summary(0, 0, 0, 0, 0, {}, 0.0))


@pytest.fixture
def asked(monkeypatch):
    """The policy and the time that the engine was asked with, by question."""
    found = {}

    def plan(_, policy, *_others, now):
        found["plan"] = (policy, now)
        return EMPTY_PLAN

    def explain(_, pod, policy, *_others, now):
        found["explain"] = (policy, now)
        return Explanation(pod, "bound", "")

    def queues(_, policy, now):
        found["queues"] = (policy, now)
        return QueueTree(())

    for question in (plan, explain, queues):
        monkeypatch.setattr(planner, question.__name__, question)
    return found


QUESTIONS = {"plan": ["plan"], "explain": ["explain", "a/b"], "queues": ["queues"]}


@pytest.mark.parametrize("name", QUESTIONS)
def test_without_options_policy_and_time_are_left_to_the_engine(yuheng, asked, small, name):
    assert yuheng(*QUESTIONS[name], small).code == 0
    assert asked == {name: (None, None)}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_policy_and_a_time_that_are_given_reach_the_engine(yuheng, asked, small, name):
    assert yuheng(*QUESTIONS[name], small, "--policy", "binpack", "--now", "2026-01-31T09:00:00Z").code == 0
    policy, now = asked[name]
    assert (policy.name, now) == ("binpack", 1769850000.0)


@pytest.mark.parametrize(
    "text",
    ["2026-01-31T09:00:00Z", "2026-01-31T17:00:00+08:00", "2026-01-31 09:00:00+00:00", "2026-01-31T09:00:00.000Z"],
)
def test_a_time_has_a_zone(text):
    assert chosen_time(text) == 1769850000.0


def test_now_is_what_the_clock_says():
    before = time.time()
    found = chosen_time("now")
    assert found is not None
    assert before <= found <= time.time()


def test_no_policy_is_chosen_where_none_was_asked_for():
    assert chosen_policy(None, None) is None
    assert chosen_time(None) is None


def test_queues_as_json_are_what_their_schema_says(yuheng, shared):
    document = json.loads(yuheng("queues", shared, "-o", "json").out)
    jsonschema.validate(document, schema("Queues"))
    production = next(queue for queue in document["queues"] if queue["name"] == "production")
    assert production["borrowed"]["nvidia.com/gpu"] == "3"
    assert production["jobs"] == {"running": 1, "admitted": 0, "waiting": 0}


def test_a_plan_with_queues_is_what_its_schema_says(yuheng, shared):
    document = json.loads(yuheng("plan", shared, "-o", "json").out)
    jsonschema.validate(document, schema("Plan"))
    assert {eviction["by"] for eviction in document["evictions"]} == {"ml/gpt"}
    assert [job["job"] for job in document["jobs"] if job["state"] == "waiting"] == ["ml/yolo"]


@pytest.mark.parametrize("name", ["ml/yolo", "ml/yolo-worker-0", "shop/serving-worker-4"])
def test_an_explanation_with_queues_is_what_its_schema_says(yuheng, shared, name):
    document = json.loads(yuheng("explain", name, shared, "-o", "json").out)
    jsonschema.validate(document, schema("Explanation"))
    assert document["pod"] == name
    assert document["borrowers"] == {"production": {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "3"}}


def test_queues_as_a_page(yuheng, shared):
    page = yuheng("queues", shared, "-o", "html").out
    assert page.startswith("<!DOCTYPE html>")
    assert "research" in page


def test_a_cluster_without_queues_has_an_answer_too(yuheng, small):
    done = yuheng("queues", small)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Queues with deserved amounts by ")
