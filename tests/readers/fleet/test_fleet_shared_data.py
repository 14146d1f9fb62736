"""The data of the workplace: real price books, egress prices, carbon intensities and spot traces in one fleet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_fleets import POOL, annotated, cluster, ours, region, settings

from yuheng.model.fleet import Fleet
from yuheng.readers.fleet import read_fleet

pytestmark = pytest.mark.shared_data
BOOKS = {
    "aws_compute_2024-08-09.csv": 25460,
    "aws_ec2_instance_specs_2026-01-22.csv": 0,
    "aws_ondemand_us-east-1_2026-07-20.csv": 1367,
    "azure_vms.csv": 110496,
    "gcp_compute_2024-08-09.csv": 10846,
    "gcp_vms.csv": 57754,
    "lambda_vms.csv": 425,
}


def read(*objects: dict[str, Any], **spec: Any) -> Fleet:
    return read_fleet([cluster(), *objects, settings(**spec)])


@pytest.mark.parametrize(("name", "count"), BOOKS.items(), ids=BOOKS)
def test_every_price_book(shared: Path, name: str, count: int) -> None:
    found = read(priceBooks=[str(shared / "data/prices" / name)]).prices
    assert len(found) == count
    assert all(row.per_hour > 0 for row in found)


def test_the_history_of_spot_prices(shared: Path) -> None:
    found = read(priceBooks=[str(shared / "data/spot/daily_spot_prices_2024.csv")]).prices
    first = found.find("m5.xlarge", "spot", provider="aws", region="af-south-1", time=1704844800.0)
    assert first is not None
    assert first.per_hour == 0.073
    assert len(found.history(first)) > 100


def test_machines_have_what_the_books_say(shared: Path) -> None:
    files = [str(shared / "data/prices" / name) for name in BOOKS]
    found = read(priceBooks=files).prices
    shape = found.shape("Standard_NC12s_v3")
    assert shape is not None
    assert (shape.cpu_milli, shape.gpus, shape.gpu_model) == (12000, 2, "V100")
    spot = found.find("Standard_NC12s_v3", "spot", provider="azure", region="australiaeast", time=0.0)
    assert spot is not None
    assert spot.per_hour == 1.564886


PAIRS = [
    ("aws", "us-east-1", "us-east-2", 0.01),
    ("gcp", "us-east1", "europe-west1", 0.05),
    ("azure", "westeurope", "northeurope", 0.02),
]


@pytest.mark.parametrize(("provider", "start", "end", "price"), PAIRS)
def test_the_egress_matrices(shared: Path, provider: str, start: str, end: str, price: float) -> None:
    made = [ours("Cluster", n, {"provider": provider, "region": n, "nodePools": [POOL]}) for n in (start, end)]
    file = shared / f"data/egress/{provider}_region_to_region_usd_per_gb.csv"
    found = read(*made, egress=[str(file)]).regions[f"{provider}/{start}"]
    assert found.links[f"{provider}/{end}"].egress[0].per_gb == price


def test_egress_by_region_and_to_the_internet(shared: Path) -> None:
    files = [str(path) for path in sorted((shared / "data/egress").glob("in*.csv"))]
    assert len(files) == 2
    found = read(cluster("b", region="us-east-1"), egress=files).regions["aws/eu-west-1"]
    assert found.links["aws/us-east-1"].egress[0].per_gb == pytest.approx(0.02)
    assert [(tier.above, tier.per_gb) for tier in found.internet][:2] == [(0.0, 0.09), (10240.0, 0.085)]


SERIES = [
    ({"file": "ger_ci.csv"}, 37147, 900.0),
    ({"file": "gb_ci.csv"}, 21980, 1800.0),
    ({"file": "electricitymaps_hourly_2023_direct_gco2_kwh.csv", "column": "DE-LU"}, 8760, 3600.0),
]


@pytest.mark.parametrize(("carbon", "count", "step"), SERIES)
def test_the_carbon_intensities(shared: Path, carbon: dict[str, str], count: int, step: float) -> None:
    path = str(shared / "data/carbon" / carbon["file"])
    found = read(region(carbon={**carbon, "file": path})).regions["aws/eu-west-1"].carbon
    assert found is not None
    assert len(found.times) == count
    assert found.times[1] - found.times[0] == step


def test_the_spot_traces(shared: Path) -> None:
    files = sorted((shared / "data/spot").glob("*/*.json"))
    traces = [{"zone": path.stem, "trace": str(path)} for path in files]
    found = read(region(spot=traces), annotated(run_time="48h")).regions["aws/eu-west-1"].spot
    assert len(found) == len(files) == 9
    assert all(trace.gap > 0 and any(trace.available) for trace in found)
