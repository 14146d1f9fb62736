"""``prices`` and ``budget`` on the command line: what they print, their exit codes, one line for what is wrong."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from yuheng.cli import spending
from yuheng.readers.usage import sums

BOOK = "provider,region,instance_type,currency,price_per_hour\naws,r,m.large,USD,0.5\n"
NODES = {
    "kind": "List",
    "items": [
        {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {
                "name": name,
                "labels": {"node.kubernetes.io/instance-type": kind, "topology.kubernetes.io/region": "r"},
            },
            "status": {"allocatable": {"cpu": "2", "memory": "8Gi", "pods": "10"}},
        }
        for name, kind in (("a", "m.large"), ("b", "m.huge"))
    ]
    + [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p", "namespace": "shop", "creationTimestamp": "2026-02-01T00:00:00Z"},
            "spec": {"nodeName": "a", "containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]},
            "status": {"phase": "Running", "startTime": "2026-01-01T00:00:00Z"},
        }
    ],
}
BUDGETS = """
apiVersion: yuheng.io/v1alpha1
kind: Budget
metadata: {name: shop}
spec: {monthly: 100, selector: {namespace: shop}}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "cluster.json").write_text(json.dumps(NODES))
    (tmp_path / "book.csv").write_text(BOOK)
    (tmp_path / "budgets.yaml").write_text(BUDGETS)
    days = [f"2026-01-{day:02},shop,USD,{3 if day < 31 else 4}\n" for day in range(1, 32)]
    days += [f"2026-02-{day:02},shop,USD,3\n" for day in range(1, 11)]
    (tmp_path / "costs.csv").write_text("date,namespace,currency,cost\n" + "".join(days))
    return tmp_path


def test_each_node_is_priced_and_the_one_without_is_told(yuheng, folder):
    done = yuheng("prices", folder / "cluster.json", "--prices", folder / "book.csv", "-o", "json")
    found = json.loads(done.out)
    assert done.code == 0
    a, b = found["nodes"]
    assert (a["perHour"], a["price"]["instanceType"]) == (0.5, "m.large")
    assert (b["price"], b["why"]) == (None, "by rates: no price of m.huge on-demand in r")
    assert (found["summary"]["unpriced"], found["time"]) == (1, "2026-02-01T00:00:00Z")
    assert found["warnings"] == ["node b: priced by rates: no price of m.huge on-demand in r"]


@pytest.mark.parametrize("form", ["table", "wide", "yaml", "csv"])
def test_a_price_list_has_every_form(yuheng, folder, form):
    done = yuheng("prices", folder / "cluster.json", "--prices", folder / "book.csv", "-o", form)
    assert (done.code, done.err) == (0, "")
    assert "m.large" in done.out


def test_region_and_provider_may_be_told(yuheng, folder):
    bare = json.loads((folder / "cluster.json").read_text())
    bare["items"][0]["metadata"]["labels"].pop("topology.kubernetes.io/region")
    (folder / "bare.json").write_text(json.dumps(bare))
    arguments = ("prices", folder / "bare.json", "--prices", folder / "book.csv", "-o", "csv")
    without, with_ = (
        next(csv.DictReader(io.StringIO(yuheng(*arguments, *more).out)))
        for more in ((), ("--region", "r", "--provider", "aws"))
    )
    assert (without["has_price"], with_["has_price"]) == ("0", "1")


def test_two_prices_of_one_node_are_told(yuheng, folder):
    (folder / "other.csv").write_text(BOOK.replace("0.5", "0.7"))
    done = yuheng("prices", folder / "cluster.json", "--prices", folder / "book.csv", "--prices", folder / "other.csv")
    assert "node a: 2 prices match m.large on-demand in r: $0.7 an hour of aws counts, not 0.5 of aws" in done.out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (BOOK.replace("USD", "EUR"), "line 2: currency: found prices in EUR, expected USD, or a rate of EUR"),
        (BOOK + "aws,r,x,,1\n", "line 3: currency: found nothing, expected a currency's three letters"),
        ("a,b\n1,2\n", "found the columns a, b, expected a price book in CSV"),
    ],
)
def test_a_book_that_cannot_be_used_is_one_line_and_exit_code_2(yuheng, folder, text, words):
    (folder / "book.csv").write_text(text)
    done = yuheng("prices", folder / "cluster.json", "--prices", folder / "book.csv")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert words in done.err


def test_a_fleet_is_priced_cluster_by_cluster(yuheng, fleet):
    found = json.loads(yuheng("prices", fleet, "-o", "json").out)
    assert len({node["cluster"] for node in found["nodes"]}) > 1
    assert found["summary"]["perHour"] == pytest.approx(sum(node["perHour"] for node in found["nodes"]))


