"""`yuheng simulate` with scenarios of kind ``deadline``."""

from __future__ import annotations

import csv
import io
import json

import pytest

TRACE = json.dumps({"metadata": {"gap_seconds": 600}, "data": [1, 1, 1, 1, 0, 0, 1, 0] * 30})
SCENARIO = """
kind: deadline
work: 4h
jobFraction: [0.8, 0.5]
changeOver: 10m
prices: {onDemand: 3, spot: 1}
zones: [{trace: a.json}, {trace: b.json, egress: 0.01}]
starts: 12
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Two traces and a scenario."""
    (tmp_path / "a.json").write_text(TRACE)
    (tmp_path / "b.json").write_text(TRACE.replace("1, 1, 1, 1, 0, 0, 1, 0", "0, 0, 0, 0, 1, 1, 0, 1"))
    (tmp_path / "late.yaml").write_text(SCENARIO)
    (tmp_path / "all.yaml").write_text(SCENARIO + "candidates: all\n")
    monkeypatch.chdir(tmp_path)


def totals(yuheng, *arguments):
    done = yuheng("simulate", *arguments, "-o", "json")
    assert (done.code, done.err) == (0, "")
    return {(run["policy"], run["seed"]): run["totals"] for run in json.loads(done.out)["runs"]}


def test_every_policy_runs_with_every_deadline_from_every_start(yuheng):
    found = totals(yuheng, "late.yaml")
    assert len(found) == 6 * 2 * 12
    assert all(total["missed_deadlines"] == 0 for total in found.values())
    assert {policy for policy, _ in found} >= {"on-demand 0.8", "yuheng 0.5", "omniscient 0.8"}
    for (policy, start), total in found.items():
        bound = found["omniscient " + policy.rpartition(" ")[2], start]
        assert total["cost_usd"] >= bound["cost_usd"] - 1e-9
        assert total["savings_percent"] == pytest.approx(100 * (1 - total["cost_usd"] / 12))


def test_the_table_compares_with_the_first_policy(yuheng):
    done = yuheng("simulate", "late.yaml", "-p", "uniform-progress", "-p", "yuheng")
    assert done.code == 0
    assert "late: 2 policies at 2 job fractions, 12 starts, 48 runs" in done.out
    assert "Differences to uniform-progress 0.8, paired by start" in done.out
    assert "interval over starts" in done.out


def test_policies_and_seeds_can_be_chosen(yuheng):
    found = totals(yuheng, "late.yaml", "-p", "greedy", "--seeds", "3-4")
    assert len(found) == 2 * 24
    assert found == totals(yuheng, "late.yaml", "-p", "greedy", "--seeds", "3-4")


def test_with_all_zones_a_job_may_move(yuheng):
    found = totals(yuheng, "all.yaml", "-p", "greedy")
    assert sum(total["moves"] for total in found.values()) > 0
    for total in found.values():
        assert total["egress_usd"] <= 0.01 * total["moves"] + 1e-12


def test_csv_and_the_page_are_written(yuheng):
    rows = list(csv.DictReader(io.StringIO(yuheng("simulate", "late.yaml", "-o", "csv").out)))
    assert {row["measure"] for row in rows} >= {"savings_percent", "spot_hours", "cost_so_far_usd"}
    page = yuheng("simulate", "late.yaml", "-o", "html").out
    assert "yuheng 0.5" in page
    assert "cost saved" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-p", "fgd"), "--policy: found 'fgd', expected one of on-demand, greedy"),
        (("-p", "greedy", "-p", "greedy"), "--policy: found greedy twice, expected each policy once"),
        (("--workers", 2), "--workers: found a scenario of kind deadline"),
        (("--runs", "here"), "--runs: found a scenario of kind deadline"),
        (("--fresh",), "--fresh: found a scenario of kind deadline"),
        (("--engine", "ray"), "--engine: found a scenario of kind deadline"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(yuheng, arguments, message):
    done = yuheng("simulate", "late.yaml", *arguments)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
