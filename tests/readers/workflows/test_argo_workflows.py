"""Argo's Workflows, unfolded into tasks."""

from __future__ import annotations

import pytest
from made_flows import ARGO, argo, dag, one, read, waits

from yuheng.errors import InputError
from yuheng.model.requirements import RunTime
from yuheng.model.workflow import DataEdge

NESTED = """
    - name: main
      dag:
        tasks:
        - {name: first, template: work}
        - {name: inner, template: pair, dependencies: [first]}
        - {name: last, template: work, dependencies: [inner]}
    - name: pair
      dag:
        tasks:
        - {name: p, template: work}
        - {name: q, template: work}
        - {name: r, template: work, dependencies: [q]}
"""
STEPS = """
    - name: main
      steps:
      - [{name: a, template: work}]
      - [{name: b, template: work}, {name: c, template: both}]
      - [{name: d, template: work}]
    - name: both
      steps:
      - [{name: p, template: work}]
      - [{name: q, template: work}]
"""
LOOPS = """
    - {name: a, template: work, withItems: [1, {k: v}, text]}
    - {name: b, template: work, withSequence: {count: "2"}, dependencies: [a]}
    - {name: c, template: work, withParam: '{{workflow.parameters.list}}', dependencies: [b]}
    - {name: d, template: work, withItems: [], dependencies: [c]}
    - {name: e, template: work, dependencies: [d]}
"""

GRAPHS = {
    "a diamond": (
        dag(
            """
            - {name: a, template: work}
            - {name: b, template: work, dependencies: [a]}
            - {name: c, template: work, depends: a.Succeeded}
            - {name: d, template: work, depends: "b && (c || !a.Failed)"}
            """
        ),
        {"a": [], "b": ["a"], "c": ["a"], "d": ["a", "b", "c"]},
    ),
    "a nested DAG": (
        argo(NESTED),
        {
            "first": [],
            "inner.p": ["first"],
            "inner.q": ["first"],
            "inner.r": ["inner.q"],
            "last": ["inner.p", "inner.r"],
        },
    ),
    "steps in steps": (
        argo(STEPS),
        {"a": [], "b": ["a"], "c.p": ["a"], "c.q": ["c.p"], "d": ["b", "c.q"]},
    ),
    "copies": (
        dag(LOOPS, rest="arguments: {parameters: [{name: list, value: '[7, 8]'}]}"),
        {
            "a(0)": [],
            "a(1)": [],
            "a(2)": [],
            "b(0)": ["a(0)", "a(1)", "a(2)"],
            "b(1)": ["a(0)", "a(1)", "a(2)"],
            "c(0)": ["b(0)", "b(1)"],
            "c(1)": ["b(0)", "b(1)"],
            # Of d there is no copy: what waits for it waits for what it would have waited for.
            "e": ["c(0)", "c(1)"],
        },
    ),
    "what runs only after a failure": (
        dag(
            """
            - {name: a, template: work}
            - {name: mend, template: work, depends: a.Failed || a.Errored}
            - {name: after-mend, template: work, depends: mend}
            - {name: anyway, template: work, depends: mend.Omitted}
            - {name: b, template: work, depends: a.Succeeded || mend.Succeeded}
            """
        ),
        {"a": [], "anyway": ["a"], "b": ["a"]},
    ),
    "a target": (
        argo(
            """
            - name: main
              dag:
                target: b
                tasks:
                - {name: a, template: work}
                - {name: b, template: work, dependencies: [a]}
                - {name: c, template: work, dependencies: [b]}
            """
        ),
        {"a": [], "b": ["a"]},
    ),
    "a template by a parameter": (
        argo(
            """
            - name: main
              dag: {tasks: [{name: a, template: call, arguments: {parameters: [{name: what, value: work}]}}]}
            - name: call
              inputs: {parameters: [{name: what}]}
              steps: [[{name: it, template: "{{inputs.parameters.what}}"}]]
            """
        ),
        {"a.it": []},
    ),
    "a pod alone": (argo("", entrypoint="work"), {"work": []}),
    "an inline template": (dag("- {name: a, inline: {container: {image: x}}}"), {"a": []}),
}


@pytest.mark.parametrize(("text", "expected"), GRAPHS.values(), ids=GRAPHS)
def test_tasks_wait_for_what_their_calls_wait_for(text, expected):
    assert waits(one(text)) == expected


