"""Fleets on the command line: what is asked for reaches the engine, its answer the reader, and nothing does nothing."""

from __future__ import annotations

import json

import jsonschema
import pytest
from msgspec.structs import replace

from yuheng.cli.question import FleetOptions, lacks
from yuheng.errors import ConfigError
from yuheng.model.fleet_plan import Drill, FleetPlan, FleetState, FleetSummary, WorkloadPlan
from yuheng.model.objective import Terms
from yuheng.model.plan import Plan, Refusal, Summary
from yuheng.placement import drill as drilling
from yuheng.placement import pareto as fronts
from yuheng.placement import planner, survey
from yuheng.reporting.schema import schema

EIGHT = 1772352000.0  # 2026-03-01T08:00:00Z, the time of the fleet
NOTHING = dict.fromkeys(("clusters", "workloads", "placed", "unschedulable", "pods", "pending"), 0)
NO_MONEY = dict.fromkeys(("per_hour", "total", "hours", "carbon_grams", "value", "bound", "gap", "seconds"), 0.0)
EMPTY_PLAN = FleetPlan(
    policy="p",
    objective="cost",
    reference=Terms(),
    placements=(),
    unschedulable=(),
    workloads=(),
    summary=FleetSummary(**NOTHING, **NO_MONEY, horizon=730.0),
)
EMPTY_STATE = FleetState(
    time=0.0, clusters=(), regions=(), workloads=0, replicas=0, running=0, policies=0, workflows=0, prices=0
)


@pytest.fixture
def asked(monkeypatch):
    """The questions that the engine was asked, by function."""
    found = {}

    def answering(name, answer):
        def run(fleet, question=None, *_):
            found[name] = question
            assert len(fleet.clusters) == 3
            return answer

        return run

    monkeypatch.setattr(planner, "plan", answering("plan", EMPTY_PLAN))
    monkeypatch.setattr(fronts, "pareto", answering("pareto", EMPTY_PLAN))
    monkeypatch.setattr(drilling, "drill", answering("drill", Drill("cost", 0.0, ())))
    monkeypatch.setattr(survey, "survey", answering("survey", EMPTY_STATE))
    return found


def test_without_options_everything_is_left_to_the_engine(yuheng, asked, fleet):
    for command in ("plan", "drill", "fleet"):
        assert yuheng(command, fleet).code == 0
    assert asked == {"plan": planner.Question(), "drill": planner.Question(), "survey": None}


OPTIONS = {
    "an objective": (["--objective", "0.6*cost+0.4*time"], {"objective": "0.6*cost+0.4*time"}),
    "a deadline in a while": (["--deadline", "1d2h"], {"within": 93600.0}),
    "a deadline at a time": (["--deadline", "2026-03-01T09:30:00Z"], {"within": 5400.0}),
    "a deadline at a time, from another now": (
        ["--deadline", "2026-03-01T09:30:00Z", "--now", "2026-03-01T09:00:00Z"],
        {"within": 1800.0, "now": EIGHT + 3600},
    ),
    "losses": (["--without", "east-1", "--without", "region=west"], {"without": ("east-1", "region=west")}),
    "another decision on what runs": (["--rebalance"], {"rebalance": True}),
    "a seed": (["--seed", "7"], {"seed": 7}),
}


@pytest.mark.parametrize(("arguments", "changed"), OPTIONS.values(), ids=OPTIONS)
def test_options_reach_the_engine(yuheng, asked, fleet, arguments, changed):
    assert yuheng("plan", fleet, *arguments).code == 0
    assert asked == {"plan": planner.Question(**changed)}


def test_a_front_is_asked_for_with_the_same_question(yuheng, asked, fleet):
    assert yuheng("plan", fleet, "--pareto", "--objective", "time", "--deadline", "2h").code == 0
    assert asked == {"pareto": planner.Question(objective="time", within=7200.0)}


def test_a_policy_decides_inside_clusters(yuheng, asked, fleet):
    assert yuheng("plan", fleet, "--policy", "binpack").code == 0
    assert asked["plan"].policy.name == "binpack"


def test_a_drill_takes_an_objective_and_losses_that_happened_already(yuheng, asked, fleet):
    assert yuheng("drill", fleet, "--objective", "carbon", "--without", "zone=east-a").code == 0
    assert asked == {"drill": planner.Question(objective="carbon", without=("zone=east-a",))}


def test_a_fleet_is_shown_as_at_another_time(yuheng, asked, fleet):
    assert yuheng("fleet", fleet, "--now", "2026-03-01T12:00:00Z").code == 0
    assert asked == {"survey": EIGHT + 4 * 3600}


