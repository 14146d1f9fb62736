"""Reading workflows that tests write down."""

from __future__ import annotations

import textwrap

from yuheng.readers.sources.documents import items_of
from yuheng.readers.sources.files import Content
from yuheng.readers.workflows import read_workflows

ARGO = "apiVersion: argoproj.io/v1alpha1\n"
OURS = "apiVersion: yuheng.io/v1alpha1\n"
# A template of a pod, to be used by calls.
WORK = """
    - name: work
      container: {image: busybox, resources: {requests: {cpu: 500m, memory: 1Gi}}}
"""


def read(*documents):
    text = "\n---\n".join(textwrap.dedent(one) for one in documents)
    return read_workflows(items_of(Content("flow.yaml", memoryview(text.encode()))))


def one(*documents):
    (found,) = read(*documents).workflows
    return found


def argo(templates, entrypoint="main", rest=""):
    """An Argo workflow of these templates, and one that is a pod."""
    head = f"{ARGO}kind: Workflow\nmetadata: {{name: flow, namespace: team}}\nspec:\n  entrypoint: {entrypoint}\n"
    body = textwrap.indent(textwrap.dedent(rest), "  ") + "\n  templates:\n"
    return head + body + textwrap.indent(textwrap.dedent(templates) + textwrap.dedent(WORK), "  ")


def dag(tasks, rest=""):
    """The same with one DAG."""
    body = textwrap.indent(textwrap.dedent(tasks).strip(), "    ")
    return argo(f"- name: main\n  dag:\n    tasks:\n{body}\n", rest=rest)


def ours(spec):
    head = f"{OURS}kind: Workflow\nmetadata: {{name: flow, namespace: team}}\nspec:\n"
    return head + textwrap.indent(textwrap.dedent(spec), "  ")


def waits(workflow):
    """What each task waits for."""
    return {task.name: list(task.after) for task in workflow.tasks}
