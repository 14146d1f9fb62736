"""Queues for the terminal: the tree with its jobs, then a table a resource: what each queue has of it.

All amounts of a queue side by side would be wider than any terminal; resource by resource, queues stand below
each other and can be compared. ``wide`` is for ``grep``: one line a queue and resource, nothing left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.words import count
from yuheng.reporting.queue_tree import branches, job_counts, marks, outcome, resources
from yuheng.reporting.tables.sheet import Column, Sheet
from yuheng.reporting.wording import amount_text, amounts_text, number_text, share_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from yuheng.model.batch_plan import QueueReport, QueueTree
    from yuheng.reporting.queue_tree import Branch

__all__ = ["amount_cells", "write_queues"]

_TREE: Final = (
    Column("QUEUE"),
    Column("WEIGHT", number=True),
    Column("SHARE", number=True),
    Column("RUNNING", number=True),
    Column("ADMITTED", number=True),
    Column("WAITING", number=True),
    Column("MARKS"),
)
AMOUNTS: Final = tuple(
    Column(title, number=True)
    for title in ("DESERVED", "GUARANTEE", "CAPABILITY", "ALLOCATED", "REQUESTED", "BORROWED")
)
_WIDE: Final = (
    Column("QUEUE"),
    Column("PARENT"),
    Column("RESOURCE"),
    *AMOUNTS,
    Column("WEIGHT", number=True),
    Column("SHARE", number=True),
    Column("DOMINANT", number=True),
    Column("JOBS", number=True),
    Column("MARKS"),
)
_INDENT: Final = "  "
_QUEUES_SHOWN: Final = 50
_NONE: Final = "-"


def write_queues(tree: QueueTree, console: Console, *, wide: bool = False) -> None:
    """Write a tree of queues for people.

    Args:
        tree: what to write.
        console: where to write it; a terminal is wrapped to its width, anything else is not.
        wide: one line a queue and resource with everything there is, instead of the tree and a table a resource.
    """
    sheet = Sheet(console, wide=wide)
    found = branches(tree)
    policy = f" with deserved amounts by {tree.policy}: "
    sheet.line(("Queues", "bold"), policy, f"{count(len(found), 'queue')}, {outcome(job_counts(found))}.")
    if tree.total:
        sheet.line(f"The cluster's nodes offer {amounts_text(tree.total) or 'nothing'}.")
    if found and wide:
        sheet.line()
        sheet.table(_WIDE, [row for branch in found for row in _wide_rows(branch.queue)])
    elif found:
        _write_tree(sheet, found)
        for resource in resources(tree.queues):
            _write_resource(sheet, resource, found)
    sheet.warnings(tree.warnings)


def _write_tree(sheet: Sheet, found: Sequence[Branch]) -> None:
    shown = found[:_QUEUES_SHOWN]
    sheet.heading("Tree")
    sheet.table(_TREE, [_tree_row(branch) for branch in shown], indent=2)
    sheet.more(len(found) - len(shown), indent=2)


def _tree_row(branch: Branch) -> tuple[str, ...]:
    queue = branch.queue
    jobs = (f"{number:,}" for number in (queue.jobs.running, queue.jobs.admitted, queue.jobs.waiting))
    return (_named(branch), number_text(queue.weight), share_text(queue.share), *jobs, ", ".join(marks(queue)))


def _named(branch: Branch) -> str:
    return _INDENT * branch.depth + branch.queue.name


def _write_resource(sheet: Sheet, resource: str, found: Sequence[Branch]) -> None:
    """The queues that have anything to do with a resource, and the queues above them."""
    concerned = [branch for branch in found if resource in resources([branch.queue])]
    shown = concerned[:_QUEUES_SHOWN]
    sheet.heading(resource)
    rows = [(_named(branch), *amount_cells(branch.queue, resource)) for branch in shown]
    sheet.table((_TREE[0], *AMOUNTS), rows, indent=2)
    sheet.more(len(concerned) - len(shown), indent=2)


def amount_cells(queue: QueueReport, resource: str) -> tuple[str, ...]:
    """A queue's amounts of one resource, in the order of the columns; a dash where nothing is written or borrowed."""
    entitled = (queue.deserved, queue.guarantee, queue.capability)
    cells = [amount_text(resource, amounts[resource]) if resource in amounts else _NONE for amounts in entitled]
    cells += [amount_text(resource, amounts.get(resource, 0)) for amounts in (queue.allocated, queue.requested)]
    borrowed = queue.borrowed.get(resource, 0)
    return (*cells, amount_text(resource, borrowed) if borrowed else _NONE)


def _wide_rows(queue: QueueReport) -> list[tuple[str, ...]]:
    jobs = f"{queue.jobs.running}/{queue.jobs.admitted}/{queue.jobs.waiting}"
    shares = (share_text(queue.share), share_text(queue.dominant_share))
    own = (number_text(queue.weight), *shares, jobs, ", ".join(marks(queue)))
    names = (queue.name, queue.parent or _NONE)
    listed = resources([queue])
    rows = [(*names, resource, *amount_cells(queue, resource), *own) for resource in listed]
    return rows or [(*names, _NONE, *[_NONE] * len(AMOUNTS), *own)]
