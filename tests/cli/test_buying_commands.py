"""`yuheng nodes` and `yuheng commit`: what is printed, in every form, and what is refused in one line."""

from __future__ import annotations

import csv
import io
import json
import re

import pytest
import yaml
from jsonschema import Draft202012Validator

from yuheng.reporting.schema import schema

PRICES = """provider,region,instance_type,market,currency,price_per_hour,vcpu,memory_gib
aws,r1,c6i.2xlarge,on-demand,USD,0.36,8,16
aws,r1,c6i.2xlarge,spot,USD,0.12,8,16
aws,r1,r6i.2xlarge,on-demand,USD,0.56,8,64
aws,r1,t3.2xlarge,on-demand,USD,0.3,8,32
aws,r2,c6i.2xlarge,on-demand,USD,0.40,8,16
"""
PODS = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 6
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web, resources: {requests: {cpu: "3", memory: 4Gi}}}]}
"""
DAEMON = """---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec:
      affinity:
        nodeAffinity:
          requiredDuringSchedulingIgnoredDuringExecution:
            nodeSelectorTerms:
            - matchExpressions: [{key: node.kubernetes.io/instance-type, operator: In, values: [c6i.2xlarge]}]
      containers: [{name: agent, image: agent, resources: {requests: {cpu: "2"}}}]