REFUSED = {
    "an objective that is none": (
        ["plan", "gone", "--objective", "luck"],
        "yuheng: objective 'luck': found 'luck', expected one of cost, time, carbon, balanced, or a sum",
    ),
    "an objective of a drill that is none": (["drill", "gone", "--objective", "cost*2"], "yuheng: objective 'cost*2'"),
    "weights that sum to nothing": (
        ["plan", "gone", "--objective", "0*cost"],
        "yuheng: objective '0*cost': found weights that sum to 0",
    ),
    "a deadline that is none": (
        ["plan", "gone", "--deadline", "soon"],
        "yuheng: --deadline: found 'soon', expected a duration such as 2h, or a time such as 2026-01-31T09:00:00Z",
    ),
    "a deadline without a zone": (
        ["plan", "gone", "--deadline", "2026-03-01T09:00:00"],
        "yuheng: --deadline: found '2026-03-01T09:00:00', expected a duration",
    ),
    "a deadline at once": (["plan", "gone", "--deadline", "0s"], "yuheng: --deadline: found '0s', expected more than"),
    "a deadline that is past": (
        ["plan", "{fleet}", "--deadline", "2026-03-01T08:00:00Z"],
        "yuheng: --deadline: found '2026-03-01T08:00:00Z', expected a time after the plan's, 2026-03-01T08:00:00Z",
    ),
    "a loss of something else": (["plan", "gone", "--without", "moon=1"], "yuheng: --without 'moon=1': expected "),
    "a loss of what is not there": (
        ["plan", "{fleet}", "--without", "region=mars"],
        "yuheng: --without region=mars: found nothing in the fleet that it takes",
    ),
    "an explanation of a fleet": (
        ["explain", "shop/web", "{fleet}"],
        "yuheng: {fleet}: found a fleet, expected the state of one cluster; `yuheng plan -o wide` says of each",
    ),
    "queues of a fleet": (
        ["queues", "{fleet}"],
        "yuheng: {fleet}: found a fleet, expected the state of one cluster; queues are those of a cluster",
    ),
    "the headroom of a fleet": (
        ["capacity", "--pod", "{pod}", "{fleet}"],
        "yuheng: {fleet}: found a fleet, expected the state of one cluster; `yuheng fleet` shows what is free",
    ),
    "a cluster that is shown as a fleet": (
        ["fleet", "{small}"],
        "yuheng: {small}: found no Cluster, expected a fleet: a Cluster of yuheng.io/v1alpha1, or Karmada's, for each",
    ),
    "a cluster that is drilled": (["drill", "{small}"], "yuheng: {small}: found no Cluster, expected a fleet: "),
    "what only a fleet has an answer to": (
        ["plan", "{small}", "--objective", "cost", "--deadline", "2h", "--without", "a", "--rebalance", "--pareto"],
        "yuheng: --objective and --deadline and --without and --rebalance and --pareto: found the state of one cluster",
    ),
}


@pytest.mark.parametrize(("arguments", "line"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_answered_is_told_in_one_line_with_code_2(yuheng, fleet, small, pod, arguments, line):
    files = {"fleet": fleet, "small": small, "pod": pod}
    done = yuheng(*(argument.format(**files) for argument in arguments))
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(line.format(**files))
    assert done.err.count("\n") == 1


def test_a_time_without_one_to_count_from_is_refused():
    asked = FleetOptions.of(deadline="2026-03-01T09:00:00Z")
    with pytest.raises(ConfigError, match="no time in the input to count from, expected --now"):
        asked.within(None)
    assert FleetOptions.of(deadline="2h").within(None) == 7200.0
    assert FleetOptions.of().within(None) is None


ANSWERS = {"plan": "FleetPlan", "fleet": "FleetState", "drill": "Drill"}


@pytest.mark.parametrize(("command", "kind"), ANSWERS.items())
def test_answers_as_json_are_what_their_schemas_say(yuheng, fleet, command, kind):
    document = json.loads(yuheng(command, fleet, "-o", "json").out)
    jsonschema.validate(document, schema(kind))
    assert document["kind"] == ("Plan" if kind == "FleetPlan" else kind)


def test_a_front_as_json_is_what_its_schema_says(yuheng, fleet):
    document = json.loads(yuheng("plan", fleet, "--pareto", "--objective", "carbon", "-o", "json").out)
    jsonschema.validate(document, schema("FleetPlan"))
    assert [row["objective"] for row in document["pareto"] if row["chosen"]] == ["carbon"]
    assert len(document["pareto"]) == 4


def test_every_placement_of_a_fleet_names_its_cluster(yuheng, fleet):
    document = json.loads(yuheng("plan", fleet, "-o", "json").out)
    placed = {item["pod"].rsplit("-", 1)[0]: item["cluster"] for item in document["placements"]}
    assert placed["ml/train"] == "west-1"
    web = next(item for item in document["workloads"] if item["workload"] == "shop/web")
    assert sum(web["replicas"].values()) == 5


@pytest.mark.parametrize("command", ANSWERS)
def test_answers_as_pages(yuheng, fleet, tmp_path, command):
    out = tmp_path / "page.html"
    assert yuheng(command, fleet, "-o", "html", "--out", out).code == 0
    page = out.read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "west-1" in page


def test_strict_exits_with_3_when_a_workload_has_no_place(yuheng, fleet):
    done = yuheng("plan", fleet, "--strict")
    assert done.code == 3
    assert "4 of 5 workloads placed, 1 unschedulable" in done.out


LACKING = {
    "nothing": (EMPTY_PLAN, False),
    "a pod": ({"unschedulable": (("a", Refusal("n/p", "no")),)}, True),
    "a workload": ({"workloads": (WorkloadPlan(workload="n/w", kind="K", replicas={}, wanted=1, reason="no"),)}, True),
    "a workflow": ({"workflows": ({"workflow": "n/f", "reason": "no"},)}, True),
    "none of a cluster": (Plan("p", (), (), Summary(0, 0, 0, 0, 0, {}, 0.0)), False),
}


@pytest.mark.parametrize(("made", "is_lacking"), LACKING.values(), ids=LACKING)
def test_what_strict_looks_at(made, is_lacking):
    plan = replace(EMPTY_PLAN, **made) if isinstance(made, dict) else made
    assert lacks(plan) == is_lacking


def test_a_fleet_is_read_from_standard_input(yuheng):
    pool = "{name: p, instanceType: m.huge, maximum: 3, resources: {cpu: 4, memory: 8Gi}}"
    text = f"apiVersion: yuheng.io/v1alpha1\nkind: Cluster\nmetadata: {{name: one}}\nspec: {{nodePools: [{pool}]}}\n"
    done = yuheng("fleet", "-", stdin=text.encode())
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("Fleet of 1 cluster in 0 regions: 0 nodes, 0 pods bound.")
