"""Usage files as matrices: every sample in its place, every cell as long as any other."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from yuheng.model.usage_matrices import PodContainer
from yuheng.readers.usage import open_usage
from yuheng.readers.usage.matrices import read_matrices

START = 1767225600.0


def written(folder, rows, name="usage.csv"):
    """A file of (time, pod, cpu, memory)."""
    path = folder / name
    lines = [f"{time},shop,{pod},main,{cpu},{memory}" for time, pod, cpu, memory in rows]
    path.write_text("\n".join(["timestamp,namespace,pod,container,cpu,memory", *lines]) + "\n")
    return path


def read(path, *further, **options):
    with open_usage([path, *further]) as usage:
        return read_matrices(usage, **options)


def test_rows_in_any_order_find_their_places(tmp_path):
    rows = [(START + 300 * n, pod, n + k, 100 * n) for n in range(600) for k, pod in enumerate(("a", "b"))]
    np.random.default_rng(1).shuffle(rows)
    found = read(written(tmp_path, rows))
    assert found.names == (PodContainer("shop", "a", "main"), PodContainer("shop", "b", "main"))
    assert (found.step, found.finest) == (300, 300)
    assert found.times[0] == START
    assert (found.cpu == np.array([np.arange(600), np.arange(600) + 1])).all()
    assert (found.memory == 100 * np.arange(600)).all()


def test_what_was_not_measured_is_nan(tmp_path):
    rows = [(START, "a", 1, ""), (START + 300, "a", "", 5), (START + 900, "a", 2, 6), (START + 1200, "a", 3, 7)]
    found = read(written(tmp_path, rows))
    assert np.array_equal(found.cpu, [[1, np.nan, np.nan, 2, 3]], equal_nan=True)
    assert np.array_equal(found.memory, [[np.nan, 5, np.nan, 6, 7]], equal_nan=True)


def test_a_clock_that_jitters_does_not_make_gaps(tmp_path):
    draws = np.random.default_rng(2)
    rows = [(START, "a", 1, 1)] + [(START + 300 * n + draws.uniform(-100, 100), "a", 1, 1) for n in range(1, 400)]
    found = read(written(tmp_path, rows))
    assert not np.isnan(found.cpu).any()


def test_the_highest_of_two_samples_in_a_cell_counts(tmp_path):
    rows = [(START + 60 * n, "a", n, n) for n in range(100)]
    found = read(written(tmp_path, rows), most_cells=21)
    assert (found.step, found.finest) == (300, 60)
    assert found.cpu.shape == (1, 21)
    assert found.cpu.max() == 99
    assert (np.diff(found.cpu[0]) == 5).sum() >= 18
    back = read(written(tmp_path, [(time, pod, 100 - cpu, 1) for time, pod, cpu, _ in rows]), most_cells=21)
    assert back.cpu.max() == 100


@pytest.mark.parametrize("most", [1, 7, 40, 10**9])
def test_no_more_rows_are_held_at_a_time_than_asked_for(tmp_path, monkeypatch, most):
    # Three containers, every five minutes and for an hour every 15 seconds, one row in disorder.
    often = [START + 3600 + 15 * n for n in range(240)]
    rows = [(time, pod, 1, 1) for time in [START + 300 * n for n in range(100)] + often for pod in "abc"]
    path = written(tmp_path, [*rows[200:], *rows[:200]])
    with open_usage([path]) as usage:
        whole, sizes, told = read_matrices(usage), [], []
        arrays = usage.arrays
        monkeypatch.setattr(usage, "arrays", lambda *asked: sizes.append(arrays(*asked)) or sizes[-1])
        found = read_matrices(usage, most_rows=most, progress=lambda *part: told.append(part))
    assert max(len(part["code"]) for part in sizes) <= max(most, 4 * 3 + 3)  # a minute is the least
    assert np.array_equal(found.cpu, whole.cpu, equal_nan=True)
    assert told == [(n + 1, len(sizes)) for n in range(len(sizes))]


def test_a_history_counts_back_from_the_last_sample(tmp_path):
    rows = [(START + 3600 * n, "a", n, n) for n in range(100)]
    found = read(written(tmp_path, rows), history=10 * 3600.0)
    assert found.cpu.tolist() == [list(range(89, 100))]
    gone = read(written(tmp_path, [*rows, (START - 3600 * 24 * 9, "old", 1, 1)]), history=10 * 3600.0)
    assert [name.pod for name in gone.names] == ["a"]


def test_several_files_are_one(tmp_path):
    first = written(tmp_path, [(START, "a", 1, 1), (START + 300, "a", 2, 1)])
    second = written(tmp_path, [(START + 600, "a", 3, 1)], "more.csv")
    assert read(first, second).cpu.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize("days", [1, 3])
def test_parquet_is_read_as_csv_is(tmp_path, days):
    rows = [(START + 300 * n, "a", n % 7, n) for n in range(288 * days)]
    path = written(tmp_path, rows)
    columnar = tmp_path / "usage.parquet"
    with duckdb.connect() as base:
        base.from_csv_auto(str(path)).write_parquet(str(columnar))
    one, other = read(path), read(columnar)
    assert (one.cpu == other.cpu).all()
    assert (one.memory == other.memory).all()