LIBRARY = f"""
{ARGO}
kind: WorkflowTemplate
metadata: {{name: library, namespace: team}}
spec:
  entrypoint: main
  nodeSelector: {{pool: batch}}
  templateDefaults: {{container: {{resources: {{requests: {{cpu: 3}}}}}}}}
  templates:
  - name: main
    dag: {{tasks: [{{name: one, template: local}}, {{name: two, template: local, dependencies: [one]}}]}}
  - {{name: local, container: {{image: x}}}}
"""


def test_a_template_of_another_object_calls_templates_of_its_own_object():
    workflow = one(dag("- {name: a, templateRef: {name: library, template: main}}"), LIBRARY)
    assert waits(workflow) == {"a.one": [], "a.two": ["a.one"]}
    assert workflow.tasks[0].pods[0].spec.requests == {"cpu": 3000}


def test_a_workflow_may_be_nothing_but_a_template():
    workflow = one(
        f"{ARGO}kind: Workflow\nmetadata: {{generateName: run-, namespace: team}}\n"
        "spec: {workflowTemplateRef: {name: library}, parallelism: 2}",
        LIBRARY,
    )
    assert workflow.key == "team/run"
    assert workflow.parallelism == 2
    assert waits(workflow) == {"one": [], "two": ["one"]}
    assert workflow.tasks[0].pods[0].spec.node_selector == {"pool": "batch"}


def test_templates_of_pods_are_read_as_pods():
    templates = """
        - name: main
          dag:
            tasks:
            - {name: script, template: script}
            - {name: set, template: set}
            - {name: job, template: job}
            - {name: wait, template: wait}
            - {name: http, template: http}
        - name: script
          activeDeadlineSeconds: 600
          tolerations: [{key: gpu, operator: Exists}]
          script: {image: python, source: "print()", resources: {requests: {cpu: 2}}}
          sidecars: [{name: proxy, resources: {requests: {cpu: 1}}}]
        - name: set
          containerSet:
            containers: [{name: a, resources: {requests: {cpu: 1}}}, {name: b, resources: {requests: {cpu: 1}}}]
        - name: job
          resource:
            action: create
            manifest: |
              apiVersion: batch/v1
              kind: Job
              metadata: {name: made}
              spec: {parallelism: 3, template: {spec: {containers: [{name: x, resources: {requests: {cpu: 4}}}]}}}
        - {name: wait, suspend: {duration: "90"}}
        - {name: http, http: {url: "http://example.test"}}
    """
    tasks = {task.name: task for task in one(argo(templates, rest="podPriorityClassName: system-node-critical")).tasks}
    requested = {name: [pod.spec.requests.get("cpu") for pod in task.pods] for name, task in tasks.items()}
    assert requested == {"http": [], "job": [4000] * 3, "script": [3000], "set": [2000], "wait": []}
    assert tasks["script"].pods[0].priority == 2_000_001_000
    assert [one.key for one in tasks["script"].pods[0].spec.tolerations][:1] == ["gpu"]
    assert tasks["script"].requirements.run_time == {"*": RunTime(600.0)}
    assert tasks["wait"].requirements.run_time == {"*": RunTime(90.0)}


ARTIFACTS = """
    - name: main
      dag:
        tasks:
        - {name: make, template: nested}
        - name: use
          template: users
          arguments: {artifacts: [{name: in, from: "{{tasks.make.outputs.artifacts.out}}"}]}
    - name: nested
      outputs: {artifacts: [{name: out, from: "{{tasks.leaf.outputs.artifacts.data}}"}]}
      dag: {tasks: [{name: leaf, template: leaf}]}
    - name: leaf
      metadata: {annotations: {yuheng.io/artifact.data: 20GB, yuheng.io/run-time: 1h}}
      outputs: {artifacts: [{name: data, path: /data}]}
      container: {image: x}
    - name: users
      inputs: {artifacts: [{name: in}]}
      steps: [[{name: user, template: user, arguments: {artifacts: [{name: file, from: "{{inputs.artifacts.in}}"}]}}]]
    - name: user
      inputs: {artifacts: [{name: file}]}
      container: {image: x}
"""


def test_artifacts_are_data_between_the_tasks_that_write_and_read_them():
    workflow = one(argo(ARTIFACTS))
    assert workflow.edges == (DataEdge(source="make.leaf", target="use.user", gigabytes=20.0),)
    assert waits(workflow)["use.user"] == ["make.leaf"]
    assert workflow.tasks[0].requirements.run_time == {"*": RunTime(3600.0)}


