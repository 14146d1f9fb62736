"""``cost --bill`` and ``cost -o focus`` on the command line."""

from __future__ import annotations

import csv
import io
import json

import pytest
import yaml
from jsonschema import Draft202012Validator

from yuheng.reporting.schema import schema

NODES = """
apiVersion: v1
kind: Node
metadata: {name: a}
spec: {providerID: aws:///eu-west-1a/i-1}
status: {allocatable: {cpu: "4", memory: 16Gi, pods: "110"}}
---
apiVersion: v1
kind: Node
metadata: {name: b}
spec: {providerID: aws:///eu-west-1a/i-2}
status: {allocatable: {cpu: "4", memory: 16Gi, pods: "110"}}
"""
BILL = """\
ChargePeriodStart,ChargePeriodEnd,ProviderName,ServiceCategory,ServiceName,ResourceId,PricingUnit,BillingCurrency,\
ListCost,ContractedCost,EffectiveCost,BilledCost
2026-03-01,2026-03-02,AWS,Compute,EC2,i-1,Hours,EUR,5,4,4,4
2026-03-01,2026-03-02,AWS,Compute,EC2,i-9,Hours,EUR,1,1,0,1
2026-03-01,2026-03-02,AWS,Storage,S3,logs,GB-Mo,EUR,2,2,2,2
"""
EXPECTED = 24 * (4 * 0.031611 + 16 * 0.004237)


@pytest.fixture
def place(tmp_path):
    (tmp_path / "nodes.yaml").write_text(NODES, encoding="utf-8")
    (tmp_path / "bill.csv").write_text(BILL, encoding="utf-8")
    return tmp_path


def test_the_section_bill_meets_its_schema_and_adds_up(yuheng, place):
    arguments = ["cost", place / "nodes.yaml", "--bill", place / "bill.csv", "--currency", "EUR=0.5"]
    done = yuheng(*arguments, "-o", "json")
    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    Draft202012Validator(schema("Cost")).validate(document)
    assert document["window"]["hours"] == 24
    bill = document["bill"]
    assert (bill["currency"], bill["totalCost"], bill["billedCost"]) == ("EUR", 7.0, 4.0)
    assert bill["expectedCost"] == pytest.approx(2 * EXPECTED * 0.5)
    assert bill["expectedCost"] + sum(step["amount"] for step in bill["steps"]) == pytest.approx(bill["totalCost"])
    assert [(node["node"], node["by"]) for node in bill["nodes"]] == [("b", None), ("a", "providerID")]
    assert [charge["resource"] for charge in bill["unmatched"]] == ["i-9"]
    assert {one["service"]: one["mendedCost"] for one in bill["services"]} == {"EC2": 1.0, "S3": 0.0}
    assert yaml.safe_load(yuheng(*arguments, "-o", "yaml").out)["bill"] == bill


def test_the_table_shows_sums_that_add_up(yuheng, place):
    done = yuheng("cost", place / "nodes.yaml", "--bill", place / "bill.csv", "--currency", "EUR=0.5")
    assert done.code == 0
    lines = [line.split() for line in done.out.partition("FROM PRICES")[2].partition("Nodes:")[0].splitlines()[1:]]
    amounts = [float(next(word for word in reversed(line) if "." in word)) for line in lines if line]
    signs = [line[0] for line in lines if line]
    steps = [amount for sign, amount in zip(signs, amounts, strict=True) if sign in "+-"]
    assert amounts[-1] == 7.0
    assert round(amounts[0] + sum(steps), 2) == 7.0
    assert "AWS: 1 charge for usage with a BilledCost and an EffectiveCost of 0" in done.out


REFUSED = {
    "a currency without a rate": (
        ["--bill", "bill.csv"],
        "BillingCurrency: found charges in EUR, expected USD, or a rate",
    ),
    "a format without a bill": (
        ["--bill", "bill.csv", "-o", "csv"],
        "--bill: found -o csv, expected one of table, wide",
    ),
    "no such bill": (["--bill", "none.csv"], "none.csv: no such file"),
    "one file twice": (["--bill", "bill.csv", "--bill", "./bill.csv"], "bill.csv: found the same file twice"),
}


@pytest.mark.parametrize(("arguments", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_one_line(yuheng, place, monkeypatch, arguments, message):
    monkeypatch.chdir(place)
    done = yuheng("cost", "nodes.yaml", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_standard_input_is_refused_with_a_bill(yuheng, place):
    done = yuheng("cost", "-", "--bill", place / "bill.csv", stdin=NODES.encode())
    assert (done.code, "it is read twice" in done.err) == (2, True)


def test_costs_are_written_as_focus(yuheng, place):
    done = yuheng("cost", place / "nodes.yaml", "-o", "focus", "--window", "2026-03-01,2026-03-02")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert sum(float(row["BilledCost"]) for row in rows) == pytest.approx(2 * EXPECTED)
    assert {row["ChargePeriodStart"] for row in rows} == {"2026-03-01T00:00:00Z"}
