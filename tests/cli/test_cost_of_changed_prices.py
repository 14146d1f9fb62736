"""A price that changes within the window is told: one price counts for all of it."""

from __future__ import annotations

import json

import pytest

BOOK = """instance_type,region,price_per_hour,currency,valid_from
m,r1,1.00,USD,2026-01-01T00:00:00Z
m,r1,2.00,USD,2026-03-02T06:00:00Z
"""
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": "n0",
        "labels": {"node.kubernetes.io/instance-type": "m", "topology.kubernetes.io/region": "r1"},
    },
    "status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10"}},
}


def test_a_price_that_changes_within_the_window_is_told(yuheng, tmp_path):
    (tmp_path / "node.json").write_text(json.dumps(NODE))
    (tmp_path / "prices.csv").write_text(BOOK)
    files = ("cost", str(tmp_path / "node.json"), "--prices", str(tmp_path / "prices.csv"), "-o", "json")
    told = "1 price changed within the window (m first): the one of its middle counts for all of it"
    within = json.loads(yuheng(*files, "--window", "2026-03-02T00:00Z,2026-03-03T00:00Z").out)
    assert told in within["assumptions"]
    assert within["total"] == 48.0
    after = json.loads(yuheng(*files, "--window", "2026-03-03T00:00Z,2026-03-04T00:00Z").out)
    assert told not in after["assumptions"]


@pytest.mark.parametrize("option", ["--load-balancer-price", "--egress-price"])
@pytest.mark.parametrize("amount", ["inf", "nan", "-1"])
def test_prices_are_numbers(yuheng, tmp_path, option, amount):
    (tmp_path / "node.json").write_text(json.dumps(NODE))
    done = yuheng("cost", str(tmp_path / "node.json"), option, amount)
    assert (done.code, done.out) == (2, "")
    assert option in done.err