def test_artifacts_of_unknown_size_count_nothing_and_a_warning_says_so():
    workflow = one(argo(ARTIFACTS.replace("yuheng.io/artifact.data: 20GB, ", "")))
    assert workflow.edges == (DataEdge(source="make.leaf", target="use.user"),)
    assert [warning for warning in workflow.warnings if "how large" in warning]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("{name: a, template: work, when: '{{x}} == 1'}", "conditions (when) are taken to hold: a"),
        (
            "{name: a, template: work, withParam: '{{tasks.b.outputs.result}}'}",
            "how many copies run is known only then",
        ),
    ],
)
def test_what_only_the_run_tells_is_assumed_with_a_warning(call, said):
    found = read(dag(f"- {call}"))
    (flow,) = found.workflows
    assert len(flow.tasks) == 1
    assert len(flow.warnings) == 1
    assert said in flow.warnings[0]


def test_a_workflow_that_has_begun_is_not_placed():
    found = read(dag("- {name: a, template: work}") + "\nstatus: {phase: Running}")
    assert found.workflows == ()
    assert "1 Workflows have begun" in found.warnings[0]


BAD = {
    "a cycle": (
        dag("- {name: b, template: work, dependencies: [a]}\n- {name: a, template: work, depends: b}"),
        "spec.templates[main].dag.tasks: found a cycle: a -> b -> a, expected tasks that do not wait for themselves",
    ),
    "unknown dependency": (
        dag("- {name: a, template: work, depends: z.Succeeded}"),
        "spec.templates[main].dag.tasks: found task 'a' after 'z', which is not there",
    ),
    "itself": (dag("- {name: a, template: work, dependencies: [a]}"), "found task 'a' after itself"),
    "two of a name": (
        dag("- {name: a, template: work}\n- {name: a, template: work}"),
        "spec.templates[main].dag.tasks[1].name: found a second task 'a'",
    ),
    "an expression without end": (
        dag("- {name: a, template: work}\n- {name: b, template: work, depends: 'a && ('}"),
        "spec.templates[main].dag.tasks[1].depends: found 'a && (', expected an expression such as",
    ),
    "an operator that is none": (
        dag("- {name: a, template: work}\n- {name: b, template: work, depends: 'a & a'}"),
        "spec.templates[main].dag.tasks[1].depends: found 'a & a', expected an expression such as",
    ),
    "a result that is none": (
        dag("- {name: a, template: work}\n- {name: b, template: work, depends: a.Done}"),
        "spec.templates[main].dag.tasks[1].depends: found the result 'Done' of 'a', expected one of Succeeded",
    ),
    "recursion": (
        argo(
            "- {name: main, steps: [[{name: a, template: other}]]}\n"
            "- {name: other, steps: [[{name: b, template: main}]]}"
        ),
        "spec.templates: found templates that call themselves: main -> other -> main, expected an end",
    ),
    "no such template": (
        dag("- {name: a, template: wrok}"),
        "spec.templates[main].a: found template 'wrok', which is not in Workflow team/flow",
    ),
    "no such object": (
        dag("- {name: a, templateRef: {name: gone, template: x}}"),
        "found WorkflowTemplate 'gone', which is not in the input",
    ),
    "no entrypoint": (argo("", entrypoint="''"), "spec.entrypoint: found nothing, expected the name of a template"),
    "nothing to do": (
        argo("- {name: main}"),
        "spec.templates[main]: found nothing that it does, expected one of container, script, resource, dag, steps",
    ),
    "items that are no list": (
        dag("- {name: a, template: work, withParam: '{\"a\": 1}'}"),
        "withParam: found '{\"a\": 1}', expected a list in JSON",
    ),
    "a bad request": (
        dag("- {name: a, inline: {container: {resources: {requests: {cpu: much}}}}}"),
        "resources.requests.cpu: found 'much'",
    ),
    "a bad annotation": (
        argo("- {name: main, metadata: {annotations: {yuheng.io/run-time: soon}}, container: {image: x}}"),
        "spec.templates[main].metadata.annotations[yuheng.io/run-time]",
    ),
}


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_bad_argo_input_is_told_in_one_line_with_its_place(text, message):
    with pytest.raises(InputError) as caught:
        read(text)
    assert str(caught.value).startswith("flow.yaml: Workflow team/flow: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
