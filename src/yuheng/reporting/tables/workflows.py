"""Workflows of a fleet plan for the terminal: what each costs, how good it is, and where and when its tasks run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from yuheng.model.words import count
from yuheng.reporting.fleet_workflows import workflow_rows
from yuheng.reporting.tables.sheet import Column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yuheng.reporting.tables.sheet import Sheet

__all__ = ["write_workflows"]

_TASKS: Final = (
    Column("TASK"),
    Column("CLUSTER"),
    Column("MARKET"),
    Column("STARTS AFTER", number=True),
    Column("TAKES", number=True),
    Column("COST", number=True),
    Column("CO2", number=True),
)
_REFUSED: Final = (Column("WORKFLOW"), Column("TASK"), Column("REASON"))
_TASKS_SHOWN: Final = 20


def write_workflows(sheet: Sheet, workflows: Sequence[Mapping[str, Any]]) -> None:
    """Write the plans of workflows: a sentence each, and their tasks.

    Args:
        sheet: where to write; a wide one gets what was refused, too.
        workflows: as they stand in the public format of a fleet plan.
    """
    if workflows:
        sheet.heading(f"Workflows: {count(len(workflows), 'workflow')}")
    for workflow in workflow_rows(workflows):
        label = (f"{workflow.name}  ", "yellow" if workflow.reason else "")
        sheet.line(workflow.reason or workflow.sentence, label=label, indent=2)
        shown = workflow.tasks if sheet.wide else workflow.tasks[:_TASKS_SHOWN]
        if shown:
            rows = [(one.task, one.cluster, one.market, one.starts, one.takes, one.cost, one.carbon) for one in shown]
            sheet.table(_TASKS, rows, indent=4)
        sheet.more(len(workflow.tasks) - len(shown), indent=4)
    refused = [(one["workflow"], item["task"], item["reason"]) for one in workflows for item in one["refused"]]
    if sheet.wide and refused:
        sheet.heading("Refused for tasks of workflows")
        sheet.table(_REFUSED, refused, indent=2)
