"""A ``yuheng.io/v1alpha1 Workflow``, from the file to the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from yuheng.errors import InputError
from yuheng.model.requirements import Requirements
from yuheng.model.workflow import DataEdge, Task, Workflow
from yuheng.readers.decoding import below
from yuheng.readers.fleet.kinds import VERSION
from yuheng.readers.fleet.objects import MetadataFields, parsed
from yuheng.readers.workflows.graph import assembled, check_names
from yuheng.readers.workflows.needs import divided, named, timed
from yuheng.readers.workflows.own_fields import TaskFields, WorkflowObject, WorkflowSpecFields

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from yuheng.model.pod import Pod
    from yuheng.readers.sources.documents import Item
    from yuheng.readers.workloads.template import MakePod

__all__ = ["own_workflow"]


def own_workflow(item: Item, make_pod: MakePod) -> Workflow:
    """The workflow of an object of our own kind.

    Args:
        item: the object.
        make_pod: from a complete v1 Pod to a pod of the model.

    Raises:
        InputError: it is not what it should be; the message names file, object and field.
    """
    fields = parsed(item, WorkflowObject)
    metadata = fields.metadata
    key = f"{metadata.namespace}/{metadata.name}"
    try:
        return _workflow(fields, key, item, make_pod)
    except InputError as error:
        raise error.at(source=item.source, subject=f"Workflow {key}") from error.__cause__


def _workflow(fields: WorkflowObject, key: str, item: Item, make_pod: MakePod) -> Workflow:
    spec, metadata = fields.spec, fields.metadata
    after = {task.name: [*task.depends_on, *task.after] for task in spec.tasks}
    check_names(after, [task.name for task in spec.tasks], "spec.tasks")
    whole, each = divided(spec.parts())
    return assembled(
        [_task(index, task, each, metadata, make_pod) for index, task in enumerate(spec.tasks)],
        list(_edges(spec)),
        "spec.tasks",
        key=key,
        kind="Workflow",
        api_version=VERSION,
        labels=metadata.labels,
        parallelism=spec.parallelism,
        **whole,
        source=item.source,
    )


def _edges(spec: WorkflowSpecFields) -> Iterator[DataEdge]:
    names = {task.name for task in spec.tasks}
    for index, edge in enumerate(spec.edges):
        for key, name in (("from", edge.source), ("to", edge.target)):
            if name not in names:
                expected = "the name of a task of the workflow"
                raise InputError(repr(name), expected, field=f"spec.edges[{index}].{key}")
        if edge.source == edge.target:
            found = f"an edge from {edge.source!r} to itself"
            raise InputError(found, "two different tasks", field=f"spec.edges[{index}]")
        yield DataEdge(
            source=edge.source, target=edge.target, gigabytes=edge.size_gb, may_live_in=tuple(edge.may_live_in)
        )


def _task(index: int, fields: TaskFields, shared: Mapping[str, Any], whole: MetadataFields, make_pod: MakePod) -> Task:
    manifest: dict[str, Any] = dict(fields.template or _plain(fields.resources))
    own = manifest.get("metadata") or {}
    metadata = {**own, "name": named(whole.name, fields.name), "namespace": whole.namespace}
    try:
        pod = make_pod({"apiVersion": "v1", "kind": "Pod", **manifest, "metadata": metadata})
    except InputError as error:
        part = "template" if fields.template is not None else "resources"
        raise below(f"spec.tasks[{index}].{part}", error) from error
    return Task(
        name=fields.name,
        pods=_replicas(pod, fields.replicas),
        after=tuple(sorted({*fields.depends_on, *fields.after})),
        requirements=timed(Requirements(**{**shared, **fields.parts()}), pod),
    )


def _replicas(pod: Pod, count: int) -> tuple[Pod, ...]:
    if count == 1:
        return (pod,)
    return tuple(msgspec.structs.replace(pod, name=f"{pod.name}-{number}") for number in range(count))


def _plain(resources: Mapping[str, int]) -> dict[str, Any]:
    """A pod template of one container that requests these."""
    requests = {name: f"{amount}m" if name == "cpu" else str(amount) for name, amount in resources.items()}
    limits = {name: amount for name, amount in requests.items() if "/" in name}
    return {"spec": {"containers": [{"name": "main", "resources": {"requests": requests, "limits": limits}}]}}
