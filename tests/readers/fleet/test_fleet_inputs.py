"""What is a fleet, and which files belong to it."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from made_fleets import cluster, deployment, node, ours, pod, written

from yuheng.model.cluster import Snapshot
from yuheng.model.fleet import Fleet
from yuheng.readers import read
from yuheng.readers.fleet import is_fleet, read_fleet, read_state

KARMADA = {"apiVersion": "cluster.karmada.io/v1alpha1", "kind": "Cluster", "metadata": {"name": "m"}}


@pytest.mark.parametrize(
    ("objects", "expected"),
    [
        ([cluster()], True),
        ([KARMADA], True),
        ([deployment()], False),
        ([deployment(annotations={"yuheng.io/run-time": "2h"})], False),
        ([ours("Region", "r")], False),
        ([{"apiVersion": "cluster.x-k8s.io/v1beta1", "kind": "Cluster", "metadata": {"name": "other"}}], False),
    ],
)
def test_a_cluster_makes_a_fleet(tmp_path: Path, objects, expected: bool) -> None:
    assert is_fleet(objects) is expected
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-be-with-mark"):
        mark = "\ufeff" if encoding.endswith("mark") else ""
        (tmp_path / "f.json").write_bytes((mark + json.dumps(objects)).encode(encoding.removesuffix("-with-mark")))
        assert is_fleet(tmp_path) is expected


def test_a_name_that_is_only_mentioned_makes_none(tmp_path: Path) -> None:
    """The annotations of a propagated pod are full of the names; a Cluster may come after them."""
    pods = [pod("q", annotations={"cluster.karmada.io/x": "yuheng.io"}), pod("r")]
    assert not is_fleet(written(tmp_path, p__json=pods))
    assert is_fleet(written(tmp_path, p__json=[*pods, cluster()]))


def test_a_slash_may_be_escaped(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text(json.dumps(cluster()).replace("/", "\\/"))
    assert is_fleet(tmp_path)


def test_what_is_no_fleet_is_read_as_ever(tmp_path: Path) -> None:
    folder = written(tmp_path, n__json=node(), w__json=deployment(), x_in_p__json=pod("q"))
    found = read_state(folder)
    assert isinstance(found, Snapshot)
    assert found == read(folder)


def test_standard_input_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for content, kind in ((cluster(), Fleet), (node(), Snapshot)):
        stream = SimpleNamespace(buffer=io.BytesIO(json.dumps(content).encode()))
        monkeypatch.setattr("sys.stdin", stream)
        assert isinstance(read_state("-"), kind)


def test_manifests_of_a_cluster_are_not_placed(tmp_path: Path) -> None:
    made = cluster(manifests=["state", "extra.json"], nodePools=[])
    folder = written(
        tmp_path,
        f__json=made,
        state_in_n__json=node(),
        state_in_w__json=deployment("inside"),
        extra__json=pod("there", on="n"),
        w__json=deployment("outside"),
    )
    found = read_fleet(folder)
    assert [one.key for one in found.workloads] == ["default/outside"]
    (only,) = found.clusters
    assert [one.name for one in only.snapshot.nodes] == ["n"]
    assert {one.owner.kind if one.owner else "" for one in only.snapshot.pods} == {"ReplicaSet", ""}


def test_files_may_be_compressed_and_in_several_folders(tmp_path: Path) -> None:
    written(tmp_path, a_in_f__json=cluster(), b_in_x__json=deployment("one"))
    (tmp_path / "b" / "y.json.gz").write_bytes(gzip.compress(json.dumps(deployment("two")).encode()))
    found = read_fleet(tmp_path / "a", tmp_path / "b", deployment("three"))
    assert [one.name for one in found.workloads] == ["one", "three", "two"]


def test_a_table_of_something_else_is_said_not_to_be_used(tmp_path: Path) -> None:
    folder = written(tmp_path, f__json=cluster(), t__csv="a,b\n1,2\n")
    assert (
        f"{folder}/t.csv is neither a price book nor a table of egress prices: it is not used"
        in read_fleet(folder).warnings
    )


def test_files_that_a_region_names_are_no_objects(tmp_path: Path) -> None:
    trace = {"metadata": {"gap_seconds": 60}, "data": [0, 1, 1]}
    spot = {"zone": "eu-west-1a", "instanceType": "m5.large", "trace": "spot.json"}
    carbon = {"file": "ci.csv"}
    folder = written(
        tmp_path,
        f__json=[cluster(), ours("Region", "eu-west-1", {"provider": "aws", "carbon": carbon, "spot": [spot]})],
        ci__csv="Time,gCO2\n2026-01-01T00:00:00Z,100\n2026-01-01T01:00:00Z,200\n",
        spot__json=trace,
    )
    found = read_fleet(folder).regions["aws/eu-west-1"]
    assert found.carbon is not None
    assert found.carbon.values.tolist() == [100.0, 200.0]
    (seen,) = found.spot
    assert (seen.zone, seen.instance_type, seen.gap, seen.available) == (
        "eu-west-1a",
        "m5.large",
        60.0,
        (False, True, True),
    )
