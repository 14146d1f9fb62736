"""``--out``: the file is whole or as it was, whatever it is and whatever happens."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from yuheng.cli.output import write_whole
from yuheng.errors import ConfigError


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("form", ["table", "wide", "json", "yaml", "html"])
def test_a_plan_in_a_file_is_what_would_have_been_printed(yuheng, fixed_seconds, small, tmp_path, form):
    path = tmp_path / "plan"
    printed = yuheng("plan", small, "-o", form).out
    done = yuheng("plan", small, "-o", form, "--out", path)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert fixed_seconds(path.read_text(encoding="utf-8")) == fixed_seconds(printed)


@pytest.mark.parametrize("form", ["table", "wide", "json", "yaml", "html"])
def test_queues_in_a_file_are_what_would_have_been_printed(yuheng, shared, tmp_path, form):
    path = tmp_path / "queues"
    printed = yuheng("queues", shared, "-o", form).out
    done = yuheng("queues", shared, "-o", form, "--out", path)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert path.read_text(encoding="utf-8") == printed


def test_explanations_and_headrooms_go_to_files_too(yuheng, small, pod, tmp_path):
    assert yuheng("explain", "shop/report", small, "-o", "json", "--out", tmp_path / "why.json").code == 0
    assert yuheng("capacity", "--pod", pod, small, "-o", "json", "--out", tmp_path / "room.json").code == 0
    assert json.loads((tmp_path / "why.json").read_text())["verdict"] == "pending"
    assert json.loads((tmp_path / "room.json").read_text())["total"] == 19


def test_a_file_that_is_there_is_replaced(tmp_path):
    path = tmp_path / "plan.txt"
    path.write_text("old, and longer than the new one")
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert names_in(tmp_path) == ["plan.txt"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "plan.txt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "half of it, and then \ud800")
    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["plan.txt"]


def test_a_failed_move_leaves_nothing_behind(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "plan.txt"
    path.write_text("old")
    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(ConfigError, match=r"plan\.txt: found No space left on device"):
        write_whole(path, "new")
    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["plan.txt"]


def test_bad_input_leaves_the_old_file(yuheng, tmp_path):
    path = tmp_path / "plan.txt"
    path.write_text("old")
    assert yuheng("plan", tmp_path / "gone.json", "--out", path).code == 2
    assert path.read_text() == "old"


def test_a_folder_is_no_place_to_write_to(tmp_path):
    with pytest.raises(ConfigError, match="found Is a directory"):
        write_whole(tmp_path, "text")
    assert names_in(tmp_path) == []


def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "plan-2026-03-02.txt", tmp_path / "plan.txt"
    target.write_text("old")
    link.symlink_to(target)
    write_whole(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_pipe_is_written_to_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_whole(pipe, "text")
    reader.join(timeout=10)
    assert read == ["text"]
    assert pipe.is_fifo()


def test_a_new_file_has_the_permissions_that_the_mask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "plan.txt", "text")
    finally:
        os.umask(before)
    assert (tmp_path / "plan.txt").stat().st_mode & 0o777 == 0o640


def test_the_demo_writes_its_report_and_its_cluster(yuheng, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = yuheng("demo", "--save", "cluster.json")
    assert done.code == 0
    assert names_in(tmp_path) == ["cluster.json", "yuheng-report.html"]
    assert (tmp_path / "yuheng-report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert done.out.endswith("Cluster: cluster.json\nReport:  yuheng-report.html\n")