def test_what_a_book_does_not_price_has_the_price_of_the_fleet(yuheng, fleet, folder):
    before = {node["node"]: node for node in json.loads(yuheng("prices", fleet, "-o", "json").out)["nodes"]}
    kind = next(node["instanceType"] for node in before.values() if node["price"])
    (folder / "own.csv").write_text(f"instance_type,currency,price_per_hour\n{kind},USD,77\n")
    given = ("--prices", folder / "own.csv", "-o", "json")
    after = {node["node"]: node for node in json.loads(yuheng("prices", fleet, *given).out)["nodes"]}
    assert {node["perHour"] for node in after.values() if node["instanceType"] == kind} == {77.0}
    others = [name for name, node in before.items() if node["instanceType"] != kind and node["price"]]
    assert others
    assert all(after[name]["perHour"] == before[name]["perHour"] for name in others)
    total = sum(node["perHour"] for node in after.values())
    assert json.loads(yuheng("cost", fleet, *given).out)["nodes"] == pytest.approx(total)


def test_rates_that_are_given_count_before_those_of_the_fleet(yuheng, folder):
    head = "{apiVersion: yuheng.io/v1alpha1, kind: Fleet, metadata: {name: f}, spec: {rates: {cpu: %s, memory: 0}}}\n"
    cluster = "{apiVersion: yuheng.io/v1alpha1, kind: Cluster, metadata: {name: c}, spec: {manifests: cluster.json}}\n"
    (folder / "fleet.yaml").write_text(f"{head % 1}---\n{cluster}")
    (folder / "rates.yaml").write_text(head % 3)
    for given, total in (((), 4.0), (("--prices", folder / "rates.yaml"), 12.0)):
        asked = (folder / "fleet.yaml", *given, "-o", "json")
        assert json.loads(yuheng("prices", *asked).out)["summary"]["perHour"] == pytest.approx(total)
        assert json.loads(yuheng("cost", *asked).out)["nodes"] == pytest.approx(total)


def budget(yuheng, folder, *more):
    return yuheng("budget", "--budgets", folder / "budgets.yaml", "--costs", folder / "costs.csv", *more)


def test_a_budget_that_is_kept_is_exit_code_0(yuheng, folder):
    done = budget(yuheng, folder, "-o", "json")
    (found,) = json.loads(done.out)["budgets"]
    assert done.code == 0
    assert (found["spent"], found["state"]) == (30.0, "within")
    assert found["forecast"]["expected"] == pytest.approx(84, abs=1)
    assert [alert["threshold"] for alert in found["alerts"]] == [0.8, 0.5]


@pytest.mark.parametrize(
    ("limit", "strict", "code"),
    [
        (29, "spent", 4),
        (60, "spent", 0),
        (60, "forecast", 4),
        (60, "alarm", 4),
        (100, "forecast", 0),
        (100, "alarm", 0),
    ],
)
def test_a_budget_that_is_exceeded_is_exit_code_4(yuheng, folder, limit, strict, code):
    (folder / "budgets.yaml").write_text(BUDGETS.replace("100", str(limit)))
    assert budget(yuheng, folder, "--strict", strict).code == code


def test_spend_that_runs_away_is_exit_code_4_where_that_was_asked_for(yuheng, folder):
    text = (folder / "costs.csv").read_text().replace("2026-02-10,shop,USD,3", "2026-02-10,shop,USD,60")
    (folder / "costs.csv").write_text(text)
    (folder / "budgets.yaml").write_text(BUDGETS.replace("100", "1000"))
    assert budget(yuheng, folder).code == 0
    done = budget(yuheng, folder, "--strict", "alarm")
    assert done.code == 4
    assert "Spend has run away" in done.out


@pytest.mark.parametrize("form", ["table", "wide", "yaml", "csv"])
def test_budgets_have_every_form(yuheng, folder, form):
    done = budget(yuheng, folder, "-o", form)
    assert (done.code, done.err) == (0, "")
    assert "shop" in done.out


def test_without_usage_costs_are_what_is_requested_since_the_month_began(yuheng, folder):
    done = yuheng(
        "budget", folder / "cluster.json", "--prices", folder / "book.csv", "--budgets", folder / "budgets.yaml",
        "--now", "2026-02-11T12:00:00Z", "-o", "json",
    )  # fmt: skip
    found = json.loads(done.out)
    (one,) = found["budgets"]
    # A core of the two, of a node whose price is split by the default rates.
    core = 0.5 * 0.031611 / (2 * 0.031611 + 8 * 0.004237)
    assert one["spent"] == pytest.approx(core * 24 * 10.5, rel=1e-6)
    assert one["forecast"]["expected"] == pytest.approx(core * 24 * 28, rel=1e-6)
    assert any("no usage is known" in warning for warning in found["warnings"])


