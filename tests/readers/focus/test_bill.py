"""Bills in FOCUS: totals, what providers write, and what cannot be read."""

from __future__ import annotations

import gzip

import duckdb
import pytest

from yuheng.errors import InputError, NotFoundError
from yuheng.readers.fleet.exchange import Exchange
from yuheng.readers.focus import read_bill, read_identities, read_period

DAY = 86_400.0
SEPTEMBER = 1_725_148_800.0
HEADER = (
    "BilledCost,EffectiveCost,ListCost,ContractedCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,"
    "ChargeCategory,ProviderName,ServiceCategory,ServiceName,ResourceId,PricingUnit,CommitmentDiscountId,Tags"
)
PLAIN = {
    "BilledCost": "1", "EffectiveCost": "1", "ListCost": "1", "ContractedCost": "1", "BillingCurrency": "USD",
    "ChargePeriodStart": "2024-09-01T00:00:00Z", "ChargePeriodEnd": "2024-09-02T00:00:00Z", "ChargeCategory": "Usage",
    "ProviderName": "AWS", "ServiceCategory": "Compute", "ServiceName": "EC2", "ResourceId": "i-1",
    "PricingUnit": "Hours", "CommitmentDiscountId": "", "Tags": "",
}  # fmt: skip


def rate(currency):
    return Exchange({"EUR": 1.25}).rate(currency)


def table(*charges, header=HEADER):
    """A bill with these charges; what is not said of one is as in `PLAIN`."""
    names = header.split(",")
    lines = [",".join('"' + {**PLAIN, **one}[name].replace('"', '""') + '"' for name in names) for one in charges]
    return "\n".join([header, *lines]) + "\n"


@pytest.fixture
def bill(tmp_path):
    def write(*charges, window=None, **more):
        path = tmp_path / "bill.csv"
        path.write_text(table(*charges, **more), encoding="utf-8")
        return read_bill([path], rate, window)

    return write


@pytest.mark.shared_data
def test_the_sample_is_read_whole_with_the_totals_of_plain_sql(shared):
    path = shared / "data" / "focus" / "focus_sample_1.0.csv"
    plain = duckdb.execute(
        "SELECT ProviderName, coalesce(ServiceCategory, ''), ServiceName, count(*), sum(BilledCost::DOUBLE), "
        "sum(EffectiveCost::DOUBLE), sum(ListCost::DOUBLE) "
        "FROM read_csv(?, all_varchar=true, header=true, nullstr='NULL') GROUP BY 1, 2, 3",
        [str(path)],
    ).fetchall()
    expected = {row[:3]: row[3:] for row in plain}
    found = read_bill([path], rate)
    services = {
        (one.provider, one.category, one.service): (one.charges, one.billed, one.effective - one.mended, one.listed)
        for one in found.services
    }
    assert set(services) == set(expected)
    for key, amounts in expected.items():
        assert services[key][:3] == pytest.approx(amounts[:3], abs=1e-9)
        # A list cost of 0 beside an effective one says nothing; all others stay.
        assert services[key][3] >= amounts[3] - 1e-9
    assert sum(one.charges for one in found.services) == 1000
    assert [note.split(" charges")[0] for note in found.notes] == ["AWS: 604", "Oracle: 6"]


@pytest.mark.shared_data
def test_the_sample_as_parquet_and_zipped_is_the_same_bill(shared, tmp_path):
    path = shared / "data" / "focus" / "focus_sample_1.0.csv"
    zipped, columns = tmp_path / "bill.csv.gz", tmp_path / "bill.parquet"
    zipped.write_bytes(gzip.compress(path.read_bytes()))
    duckdb.sql("SET TimeZone = 'UTC'")
    duckdb.read_csv(str(path), na_values="NULL").write_parquet(str(columns))
    expected = read_bill([path], rate)
    for other in (zipped, columns):
        found = read_bill([other], rate)
        assert (found.start, found.end, len(found.resources)) == (expected.start, expected.end, len(expected.resources))
        assert [one.billed for one in found.services] == pytest.approx([one.billed for one in expected.services])
        assert [one.effective for one in found.services] == pytest.approx([one.effective for one in expected.services])


def test_columns_are_found_in_any_order_and_case_and_others_are_left_alone(bill):
    header = "x_Other," + ",".join(reversed(HEADER.lower().split(",")))
    charge = {name.lower(): value for name, value in PLAIN.items()} | {"x_Other": "a"}
    found = bill(charge, header=header)
    assert [(one.provider, one.service, one.billed) for one in found.services] == [("AWS", "EC2", 1.0)]


