"""Tasks and edges, put together and checked: what both kinds of workflow have in common."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

import msgspec

from yuheng.errors import InputError
from yuheng.model.workflow import DataEdge, Task, Workflow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["MOST_TASKS", "assembled", "check_names"]

# Each task is placed for itself; more of them is a loop that expands without end.
MOST_TASKS = 10_000


def check_names(tasks: Mapping[str, Iterable[str]], names: Iterable[str], field: str) -> None:
    """Check that names are unique, and that what tasks wait for is there.

    Args:
        tasks: by name, what each waits for.
        names: all names, in the order they were written.
        field: where the tasks stand in the object.

    Raises:
        InputError: a name is there twice, or is none, or what is waited for is not there or the task itself.
    """
    seen: set[str] = set()
    for index, name in enumerate(names):
        if not name:
            raise InputError("nothing", "the name of the task", field=f"{field}[{index}].name")
        if name in seen:
            raise InputError(f"a second task {name!r}", "one task of a name", field=f"{field}[{index}].name")
        seen.add(name)
    for name, sources in tasks.items():
        for source in sources:
            if source == name:
                raise InputError(f"task {name!r} after itself", "another task", field=field)
            if source not in seen:
                raise InputError(f"task {name!r} after {source!r}, which is not there", "a task of it", field=field)


def assembled(tasks: Iterable[Task], edges: Iterable[DataEdge], field: str, **parts: Any) -> Workflow:  # noqa: ANN401
    """A workflow whose tasks can run one after the other.

    Args:
        tasks: with unique names.
        edges: between them; several of a pair become one, and each makes its target wait for its source.
        field: where the tasks stand in the object.
        parts: the other fields of `Workflow`.

    Raises:
        InputError: tasks wait for each other.
    """
    merged: dict[tuple[str, str], DataEdge] = {}
    for edge in edges:
        known = merged.get((edge.source, edge.target))
        merged[edge.source, edge.target] = _both(known, edge) if known else edge
    tasks = list(tasks)
    after: dict[str, set[str]] = {task.name: set(task.after) for task in tasks}
    for source, target in merged:
        after[target].add(source)
    found = Workflow(
        tasks=tuple(
            msgspec.structs.replace(task, after=tuple(sorted(after[task.name])))
            for task in _told_apart(sorted(tasks, key=lambda task: task.name))
        ),
        edges=tuple(merged[pair] for pair in sorted(merged)),
        **parts,
    )
    try:
        found.order()
    except InputError as error:
        raise error.at(field=field) from None
    return found


def _told_apart(tasks: Iterable[Task]) -> Iterator[Task]:
    """Tasks whose pods have names of their own: tasks may differ in what a pod's name does not hold."""
    taken: set[str] = set()
    for task in tasks:
        pods = []
        for pod in task.pods:
            name = next(name for name in _names(pod.name) if name not in taken)
            taken.add(name)
            pods.append(pod if name == pod.name else msgspec.structs.replace(pod, name=name))
        yield msgspec.structs.replace(task, pods=tuple(pods))


def _names(name: str) -> Iterator[str]:
    yield name
    yield from (f"{name}-{number}" for number in count(2))


def _both(one: DataEdge, other: DataEdge) -> DataEdge:
    """Two edges of a pair as one; it may live only where both may."""
    allowed = one.may_live_in or other.may_live_in
    if one.may_live_in and other.may_live_in:
        allowed = tuple(region for region in one.may_live_in if region in other.may_live_in) or ("none of both",)
    return msgspec.structs.replace(one, gigabytes=one.gigabytes + other.gigabytes, may_live_in=allowed)
