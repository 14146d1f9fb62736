"""Scenario files of kind ``deadline``: what is read, and what is refused in one line."""

from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from yuheng.errors import InputError, NotFoundError
from yuheng.model.deadline import DEADLINE_POLICIES, DeadlineJob
from yuheng.readers.scenario import read_scenario, scenario_schema
from yuheng.readers.scenario.json_schema import written_schema
from yuheng.scheduling.presets import preset

PRICES = {"onDemand": 3.06, "spot": 0.9731}


def least(**changed):
    """The smallest scenario, with keys changed, or taken away where None is given."""
    document = {
        "kind": "deadline",
        "work": "4h",
        "deadline": "6h",
        "changeOver": "10m",
        "prices": PRICES,
        "zones": [{"trace": "a.json"}],
    }
    return {key: value for key, value in {**document, **changed}.items() if value is not None}


@pytest.fixture
def read(tmp_path):
    """Read a document, beside two traces."""
    (tmp_path / "a.json").write_text(json.dumps({"metadata": {"gap_seconds": 600}, "data": [1, 0] * 100}))
    (tmp_path / "b.json").write_text(json.dumps({"metadata": {"gap_seconds": 300}, "data": [1] * 6}))
    (tmp_path / "empty.json").write_text(json.dumps({"metadata": {"gap_seconds": 300}, "data": []}))

    def read_document(document):
        path = tmp_path / "late.yaml"
        path.write_text(yaml.safe_dump(document))
        return read_scenario(path, preset)

    return read_document


def test_what_is_not_written_has_a_default(read):
    found = read(least())
    assert found.name == "late"
    assert found.jobs == (DeadlineJob(4 * 3600.0, 6 * 3600.0, 600.0),)
    assert found.policies == tuple(DEADLINE_POLICIES)
    assert (found.candidates, found.starts, found.seeds, found.history) == ("single", 200, (), 0.0)
    [zone] = found.zones
    assert (zone.name, zone.gap, zone.on_demand, zone.spot, zone.egress) == ("a", 600.0, 3.06, 0.9731, 0.0)
    assert found.warnings == ()


def test_everything_can_be_told(read):
    zones = [{"trace": "a.json", "name": "x", "prices": {"onDemand": 2, "spot": 1}, "egress": 3}, {"trace": "b.json"}]
    found = read(
        least(
            apiVersion="yuheng.io/v1alpha1",
            name="mine",
            deadline=None,
            jobFraction=[0.8, 0.5],
            zones=zones,
            candidates="all",
            policies=["yuheng"],
            starts=5,
            seeds="1-2",
            history="1d",
            measures=["cost_usd"],
            confidence=0.9,
            outputs=[{"format": "csv", "path": "out.csv"}],
        )
    )
    assert [job.time for job in found.jobs] == [5 * 3600.0, 8 * 3600.0]
    assert [(zone.name, zone.on_demand, zone.egress) for zone in found.zones] == [("x", 2.0, 3.0), ("b", 3.06, 0.0)]
    assert (found.policies, found.starts, found.seeds, found.history) == (("yuheng",), 5, (1, 2), 86400.0)
    assert found.outputs[0].path.endswith("/out.csv")
    assert [warning.split(":")[0] for warning in found.warnings] == [
        "zones b",
        "the traces differ in length or interval",
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": "dead"}, "kind: found 'dead', expected "),
        ({"kind": ["deadline"]}, "kind: found "),
        ({"kind": "Deadline"}, "kind: found 'Deadline', expected "),
        ({"deadlin": "1h"}, "deadlin: found an unknown key (did you mean deadline?)"),
        ({"deadline": "3h"}, "deadline: found a deadline of 10800 s, expected 15000 s or more: the work and one"),
        ({"deadline": None}, "found none of them, expected one of deadline, jobFraction"),
        ({"jobFraction": 0.5}, "found deadline and jobFraction, expected one of deadline, jobFraction"),
        ({"deadline": None, "jobFraction": [0.5, 1.5]}, "jobFraction[1]: found 1.5, expected a number above 0, of 1"),
        ({"deadline": None, "jobFraction": 0}, "jobFraction[0]: found 0.0, expected a number above 0"),
        ({"deadline": None, "jobFraction": 1.0}, "jobFraction[0]: found 1.0, expected 0.96 or less, to leave time for"),
        ({"work": "0s"}, "work: found 0.0, expected a duration above 0"),
        ({"changeOver": None}, "changeOver"),
        ({"changeOver": -1}, "changeOver: found -1, expected a duration"),
        ({"prices": {"onDemand": -3, "spot": 1}}, "prices.onDemand: found -3.0, expected a number of 0 or more"),
        ({"prices": None}, "zones[0]: found no prices, expected prices of the zone, or of the scenario"),
        ({"zones": []}, "zones: found no zone, expected one or more"),
        ({"zones": [{"trace": "a.json"}] * 2}, "zones[1].name: found 'a', expected a name that comes once in zones"),
        ({"zones": [{"trace": "a.json", "egress": -1}]}, "zones[0].egress: found -1.0, expected a number of 0 or more"),
        ({"zones": [{"trace": "empty.json"}]}, "empty.json: data: found nothing, expected a list of 0 and 1"),
        ({"policies": ["greedi"]}, "policies[0]: found 'greedi' (did you mean greedy?), expected one of on-demand, "),
        ({"policies": ["greedy"] * 2}, "policies[1]: found 'greedy', expected a name that comes once in policies"),
        ({"policies": []}, "policies: found no policy, expected one or more"),
        ({"measures": ["cost"]}, "measures[0]: found 'cost'"),
        ({"candidates": "both"}, "candidates: found 'both'"),
        ({"starts": 0}, "starts: found 0, expected a whole number from 1 to 100000"),
        ({"confidence": 1}, "confidence: found 1.0, expected a number between 0 and 1"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(read, changed, message):
    with pytest.raises(InputError) as caught:
        read(least(**changed))
    assert message in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_without_a_change_over_there_may_be_no_time_to_spare(read):
    [job] = read(least(deadline=None, jobFraction=1, changeOver=0)).jobs
    assert job.slack == 0


def test_a_trace_that_is_not_there_is_named(read):
    with pytest.raises(NotFoundError, match=r"c\.json"):
        read(least(zones=[{"trace": "c.json"}]))


def test_the_shipped_schema_is_that_of_the_models():
    assert scenario_schema("deadline") == written_schema("deadline")
    jsonschema.Draft202012Validator.check_schema(scenario_schema("deadline"))


@pytest.mark.parametrize("document", [least(), least(deadline=None, jobFraction=0.9), least(seeds=[1, "2-3"])])
def test_what_the_reader_takes_is_valid(document):
    jsonschema.validate(document, scenario_schema("deadline"), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("document", [least(kind="other"), least(zones=None), least(starts="many"), least(late=1)])
def test_what_the_reader_refuses_is_not(document):
    assert not jsonschema.Draft202012Validator(scenario_schema("deadline")).is_valid(document)


def test_every_key_is_explained():
    schema = scenario_schema("deadline")
    for definition in (schema, *schema["$defs"].values()):
        assert definition["description"]
        assert all(field["description"] for field in definition["properties"].values())