def test_version_1_3_names_the_provider_of_the_service(bill):
    header = HEADER.replace("ProviderName", "ServiceProviderName,HostProviderName")
    found = bill({"ServiceProviderName": "Snow", "HostProviderName": "AWS"}, header=header)
    assert found.services[0].provider == "Snow"


TIMES = {
    "with a zone": "2024-09-01T02:00:00+02:00",
    "without a zone": "2024-09-01 00:00:00",
    "without seconds": "2024-09-01T00:00Z",
    "a day": "2024-09-01",
    "with parts of a second": "2024-09-01T00:00:00.000Z",
}


@pytest.mark.parametrize("start", TIMES.values(), ids=TIMES)
def test_times_are_read_as_they_are_written(bill, start):
    assert bill({"ChargePeriodStart": start}).start == SEPTEMBER


@pytest.mark.parametrize("nothing", ["", "NULL", "null", "  "])
def test_what_is_spelled_out_as_nothing_is_nothing(bill, nothing):
    found = bill({"ResourceId": "i-1", "CommitmentDiscountId": nothing, "Tags": nothing, "ContractedCost": nothing})
    (resource,) = found.resources
    assert (resource.is_committed, resource.tags, resource.contracted) == (False, {}, 1.0)


MENDED = {
    "usage that is billed is effective": ({"EffectiveCost": "0"}, (1.0, 1.0), 1),
    "a purchase is effective when it is used": ({"EffectiveCost": "0", "ChargeCategory": "Purchase"}, (1.0, 0.0), 0),
    "what is covered is not billed": ({"BilledCost": "0"}, (0.0, 1.0), 0),
    "what costs nothing costs nothing": ({"BilledCost": "0", "EffectiveCost": "0"}, (0.0, 0.0), 0),
    "a credit is less than nothing": ({"BilledCost": "-3", "EffectiveCost": "-3"}, (-3.0, -3.0), 0),
}


@pytest.mark.parametrize(("charge", "amounts", "notes"), MENDED.values(), ids=MENDED)
def test_costs_that_contradict_each_other_are_mended_and_told(bill, charge, amounts, notes):
    found = bill(charge)
    assert ((found.billed, found.effective), len(found.notes)) == (amounts, notes)


def test_charges_that_are_partly_in_the_window_count_in_part(bill):
    month = {"ChargePeriodEnd": "2024-10-01T00:00:00Z", "BilledCost": "30", "EffectiveCost": "30"}
    found = bill(month, {}, window=(SEPTEMBER + DAY / 2, SEPTEMBER + 3 * DAY))
    assert found.billed == pytest.approx(30 * 2.5 / 30 + 0.5)
    assert not found.notes


@pytest.mark.parametrize(
    ("days", "note"), [((1, 3), "cover the whole window"), ((30, 40), "none of it is in the window")]
)
def test_a_bill_of_another_time_is_told(bill, days, note):
    window = (SEPTEMBER + (days[0] - 0.5) * DAY, SEPTEMBER + days[1] * DAY)
    assert note in bill({}, window=window).notes[0]


def test_machines_are_told_from_what_is_charged_beside_them(bill):
    found = bill(
        {"PricingUnit": "1 Hour"}, {"PricingUnit": "GB"}, {"PricingUnit": "Hrs", "CommitmentDiscountId": "sp-1"}
    )
    assert {(one.is_machine, one.is_committed) for one in found.resources} == {
        (True, False),
        (False, False),
        (True, True),
    }


def test_another_currency_is_converted_by_its_rate(bill):
    assert bill({"BillingCurrency": "EUR"}, {}).billed == 2.25


DAMAGED = {
    "a currency without a rate": (
        table({"BillingCurrency": "CHF"}), "BillingCurrency: found charges in CHF, expected USD, or a rate",
    ),
    "no currency": (table({}, {"BillingCurrency": ""}), "charge 2: BillingCurrency: found nothing, expected a cur"),
    "no number": (table({}, {"BilledCost": "1,5"}), "charge 2: BilledCost: found '1,5', expected a number"),
    "not a number": (table({"EffectiveCost": "NaN"}), "charge 1: EffectiveCost: found 'NaN', expected a number"),
    "no cost": (table({"BilledCost": "NULL"}), "charge 1: BilledCost: found nothing, expected a number"),
    "no time": (table({"ChargePeriodEnd": "soon"}), "charge 1: ChargePeriodEnd: found 'soon', expected a time"),
    "no charges": (HEADER + "\n", "found no charges, expected a FOCUS bill in CSV or Parquet"),
    "another table": ("a,b\n1,2\n", "found the columns a, b, expected the columns of a FOCUS bill, BilledCost"),
    "a row cut off": (table({}, {})[:-30].rsplit(",", 3)[0], "line 3: found"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), DAMAGED.values(), ids=DAMAGED)
