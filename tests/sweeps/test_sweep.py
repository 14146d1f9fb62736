"""All policies on all seeds: the same results, however they are made."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest
from made_sweeps import scenario, sequence, troubled, workload

from yuheng.errors import ConfigError, YuhengError
from yuheng.model.scenario import ArrivalSequence
from yuheng.model.simulation import Run
from yuheng.reporting.documents import json_text
from yuheng.scheduling.presets import preset
from yuheng.simulation.run import run_one
from yuheng.sweeps import simulate, sweep
from yuheng.sweeps.processes import in_processes
from yuheng.sweeps.runs import Task, packed, tasks_of, unpacked

KINDS = {"jobs of a trace": scenario, "an arrival sequence": sequence, "generated jobs and failures": troubled}


@pytest.mark.parametrize("made", KINDS.values(), ids=KINDS)
def test_one_process_and_two_find_the_same_to_the_last_byte(made):
    one, two = (json_text(simulate(made(), workers=workers)) for workers in (1, 2))
    assert one == two


def test_runs_come_in_the_scenarios_order_whichever_is_done_first():
    found = simulate(scenario("random", "bestfit", "kubernetes", seeds=(9, 1, 4)), workers=2)
    assert [(run.policy, run.seed) for run in found.runs] == [
        (policy, seed) for policy in ("random", "bestfit", "kubernetes") for seed in (9, 1, 4)
    ]


def test_each_run_is_what_it_would_be_alone():
    asked = troubled()
    alone = [run_one(asked, policy, seed) for policy in asked.policies for seed in asked.seeds]
    assert list(simulate(asked, workers=2).runs) == alone


def test_a_scenario_arrives_in_another_process_as_it_was():
    asked = troubled(workload=workload())
    sent = pickle.loads(pickle.dumps(asked))  # noqa: S301 -- our own
    assert np.array_equal(sent.markets[0].available, asked.markets[0].available)
    assert np.array_equal(sent.workload.submit, asked.workload.submit)
    assert (sent.snapshot, sent.policies, sent.generator) == (asked.snapshot, asked.policies, asked.generator)


def test_progress_is_told_from_nothing_to_everything():
    told = []
    simulate(scenario(), workers=2, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 4) for done in range(5)]


def test_where_kernels_are_cold_the_first_run_is_made_before_the_others():
    asked = scenario(seeds=(1, 2, 3))
    with closing(in_processes(asked, tasks_of(asked), 2, first_alone=True)) as results:
        done = [task for task, _ in results]
    assert done[0] == Task(0, 1)
    assert sorted(done) == sorted(tasks_of(asked))


def test_a_sweep_that_starts_cold_finds_the_same(monkeypatch):
    warm = json_text(simulate(scenario(), workers=2))
    monkeypatch.setattr(sweep, "is_warm", lambda _: False)
    assert json_text(simulate(scenario(), workers=2)) == warm


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_cannot_be_made_stops_the_sweep_with_its_error(workers):
    empty = scenario(workload=workload(cpu=(0,)), sequence=ArrivalSequence())
    with pytest.raises(ConfigError, match="found no job that asks for anything the nodes have"):
        simulate(empty, workers=workers)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("wrong", [{"workers": 0}, {"workers": -1}, {"engine": "steam"}], ids=str)
def test_what_cannot_be_asked_for_is_refused(wrong):
    with pytest.raises(ConfigError, match=r"(workers|engine): found .*, expected "):
        simulate(scenario(), **wrong)


def test_ctrl_c_ends_the_other_processes_in_the_middle_of_their_runs():
    workers = []

    def interrupt(done, _):
        if done == 1:
            workers.extend(multiprocessing.active_children())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(scenario(seeds=tuple(range(50))), workers=2, progress=interrupt)
    assert multiprocessing.active_children() == []
    assert workers
    # 0 is the code of those that were let finish.
    assert 0 not in [worker.exitcode for worker in workers]


def test_a_process_that_is_killed_is_told_in_one_line():
    def kill(done, _):
        if done == 1:
            os.kill(multiprocessing.active_children()[0].pid, signal.SIGKILL)

    with pytest.raises(YuhengError, match="was killed, most likely for want of memory"):
        simulate(scenario(seeds=tuple(range(50))), workers=2, progress=kill)
    assert multiprocessing.active_children() == []


SCRIPT = """
import sys
sys.path[:0] = {path!r}
from made_sweeps import scenario
import yuheng
print(len(yuheng.simulate(scenario(), workers=2).runs))
"""


def test_a_script_needs_no_guard_around_what_it_does(tmp_path):
    file = tmp_path / "script.py"
    file.write_text(SCRIPT.format(path=[str(Path(__file__).parent)]))
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=300, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("4\n", "", 0)


def test_packing_changes_nothing():
    run = Run(
        policy="p",
        seed=1,
        totals={"jobs": 3, "slowdown_mean": 0.1 + 0.2},
        series=({"t": 0, "x": 1e-300}, {"t": 1, "x": np.float64(0.5)}),
        rush=((1.5, None),),
        warnings=("w",),
    )
    back = unpacked(packed(run))
    assert back == run
    assert [type(value) for value in back.series[0].values()] == [int, float]
    assert type(back.totals["jobs"]) is int


def test_bytes_that_are_no_run_are_refused():
    with pytest.raises(msgspec.DecodeError):
        unpacked(msgspec.msgpack.encode({"policy": 7}))


def test_a_policy_may_be_one_that_has_no_name_of_ours():
    own = msgspec.structs.replace(preset("binpack"), name="ours / 100%")
    found = simulate(scenario(policies=(own,), workload=workload(), seeds=(1, 2)), workers=2)
    assert {run.policy for run in found.runs} == {"ours / 100%"}
