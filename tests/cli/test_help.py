"""Help, completion and start-up: there at once, complete, with an example each."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest
import typer

from yuheng import __version__
from yuheng.cli.app import app
from yuheng.model.batch import ACTIONS
from yuheng.scheduling.batch.settings import PLUGINS
from yuheng.scheduling.presets import PRESETS
from yuheng.scheduling.registry import FILTERS, SCORES

COMMANDS = sorted(typer.main.get_command(app).commands)
HEAVY = ("numba", "numpy", "yaml", "jinja2", "pydantic", "rich", "aiohttp", "structlog", "prometheus_client")


def test_the_commands_are_these():
    assert COMMANDS == [
        "budget",
        "capacity",
        "commit",
        "consolidate",
        "cost",
        "cost diff",
        "demo",
        "dispatch",
        "drill",
        "explain",
        "fit",
        "fleet",
        "nodes",
        "plan",
        "policies",
        "prices",
        "queues",
        "replay",
        "rightsize",
        "run",
        "simulate",
        "snapshot",
        "version",
    ]


def test_the_help_names_every_command(yuheng):
    done = yuheng("--help")
    assert done.code == 0
    assert all(f"\n  {command} " in done.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_ends_with_an_example_of_it(yuheng, command):
    done = yuheng(*command.split(), "-h")
    assert done.code == 0
    example = done.out.strip().rsplit("\n\n", 1)[1].strip()
    assert example.startswith("Example: ")
    words = shlex.split(example.removeprefix("Example: "))
    first = words.index("yuheng") + 1
    assert words[first : first + len(command.split())] == command.split()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(command):
    found = typer.main.get_command(app).commands[command]
    assert [param.name for param in found.params if not getattr(param, "help", None)] == []


def test_without_a_command_the_help_is_shown(yuheng):
    assert "Commands:" in yuheng().out + yuheng().err


def test_the_version_is_that_of_the_package(yuheng):
    assert yuheng("version").out == f"yuheng {__version__}\n"


def test_the_face_imports_nothing_heavy():
    code = f"import sys, yuheng.cli.app; print(*sorted(set({HEAVY}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom yuheng.cli import main\nsys.argv = ['yuheng', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n"
        f"    print('heavy:', *sorted(set({HEAVY}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("heavy:\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_completion_script(shell):
    code = "import sys; from yuheng.cli import main; sys.argv = ['yuheng']; main()"
    environment = {**os.environ, "_YUHENG_COMPLETE": f"source_{shell}"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert "_YUHENG_COMPLETE=complete_" + shell in done.stdout


def test_completion_can_be_shown_and_installed(yuheng):
    done = yuheng("--help")
    assert "--show-completion" in done.out
    assert "--install-completion" in done.out


def test_policies_complete_to_the_presets():
    code = "import sys; from yuheng.cli import main; sys.argv = ['yuheng']; main()"
    environment = {
        **os.environ,
        "_YUHENG_COMPLETE": "complete_bash",
        "COMP_WORDS": "yuheng plan --policy ",
        "COMP_CWORD": "3",
    }
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.split() == list(PRESETS)


def test_policies_lists_every_preset_filter_score_action_and_plugin(yuheng):
    text = yuheng("policies").out
    assert all(f"\n  {name} " in text for name in PRESETS)
    assert all(name in text for name in (*FILTERS, *SCORES, *ACTIONS, *PLUGINS))