"""
DEMAND = """time,instance_type,region,count
2026-01-01T00:00:00Z,c6i.2xlarge,r1,4
2026-01-01T01:00:00Z,c6i.2xlarge,r1,2
2026-01-01T03:00:00Z,c6i.2xlarge,r1,2
"""


@pytest.fixture
def files(tmp_path):
    """The folder of the files above."""
    for name, text in (("prices.csv", PRICES), ("pods.yaml", PODS), ("all.yaml", PODS + DAEMON), ("d.csv", DEMAND)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def nodes(yuheng, files, *more, pods="pods.yaml", region="r1"):
    given = ("--region", region) if region else ()
    return yuheng("nodes", str(files / pods), "--prices", str(files / "prices.csv"), *given, *more)


def test_the_cheapest_nodes_are_told_with_bound_and_baseline(yuheng, files):
    done = nodes(yuheng, files)
    assert done.code == 0
    assert done.out.startswith("3 nodes hold 6 pods for $1.08 an hour, $788.40 a month.\n")
    assert "Karpenter's first-fit decreasing would pay" in done.out
    assert "c6i.2xlarge" in done.out


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_documents_meet_the_schema(yuheng, files, form):
    done = nodes(yuheng, files, "-o", form)
    document = json.loads(done.out) if form == "json" else yaml.safe_load(done.out)
    Draft202012Validator(schema("NodeMix")).validate(document)
    assert document["summary"]["hourlyCost"] == pytest.approx(1.08)
    assert len(document["placements"]) == 6


def test_a_table_has_a_row_for_each_kind_of_node(yuheng, files):
    (row,) = csv.DictReader(io.StringIO(nodes(yuheng, files, "-o", "csv").out))
    assert (row["instance_type"], row["market"], row["count"], row["pods"]) == ("c6i.2xlarge", "on-demand", "3", "6")


def test_wide_tells_which_pod_is_meant_for_which_node(yuheng, files):
    out = nodes(yuheng, files, "-o", "wide").out
    assert "Which pods are meant for which node" in out
    assert "c6i.2xlarge-on-demand-0003" in out


def test_spot_is_bought_when_it_may_be(yuheng, files):
    assert "$0.36 an hour" in nodes(yuheng, files, "--markets", "on-demand,spot").out


def test_burstable_types_are_bought_by_name(yuheng, files):
    assert "t3.2xlarge" in nodes(yuheng, files, "--types", "t3.*").out


def test_written_daemon_sets_take_their_room_where_they_run(yuheng, files):
    # With two cores less, c6i holds one pod of three cores: r6i, which the agent does not serve, holds two.
    document = json.loads(nodes(yuheng, files, "-o", "json", pods="all.yaml").out)
    assert {one["instanceType"]: one["count"] for one in document["nodes"]} == {"r6i.2xlarge": 3}


def test_a_trace_is_held_at_its_peak(yuheng, files):
    (files / "t.csv").write_text("at,for,cores,gib\n0,100,3,4\n50,100,3,4\n500,10,7,4\n", encoding="utf-8")
    meanings = ("submit=at", "duration=for", "cpu=cores", "memory={column: gib, unit: GiB}")
    columns = [f"--columns={one}" for one in meanings]
    done = yuheng(
        "nodes", "--peak", str(files / "t.csv"), *columns, "--prices", str(files / "prices.csv"), "--region", "r1"
    )
    assert done.code == 0
    assert "1 node holds 1 pod" in done.out


REFUSED = {
    "no price book": (("nodes", "pods.yaml"), "--prices: found none, expected a price book"),
    "nothing to hold": (("nodes", "--prices", "prices.csv"), "INPUT: found none, expected what is to be held"),
    "no pods": (("nodes", "none.yaml", "--prices", "prices.csv", "--region", "r1"), "found no pods to hold"),
    "which region": (("nodes", "pods.yaml", "--prices", "prices.csv"), "--region: found prices of 2 regions"),
    "no such market": (
        ("nodes", "pods.yaml", "--prices", "prices.csv", "--markets", "auction"),
        "--markets: found 'auction', expected some of on-demand, spot, reserved",
    ),
    "no such architecture": (("nodes", "pods.yaml", "--prices", "prices.csv", "--arch", "x86"), "--arch: found 'x86'"),
    "no such rule": (
        ("nodes", "pods.yaml", "--prices", "prices.csv", "--reserve", "oke"),
        "--reserve: found 'oke', expected one of eks, gke, aks, none",
    ),
    "columns of no trace": (
        ("nodes", "pods.yaml", "--prices", "prices.csv", "--region", "r1", "--columns", "cpu=c"),
        "--columns: found it without --peak",
    ),
    "neither input nor demand": (("commit", "--prices", "prices.csv"), "INPUT and --demand: found neither"),
    "both": (("commit", "pods.yaml", "--demand", "d.csv", "--prices", "prices.csv"), "INPUT and --demand: found both"),
    "a discount of more than all": (
        ("commit", "--demand", "d.csv", "--prices", "prices.csv", "--discount", "1y=37"),
        "--discount: found '1y=37', expected each term once, such as 1y=0.37",
    ),
    "a demand of nothing": (("commit", "--demand", "bad.csv", "--prices", "prices.csv"), "line 2: count: found '-1'"),
    "not a demand": (("commit", "--demand", "prices.csv", "--prices", "prices.csv"), "expected a table of machines"),
    "nodes that tell no type": (("commit", "pods.yaml", "--prices", "prices.csv"), "found no nodes that tell"),
}


@pytest.mark.parametrize(("words", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused_in_one_line(yuheng, files, monkeypatch, words, message):
    monkeypatch.chdir(files)
    (files / "bad.csv").write_text("time,instance_type,count\n2026-01-01T00:00:00Z,m5.large,-1\n", encoding="utf-8")
    (files / "none.yaml").write_text("{apiVersion: v1, kind: Namespace, metadata: {name: a}}\n", encoding="utf-8")
    done = yuheng(*words)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1


def commit(yuheng, files, *more):
    return yuheng("commit", "--demand", str(files / "d.csv"), "--prices", str(files / "prices.csv"), *more)


def test_reservations_are_told_by_family_and_region(yuheng, files):
    done = commit(yuheng, files, "--discount", "1y=0.4")
    assert done.code == 0
    # 32 cores for one hour of five, else 16.
    assert re.search(r"c6i +16 vCPUs +16 to 32 ", done.out)


def test_commitments_meet_the_schema(yuheng, files):
    document = json.loads(commit(yuheng, files, "-o", "json").out)
    Draft202012Validator(schema("Commitments")).validate(document)
    assert document["hours"] == 5
    assert [plan["term"] for plan in document["summary"]] == ["1y", "3y"]


def test_commitments_are_rows(yuheng, files):
    rows = list(csv.DictReader(io.StringIO(commit(yuheng, files, "--discount", "1y=0.4", "-o", "csv").out)))
    assert [(row["family"], row["amount"], row["unit"]) for row in rows] == [("c6i", "16", "vCPU")]


def test_nodes_stand_for_demand_without_a_history(yuheng, files):
    labels = "{node.kubernetes.io/instance-type: c6i.2xlarge, topology.kubernetes.io/region: r1}"
    metadata = f"{{name: node-1, labels: {labels}}}"
    text = f"{{apiVersion: v1, kind: Node, metadata: {metadata}, status: {{allocatable: {{cpu: '8'}}}}}}"
    (files / "cluster.yaml").write_text(text, encoding="utf-8")
    done = yuheng("commit", str(files / "cluster.yaml"), "--prices", str(files / "prices.csv"))
    assert done.code == 0
    assert re.search(r"c6i +8 vCPUs +8 to 8 ", done.out)


def test_what_a_book_does_not_price_is_reserved_at_the_price_of_the_fleet(yuheng, files):
    test_nodes_stand_for_demand_without_a_history(yuheng, files)
    head = "apiVersion: yuheng.io/v1alpha1, metadata: {name: east}"
    fleet = f"{{{head}, kind: Fleet, spec: {{priceBooks: [prices.csv]}}}}"
    (files / "fleet.yaml").write_text(
        f"{fleet}\n---\n{{{head}, kind: Cluster, spec: {{region: r1, manifests: cluster.yaml}}}}\n", encoding="utf-8"
    )
    columns, *rows = PRICES.splitlines(keepends=True)
    (files / "other.csv").write_text(columns + rows[2], encoding="utf-8")
    (files / "own.csv").write_text(columns + rows[0].replace("0.36", "0.72"), encoding="utf-8")
    for given, per_hour in ((), 0.36), (("other.csv",), 0.36), (("own.csv",), 0.72):
        options = [part for name in given for part in ("--prices", str(files / name))]
        done = yuheng("commit", str(files / "fleet.yaml"), *options, "-o", "csv")
        assert done.code == 0, done.err
        first = next(csv.DictReader(io.StringIO(done.out)))
        assert float(first["usd_per_month_before"]) == pytest.approx(per_hour * 730)
