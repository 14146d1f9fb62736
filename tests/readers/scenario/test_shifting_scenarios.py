"""Scenarios of kind ``shifting``: what is read, and what is refused in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from yuheng.errors import InputError, NotFoundError
from yuheng.model.shifting import ShiftableJob, ShiftingScenario, ShiftRule, ShiftWorkload
from yuheng.readers.scenario import scenario_schema
from yuheng.readers.scenario.json_schema import written_schema
from yuheng.readers.scenario.shifting import read_shifting

MONDAY = 1_767_571_200.0
JOB = {"name": "a", "issued": "2026-01-05T09:00:00Z", "duration": "4h"}
DRAW = {"first": "2026-01-05T00:00:00Z", "last": "2026-02-05T13:00:00Z", "count": 9, "shortest": "1h", "longest": "2d"}
DAILY = {**{key: value for key, value in DRAW.items() if key != "count"}, "daily": 1}
LEAST: dict[str, Any] = {"kind": "shifting", "carbon": 300, "jobs": [JOB]}


def read(folder: Path, **changed: Any) -> ShiftingScenario:
    document = {key: value for key, value in {**LEAST, **changed}.items() if value is not None}
    return read_shifting(document, folder, "s.yaml", "night", "the text")


def test_the_least_there_can_be(tmp_path: Path) -> None:
    found = read(tmp_path)
    assert (found.name, found.text) == ("night", "the text")
    assert found.jobs == (ShiftableJob(name="a", issued=MONDAY + 9 * 3600, duration=4 * 3600.0),)
    assert found.carbon is not None
    assert found.carbon.at(0) == 300
    assert (found.price, found.workload, found.power, found.objective.name) == (None, None, 1.0, "carbon")
    assert found.rule == ShiftRule()
    assert (found.policies, found.seeds, found.error) == (("as-issued", "whole", "parts"), (42,), 0.0)


def test_everything_there_can_be(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("zone,when,usd\na,2026-01-05 01:00,1.5\na,2026-01-05 02:00,2.5\n")
    found = read(
        tmp_path,
        apiVersion="yuheng.io/v1alpha1",
        name="n",
        jobs=None,
        draw={**DRAW, "days": "all", "issued": "08:00-10:00", "step": "1h", "machines": 2},
        carbon=[{"at": "2026-01-05T00:00:00Z", "value": 5}, {"at": "2026-01-05T01:00:00Z", "value": 7.5}],
        price={"file": "p.csv", "timeColumn": "when", "column": "usd", "timezone": "Europe/Berlin"},
        power=400,
        pue=1.25,
        objective="0.5*carbon+0.5*cost",
        limit="next-workday",
        before="1h",
        after="30m",
        workingHours="07:00-15:30",
        windows=["22:00-06:00"],
        restart="5m",
        error=0.05,
        policies=["parts", "omniscient"],
        seeds="0-2",
        measures=["carbon_kg"],
        confidence=0.9,
        outputs=[{"format": "csv", "path": "out.csv"}],
    )
    assert found.workload == ShiftWorkload(
        start=MONDAY,
        end=MONDAY + 31 * 86400,
        count=9,
        workdays=False,
        opens=480,
        closes=600,
        shortest=3600.0,
        longest=2 * 86400.0,
        step=3600.0,
        weight=2.0,
    )
    assert found.carbon is not None
    assert found.carbon.values.tolist() == [5.0, 7.5]
    assert found.price is not None
    assert found.price.times.tolist() == [MONDAY, MONDAY + 3600]
    assert found.rule == ShiftRule(
        limit="next-workday", before=3600.0, after=1800.0, opens=420, closes=930, windows=((1320, 360),), restart=300.0
    )
    assert found.power == pytest.approx(0.5)
    assert (found.name, found.error, found.seeds, found.confidence) == ("n", 0.05, (0, 1, 2), 0.9)
    assert (found.policies, found.measures) == (("parts", "omniscient"), ("carbon_kg",))
    assert [(one.format, one.path) for one in found.outputs] == [("csv", str(tmp_path / "out.csv"))]


def test_jobs_are_issued_in_working_hours(tmp_path: Path) -> None:
    found = read(tmp_path, jobs=None, draw=DRAW)
    assert found.workload is not None
    assert (found.workload.opens, found.workload.closes, found.workload.workdays) == (540, 1020, True)
    assert (found.rule.opens, found.rule.closes) == (540, 1020)


def test_the_shipped_schema_is_that_of_the_models() -> None:
    schema = scenario_schema("shifting")
    assert schema == written_schema("shifting")
    jsonschema.validate(LEAST, schema, cls=jsonschema.Draft202012Validator)
    drawn = {"kind": "shifting", "price": [{"at": "2026-01-05T00:00:00Z", "value": 1}], "draw": DRAW}
    jsonschema.validate(drawn, schema, cls=jsonschema.Draft202012Validator)
    for wrong in ({"limit": "tomorrow"}, {"carbn": 1}, {"windows": 5}, {"kind": "deadline"}):
        assert not jsonschema.Draft202012Validator(schema).is_valid({**LEAST, **wrong})


def test_where_carbon_is_unknown_cost_is_minimised(tmp_path: Path) -> None:
    assert read(tmp_path, carbon=None, price=1).objective.name == "cost"
    assert read(tmp_path, price=1).objective.name == "carbon"


CASES: list[tuple[dict[str, Any], str]] = [
    ({"carbn": 1}, "carbn: found an unknown key (did you mean carbon?)"),
    ({"apiVersion": "v1"}, "apiVersion: found 'v1', expected 'yuheng.io/v1alpha1'"),
    ({"carbon": None}, "found neither carbon nor price, expected one of them, or both"),
    ({"carbon": -1}, "carbon.constant: found -1.0, expected a number of 0 or more"),
    ({"carbon": float("nan")}, "carbon.constant: found nan"),
    ({"carbon": []}, "carbon.series: found no point, expected one or more"),
    ({"carbon": {}}, "carbon: found"),
    ({"carbon": {"constant": 1, "timezone": "UTC"}}, "carbon.timezone: found timezone without a file"),
    (
        {"carbon": [{"at": "2026-01-05T00:00:00Z", "value": 1}] * 2},
        "carbon.series[1].at: found a time that is not after the one before, expected ascending times",
    ),
    ({"price": {"file": "c.csv", "timezone": "Mars"}}, "price.timezone: found 'Mars', expected a time zone"),
    ({"jobs": None}, "found neither jobs nor draw, expected one of them"),
    ({"draw": DRAW}, "found both jobs and draw, expected one of them"),
    ({"jobs": [JOB, JOB]}, "jobs[1]: found 'a', expected a name that comes once in jobs"),
    ({"jobs": [{**JOB, "duration": 0}]}, "jobs[0].duration: found 0.0, expected a duration above 0"),
    ({"jobs": [{**JOB, "machines": 0}]}, "jobs[0].machines: found 0.0, expected a number above 0"),
    ({"jobs": [{**JOB, "issued": 5}]}, "jobs[0].issued: found 5, expected a time such as"),
    ({"jobs": None, "draw": {**DRAW, "daily": 1}}, "draw: found"),
    ({"jobs": None, "draw": {**DRAW, "last": "2025-12-31T00:00:00Z"}}, "draw.last: found a day before the first"),
    ({"jobs": None, "draw": {**DRAW, "longest": "30m"}}, "draw.longest: found less than the shortest"),
    ({"jobs": None, "draw": {**DRAW, "issued": "22:00-06:00"}}, "draw.issued: found a window that is empty or goes"),
    ({"jobs": None, "draw": {**DRAW, "count": 0}}, "draw.count: found 0, expected a whole number from 1"),
    ({"jobs": None, "draw": {**DRAW, "step": 0.5}}, "draw.step: found 0.5, expected a second or more"),
    ({"jobs": None, "draw": {**DRAW, "longest": "3000d", "step": 1}}, "draw.longest: found too many durations"),
    (
        {"jobs": None, "draw": {**DAILY, "daily": 10**6}},
        "draw.daily: found 1000000, expected no more than 1,000,000 jobs in all",
    ),
    ({"jobs": [{**JOB, "duration": "9999w"}]}, "jobs[0].duration: found 6047395200.0, expected no more than 3660d"),
    ({"after": 1e15}, "after: found 1000000000000000.0, expected no more than 3660d"),
    ({"power": 0}, "power: found 0.0, expected a number above 0"),
    ({"pue": 0.9}, "pue: found 0.9, expected a number of 1 or more"),
    ({"objective": "speed"}, "objective: found 'speed', expected carbon, cost, or a blend"),
    ({"objective": "balanced"}, "objective: found 'balanced', expected one without time"),
    ({"objective": "cost"}, "objective: found 'cost' without price, expected price over time beside it"),
    ({"limit": "tomorrow"}, "limit: found 'tomorrow', expected 'flexible', 'next-workday', 'next-morning'"),
    ({"after": "-1h"}, "after: found '-1h', expected a duration"),
    ({"workingHours": "17:00-09:00"}, "workingHours: found hours that are none or go over midnight"),
    ({"windows": ["25:00-26:00"]}, "windows[0]: found '25:00-26:00', expected a window of the day"),
    ({"windows": [5]}, "windows[0]: found 5, expected a window of the day"),
    ({"error": -0.1}, "error: found -0.1, expected a number of 0 or more"),
    ({"policies": []}, "policies: found no policy, expected one or more"),
    ({"policies": ["part"]}, "policies[0]: found 'part' (did you mean parts?), expected one of as-issued, whole"),
    ({"policies": ["parts", "parts"]}, "policies[1]: found 'parts', expected a name that comes once in policies"),
    ({"measures": ["carbon"]}, "measures[0]: found 'carbon' (did you mean carbon_kg?), expected one of jobs"),
    ({"confidence": 1}, "confidence: found 1.0, expected a number between 0 and 1"),
]


@pytest.mark.parametrize(("changed", "message"), CASES, ids=[message for _, message in CASES])
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    (tmp_path / "c.csv").write_text("t,v\n2026-01-05,1\n")
    with pytest.raises(InputError) as caught:
        read(tmp_path, **changed)
    assert str(caught.value).startswith(f"s.yaml: {message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t,v\n2026-01-05,1\n2026-01-04,1\n", "times that ascend"),
        ("t,v\n2026-01-05,-1\n", "-1"),
        ("t,v\n2026-01-05,many\n", "many"),
        ("t,v\n", "no value"),
        ("t,v,w\n2026-01-05,1,2\n", "2 columns of values"),
    ],
)
def test_a_series_that_cannot_be(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        read(tmp_path, carbon={"file": "c.csv"})
    assert str(tmp_path / "c.csv") in str(caught.value)
    assert message in str(caught.value)


def test_a_series_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        read(tmp_path, carbon={"file": "c.csv"})
