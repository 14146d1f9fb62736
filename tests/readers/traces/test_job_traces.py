"""Traces of jobs in CSV and Parquet, with their columns mapped."""

from __future__ import annotations

import gzip
import math
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_traces import TIMES, always, columns, in_unit, written

from yuheng.errors import NotFoundError
from yuheng.model.pod import DeviceRequest
from yuheng.model.workload import Workload
from yuheng.readers.traces import Rounding, read_trace


def pods_of(workload: Workload) -> list:
    return [workload.templates[template] for template in workload.template]


def test_jobs_come_in_the_order_of_submission_the_first_at_0(tmp_path: Path) -> None:
    path = written(tmp_path, "id,t,d", "c,30,1", "a,10,2", "b,30,3", "d,20.5,4")
    found = read_trace(path, columns(name="id", submit="t", duration="d"))
    assert found.names == ["a", "d", "c", "b"]
    assert found.submit.tolist() == [0, 10.5, 20, 20]
    assert found.duration.tolist() == [2, 4, 1, 3]
    assert (found.epoch, found.warnings, found.usage) == (None, (), {})


def test_jobs_without_names_are_numbered(tmp_path: Path) -> None:
    found = read_trace(written(tmp_path, "submit,duration", "1,2", "2,2"), TIMES)
    assert found.name(1) == "job-0000001"


@pytest.mark.parametrize(
    ("mapping", "durations", "warnings"),
    [
        ({"duration": "d"}, [5, 6, 7], 0),
        ({"start": "b", "finish": "e"}, [20, 40, math.inf], 2),
        ({"finish": "e"}, [30, 40, math.inf], 1),
        ({"duration": "d", "finish": "e", "start": "b"}, [5, 6, 7], 0),
        ({"duration": always("2h")}, [7200, 7200, 7200], 0),
        ({"duration": always(2, "min")}, [120, 120, 120], 0),
    ],
)
def test_durations(tmp_path: Path, mapping: dict, durations: list[float], warnings: int) -> None:
    path = written(tmp_path, "s,b,e,d", "0,10,30,5", "0,,40,6", "0,1,,7")
    found = read_trace(path, columns(submit="s", **mapping))
    assert found.duration.tolist() == durations
    assert len(found.warnings) == warnings


def test_what_is_assumed_of_missing_times_is_said_once(tmp_path: Path) -> None:
    path = written(tmp_path, "s,b,e", "0,,30", "0,,40", "0,1,")
    assert read_trace(path, columns(submit="s", start="b", finish="e")).warnings == (
        "1 of 3 jobs have no time of finish: they never end",
        "2 of 3 jobs never started: they are taken to run from their submission to their end",
    )


def test_units(tmp_path: Path) -> None:
    path = written(tmp_path, "t,d,c,m,g,u", "60000,1.5,500,2,50,25")
    mapping = columns(
        submit=in_unit("t", "ms"),
        duration=in_unit("d", "h"),
        cpu=in_unit("c", "milli"),
        memory=in_unit("m", "GiB"),
        gpu=in_unit("g", "percent"),
        gpu_usage=in_unit("u", "percent"),
        cpu_usage=in_unit("u", "cores"),
        memory_usage=in_unit("u", "kB"),
        estimate=in_unit("d", "min"),
    )
    found = read_trace(path, mapping)
    (pod,) = pods_of(found)
    assert found.duration.tolist() == [5400]
    assert found.estimate.tolist() == [90]
    assert pod.spec.requests == {"cpu": 500, "memory": 2 * 2**30}
    assert pod.spec.devices == DeviceRequest(count=1, milli=500)
    assert {name: values.tolist() for name, values in found.usage.items()} == {
        "cpu": [25000],
        "memory": [25000],
        "gpu": [250],
    }


@pytest.mark.parametrize(
    ("cell", "devices"),
    [
        ("", DeviceRequest()),
        ("0", DeviceRequest()),
        ("0.25", DeviceRequest(count=1, milli=250, models=("A", "B"))),
        ("0.3333", DeviceRequest(count=1, milli=334, models=("A", "B"))),
        ("1", DeviceRequest(count=1, models=("A", "B"))),
        ("8.0", DeviceRequest(count=8, models=("A", "B"))),
    ],
)
def test_gpus_below_one_are_a_share(tmp_path: Path, cell: str, devices: DeviceRequest) -> None:
    path = written(tmp_path, "s,g,m", f"0,{cell},A|B")
    found = read_trace(path, columns(submit="s", duration=always(1), gpu="g", gpu_model="m"))
    assert found.templates[0].spec.devices == devices


