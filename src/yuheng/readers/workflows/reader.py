"""`read_workflows`: the workflows among the objects of the input."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from yuheng.errors import InputError
from yuheng.readers.attempts import forgiving
from yuheng.readers.objects.pods import PodReader
from yuheng.readers.objects.priorities import Priorities
from yuheng.readers.workflows.argo import argo_workflow
from yuheng.readers.workflows.argo_library import CLUSTER_WIDE, Library
from yuheng.readers.workflows.own import own_workflow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from yuheng.model.pod import Pod
    from yuheng.model.workflow import Workflow
    from yuheng.readers.sources.documents import Item
    from yuheng.readers.workloads.template import MakePod

__all__ = ["ARGO", "Workflows", "is_workflow", "read_workflows"]

ARGO: Final = "argoproj.io"
OURS: Final = "yuheng.io"
TEMPLATES: Final = ("WorkflowTemplate", CLUSTER_WIDE)


class Workflows(NamedTuple):
    """What was read.

    Attributes:
        workflows: sorted by key.
        warnings: what had to be assumed, one sentence each.
    """

    workflows: tuple[Workflow, ...]
    warnings: tuple[str, ...]


def is_workflow(item: Item) -> bool:
    """Whether an object is a workflow, ours or Argo's, or a template of workflows."""
    group = item.api_version.rpartition("/")[0]
    return (item.kind == "Workflow" and group in (ARGO, OURS)) or (item.kind in TEMPLATES and group == ARGO)


def read_workflows(items: Iterable[Item], make_pod: MakePod | None = None) -> Workflows:
    """The workflows among objects; others are passed over.

    Args:
        items: objects of the input.
        make_pod: from a complete v1 Pod to a pod of the model; None for a reader that knows no priority classes.

    Raises:
        InputError: one is not what it should be, or two have one name; the message names file, object and field.
    """
    found = [item for item in items if is_workflow(item)]
    library = Library(item for item in found if item.kind in TEMPLATES)
    make = make_pod or _plain_reader()
    workflows: dict[str, Workflow] = {}
    begun: list[str] = []
    for item in (item for item in found if item.kind == "Workflow"):
        is_ours = item.api_version.rpartition("/")[0] == OURS
        workflow = own_workflow(item, make) if is_ours else argo_workflow(item, library, make)
        if workflow is None:
            begun.append(item.source)
            continue
        if workflow.key in workflows:
            raise InputError(
                f"a second Workflow of this name (the first: {workflows[workflow.key].source})",
                "one workflow of a name in a namespace",
                source=item.source,
                subject=f"Workflow {workflow.key}",
            )
        workflows[workflow.key] = workflow
    ordered = tuple(workflows[key] for key in sorted(workflows))
    warnings = [warning for workflow in ordered for warning in (*workflow.warnings, *_untimed(workflow))]
    if begun:
        warnings.append(f"{len(begun)} Workflows have begun or are done: they are not placed ({begun[0]}, ...)")
    return Workflows(ordered, tuple(warnings))


def _untimed(workflow: Workflow) -> list[str]:
    """What is assumed of tasks that do not say how long they run."""
    names = [task.name for task in workflow.tasks if task.pods and not task.requirements.run_time]
    if not names:
        return []
    told = f"{len(names)} of its tasks, {names[0]} first, do" if len(names) > 1 else f"its task {names[0]} does"
    return [
        f"{workflow.source}: Workflow {workflow.key}: {told} not say a run time (yuheng.io/run-time): 0 s is assumed"
    ]


def _plain_reader() -> MakePod:
    reader = PodReader(Priorities())

    def made(manifest: Mapping[str, Any]) -> Pod:
        return forgiving(reader.read_manifest, msgspec.json.encode(manifest))

    return made
