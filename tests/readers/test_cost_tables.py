"""Costs over time from tables and documents: columns, times, currencies, bills, and what is wrong with them."""

from __future__ import annotations

import gzip
import json

import duckdb
import pytest

from yuheng.errors import InputError, NotFoundError
from yuheng.model.units import DAY, HOUR
from yuheng.readers.fleet.exchange import Exchange
from yuheng.readers.focus import read_bill
from yuheng.readers.spend import read_spend

FIRST = 1767225600.0  # 2026-01-01T00:00:00Z
EUROS = Exchange({"EUR": 2.0})


@pytest.fixture
def reading(tmp_path):
    def read(text, *keys, name="costs.csv", exchange=EUROS):
        path = tmp_path / name
        path.write_text(text)
        return read_spend([path], keys, exchange)

    return read


def told(spend):
    """The rows of a spend: time since 2026, group, cost."""
    rows = zip(spend.start.tolist(), spend.who.tolist(), spend.cost.tolist(), strict=True)
    return sorted((start - FIRST, tuple(spend.groups[who].values()), cost) for start, who, cost in rows)


@pytest.mark.parametrize(
    ("header", "time"),
    [
        ("date,cost", "2026-01-02"),
        ("start,total", "2026-01-02T00:00:00Z"),
        ("Day,Total_Cost", "2026/01/02"),
        ("timestamp,cost", str(int(FIRST + DAY))),
        ("timestamp,cost", str(int(FIRST + DAY) * 1000)),
        ("ChargePeriodStart,EffectiveCost", "2026-01-02 00:00:00"),
        ("start,cost", "2026-01-02T01:00:00+01:00"),
    ],
)
def test_times_and_costs_have_many_names(reading, header, time):
    found = reading(f"{header}\n{time},1.5\n")
    assert (told(found), found.step, found.end) == ([(DAY, (), 1.5)], DAY, FIRST + 2 * DAY)


def test_groups_are_the_columns_that_are_asked_for_and_equal_rows_are_added_up(reading):
    text = "date,Namespace,label:team,pod,cost\n2026-01-01,a,x,p1,1\n2026-01-01,a,x,p2,2\n2026-01-01,b,NULL,p3,4\n"
    found = reading(text, "namespace", "label:team")
    assert sorted((sorted(group.items()), cost) for group, cost in zip(found.groups, found.cost, strict=True)) == [
        ([("label:team", ""), ("namespace", "b")], 4.0),
        ([("label:team", "x"), ("namespace", "a")], 3.0),
    ]


def test_costs_by_the_hour_stay_by_the_hour(reading):
    found = reading("start,cost\n2026-01-01T00:00Z,1\n2026-01-01T01:00Z,2\n")
    assert (told(found), found.step, found.end) == ([(0.0, (), 1.0), (HOUR, (), 2.0)], HOUR, FIRST + 2 * HOUR)


def test_what_is_told_for_days_is_spread_over_them(reading):
    found = reading("start,end,cost\n2026-01-01,2026-01-05,8\n2026-01-02,2026-01-03,1\n")
    assert told(found) == [(0.0, (), 2.0), (DAY, (), 3.0), (2 * DAY, (), 2.0), (3 * DAY, (), 2.0)]
    assert found.end == FIRST + 2 * DAY


def test_money_is_converted_row_by_row(reading):
    found = reading("date,currency,cost\n2026-01-01,EUR,1\n2026-01-02,USD,1\n2026-01-03,,1\n")
    assert [cost for _, _, cost in told(found)] == [2.0, 1.0, 1.0]
    assert found.notes == ()


def test_a_table_that_does_not_say_its_currency_is_taken_to_be_in_dollars(reading):
    (note,) = reading("date,cost\n2026-01-01,1\n").notes
    assert note.endswith("costs.csv does not say its currency: it is taken to be US dollars")


def test_tags_of_a_bill_are_labels(reading):
    header, tags = "ChargePeriodStart,BilledCost,Tags\n", '"{""team"": ""a"", ""n"": 1}"'
    text = f"{header}2026-01-01,3,{tags}\n2026-01-01,4,NULL\n2026-01-01,5,[]\n"
    found = reading(text, "label:team")
    assert sorted((group["label:team"], cost) for group, cost in zip(found.groups, found.cost, strict=True)) == [
        ("", 9.0),
        ("a", 3.0),
    ]


def test_credits_lower_what_was_spent(reading):
    assert told(reading("date,cost\n2026-01-01,5\n2026-01-01,-2\n")) == [(0.0, (), 3.0)]


def test_gzip_and_parquet_are_read_too(tmp_path):
    packed = tmp_path / "costs.csv.gz"
    packed.write_bytes(gzip.compress(b"date,cost\n2026-01-01,1\n"))
    table = tmp_path / "costs.parquet"
    for kind in ("DATE", "TIMESTAMP", "TIMESTAMPTZ", "VARCHAR"):
        base = duckdb.connect()
        base.execute("SET TimeZone = 'UTC'")
        source = f"SELECT '2026-01-01'::{kind} AS date, 1::DECIMAL(9,3) AS cost, 'a' AS namespace"
        base.execute(f"COPY ({source}) TO '{table}' (FORMAT parquet)")
        base.close()
        assert told(read_spend([packed, table], [], EUROS)) == [(0.0, (), 2.0)]
        assert told(read_spend([table], ["namespace"], EUROS)) == [(0.0, ("a",), 1.0)]


