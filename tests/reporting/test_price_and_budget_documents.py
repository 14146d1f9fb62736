"""Price lists and budgets on their way out: schema, tables, CSV."""

from __future__ import annotations

import csv
import io
import json

import pytest
from jsonschema import Draft202012Validator, ValidationError
from rich.console import Console

from yuheng.model.budget import Alert, Budget, BudgetReport, BudgetStatus, Forecast, RateAlarm
from yuheng.model.node_price import NodePrice
from yuheng.model.price_list import PriceList
from yuheng.model.prices import Price
from yuheng.reporting.budgets_csv import budgets_csv
from yuheng.reporting.documents import json_text, yaml_text
from yuheng.reporting.price_list_csv import price_list_csv
from yuheng.reporting.schema import schema
from yuheng.reporting.tables.budgets import write_budgets
from yuheng.reporting.tables.price_list import write_price_list

ROW = Price(provider="aws", region="r", instance_type="m", per_hour=0.1)


def priced(name, **parts):
    own = {"instance_type": "m", "region": "r", "zone": "r-a", "per_hour": 0.1, "cpu": 0.03, "memory": 0.005}
    return NodePrice(node=name, gpu=0.9, **{**own, "price": ROW, "why": "by instance type m", **parts})


PRICES = PriceList(
    nodes=(
        priced("a"),
        priced("b"),
        priced("=cmd", rivals=(ROW, ROW)),
        priced("x", price=None, instance_type="", why="by rates: no label", per_hour=2.0),
    ),
    time=1767225600.0,
    prices=7,
    warnings=("something was assumed",),
)
FORECAST = Forecast(expected=120.0, low=100.0, high=140.0, level=0.8, days=30, method="smoothing", tried=9, held=8)
ALARM = RateAlarm(
    rate=9.0, usual=3.0, hours=3.0, score=8.0, compared=4, like="hour of the week", lasting=200.0, text="$9.00 an hour"
)
BUDGETS = BudgetReport(
    budgets=(
        BudgetStatus(
            budget=Budget(name="shop", limit=110.0, selector={"namespace": ("a", "b")}),
            spent=90.0,
            forecast=FORECAST,
            rate=9.0,
            usual=3.0,
            alerts=(
                Alert(threshold=1.0, kind="forecast", time=1767225600.0, text="100% of the limit will be spent"),
                Alert(threshold=0.8, kind="spent", text="80% of the limit is spent"),
            ),
            alarm=ALARM,
            groups=2,
        ),
        BudgetStatus(
            budget=Budget(name="data", limit=1000.0),
            spent=0.0,
            forecast=Forecast(expected=0.0, low=None, high=None, level=0.8, days=0, method="mean"),
        ),
    ),
    time=1767225600.0,
    start=1764547200.0,
    end=1767225600.0,
    since=1764547200.0,
    warnings=("something else",),
)
RESULTS = [PRICES, PriceList(), BUDGETS]


def printed(write, result, *, wide=False):
    buffer = io.StringIO()
    write(result, Console(file=buffer, width=200, force_terminal=False), wide=wide)
    return buffer.getvalue()


@pytest.mark.parametrize("result", RESULTS)
def test_a_document_satisfies_its_schema_and_no_key_may_be_missing(result):
    document = json.loads(json_text(result))
    validator = Draft202012Validator(schema(document["kind"]))
    validator.validate(document)
    assert yaml_text(result).startswith("apiVersion: yuheng.io/v1alpha1\nkind: ")
    for key in document:
        with pytest.raises(ValidationError):
            validator.validate({name: value for name, value in document.items() if name != key})


def test_totals_are_those_of_all_nodes():
    summary = PRICES.to_dict()["summary"]
    assert (summary["nodes"], summary["unpriced"], summary["ambiguous"], summary["prices"]) == (4, 1, 1, 7)
    assert (summary["perHour"], summary["perMonth"]) == (2.3, 1679.0)


def test_nodes_that_cost_the_same_share_a_line():
    lines = printed(write_price_list, PRICES).splitlines()
    assert "$2.3000 an hour, $1,679.00 a month of 730 hours. 1 node without a price of their own." in lines
    assert [line.split()[:2] for line in lines if "on-demand" in line] == [["1", "-"], ["2", "m"], ["1", "m"]]
    assert [line.split()[0] for line in lines if "2 other prices as well" in line] == ["1"]
    assert "  - something was assumed" in lines


def test_every_node_has_a_line_of_its_own_when_it_is_wide():
    lines = printed(write_price_list, PRICES, wide=True).splitlines()
    assert [line.split()[0] for line in lines if "on-demand" in line] == ["a", "b", "=cmd", "x"]


def test_a_price_list_as_csv_is_safe_in_a_spreadsheet():
    rows = list(csv.DictReader(io.StringIO(price_list_csv(PRICES))))
    assert [row["node"] for row in rows] == ["a", "b", "'=cmd", "x"]
    assert [(row["usd_per_hour"], row["has_price"], row["rivals"]) for row in rows][2:] == [
        ("0.1", "1", "2"),
        ("2", "0", "0"),
    ]


def test_budgets_are_told_with_alarms_first_and_the_highest_threshold():
    text = printed(write_budgets, BUDGETS)
    assert "will be exceeded (ALARM)" in text
    assert "100.00 to 140.00" in text
    assert text.index("Spend has run away") < text.index("Thresholds")
    assert "80% of the limit is spent" not in text
    assert "80% of the limit is spent" in printed(write_budgets, BUDGETS, wide=True)


def test_what_a_forecast_rests_on_is_told_when_it_is_wide():
    text = printed(write_budgets, BUDGETS, wide=True)
    assert "shop: namespace=a|b (2 groups); smoothing, of 30 days; made of earlier days, 8 of 9 held" in text
    assert "data: all costs (0 groups); mean, of 0 days" in text


def test_budgets_as_csv_have_a_row_each():
    shop, data = csv.DictReader(io.StringIO(budgets_csv(BUDGETS)))
    assert (shop["state"], shop["highest_threshold_spent"], shop["highest_threshold_forecast"]) == (
        "forecast",
        "0.8",
        "1",
    )
    assert (data["forecast_low_usd"], data["alarm"], shop["alarm"]) == ("", "0", "1")
