"""Price books, in the formats that people have them in."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_fleets import cluster, settings, written

from yuheng.model.prices import Price, PriceBook
from yuheng.readers.fleet import read_fleet

GIB = 2**30
CATALOG = (
    "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,AvailabilityZone\n"
    "p3.2xlarge,V100,1,8,61,V100,3.06,0.9,us-east-1,us-east-1a,extra\n"
    "m5.large,,,2,8,,0.096,,us-east-1,us-east-1a\n"
    ",V100,1,,,,2.48,0.7,us-east-1,\n"
    "new.type,,,2,8,,0.0,,us-east-1,us-east-1a\n"
)


def book(folder: Path, name: str, text: str, **spec) -> tuple[PriceBook, tuple[str, ...]]:
    """The price book of a table in a folder, and what was said of it."""
    (folder / name).write_text(text)
    found = read_fleet(written(folder, f__json=[cluster(), settings(**spec)]))
    return found.prices, tuple(one.removeprefix(f"{folder}/") for one in found.warnings if name in one)


def test_the_catalog_of_skypilot(tmp_path: Path) -> None:
    found, warnings = book(tmp_path, "aws_vms.csv", CATALOG)
    machine = {"provider": "aws", "region": "us-east-1", "zone": "us-east-1a"}
    gpu = {"cpu_milli": 8000, "memory": 61 * GIB, "gpus": 1, "gpu_model": "V100"}
    assert sorted(found, key=lambda row: row.per_hour) == [
        Price(**machine, instance_type="m5.large", per_hour=0.096, cpu_milli=2000, memory=8 * GIB),
        Price(**machine, instance_type="p3.2xlarge", market="spot", per_hour=0.9, **gpu),
        Price(**machine, instance_type="p3.2xlarge", per_hour=3.06, **gpu),
    ]
    assert warnings == (
        "aws_vms.csv does not say whose prices it holds: they are taken to be of aws, as its name says",
        "aws_vms.csv: 1 prices of accelerators that are sold beside machines are not used",
        "aws_vms.csv: 1 prices of 0 are not used: what they stand for is not known",
    )


GCP = """InstanceType,vCPUs,MemoryGiB,AcceleratorName,AcceleratorCount,Region,AvailabilityZone,Price,SpotPrice
a2-highgpu-2g,24,170,,,europe-west4,europe-west4-a,1.6,0.7
g2-standard-4,4,16,,,europe-west4,europe-west4-a,0.2,0.1
n1-standard-4,4,15,,,europe-west4,europe-west4-a,0.19,0.04
,,,A100,2,europe-west4,europe-west4-a,3.2,2.4
,,,L4,1,europe-west4,europe-west4-a,0.5,
,,,T4,1,europe-west4,europe-west4-a,0.3,0.1
"""


def test_the_gpus_of_a_gcp_machine_are_in_its_price(tmp_path: Path) -> None:
    found, warnings = book(tmp_path, "gcp_vms.csv", GCP)
    told = {(row.instance_type, row.market): (row.per_hour, row.gpus, row.gpu_model) for row in found}
    assert told == {
        ("a2-highgpu-2g", "on-demand"): (pytest.approx(4.8), 2, "A100"),
        ("a2-highgpu-2g", "spot"): (pytest.approx(3.1), 2, "A100"),
        ("g2-standard-4", "on-demand"): (pytest.approx(0.7), 1, "L4"),
        ("n1-standard-4", "on-demand"): (0.19, 0, ""),
        ("n1-standard-4", "spot"): (0.04, 0, ""),
    }
    assert "gcp_vms.csv: 1 prices of accelerators that are sold beside machines are not used" in warnings


def test_the_table_of_coroot(tmp_path: Path) -> None:
    text = "region,instance_type,vcpu,memory_mib,gpu,on_demand_usd_h,spot_usd_h\neu-west-1,m5.large,2,8192,0,0.1,0.04\n"
    found, _ = book(tmp_path, "gcp.csv", text)
    assert {row.market: row.per_hour for row in found} == {"on-demand": 0.1, "spot": 0.04}
    shape = found.shape("m5.large")
    assert shape is not None
    assert (shape.provider, shape.cpu_milli, shape.memory) == ("gcp", 2000, 8 * GIB)


def test_a_history_of_spot_prices_holds_day_by_day(tmp_path: Path) -> None:
    text = "cloud,region,instance_type,on_demand_usd_h_last,2026-01-01,2026-01-03\naws,r,m,1,0.2,0.3\n"
    found, warnings = book(tmp_path, "daily.csv", text)
    day = 86400.0
    first = 1767225600.0
    prices = [found.find("m", "spot", region="r", time=first + late * day) for late in (-1, 0, 1, 2, 50)]
    assert [row.per_hour if row else None for row in prices] == [0.2, 0.2, 0.2, 0.3, 0.3]
    now = found.find("m", "on-demand", provider="aws", time=first, region="r")
    assert now is not None
    assert (now.per_hour, warnings) == (1.0, ())


def test_what_machines_have_without_their_prices(tmp_path: Path) -> None:
    found, _ = book(tmp_path, "aws_specs.csv", "instance_type,vcpu,memory_mib,gpu,arch\na1.large,2,4096,0,arm64\n")
    assert len(found) == 0
    shape = found.shape("a1.large")
    assert shape is not None
    assert (shape.cpu_milli, shape.memory) == (2000, 4 * GIB)


OWN = (
    "provider,region,zone,instance_type,market,currency,price_per_hour,valid_from,vcpu,memory_gib,gpu_model,gpu_count\n"
    "own,lab,,box,reserved,EUR,2,2026-01-01,16,64,T4,2\n"
    "own,lab,,box,,,0,,,,,\n"
)


def test_a_table_of_our_own(tmp_path: Path) -> None:
    found, warnings = book(tmp_path, "mine.csv", OWN, exchangeRates={"EUR": 1.5})
    first, second = sorted(found, key=lambda row: row.market)
    assert second == Price(
        provider="own",
        region="lab",
        instance_type="box",
        market="reserved",
        per_hour=3.0,
        since=1767225600.0,
        cpu_milli=16000,
        memory=64 * GIB,
        gpus=2,
        gpu_model="T4",
    )
    assert (first.market, first.per_hour, warnings) == ("on-demand", 0.0, ())


def test_columns_may_be_called_otherwise(tmp_path: Path) -> None:
    columns = {"instanceType": "Machine", "pricePerHour": "Eur", "region": "Where"}
    made = {"file": "x.csv", "provider": "own", "currency": "EUR", "columns": columns}
    found, warnings = book(
        tmp_path, "x.csv", "Where,Machine,Eur\nlab,box,2\n", priceBooks=[made], exchangeRates={"EUR": 1.5}
    )
    (only,) = found
    assert (only.provider, only.region, only.instance_type, only.per_hour) == ("own", "lab", "box", 3.0)
    assert warnings == ()


def test_the_fleet_may_count_in_another_currency(tmp_path: Path) -> None:
    text = "instance_type,price_per_hour,currency,provider\nbox,2,,own\ncar,2,USD,own\n"
    found, _ = book(tmp_path, "mine.csv", text, currency="CHF", exchangeRates={"CHF": 1.25})
    assert {row.instance_type: row.per_hour for row in found} == {"box": 2.5, "car": 2.0}


@pytest.mark.parametrize(("provider", "region"), [("azure", "westeurope"), ("own", "West-Europe")])
def test_regions_are_spelt_as_a_cluster_names_them(tmp_path: Path, provider: str, region: str) -> None:
    written_name = {"azure": "West Europe"}.get(provider, region)
    text = f"provider,region,instance_type,price_per_hour\n{provider},{written_name},box,2\n"
    (only,), _ = book(tmp_path, "mine.csv", text)
    assert only.region == region


def test_a_table_whose_provider_nobody_knows_counts_for_all(tmp_path: Path) -> None:
    found, warnings = book(tmp_path, "mine.csv", "instance_type,price_per_hour\nbox,2\n")
    assert found.find("box", "on-demand", provider="anybody", time=0.0) is not None
    assert warnings == ("mine.csv does not say whose prices it holds: they are counted for every provider",)


def test_of_two_tables_the_later_one_counts(tmp_path: Path) -> None:
    written(tmp_path, a__csv="instance_type,price_per_hour\nbox,1\n", b__csv="instance_type,price_per_hour\nbox,2\n")
    prices = read_fleet(written(tmp_path, f__json=cluster())).prices
    found = prices.find("box", "on-demand", time=0.0)
    assert found is not None
    assert found.per_hour == 2.0
