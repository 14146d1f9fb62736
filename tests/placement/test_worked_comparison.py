"""A comparison worked out by hand: 8 GPUs for a day, 2 TB of images in Frankfurt, real prices of August 2024.

The rows of the price list are written out below; every sum is made of them in plain arithmetic.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from yuheng.model.fleet import Fleet
from yuheng.model.fleet_plan import FleetPlan, WorkloadPlan
from yuheng.placement.pareto import pareto
from yuheng.placement.planner import Question, plan
from yuheng.readers.fleet import read_fleet

pytestmark = pytest.mark.shared_data

PRICES = "data/prices/aws_compute_2024-08-09.csv"
EGRESS = "data/egress/aws_region_to_region_usd_per_gb.csv"
CARBON = "data/carbon/electricitymaps_hourly_2023_direct_gco2_kwh.csv"
NOW = datetime(2024, 8, 12, 8, tzinfo=UTC)
# Region, machine, US dollars per hour on-demand and on the spot market.
ROWS = (
    ("ap-northeast-1", "p3.16xlarge", 33.552, 5.6891),
    ("ap-northeast-1", "p4d.24xlarge", 44.92215, 7.6423),
    ("ap-northeast-2", "p3.16xlarge", 33.872, 6.9183),
    ("ap-northeast-2", "p4d.24xlarge", 45.38848, 8.6959),
    ("eu-central-1", "p3.16xlarge", 30.584, 4.5374),
    ("eu-central-1", "p4d.24xlarge", 45.039225, 14.9516),
    ("eu-west-2", "p3.16xlarge", 28.712, 9.9647),
    ("us-east-1", "p3.16xlarge", 24.48, 8.8247),
    ("us-east-1", "p4d.24xlarge", 32.7726, 13.0667),
)
GRIDS = {
    "ap-northeast-1": "JP-TK",
    "ap-northeast-2": "KR",
    "eu-central-1": "DE-LU",
    "eu-west-2": "GB",
    "us-east-1": "US-MIDA-PJM",
}
HOME = "eu-central-1"
PER_GB, GIGABYTES = 0.02, 2000
# 1 Gbit/s is 0.125 GB a second; the link to Tokyo has a fifth of it.
SECONDS = {"ap-northeast-1": 2000 / 0.025, "ap-northeast-2": 16000, "eu-west-2": 16000, "us-east-1": 16000, HOME: 0}
HOURS = {"p4d.24xlarge": 24, "p3.16xlarge": 60}
PROVISIONING = 300
PUE = 1.15
# 60 cores, 400 GiB and eight GPUs, each half way from idle to full: an A100 46 to 407 W, a V100 35 to 306 W.
WATTS = {
    "p4d.24xlarge": 60 * (0.74 + 3.5) / 2 + 429.4967296 * 0.392 + 8 * (46 + 407) / 2,
    "p3.16xlarge": 60 * (0.74 + 3.5) / 2 + 429.4967296 * 0.392 + 8 * (35 + 306) / 2,
}

FLEET = """
apiVersion: yuheng.io/v1alpha1
kind: Fleet
metadata: {{name: worked}}
spec:
  time: "2024-08-12T08:00:00Z"
  priceBooks: [{{file: {prices}, provider: aws}}]
  egress: [{{file: {egress}, provider: aws, extraRegions: true}}]
"""
PLACE = """
---
apiVersion: yuheng.io/v1alpha1
kind: Region
metadata: {{name: {region}}}
spec:
  provider: aws
  pue: {pue}
  bandwidth: {{default: 1Gbps, ap-northeast-1: 200Mbps}}
  latency: {{default: 0}}
  carbon: {{file: {carbon}, column: {grid}}}
---
apiVersion: yuheng.io/v1alpha1
kind: Cluster
metadata: {{name: train-{region}}}
spec:
  provider: aws
  region: {region}
  zones: [{region}a]
  nodePools:
"""
POOL = (
    "    - {{name: {name}, instanceType: {machine}, markets: [on-demand, spot], maximum: 2,"
    " provisioningDelay: 5m, gpuModel: {gpu}}}\n"
)
JOB = """
apiVersion: batch/v1
kind: Job
metadata:
  name: train
  namespace: ml
  annotations:
    yuheng.io/run-time.p4d.24xlarge: 24h
    yuheng.io/run-time.p3.16xlarge: 60h
    yuheng.io/reads: images=2TB@eu-central-1
    yuheng.io/interruptible: "{interruptible}"
    {more}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: train
        image: train
        resources: {{requests: {{cpu: "60", memory: 400Gi}}, limits: {{nvidia.com/gpu: 8}}}}
