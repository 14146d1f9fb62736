"""Price books that are named on the command line: five formats, currencies, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from yuheng.errors import InputError, NotFoundError
from yuheng.model.prices import DEFAULT_RATES, Rates
from yuheng.readers.prices import read_price_book, read_written_prices

OURS = "provider,region,instance_type,currency,price_per_hour\n"


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize(
    ("text", "per_hour"),
    [
        ("InstanceType,vCPUs,MemoryGiB,Price,SpotPrice,Region,AvailabilityZone\nm,2,8,0.5,0.2,r,z\n", [0.2, 0.5]),
        ("cloud,region,instance_type,vcpu,memory_mib,gpu,on_demand_usd_h,spot_usd_h\naws,r,m,2,8192,0,0.5,\n", [0.5]),
        ("cloud,region,instance_type,on_demand_usd_h_last,2026-01-01\naws,r,m,0.5,0.1\n", [0.1, 0.5]),
        ("instance_type,vcpu,memory_mib,gpu\nm,2,8192,0\n", []),
        (OURS + "aws,r,m,USD,0.5\n", [0.5]),
    ],
)
def test_a_table_is_known_by_its_header(tmp_path, text, per_hour):
    book, _ = read_price_book([write(tmp_path, "aws.csv", text)])
    assert sorted(price.per_hour for price in book) == per_hour


def test_several_tables_are_one_book(tmp_path):
    paths = [write(tmp_path, f"{name}.csv", OURS + f"aws,r,{name},USD,1\n") for name in ("a", "b")]
    assert sorted(price.instance_type for price in read_price_book(paths)[0]) == ["a", "b"]
    assert len(read_price_book([tmp_path])[0]) == 2


def test_no_file_is_an_empty_book():
    assert (len(read_price_book([])[0]), read_price_book([])[1]) == (0, ())


def test_currencies_are_converted_by_the_rates_of_a_fleet(tmp_path):
    fleet = "apiVersion: yuheng.io/v1alpha1\nkind: Fleet\nmetadata: {name: f}\nspec:\n  exchangeRates: {EUR: 1.1}\n"
    paths = [write(tmp_path, "fleet.yaml", fleet), write(tmp_path, "p.csv", OURS + "aws,r,m,EUR,2\n")]
    found = read_written_prices(paths)
    assert [price.per_hour for price in found.book] == [2.2]
    assert found.exchange.rate("EUR") == 1.1
    assert found.rates == DEFAULT_RATES


def test_a_fleet_says_rates_and_names_tables_beside_it(tmp_path):
    write(tmp_path, "p.csv", "kind,eur\nm,3\n")
    fleet = """
apiVersion: yuheng.io/v1alpha1
kind: Fleet
metadata: {name: f}
spec:
  exchangeRates: {EUR: 2}
  rates: {cpu: 0.1, memory: 0.2, gpu: 0.3}
  priceBooks:
  - {file: p.csv, currency: EUR, columns: {instanceType: kind, pricePerHour: eur}}
"""
    found = read_written_prices([write(tmp_path, "fleet.yaml", fleet)])
    assert [(price.instance_type, price.per_hour) for price in found.book] == [("m", 6.0)]
    assert found.rates == Rates(0.1, 0.2, 0.3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (OURS + "aws,r,m,EUR,2\n", ("line 2", "currency", "prices in EUR", "exchangeRates")),
        (OURS + "aws,r,m,USD,2\naws,r,n,,2\n", ("line 3", "currency", "found nothing", "three letters")),
        (OURS + "aws,r,m,USD,-2\n", ("line 2", "price_per_hour", "'-2'", "0 or more")),
        (OURS + "aws,r,m,USD,much\n", ("line 2", "price_per_hour", "'much'")),
        (OURS + "aws,r,m,USD,\n", ("line 2", "price_per_hour", "found nothing")),
        ("who,what\na,b\n", ("the columns who, what", "a price book in CSV")),
        (OURS + "aws,r,m,USD,nan\n", ("line 2", "'nan'")),
        (OURS, ("p.csv", "found a header and no row", "expected a price at least")),
    ],
)
def test_a_table_that_cannot_be_used_says_where(tmp_path, text, words):
    path = write(tmp_path, "p.csv", text)
    with pytest.raises(InputError) as error:
        read_price_book([path])
    assert all(word in str(error.value) for word in (str(path), *words))


def test_a_table_of_ours_without_a_currency_says_what_is_assumed(tmp_path):
    for text in ("instance_type,provider,price_per_hour\nm,aws,1\n", OURS + "aws,r,m,,2\n"):
        path = write(tmp_path, "p.csv", text)
        assert read_price_book([path])[1] == (f"{path} does not say its currency: its prices are taken to be in USD",)


def test_other_objects_than_a_fleet_are_no_prices(tmp_path):
    path = write(tmp_path, "p.yaml", "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n")
    with pytest.raises(InputError, match="Node n1, expected a price book in CSV, or an object of kind Fleet"):
        read_price_book([path])
    with pytest.raises(NotFoundError):
        read_price_book([tmp_path / "gone.csv"])


@pytest.mark.shared_data
def test_the_catalogs_of_the_workplace(shared):
    folder = shared / "data/prices"
    book, _ = read_price_book([folder / "azure_vms.csv"])
    assert book.find("Standard_D4s_v3", "on-demand", provider="azure", region="westeurope", time=0.0) is not None
    names = ("aws_compute_2024-08-09.csv", "aws_ondemand_us-east-1_2026-07-20.csv")
    book, _ = read_price_book([folder / name for name in names])
    found = book.find("m5.large", "on-demand", region="us-east-1", time=0.0)
    assert found is not None
    assert found.per_hour == 0.096
