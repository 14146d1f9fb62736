"""Runs on disk: found again where they are the same, and nowhere else."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
from made_sweeps import scenario, sequence, snapshot, troubled, workload

from yuheng.errors import ConfigError
from yuheng.model.cluster import Snapshot
from yuheng.model.scenario import ArrivalSequence, Output
from yuheng.reporting.documents import json_text
from yuheng.scheduling.presets import preset
from yuheng.simulation.run import run_one
from yuheng.sweeps import RunStore, prune, simulate, sweep
from yuheng.sweeps.identity import policy_digest, scenario_digest
from yuheng.sweeps.runs import packed

POLICY = preset("kubernetes")
DAY = 86400.0


@pytest.fixture
def kept(tmp_path):
    """A store with one run in it: of the first policy, with seed 5."""
    asked = scenario()
    store = RunStore(tmp_path / "runs", asked)
    store.keep(POLICY, 5, packed(run_one(asked, POLICY, 5)))
    return store


def the_file(store):
    [path] = store.folder.iterdir()
    return path


def test_a_run_is_found_as_it_was_kept(kept):
    assert kept.find(POLICY, 5) == run_one(scenario(), POLICY, 5)
    assert kept.warnings == []


@pytest.mark.parametrize(
    ("policy", "seed"), [(POLICY, 6), (preset("random"), 5), (msgspec.structs.replace(POLICY, balanced=()), 5)]
)
def test_a_run_of_something_else_is_not_found(kept, policy, seed):
    assert kept.find(policy, seed) is None
    assert kept.warnings == []


OTHER = {
    "a node more": {"snapshot": snapshot(4)},
    "a job more": {"workload": workload(13)},
    "another duration": {"workload": msgspec.structs.replace(workload(), duration=np.full(12, 601.0))},
    "a start-up delay": {"startup": 1.0},
    "no clock": {"sequence": ArrivalSequence()},
    "another checkpoint": {"checkpoint": 60.0},
}
SAME = {
    "another name": {"name": "other"},
    "other policies": {"policies": (preset("fgd"),)},
    "other seeds": {"seeds": (1, 2, 3)},
    "other measures": {"measures": ("jobs",), "confidence": 0.5},
    "other outputs": {"outputs": (Output("json", "x.json"),)},
    "another text": {"text": "# the same"},
}


@pytest.mark.parametrize("changed", OTHER.values(), ids=OTHER)
def test_what_a_run_depends_on_changes_the_identity(changed):
    assert scenario_digest(msgspec.structs.replace(scenario(), **changed)) != scenario_digest(scenario())


@pytest.mark.parametrize("changed", SAME.values(), ids=SAME)
def test_what_a_run_does_not_depend_on_leaves_the_identity(changed):
    assert scenario_digest(msgspec.structs.replace(scenario(), **changed)) == scenario_digest(scenario())


def test_a_market_counts():
    asked = troubled()
    other = msgspec.structs.replace(asked.markets[0], available=~asked.markets[0].available)
    assert scenario_digest(msgspec.structs.replace(asked, markets=(other,))) != scenario_digest(asked)


def test_the_order_in_which_labels_are_written_does_not_count():
    nodes = snapshot().nodes
    labels = {"zone": "a", "disk": "ssd"}
    one, two = (
        Snapshot(nodes=tuple(msgspec.structs.replace(node, labels=dict(pairs)) for node in nodes))
        for pairs in (list(labels.items()), list(labels.items())[::-1])
    )
    assert scenario_digest(scenario(snapshot=one)) == scenario_digest(scenario(snapshot=two))


def test_the_identity_is_the_same_in_every_process():
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); from made_sweeps import *\n"
        "from yuheng.sweeps.identity import *\nprint(scenario_digest(troubled()), policy_digest(preset('fgd')))"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout.split()
        for seed in ("1", "2")
    ]
    assert said == [[scenario_digest(troubled()), policy_digest(preset("fgd"))]] * 2


def damage_a_byte(path, _):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def of_another_seed(path, store):
    store.keep(POLICY, 7, b"other")
    path.write_bytes(next(other for other in store.folder.iterdir() if other != path).read_bytes())


def become_a_folder(path, _):
    path.unlink()
    path.mkdir()


DAMAGES = {
    "cut off": lambda path, _: path.write_bytes(path.read_bytes()[:-10]),
    "empty": lambda path, _: path.write_bytes(b""),
    "a bit has flipped": damage_a_byte,
    "somebody's notes": lambda path, _: path.write_text("do not forget the milk"),
    "a run of another seed": of_another_seed,
    "a folder": become_a_folder,
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_file_that_is_not_what_was_kept_is_passed_over_with_a_warning(kept, damage):
    path = the_file(kept)
    damage(path, kept)
    assert kept.find(POLICY, 5) is None
    [warning] = kept.warnings
    assert warning.startswith(f"{path}: found ")
    assert warning.endswith("expected a run: it is made again")


def test_files_of_others_are_not_looked_at(kept):
    (kept.folder / "notes.txt").write_text("milk")
    (kept.folder / ".hidden.part").write_bytes(b"\0")
    assert kept.find(POLICY, 5) is not None
    assert kept.warnings == []


def test_a_sweep_makes_only_the_runs_that_are_not_there(kept, monkeypatch):
    made = []
    attempt = sweep.attempt
    monkeypatch.setattr(sweep, "attempt", lambda asked, task: (made.append(task), attempt(asked, task))[1])
    told = []
    found = simulate(scenario(), workers=1, store=kept, progress=lambda *numbers: told.append(numbers))
    assert sorted(made) == [(0, 3), (1, 3), (1, 5)]
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert json_text(found) == json_text(simulate(scenario(), workers=1))


@pytest.mark.parametrize("made", [scenario, sequence, troubled])
def test_what_is_read_back_is_what_was_found_to_the_last_byte(tmp_path, made):
    store = RunStore(tmp_path, made())
    first = json_text(simulate(made(), workers=1, store=store))
    told = []
    assert json_text(simulate(made(), store=store, progress=lambda *numbers: told.append(numbers))) == first
    assert told == [(4, 4)]


def test_runs_that_are_finished_when_a_sweep_is_interrupted_are_there_afterwards(tmp_path):
    def interrupt(done, _):
        if done == 3:
            raise KeyboardInterrupt

    store = RunStore(tmp_path, scenario())
    with pytest.raises(KeyboardInterrupt):
        simulate(scenario(), workers=1, store=store, progress=interrupt)
    assert len(list(store.folder.iterdir())) == 3


def test_a_full_disk_costs_a_warning_and_not_the_results(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    store = RunStore(tmp_path, scenario())
    monkeypatch.setattr(RunStore, "_write", full)
    assert len(simulate(scenario(), workers=1, store=store).runs) == 4
    assert store.warnings == [
        f"{store.folder}: found No space left on device, expected room for runs: no more are kept"
    ]


def test_nothing_unfinished_is_left_when_a_file_cannot_be_moved(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    store = RunStore(tmp_path, scenario())
    monkeypatch.setattr(Path, "replace", fail)
    store.keep(POLICY, 5, b"run")
    assert list(store.folder.iterdir()) == []


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"file.*: found .*, expected a folder to keep runs in"):
        RunStore(tmp_path / "file" / "runs", scenario())


def test_forgetting_leaves_what_is_not_ours(kept):
    (kept.folder / "notes.txt").write_text("milk")
    kept.forget([POLICY], [5])
    assert [path.name for path in kept.folder.iterdir()] == ["notes.txt"]


def test_forgetting_leaves_nothing_of_ours(kept):
    kept.forget([POLICY], [5])
    assert not kept.folder.exists()
    assert kept.find(POLICY, 5) is None


def test_forgetting_leaves_the_runs_of_a_larger_sweep_of_the_same_scenario(kept):
    kept.keep(POLICY, 6, packed(run_one(scenario(), POLICY, 6)))
    kept.forget([POLICY], [5])
    assert kept.find(POLICY, 6) is not None


def test_runs_can_be_kept_after_forgetting(kept):
    kept.forget([POLICY], [5])
    kept.keep(POLICY, 5, packed(run_one(scenario(), POLICY, 5)))
    assert kept.find(POLICY, 5) is not None


def test_pruning_removes_sweeps_that_were_given_up_and_nothing_else(kept):
    folder = kept.folder.parent
    (folder / "photos").mkdir()
    (folder / "photos" / "a.run").write_text("")
    recent = RunStore(folder, troubled())
    recent.keep(POLICY, 5, b"run")
    long_ago = time.time() - 40 * DAY
    for path in (kept.folder, folder / "photos"):
        os.utime(path, (long_ago, long_ago))
    prune(folder, 30.0)
    assert sorted(path.name for path in folder.iterdir()) == sorted(["photos", recent.folder.name])
    assert (folder / "photos" / "a.run").exists()


def test_pruning_a_folder_that_is_not_there_does_nothing(tmp_path):
    prune(tmp_path / "gone", 30.0)
    assert not (tmp_path / "gone").exists()
