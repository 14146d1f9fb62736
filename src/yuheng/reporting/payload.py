"""The data that a plan's page carries: columns instead of rows, and every text that repeats kept once.

A hundred thousand pods as objects would be a page of tens of megabytes; as columns of indices they are a
few. The page's scripts read exactly what is written here:

- ``nodes``: names; the first ones, a row of ``usage`` each, are the plan's nodes, the others are only
mentioned; - ``usage``: by resource the ``allocatable``, ``before`` and ``after`` of each node, in the
engine's units; - ``namespaces``: names; - ``refusals``: what was said to pods that stay pending, each once,
with the place of its group; - ``pods``: a row each, placements before refusals, as columns: indices of
namespace, node and refusal (-1 for none), the name and the devices; - ``words``: names and sentences of the
jobs and evictions, each once; - ``jobs``, in the order they wait, and ``evictions``: a row each as columns, most of
them indices of words; what a job waits for are pairs of kind and sentence.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from yuheng.reporting.waiting import start_text, waiting_jobs
from yuheng.reporting.wording import by_importance, devices_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from yuheng.model.batch_plan import Eviction, JobReport
    from yuheng.model.plan import NodeUsage, Plan, Refusal
    from yuheng.reporting.pending import PendingGroup

__all__ = ["Register", "columns", "embedded", "page_data"]

_NONE: Final = -1
_ESCAPES: Final = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&"})


class Register:
    """Names in the order they were met, each with its place."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = list(names)
        self._places = {name: place for place, name in reversed(list(enumerate(self.names)))}

    def place(self, name: str) -> int:
        """Where the name stands; one that is new goes to the end."""
        place = self._places.setdefault(name, len(self.names))
        if place == len(self.names):
            self.names.append(name)
        return place


class _Refusals:
    """What was said to pending pods, each once."""

    def __init__(self, groups: Sequence[PendingGroup], nodes: Register) -> None:
        self.said: list[dict[str, Any]] = []
        self._nodes = nodes
        self._group = {id(refusal): place for place, group in enumerate(groups) for refusal in group.refusals}
        self._places: dict[str, int] = {}

    def place(self, refusal: Refusal) -> int:
        """Where the words of this refusal stand."""
        words = self._words(refusal)
        place = self._places.setdefault(json.dumps(words), len(self.said))
        if place == len(self.said):
            self.said.append(words)
        return place

    def _words(self, refusal: Refusal) -> dict[str, Any]:
        return {
            "message": refusal.message,
            "hint": refusal.hint,
            "closest": [[self._nodes.place(miss.node), miss.lacks] for miss in refusal.closest],
            "group": self._group[id(refusal)],
        }


def page_data(plan: Plan, groups: Sequence[PendingGroup]) -> dict[str, Any]:
    """What the page's scripts work with.

    Args:
        plan: the plan to show.
        groups: its refusals by reason; the scripts know a group by its place in here.
    """
    nodes = Register(usage.node for usage in plan.usage)
    namespaces = Register()
    refusals = _Refusals(groups, nodes)
    rows = [
        (*_key(pod, namespaces), node, devices, refusal) for pod, node, devices, refusal in _rows(plan, nodes, refusals)
    ]
    words = Register()
    return {
        "nodes": nodes.names,
        "usage": _usage(plan.usage),
        "namespaces": namespaces.names,
        "refusals": refusals.said,
        "pods": columns(("namespace", "name", "node", "devices", "refusal"), rows),
        "jobs": _jobs(plan.jobs, words),
        "evictions": _evictions(plan.evictions, words),
        "words": words.names,
    }


def embedded(data: object) -> str:
    """The data as JSON that can stand inside a ``<script>`` element: nothing in it can end the element."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).translate(_ESCAPES)


def columns(titles: Sequence[str], rows: Sequence[Sequence[object]]) -> dict[str, list[object]]:
    """Rows as columns, by their titles; an empty column each where there are no rows."""
    turned = list(zip(*rows, strict=True)) or [()] * len(titles)
    return dict(zip(titles, map(list, turned), strict=True))


def _jobs(jobs: Sequence[JobReport], words: Register) -> dict[str, list[object]]:
    waiting = waiting_jobs(jobs)
    running = [job for job in jobs if job.state == "running" and not job.waiting_for]
    rows = [
        (
            job.job,
            words.place(job.queue),
            words.place(job.state),
            [job.ready, job.min_available],
            job.place,
            start_text(job),
            [[words.place(wait.kind), words.place(wait.message)] for wait in job.waiting_for],
        )
        for job in (*waiting, *running)
    ]
    return columns(("name", "queue", "state", "ready", "place", "start", "waits"), rows)


def _evictions(evictions: Sequence[Eviction], words: Register) -> dict[str, list[object]]:
    rows = [
        (eviction.pod, *map(words.place, (eviction.node, eviction.by, eviction.rule, eviction.reason)))
        for eviction in evictions
    ]
    return columns(("name", "node", "by", "rule", "reason"), rows)


def _rows(plan: Plan, nodes: Register, refusals: _Refusals) -> Iterator[tuple[str, int, str, int]]:
    for placement in plan.placements:
        yield placement.pod, nodes.place(placement.node), devices_text(placement), _NONE
    for refusal in plan.unschedulable:
        yield refusal.pod, _NONE, "", refusals.place(refusal)


def _key(pod: str, namespaces: Register) -> tuple[int, str]:
    namespace, _, name = pod.partition("/")
    return namespaces.place(namespace), name


def _usage(usage: Sequence[NodeUsage]) -> dict[str, dict[str, list[int]]]:
    resources = {resource for node in usage for resource in (*node.allocatable, *node.before, *node.after)}
    return {
        resource: {
            "allocatable": [node.allocatable.get(resource, 0) for node in usage],
            "before": [node.before.get(resource, 0) for node in usage],
            "after": [node.after.get(resource, 0) for node in usage],
        }
        for resource in sorted(resources, key=by_importance)
    }
