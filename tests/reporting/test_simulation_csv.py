"""A simulation as CSV: every value once, readable by any reader of CSV, nothing a spreadsheet would compute."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from made_simulations import arrival_sequence, hostile, over_time, simulations

from yuheng.reporting.simulation_csv import series_csv, simulation_csv, totals_csv
from yuheng.reporting.wording import printable

WRITERS = [simulation_csv, totals_csv, series_csv]


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_totals_are_a_row_each():
    made = over_time(seeds=2, points=3)
    text = totals_csv(made)
    assert text.splitlines()[:3] == ["policy,seed,measure,value", "fifo,1,jobs,12000", "fifo,1,finished,11990"]
    found = [(row["policy"], int(row["seed"]), row["measure"], float(row["value"])) for row in rows_of(text)]
    assert found == [(run.policy, run.seed, *pair) for run in made.runs for pair in run.totals.items()]


def test_series_are_a_row_a_point_and_measure():
    text = series_csv(arrival_sequence(seeds=1, policies={"fgd": (4.6, 4.5)}))
    rows = rows_of(text)
    assert len(rows) == 131 * 4
    assert text.splitlines()[:3] == [
        "policy,seed,t,measure,value",
        "fgd,42,0,arrived_gpu_percent,0",
        "fgd,42,0,allocated_gpu_percent,0",
    ]


def test_the_table_of_everything_says_what_each_row_is():
    made = over_time(seeds=1, points=4)
    rows = rows_of(simulation_csv(made))
    kinds = {row["kind"] for row in rows}
    assert kinds == {"total", "series", "queue"}
    assert sum(row["kind"] == "queue" for row in rows) == 4 * 3 * 2 * 4
    for row in rows:
        assert (row["t"] == "") == (row["kind"] == "total")
        assert (row["queue"] == "") == (row["kind"] != "queue")
    queue = next(row for row in rows if row["kind"] == "queue")
    assert (queue["queue"], queue["measure"], queue["t"]) == ("research", "allocated", "0")
    assert float(queue["value"]) == made.runs[0].queues[0].allocated[0]


@given(simulations())
def test_every_value_of_any_simulation_survives(made):
    rows = rows_of(simulation_csv(made))
    totals = [float(row["value"]) for row in rows if row["kind"] == "total"]
    assert totals == [value for run in made.runs for value in run.totals.values()]
    points = [(float(row["t"]), float(row["value"])) for row in rows if row["kind"] == "series"]
    assert points == [(point["t"], point["running_jobs"]) for run in made.runs for point in run.series]


@pytest.mark.parametrize("write", WRITERS)
def test_no_cell_is_a_formula_or_leaves_its_line(write):
    text = write(hostile())
    assert text.replace("\n", "").isprintable()
    assert len(text.splitlines()) == len(rows_of(text)) + 1
    for row in rows_of(text):
        for title, cell in row.items():
            assert title in ("seed", "t", "value") or not cell.startswith(("=", "+", "-", "@", "\t"))


def test_a_name_that_only_looks_odd_is_kept():
    [name] = {row["policy"] for row in rows_of(totals_csv(hostile()))} - {
        "'" + printable(hostile().scenario["policies"][1])
    }
    assert name == printable(hostile().scenario["policies"][0])
