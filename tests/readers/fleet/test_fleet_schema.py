"""The JSON Schema of our own kinds."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from made_fleets import POOL, cluster, ours, policy, region, settings

from yuheng.readers.fleet.json_schema import fleet_schema, written_schema

VALID: list[dict[str, Any]] = [
    cluster(),
    cluster(manifests="x", zones=["a"], nodePools=[{**POOL, "markets": "spot", "provisioningDelay": 30}]),
    ours("Cluster", "a", labels={"k": "v"}),
    region(egress=0.1, latency="9ms", bandwidth={"default": "1Gbps"}, carbon=300, internetEgress=0.1),
    region(egress={"default": [{"aboveGB": 0, "perGB": 1}]}, carbon={"file": "c.csv", "column": "DE"}),
    settings(exchangeRates={"EUR": 1.1}, priceBooks=["b.csv", {"file": "c.csv"}], time="2026-01-01T00:00:00Z"),
    policy(runTime="2h", reads=[{"name": "d", "sizeGB": "1TB"}], markets=["spot"], windows="22:00-06:00"),
    policy(selector={"names": "web"}, runTime={"*": {"p50": 3600}}, slo={"within": "1s"}, deadline="2h"),
    ours("Workflow", "w", {"tasks": [{"name": "a"}]}),
]
INVALID: list[dict[str, Any]] = [
    {},
    ours("Clusters", "a"),
    cluster(manifest=[]),
    cluster(nodePools=[{"name": "p"}]),
    cluster(nodePools=[{**POOL, "markets": "sport"}]),
    region(pue="high"),
    settings(priceBooks=[{"columns": {}}]),
    ours("PlacementPolicy", "p"),
    policy(reads=[{"name": "d"}]),
]


def test_the_shipped_schema_is_that_of_the_models() -> None:
    assert fleet_schema() == written_schema()
    jsonschema.Draft202012Validator.check_schema(fleet_schema())


@pytest.mark.parametrize("made", VALID, ids=str)
def test_what_the_reader_takes_is_valid(made: dict[str, Any]) -> None:
    jsonschema.validate(made, fleet_schema(), cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize("made", INVALID, ids=str)
def test_what_the_reader_refuses_is_not(made: dict[str, Any]) -> None:
    assert not jsonschema.Draft202012Validator(fleet_schema()).is_valid(made)


def test_every_key_is_explained() -> None:
    for name, definition in fleet_schema()["$defs"].items():
        assert definition["description"], name
        for key, field in definition["properties"].items():
            assert field.get("description"), f"{name}.{key}"
