"""``yuheng cost`` from files to documents."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
from jsonschema import Draft202012Validator

from yuheng.reporting.schema import schema

NODES = [
    {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"node.kubernetes.io/instance-type": "m5.xlarge"}},
        "status": {"allocatable": {"cpu": "4", "memory": "16Gi", "pods": "110"}},
    }
    for name in ("n1", "n2")
]
PRICES = "instance_type,currency,price_per_hour\nm5.xlarge,USD,0.192\n"
START = "2026-01-01T00:00:00Z"


def pod(name, namespace, on, cpu, team="", **status):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": {"team": team} if team else {}},
        "spec": {"nodeName": on, "containers": [{"name": "main", "resources": {"requests": {"cpu": cpu}}}]},
        "status": {"phase": "Running", **status},
    }


PODS = [
    pod("web-1", "web", "n1", "1", "shop"),
    pod("web-2", "web", "n2", "1", "shop"),
    pod("db-0", "data", "n1", "2", "data"),
    pod("dns", "kube-system", "n2", "500m"),
]


@pytest.fixture
def files(tmp_path):
    """A cluster, its prices, two hours of usage: web-1 uses 3 cores in every other sample, an old pod is gone."""
    (tmp_path / "cluster.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": NODES + PODS}))
    (tmp_path / "prices.csv").write_text(PRICES)
    rows = ["timestamp,namespace,pod,container,cpu,memory"]
    for minute in range(120):
        time = f"2026-01-01T{22 + minute // 60:02}:{minute % 60:02}:00Z"
        rows += [f"{time},web,web-1,main,{3 if minute % 2 else 0.2},1e9", f"{time},batch,old,main,1,1e9"]
    (tmp_path / "usage.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


@pytest.fixture
def cost(yuheng, files, monkeypatch):
    """Run ``yuheng cost`` on them."""
    monkeypatch.chdir(files)

    def run(*options, code=0):
        done = yuheng("cost", "cluster.json", "--prices", "prices.csv", *options)
        assert done.code == code, done.err
        return done

    return run


def document(done):
    found = json.loads(done.out)
    Draft202012Validator(schema("Cost")).validate(found)
    return found


ASKED = [
    (),
    ("--usage", "usage.csv"),
    ("--usage", "usage.csv", "--by", "label:team,node", "--idle", "share"),
    ("--usage", "usage.csv", "--idle", "hide", "--filter", "namespace=web"),
    ("--usage", "usage.csv", "--shared", "ns=kube-system:even", "--every", "hour"),
    ("--usage", "usage.csv", "--window", "2026-01-01,2026-01-08", "--every", "day", "--by", "controller,queue,pod"),
    ("--window", "7d", "--every", "week", "--by", "cluster,controllerKind,annotation:x", "--currency", "EUR=0.5"),
]


@pytest.mark.parametrize("options", ASKED, ids=" ".join)
def test_documents_meet_their_schema_and_add_up(cost, options):
    found = document(cost(*options, "-o", "json"))
    hours, rate = found["window"]["hours"], 0.5 if "--currency" in options else 1.0
    assert found["nodes"] == pytest.approx(2 * 0.192 * hours * rate)
    told = sum(row["totalCost"] for row in found["rows"]) + found["idle"]["hidden"]
    assert told == pytest.approx(found["total"], abs=1e-6)
    assert found["total"] == pytest.approx(found["nodes"])


def test_rows_are_as_the_issue_writes_them(cost):
    found = document(cost("--usage", "usage.csv", "-o", "json"))
    assert set(found) >= {"window", "currency", "rows", "total", "nodes", "assumptions"}
    keys = ("cpu", "memory", "gpu", "storage", "network", "shared", "idle", "total")
    assert set(found["rows"][0]) == {"group", "start", "efficiency", *(f"{key}Cost" for key in keys)}
    assert [row["group"]["namespace"] for row in found["rows"]] == ["web", "data", "batch", "kube-system", "__idle__"]


def test_without_usage_it_is_said_that_requests_count(cost):
    done = cost()
    assert "no usage is known: containers cost what they request" in done.out
    assert "(1 hours)" in done.out


def test_usage_of_pods_that_are_gone_is_kept(cost):
    found = document(cost("--usage", "usage.csv", "--by", "label:team", "-o", "json"))
    teams = {row["group"]["label:team"]: row["totalCost"] for row in found["rows"]}
    assert teams["__gone__"] > 0
    assert any("1 pod in usage is gone from the state: kept" in text for text in found["assumptions"])


def test_pods_pay_for_peaks_above_their_requests(cost):
    found = document(cost("--usage", "usage.csv", "--by", "pod", "-o", "json"))
    rows = {row["group"]["pod"]: row for row in found["rows"]}
    core = rows["db-0"]["cpuCost"] / (2 * 2)
    assert rows["web-1"]["cpuCost"] == pytest.approx(core * 2 * (1 + 3) / 2)
    assert rows["web-2"]["cpuCost"] == pytest.approx(core * 2)


def test_a_table_adds_up_as_it_is_read(cost):
    done = cost("--window", "730h", "--by", "pod")
    amounts = re.findall(r"^  (?:web|db|dns|__idle__)\S* .* ([\d.]+)  +-$", done.out, re.MULTILINE)
    assert done.out.startswith("280.32 USD")
    assert len(amounts) == 5
    assert sum(round(float(amount) * 100) for amount in amounts) == 28_032


def test_what_is_idle_reads_the_same_in_the_headline_and_in_the_table(cost, files):
    amounts = ("0.192", "0.1921", "0.19215", "0.191953", "0.33333", "0.777777")
    for hours, per_hour in ((hours, per_hour) for hours in (1, 7, 730) for per_hour in amounts):
        (files / "prices.csv").write_text(PRICES.replace("0.192", per_hour))
        done = cost("--window", f"{hours}h", "--by", "pod")
        headline = re.search(r"^Idle is ([\d.,]+) of that", done.out, re.MULTILINE)
        row = re.search(r"^  __idle__ .* ([\d.,]+)  +-$", done.out, re.MULTILINE)
        assert headline is not None
        assert row is not None
        assert headline[1] == row[1]


def test_a_pod_on_a_node_that_is_not_there_is_refused_whether_or_not_others_are(cost, files):
    for nodes in (NODES, []):
        made = {"apiVersion": "v1", "kind": "List", "items": [*nodes, pod("lost", "web", "n9", "1")]}
        (files / "cluster.json").write_text(json.dumps(made))
        done = cost(code=2)
        assert "Pod web/lost: spec.nodeName: found node 'n9', which is not in the input" in done.err
        assert done.err.count("\n") == 1


def test_csv_has_a_row_for_each_group_and_stretch(cost):
    table = list(csv.DictReader(io.StringIO(cost("--usage", "usage.csv", "--every", "hour", "-o", "csv").out)))
    assert {(row["start"], row["end"]) for row in table} == {
        ("2026-01-01T22:00:00Z", "2026-01-01T23:00:00Z"),
        ("2026-01-01T23:00:00Z", "2026-01-02T00:00:00Z"),
    }
    assert sum(float(row["total_cost"]) for row in table) == pytest.approx(4 * 0.192)


REFUSED = {
    "key": (("--by", "colour"), "--by: found 'colour', expected one of cluster, node"),
    "key twice": (("--by", "pod,pod"), "--by: found 'pod' twice"),
    "filter": (("--filter", "web"), "--filter: found 'web', expected KEY=VALUE"),
    "shared": (("--shared", "kube-system"), "--shared: found 'kube-system', expected KEY=VALUE:even"),
    "window": (("--window", "soon"), "--window: found 'soon', expected a duration such as 24h"),
    "window backwards": (("--window", "2026-02-01,2026-01-01"), "which ends before it begins"),
    "too many stretches": (("--window", "9000d", "--every", "hour"), "--every hour: found more than 10,000"),
    "currency": (("--currency", "euro"), "--currency: found 'euro', expected a currency"),
    "currency without a rate": (("--currency", "EUR"), "found prices in EUR, expected USD, or a rate of EUR"),
    "storage": (("--storage-price", "free"), "--storage-price: found 'free', expected $ per GiB and month"),
    "no usage then": (("--usage", "usage.csv", "--window", "2027-01-01,2027-01-02"), "as --window says"),
    "no usage file": (("--usage", "none.parquet"), "none.parquet: no such file"),
    "both": (("--usage", "usage.csv", "--prometheus", "http://localhost:1"), "found both, expected one of them"),
}


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_answered_is_refused_in_one_line(cost, options, message):
    done = cost(*options, code=2)
    assert message in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""


def test_windows_are_read_as_people_write_them(cost):
    found = document(cost("--window", "2026-01-01T00:00Z,2026-01-31..", "-o", "json"))
    assert found["window"] == {"start": START, "end": "2026-01-31T00:00:00Z", "hours": 720.0}
    found = document(cost("--usage", "usage.csv", "--window", "2026-01-01T23:00..", "-o", "json"))
    assert found["window"] == {"start": "2026-01-01T23:00:00Z", "end": "2026-01-02T00:00:00Z", "hours": 1.0}


def test_storage_has_a_price_by_class(cost, files):
    claims = [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": name, "namespace": "data"},
            "spec": {"storageClassName": name, "resources": {"requests": {"storage": "10Gi"}}},
        }
        for name in ("slow", "fast")
    ]
    (files / "claims.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": claims}))
    options = ("--storage-price", "0.073", "--storage-price", "fast=0.73", "--window", "1h", "-o", "json")
    found = document(cost("claims.json", *options))
    assert found["total"] - found["nodes"] == pytest.approx(10 * (0.073 + 0.73) / 730)
