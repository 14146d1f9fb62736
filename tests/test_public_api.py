"""What a program may rely on: the names, their signatures, and the shapes of what they give."""

from __future__ import annotations

import csv
import inspect
import io
import json
import subprocess
import sys

import jsonschema
import pytest

import yuheng
from yuheng.reporting.schema import schema

NODES = [
    {
        "kind": "Node",
        "metadata": {"name": f"node-{i}", "labels": {"kubernetes.io/hostname": f"node-{i}"}},
        "status": {"allocatable": {"cpu": "4", "memory": "16Gi", "pods": "110", "nvidia.com/gpu": "2"}},
    }
    for i in range(2)
]


def pod(name, cpu="1", gpus=0, **spec):
    resources = {"requests": {"cpu": cpu}, "limits": {"nvidia.com/gpu": str(gpus)} if gpus else {}}
    containers = [{"name": "main", "resources": resources}]
    return {"kind": "Pod", "metadata": {"name": name}, "spec": {"containers": containers, **spec}}


@pytest.fixture(scope="module")
def snapshot():
    """Two nodes, a pod that runs, two that fit and one that does not."""
    return yuheng.read(
        [*NODES, pod("runs", nodeName="node-0"), pod("fits"), pod("trains", gpus=2), pod("waits", cpu="5")]
    )


def test_the_names_are_these_and_sorted():
    assert yuheng.__all__ == [
        "Drill",
        "Explanation",
        "Fleet",
        "FleetPlan",
        "FleetState",
        "Headroom",
        "Plan",
        "Pod",
        "Policy",
        "QueueTree",
        "Scenario",
        "Simulation",
        "Snapshot",
        "YuhengError",
        "capacity",
        "drill",
        "explain",
        "plan",
        "queues",
        "read",
        "read_fleet",
        "read_pod",
        "read_scenario",
        "read_scheduler_config",
        "simulate",
        "survey",
    ]
    assert sorted(yuheng.__all__) == yuheng.__all__
    assert all(inspect.getdoc(getattr(yuheng, name)) for name in yuheng.__all__)


