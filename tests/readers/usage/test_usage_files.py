"""Usage files: what they may look like, and what is said of those that are broken."""

from __future__ import annotations

import gzip
import tempfile

import duckdb
import pytest

from yuheng.errors import InputError, NotFoundError
from yuheng.readers.usage import counters, open_usage

HEADER = "timestamp,namespace,pod,container,cpu,memory\n"
ROW = "2026-01-01T00:00:00Z,web,a,main,0.5,1024\n"
START = 1_767_225_600.0
GIB = 2**30


def written(folder, text, name="usage.csv"):
    path = folder / name
    path.write_text(text)
    return path


def told(*paths, columns="*"):
    with open_usage(paths) as usage:
        return usage.fetch(f"SELECT {columns} FROM usage ORDER BY ALL")  # noqa: S608


TIMES = {
    "ISO 8601": "2026-01-01T00:00:00Z",
    "with an offset": "2026-01-01T01:00:00+01:00",
    "without a zone": "2026-01-01 00:00:00",
    "seconds": "1767225600",
    "milliseconds": "1767225600000",
    "microseconds": "1767225600000000",
    "nanoseconds": "1767225600000000000",
}


@pytest.mark.parametrize("time", TIMES.values(), ids=TIMES)
def test_times_are_understood(tmp_path, time):
    path = written(tmp_path, f"time,ns,pod_name,cpu\n{time},web,a,0.5\n")
    assert told(path, columns="ts, namespace, pod, container, cpu, memory") == [(START, "web", "a", "", 0.5, None)]


NAMES = {
    "CPU-Milli": (500, 0.5, "cpu"),
    "cpu cores": (0.5, 0.5, "cpu"),
    "memory_mib": (1024, GIB, "memory"),
    "Memory.GiB": (1, GIB, "memory"),
    "gpu_percent": (50, 0.5, "gpu"),
    "internet_egress_bytes": (7, 7.0, "egress"),
}


@pytest.mark.parametrize("name", NAMES)
def test_columns_have_the_names_and_units_that_people_use(tmp_path, name):
    value, expected, column = NAMES[name]
    path = written(tmp_path, f"TS,Namespace,POD,{name},note\n0,web,a,{value},hello\n")
    assert told(path, columns=column) == [(expected,)]


def test_parquet_csv_and_folders_are_one_table(tmp_path):
    inner = tmp_path / "days" / "one"
    inner.mkdir(parents=True)
    duckdb.execute(
        f"COPY (SELECT TIMESTAMPTZ '2026-01-01T00:00:00Z' AS timestamp, 'web' AS namespace, 'b' AS pod, 'main' AS "
        f"container, 1::FLOAT AS cpu, 2::BIGINT AS memory, 0 AS gpu) TO '{inner}/b.parquet' (FORMAT parquet)"
    )
    (tmp_path / "days" / "a.csv.gz").write_bytes(gzip.compress((HEADER + ROW).encode()))
    written(tmp_path / "days", "not usage", "README.txt")
    single = written(tmp_path, f"{HEADER}{ROW}".replace(",a,", ",c,"))
    rows = told(tmp_path / "days", single, tmp_path / "us*.csv", columns="pod, ts, cpu, memory")
    assert rows == [("a", START, 0.5, 1024.0), ("b", START, 1.0, 2.0), ("c", START, 0.5, 1024.0)]


def test_a_counter_is_told_as_its_rate_and_its_resets_are_seen(tmp_path):
    """120, then 180 a minute later: one core. Then it begins anew and has 30: half a core since the reset."""
    values = ((0, 120), (60, 180), (120, 30), (180, 90))
    rows = "".join(f"{START + ts},web,a,main,{value}\n" for ts, value in values)
    path = written(tmp_path, "ts,namespace,pod,container,container_cpu_usage_seconds_total\n" + rows)
    assert told(path, columns="ts - 1767225600, cpu") == [(0, 1.0), (60, 0.5), (120, 1.0), (180, None)]


def test_the_folder_of_rates_is_removed(tmp_path):
    path = written(tmp_path, f"ts,namespace,pod,cpu_seconds_total\n{START},web,a,1\n")
    with open_usage([path]) as usage:
        (counters,) = usage._counters
        assert counters.folder.is_dir()
    assert not counters.folder.exists()