def test_what_a_cell_does_not_say(tmp_path: Path) -> None:
    path = written(tmp_path, "submit,duration,x", "0,1,", "0,1,nan")
    fields = ("cpu", "memory", "queue", "namespace", "priority", "estimate", "cpu_usage")
    mapping = columns(
        submit="submit", duration="duration", **dict.fromkeys(fields[:2], "x"), priority="x", estimate="x"
    )
    found = read_trace(path, mapping)
    (pod,) = found.templates
    assert (pod.spec.requests, pod.queue, pod.namespace, pod.priority) == ({}, "", "default", 0)
    assert np.isnan(found.estimate).all()
    assert (found.pods.tolist(), found.minimum.tolist()) == ([1, 1], [1, 1])


@pytest.mark.parametrize(
    ("mapping", "minimum"),
    [({}, [4, 2]), ({"minimum": "m"}, [3, 2]), ({"minimum": always(1)}, [1, 1])],
    ids=["all", "as written", "no gang"],
)
def test_gangs(tmp_path: Path, mapping: dict, minimum: list[int]) -> None:
    path = written(tmp_path, "submit,duration,n,m", "0,1,4,3", "0,1,2,")
    found = read_trace(path, columns(submit="submit", duration="duration", pods="n", **mapping))
    assert (found.pods.tolist(), found.minimum.tolist()) == ([4, 2], minimum)


def test_names_of_things_and_priorities(tmp_path: Path) -> None:
    path = written(tmp_path, "s,q,n,p", "0,research,team-a,-5", "0,,,", '0,"a, b",team-a,7')
    found = read_trace(path, columns(submit="s", duration=always(1), queue="q", namespace="n", priority="p"))
    told = [(pod.queue, pod.namespace, pod.priority) for pod in pods_of(found)]
    assert told == [("research", "team-a", -5), ("", "default", 0), ("a, b", "team-a", 7)]


def test_values_for_all_rows(tmp_path: Path) -> None:
    mapping = columns(
        submit="s",
        duration=always("90s"),
        cpu=always("1500m"),
        memory=always(4, "GiB"),
        gpu=always(0.5),
        queue=always("batch"),
        priority=always(-3),
        gpu_model=always("T4"),
        pods=always(2),
    )
    found = read_trace(written(tmp_path, "s", "0", "1"), mapping)
    (pod,) = found.templates
    assert (pod.spec.requests, pod.queue, pod.priority) == ({"cpu": 1500, "memory": 2**32}, "batch", -3)
    assert pod.spec.devices == DeviceRequest(count=1, milli=500, models=("T4",))
    assert found.pods.tolist() == [2, 2]


def test_equal_requests_share_a_template_and_rounding_makes_more_of_them_equal(tmp_path: Path) -> None:
    path = written(tmp_path, "submit,duration,c", *(f"0,1,{1 + row / 1000}" for row in range(100)))
    mapping = columns(submit="submit", duration="duration", cpu="c")
    assert len(read_trace(path, mapping).templates) == 100
    rounded = read_trace(path, mapping, rounding=Rounding(cpu=50))
    assert [pod.spec.requests["cpu"] for pod in rounded.templates] == [1000, 1050, 1100]


def test_very_many_different_requests_are_warned_of(tmp_path: Path) -> None:
    path = written(tmp_path, "submit,duration,c", *(f"0,1,{row}" for row in range(10_001)))
    (warning,) = read_trace(path, columns(submit="submit", duration="duration", cpu="c")).warnings
    assert warning.startswith("the jobs ask for 10001 different things")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2026-01-05T00:00:00Z", "2026-01-05T00:01:00.5Z"),
        ("2026-01-05 00:00:00", "2026-01-05 00:01:00.5"),
        ("2026-01-05T02:00:00+02:00", "2026-01-05T00:01:00.5+00:00"),
    ],
)
def test_timestamps_fill_the_epoch_wherever_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: str, second: str
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    path = written(tmp_path, "s,e", f"{second},2026-01-05T01:00:00Z", f"{first},")
    found = read_trace(path, columns(submit="s", finish="e"))
    assert (found.epoch, found.submit.tolist()) == (1767571200.0, [0, 60.5])
    assert found.duration.tolist() == [math.inf, 3539.5]


def test_a_job_that_runs_again_gets_a_number(tmp_path: Path) -> None:
    path = written(tmp_path, "n,s,d", "a,0,5", "a,5,5", "a-2,0,1", "b,0,1", "a,20,5")
    found = read_trace(path, columns(name="n", submit="s", duration="d"))
    assert sorted(found.names) == ["a", "a-2", "a-3", "a-4", "b"]
    assert found.warnings == ("2 jobs have the name of an earlier one: they get a number behind it",)


def test_without_a_clock_no_times_are_needed(tmp_path: Path) -> None:
    found = read_trace(written(tmp_path, "n,c", "b,2", "a,1", "a,3"), columns(name="n", cpu="c"), timed=False)
    assert (found.names, found.submit.tolist()) == (["b", "a", "a-2"], [0, 1, 2])
    assert np.isinf(found.duration).all()