def test_what_yuheng_cost_prints_is_a_table_of_costs(yuheng, folder):
    window = ("--window", "2026-02-01,2026-02-11", "--every", "day")
    for form in ("json", "csv"):
        path = folder / f"found.{form}"
        arguments = (
            "cost",
            folder / "cluster.json",
            "--prices",
            folder / "book.csv",
            *window,
            "-o",
            form,
            "--out",
            path,
        )
        assert yuheng(*arguments).code == 0
        done = yuheng("budget", "--budgets", folder / "budgets.yaml", "--costs", path, "-o", "json")
        core = 0.5 * 0.031611 / (2 * 0.031611 + 8 * 0.004237)
        assert json.loads(done.out)["budgets"][0]["spent"] == pytest.approx(core * 240, rel=1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "found neither INPUT nor --costs"),
        (("cluster.json", "--costs", "costs.csv"), "found both, expected one of them"),
        (("--costs", "costs.csv", "--usage", "costs.csv"), "expected usage with INPUT only"),
        (("--costs", "gone.csv"), "gone.csv"),
        (("--costs", "book.csv"), "a table of costs"),
    ],
)
def test_what_cannot_be_asked_is_one_line_and_exit_code_2(yuheng, folder, monkeypatch, arguments, words):
    monkeypatch.chdir(folder)
    done = yuheng("budget", "--budgets", "budgets.yaml", *arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert words in done.err


def test_a_column_of_a_bill_cannot_be_asked_of_a_cluster(yuheng, folder):
    (folder / "budgets.yaml").write_text(BUDGETS.replace("namespace: shop", "columns: {ServiceName: S3}"))
    done = yuheng("budget", folder / "cluster.json", "--budgets", folder / "budgets.yaml")
    assert done.code == 2
    assert "Budget shop: found column ServiceName, expected --costs" in done.err


@pytest.fixture
def usage(folder):
    """Usage of the pod over ten days, by the hour, that jumps to both cores of its node in the last three."""
    first = datetime(2026, 2, 1, tzinfo=UTC)
    rows = [
        f"{(first + timedelta(hours=hour)).isoformat()},shop,p,c,{2.0 if hour >= 237 else 0.5},0" for hour in range(240)
    ]
    (folder / "usage.csv").write_text("\n".join(["timestamp,namespace,pod,container,cpu,memory", *rows]) + "\n")
    return folder / "usage.csv"


@pytest.mark.parametrize(("cells", "hours"), [(10_000, 3.0), (100, 24.0)])
def test_with_usage_a_small_cluster_is_looked_at_by_the_hour(yuheng, folder, usage, monkeypatch, cells, hours):
    monkeypatch.setattr(spending, "MOST_CELLS", cells)
    alarm = "{monthly: 100, rateAlarm: {factor: 1.01, least: 0.001, hours: 3}"
    (folder / "budgets.yaml").write_text(BUDGETS.replace("{monthly: 100", alarm))
    done = yuheng(
        "budget", folder / "cluster.json", "--prices", folder / "book.csv", "--budgets", folder / "budgets.yaml",
        "--usage", usage, "-o", "json",
    )  # fmt: skip
    (one,) = json.loads(done.out)["budgets"]
    core = 0.5 * 0.031611 / (2 * 0.031611 + 8 * 0.004237)
    assert one["spent"] == pytest.approx(core * (237 + 2 * 3), rel=1e-6)
    assert one["ratePerHour"] == pytest.approx(core * (2 if hours == 3 else (21 + 6) / 24), rel=1e-6)
    assert one["usualRatePerHour"] == pytest.approx(core, rel=1e-6)
    assert (one["alarm"] or {"hours": hours})["hours"] == hours


def test_usage_of_more_hours_than_are_told_one_by_one_is_looked_at_by_the_day(yuheng, folder):
    first = datetime(2024, 12, 8, tzinfo=UTC)
    rows = [f"{(first + timedelta(days=day)).isoformat()},shop,p,c,0.5,0" for day in range(430)]
    (folder / "usage.csv").write_text("\n".join(["timestamp,namespace,pod,container,cpu,memory", *rows]) + "\n")
    options = ("--prices", folder / "book.csv", "--budgets", folder / "budgets.yaml", "--usage", folder / "usage.csv")
    done = yuheng("budget", folder / "cluster.json", *options, "-o", "json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["budgets"][0]["spent"] > 0


def test_usage_is_summed_once_whatever_the_stretches_are(yuheng, folder, usage, monkeypatch):
    summed, calls = sums.summed, []
    monkeypatch.setattr(sums, "summed", lambda *given: calls.append(given) or summed(*given))
    for every in ((), ("--every", "day"), ("--every", "hour")):
        calls.clear()
        done = yuheng(
            "budget", folder / "cluster.json", "--prices", folder / "book.csv", "--budgets", folder / "budgets.yaml",
            "--usage", usage, *every,
        )  # fmt: skip
        assert (done.code, len(calls)) == (0, 1), done.err
