"""Every command of the README and the documentation does what the page says it does."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from pages import PAGES, ROOT, Command, File, is_as_shown, steps

STAND_INS = Path(__file__).parent / "stand_ins"
# What programs on the pages use and Yuheng does not install.
OPTIONAL = ("pandas", "polars")
WITH_STEPS = [path for path in PAGES if any(steps(path.read_text(encoding="utf-8")))]


def environment(folder):
    path = os.pathsep.join([str(STAND_INS), str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "HOME": str(folder), "YUHENG_CACHE_DIR": cache()}


def cache():
    """Where the kernels are that this user has compiled already: a home of its own would have none."""
    named = os.environ.get("YUHENG_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    return named or str(Path.home() / ".cache")


def run(command, folder, last_code):
    """Run a command as a shell would after one with that exit code."""
    return subprocess.run(
        ["bash", "-c", f"(exit {last_code}); {command.text}"],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("path", WITH_STEPS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_page_shows_happens(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, session = 0, {}
    for step in steps(path.read_text(encoding="utf-8")):
        if isinstance(step, File):
            (tmp_path / step.name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / step.name).write_text(step.text, encoding="utf-8")
        elif isinstance(step, Command):
            done = run(step, tmp_path, code)
            code = done.returncode
            assert step.may_fail or code == 0, f"$ {step.text}\n{done.stdout}"
            if step.output is not None and not is_as_shown(step.output, done.stdout):
                pytest.fail(f"{path.name} shows\n$ {step.text}\n{step.output}\n\nbut there is\n{done.stdout}")
        elif all(find_spec(name) for name in OPTIONAL if f"import {name}" in step.text):
            exec(compile(step.text, str(path), "exec"), session)  # noqa: S102 -- our own page
    capsys.readouterr()
