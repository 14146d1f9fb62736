"""The tables of the openb trace."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from yuheng.errors import InputError
from yuheng.model.cluster import Snapshot
from yuheng.model.node import DeviceInventory, Node
from yuheng.model.pod import DeviceRequest, Pod, PodSpec
from yuheng.readers import read

GI = 1024**3
NODES = "sn,cpu_milli,memory_mib,gpu,model"
PODS = "name,cpu_milli,memory_mib,num_gpu,gpu_milli"
ALL = f"{PODS},gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time"


def table(folder: Path, *lines: str, name: str = "trace.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def read_table(folder: Path, *lines: str) -> Snapshot:
    return read(table(folder, *lines))


def test_a_row_of_the_nodes_is_a_node(tmp_path: Path) -> None:
    found = read_table(tmp_path, NODES, "b,64000,1024,2,P100", "a,32000,2048,0,")
    hostname = "kubernetes.io/hostname"
    assert found.nodes == (
        Node(
            name="a",
            allocatable={"cpu": 32000, "memory": 2 * GI, "pods": 1_000_000},
            labels={hostname: "a"},
        ),
        Node(
            name="b",
            allocatable={"cpu": 64000, "memory": GI, "pods": 1_000_000, "nvidia.com/gpu": 2},
            labels={hostname: "b", "nvidia.com/gpu.product": "P100"},
            devices=DeviceInventory(count=2, model="P100"),
        ),
    )


@pytest.mark.parametrize(
    ("row", "spec"),
    [
        pytest.param(
            "p,8000,1024,0,0,,BE,Running,7,9,8",
            PodSpec(requests={"cpu": 8000, "memory": GI}, scoring_requests=(8000, GI)),
            id="no GPU",
        ),
        pytest.param(
            "p,8000,1024,1,460,,BE,Failed,7,9,8",
            PodSpec(
                requests={"cpu": 8000, "memory": GI},
                scoring_requests=(8000, GI),
                devices=DeviceRequest(count=1, milli=460),
            ),
            id="a share",
        ),
        pytest.param(
            "p,8000,1024,1,1000,,BE,Succeeded,7,9,8",
            PodSpec(
                requests={"cpu": 8000, "memory": GI, "nvidia.com/gpu": 1},
                scoring_requests=(8000, GI),
                devices=DeviceRequest(count=1),
            ),
            id="a whole GPU",
        ),
        pytest.param(
            "p,8000,0,8,1000,V100M16|V100M32,BE,Pending,7,,",
            PodSpec(
                requests={"cpu": 8000, "nvidia.com/gpu": 8},
                scoring_requests=(8000, 0),
                devices=DeviceRequest(count=8, models=("V100M16", "V100M32")),
            ),
            id="several of some models",
        ),
    ],
)
def test_a_row_of_the_pods_is_a_pending_pod(tmp_path: Path, row: str, spec: PodSpec) -> None:
    found = read_table(tmp_path, ALL, row)
    assert found.pods == (Pod(name="p", spec=spec, labels={"qos": "BE"}, created=7),)


def test_without_their_time_of_creation_pods_keep_their_order(tmp_path: Path) -> None:
    found = read_table(tmp_path, PODS, "c,1,1,0,0", "", "a,1,1,0,0", "b,1,1,0,0")
    assert [pod.name for pod in found.pending()] == ["c", "a", "b"]
    assert [pod.labels for pod in found.pods] == [{}, {}, {}]


def test_rows_that_ask_for_the_same_share_their_specification(tmp_path: Path) -> None:
    first, second = read_table(tmp_path, PODS, "a,1,1,1,500", "b,1,1,1,500").pods
    assert first.spec is second.spec


@pytest.mark.parametrize("name", ["trace.csv", "trace.csv.gz", "trace", "TRACE.CSV"])
def test_a_table_is_known_by_its_header_or_its_name(tmp_path: Path, name: str) -> None:
    content = f"{NODES}\r\na,1,1,0,\r\n".encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert len(read(path).nodes) == 1


def test_columns_that_are_not_known_are_passed_over(tmp_path: Path) -> None:
    assert read_table(tmp_path, f"{NODES},colour", "a,1,1,0,,red").nodes[0].name == "a"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        pytest.param(
            ["a,b", "1,2"], ": found the columns a, b, expected sn,cpu_milli,memory_mib,gpu,model or", id="other"
        ),
        pytest.param(
            ["name,cpu_milli,memory_mib,num_gpu", "a,1,1,1"], ": found the columns name, cpu_milli,", id="a column less"
        ),
        pytest.param([NODES, "a,1,1,0"], ": line 2: found 4 values, expected 5, as in the header", id="short row"),
        pytest.param([NODES, "a,1,1,0,,"], ": line 2: found 6 values, expected 5, as in the header", id="long row"),
        pytest.param([NODES, "a,1,1,0,", ",1,1,0,"], ": line 3: sn: found nothing, expected a name", id="no name"),
        pytest.param(
            [NODES, "a,nan,1,0,"], ": line 2: cpu_milli: found 'nan', expected a whole number from 0", id="nan"
        ),
        pytest.param([NODES, "a,inf,1,0,"], ": line 2: cpu_milli: found 'inf', expected a whole number", id="inf"),
        pytest.param([NODES, "a,1,-1,0,"], ": line 2: memory_mib: found '-1', expected a whole number", id="negative"),
        pytest.param(
            [NODES, "a,1,1.5,0,"], ": line 2: memory_mib: found '1.5', expected a whole number", id="fraction"
        ),
        pytest.param([NODES, "a,1,,0,"], ": line 2: memory_mib: found '', expected a whole number", id="missing"),
        pytest.param([NODES, "a,1,x,0,"], ": line 2: memory_mib: found 'x', expected a whole number", id="text"),
        pytest.param([NODES, f"a,1,{9**99},0,"], ": line 2: memory_mib: found ", id="huge"),
        pytest.param(
            [NODES, "a,1,1,2000,X"], ": line 2: gpu: found '2000', expected a whole number from 0 to 1024", id="GPUs"
        ),
        pytest.param(
            [PODS, "a,1,1,2,500"],
            ": line 2: gpu_milli: found 500 thousandths of 2 GPUs, expected 1000, or a share of one GPU",
            id="shares of several",
        ),
        pytest.param([PODS, "a,1,1,1,0"], ": line 2: gpu_milli: found 0 thousandths of 1 GPUs", id="nothing of one"),
        pytest.param(
            [PODS, "a,1,1,1,1001"], ": line 2: gpu_milli: found '1001', expected a whole number", id="too much"
        ),
        pytest.param(
            [NODES, "a,1,1,0,", "b,1,1,0,", "a,2,2,0,"],
            ", line 4: Node a: found a second Node of this name (the first: {path}, line 2), expected one object",
            id="a node twice",
        ),
        pytest.param([PODS, "a,1,1,0,0", "a,1,1,0,0"], ", line 3: Pod default/a: found a second Pod", id="a pod twice"),
        pytest.param([NODES, '"a,1,1,0,'], ": malformed CSV: unexpected end of data", id="an open quote"),
        pytest.param([f"{NODES}\x00", "a,1,1,0,"], ": ", id="a zero"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_place(tmp_path: Path, lines: list[str], message: str) -> None:
    path = table(tmp_path, *lines)
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}{message.format(path=path)}")
    assert "\n" not in str(caught.value)


def test_a_table_must_be_utf8(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_bytes(NODES.encode() + b"\n\xe9,1,1,0,\n")
    with pytest.raises(InputError, match=r"trace\.csv: text that is not UTF-8: invalid continuation byte at byte 34"):
        read(path)


def test_whole_numbers_may_be_written_as_pandas_does(tmp_path: Path) -> None:
    assert read_table(tmp_path, NODES, "a,32000.0,1024.0,0.0,").nodes[0].allocatable["cpu"] == 32000
