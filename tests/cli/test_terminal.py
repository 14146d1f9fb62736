"""What people see: colours and progress on a terminal and nowhere else, and names that cannot steer it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

ESCAPE = "\x1b"
COMMAND = [sys.executable, "-c", "from yuheng.cli import main; main()"]
HOSTILE = "[red]web\x1b[31m\x07\u202e{{7*7}}:smile:\r\nroot"


def on_a_terminal(*arguments, columns=80):
    """What the command writes to a terminal of its own."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(columns), "LINES": "40"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen([*COMMAND, *map(str, arguments)], stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    written = b""
    try:
        while block := os.read(leader, 65536):
            written += block
    except OSError:
        pass  # how Linux says that the other end is closed
    os.close(leader)
    assert process.wait() == 0
    return written.decode()


def hostile_cluster(folder):
    """A node and two pods with a name that no API server would take; one of the pods cannot be placed."""
    node = {
        "kind": "Node",
        "metadata": {"name": HOSTILE},
        "status": {"allocatable": {"cpu": "1", "memory": "1Gi", "pods": "9"}},
    }
    placed = {"kind": "Pod", "metadata": {"name": HOSTILE}, "spec": {"containers": [{"name": "c"}]}}
    refused = {
        "kind": "Pod",
        "metadata": {"name": HOSTILE, "namespace": HOSTILE},
        "spec": {"nodeSelector": {HOSTILE: HOSTILE}, "containers": [{"name": "c"}]},
    }
    path = folder / "cluster.json"
    path.write_text(json.dumps({"kind": "List", "items": [node, placed, refused]}))
    return path


@pytest.mark.parametrize(
    "arguments",
    [
        ["plan", "{small}"],
        ["plan", "{small}", "-o", "wide"],
        ["explain", "shop/cache", "{small}"],
        ["policies"],
        ["-h"],
    ],
    ids=" ".join,
)
def test_what_goes_to_a_pipe_has_no_escape_codes(yuheng, small, arguments):
    done = yuheng(*(argument.format(small=small) for argument in arguments))
    assert ESCAPE not in done.out + done.err


def test_colours_cannot_be_forced_into_a_pipe_or_a_file(yuheng, small, tmp_path, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert ESCAPE not in yuheng("plan", small).out
    yuheng("plan", small, "--out", tmp_path / "plan.txt")
    assert ESCAPE not in (tmp_path / "plan.txt").read_text()


def test_a_terminal_gets_colours_and_lines_of_its_width(small):
    written = on_a_terminal("plan", small, columns=72)
    assert ESCAPE in written
    assert "Plan" in written


@pytest.mark.parametrize("form", ["table", "wide", "json", "yaml"])
def test_names_cannot_steer_the_terminal(yuheng, tmp_path, form):
    done = yuheng("plan", hostile_cluster(tmp_path), "-o", form)
    assert done.code == 0
    assert not [char for char in done.out if not (char.isprintable() or char == "\n")]
    assert ":smile:" in done.out
    assert "{{7*7}}" in done.out
    assert "[red]" in done.out


def hostile_queues(folder):
    """A queue and a job with a name that no API server would take; the job's pod waits."""
    queue = {"apiVersion": "scheduling.volcano.sh/v1beta1", "kind": "Queue", "metadata": {"name": HOSTILE}, "spec": {}}
    container = {"name": "c", "resources": {"requests": {"cpu": "9"}}}
    tasks = [{"name": "t", "replicas": 1, "template": {"spec": {"containers": [container]}}}]
    job = {
        "apiVersion": "batch.volcano.sh/v1alpha1",
        "kind": "Job",
        "metadata": {"name": HOSTILE, "namespace": HOSTILE},
        "spec": {"queue": HOSTILE, "minAvailable": 1, "tasks": tasks},
    }
    path = folder / "queues.json"
    path.write_text(json.dumps({"kind": "List", "items": [queue, job]}))
    return path


@pytest.mark.parametrize("command", ["queues", "plan"])
@pytest.mark.parametrize("form", ["table", "wide", "json", "yaml"])
def test_names_of_queues_and_jobs_cannot_steer_the_terminal(yuheng, tmp_path, command, form):
    done = yuheng(command, hostile_queues(tmp_path), "-o", form)
    assert done.code == 0
    assert not [char for char in done.out if not (char.isprintable() or char == "\n")]
    assert ":smile:" in done.out
    assert "[red]" in done.out


def test_names_in_errors_stay_on_one_line(yuheng, tmp_path):
    path = tmp_path / "cluster.yaml"
    path.write_text('kind: Pod\nmetadata: {name: "a\\e[2J\\nb"}\nspec: {containers: [{resources: 7}]}\n')
    done = yuheng("plan", path)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert ESCAPE not in done.err
    done = yuheng("explain", "a\x1b[2J\nb", path.parent / "gone")
    assert done.err.count("\n") == 1
    assert ESCAPE not in done.err


@pytest.mark.parametrize("form", ["table", "json", "html"])
def test_a_reader_that_goes_away_is_not_worth_a_word(small, form):
    process = subprocess.Popen(
        [*COMMAND, "plan", str(small), "-o", form], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 1
    assert errors == ""


def test_a_full_disk_is_told_in_one_line():
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*COMMAND, "policies"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "yuheng: [Errno 28] No space left on device\n"
