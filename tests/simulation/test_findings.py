"""What runs say together: summaries, differences, and warnings that are not said twice."""

from __future__ import annotations

from yuheng.model.cluster import Snapshot
from yuheng.model.scenario import ArrivalSequence, Scenario
from yuheng.model.simulation import Run
from yuheng.scheduling.presets import preset
from yuheng.simulation.findings import findings

POLICIES = ("fgd", "bestfit", "random")


def scenario(**changed):
    fields = {"name": "s", "snapshot": Snapshot(), "policies": tuple(map(preset, POLICIES)), "seeds": (1, 2)}
    return Scenario(**{**fields, **changed})


def run(policy, seed, jobs=1.0, warnings=()):
    return Run(policy=policy, seed=seed, totals={"jobs": jobs, "pending": 0.0}, series=(), warnings=tuple(warnings))


def test_a_report_can_be_made_from_what_is_told_of_the_scenario():
    told = findings(scenario(confidence=0.9, text="a: b"), [run("fgd", 1)]).scenario
    assert told == {
        "name": "s",
        "policies": list(POLICIES),
        "seeds": [1, 2],
        "unit": "seed",
        "jobFractions": [],
        "baseline": "fgd",
        "confidence": 0.9,
        "sequence": False,
        "text": "a: b",
    }
    assert findings(scenario(sequence=ArrivalSequence()), [run("fgd", 1)]).scenario["sequence"] is True


def test_policies_are_compared_with_the_first_of_the_scenario():
    runs = [run(policy, seed, seed + len(policy)) for policy in POLICIES for seed in (1, 2)]
    found = findings(scenario(measures=("jobs",)), runs)
    assert [(row.policy, row.measure, row.mean) for row in found.summary] == [
        ("fgd", "jobs", 4.5),
        ("bestfit", "jobs", 8.5),
        ("random", "jobs", 7.5),
    ]
    assert [(row.policy, row.baseline, row.mean) for row in found.differences] == [
        ("bestfit", "fgd", 4.0),
        ("random", "fgd", 3.0),
    ]


def test_a_warning_is_said_once_and_with_those_it_is_said_of():
    runs = [
        run("fgd", 1, warnings=["all do", "one does", "seed 1"]),
        run("fgd", 2, warnings=["all do", "one does", "of the trace"]),
        run("bestfit", 1, warnings=["all do", "two do"]),
        run("random", 1, warnings=["all do", "two do"]),
    ]
    found = findings(scenario(warnings=("of the trace", "of the trace")), runs)
    assert found.warnings == (
        "of the trace",
        "all do",
        "policy fgd: one does",
        "policy fgd: seed 1",
        "policies bestfit, random: two do",
    )


def test_of_one_policy_warnings_are_not_said_to_be_of_it():
    found = findings(scenario(policies=(preset("fgd"),)), [run("fgd", 1, warnings=["w"])])
    assert found.warnings == ("w",)