@pytest.mark.parametrize("name", ["jobs.csv", "jobs.csv.gz", "jobs", "a=1 [x]*.csv"])
def test_csv_files(tmp_path: Path, name: str) -> None:
    text = '\ufeff"sub, mit",du"ration\r\n 1 ,2\r\n3,"4"\r\n'.encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    found = read_trace(path, columns(submit="sub, mit", duration='du"ration'))
    assert (found.submit.tolist(), found.duration.tolist()) == ([0, 2], [2, 4])


def test_paths_are_no_patterns(tmp_path: Path) -> None:
    """DuckDB would take ``[x]`` for an x, and a folder ``submit=1`` for a column."""
    folder = tmp_path / "submit=1"
    folder.mkdir()
    for duration, name in enumerate(("x.parquet", "[x].parquet"), 1):
        query = f"SELECT 2 AS submit, {duration} AS duration"
        duckdb.connect().execute(f"COPY ({query}) TO '{tmp_path / 'made'}' (FORMAT parquet)")
        (tmp_path / "made").rename(folder / name)
    assert read_trace(folder / "[x].parquet", TIMES).duration.tolist() == [2]
    (folder / "[x].parquet").unlink()
    with pytest.raises(NotFoundError):
        read_trace(folder / "[x].parquet", TIMES)


def test_blanks_around_cells_are_not_part_of_them(tmp_path: Path) -> None:
    path = written(tmp_path, "n,s,q", " a , 1 ,  ", "b,2, x ")
    found = read_trace(path, columns(name="n", submit="s", duration=always(1), queue="q"))
    assert (found.names, [pod.queue for pod in pods_of(found)]) == (["a", "b"], ["", "x"])


def test_names_of_columns_never_become_sql(tmp_path: Path) -> None:
    evil = "x'); DROP TABLE trace; --"
    path = written(tmp_path, f'"{evil}",duration', "1,2")
    assert len(read_trace(path, columns(submit=evil, duration="duration", queue=evil))) == 1


def test_parquet_equals_csv(tmp_path: Path) -> None:
    query = """SELECT 'job ' || i AS name, TIMESTAMPTZ '2026-01-05 00:00:00Z' + to_seconds(i * 7) AS submit,
        i::DECIMAL(9, 2) AS duration, i % 3 AS cpu, i % 2 * 0.5 AS gpu,
        CASE i % 3 WHEN 0 THEN NULL ELSE 'q' || (i % 3) END AS queue FROM range(1000) AS t(i)"""
    mapping = columns(**{name: name for name in ("name", "submit", "duration", "cpu", "gpu", "queue")})
    found = []
    for name in ("jobs.csv", "jobs.parquet"):
        duckdb.connect().execute(f"COPY ({query}) TO '{tmp_path / name}'")
        found.append(read_trace(tmp_path / name, mapping))
    csv, parquet = found
    assert (csv.templates, csv.names, csv.epoch) == (parquet.templates, parquet.names, parquet.epoch)
    for field in ("template", "submit", "duration", "pods"):
        assert (getattr(csv, field) == getattr(parquet, field)).all()


def test_long_files_keep_their_order(tmp_path: Path) -> None:
    path = written(tmp_path, "n,c", *(f"{row},{row % 7}" for row in range(300_000)))
    found = read_trace(path, columns(name="n", cpu="c"), timed=False)
    assert found.names == [str(row) for row in range(300_000)]
    cpu = np.array([pod.spec.requests.get("cpu", 0) for pod in found.templates])
    assert (cpu[found.template] == np.arange(300_000) % 7 * 1000).all()


@settings(deadline=None, max_examples=30)  # a database is opened each time
@given(
    st.lists(
        st.tuples(
            st.integers(0, 50),
            st.integers(0, 3),
            st.sampled_from(["", "0.5", "1", "2"]),
            st.sampled_from(["", "q", "r"]),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_every_job_keeps_what_its_row_says(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple]) -> None:
    lines = (f"{row},{submit},{cpu},{gpu},{queue}" for row, (submit, cpu, gpu, queue) in enumerate(rows))
    path = written(tmp_path_factory.mktemp("traces"), "n,s,c,g,q", *lines)
    found = read_trace(path, columns(name="n", submit="s", duration=always(1), cpu="c", gpu="g", queue="q"))
    first = min(submit for submit, *_ in rows)
    for job, pod in enumerate(pods_of(found)):
        submit, cpu, gpu, queue = rows[int(found.names[job])]
        devices = pod.spec.devices
        assert found.submit[job] == submit - first
        assert pod.spec.requests.get("cpu", 0) == cpu * 1000
        assert devices.count * devices.milli == float(gpu or 0) * 1000
        assert pod.queue == queue
    assert (np.diff(found.submit) >= 0).all()


def test_duckdb_is_imported_when_a_generic_trace_is_read() -> None:
    code = "import sys, yuheng.readers, yuheng.readers.traces; print('duckdb' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_readers_do_not_import_traces_or_scenarios() -> None:
    heavy = "{'duckdb', 'numpy', 'pydantic'}"
    code = f"import sys, yuheng.cli.app, yuheng.readers; print(*sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
