"""JSON and YAML say exactly what ``to_dict`` says, whatever the names are."""

from __future__ import annotations

import json
import re

import pytest
import yaml
from hypothesis import given
from made_plans import example_explanation, example_headroom, example_plan, explanations, headrooms, plans
from made_queues import example_tree, queue_trees
from made_simulations import arrival_sequence, one_run, over_time, simulations, swept

from yuheng.model.plan import Placement, Plan
from yuheng.model.simulation import Run
from yuheng.reporting.documents import json_text, yaml_text

EXAMPLES = [example_plan(), example_explanation(), example_headroom(), example_tree(), over_time(seeds=1, points=3)]
YAML_1_2_NUMBER = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?|0o[0-7]+|0x[0-9a-fA-F]+")


@given(plans())
def test_json_gives_the_plan_back(plan):
    assert json.loads(json_text(plan)) == plan.to_dict()


@given(simulations())
def test_json_of_a_simulation_is_ascii_and_has_every_run(result):
    text = json_text(result)
    assert text.isascii()
    document = json.loads(text)
    assert [(run["policy"], run["seed"], run["totals"]) for run in document["runs"]] == [
        (run.policy, run.seed, run.totals) for run in result.runs
    ]
    assert document["scenario"] == result.scenario


@pytest.mark.parametrize("made", [arrival_sequence, over_time, one_run])
def test_json_has_no_number_that_json_does_not_know(made):
    json.loads(json_text(made()), parse_constant=pytest.fail)


def test_a_total_that_is_no_number_is_refused_rather_than_written():
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text(swept("s", [Run(policy="p", seed=1, totals={"cost_usd": float("nan")}, series=())]))


@given(plans() | explanations | headrooms | queue_trees)
def test_yaml_gives_the_result_back(result):
    assert yaml.safe_load(yaml_text(result)) == result.to_dict()


@pytest.mark.parametrize("result", EXAMPLES, ids=lambda result: type(result).__name__)
def test_keys_stand_in_the_order_of_the_format(result):
    assert list(yaml.safe_load(yaml_text(result))) == list(result.to_dict())
    assert list(json.loads(json_text(result))) == list(result.to_dict())


@given(plans())
def test_documents_hold_nothing_a_terminal_obeys(plan):
    for text in (json_text(plan), yaml_text(plan)):
        assert text.isascii()
        assert text.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "name", ["1e3", "1E+3", ".5e1", "0o17", "0x1f", "017", "1_000", "yes", "null", "~", "1.5", "-"]
)
def test_a_name_that_looks_like_a_number_stays_a_string_for_every_reader(name):
    plan = Plan("p", (Placement("a/b", name),), (), example_plan().summary)
    [line] = [line for line in yaml_text(plan).splitlines() if line.strip().startswith("node:")]
    written = line.split("node:")[1].strip()
    assert not YAML_1_2_NUMBER.fullmatch(written)
    assert yaml.safe_load(written) == name


def test_a_sentence_takes_one_line_however_long_it_is():
    plan = Plan("p", (), (), example_plan().summary, warnings=("word " * 200 + "end",))
    assert any(line.endswith("end") and line.startswith("- word") for line in yaml_text(plan).splitlines())


def test_equal_parts_are_written_out_instead_of_being_referred_to():
    assert "&id" not in yaml_text(example_plan())
    assert "*id" not in yaml_text(example_plan())