"""


class Way(NamedTuple):
    """One way to run the job, and what it comes to: US dollars, seconds until it is done, grams."""

    region: str
    machine: str
    market: str
    per_hour: float
    egress: float
    compute: float
    seconds: float
    grams: float

    @property
    def cost(self) -> float:
        return self.compute + self.egress


@pytest.fixture(scope="module")
def grams_per_kwh(shared: Path) -> dict[str, list[float]]:
    """By region, an hour after the other from the first of January 2023 on."""
    with (shared / CARBON).open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["datetime_utc"] == "2023-01-01 00:00:00"
    return {region: [float(row[grid]) for row in rows] for region, grid in GRIDS.items()}


@pytest.fixture(scope="module")
def ways(grams_per_kwh: dict[str, list[float]]) -> list[Way]:
    """All of them, by hand."""
    found = []
    for region, machine, on_demand, spot in ROWS:
        for market, per_hour in (("on-demand", on_demand), ("spot", spot)):
            ready = SECONDS[region] + PROVISIONING
            run = 3600 * HOURS[machine]
            egress = 0 if region == HOME else GIGABYTES * PER_GB
            watts = PUE * WATTS[machine]
            grams = _grams(grams_per_kwh[region], watts, NOW + timedelta(seconds=ready), run)
            found.append(Way(region, machine, market, per_hour, egress, per_hour * HOURS[machine], ready + run, grams))
    return found


def _grams(hourly: list[float], watts: float, start: datetime, seconds: int) -> float:
    """Twenty seconds after another; 2023 stands for 2024, 52 weeks later: the same hour of the same weekday."""
    total, first = 0.0, datetime(2023, 1, 1, tzinfo=UTC)
    step = 20
    for second in range(0, seconds, step):
        moment = start + timedelta(seconds=second) - timedelta(weeks=52)
        total += watts / 1000 * hourly[int((moment - first).total_seconds() // 3600)] * step / 3600
    return total


@pytest.fixture(scope="module")
def folder(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The fleet as people write it; the job is written by each test."""
    folder = tmp_path_factory.mktemp("worked")
    text = FLEET.format(prices=shared / PRICES, egress=shared / EGRESS)
    for region, grid in GRIDS.items():
        text += PLACE.format(region=region, pue=PUE, carbon=shared / CARBON, grid=grid)
        for place, machine, _, _ in ROWS:
            if place == region:
                gpu = "A100" if machine.startswith("p4d") else "V100"
                text += POOL.format(name=machine.partition(".")[0], machine=machine, gpu=gpu)
    (folder / "fleet.yaml").write_text(text)
    return folder


def _read(folder: Path, *, interruptible: bool = True, more: str = "") -> Fleet:
    job = folder / "job.yaml"
    job.write_text(JOB.format(interruptible=str(interruptible).lower(), more=more))
    return read_fleet(folder)


def _planned(folder: Path, objective: str, **job: object) -> tuple[FleetPlan, WorkloadPlan]:
    found = plan(_read(folder, **job), Question(objective=objective))  # type: ignore[arg-type]
    return found, found.workloads[0]


def test_the_numbers_are_those_of_the_price_list(shared: Path) -> None:
    with (shared / PRICES).open() as file:
        listed = {(row["region"], row["instance_type"]): row for row in csv.DictReader(file)}
    for region, machine, on_demand, spot in ROWS:
        row = listed[region, machine]
        assert (float(row["on_demand_usd_h"]), float(row["spot_usd_h"]), row["gpu"]) == (on_demand, spot, "8")
    with (shared / EGRESS).open() as file:
        matrix = {row[""]: row for row in csv.DictReader(file)}
    assert {region: float(matrix[HOME][region]) for region in GRIDS} == {
        region: 0 if region == HOME else PER_GB for region in GRIDS
    }


@pytest.mark.parametrize(
    ("objective", "region", "machine", "market"),
    [
        # 24 x 7.6423 + 2,000 x 0.02 = 223.42: the dollars of Tokyo's spot machines outweigh those of the move ...
        ("cost", "ap-northeast-1", "p4d.24xlarge", "spot"),
        # ... but the way there takes 22 hours: where the data is, the job is done after 24 h 5 min.
        ("time", "eu-central-1", "p4d.24xlarge", "spot"),
        # Sixty hours on old machines in Britain draw more than a day on new ones in Germany, and emit more.
        ("carbon", "eu-central-1", "p4d.24xlarge", "spot"),
        ("balanced", "eu-central-1", "p4d.24xlarge", "spot"),
        ("0.7*cost+0.3*time", "ap-northeast-2", "p4d.24xlarge", "spot"),
    ],
)
def test_where_each_objective_sends_the_job(
    folder: Path, ways: list[Way], objective: str, region: str, machine: str, market: str
) -> None:
    found, job = _planned(folder, objective)
    way = next(way for way in ways if way[:3] == (region, machine, market))
    assert dict(job.replicas) == {f"train-{region}": 1}
    assert job.market == market
    assert job.per_hour == pytest.approx(way.per_hour)
    assert (job.compute, job.egress, job.storage) == pytest.approx((way.compute, way.egress, 0))
    assert job.total == pytest.approx(way.cost)
    assert job.finish == pytest.approx(NOW.timestamp() + way.seconds)
    assert job.carbon_grams == pytest.approx(way.grams)
    assert [(node.nodes, node.per_hour) for node in found.new_nodes] == [(1, pytest.approx(way.per_hour))]
    assert found.summary.value == pytest.approx(_value(ways, way, objective))
    assert found.summary.value == pytest.approx(min(_value(ways, other, objective) for other in ways))