COUNTED = "ts,namespace,pod,container,cpu_seconds_total,memory\n" + "".join(
    f"{START + 60 * step},web,p{pod},main,{(pod + 1) * 60 * (step % 5)},{pod}\n"
    for step in range(20)
    for pod in range(9)
)


@pytest.mark.parametrize("at_once", [1, 7, 50])
def test_counters_that_do_not_fit_into_memory_are_told_as_those_that_do(tmp_path, monkeypatch, at_once):
    path = written(tmp_path, COUNTED)
    whole = told(path)
    monkeypatch.setattr(counters, "AT_ONCE", at_once)
    assert told(path) == whole
    assert len(whole) == 180


class Watched:
    """A database that remembers what it is asked."""

    def __init__(self, base):
        self.base, self.asked = base, []

    def execute(self, statement, *values):
        self.asked.append(statement)
        return self.base.execute(statement, *values)

    def sql(self, statement):
        self.asked.append(statement)
        return self.base.sql(statement)


def test_files_are_passed_over_as_often_however_many_rows_they_have(monkeypatch):
    base = Watched(duckdb.connect())
    base.base.execute(
        "CREATE TEMP VIEW file_0 AS SELECT t::DOUBLE AS ts, 'web' AS namespace, 'p' || p AS pod, 'main' AS container, "
        "'' AS node, '' AS cluster, t::DOUBLE AS cpu, 1.0 AS memory, NULL::DOUBLE AS gpu, 0.0 AS egress "
        "FROM range(50) AS a(t), range(10) AS b(p)"
    )
    monkeypatch.setattr(counters, "AT_ONCE", 20)
    found = counters.Counters(base, "file_0", ["cpu"], "usage.csv")
    assert base.base.execute(f"SELECT count(*), sum(cpu) FROM {found.relation}").fetchone() == (500, 490.0)  # noqa: S608
    assert sum(" FROM file_0" in statement for statement in base.asked) == 2  # counted, divided
    assert 1 < len(list(found.folder.glob("*.parquet"))) <= 10
    assert not list((found.folder / "divided").iterdir())
    found.close()


def test_a_broken_file_of_counters_leaves_nothing_behind(tmp_path, monkeypatch):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    path = written(tmp_path, f"ts,namespace,pod,cpu_seconds_total\n{START},web,a,1\n{START},web,a,1,too,many\n")
    with pytest.raises(InputError, match=r"usage\.csv"):
        open_usage([path])
    assert not list(place.iterdir())


@pytest.mark.parametrize("name", ["it's", 'a"b', "a;b--", "a[0]*?", "part=7"])
def test_a_folder_for_temporary_files_may_have_any_name(tmp_path, monkeypatch, name):
    place = tmp_path / name
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    path = written(tmp_path, COUNTED)
    whole = told(path)
    monkeypatch.setattr(counters, "AT_ONCE", 40)
    assert told(path) == whole


def test_a_clock_that_is_wrong_by_years_is_left_out_and_told(tmp_path):
    late = ROW.replace("2026", "2056")
    with open_usage([written(tmp_path, HEADER + ROW + ROW.replace("00:00:00", "00:01:00") + late)]) as usage:
        assert (usage.start, usage.last) == (START, START + 60)
        assert usage.fetch("SELECT count(*) FROM usage") == [(2,)]
        assert usage.notes == ["1 samples are left out: their times are more than 30 days from all others"]


def test_negative_amounts_count_as_not_measured(tmp_path):
    path = written(tmp_path, HEADER + ROW.replace("0.5", "-0.5") + ROW.replace("0.5", "NaN").replace(",a,", ",b,"))
    with open_usage([path]) as usage:
        assert usage.fetch("SELECT cpu, memory FROM usage") == [(None, 1024.0)] * 2
        assert usage.notes == ["2 samples of usage are negative or no number: they count as not measured"]


def test_the_pause_container_is_left_out(tmp_path):
    assert told(written(tmp_path, HEADER + ROW + ROW.replace("main", "POD")), columns="container") == [("main",)]


