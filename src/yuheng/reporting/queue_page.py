"""The tree of queues as one HTML file: its jobs, and for each resource a bar a queue.

The bars are drawn here, as SVG: they need no script, and their numbers stand beside them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.model.batch_plan import QueueReport
from yuheng.reporting.page import asset, render
from yuheng.reporting.queue_tree import branches, job_counts, marks, resources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yuheng.model.batch_plan import QueueTree
    from yuheng.reporting.queue_tree import Branch

__all__ = ["queues_page"]

_THEME: Final = ("page/theme.js",)
_PAGE: Final = ("page/text.js", "page/queues.js")
_STYLE: Final = tuple(f"page/{part}.css" for part in ("tokens", "page", "sections", "lists", "queues", "phone"))
_DEEPEST: Final = 8


class _Row(msgspec.Struct, frozen=True):
    """A queue as it stands in a table: how far it is set in, and what is out of the ordinary with it."""

    queue: QueueReport
    depth: int
    marks: tuple[str, ...]


class _Bar(msgspec.Struct, frozen=True):
    """A queue's amounts of one resource, and where they end on its bar, in percent of the bar's length.

    Attributes:
        own: what it holds within its entitlement; what it borrows ends at ``held``.
        asked: where what its pending pods ask for ends.
        limit: where its capability stands; None where it has none, or one beyond the bar.
        beyond: whether something is longer than the bar.
    """

    row: _Row
    deserved: int | None
    guarantee: int | None
    capability: int | None
    allocated: int
    requested: int
    borrowed: int
    deserved_end: float
    guarantee_end: float
    own: float
    held: float
    asked: float
    limit: float | None
    beyond: bool


class _Chart(msgspec.Struct, frozen=True):
    """The bars of one resource: the amount that a full bar stands for, and the queues that have nothing of it."""

    resource: str
    total: int
    allocated: int
    requested: int
    full: int
    bars: tuple[_Bar, ...]
    without: int


def queues_page(tree: QueueTree) -> str:
    """The queues as a self-contained HTML page.

    Args:
        tree: the queues to show; the same tree always gives the same page.

    Returns:
        The whole document, to be written as UTF-8.
    """
    found = branches(tree)
    return render(
        "queues.html.j2",
        tree=tree,
        rows=[_row(branch) for branch in found],
        jobs=job_counts(found),
        charts=[_chart(resource, tree, found) for resource in resources(tree.queues)],
        style=asset(*_STYLE),
        scripts={"theme": asset(*_THEME), "page": asset(*_PAGE)},
    )


def _row(branch: Branch) -> _Row:
    return _Row(branch.queue, min(branch.depth, _DEEPEST), tuple(marks(branch.queue)))


def _chart(resource: str, tree: QueueTree, found: Sequence[Branch]) -> _Chart:
    tops = [branch.queue for branch in found if branch.depth == 0]
    drawn = found[1:] if len(tops) == 1 and len(found) > 1 else found  # the root is the cluster: the heading tells it
    concerned = [branch for branch in drawn if resource in resources([branch.queue])]
    total = tree.total.get(resource, 0)
    full = _full([branch.queue for branch in concerned], resource, total)
    return _Chart(
        resource=resource,
        total=total,
        allocated=sum(queue.allocated.get(resource, 0) for queue in tops),
        requested=sum(queue.requested.get(resource, 0) for queue in tops),
        full=full,
        bars=tuple(_bar(branch, resource, full) for branch in concerned),
        without=len(drawn) - len(concerned),
    )


def _full(queues: Sequence[QueueReport], resource: str, total: int) -> int:
    """What a full bar stands for: the largest amount, but what is asked for or allowed beyond the cluster."""
    sure = [amounts.get(resource, 0) for q in queues for amounts in (q.deserved, q.guarantee, q.allocated)]
    hoped = [amounts.get(resource, 0) for q in queues for amounts in (q.requested, q.capability)]
    return max([1, *sure, *(min(amount, total) if total else amount for amount in hoped)])


def _bar(branch: Branch, resource: str, full: int) -> _Bar:
    queue = branch.queue
    deserved, guarantee, capability = (
        amounts.get(resource) for amounts in (queue.deserved, queue.guarantee, queue.capability)
    )
    allocated, requested, borrowed = (
        amounts.get(resource, 0) for amounts in (queue.allocated, queue.requested, queue.borrowed)
    )

    def end(amount: int | None) -> float:
        return round(100 * min(1.0, max(0, amount or 0) / full), 2)

    return _Bar(
        row=_row(branch),
        deserved=deserved,
        guarantee=guarantee,
        capability=capability,
        allocated=allocated,
        requested=requested,
        borrowed=borrowed,
        deserved_end=end(deserved),
        guarantee_end=end(guarantee),
        own=end(allocated - borrowed),
        held=end(allocated),
        asked=max(end(requested), end(allocated)),
        limit=None if capability is None or capability > full else end(capability),
        beyond=requested > full,
    )