def test_what_cannot_be_read_is_one_clear_line(tmp_path, text, message):
    path = tmp_path / "bill.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as told:
        read_bill([path], rate)
    assert str(told.value).startswith(f"{path}: ")
    assert message in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("suffix", [".parquet", ".csv.gz"])
def test_a_truncated_file_is_one_clear_line(tmp_path, suffix):
    whole, path = tmp_path / "bill.csv", tmp_path / f"cut{suffix}"
    whole.write_text(table(*[{"ResourceId": f"i-{number}"} for number in range(500)]), encoding="utf-8")
    if suffix == ".parquet":
        duckdb.read_csv(str(whole)).write_parquet(str(path))
    else:
        path.write_bytes(gzip.compress(whole.read_bytes()))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"cut.*: found .*, expected a FOCUS bill in CSV or Parquet") as told:
        read_bill([path], rate)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NotFoundError):
        read_bill([tmp_path / "none.csv"], rate)


def test_several_files_are_one_bill(tmp_path):
    paths = [tmp_path / "one.csv", tmp_path / "two.csv"]
    for path, day in zip(paths, ("02", "03"), strict=True):
        path.write_text(table({"ChargePeriodEnd": f"2024-09-{day}T00:00:00Z"}), encoding="utf-8")
    assert read_bill(paths, rate).billed == 2.0
    assert read_period(paths) == (SEPTEMBER, SEPTEMBER + 2 * DAY)


def test_names_of_columns_and_values_never_reach_a_statement(bill):
    header = HEADER + ",a'; DROP TABLE charges; --"
    hostile = {"a'; DROP TABLE charges; --": "x", "ServiceName": "'; DROP TABLE charges; --", "Tags": "[1]"}
    assert bill(hostile, header=header).services[0].service == "'; DROP TABLE charges; --"


def test_identities_are_read_from_nodes(tmp_path):
    (tmp_path / "nodes.yaml").write_text(
        "apiVersion: v1\nkind: Node\nmetadata: {name: a, labels: {kubernetes.io/hostname: host-a}}\n"
        "spec: {providerID: aws:///eu-west-1a/i-1}\n---\napiVersion: v1\nkind: Node\nmetadata: {name: b}\n",
        encoding="utf-8",
    )
    first, second = read_identities([tmp_path / "nodes.yaml"])
    assert (first.name, first.provider_id, first.hostname) == ("a", "aws:///eu-west-1a/i-1", "host-a")
    assert (second.name, second.provider_id, second.hostname) == ("b", "", "")


def test_a_charge_that_ends_before_it_starts_is_named(bill):
    ends = {"ChargePeriodStart": "2024-09-03", "ChargePeriodEnd": "2024-09-02"}
    with pytest.raises(InputError) as caught:
        bill({}, ends)
    assert str(caught.value).endswith(
        "bill.csv: charge 2: ChargePeriodEnd: found '2024-09-02', "
        "expected a time such as 2026-01-31T00:00:00Z, not before ChargePeriodStart"
    )


def test_charges_that_are_there_twice_are_told_with_their_sum(bill):
    found = bill({}, {}, {"ResourceId": "i-2", "BilledCost": "5"}, {"ServiceName": "S3"}, {"ServiceName": "S3"})
    (note,) = found.notes
    assert note == (
        "2 charges repeat others in every column: 2.00 USD that may be billed once, and are counted as they are written"
    )
    assert found.billed == 9.0


def test_charges_that_are_there_twice_in_two_files_are_told(tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(table({}, {"ResourceId": name}), encoding="utf-8")
    (note,) = read_bill([tmp_path / "a.csv", tmp_path / "b.csv"], rate).notes
    assert note.startswith("1 charge repeats another in every column: 1.00 USD ")


def test_charges_in_euros_that_are_there_twice_are_told_in_dollars(bill):
    (note,) = bill({"BillingCurrency": "EUR"}, {"BillingCurrency": "EUR"}).notes
    assert "1.25 USD" in note


def test_charges_outside_of_the_window_are_not_told_as_twice(bill):
    late = {"ChargePeriodStart": "2024-09-05", "ChargePeriodEnd": "2024-09-06"}
    assert bill({}, late, late, window=(SEPTEMBER, SEPTEMBER + DAY)).notes == ()
