"""Tables of pods of the openb trace as workloads."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from made_traces import PODS, PODS_WITH_TIMES, written

from yuheng.errors import InputError
from yuheng.model.pod import DeviceRequest
from yuheng.readers.traces import Rounding, read_trace


def test_pods_run_from_their_scheduling_to_their_deletion(tmp_path: Path) -> None:
    path = written(tmp_path, PODS_WITH_TIMES, "b,1000,1,0,0,,LS,Running,20,100,30", "a,2000,1,0,0,,BE,Running,5,65,5")
    found = read_trace(path)
    assert found.names == ["a", "b"]
    assert found.submit.tolist() == [0, 15]
    assert found.duration.tolist() == [60, 70]
    assert (found.pods.tolist(), found.minimum.tolist(), found.epoch) == ([1, 1], [1, 1], None)
    assert np.isnan(found.estimate).all()
    assert found.warnings == ()


def test_pods_of_one_time_keep_the_order_of_the_file(tmp_path: Path) -> None:
    rows = [f"p{row},1,1,0,0,,LS,Running,{row % 2},9,{row % 2}" for row in range(100)]
    found = read_trace(written(tmp_path, PODS_WITH_TIMES, *rows))
    assert found.names == [f"p{row}" for row in (*range(0, 100, 2), *range(1, 100, 2))]


def test_a_pod_that_never_started_counts_from_its_creation_and_one_without_deletion_never_ends(tmp_path: Path) -> None:
    rows = ["a,1,1,0,0,,LS,Failed,0,50,", "b,1,1,0,0,,LS,Running,1,,3", "c,1,1,0,0,,LS,Pending,2,,"]
    found = read_trace(written(tmp_path, PODS_WITH_TIMES, *rows))
    assert found.duration.tolist() == [50, math.inf, math.inf]
    assert found.warnings == ("2 of 3 pods never started: they are taken to run from their submission to their end",)


def test_pods_that_ask_for_the_same_are_copies_of_one_template(tmp_path: Path) -> None:
    rows = [
        "a,1000,1024,1,500,V100M16|V100M32,LS,Running,0,9,0",
        "b,1000,1024,1,500,V100M16|V100M32,BE,Running,0,9,0",
        "c,1000,1024,1,500,V100M16|V100M32,LS,Running,0,9,0",
        "d,1000,1024,2,1000,,LS,Running,0,9,0",
        "e,1000,1024,0,0,,LS,Running,0,9,0",
    ]
    found = read_trace(written(tmp_path, PODS_WITH_TIMES, *rows))
    assert len(found.templates) == 4
    assert found.template[0] == found.template[2]
    pods = [found.templates[template] for template in found.template]
    assert [pod.labels for pod in pods] == [{"qos": qos} for qos in ("LS", "BE", "LS", "LS", "LS")]
    assert pods[0].spec.devices == DeviceRequest(count=1, milli=500, models=("V100M16", "V100M32"))
    assert pods[0].spec.requests == {"cpu": 1000, "memory": 2**30}
    assert pods[3].spec.requests == {"cpu": 1000, "memory": 2**30, "nvidia.com/gpu": 2}
    assert pods[4].spec.devices == DeviceRequest()
    assert {pod.queue for pod in pods} == {""}


def test_a_column_names_the_queue(tmp_path: Path) -> None:
    rows = ["a,1,1,0,0,,LS,Running,0,9,0", "b,1,1,0,0,,BE,Running,0,9,0"]
    found = read_trace(written(tmp_path, PODS_WITH_TIMES, *rows), queue_by="qos")
    assert [found.templates[template].queue for template in found.template] == ["LS", "BE"]


def test_requests_can_be_rounded_up(tmp_path: Path) -> None:
    rows = ["a,1001,100,0,0,,LS,Running,0,9,0", "b,1100,129,0,0,,LS,Running,0,9,0"]
    found = read_trace(written(tmp_path, PODS_WITH_TIMES, *rows), rounding=Rounding(cpu=100, memory=2**27))
    amounts = [found.templates[template].spec.requests for template in found.template]
    assert amounts == [{"cpu": 1100, "memory": 2**27}, {"cpu": 1100, "memory": 2**28}]


def test_without_a_clock_pods_keep_the_order_of_the_file_and_never_end(tmp_path: Path) -> None:
    rows = ["b,1,1,0,0,,LS,Running,20,100,30", "a,1,1,0,0,,LS,Running,5,65,5"]
    found = read_trace(written(tmp_path, PODS_WITH_TIMES, *rows), timed=False)
    assert (found.names, found.submit.tolist()) == (["b", "a"], [0, 1])
    assert np.isinf(found.duration).all()
    assert found.warnings == ()


def test_a_table_without_times_is_an_arrival_sequence_only(tmp_path: Path) -> None:
    path = written(tmp_path, PODS, "a,1,1,0,0", "b,1,1,0,0")
    assert len(read_trace(path, timed=False)) == 2
    with pytest.raises(InputError) as caught:
        read_trace(path)
    assert str(caught.value).startswith(f"{path}: header: found no column creation_time: the table has no times")


def test_a_table_may_be_compressed(tmp_path: Path) -> None:
    path = tmp_path / "pods.csv.gz"
    path.write_bytes(gzip.compress(f"\ufeff{PODS}\r\na,1,1,0,0\r\n".encode()))
    assert read_trace(path, timed=False).names == ["a"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        pytest.param("a,1,1,0,0,,LS,,-1,9,0", "line 3: creation_time: found '-1', expected a whole number", id="<0"),
        pytest.param("a,1,1,0,0,,LS,,,9,0", "line 3: creation_time: found '', expected a whole number", id="empty"),
        pytest.param("a,1,1,0,0,,LS,,x,9,0", "line 3: creation_time: found 'x', expected a whole", id="text"),
        pytest.param("a,1,1,0,0,,LS,,nan,9,0", "line 3: creation_time: found 'nan', expected a whole", id="nan"),
        pytest.param(
            "a,1,1,0,0,,LS,,5,9,4",
            "line 3: scheduled_time: found '4', expected a time not before creation_time",
            id="s",
        ),
        pytest.param(
            "a,1,1,0,0,,LS,,5,4,", "line 3: deletion_time: found '4', expected a time not before creation_time", id="d"
        ),
        pytest.param(
            "a,1,1,0,0,,LS,,5,6,7",
            "line 3: deletion_time: found '6', expected a time not before scheduled_time",
            id="e",
        ),
        pytest.param("first,1,1,0,0,,LS,,5,6,5", "line 3: name: found pod 'first' a second time", id="twice"),
        pytest.param("a,1,1,2,500,,LS,,5,6,5", "line 3: gpu_milli: found 500 thousandths of 2 GPUs", id="GPUs"),
        pytest.param("a,1,1,0", "line 3: found 4 values, expected 11, as in the header", id="short"),
    ],
)
def test_what_is_wrong_with_a_pod_is_said_with_its_line(tmp_path: Path, row: str, message: str) -> None:
    path = written(tmp_path, PODS_WITH_TIMES, "first,1,1,0,0,,LS,,5,6,5", row)
    with pytest.raises(InputError) as caught:
        read_trace(path)
    assert str(caught.value).startswith(f"{path}: {message}")


def test_a_trace_needs_rows_and_known_columns(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"trace\.csv: found no rows, expected a trace of pods"):
        read_trace(written(tmp_path, PODS_WITH_TIMES))
    path = written(tmp_path, PODS_WITH_TIMES, "a,1,1,0,0,,LS,,5,6,5")
    with pytest.raises(InputError, match=r"queueBy: found the unknown column 'qs' \(did you mean qos\?\)"):
        read_trace(path, queue_by="qs")


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "count", "never", "classes"),
    [
        ("default", 8152, 897, 162),
        ("cpu050", 7439, 878, 150),
        ("gpushare40", 8152, 981, 154),
        ("gpuspec10", 8152, 897, 354),
    ],
)
def test_the_openb_trace(shared: Path, name: str, count: int, never: int, classes: int) -> None:
    found = read_trace(shared / f"data/openb/openb_pod_list_{name}.csv", queue_by="qos")
    assert (len(found), len(found.templates)) == (count, classes)
    assert found.warnings[0].startswith(f"{never} of {count} pods never started")
    assert np.isfinite(found.duration).all()
    assert found.duration.min() >= 0
    assert (np.diff(found.submit) >= 0).all()
    assert found.submit[0] == 0
    assert {pod.queue for pod in found.templates} == {"BE", "Burstable", "Guaranteed", "LS"}


@pytest.mark.shared_data
def test_the_variant_without_times(shared: Path) -> None:
    path = shared / "data/openb/openb_pod_list_multigpu20.csv"
    assert len(read_trace(path, timed=False)) == 8324
    with pytest.raises(InputError, match="found no column creation_time"):
        read_trace(path)
