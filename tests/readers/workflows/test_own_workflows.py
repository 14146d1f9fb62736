"""A ``yuheng.io/v1alpha1 Workflow``."""

from __future__ import annotations

import pytest
from made_flows import one, ours, read, waits

from yuheng.errors import InputError
from yuheng.model.requirements import DataUse, RunTime
from yuheng.model.workflow import DataEdge

WHOLE = """
    deadline: 4h
    parallelism: 5
    objective: cost
    regions: [eu-*]
    interruptible: true
    tasks:
    - {name: load, resources: {cpu: 2, memory: 4Gi}, runTime: 10m, reads: [{name: raw, sizeGB: 500, regions: [eu-1]}]}
    - name: train
      after: load
      replicas: 2
      resources: {cpu: 8, memory: 32Gi, gpu: 1}
      runTime: {A100: 1h, "*": 5h}
      regions: [eu-1]
    - {name: test, dependsOn: [train], template: {spec: {containers: [{resources: {requests: {cpu: 250m}}}]}}}
    edges:
    - {from: train, to: test, sizeGB: 1.5TB, mayLiveIn: eu-1}
    - {from: load, to: test}
"""


def test_says_what_waits_for_what():
    assert waits(one(ours(WHOLE))) == {"load": [], "test": ["load", "train"], "train": ["load"]}


def test_an_edge_makes_its_target_wait_and_tells_how_much_is_moved():
    assert one(ours(WHOLE)).edges == (
        DataEdge(source="load", target="test"),
        DataEdge(source="train", target="test", gigabytes=1500.0, may_live_in=("eu-1",)),
    )


def test_a_task_has_a_pod_for_each_replica():
    load, test, train = one(ours(WHOLE)).tasks
    assert [pod.key for pod in train.pods] == ["team/flow-train-0", "team/flow-train-1"]
    assert train.pods[0].spec.requests == {"cpu": 8000, "memory": 32 * 2**30, "nvidia.com/gpu": 1}
    assert train.pods[0].spec.devices.count == 1
    assert [pod.name for pod in load.pods] == ["flow-load"]
    assert test.pods[0].spec.requests == {"cpu": 250}


def test_what_a_workflow_says_counts_for_tasks_that_do_not_say_it():
    workflow = one(ours(WHOLE))
    load, _, train = (task.requirements for task in workflow.tasks)
    assert (workflow.within, workflow.parallelism, workflow.objective) == (4 * 3600.0, 5, "cost")
    assert (load.regions, load.interruptible) == (("eu-*",), True)
    assert (train.regions, train.interruptible) == (("eu-1",), True)
    assert load.within is None
    assert load.reads == (DataUse(name="raw", gigabytes=500.0, regions=("eu-1",)),)
    assert train.run_time == {"A100": RunTime(3600.0), "*": RunTime(5 * 3600.0)}


def test_pods_of_tasks_whose_names_differ_in_a_dot_have_names_of_their_own():
    workflow = one(ours("tasks: [{name: a.b}, {name: a-b}, {name: A-B}]"))
    assert sorted(pod.name for task in workflow.tasks for pod in task.pods) == ["flow-a-b", "flow-a-b-2", "flow-a-b-3"]


BAD = {
    "no task": ("tasks: []", "spec.tasks: found no task, expected one task or more"),
    "two of a name": (
        "tasks: [{name: a}, {name: a}]",
        "spec.tasks[1].name: found a second task 'a', expected one task of a name",
    ),
    "unknown dependency": (
        "tasks: [{name: a, after: [b]}]",
        "spec.tasks: found task 'a' after 'b', which is not there, expected a task of it",
    ),
    "after itself": (
        "tasks: [{name: a, dependsOn: a}]",
        "spec.tasks: found task 'a' after itself, expected another task",
    ),
    "a cycle": (
        "tasks: [{name: c, after: b}, {name: b, after: [a, x]}, {name: a, after: c}, {name: x}]",
        "spec.tasks: found a cycle: a -> b -> c -> a, expected tasks that do not wait for themselves",
    ),
    "a cycle over data": (
        "{tasks: [{name: a}, {name: b, after: a}], edges: [{from: b, to: a}]}",
        "spec.tasks: found a cycle: a -> b -> a, expected tasks that do not wait for themselves",
    ),
    "edge to itself": (
        "{tasks: [{name: a}], edges: [{from: a, to: a}]}",
        "spec.edges[0]: found an edge from 'a' to itself, expected two different tasks",
    ),
    "edge to nowhere": (
        "{tasks: [{name: a}], edges: [{from: a, to: z}]}",
        "spec.edges[0].to: found 'z', expected the name of a task of the workflow",
    ),
    "negative size": (
        "{tasks: [{name: a}, {name: b}], edges: [{from: a, to: b, sizeGB: -1}]}",
        "spec.edges[0].sizeGB: found -1, expected a number of gigabytes of 0 or more, or text such as 1.5TB",
    ),
    "unknown key": (
        "tasks: [{name: a, resource: {cpu: 1}}]",
        "spec.tasks[0].resource: found an unknown key (did you mean resources?)",
    ),
    "resources and template": (
        "tasks: [{name: a, resources: {cpu: 1}, template: {spec: {}}}]",
        "spec.tasks[0].template: found resources and template, expected one of them",
    ),
    "both words": (
        "tasks: [{name: a}, {name: b}, {name: c, after: a, dependsOn: b}]",
        "spec.tasks[2].after: found dependsOn and after, which mean the same, expected one of them",
    ),
    "bad template": (
        "tasks: [{name: a, template: {spec: {containers: [{resources: {requests: {cpu: lots}}}]}}}]",
        "spec.tasks[0].template.spec.containers[0].resources.requests.cpu: found 'lots'",
    ),
}


@pytest.mark.parametrize(("spec", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_told_in_one_line_with_its_place(spec, message):
    with pytest.raises(InputError) as caught:
        read(ours(spec))
    assert str(caught.value).startswith("flow.yaml: Workflow ")
    assert message in str(caught.value)


def test_two_workflows_of_a_name_are_refused():
    with pytest.raises(InputError, match="a second Workflow of this name"):
        read(ours("tasks: [{name: a}]"), ours("tasks: [{name: b}]"))
