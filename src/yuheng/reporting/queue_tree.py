"""The tree of queues in the order and the words that reports show it in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from yuheng.model.batch_plan import JobCounts, QueueReport
from yuheng.model.words import count
from yuheng.reporting.wording import by_importance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yuheng.model.batch_plan import QueueTree

__all__ = ["Branch", "branches", "job_counts", "marks", "outcome", "resources", "states_text"]


class Branch(msgspec.Struct, frozen=True):
    """A queue and how many queues stand above it."""

    queue: QueueReport
    depth: int


def branches(tree: QueueTree) -> list[Branch]:
    """Every queue once, each above the queues below it; whose parent was not named before it stands at the top."""
    below: dict[str, list[QueueReport]] = {}
    known: set[str] = set()
    for queue in tree.queues:
        below.setdefault(queue.parent if queue.parent in known else "", []).append(queue)
        known.add(queue.name)
    found = []
    open_branches = [Branch(queue, 0) for queue in reversed(below.pop("", []))]
    while open_branches:
        branch = open_branches.pop()
        found.append(branch)
        open_branches += [Branch(queue, branch.depth + 1) for queue in reversed(below.pop(branch.queue.name, []))]
    return found


def resources(queues: Sequence[QueueReport]) -> list[str]:
    """The resources that any of the queues has an amount of, those that people ask for first."""
    found = {name for queue in queues for amounts in _amounts(queue) for name, amount in amounts.items() if amount}
    return sorted(found, key=by_importance)


def _amounts(queue: QueueReport) -> tuple[dict[str, int], ...]:
    return (
        queue.deserved,
        queue.guarantee,
        queue.capability,
        queue.allocated,
        queue.requested,
        queue.borrowed,
    )


def marks(queue: QueueReport) -> list[str]:
    """What is out of the ordinary with a queue."""
    said = (
        ("overused", queue.overused),
        ("closed", queue.closed),
        ("not reclaimable", not queue.reclaimable),
    )
    return [words for words, holds in said if holds]


def job_counts(found: Sequence[Branch]) -> JobCounts:
    """The jobs of all queues: those of the queues at the top, which count those below them."""
    tops = [branch.queue.jobs for branch in found if branch.depth == 0]
    return JobCounts(
        sum(jobs.running for jobs in tops), sum(jobs.admitted for jobs in tops), sum(jobs.waiting for jobs in tops)
    )


def states_text(jobs: JobCounts) -> str:
    """Jobs by state: ``9 running, 1 admitted, 2 waiting``."""
    return f"{jobs.running:,} running, {jobs.admitted:,} admitted, {jobs.waiting:,} waiting"


def outcome(jobs: JobCounts) -> str:
    """The same with their number: ``12 jobs: 9 running, 1 admitted, 2 waiting``."""
    return f"{count(jobs.running + jobs.admitted + jobs.waiting, 'job')}: {states_text(jobs)}"
