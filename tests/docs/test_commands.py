"""Every command of the README and the documentation does what the page says it does."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from pages import PAGES, ROOT, Command, File, is_as_shown, steps

from yuheng.scheduling.kernel import cache_folder

STAND_INS = Path(__file__).parent / "stand_ins"
# What readers fetch before they begin, by page: the name they give it, and where it lies in the shared data.
FETCHED = {"docs/tutorial/would-fgd-have-helped.md": {"openb": "data/openb"}}
# What programs on the pages use and Yuheng does not install.
OPTIONAL = ("pandas", "polars")
WITH_STEPS = [path for path in PAGES if any(steps(path.read_text(encoding="utf-8")))]


def named(path):
    return str(path.relative_to(ROOT))


def marked(path):
    """The page as a parameter; it needs the shared data where readers fetch something."""
    return pytest.param(path, id=named(path), marks=[pytest.mark.shared_data] if named(path) in FETCHED else [])


def environment(folder):
    """That of a reader whose home is the folder, where nothing was ever simulated."""
    path = os.pathsep.join([str(STAND_INS), str(Path(sys.executable).parent), os.environ["PATH"]])
    own = {name: value for name, value in os.environ.items() if name not in ("YUHENG_CACHE_DIR", "XDG_CACHE_HOME")}
    return {**own, "PATH": path, "HOME": str(folder)}


def make_home(folder, fetched):
    """Give a reader the kernels that this user has compiled already, and what was fetched."""
    compiled = cache_folder().parent
    compiled.mkdir(parents=True, exist_ok=True)
    (folder / ".cache" / "yuheng").mkdir(parents=True)
    (folder / ".cache" / "yuheng" / "kernels").symlink_to(compiled)
    for name, target in fetched.items():
        (folder / name).symlink_to(target)


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


@pytest.mark.parametrize("path", [marked(path) for path in WITH_STEPS])
def test_what_a_page_shows_happens(path, tmp_path, monkeypatch, capsys, request):
    fetched = FETCHED.get(named(path), {})
    make_home(tmp_path, {name: request.getfixturevalue("shared") / place for name, place in fetched.items()})
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