def document(**parts):
    rows = [{"group": {"namespace": "a"}, "start": "2026-01-01T00:00:00Z", "totalCost": 2.0}]
    window = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T12:00:00Z"}
    body = {"kind": "Cost", "currency": "EUR", "every": "day", "window": window, "rows": rows, **parts}
    return json.dumps(body)


def test_what_the_command_cost_prints_is_read(reading):
    found = reading(document(), "namespace", name="costs.json")
    assert (told(found), found.end) == ([(0.0, ("a",), 4.0)], FIRST + DAY / 2)


def test_a_day_that_is_told_in_part_ends_where_it_is_told_to(reading):
    found = reading("start,end,cost\n2026-01-01,2026-01-02,10\n2026-01-02,2026-01-02T12:00:00Z,5\n")
    assert (told(found), found.end) == ([(0.0, (), 10.0), (DAY, (), 5.0)], FIRST + 1.5 * DAY)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("c.csv", "who,what\na,b\n", ("the columns who, what", "a table of costs")),
        ("c.csv", "date,cost\n", ("no costs",)),
        ("c.csv", "date,cost\n2026-01-01,1\n2026-01-02,much\n", ("row 2", "cost", "'much'", "an amount")),
        ("c.csv", "date,cost\n2026-01-01,inf\n", ("row 1", "'inf'")),
        ("c.csv", "date,cost\nsoon,1\n", ("the time", "'soon'")),
        ("c.csv", "date,currency,cost\n2026-01-01,CHF,1\n", ("costs in CHF", "exchangeRates")),
        ("c.csv", "date,date,cost\n2026-01-01,1,1\n", ("column 'date' twice",)),
        ("c.csv", "start,end,cost\n2026-01-02,2026-01-01,1\n", ("the end", "'2026-01-01'", "not before 2026-01-02")),
        ("c.csv", "date,cost,pod\n2026-01-01,1,p\n", ("the columns date, cost, pod", "the column namespace")),
        ("c.parquet", "PAR1 and no more", ("c.parquet",)),
        ("c.json", "{}", ("another document", "yuheng cost --every day -o json")),
        ("c.json", document(kind="Plan"), ("kind Plan",)),
        ("c.json", document(every="week"), ("costs for every week", "every hour or day")),
        ("c.json", document(every=None), ("costs for the whole window",)),
        ("c.json", document(currency="CHF"), ("CHF",)),
        ("c.json", document(rows=[{"group": {"queue": "a"}, "totalCost": 1}]), ("costs by queue", "namespace as well")),
    ],
)
def test_what_is_wrong_is_told_in_one_line(reading, name, text, words):
    with pytest.raises(InputError) as error:
        reading(text, *(["namespace"] if "pod" in text or "queue" in text else []), name=name)
    assert all(word in str(error.value) for word in words), str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NotFoundError):
        read_spend([tmp_path / "gone.csv"], [], EUROS)


@pytest.mark.shared_data
def test_the_bill_of_the_workplace_adds_up_to_what_the_bill_reader_says(shared):
    path = shared / "data/focus/focus_sample_1.0.csv"
    bill = read_bill([path], EUROS.rate)
    found = read_spend([path], ["ProviderName"], EUROS)
    for number, group in enumerate(found.groups):
        wanted = sum(one.effective for one in bill.services if one.provider == group["ProviderName"])
        assert found.cost[found.who == number].sum() == pytest.approx(wanted)
    assert found.cost.sum() == pytest.approx(bill.effective)
    (note,) = found.notes
    assert note.startswith(f"{path}: 610 charges for usage with a BilledCost and an EffectiveCost of 0")


def test_what_is_billed_is_effective_where_the_provider_says_nothing_of_it(reading):
    header = "ChargePeriodStart,ChargeCategory,EffectiveCost,BilledCost,BillingCurrency"
    rows = ["Usage,0,3", "Usage,,4", "Usage,2,9", "Purchase,0,100", "Tax,1,1", "Usage,0,0"]
    found = reading("\n".join([header, *(f"2026-01-01,{row},USD" for row in rows)]) + "\n")
    assert told(found) == [(0.0, (), 10.0)]
    assert len(found.notes) == 1
    assert "2 charges for usage" in found.notes[0]


def test_a_charge_without_a_length_counts_in_its_stretch(reading):
    found = reading("start,end,cost\n2026-01-01,2026-01-02,10\n2026-01-02,2026-01-02,5\n")
    assert (told(found), found.end) == ([(0.0, (), 10.0), (DAY, (), 5.0)], FIRST + 2 * DAY)


def test_a_file_that_is_named_twice_is_refused(tmp_path):
    (tmp_path / "costs.csv").write_text("date,cost\n2026-01-01,1\n")
    with pytest.raises(InputError) as error:
        read_spend([tmp_path / "costs.csv", tmp_path / "." / "costs.csv"], [], EUROS)
    assert "costs.csv: found the same file twice, expected each file of costs once" in str(error.value)
