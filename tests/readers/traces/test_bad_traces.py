"""What is wrong with a trace is said in one line: file, row and column, what was found and what was expected."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pytest
from made_traces import TIMES, always, columns, in_unit, written

from yuheng.errors import InputError, NotFoundError
from yuheng.readers.traces import Columns, read_trace

NAMED = columns(name="n", submit="s", start="b", finish="e")


def refusal(path: Path, mapping: Columns | None) -> str:
    with pytest.raises(InputError) as caught:
        read_trace(path, mapping)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(str(path))
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param("a,-1,2,3", "row 2: s: found '-1', expected a number of 0 or more", id="negative"),
        pytest.param("a,1,0.5,3", "row 2: b: found '0.5', expected a time not before submit", id="start"),
        pytest.param("a,1,2,1.5", "row 2: e: found '1.5', expected a time not before start", id="finish"),
        pytest.param("a,1,,0.5", "row 2: e: found '0.5', expected a time not before submit", id="finish, no start"),
        pytest.param("a,,2,3", "row 2: s: found nothing, expected a time", id="empty"),
        pytest.param("a,nan,2,3", "row 2: s: found 'nan', expected a time", id="nan"),
        pytest.param("a,inf,2,3", "row 2: s: found 'inf', expected a number", id="infinite"),
        pytest.param("a,1,soon,3", "row 2: b: found 'soon', expected a number", id="text"),
        pytest.param("a,1,2026-01-05T00:00:00Z,3", "row 2: b: found '2026-01-05T00:00:00Z', expected a nu", id="mixed"),
        pytest.param(",1,2,3", "row 2: n: found nothing, expected a name", id="no name"),
        pytest.param(
            "first,3.5,3.5,9",
            "row 2: found job 'first' a second time while it runs (the first: row 1), expected times that do not over",
            id="overlap",
        ),
        pytest.param("a,1e300,2,3", "row 2: s: found '1e300', expected a number of 0 or more", id="huge"),
    ],
)
def test_times(tmp_path: Path, row: str, message: str) -> None:
    assert refusal(written(tmp_path, "n,s,b,e", "first,0,1,4", row), NAMED).startswith(message)


@pytest.mark.parametrize("cell", ["soon", "inf", "1e999", "0x10", "1,5", "12:30"])
def test_what_is_no_number(tmp_path: Path, cell: str) -> None:
    path = written(tmp_path, "submit,duration", "0,1", f'0,"{cell}"')
    assert refusal(path, TIMES) == f"row 2: duration: found {cell!r}, expected a number"


def test_of_two_rows_that_overlap_the_later_one_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "n,s,b,e", "a,5,5,9", "b,0,0,9", "a,0,0,6", "a,20,20,")
    assert refusal(path, NAMED).startswith("row 1: found job 'a' a second time while it runs (the first: row 3)")


@pytest.mark.parametrize(
    ("field", "cell", "message"),
    [
        ("cpu", "-1", "x: found '-1', expected a number of 0 or more"),
        ("memory", "4Gi", "x: found '4Gi', expected a number"),
        ("gpu", "1.5", "x: found '1.5', expected a share of one GPU, or up to 1024 whole ones"),
        ("gpu", "5000", "x: found '5000', expected a share of one GPU"),
        ("pods", "0", "x: found '0', expected a whole number from 1 to 1000000"),
        ("pods", "1.5", "x: found '1.5', expected a whole number from 1"),
        ("minimum", "2", "x: found '2', expected no more than the job has pods"),
        ("minimum", "0", "x: found '0', expected a whole number of 1 or more"),
        ("minimum", "0.5", "x: found '0.5', expected a whole number of 1 or more"),
        ("priority", "1e12", "x: found '1e12', expected a whole number from -2147483648"),
        ("estimate", "-5", "x: found '-5', expected a number of 0 or more"),
        ("cpu_usage", "-5", "x: found '-5', expected a number of 0 or more"),
    ],
)
def test_amounts(tmp_path: Path, field: str, cell: str, message: str) -> None:
    mapping = columns(submit="submit", duration=always(1), **{field: "x"})
    path = written(tmp_path, "submit,x", "0,", f"0,{cell}")
    assert refusal(path, mapping).startswith(f"row 2: {message}")


def test_negative_and_missing_durations(tmp_path: Path) -> None:
    path = written(tmp_path, "submit,duration", "0,1", "0,-1")
    assert refusal(path, TIMES) == "row 2: duration: found '-1', expected a number of 0 or more"
    path = written(tmp_path, "submit,duration", "0,1", "0,")
    assert refusal(path, TIMES) == "row 2: duration: found nothing, expected a duration"


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        pytest.param(
            columns(submit="submit", duration="runtime"),
            "columns.duration: found the unknown column 'runtime' (did you mean run_time?), expected one of its "
            "columns: submit, run_time, when",
            id="unknown column",
        ),
        pytest.param(
            columns(submit="SUBMIT", duration="run_time"),
            "columns.submit: found the unknown column 'SUBMIT' (did you mean submit?), expected",
            id="case",
        ),
        pytest.param(columns(duration="run_time"), "columns.submit: found nothing, expected the col", id="submit"),
        pytest.param(columns(submit="submit"), "columns: found neither duration nor finish, expe", id="neither"),
        pytest.param(
            columns(submit="submit", finish="when"), "columns.finish: found timestamps, expected numbers, as in submit",
            id="clocks",
        ),
        pytest.param(
            columns(submit=in_unit("when", "ms"), duration="run_time"),
            "columns.submit.unit: found timestamps in the unit 'ms', expected no unit",
            id="unit of timestamps",
        ),
        pytest.param(
            columns(submit="submit", duration=in_unit("run_time", "days")),
            "columns.duration.unit: found 'days', expected one of s, ms, us, min, h",
            id="unknown unit",
        ),
        pytest.param(
            columns(submit="submit", duration="run_time", pods=in_unit("run_time", "s")),
            "columns.pods.unit: found 's', expected no unit",
            id="unit of a count",
        ),
        pytest.param(
            columns(submit="submit", duration=always("soon")),
            "columns.duration.value: found 'soon', expected a duration",
            id="value",
        ),
        pytest.param(
            columns(submit="submit", duration="run_time", pods=always(0)),
            "columns.pods.value: found 0, expected a whole number from 1",
            id="value out of bounds",
        ),
        pytest.param(None, "columns: found a trace that is not openb's, and no columns", id="no mapping"),
    ],
)  # fmt: skip
def test_mappings(tmp_path: Path, mapping: Columns | None, message: str) -> None:
    path = written(tmp_path, "submit,run_time,when", "0,1,2026-01-05T00:00:00Z")
    assert refusal(path, mapping).startswith(message)


def test_a_queue_is_told_by_one_key(tmp_path: Path) -> None:
    path = written(tmp_path, "submit,duration,q", "0,1,a")
    with pytest.raises(InputError, match=r"queueBy: found queueBy beside columns\.queue"):
        read_trace(path, columns(submit="submit", duration="duration", queue="q"), queue_by="q")


GZIP = gzip.compress(b"submit,duration\n" + b"1,2\n" * 10_000)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("a.csv", b"submit,duration\n", "found no rows, expected a trace of jobs", id="no rows"),
        pytest.param("a.csv", b"", "found an empty file, expected a trace in CSV or Parquet", id="empty"),
        pytest.param("a.csv", b"\n\n", "found no header", id="no header"),
        pytest.param("a.csv", b"submit,submit\n1,2\n", "found column 'submit' twice, expected each column", id="twice"),
        pytest.param("a.csv", b"submit,duration\n1,2\n1\n", "line 3: found 1 values, expected 2, as", id="short row"),
        pytest.param("a.csv", b"submit,duration\n1,2,3\n", "line 2: found 3 values, expected 2, as in", id="long row"),
        pytest.param("a.csv", b'submit,duration\n1,"2\n', "line 2: found a quote that is not closed", id="quote"),
        pytest.param("a.csv", b"submit,duration\n1,\xe9\n", "found what is not text in UTF-8", id="not UTF-8"),
        pytest.param(
            "a.csv", b"submit,duration\n" + b"1,2\n" * 300_000 + b"1,\xe9\n", "line 300002: found text that is not",
            id="not UTF-8, late",
        ),
        pytest.param("a.csv.gz", GZIP[:-20], "found a damaged gzip file", id="cut gzip"),
        pytest.param("a.parquet", b"submit,duration\n1,2\n", "found a file that does not begin as", id="no PAR1"),
        pytest.param("a.csv", b"PAR1 and nothing else", "found a damaged file", id="damaged Parquet"),
    ],
)  # fmt: skip
def test_files(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert refusal(path, TIMES).startswith(message)


def test_columns_of_other_types(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    duckdb.connect().execute(f"COPY (SELECT [1] AS submit, 2 AS duration) TO '{path}'")
    assert refusal(path, TIMES) == "submit: found a column of type INTEGER[], expected numbers, text or timestamps"


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nowhere\.csv: no such file"):
        read_trace(tmp_path / "nowhere.csv", TIMES)
    assert refusal(tmp_path, TIMES) == "found a folder, expected a trace in CSV or Parquet"
