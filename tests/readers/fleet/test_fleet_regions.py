"""Regions, and what lies between them."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_fleets import annotated, cluster, fleet, ours, region, settings, written

from yuheng.model.fleet import Link
from yuheng.model.prices import Tier, tiered
from yuheng.model.series import Series
from yuheng.readers.fleet import read_fleet

EU, US, AP = "aws/eu-west-1", "aws/us-east-1", "aws/ap-south-1"
CLUSTERS = (cluster("a"), cluster("b", region="us-east-1"), cluster("c", region="ap-south-1"))
MATRIX = ",eu-west-1,us-east-1,ap-south-1\neu-west-1,0,0.02,0.08\nus-east-1,0.01,0,0.09\nap-south-1,0.1,,0\n"


def flat(price: float) -> tuple[Tier, ...]:
    return (Tier(0.0, price),)


def egress(found: dict[str, Link]) -> dict[str, float]:
    return {key: link.egress[0].per_gb for key, link in found.items() if link.egress}


def test_every_region_that_a_cluster_names_is_there() -> None:
    found = fleet(*CLUSTERS, region(pue=1.2))
    assert list(found.regions) == [AP, EU, US]
    assert (found.regions[EU].pue, found.regions[US].pue) == (1.2, 1.0)


def test_what_a_region_says_of_itself() -> None:
    made = region(concurrency=5, speed=1.5, storagePerGBMonth=0.02, currency="EUR", internetEgress=0.1, carbon=350)
    found = fleet(cluster(), made, settings(exchangeRates={"EUR": 1.5})).regions[EU]
    assert (found.concurrency, found.speed, found.key) == (5, 1.5, EU)
    assert found.storage == pytest.approx(0.03)
    assert found.internet == flat(pytest.approx(0.15))
    assert found.carbon is not None
    assert found.carbon.at(0.0) == 350.0


def test_pairs_have_a_default_and_exceptions() -> None:
    made = region(
        egress={"default": 0.09, "us-east-1": [{"aboveGB": 0, "perGB": 0.02}, {"aboveGB": 100, "perGB": 0.01}]},
        latency={"default": "80ms", "aws/us-east-1": "40ms"},
        bandwidth={"us-east-1": "1Gbps", "default": "125M"},
    )
    links = fleet(*CLUSTERS, made).regions[EU].links
    assert links == {
        US: Link(egress=(Tier(0.0, 0.02), Tier(100.0, 0.01)), latency=0.04, bandwidth=125e6),
        AP: Link(egress=flat(0.09), latency=0.08, bandwidth=125e6),
    }


def test_a_value_without_a_map_is_that_of_all_pairs() -> None:
    links = fleet(*CLUSTERS, region(egress=0.05, latency="10ms")).regions[EU].links
    assert {(link.egress, link.latency) for link in links.values()} == {(flat(0.05), 0.01)}
    assert set(links) == {US, AP}


def test_a_region_may_name_the_matrix_that_has_its_row(tmp_path: Path) -> None:
    made = region(egressMatrix="m.csv", egress={"us-east-1": 0.5})
    folder = written(tmp_path, f__json=[*CLUSTERS, made], m__csv=MATRIX)
    found = read_fleet(folder).regions
    assert egress(found[EU].links) == {US: 0.5, AP: 0.08}
    assert not found[US].links


def test_a_matrix_of_a_provider_speaks_of_all_its_regions(tmp_path: Path) -> None:
    others = ours("Cluster", "g", {"provider": "gcp", "region": "eu-west-1", "nodePools": []})
    others["spec"]["nodePools"] = CLUSTERS[0]["spec"]["nodePools"]
    folder = written(tmp_path, f__json=[*CLUSTERS, others], aws_matrix__csv=MATRIX)
    found = read_fleet(folder)
    assert egress(found.regions[EU].links) == {US: 0.02, AP: 0.08}
    assert egress(found.regions[AP].links) == {EU: 0.1}
    assert not found.regions["gcp/eu-west-1"].links
    told = f"{folder}/aws_matrix.csv does not say whose prices it holds: they are taken to be of aws, as its name says"
    assert told in found.warnings


def test_regions_are_spelt_as_the_provider_does(tmp_path: Path) -> None:
    matrix = ",West Europe,East US\nWest Europe,0,0.05\nEast US,0.02,0\n"
    made = [cluster("a", provider="azure", region="westeurope"), cluster("b", provider="azure", region="eastus")]
    folder = written(tmp_path, f__json=made, azure__csv=matrix)
    assert egress(read_fleet(folder).regions["azure/westeurope"].links) == {"azure/eastus": 0.05}


def test_a_published_matrix_names_more_regions_than_the_fleet_has(tmp_path: Path) -> None:
    names = [f"x-{number}" for number in range(6)]
    rows = [["", "eu-west-1", *names], *([name, *["1"] * 7] for name in ("eu-west-1", *names))]
    folder = written(tmp_path, f__json=[cluster()], aws__csv="\n".join(map(",".join, rows)))
    assert not read_fleet(folder).regions[EU].links


def test_regions_that_the_price_book_knows_are_no_slip(tmp_path: Path) -> None:
    """Nor are parts of regions."""
    names = ["eu-west-1", "us-east-1", "us-west-2", "us-east-1-dwf-1"]
    rows = [["", *names], *([name, *["1"] * 4] for name in names)]
    book = "provider,region,instance_type,price_per_hour\naws,us-west-2,box,1\n"
    made = {"f__json": list(CLUSTERS), "aws__csv": "\n".join(map(",".join, rows)), "book__csv": book}
    found = read_fleet(written(tmp_path, **made))
    assert egress(found.regions[EU].links) == {US: 1.0}


def test_extra_regions_can_be_allowed(tmp_path: Path) -> None:
    matrix = ",eu-west-1,us-east-1,new-1\neu-west-1,0,0.02,1\nus-east-1,0.01,0,1\n"
    made = settings(egress=[{"file": "m.csv", "provider": "aws", "extraRegions": True}])
    folder = written(tmp_path, f__json=[*CLUSTERS, made], m__csv=matrix)
    assert egress(read_fleet(folder).regions[EU].links) == {US: 0.02}


def test_prices_by_region_are_those_of_leaving_and_entering(tmp_path: Path) -> None:
    table = "cloud,region,ingress_usd_per_gb,egress_usd_per_gb\naws,eu-west-1,0.01,0.02\naws,us-east-1,0.03,0.04\n"
    folder = written(tmp_path, f__json=list(CLUSTERS), t__csv=table)
    found = read_fleet(folder).regions
    assert egress(found[EU].links) == {US: pytest.approx(0.05), AP: pytest.approx(0.02)}
    assert egress(found[US].links) == {EU: pytest.approx(0.05), AP: pytest.approx(0.04)}
    assert not found[AP].links


def test_a_pair_counts_before_what_is_put_together(tmp_path: Path) -> None:
    table = "cloud,region,ingress_usd_per_gb,egress_usd_per_gb\naws,eu-west-1,0.01,0.02\n"
    folder = written(tmp_path, f__json=list(CLUSTERS), aws_matrix__csv=MATRIX, zz__csv=table)
    assert egress(read_fleet(folder).regions[EU].links) == {US: 0.02, AP: 0.08}


def test_what_is_below_the_first_tier_of_a_table_is_free(tmp_path: Path) -> None:
    table = "cloud,region,from_gb_per_month,usd_per_gb\naws,eu-west-1,5,0.08\n"
    folder = written(tmp_path, f__json=cluster(), t__csv=table)
    internet = read_fleet(folder).regions[EU].internet
    assert internet == (Tier(0.0, 0.0), Tier(5.0, 0.08))
    assert tiered(internet, 10.0) == pytest.approx(0.40)


def test_prices_to_the_internet_have_tiers(tmp_path: Path) -> None:
    table = "cloud,region,from_gb_per_month,usd_per_gb\naws,eu-west-1,100,0.05\naws,eu-west-1,0,0.09\n"
    folder = written(tmp_path, f__json=[cluster()], t__csv=table)
    assert read_fleet(folder).regions[EU].internet == (Tier(0.0, 0.09), Tier(100.0, 0.05))


def test_a_region_may_be_home_to_data_alone() -> None:
    found = fleet(cluster(), annotated(reads="images=2TB@us-east-1"), region(latency="9ms"))
    assert list(found.regions) == [EU, US]
    assert found.regions[EU].links[US].latency == 0.009


def test_what_lies_between_regions_is_missed_only_where_data_move() -> None:
    assert not any("latency" in one for one in fleet(*CLUSTERS).warnings)
    said = fleet(*CLUSTERS, annotated(reads="images=2TB@us-east-1")).warnings
    assert [one for one in said if "latency" in one] == [
        f"no latency is known from 3 regions ({AP}, {EU}, {US}) to some others: 0 s is assumed"
    ]


POINTS = [{"at": "2026-01-01T00:00:00Z", "intensity": 100}, {"at": "2026-01-01T06:00:00Z", "intensity": 300}]


def test_carbon_may_be_points_in_time() -> None:
    found = fleet(cluster(), region(carbon=POINTS)).regions[EU].carbon
    assert isinstance(found, Series)
    assert found.at(1767225600.0 + 7 * 3600) == 300.0


def test_the_zone_of_a_series_is_minded_where_the_hour_comes_twice(tmp_path: Path) -> None:
    hours = ["01:00", "02:00", "02:30", "02:00", "02:30", "03:00"]
    rows = "".join(f"2026-10-25 {hour}:00,{number},9\n" for number, hour in enumerate(hours))
    carbon = {"file": "c.csv", "column": "DE", "timezone": "Europe/Berlin"}
    folder = written(tmp_path, f__json=[cluster(), region(carbon=carbon)], c__csv=f"t,DE,GB\n{rows}")
    found = read_fleet(folder).regions[EU].carbon
    assert found is not None
    assert found.values.tolist() == [0, 1, 2, 3, 4, 5]
    assert ((found.times - found.times[0]) / 3600).tolist() == [0, 1, 1.5, 2, 2.5, 3]


def test_an_hour_without_a_value_keeps_the_one_before(tmp_path: Path) -> None:
    rows = "t,v\n2026-01-01T00:00:00,1\n2026-01-01T01:00:00,\n2026-01-01T02:00:00,3\n"
    folder = written(tmp_path, f__json=[cluster(), region(carbon={"file": "c.csv"})], c__csv=rows)
    found = read_fleet(folder).regions[EU].carbon
    assert found is not None
    assert found.at(1767225600.0 + 3600) == 1.0