def broken_parquet(path, keep):
    duckdb.execute(
        f"COPY (SELECT range AS ts, 'web' AS namespace, 'a' AS pod, random() AS cpu FROM range(10000)) "  # noqa: S608
        f"TO '{path}' (FORMAT parquet)"
    )
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    return path


@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_a_truncated_parquet_file_is_told_in_one_line(tmp_path, keep):
    with pytest.raises(InputError) as error:
        open_usage([broken_parquet(tmp_path / "cut.parquet", keep)])
    text = str(error.value)
    assert "\n" not in text
    assert "cut.parquet: found a damaged file" in text
    assert "expected usage in Parquet or CSV" in text


BROKEN = {
    "no time": ("namespace,pod,cpu\nweb,a,1\n", "expected a column timestamp or ts"),
    "no amount": ("ts,namespace,pod\n0,web,a\n", "expected a column cpu, memory or gpu"),
    "twice": ("ts,time,namespace,pod,cpu\n0,0,web,a,1\n", "columns 'ts' and 'time', expected one column for ts"),
    "no number": (HEADER + ROW + ROW.replace("0.5", "half"), "line 3: cpu: found 'half', expected a number"),
    "no time in a row": (
        HEADER + ROW + ROW.replace("2026", "soon-"),
        "line 3: timestamp: found 'soon--01-01T00:00:00Z', expected a time",
    ),
    "nothing": (HEADER, "found no samples, expected usage in Parquet or CSV"),
    "a value less": (HEADER + ROW + "2026-01-01T00:00:00Z,web\n", "found 2 values"),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_files_are_told_in_one_line(tmp_path, text, message):
    with pytest.raises(InputError) as error:
        open_usage([written(tmp_path, text)])
    assert message in str(error.value)
    assert "usage.csv" in str(error.value)
    assert "\n" not in str(error.value)


LINES = 'ts,Namespace,POD Name,CPU cores\n\n0,web,a,1\n\n60,web,"a\nb",1\n120,web,a,lots\n'


@pytest.mark.parametrize("name", ["usage.csv", "usage.csv.gz", "it's [1]*.csv"])
def test_a_wrong_cell_is_where_a_person_finds_it(tmp_path, name):
    """Blank lines count as lines, a row may have several; the column is called as the file calls it."""
    path = tmp_path / name
    path.write_bytes(gzip.compress(LINES.encode()) if name.endswith("gz") else LINES.encode())
    with pytest.raises(InputError) as error:
        open_usage([path])
    assert str(error.value) == f"{path}: line 7: CPU cores: found 'lots', expected a number"


def test_the_first_of_several_wrong_cells_is_told(tmp_path):
    rows = "".join(f"{START + n},web,a,{'lots' if n >= 150_000 else 1}\n" for n in range(200_000))
    with pytest.raises(InputError, match=r"line 150002: cpu: found 'lots', expected a number"):
        open_usage([written(tmp_path, "ts,namespace,pod,cpu\n" + rows)])


def test_a_wrong_cell_of_parquet_is_told_by_its_row(tmp_path):
    path = tmp_path / "usage.parquet"
    with duckdb.connect() as base:
        base.sql(
            "SELECT n AS time, 'web' AS ns, 'a' AS pod, if(n = 3, 'x', '1') AS cpu_m FROM range(9) AS t(n)"
        ).to_parquet(str(path))
    with pytest.raises(InputError, match=r"usage\.parquet: row 4: cpu_m: found 'x', expected a number"):
        open_usage([path])


def test_files_that_are_not_there_are_told(tmp_path):
    with pytest.raises(NotFoundError, match="no such file"):
        open_usage([tmp_path / "usage.csv"])
    with pytest.raises(NotFoundError, match="no file fits this pattern"):
        open_usage([tmp_path / "*.parquet"])
    with pytest.raises(InputError, match="found a folder without"):
        open_usage([tmp_path])


def test_names_of_columns_and_files_are_no_sql(tmp_path):
    path = written(tmp_path, 'ts,namespace,pod,cpu,"x\'); DROP VIEW usage; --"\n0,web,a,1,2\n', "it's'); --.csv")
    assert told(path, columns="pod, cpu") == [("a", 1.0)]
