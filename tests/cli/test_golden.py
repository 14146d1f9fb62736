"""Whole outputs, compared letter by letter with the files in ``golden``.

To accept a change that is meant, write the files anew and look at the difference:

    YUHENG_WRITE_GOLDEN=1 .venv/bin/pytest tests/cli/test_golden.py && git diff tests/cli/golden
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("YUHENG_WRITE_GOLDEN") == "1"
CASES = {
    "plan.txt": ["plan", "small.yaml"],
    "plan-wide.txt": ["plan", "small.yaml", "-o", "wide"],
    "plan.json": ["plan", "small.yaml", "-o", "json"],
    "plan.yaml": ["plan", "small.yaml", "-o", "yaml"],
    "plan-binpack.txt": ["plan", "small.yaml", "--policy", "binpack"],
    "explain-pending.txt": ["explain", "shop/report", "small.yaml"],
    "explain-pending.yaml": ["explain", "shop/report", "small.yaml", "-o", "yaml"],
    "explain-fits.txt": ["explain", "shop/web-1", "small.yaml"],
    "explain-bound.txt": ["explain", "shop/db-0", "small.yaml", "-o", "wide"],
    "capacity.txt": ["capacity", "--pod", "pod.yaml", "small.yaml"],
    "capacity.json": ["capacity", "--pod", "pod.yaml", "small.yaml", "-o", "json"],
    "queues.txt": ["queues", "queues.yaml"],
    "queues-wide.txt": ["queues", "queues.yaml", "-o", "wide"],
    "queues.json": ["queues", "queues.yaml", "-o", "json"],
    "plan-batch.txt": ["plan", "queues.yaml"],
    "plan-batch.yaml": ["plan", "queues.yaml", "-o", "yaml"],
    "explain-job.txt": ["explain", "ml/yolo", "queues.yaml"],
    "explain-victim.txt": ["explain", "shop/serving-worker-4", "queues.yaml"],
    "plan-fleet.txt": ["plan", "fleet"],
    "plan-fleet-wide.txt": ["plan", "fleet", "-o", "wide"],
    "plan-fleet-pareto.txt": ["plan", "fleet", "--pareto", "--objective", "balanced"],
    "plan-fleet-without.txt": ["plan", "fleet", "--without", "region=east"],
    "fleet.txt": ["fleet", "fleet"],
    "fleet-wide.txt": ["fleet", "fleet", "-o", "wide"],
    "fleet.yaml": ["fleet", "fleet", "-o", "yaml"],
    "drill.txt": ["drill", "fleet"],
    "policies.txt": ["policies"],
    "demo.txt": ["demo", "--out", "report.html", "--save", "cluster.json"],
}


@pytest.fixture
def beside_the_inputs(tmp_path, monkeypatch, small, shared, pod, fleet):
    """A folder of one's own with the inputs in it, so that outputs name files without a path."""
    for path in (small, shared, pod):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    shutil.copytree(fleet, tmp_path / fleet.name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("name", "arguments"), CASES.items(), ids=CASES)
@pytest.mark.usefixtures("beside_the_inputs")
def test_the_output_is_the_golden_one(yuheng, fixed_seconds, name, arguments):
    done = yuheng(*arguments)
    assert (done.code, done.err) == (0, "")
    path = GOLDEN / name
    if WRITE:
        path.write_text(fixed_seconds(done.out), encoding="utf-8")
    assert fixed_seconds(done.out) == path.read_text(encoding="utf-8")


def test_every_golden_file_belongs_to_a_case():
    assert {path.name for path in GOLDEN.iterdir()} == set(CASES)
