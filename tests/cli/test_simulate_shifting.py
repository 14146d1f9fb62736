"""`yuheng simulate` of a scenario of kind ``shifting``: read, run, printed in every format."""

from __future__ import annotations

import csv
import io
import json

import pytest

SCENARIO = """
kind: shifting
carbon: [{at: "2026-01-05T00:00:00Z", value: 400}, {at: "2026-01-05T12:00:00Z", value: 100}]
jobs: [{name: train, issued: "2026-01-06T09:00:00Z", duration: 6h}]
power: 2000
after: 6h
seeds: 1-2
outputs: [{format: html, path: page.html}]
"""


@pytest.fixture
def simulate(yuheng, tmp_path, monkeypatch):
    """Simulate the scenario with these options."""
    (tmp_path / "shift.yaml").write_text(SCENARIO)
    monkeypatch.chdir(tmp_path)
    return lambda *options: yuheng("simulate", "shift.yaml", *options)


def test_the_numbers_are_those_of_counting(simulate):
    done = simulate("-o", "json")
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert (found["kind"], found["scenario"]["name"]) == ("Simulation", "shift")
    totals = {(run["policy"], run["seed"]): run["totals"] for run in found["runs"]}
    assert sorted(totals) == [(policy, seed) for policy in ("as-issued", "parts", "whole") for seed in (1, 2)]
    # Three hours at 400 and three at 100 grams per kWh, each of 2 kWh; all six at 100 from noon on.
    assert totals["as-issued", 1]["carbon_kg"] == pytest.approx(3.0)
    assert totals["whole", 1]["carbon_kg"] == pytest.approx(1.2)
    assert totals["whole", 1]["carbon_saved_percent"] == pytest.approx(60.0)
    assert totals["whole", 1]["pending_seconds_mean"] == 3 * 3600


def test_every_format_is_printed(simulate, tmp_path):
    assert "CARBON SAVED" in simulate().out
    assert "Differences to parts" in simulate("-p", "parts", "-p", "as-issued", "--seeds", "7").out
    rows = list(csv.DictReader(io.StringIO(simulate("-o", "csv").out)))
    assert {row["measure"] for row in rows} >= {"carbon_kg", "running_jobs"}
    assert "carbon saved" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-p", "fgd"), "--policy: found 'fgd', expected one of as-issued, whole, parts, omniscient"),
        (("--runs", "kept"), "--runs: found a scenario of kind shifting"),
        (("--workers", "2"), "--workers: found a scenario of kind shifting"),
    ],
)
def test_options_that_cannot_be_used(simulate, options, message):
    done = simulate(*options)
    assert done.code == 2
    assert done.err.startswith(f"yuheng: {message}")
    assert done.err.count("\n") == 1


def test_a_kind_that_is_not_known(yuheng, tmp_path):
    (tmp_path / "shift.yaml").write_text("kind: shifted\n")
    done = yuheng("simulate", tmp_path / "shift.yaml")
    assert (done.code, done.out) == (2, "")
    assert "kind: found 'shifted', expected" in done.err
    assert "shifting" in done.err
