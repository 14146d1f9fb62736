"""``yuheng rightsize`` from files to advice, and what it says to what it cannot use."""

from __future__ import annotations

import csv
import io
import json
import math

import pytest
import yaml
from jsonschema import Draft202012Validator

from yuheng.reporting.schema import schema

CLUSTER = """
{apiVersion: v1, kind: Node, metadata: {name: n1, labels: {node.kubernetes.io/instance-type: m5.2xlarge}},
 status: {allocatable: {cpu: "8", memory: 32Gi, pods: "110"}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web, resources: {requests: {cpu: "2", memory: 1Gi}, limits: {memory: 2Gi}}}]}
"""
START = 1767225600


@pytest.fixture
def files(tmp_path):
    """A cluster, and two weeks of usage that is higher by day."""
    cluster, usage = tmp_path / "cluster.yaml", tmp_path / "usage.csv"
    cluster.write_text(CLUSTER)
    with usage.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("timestamp", "namespace", "pod", "container", "cpu", "memory"))
        for number in range(14 * 48):
            hour = number % 48 / 2
            cores = 0.2 + 0.6 * max(0.0, math.sin((hour - 6) / 12 * math.pi))
            writer.writerow((START + 1800 * number, "shop", "web-5d8f7c9b6d-x2x4q", "web", round(cores, 3), 3e8))
    return cluster, usage


def test_advice_is_printed_as_a_table(yuheng, files):
    cluster, usage = files
    done = yuheng("rightsize", cluster, "--usage", usage)
    assert (done.code, done.err) == (0, "")
    assert "1 of 1 containers get other requests" in done.out
    assert "CPU by the hour" in done.out


@pytest.mark.parametrize("strategy", ["seasonal", "vpa", "krr"])
def test_json_meets_its_schema(yuheng, files, strategy):
    cluster, usage = files
    done = yuheng("rightsize", cluster, "--usage", usage, "--strategy", strategy, "-o", "json")
    document = json.loads(done.out)
    Draft202012Validator(schema("Rightsizing")).validate(document)
    [row] = document["containers"]
    assert row["cpu"]["old"] == 2000
    assert 700 <= row["cpu"]["new"] <= 1000
    assert row["savedPerMonth"] > 0
    assert document["price"] == (3.0 if strategy == "seasonal" else None)


def test_other_formats(yuheng, files, tmp_path):
    cluster, usage = files
    asked = ("rightsize", cluster, "--usage", usage)
    [patch] = [body for body in yaml.safe_load_all(yuheng(*asked, "-o", "patch").out) if body]
    assert patch["metadata"] == {"name": "web", "namespace": "shop"}
    assert yaml.safe_load(yuheng(*asked, "-o", "yaml").out)["kind"] == "Rightsizing"
    assert len(list(csv.DictReader(io.StringIO(yuheng(*asked, "-o", "csv").out)))) == 1
    assert len(list(csv.DictReader(io.StringIO(yuheng(*asked, "-o", "hours").out)))) == 48
    page = tmp_path / "page.html"
    assert yuheng(*asked, "-o", "html", "--out", page).code == 0
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_a_price_book_changes_what_is_saved(yuheng, files, tmp_path):
    cluster, usage = files
    prices = tmp_path / "prices.csv"
    prices.write_text("InstanceType,vCPUs,MemoryGiB,Price,SpotPrice,Region,AvailabilityZone\nm5.2xlarge,8,32,40,1,,\n")
    saved = [
        json.loads(yuheng("rightsize", cluster, "--usage", usage, "-o", "json", *more).out)["summary"]["savedPerMonth"]
        for more in ((), ("--prices", prices))
    ]
    assert saved[1] > 50 * saved[0]


def test_hours_are_those_of_the_time_zone(yuheng, files):
    cluster, usage = files
    found = []
    for zone in ("UTC", "Asia/Shanghai"):
        done = yuheng("rightsize", cluster, "--usage", usage, "--time-zone", zone, "-o", "json")
        hours = json.loads(done.out)["containers"][0]["hours"]["workday"]
        found.append(hours.index(max(hours)))
    assert (found[1] - found[0]) % 24 == 8


def test_risk_and_price_move_the_request(yuheng, files):
    cluster, usage = files

    def minutes(*more):
        done = yuheng("rightsize", cluster, "--usage", usage, "-o", "json", *more)
        return json.loads(done.out)["containers"][0]["cpu"]["minutesAbove"]

    assert minutes("--price", "0.1") > minutes("--price", "100")
    assert minutes("--price", "0.1", "--risk", "0%") == 0
    for text in ("1%", "0.01"):
        assert (
            json.loads(yuheng("rightsize", cluster, "--usage", usage, "-o", "json", "--risk", text).out)["risk"] == 0.01
        )


def test_a_history_counts_from_its_end(yuheng, files):
    cluster, usage = files
    done = yuheng("rightsize", cluster, "--usage", usage, "--history", "3d", "-o", "json")
    assert json.loads(done.out)["containers"][0]["days"] == 3


WRONG = {
    "no usage": ((), "found neither --usage nor --prometheus, expected one of them"),
    "a price of nothing": (("--usage", "{usage}", "--price", "0"), "--price: found 0, expected a number above 0"),
    "a risk beyond all": (
        ("--usage", "{usage}", "--risk", "200%"),
        "--risk: found '200%', expected a share such as 1%",
    ),
    "a risk in words": (("--usage", "{usage}", "--risk", "low"), "--risk: found 'low', expected a share such as 1%"),
    "a risk for VPA": (("--usage", "{usage}", "-s", "vpa", "--risk", "1%"), "--risk: found it with --strategy vpa"),
    "no such zone": (
        ("--usage", "{usage}", "--time-zone", "Mars/Base"),
        "--time-zone: found 'Mars/Base', expected a name",
    ),
    "a path for a zone": (("--usage", "{usage}", "--time-zone", "../x"), "--time-zone: found '../x', expected a name"),
    "no history": (("--usage", "{usage}", "--history", "soon"), "--history: found 'soon', expected"),
    "no such file": (("--usage", "nowhere.csv"), "nowhere.csv"),
    "no place": (("--usage", "{usage}", "--out", "no/such/folder"), "--out no/such/folder: found no such folder"),
}


@pytest.mark.parametrize(("options", "message"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_used_is_one_line(yuheng, files, options, message):
    cluster, usage = files
    done = yuheng("rightsize", cluster, *(option.format(usage=usage) for option in options))
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1
