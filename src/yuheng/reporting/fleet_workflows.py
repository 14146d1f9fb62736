"""Workflows of a fleet plan, as they stand in the public format: their sentence, and their tasks on one line of time.

A bar's place is percent of the time from the workflow's start to its finish.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from yuheng.reporting.fleet_wording import carbon_text, money_text
from yuheng.reporting.wording import duration_text, percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["TaskBar", "WorkflowRows", "workflow_rows", "workflow_sentence"]

_SHORTEST = 0.4


class TaskBar(msgspec.Struct, frozen=True):
    """A task: where it runs, when, what it costs, and where its bar starts and how wide it is."""

    task: str
    cluster: str
    market: str
    starts: str
    takes: str
    cost: str
    carbon: str
    x: float
    width: float


class WorkflowRows(msgspec.Struct, frozen=True):
    """A workflow: its name, its sentence or the reason why it has no place, and its tasks by their start."""

    name: str
    sentence: str
    reason: str
    tasks: tuple[TaskBar, ...]


def workflow_rows(workflows: Sequence[Mapping[str, Any]]) -> list[WorkflowRows]:
    """The workflows of a plan with their tasks."""
    return [
        WorkflowRows(
            workflow["workflow"],
            workflow_sentence(workflow),
            workflow["reason"],
            tuple(_bars(workflow["tasks"])),
        )
        for workflow in workflows
    ]


def workflow_sentence(workflow: Mapping[str, Any]) -> str:
    """What a workflow costs in all, and how far that may be from the best; empty where it has no place."""
    if workflow["reason"]:
        return ""
    seconds = _seconds(workflow["finish"]) - _seconds(workflow["start"]) if workflow["finish"] else 0.0
    good = "no plan can do better" if not workflow["gap"] else f"at most {percent(workflow['gap'])} above the best"
    cost, carbon = money_text(workflow["cost"]["total"]), carbon_text(workflow["carbonGrams"])
    return f"{cost}, {duration_text(seconds)}, {carbon} CO2 for {workflow['objective']}; {workflow['method']}: {good}"


def _bars(tasks: Sequence[Mapping[str, Any]]) -> list[TaskBar]:
    times = [(_seconds(task["start"]), _seconds(task["finish"])) for task in tasks]
    first = min((start for start, _ in times), default=0.0)
    span = max((finish for _, finish in times), default=0.0) - first or 1.0
    return [
        TaskBar(
            task=task["task"],
            cluster=task["cluster"],
            market=task["market"],
            starts=duration_text(start - first),
            takes=duration_text(finish - start),
            cost=money_text(task["cost"]),
            carbon=carbon_text(task["carbonGrams"]),
            x=round(min(100 * (start - first) / span, 100 - _SHORTEST), 2),
            width=round(max(100 * (finish - start) / span, _SHORTEST), 2),
        )
        for task, (start, finish) in zip(tasks, times, strict=True)
    ]


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