SIGNATURES = {
    "read": "(*sources: 'Source') -> 'Snapshot'",
    "read_pod": "(source: 'str | Path | Mapping[str, Any]') -> 'Pod'",
    "read_scheduler_config": "(source: 'str | Path') -> 'Policy'",
    "read_fleet": "(*sources: 'Source') -> 'Fleet'",
    "plan": "(snapshot: 'Snapshot | Fleet', policy: 'str | Policy | None' = None, seed: 'int' = 0, *, "
    "now: 'float | None' = None, progress: 'Callable[[int, int], None] | None' = None, "
    "objective: 'str | None' = None, within: 'float | None' = None, without: 'Sequence[str]' = (), "
    "rebalance: 'bool' = False, pareto: 'bool' = False) -> 'Plan | FleetPlan'",
    "drill": "(fleet: 'Fleet', policy: 'str | Policy | None' = None, seed: 'int' = 0, *, now: 'float | None' = None, "
    "progress: 'Callable[[int, int], None] | None' = None, objective: 'str | None' = None, "
    "without: 'Sequence[str]' = ()) -> 'Drill'",
    "survey": "(fleet: 'Fleet', *, now: 'float | None' = None) -> 'FleetState'",
    "explain": "(snapshot: 'Snapshot', pod: 'str', policy: 'str | Policy | None' = None, "
    "seed: 'int' = 0, *, now: 'float | None' = None) -> 'Explanation'",
    "capacity": "(snapshot: 'Snapshot', pod: 'Pod', policy: 'str | Policy | None' = None, "
    "seed: 'int' = 0) -> 'Headroom'",
    "queues": "(snapshot: 'Snapshot', policy: 'str | Policy | None' = None, *, "
    "now: 'float | None' = None) -> 'QueueTree'",
    "read_scenario": "(path: 'str | Path') -> 'Scenario | DeadlineScenario | ShiftingScenario'",
    "simulate": "(scenario: 'str | Path | Scenario | DeadlineScenario | ShiftingScenario', *, "
    "workers: 'int | None' = None) -> 'Simulation'",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_the_signatures_are_these(name):
    assert str(inspect.signature(getattr(yuheng, name))) == SIGNATURES[name]


def test_importing_it_imports_no_engine():
    code = "import sys, yuheng; print(*sorted({'numba', 'numpy', 'yaml', 'jinja2', 'rich'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_reading_takes_objects_lists_and_files(tmp_path):
    path = tmp_path / "pod.json"
    path.write_text(json.dumps(pod("fits")))
    listed = {"kind": "List", "items": NODES}
    assert yuheng.read(NODES, pod("fits")) == yuheng.read(listed, path) == yuheng.read(listed, str(path))


def test_a_plan_as_a_dictionary(snapshot):
    found = yuheng.plan(snapshot).to_dict()
    assert list(found) == [
        "apiVersion",
        "kind",
        "policy",
        "placements",
        "unschedulable",
        "evictions",
        "jobs",
        "summary",
        "warnings",
    ]
    assert (found["apiVersion"], found["kind"], found["policy"]) == ("yuheng.io/v1alpha1", "Plan", "kubernetes")
    assert found["placements"] == [
        {"pod": "default/fits", "node": "node-1", "devices": []},
        {"pod": "default/trains", "node": "node-0", "devices": [0, 1]},
    ]
    assert [refusal["pod"] for refusal in found["unschedulable"]] == ["default/waits"]
    assert found["unschedulable"][0]["message"] == "0/2 nodes are available: 2 Insufficient cpu."
    assert {key: found["summary"][key] for key in ("nodes", "pods", "placed", "unschedulable", "bound")} == {
        "nodes": 2,
        "pods": 3,
        "placed": 2,
        "unschedulable": 1,
        "bound": 1,
    }
    assert found["summary"]["allocation"]["cpu"] == {"before": 0.125, "after": 0.375}


def test_a_plan_as_rows(snapshot):
    rows = yuheng.plan(snapshot).to_frame()
    assert [list(row) for row in rows] == [["namespace", "pod", "node", "devices", "message", "hint"]] * 3
    assert rows[1] == {
        "namespace": "default",
        "pod": "trains",
        "node": "node-0",
        "devices": "0,1",
        "message": "",
        "hint": "",
    }
    assert rows[2]["node"] is None
    assert rows[2]["message"] == "0/2 nodes are available: 2 Insufficient cpu."
    assert rows[2]["hint"]


def test_rows_are_what_tables_are_made_of(snapshot):
    rows = yuheng.plan(snapshot).to_frame()
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    assert text.getvalue().splitlines()[1] == "default,fits,node-1,,,"


def test_an_explanation_of_each_verdict(snapshot):
    fits, waits, runs = (yuheng.explain(snapshot, f"default/{name}") for name in ("fits", "waits", "runs"))
    assert (fits.verdict, fits.node) == ("fits", "node-1")
    assert [candidate.node for candidate in fits.scores] == ["node-1", "node-0"]
    assert fits.scores[0].total == sum(fits.scores[0].plugins.values())
    assert (waits.verdict, waits.scores) == ("pending", ())
    assert (runs.verdict, runs.node) == ("bound", "node-0")


def test_an_explanation_agrees_with_the_plan(snapshot):
    plan = yuheng.plan(snapshot)
    for placement in plan.placements:
        assert yuheng.explain(snapshot, placement.pod).node == placement.node
    for refusal in plan.unschedulable:
        explanation = yuheng.explain(snapshot, refusal.pod)
        assert (explanation.message, explanation.hint) == (refusal.message, refusal.hint)


def test_headroom(snapshot):
    headroom = yuheng.capacity(snapshot, yuheng.read_pod(pod("more", cpu="2")))
    assert headroom.total == 3
    assert [(node.node, node.pods) for node in headroom.nodes] == [("node-1", 2), ("node-0", 1)]
    assert headroom.limit == "Insufficient cpu"
    assert headroom.to_dict()["kind"] == "Headroom"


def test_results_are_what_their_schemas_say(snapshot):
    results = [
        yuheng.plan(snapshot),
        yuheng.plan(snapshot, policy="random", seed=7),
        yuheng.plan(yuheng.read(NODES)),
        *(yuheng.explain(snapshot, f"default/{name}") for name in ("fits", "waits", "runs")),
        yuheng.capacity(snapshot, yuheng.read_pod(pod("more"))),
        yuheng.capacity(snapshot, yuheng.read_pod(pod("never", cpu="100"))),
        yuheng.queues(snapshot),
    ]
    for result in results:
        document = result.to_dict()
        jsonschema.validate(document, schema(document["kind"]))
        assert json.loads(json.dumps(document)) == document


def test_a_snapshot_is_not_changed():
    objects = [*NODES, pod("a"), pod("b", cpu="9")]
    before = yuheng.read(objects)
    yuheng.plan(before)
    yuheng.explain(before, "default/b")
    assert before == yuheng.read(objects)


def test_progress_is_told_until_the_end(snapshot):
    told = []
    yuheng.plan(snapshot, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (3, 3)


def test_a_policy_may_be_an_object(snapshot):
    policy = yuheng.Policy(name="mine", scores=())
    assert yuheng.plan(snapshot, policy=policy).policy == "mine"


ERRORS = {
    "no such file": lambda _: yuheng.read("gone.json"),
    "no such pod": lambda snapshot: yuheng.explain(snapshot, "default/gone"),
    "no such policy": lambda snapshot: yuheng.plan(snapshot, policy="quickest"),
    "no such policy for queues": lambda snapshot: yuheng.queues(snapshot, policy="quickest"),
    "no such scenario": lambda _: yuheng.simulate("gone.yaml"),
    "no such filter": lambda snapshot: yuheng.plan(snapshot, policy=yuheng.Policy(filters=("Mood",))),
    "an objective for one cluster": lambda snapshot: yuheng.plan(snapshot, objective="cost"),
    "not a pod": lambda _: yuheng.read_pod(NODES[0]),
    "not an object": lambda _: yuheng.read({"kind": 7}),
    "not a configuration": lambda _: yuheng.read_scheduler_config("gone.yaml"),
}


@pytest.mark.parametrize("fail", ERRORS.values(), ids=ERRORS)
def test_everything_raised_on_purpose_is_a_yuheng_error(snapshot, fail):
    with pytest.raises(yuheng.YuhengError):
        fail(snapshot)
