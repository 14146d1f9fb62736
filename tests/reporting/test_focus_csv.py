"""The FOCUS export: its columns, and that it is a bill our own reader and the specification take."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import datetime

import pytest

from yuheng.model.cost import CostRow, Costs
from yuheng.readers.fleet.exchange import Exchange
from yuheng.readers.focus import read_bill
from yuheng.reporting.focus_csv import focus_csv

DAY = 86_400.0
MARCH = 1_772_323_200.0
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def costs(**more):
    rows = (
        CostRow(group={"namespace": "web", "label:team": 'shop "one"'}, cpu=1.25, memory=0.5, network=1e-7, shared=0.1),
        CostRow(group={"namespace": "=SUM(1)", "label:team": ""}, gpu=3.0, storage=0.75),
        CostRow(group={"namespace": "__idle__", "label:team": "__idle__"}, idle=2.0),
    )
    total = sum(row.total for row in rows)
    fields = {"start": MARCH - DAY, "end": MARCH + DAY, "by": ("namespace", "label:team"), "rows": rows}
    return Costs(**{**fields, "total": total, "nodes": total, "idle": 2.0, **more})


def written(found):
    return list(csv.DictReader(io.StringIO(focus_csv(found))))


def is_of(kind, text):
    """Whether a cell is what the specification calls a type."""
    if kind == "Decimal":
        return re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", text) is not None
    if kind == "Date/Time":
        return TIME.fullmatch(text) is not None
    return isinstance(json.loads(text), dict) if kind == "JSON" else True


@pytest.mark.shared_data
def test_the_export_meets_the_columns_of_the_specification(shared):
    text = (shared / "data" / "focus" / "focus_1.2_columns.csv").read_text(encoding="utf-8")
    columns = {row["column_id"]: row for row in csv.DictReader(io.StringIO(text))}
    rows = written(costs())
    assert len(rows) == 7
    assert {name for name, row in columns.items() if row["feature_level"] == "Mandatory"} <= set(rows[0])
    assert set(rows[0]) <= set(columns)
    for row in rows:
        for name, cell in row.items():
            if cell:
                assert is_of(columns[name]["data_type"], cell), (name, cell)
            else:
                assert columns[name]["allows_nulls"] == "True", name


def test_billed_costs_add_up_to_all_rows():
    for name in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"):
        assert sum(float(row[name]) for row in written(costs())) == pytest.approx(costs().total, abs=1e-9)


def test_our_own_reader_takes_it(tmp_path):
    path = tmp_path / "focus.csv"
    path.write_text(focus_csv(costs()), encoding="utf-8")
    found = read_bill([path], Exchange({}).rate)
    assert found.billed == pytest.approx(costs().total, abs=1e-9)
    assert (found.start, found.end, found.notes) == (MARCH - DAY, MARCH + DAY, ())
    assert {one.category for one in found.services} == {"Compute", "Storage", "Networking"}


def test_periods_are_those_of_the_rows_within_months():
    one = CostRow(group={"namespace": "a"}, cpu=1.0, start=MARCH - DAY)
    rows = (one, CostRow(group={"namespace": "a"}, cpu=1.0, start=MARCH))
    found = costs(rows=rows, every="day", start=MARCH - DAY / 2, end=MARCH + DAY / 4)
    times = [tuple(row[f"ChargePeriod{end}"] for end in ("Start", "End")) for row in written(found)]
    assert times == [("2026-02-28T12:00:00Z", "2026-03-01T00:00:00Z"), ("2026-03-01T00:00:00Z", "2026-03-01T06:00:00Z")]
    months = [tuple(row[f"BillingPeriod{end}"] for end in ("Start", "End")) for row in written(found)]
    assert months == [
        ("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"),
        ("2026-03-01T00:00:00Z", "2026-04-01T00:00:00Z"),
    ]


def test_weeks_last_from_monday_to_monday():
    first = MARCH - 6 * DAY  # 2026-02-23, a Monday
    rows = tuple(CostRow(group={"namespace": "a"}, cpu=1.0, start=first + 7 * DAY * i) for i in range(3))
    found = costs(rows=rows, every="week", start=first + DAY, end=first + 16 * DAY)
    times = [tuple(row[f"ChargePeriod{end}"][:10] for end in ("Start", "End")) for row in written(found)]
    assert times == [("2026-02-24", "2026-03-02"), ("2026-03-02", "2026-03-09"), ("2026-03-09", "2026-03-11")]


def test_a_window_of_several_months_is_within_its_billing_period():
    (row, *_) = written(costs(start=MARCH - 80 * DAY, end=MARCH + DAY))
    times = [datetime.fromisoformat(row[name]) for name in ("BillingPeriodStart", "ChargePeriodStart")]
    assert times[0] <= times[1]
    assert row["BillingPeriodEnd"] == "2026-04-01T00:00:00Z"


def test_names_are_no_formulas_and_tags_are_json():
    rows = written(costs())
    assert json.loads(rows[0]["Tags"]) == {"namespace": "web", "label:team": 'shop "one"'}
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "@", "+"))]


def test_an_account_is_the_cluster_where_it_is_told():
    rows = written(costs(rows=(CostRow(group={"cluster": "west", "namespace": "a"}, cpu=1.0),)))
    assert (rows[0]["BillingAccountId"], rows[0]["BillingAccountName"]) == ("west", "west")
