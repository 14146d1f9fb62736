"""`yuheng simulate`: scenarios and the short form, outputs, exit codes, and going on after Ctrl-C."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from yuheng.cli import sweep

CACHE_FOLDER = sweep._cache_folder
NODES = "sn,cpu_milli,memory_mib,gpu,model\n" + "".join(f"node-{i},32000,131072,4,T4\n" for i in range(3))
PODS = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time\n"
PODS += "".join(
    f"pod-{i},2000,4096,1,{250 * (i % 4 + 1)},,LS,Succeeded,{60 * i},{60 * i + 3600},{60 * i}\n" for i in range(12)
)
SCENARIO = """
name: small
nodes: [nodes.csv]
workload: {trace: pods.csv}
policies: [fgd, bestfit]
seeds: 1-2
"""
LONG = """
nodes: [nodes.csv]
workload:
  generate:
    arrivals: {rate: 600/h}
    jobs: 1000
    classes: [{name: a, duration: {exponential: {mean: 30m}}, cpu: 1, memory: 1Gi}]
policies: [fgd, bestfit]
seeds: 1-12
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with a cluster, a trace and scenarios, and a cache for runs that is empty."""
    for name, text in (("nodes.csv", NODES), ("pods.csv", PODS), ("s.yaml", SCENARIO), ("long.yaml", LONG)):
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sweep, "_cache_folder", lambda: tmp_path / "cache")
    return tmp_path


def kept(folder):
    return list(folder.rglob("*.run"))


SHORT = ("simulate", "--nodes", "nodes.csv", "--pods", "pods.csv")


def test_a_scenario_is_simulated(yuheng):
    done = yuheng("simulate", "s.yaml", "--workers", 1)
    assert (done.code, done.err) == (0, "")
    assert "small: 2 policies, 2 seeds, 4 runs" in done.out
    assert "jobs submitted 12" in done.out


def test_the_short_form_needs_no_file(yuheng):
    options = ("-p", "fgd", "--policy", "random", "--seeds", "42-44", "--inflate", 0.9, "-o", "json", "--workers", 1)
    done = yuheng(*SHORT, *options)
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert [(run["policy"], run["seed"]) for run in found["runs"]] == [
        (policy, seed) for policy in ("fgd", "random") for seed in (42, 43, 44)
    ]
    for run in found["runs"]:
        arrived = [point["arrived_gpu_percent"] for point in run["series"]]
        assert arrived == list(range(len(arrived)))
        assert 80 < arrived[-1] <= 90
    assert {"policy", "measure", "mean", "low", "high"} <= set(found["summary"][0])


def test_the_short_form_has_a_policy_and_a_seed_of_its_own(yuheng):
    found = json.loads(yuheng(*SHORT, "-o", "json").out)
    assert [(run["policy"], run["seed"]) for run in found["runs"]] == [("kubernetes", 42)]


def test_options_come_before_what_the_scenario_says(yuheng):
    done = yuheng("simulate", "s.yaml", "-p", "random", "--seeds", "7", "-o", "json")
    assert [(run["policy"], run["seed"]) for run in json.loads(done.out)["runs"]] == [("random", 7)]


def test_the_number_of_workers_changes_nothing(yuheng):
    one, two = (yuheng("simulate", "s.yaml", "-o", "json", "--workers", workers).out for workers in (1, 2))
    assert one == two


def test_csv_is_a_table_of_everything(yuheng):
    rows = list(csv.DictReader(io.StringIO(yuheng("simulate", "s.yaml", "-o", "csv", "--workers", 1).out)))
    assert {(row["policy"], row["seed"]) for row in rows} == {(p, s) for p in ("fgd", "bestfit") for s in "12"}


def test_a_page_is_written_to_a_file(yuheng, folder):
    done = yuheng("simulate", "s.yaml", "-o", "html", "--out", "report.html", "--workers", 1)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert (folder / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_the_outputs_of_a_scenario_are_written_beside_it(yuheng, folder):
    (folder / "deep").mkdir()
    deep = SCENARIO.replace("[nodes", "[../nodes").replace("pods.csv", "../pods.csv")
    outputs = "outputs: [{format: json, path: a.json}, {format: csv, path: b.csv}, {format: html, path: c.html}]\n"
    (folder / "deep" / "s.yaml").write_text(deep + outputs)
    done = yuheng("simulate", "deep/s.yaml", "-o", "json", "--workers", 1)
    assert (folder / "deep" / "a.json").read_text() == done.out
    assert {path.name for path in (folder / "deep").iterdir()} == {"s.yaml", "a.json", "b.csv", "c.html"}


BAD = {
    "nothing": ((), "yuheng: found neither, expected a scenario, or --nodes and --pods"),
    "nodes without pods": (
        ("--nodes", "nodes.csv"),
        "yuheng: found --nodes, expected a scenario, or --nodes and --pods",
    ),
    "both forms": (
        ("s.yaml", "--inflate", "1.3"),
        "yuheng: s.yaml and --inflate: found both, expected a scenario, or ",
    ),
    "a scenario that is not there": (("gone.yaml",), "yuheng: gone.yaml: no such file"),
    "seeds that are none": (("s.yaml", "--seeds", "some"), "yuheng: --seeds: found 'some', expected seeds such as 42"),
    "an unknown policy": (("s.yaml", "-p", "quickest"), "yuheng: policy: found 'quickest', expected one of kubernetes"),
    "a policy twice": (("s.yaml", "-p", "fgd", "-p", "fgd"), "yuheng: --policy: found fgd twice, expected each "),
    "a folder for runs that is a file": (("s.yaml", "--runs", "s.yaml"), "yuheng: --runs s.yaml: found File exists, "),
    "a file in a folder that is not there": (
        ("s.yaml", "--out", "no/x"),
        "yuheng: --out no/x: found no such folder, expected a place to write to",
    ),
    "a folder in place of a file": (("s.yaml", "--out", "."), "yuheng: --out .: found a folder, expected a place to "),
    "an output in a folder that is not there": (
        ("out.yaml",),
        "yuheng: outputs: no/x.json: found no such folder, expected a place to write to",
    ),
    "Ray, which is not installed": (("s.yaml", "--engine", "ray"), "yuheng: engine ray: found no Ray, expected it to "),
    "two tables of pods": (
        ("--nodes", "nodes.csv", "--pods", "pods.csv", "--pods", "pods.csv"),
        "yuheng: pods: found 2 files, expected one trace of pods",
    ),
    "nothing to inflate to": (
        ("--nodes", "nodes.csv", "--pods", "pods.csv", "--inflate", "0"),
        "yuheng: workload.sequence.inflate: found 0.0, expected a number above 0",
    ),
}


@pytest.mark.parametrize(("arguments", "line"), BAD.values(), ids=BAD)
def test_bad_input_is_told_in_one_line_with_code_2(yuheng, folder, monkeypatch, arguments, line):
    monkeypatch.setitem(sys.modules, "ray", None)
    (folder / "out.yaml").write_text(SCENARIO + "outputs: [{format: json, path: no/x.json}]\n")
    done = yuheng("simulate", *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(line)
    assert done.err.count("\n") == 1


def test_nothing_is_kept_once_the_results_were_printed(yuheng, folder):
    assert yuheng("simulate", "s.yaml", "--workers", 1).code == 0
    assert list((folder / "cache").iterdir()) == []


def test_runs_are_kept_when_the_results_could_not_be_written(yuheng, folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("yuheng.cli.output._replacing", full)
    failed = yuheng("simulate", "s.yaml", "--out", "x.txt", "--workers", 1)
    assert failed.code == 2
    assert len(kept(folder)) == 4
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sweep, "_cache_folder", lambda: folder / "cache")
    assert "4 of 4 runs were found" in yuheng("simulate", "s.yaml", "--out", "x.txt").err


def test_runs_in_a_folder_of_ones_own_stay_and_are_used_again(yuheng, folder):
    first = yuheng("simulate", "s.yaml", "--runs", "mine", "-o", "json", "--workers", 1)
    assert len(kept(folder / "mine")) == 4
    more = yuheng("simulate", "s.yaml", "--runs", "mine", "-o", "json", "--seeds", "1-3", "--workers", 1)
    assert more.err.startswith("yuheng: 4 of 6 runs were found in mine")
    again = yuheng("simulate", "s.yaml", "--runs", "mine", "-o", "json", "--workers", 1)
    assert again.out == first.out
    assert again.err.startswith("yuheng: 4 of 4 runs were found in mine")


def test_fresh_makes_all_runs_anew(yuheng, folder):
    yuheng("simulate", "s.yaml", "--runs", "mine", "--workers", 1)
    assert yuheng("simulate", "s.yaml", "--runs", "mine", "--fresh", "--workers", 1).err == ""
    assert len(kept(folder / "mine")) == 4


def test_a_damaged_file_is_told_and_made_again(yuheng, folder):
    first = yuheng("simulate", "s.yaml", "--runs", "mine", "-o", "json", "--workers", 1)
    path = min(kept(folder / "mine"))
    path.write_bytes(b"junk")
    again = yuheng("simulate", "s.yaml", "--runs", "mine", "-o", "json", "--workers", 1)
    assert again.out == first.out
    assert f"{path.relative_to(folder)}: found a file that is damaged" in again.err
    assert (again.code, path.read_bytes() == b"junk") == (0, False)


def test_without_a_place_for_a_cache_there_are_results_all_the_same(yuheng, folder, monkeypatch):
    (folder / "file").write_text("")
    monkeypatch.setattr(sweep, "_cache_folder", lambda: folder / "file" / "cache")
    done = yuheng("simulate", "s.yaml", "--workers", 1)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("variables", "place"),
    [
        ({"YUHENG_CACHE_DIR": "/a", "XDG_CACHE_HOME": "/b"}, "/a/runs"),
        ({"XDG_CACHE_HOME": "/b"}, "/b/yuheng/runs"),
        ({"HOME": "/c"}, "/c/.cache/yuheng/runs"),
    ],
)
def test_the_cache_is_where_the_kernels_are(monkeypatch, variables, place):
    for name in ("YUHENG_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(CACHE_FOLDER()) == place


def process(folder, *arguments):
    """The command line in a process group of its own, as a shell starts it."""
    code = "import sys; from yuheng.cli import main; sys.argv[0] = 'yuheng'; main()"
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background may have it ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 -- there is one thread
        start_new_session=True,
    )


def wait_for(condition, seconds=300):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_same_command_goes_on_after_ctrl_c(folder, workers):
    command = ("simulate", "long.yaml", "--runs", "mine", "-o", "json", "--workers", workers)
    with process(folder, *command) as first:
        wait_for(lambda: len(kept(folder)) >= 3)
        os.killpg(first.pid, signal.SIGINT)
        out, err = first.communicate(timeout=60)
    there = len(kept(folder))
    assert (first.returncode, out) == (130, "")
    assert err.startswith(f"yuheng: interrupted: {there} of 24 runs are kept in mine")
    assert err.endswith("; the same command goes on from there\n")
    assert err.count("\n") == 1
    assert list(folder.rglob("*.part")) == []
    with process(folder, *command) as second:
        out, err = second.communicate(timeout=600)
    assert second.returncode == 0
    assert err.startswith(f"yuheng: {there} of 24 runs were found in mine")
    with process(folder, *command[:2], "--runs", "other", "-o", "json", "--workers", 2) as whole:
        assert whole.communicate(timeout=600)[0] == out


def test_workers_end_with_a_command_that_is_killed(folder):
    with process(folder, "simulate", "long.yaml", "--runs", "mine", "--workers", 2) as killed:
        wait_for(lambda: kept(folder))
        killed.kill()
        # Workers hold the other ends of these pipes for as long as they live.
        killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
