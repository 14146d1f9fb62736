"""The compiled kernels and their plain Python twins decide the same, bit for bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import plain_courses

import yuheng


def test_compiled_kernels_and_plain_twins_give_the_same_runs():
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(Path(yuheng.__file__).parents[1])}
    command = [sys.executable, "-W", "error", plain_courses.__file__]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == json.loads(json.dumps(plain_courses.told()))