def _value(ways: list[Way], way: Way, objective: str) -> float:
    """Of an objective: each term over the least there is of it."""
    terms = {"cost": way.cost, "time": way.seconds, "carbon": way.grams}
    if objective in terms:
        return terms[objective]
    least = {
        "cost": min(way.cost for way in ways),
        "time": min(way.seconds for way in ways),
        "carbon": min(way.grams for way in ways),
    }
    weights = {"balanced": (1 / 3, 1 / 3, 1 / 3), "0.7*cost+0.3*time": (0.7, 0.3, 0)}[objective]
    return sum(weight * terms[name] / least[name] for weight, name in zip(weights, terms, strict=True))


def test_the_bill_to_the_cent(folder: Path) -> None:
    _, cheapest = _planned(folder, "cost")
    _, fastest = _planned(folder, "time")
    assert round(cheapest.compute, 4) == 183.4152
    assert round(cheapest.total or 0, 4) == 223.4152
    assert round(fastest.total or 0, 4) == 358.8384
    assert (fastest.finish or 0) - NOW.timestamp() == 24 * 3600 + 300
    assert (cheapest.finish or 0) - NOW.timestamp() == 24 * 3600 + 300 + 80_000
    (move,) = cheapest.transfers
    assert (move.data, move.gigabytes, move.cost, move.seconds) == ("images", 2000, 40, 80_000)
    assert (move.source, move.destination) == ("aws/eu-central-1", "aws/ap-northeast-1")
    assert fastest.transfers == ()


def test_the_runner_up_of_the_cheapest_is_seoul(folder: Path) -> None:
    """8.6959 - 7.6423 dollars an hour more for 24 hours; the same egress, and 17 h 46 min less on the way."""
    _, job = _planned(folder, "cost")
    other = job.runner_up
    assert other is not None
    assert (other.cluster, other.region, other.market) == ("train-ap-northeast-2", "ap-northeast-2", "spot")
    assert other.per_hour == pytest.approx(1.0536)
    assert other.total == pytest.approx(25.2864)
    assert other.seconds == -64_000
    assert other.text.startswith("would cost +$1.05/h, +$25.29 in all, in ap-northeast-2")


def test_a_deadline_rules_out_the_slow_link(folder: Path, ways: list[Way]) -> None:
    """Within 36 hours: Tokyo would take 46, sixty hours of work do not fit either; Seoul is done after 28.5."""
    _, job = _planned(folder, "cost", more="yuheng.io/deadline: 36h")
    assert dict(job.replicas) == {"train-ap-northeast-2": 1}
    assert job.total == pytest.approx(24 * 8.6959 + 40)
    assert job.total == pytest.approx(min(way.cost for way in ways if way.seconds <= 36 * 3600))
    refused = {item.cluster: item.reason for item in job.refused}
    assert "after its deadline" in refused["train-ap-northeast-1"]
    assert "after its deadline" in refused["train-eu-west-2"]


def test_a_job_that_must_not_be_interrupted_pays_for_it(folder: Path, ways: list[Way]) -> None:
    """24 x 32.7726 + 40 = 826.54 in Virginia, on-demand."""
    _, job = _planned(folder, "cost", interruptible=False)
    assert (dict(job.replicas), job.market) == ({"train-us-east-1": 1}, "on-demand")
    assert round(job.total or 0, 4) == 826.5424
    assert job.total == pytest.approx(min(way.cost for way in ways if way.market == "on-demand"))


def test_data_that_may_not_leave_keeps_the_job_at_home(folder: Path, ways: list[Way]) -> None:
    """60 hours of four-and-a-half dollars are less than 24 of fifteen."""
    _, job = _planned(folder, "cost", more="yuheng.io/regions: eu-central-1")
    assert dict(job.replicas) == {"train-eu-central-1": 1}
    assert job.total == pytest.approx(60 * 4.5374)
    assert job.total == pytest.approx(min(way.cost for way in ways if way.region == HOME))


def test_the_objectives_side_by_side(folder: Path, ways: list[Way]) -> None:
    found = pareto(_read(folder), Question(objective="cost"))
    rows = {row.objective: row for row in found.pareto}
    assert set(rows) == {"cost", "time", "carbon", "balanced"}
    for name, row in rows.items():
        best = min(ways, key=lambda way: (_value(ways, way, name), way.cost))
        assert row.clusters == {f"train-{best.region}": 1}
        assert (row.cost, row.hours * 3600, row.carbon_grams) == pytest.approx((best.cost, best.seconds, best.grams))
    assert not rows["cost"].dominated
    assert not rows["time"].dominated
