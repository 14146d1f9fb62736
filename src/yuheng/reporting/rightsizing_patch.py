"""Advice on requests as patches: one YAML document a workload, with nothing in it but what changes.

Each is a strategic merge patch (containers are merged by name), and a partial object for server-side apply, so that the
whole file can be applied in one go. Names are written by the YAML dumper and never as text of our own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from yuheng.model.quantity import format_amount
from yuheng.model.words import count
from yuheng.reporting.documents import block_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yuheng.model.rightsizing import ContainerAdvice, Rightsizing

__all__ = ["patches"]

# Where a kind keeps its pod template.
TEMPLATES: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "Deployment": ("apps/v1", ("spec", "template", "spec")),
    "StatefulSet": ("apps/v1", ("spec", "template", "spec")),
    "DaemonSet": ("apps/v1", ("spec", "template", "spec")),
    "ReplicaSet": ("apps/v1", ("spec", "template", "spec")),
    "CronJob": ("batch/v1", ("spec", "jobTemplate", "spec", "template", "spec")),
    "Pod": ("v1", ("spec",)),
}


def patches(result: Rightsizing) -> str:
    """The changed requests of all workloads whose template can be changed, as a stream of YAML documents."""
    workloads: dict[tuple[str, str, str], list[ContainerAdvice]] = {}
    others = 0
    for row in result.containers:
        if row.changes and row.kind in TEMPLATES:
            workloads.setdefault((row.namespace, row.kind, row.workload), []).append(row)
        else:
            others += row.changes
    head = (
        f"# {count(len(workloads), 'workload')}, by strategy {result.strategy}.\n"
        "# All of them: kubectl apply --server-side --force-conflicts --field-manager=yuheng -f FILE\n"
        "# One of them: kubectl patch KIND NAME -n NAMESPACE --patch-file FILE, with its document alone; a Pod with\n"
        "# --subresource resize.\n"
    )
    if others:
        head += f"# Without a patch: {count(others, 'container')} of kinds whose template cannot be changed.\n"
    documents = [block_text(_patch(key, rows)) for key, rows in sorted(workloads.items())]
    return head + "".join(f"---\n{text}" for text in documents)


def _patch(key: tuple[str, str, str], rows: Sequence[ContainerAdvice]) -> dict[str, Any]:
    namespace, kind, name = key
    version, path = TEMPLATES[kind]
    inner: dict[str, Any] = {}
    for field, found in (
        ("initContainers", [row for row in rows if row.sidecar]),
        ("containers", [row for row in rows if not row.sidecar]),
    ):
        if found:
            inner[field] = [
                {"name": row.container, "resources": _resources(row)}
                for row in sorted(found, key=lambda row: row.container)
            ]
    body: dict[str, Any] = inner
    for part in reversed(path):
        body = {part: body}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **body}


def _resources(row: ContainerAdvice) -> dict[str, dict[str, str]]:
    """The requests and limits that change; what is left out stays as it is."""
    requests: dict[str, str] = {}
    limits: dict[str, str] = {}
    for resource, change in (("cpu", row.cpu), ("memory", row.memory)):
        if change.new is not None and change.new != change.old:
            requests[resource] = format_amount(resource, change.new)
        if change.new is not None and change.new_limit is not None and change.new_limit != change.old_limit:
            limits[resource] = format_amount(resource, change.new_limit)
    return {name: amounts for name, amounts in (("requests", requests), ("limits", limits)) if amounts}
