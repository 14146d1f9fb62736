"""Every kernel is compiled from a plain Python function: its twin. Both decide the same, bit for bit."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import yuheng.scheduling
from tests.scheduling import plain_plans

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def twins() -> dict[str, Any]:
    """What the plain twins say, in a process where nothing is compiled."""
    places = [str(ROOT), str(Path(yuheng.__file__).parents[1])]
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": os.pathsep.join(places)}
    command = [sys.executable, "-W", "error", "-m", "tests.scheduling.plain_plans"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def kernels() -> set[str]:
    """Every compiled function of the engine, as ``module.name``."""
    found = set()
    for info in pkgutil.walk_packages(yuheng.scheduling.__path__, f"{plain_plans.PACKAGE}."):
        for name, item in vars(importlib.import_module(info.name)).items():
            if hasattr(item, "py_func") and item.py_func.__module__ == info.name:
                found.add(f"{info.name}.{name}")
    return found


def test_compiled_kernels_and_plain_twins_give_the_same_answers(twins: dict[str, Any]):
    for plain, compiled in zip(twins["plans"], plain_plans.told(), strict=True):
        assert json.loads(plain) == json.loads(compiled)


def test_no_kernel_is_left_out_of_the_comparison(twins: dict[str, Any]):
    assert kernels()
    assert kernels() - set(twins["called"]) == set()
