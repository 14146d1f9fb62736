"""What is wrong with a fleet is said in one line: file, object, field, what was found, what was expected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from made_fleets import POOL, annotated, cluster, deployment, node, ours, policy, region, settings, written

from yuheng.errors import InputError
from yuheng.readers.fleet import read_fleet

NAN, INFINITE = float("nan"), float("inf")

OTHER = cluster("b", region="us-east-1")


def pool(**changed: Any) -> dict[str, Any]:
    return {**POOL, **changed}


# The objects in f.json, and how the message goes on after the name of that file.
CASES: list[tuple[Any, str]] = [
    # Clusters
    (
        [cluster(), cluster()],
        "Cluster a: found a second Cluster of this name (the first: {f}), expected one cluster of",
    ),
    (ours("Cluster", "a", {"region": "r"}), "Cluster a: spec: found no state, expected nodes in manifests or context"),
    (ours("Cluster", "a"), "Cluster a: spec: found no state, expected nodes in manifests or context, or nodePools"),
    (
        cluster(manifests=["nowhere"]),
        "Cluster a: spec.manifests[0]: found {d}/nowhere, which does not exist, expected a file or folder",
    ),
    (
        ours("Cluster", "a", {"manifests": "w.json"}),
        "Cluster a: spec: found manifests without a node, expected nodes in manifests or context, or nodePools",
    ),
    (cluster(manifests="n.json", context="prod"), "Cluster a: spec.context: found manifests beside a context"),
    (cluster(context="-x"), "Cluster a: spec.context: found '-x', expected the name of a context"),
    (cluster(context="a\nb"), "Cluster a: spec.context: found 'a\\nb', expected the name of a context"),
    (cluster(kubeconfig="k"), "Cluster a: spec.kubeconfig: found 'k', expected a context of it"),
    (cluster(manifest=["x"]), "Cluster a: spec.manifest: found an unknown key (did you mean manifests?), expected one"),
    (cluster(rates={"cpu": -1, "memory": 0}), "Cluster a: spec.rates.cpu: found -1.0, expected a number of 0 or more"),
    (cluster(priceFactor=-1), "Cluster a: spec.priceFactor: found -1.0, expected a number of 0 or more"),
    (cluster(startupDelay="soon"), "Cluster a: spec.startupDelay: found 'soon', expected a duration"),
    (
        cluster(taints=[{"key": "k", "effect": "x"}]),
        "Cluster a: spec.taints[0].effect: found 'x', expected 'NoSchedule'",
    ),
    (
        cluster(rates={"cpu": 1, "memory": 1}, currency="EUR"),
        "Cluster a: found prices in EUR, expected USD, or a rate of EUR in exchangeRates of a Fleet",
    ),
    (cluster(currency="euro"), "Cluster a: spec.currency: found 'euro', expected a currency's three letters"),
    ({**cluster(), "apiVersion": "yuheng.io/v2"}, "Cluster a: apiVersion: found 'yuheng.io/v2', expected yuheng.io/v1"),
    (
        [cluster(), ours("Clusters", "x")],
        "Clusters x: kind: found 'Clusters' (did you mean Cluster?), expected one of Cluster, Fleet, PlacementPolicy, ",
    ),
    ({**cluster(), "metadata": {"name": ""}}, "Cluster: metadata.name: found nothing, expected a name"),
    # Pools
    (
        cluster(nodePools=[pool(), pool()]),
        "Cluster a: spec.nodePools[1].name: found 'p', expected a name that comes once",
    ),
    (
        cluster(nodePools=[{"name": "p", "instanceType": "m5.large", "maximum": 1}]),
        "Cluster a: spec.nodePools[0].resources: found nothing, expected what a node has, since no price book",
    ),
    (cluster(nodePools=[pool(maximum=-1)]), "Cluster a: spec.nodePools[0].maximum: found -1, expected a whole number"),
    (
        cluster(nodePools=[pool(markets="sport")]),
        "Cluster a: spec.nodePools[0].markets[0]: found 'sport', expected 'on-demand', 'spot' or 'reserved'",
    ),
    (
        cluster(nodePools=[pool(markets=[])]),
        "Cluster a: spec.nodePools[0].markets: found no market, expected one or more",
    ),
    (
        cluster(nodePools=[pool(resources={"cpu": 1})]),
        "Cluster a: spec.nodePools[0].resources: found cpu, expected cpu and memory among the resources",
    ),
    (
        cluster(nodePools=[pool(provisioningDelay="-1s")]),
        "Cluster a: spec.nodePools[0].provisioningDelay: found '-1s', expected a duration",
    ),
    # Regions
    (
        [cluster(), region(), region()],
        "Region eu-west-1: found a second Region of this name (the first: {f}), expected",
    ),
    (
        [cluster(), region(egress={"mars": 1})],
        "Region eu-west-1: spec.egress: found the unknown region 'mars', expected a region of the fleet (aws/eu-west-",
    ),
    (
        [cluster(), OTHER, region(latency={"us-east1": "9ms"})],
        "Region eu-west-1: spec.latency: found the unknown region 'us-east1', expected a region of the fleet (aws/eu-",
    ),
    (
        [cluster(), OTHER, region(egress={"us-east-1": -0.01})],
        "Region eu-west-1: spec.egress.us-east-1[0].perGB: found -0.01, expected a number of 0 or more",
    ),
    (
        [cluster(), OTHER, region(egress=[{"aboveGB": 1, "perGB": 1}])],
        "Region eu-west-1: spec.egress[0].aboveGB: found 1.0, expected 0 in the first tier ({{aboveGB: 0,",
    ),
    (
        [cluster(), OTHER, region(egress={"us-east-1": [{"aboveGB": 5, "perGB": 1}]})],
        "Region eu-west-1: spec.egress.us-east-1[0].aboveGB: found 5.0, expected 0 in the first tier",
    ),
    (
        [cluster(), OTHER, region(internetEgress=[{"aboveGB": 5, "perGB": 1}])],
        "Region eu-west-1: spec.internetEgress[0].aboveGB: found 5.0, expected 0 in the first tier",
    ),
    ([cluster(), OTHER, region(egress=[])], "Region eu-west-1: spec.egress: found no tier, expected one or more"),
    (
        [cluster(), OTHER, region(egress=[{"aboveGB": 0, "perGB": -1}])],
        "Region eu-west-1: spec.egress[0].perGB: found -1.0, expected a number of 0 or more",
    ),
    (
        [cluster(), OTHER, region(egress=-1)],
        "Region eu-west-1: spec.egress: found -1.0, expected a number of 0 or more",
    ),
    (
        [cluster(), OTHER, region(internetEgress=[{"aboveGB": 0, "perGB": 1}, {"aboveGB": 0, "perGB": 1}])],
        "Region eu-west-1: spec.internetEgress[1].aboveGB: found 0.0, expected more than 0",
    ),
    ([cluster(), region(pue=0.5)], "Region eu-west-1: spec.pue: found 0.5, expected a number of 1 or more"),
    ([cluster(), region(speed=0)], "Region eu-west-1: spec.speed: found 0.0, expected a number above 0"),
    (
        [cluster(), region(concurrency=-1)],
        "Region eu-west-1: spec.concurrency: found -1, expected a whole number from 0",
    ),
    (
        [cluster(), region(storagePerGBMonth=-1)],
        "Region eu-west-1: spec.storagePerGBMonth: found -1.0, expected a number",
    ),
    (
        [cluster(), region(bandwidth="fast")],
        "Region eu-west-1: spec.bandwidth: found 'fast', expected bytes per",
    ),
    ([cluster(), region(bandwidth=0)], "Region eu-west-1: spec.bandwidth: found 0, expected bytes per second"),
    (
        [cluster(), region(carbon=-1)],
        "Region eu-west-1: spec.carbon.constant: found -1.0, expected a number of 0 or more",
    ),
    (
        [cluster(), region(carbon={})],
        "Region eu-west-1: spec.carbon: found none of them, expected one of constant, serie",
    ),
    (
        [cluster(), region(carbon=[{"at": "2026-01-02", "intensity": 1}, {"at": "2026-01-01", "intensity": 1}])],
        "Region eu-west-1: spec.carbon.series[1].at: found a time that is not after the one before, expected ascending",
    ),
    (
        [cluster(), region(carbon={"file": "nowhere.csv"})],
        "Region eu-west-1: found {d}/nowhere.csv: no such file or fold",
    ),
    (
        [cluster(), region(carbon={"file": "ci.csv", "timezone": "Mars"})],
        "Region eu-west-1: spec.carbon.timezone: found 'Mars', expected a time zone such as Europe/Berlin",
    ),
    (
        [cluster(), region(spot=[{"zone": "x", "trace": "nowhere.json"}])],
        "Region eu-west-1: found {d}/nowhere.json: no such file or folder, expected a file",
    ),
    (
        [cluster(), region(provider=""), cluster("b", provider="gcp")],
        "Region eu-west-1: spec.provider: found nothing, expected one of aws, gcp, which have clusters in a region of",
    ),
    # Settings
    (
        [cluster(), settings(), settings()],
        "found 2 objects of kind Fleet: item 2 of {f} and item 3 of {f}, expected one",
    ),
    (
        [cluster(), settings(exchangeRates={"EUR": 0})],
        "Fleet all: spec.exchangeRates.EUR: found 0.0, expected a number",
    ),
    (
        [cluster(), settings(exchangeRates={"eur": 1})],
        "Fleet all: spec.exchangeRates.eur: found 'eur', expected a curre",
    ),
    ([cluster(), settings(exchangeRates={"USD": 2})], "Fleet all: spec.exchangeRates.USD: found 2.0, expected 1"),
    ([cluster(), settings(priceBooks=["no.csv"])], "Fleet all: spec.priceBooks[0]: found {d}/no.csv: no such file"),
    (
        [cluster(), settings(egress=["no.csv"])],
        "Fleet all: spec.egress[0]: found {d}/no.csv: no such file or folder, exp",
    ),
    (
        [cluster(), settings(priceBooks=[{"file": "b.csv", "columns": {"cost": "c"}}])],
        "Fleet all: spec.priceBooks[0].columns.cost: found an unknown key, expected one of provider, region, zone, in",
    ),
    ([cluster(), settings(time="noon")], "Fleet all: spec.time: found 'noon', expected a time such as 2026-01-31"),
    (
        [cluster(), settings(power=[{"instanceType": "m*", "idle": 9, "full": 1}])],
        "Fleet all: spec.power[0].full: found 1.0, expected no less than idle, which is 9",
    ),
    # Workloads and what they need
    (
        [cluster(), annotated(deadline="2026-01-01"), settings(time="2026-01-02")],
        "Deployment default/web: metadata.annotations[yuheng.io/deadline]: found a deadline 86,400 s before the time",
    ),
    (
        [cluster(), policy(deadline="2026-01-01"), settings(time="2026-01-02")],
        "PlacementPolicy default/rules: spec.deadline: found a deadline 86,400 s before the time of the fleet, expect",
    ),
    (
        [cluster(), policy(deadline="2026-01-01", notBefore="2026-01-02")],
        "PlacementPolicy default/rules: spec.deadline: found a deadline that is not after notBefore, expected a later",
    ),
    (
        [cluster(), policy(), policy()],
        "PlacementPolicy default/rules: found a second PlacementPolicy of this name (the",
    ),
    (
        [cluster(), policy(windows="25:00-26:00")],
        "PlacementPolicy default/rules: spec.windows: found '25:00-26:00', expected a",
    ),
    (
        [cluster(), policy(markets=["spot", "x"])],
        "PlacementPolicy default/rules: spec.markets[1]: found 'x', expected 'on-demand'",
    ),
    (
        [cluster(), policy(runTime="-1h")],
        "PlacementPolicy default/rules: spec.runTime[*].mean: found '-1h', expected a duration",
    ),
    (
        [cluster(), policy(runTime={"*": {"p50": "2h", "p95": "1h"}})],
        "PlacementPolicy default/rules: spec.runTime[*]: found 3600 s at 0.95, expected no less than the 7200 s of th",
    ),
    (
        [cluster(), policy(runTime={"*": {}})],
        "PlacementPolicy default/rules: spec.runTime[*]: found neither a mean nor percentiles",
    ),
    (
        [cluster(), policy(reads=[{"name": "d", "sizeGB": -1}])],
        "PlacementPolicy default/rules: spec.reads[0].sizeGB: found -1, expected a number of gigabytes of 0 or more",
    ),
    (
        [cluster(), policy(slo={"within": "1s", "quantile": 1})],
        "PlacementPolicy default/rules: spec.slo.quantile: found 1.0, expec",
    ),
    (
        [cluster(), annotated(dead_line="1h")],
        "Deployment default/web: metadata.annotations[yuheng.io/dead-line]: found an unknown annotation (did you mean",
    ),
    (
        [cluster(), annotated(markets="sport")],
        "Deployment default/web: metadata.annotations[yuheng.io/markets]: found 'sport', expected 'on-demand', 'spot'",
    ),
    (
        [cluster(), annotated(windows="10:00")],
        "Deployment default/web: metadata.annotations[yuheng.io/windows]: found '10:00', expected a window of the day",
    ),
    (
        [cluster(), annotated(run_time="soon")],
        "Deployment default/web: metadata.annotations[yuheng.io/run-time]: found 'soon', expected a duration",
    ),
    (
        [cluster(), annotated(reads="images")],
        "Deployment default/web: metadata.annotations[yuheng.io/reads]: found 'images', expected a data set such as",
    ),
    (
        [cluster(), annotated(reads="images=lots")],
        "Deployment default/web: metadata.annotations[yuheng.io/reads]: found 'lots', expected an amount of data such",
    ),
    (
        [cluster(), annotated(reads="[{")],
        "Deployment default/web: metadata.annotations[yuheng.io/reads]: found malformed JSON:",
    ),
    (
        [cluster(), annotated(interruptible="maybe")],
        "Deployment default/web: metadata.annotations[yuheng.io/interruptible]: found 'maybe', expected true or false",
    ),
    (
        [cluster(), annotated(slo="fast")],
        "Deployment default/web: metadata.annotations[yuheng.io/slo]: found 'fast', expected a service level such as",
    ),
    (
        [cluster(), deployment(), deployment()],
        "Deployment default/web: found a second Deployment of this name (the first",
    ),
    (
        [cluster(), deployment(replicas=-1)],
        "Deployment default/web: spec.replicas: found -1, expected a count of 0 or mor",
    ),
]


@pytest.mark.parametrize(("objects", "message"), CASES, ids=[message[:60] for _, message in CASES])
def test_one_line_says_what_is_wrong(tmp_path: Path, objects: Any, message: str) -> None:
    written(tmp_path, f__json=objects, ci__csv="t,v\n2026-01-01,1\n", b__csv="instance_type,price_per_hour\n")
    written(tmp_path / "beside", n__json=node(), w__json=deployment())
    for name in ("n.json", "w.json"):
        (tmp_path / "beside" / name).rename(tmp_path / name)
    with pytest.raises(InputError) as caught:
        read_fleet(tmp_path / "f.json")
    expected = message.format(f=tmp_path / "f.json", d=tmp_path) if "{" in message else message
    found = str(caught.value).removeprefix(f"{tmp_path}/f.json: ")
    assert found.startswith(expected)
    assert "\n" not in found


# The table t.csv, the settings, and the message after its name.
TABLES: list[tuple[str, dict[str, Any], str]] = [
    (
        "instance_type,price_per_hour\nbox,-1\n",
        {},
        "line 2: price_per_hour: found '-1', expected a number of 0 or more",
    ),
    (
        "instance_type,price_per_hour\nbox,nan\n",
        {},
        "line 2: price_per_hour: found 'nan', expected a number of 0 or more",
    ),
    (
        "instance_type,price_per_hour\nbox,inf\n",
        {},
        "line 2: price_per_hour: found 'inf', expected a number of 0 or more",
    ),
    (
        "instance_type,price_per_hour\nbox,\n",
        {},
        "line 2: price_per_hour: found nothing, expected a price of 0 or more",
    ),
    ("instance_type,price_per_hour\n,1\n", {}, "line 2: instance_type: found nothing, expected a machine"),
    (
        "instance_type,price_per_hour,currency\nbox,1,USD\ncar,1,EUR\n",
        {},
        "line 3: currency: found prices in EUR, expected USD, or a rate of EUR in exchangeRates of a Fleet",
    ),
    (
        "instance_type,price_per_hour,market\nbox,1,sport\n",
        {},
        "line 2: market: found 'sport', expected one of on-demand, spot, reserved",
    ),
    (
        "instance_type,price_per_hour,valid_from\nbox,1,soon\n",
        {},
        "line 2: valid_from: found 'soon', expected a time such as 2026-01-31T12:00:00Z",
    ),
    (
        "instance_type,price_per_hour,Price_Per_Hour\nbox,1,1\n",
        {},
        "found column 'Price_Per_Hour' twice, expected each",
    ),
    ("InstanceType,Region,Price\nbox,r,-2\n", {}, "line 2: Price: found '-2', expected a number of 0 or more"),
    ("a,b\n1,2\n", {"priceBooks": ["t.csv"]}, "found the columns a, b, expected the columns of a price book, or what"),
    (
        "a,b\n1,2\n",
        {"priceBooks": [{"file": "t.csv", "columns": {"instanceType": "a", "pricePerHour": "c"}}]},
        "found the unknown column 'c', expected one of its columns: a, b",
    ),
    (
        "a,b\n1,2\n",
        {"egress": ["t.csv"]},
        "found the columns a, b, expected a matrix of regions, or the columns region",
    ),
    ("", {"egress": ["t.csv"]}, "found an empty file, expected"),
    ('a,"b\n', {"egress": ["t.csv"]}, "found the columns a, b, expected a matrix"),
    (
        ",eu-west-1,us-east-1,mars\neu-west-1,0,1,1\nus-east-1,1,0,1\nmars,1,1,0\n",
        {},
        "found the unknown region 'mars', expected a region of the fleet (eu-west-1, us-east-1",
    ),
    (
        ",eu-west-1,us-west-1\neu-west-1,0,1\nus-west-1,1,0\n",
        {},
        "found the unknown region 'us-west-1' (did you mean us-east-1?), expected a region of the fleet",
    ),
    (
        ",eu-west-1,x,y,z\neu-west-1,0,1,1,1\n",
        {"egress": [{"file": "t.csv", "provider": "aws", "extraRegions": False}]},
        "found the unknown region 'x', expected a region of the fleet",
    ),
    (",eu-west-1,us-east-1\neu-west-1,0,-1\n", {}, "line 2: us-east-1: found '-1', expected a number of 0 or more"),
    (",eu-west-1,us-east-1\neu-west-1,0,nan\n", {}, "line 2: us-east-1: found 'nan', expected a number of 0 or more"),
    (
        ",eu-west-1\neu-west-1,0\n",
        {"egress": [{"file": "t.csv", "currency": "EUR"}]},
        "found prices in EUR, expected USD, or a rate of EUR",
    ),
    (
        "cloud,region,egress_usd_per_gb\naws,eu-west-1,-1\n",
        {},
        "line 2: egress_usd_per_gb: found '-1', expected a number of 0 or more",
    ),
]


@pytest.mark.parametrize(("table", "spec", "message"), TABLES, ids=[message[:60] for _, _, message in TABLES])
def test_one_line_says_what_is_wrong_with_a_table(
    tmp_path: Path, table: str, spec: dict[str, Any], message: str
) -> None:
    written(tmp_path, f__json=[cluster(), OTHER, settings(**spec)], t__csv=table)
    with pytest.raises(InputError) as caught:
        read_fleet(tmp_path)
    assert str(caught.value).removeprefix(f"{tmp_path}/t.csv: ").startswith(message)


SERIES: list[tuple[str, dict[str, Any], str]] = [
    (
        "t,v\n2026-01-02,1\n2026-01-01,1\n",
        {},
        "line 3: t: found '2026-01-01', expected times that ascend (here in UTC)",
    ),
    (
        "t,v\n2026-01-01,1\n2026-01-01,1\n",
        {},
        "line 3: t: found '2026-01-01', expected times that ascend (here in UTC)",
    ),
    ("t,v\nnoon,1\n", {}, "line 2: t: found 'noon', expected a time such as 2026-01-31T12:00:00Z"),
    ("t,v\n2026-01-01,-1\n", {}, "line 2: v: found '-1', expected a number of 0 or more"),
    ("t,v\n2026-01-01,nan\n", {}, "line 2: v: found 'nan', expected a number of 0 or more"),
    ("t,v,w\n2026-01-01,1,1\n", {}, "found 2 columns of values, expected column to say which"),
    ("t,v,w\n2026-01-01,1,1\n", {"column": "x"}, "found the unknown column 'x', expected one of its columns: t, v, w"),
    ("t,v\n", {}, "v: found no value, expected a series of one or more"),
]


@pytest.mark.parametrize(("table", "carbon", "message"), SERIES, ids=[message[:60] for _, _, message in SERIES])
def test_one_line_says_what_is_wrong_with_a_series(
    tmp_path: Path, table: str, carbon: dict[str, Any], message: str
) -> None:
    written(tmp_path, f__json=[cluster(), region(carbon={"file": "c.csv", **carbon})], c__csv=table)
    with pytest.raises(InputError) as caught:
        read_fleet(tmp_path)
    found = str(caught.value)
    assert found.startswith(f"{tmp_path}/c.csv: ")
    assert message in found


@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf"])
def test_what_is_no_number_is_refused(tmp_path: Path, value: str) -> None:
    text = (
        "apiVersion: yuheng.io/v1alpha1\nkind: Cluster\nmetadata: {name: a}\n"
        f"spec: {{region: r, priceFactor: {value}}}\n"
    )
    with pytest.raises(InputError, match="priceFactor"):
        read_fleet(written(tmp_path, f__yaml=text))


def test_a_matrix_of_a_region_needs_its_row(tmp_path: Path) -> None:
    written(tmp_path, f__json=[cluster(), OTHER, region(egressMatrix="m.csv")], m__csv=",us-east-1\nus-east-1,0\n")
    with pytest.raises(InputError, match=r"m\.csv: Region eu-west-1: found no row of eu-west-1, expected a row of the"):
        read_fleet(tmp_path)
