"""Input that is legal to write and that nobody means: answered at once, in one line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from yuheng.errors import InputError, QuantityError
from yuheng.model.quantity import parse_quantity
from yuheng.readers import read

TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
SELECTOR = {"matchLabels": {"app": "a"}}


@pytest.mark.parametrize(
    ("kind", "spec", "field"),
    [
        ("Deployment", {"replicas": 2**31 - 1, "selector": SELECTOR}, "spec.replicas"),
        ("StatefulSet", {"replicas": 2**31 - 1, "selector": SELECTOR}, "spec.replicas"),
        ("Job", {"parallelism": 2**31 - 1, "completions": 2**31 - 1}, "spec.parallelism"),
    ],
)
def test_a_workload_of_more_pods_than_anyone_has_is_an_error(kind: str, spec: dict[str, Any], field: str) -> None:
    group = "batch/v1" if kind == "Job" else "apps/v1"
    manifest = {"apiVersion": group, "kind": kind, "metadata": {"name": "w"}, "spec": {**spec, "template": TEMPLATE}}
    with pytest.raises(InputError) as caught:
        read(manifest)
    assert f"{kind} default/w: {field}: found 2147483647, expected at most 1000000 pods" in str(caught.value)


def test_a_number_of_endless_digits_is_no_quantity() -> None:
    with pytest.raises(QuantityError, match="found 100000 characters, expected a quantity"):
        parse_quantity("9" * 100_000)


def test_a_whole_number_beyond_all_bounds_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    requests = '{"requests": {"cpu": ' + "9" * 5000 + "}}"
    path.write_text(
        '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers":'
        ' [{"name": "c", "image": "x", "resources": ' + requests + "}]}}"
    )
    with pytest.raises(InputError):
        read(path)


def test_pipes_in_a_folder_are_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "ns.json").write_text('{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}')
    assert "n" in read(tmp_path).namespaces


def test_more_than_a_whole_gpu_in_thousandths_is_an_error() -> None:
    container = {"name": "c", "image": "x", "resources": {"limits": {"alibabacloud.com/gpu-milli": "5000"}}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}}
    with pytest.raises(InputError, match="found 5000 thousandths of a GPU, expected 1 to 1000"):
        read(pod)
