"""Tasks without a run time count for no time, and that is said; tasks without a name are refused."""

from __future__ import annotations

import pytest
from made_flows import OURS, argo, dag, read

from yuheng.errors import InputError

HEAD = f"{OURS}kind: Workflow\nmetadata: {{name: flow}}\nspec:\n  tasks:\n"


def ours(*tasks):
    return HEAD + "".join(f"  - {{{task}, resources: {{cpu: 1}}}}\n" for task in tasks)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (ours("name: a"), ["its task a does not say a run time (yuheng.io/run-time): 0 s is assumed"]),
        (
            ours("name: a, runTime: 1h", "name: b", "name: c"),
            ["2 of its tasks, b first, do not say a run time (yuheng.io/run-time): 0 s is assumed"],
        ),
        (ours("name: a, runTime: 1h"), []),
        (dag("- {name: a, template: work}"), ["its task a does not say a run time (yuheng.io/run-time): 0 s is"]),
    ],
)
def test_a_task_without_a_run_time(document, said):
    found = read(document)
    assert len(found.warnings) == len(said)
    for warning, words in zip(found.warnings, said, strict=True):
        assert warning.startswith("flow.yaml: Workflow ")
        assert words in warning


@pytest.mark.parametrize(
    ("document", "where"),
    [
        (dag("- {template: work}"), "spec.templates[main].dag.tasks[0].name: found nothing, expected the name of"),
        (
            argo("- name: main\n  steps:\n  - [{template: work}]\n"),
            "spec.templates[main].steps[0]: found a step without a name, expected the name of each step",
        ),
    ],
)
def test_a_task_without_a_name(document, where):
    with pytest.raises(InputError) as refused:
        read(document)
    assert str(refused.value).startswith(f"flow.yaml: Workflow team/flow: {where}")
