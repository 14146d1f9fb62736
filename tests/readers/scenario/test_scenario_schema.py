"""The JSON Schema of scenario files."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from made_scenarios import COLUMNS, least, pool

from yuheng.model.simulation import MEASURES
from yuheng.readers.scenario import scenario_schema
from yuheng.readers.scenario.json_schema import written_schema


def valid(document: dict[str, Any]) -> bool:
    return bool(jsonschema.Draft202012Validator(scenario_schema()).is_valid(document))


def test_the_shipped_schema_is_that_of_the_models() -> None:
    assert scenario_schema() == written_schema()
    jsonschema.Draft202012Validator.check_schema(scenario_schema())


@pytest.mark.parametrize(
    "document",
    [
        least(),
        least(seeds="42-51", cycle="1s", until=5, confidence=0.9, epoch="2026-01-05T00:00:00Z"),
        least(policies=["fgd", {"name": "mine", "config": "c.yaml"}], seeds=[1, "2-3"], measures=list(MEASURES)),
        least(pools=[pool(price=3), pool(name="b", price=[{"at": "0s", "price": 3}])]),
        least(workload={"trace": "t.csv", "columns": {**COLUMNS, "cpu": {"value": "500m"}}, "round": {"cpu": "100m"}}),
        least(markets=[{"name": "m", "nodes": {"pool": "gpu"}, "availability": "a.json", "offset": "random"}]),
    ],
)
def test_what_the_reader_takes_is_valid(document: dict[str, Any]) -> None:
    jsonschema.validate(document, scenario_schema(), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    "document",
    [
        {},
        least(polices=[]),
        least(seeds=True),
        least(measures=["cost"]),
        least(outputs=[{"format": "pdf", "path": "a"}]),
        least(pools=[{"name": "a"}]),
        least(cycle=[]),
    ],
)
def test_what_the_reader_refuses_is_not(document: dict[str, Any]) -> None:
    assert not valid(document)


def test_every_key_is_explained() -> None:
    schema = scenario_schema()
    for name, definition in {"Scenario": schema, **schema["$defs"]}.items():
        assert definition["description"], name
        for key, field in definition["properties"].items():
            assert field.get("description"), f"{name}.{key}"
