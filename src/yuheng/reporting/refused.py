"""Jobs that fit nowhere, ever, gathered by what is wrong with them.

Every run lists its own, and policies that run the same trace refuse the same jobs: each is told once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yuheng.model.simulation import Run

__all__ = ["RefusedGroup", "RefusedJobs", "refused_jobs"]


class RefusedGroup(msgspec.Struct, frozen=True):
    """Jobs that are refused in the same words."""

    reason: str
    hint: str
    jobs: tuple[str, ...]


class RefusedJobs(msgspec.Struct, frozen=True):
    """The refused jobs of all runs.

    Attributes:
        groups: those that runs list, by reason and hint, most jobs first.
        least, most: how many jobs a run refused, over all runs.
    """

    groups: tuple[RefusedGroup, ...]
    least: int
    most: int

    @property
    def listed(self) -> int:
        """How many jobs the groups have."""
        return sum(len(group.jobs) for group in self.groups)

    @property
    def unlisted(self) -> int:
        """How many a run refused at least beyond those that are listed."""
        return max(0, self.most - self.listed)

    @property
    def number(self) -> str:
        """How many a run refused, in words: ``3``, ``3 to 12``."""
        return f"{self.most:,}" if self.least == self.most else f"{self.least:,} to {self.most:,}"


def refused_jobs(runs: Iterable[Run]) -> RefusedJobs:
    """What runs refused, each job and its words once."""
    groups: dict[tuple[str, str], dict[str, None]] = {}
    numbers = []
    for run in runs:
        numbers.append(max(round(run.totals.get("refused", 0)), len(run.refused)))
        for job in run.refused:
            groups.setdefault((job.reason, job.hint), {})[job.job] = None
    found = [RefusedGroup(reason, hint, tuple(jobs)) for (reason, hint), jobs in groups.items()]
    ranked = sorted(found, key=lambda group: -len(group.jobs))
    return RefusedJobs(tuple(ranked), min(numbers, default=0), max(numbers, default=0))
