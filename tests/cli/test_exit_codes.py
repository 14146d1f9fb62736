"""What a script sees of the command line: the exit code, and errors that are one line."""

from __future__ import annotations

import pytest


def write(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_plan_that_leaves_pods_pending_is_a_success(yuheng, small):
    done = yuheng("plan", small)
    assert done.code == 0
    assert "3 of 6 pending pods placed" in done.out
    assert done.err == ""


def test_strict_exits_with_3_when_a_pod_stays_pending_and_prints_the_plan_all_the_same(yuheng, small):
    done = yuheng("plan", small, "--strict")
    assert done.code == 3
    assert "3 of 6 pending pods placed" in done.out
    assert done.err == ""


def test_strict_exits_with_0_when_every_pod_is_placed(yuheng, tmp_path):
    nodes = "kind: Node\nmetadata: {name: one}\nstatus: {allocatable: {cpu: 1, memory: 1Gi, pods: 9}}\n"
    pods = "---\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c}]}\n"
    assert yuheng("plan", "--strict", write(tmp_path, "cluster.yaml", nodes + pods)).code == 0


BAD_INPUT = {
    "an unknown policy": (
        ["plan", "{small}", "--policy", "quickest"],
        "yuheng: policy: found 'quickest', expected one of kubernetes, binpack, ",
    ),
    "a policy and a configuration": (
        ["plan", "{small}", "--policy", "kubernetes", "--config", "scheduler.yaml"],
        "yuheng: --policy kubernetes and --config scheduler.yaml: found both, expected one of them",
    ),
    "a configuration that is none": (["plan", "{small}", "--config", "{small}"], "yuheng: {small}: "),
    "a configuration that is not there": (
        ["plan", "{small}", "--config", "gone.yaml"],
        "yuheng: gone.yaml: ",
    ),
    "a file that is not there": (["plan", "gone.json"], "yuheng: gone.json: no such file or folder"),
    "a file that is not of Kubernetes": (["plan", "{prose}"], "yuheng: {prose}: "),
    "an object that is not what it should be": (
        ["plan", "{broken}"],
        "yuheng: {broken}: Pod default/p: spec.containers[0].resources.requests.cpu: found 'lots', expected ",
    ),
    "a pod that is not there": (
        ["explain", "shop/gone", "{small}"],
        "yuheng: pod: found no 'shop/gone' in the input, expected the namespace/name of a pod",
    ),
    "a pod without its namespace": (["explain", "cache", "{small}"], "yuheng: pod: found no 'cache' in the input"),
    "a pod file with several pods": (
        ["capacity", "--pod", "{small}", "{small}"],
        "yuheng: {small}: found 9 pods and workloads, expected one Pod, or one workload with a template",
    ),
    "a pod file that is not there": (["capacity", "--pod", "gone.yaml", "{small}"], "yuheng: gone.yaml: no such"),
    "a pod that asks for nothing": (
        ["capacity", "--pod", "{nothing}", "{roomy}"],
        "yuheng: Pod default/p: spec.containers[].resources.requests: found room for ",
    ),
    "a time that is none": (
        ["plan", "{small}", "--now", "tomorrow"],
        "yuheng: --now: found 'tomorrow', expected a time such as 2026-01-31T09:00:00Z",
    ),
    "a time without a zone": (
        ["explain", "a/b", "{small}", "--now", "2026-01-31T09:00:00"],
        "yuheng: --now: found '2026-01-31T09:00:00', expected a time such as 2026-01-31T09:00:00Z",
    ),
    "a time that would steer the terminal": (
        ["queues", "{small}", "--now", "\x1b[2J\n"],
        "yuheng: --now: found '\\x1b[2J\\n', expected a time such as 2026-01-31T09:00:00Z",
    ),
    "an unknown policy for queues": (
        ["queues", "{small}", "--policy", "quickest"],
        "yuheng: policy: found 'quickest', expected one of kubernetes, binpack, ",
    ),
    "an output that cannot be written": (
        ["plan", "{small}", "--out", "no/such/folder/plan.txt"],
        "yuheng: --out no/such/folder/plan.txt: found No such file or directory, expected a place to write to",
    ),
    "an example that cannot be saved": (
        ["demo", "--save", "no/such/folder/cluster.json"],
        "yuheng: --save no/such/folder/cluster.json: found No such file or directory, expected a place to write to",
    ),
}


@pytest.mark.parametrize(("arguments", "line"), BAD_INPUT.values(), ids=BAD_INPUT)
def test_bad_input_is_told_in_one_line_with_code_2(yuheng, tmp_path, monkeypatch, small, arguments, line):
    monkeypatch.chdir(tmp_path)
    pod = "kind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c%s}]}\n"
    node = "kind: Node\nmetadata: {name: node-%s}\nstatus: {allocatable: {cpu: 1, memory: 1Gi, pods: 5000000}}\n---\n"
    files = {
        "small": small,
        "prose": write(tmp_path, "prose.txt", "It was a dark and stormy night.\n"),
        "broken": write(tmp_path, "broken.yaml", pod % ", resources: {requests: {cpu: lots}}"),
        "nothing": write(tmp_path, "nothing.yaml", pod % ""),
        "roomy": write(tmp_path, "roomy.yaml", node % 1 + node % 2),
    }
    done = yuheng(*(argument.format(**files) for argument in arguments))
    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith(line.format(**files))
    assert done.err.count("\n") == 1
    assert done.err.endswith("\n")


USAGE = {
    "no such command": (["frobnicate"], "No such command 'frobnicate'"),
    "no such option": (["plan", "--frobnicate"], "No such option: --frobnicate"),
    "no input": (["queues"], "Missing argument 'INPUT'"),
    "no pod": (["capacity", "cluster.json"], "Missing option '--pod'"),
    "no such format": (
        ["plan", "cluster.json", "-o", "xml"],
        "Invalid value for '-o' / '--output': 'xml' is not one of 'table', 'wide', 'json', 'yaml', 'html'.",
    ),
    "a seed that is no number": (["plan", "cluster.json", "--seed", "luck"], "Invalid value for '--seed'"),
    "a page of an explanation": (["explain", "a/b", "cluster.json", "-o", "html"], "'html' is not one of"),
}


@pytest.mark.parametrize(("arguments", "words"), USAGE.values(), ids=USAGE)
def test_wrong_usage_shows_how_to_get_help_with_code_2(yuheng, arguments, words):
    done = yuheng(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert words in done.err
    assert "-h' for help" in done.err
    assert "Traceback" not in done.err


def test_a_policy_that_does_not_exist_is_told_before_the_input_is_read(yuheng):
    done = yuheng("plan", "gone.json", "--policy", "quickest")
    assert "policy: found 'quickest'" in done.err


@pytest.mark.parametrize("command", ["plan", "queues"])
def test_a_time_that_is_none_is_told_before_the_input_is_read(yuheng, command):
    assert yuheng(command, "gone.json", "--now", "soon").err.startswith("yuheng: --now: found 'soon'")


def test_an_interrupt_exits_with_130(yuheng, small, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("yuheng.cli.work.planned", interrupted)
    done = yuheng("plan", small)
    assert done.code == 130
    assert "Traceback" not in done.err


def test_nothing_is_pending_is_a_plan_too(yuheng, tmp_path):
    node = "kind: Node\nmetadata: {name: one}\nstatus: {allocatable: {cpu: 1, memory: 1Gi, pods: 9}}\n"
    done = yuheng("plan", "--strict", write(tmp_path, "cluster.yaml", node))
    assert done.code == 0
    assert "nothing is pending" in done.out
