"""What pods used of their GPUs, from usage files."""

from __future__ import annotations

import pytest

from yuheng.errors import InputError
from yuheng.readers.usage import open_usage
from yuheng.readers.usage.gpus import gpu_use


def written(path, head, rows):
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return [path]


def test_containers_of_a_pod_are_summed_up_and_rare_peaks_do_not_count(tmp_path):
    head = "timestamp,namespace,pod,container,cpu,memory,gpu"
    rows = [f"{60 * i},ml,p,{name},1,1,{1.0 if i == 50 else 0.1}" for i in range(100) for name in ("a", "b")]
    rows += [f"{60 * i},ml,q,a,1,1," for i in range(100)]
    with open_usage(written(tmp_path / "u.csv", head, rows)) as usage:
        assert gpu_use(usage) == {"ml/p": pytest.approx(0.2)}


def test_files_without_gpus_are_told(tmp_path):
    paths = written(tmp_path / "u.csv", "timestamp,namespace,pod,container,cpu,memory", ["0,ml,p,a,1,1"])
    with open_usage(paths) as usage, pytest.raises(InputError, match="found no column gpu"):
        gpu_use(usage)
