"""Jobs that wait and pods that are evicted, gathered by what they have in common.

A plan may tell of thousands of jobs and tens of thousands of evictions. What a reader wants first is what
holds most jobs, and which job takes how many places.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from yuheng.model.batch_plan import Eviction, JobCounts, iso_time
from yuheng.reporting.wording import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from yuheng.model.batch_plan import JobReport

__all__ = [
    "EvictionGroup",
    "WaitGroup",
    "by_state",
    "eviction_groups",
    "kinds_text",
    "reasons_text",
    "start_text",
    "wait_groups",
    "waiting_jobs",
]


class WaitGroup(msgspec.Struct, frozen=True):
    """Jobs that are told the same."""

    kind: str
    message: str
    jobs: tuple[str, ...]


class EvictionGroup(msgspec.Struct, frozen=True):
    """Pods that make room for the same job by the same rule.

    Attributes:
        reasons: the distinct reasons with the number of pods each was given for, most frequent first.
    """

    by: str
    rule: str
    evictions: tuple[Eviction, ...]
    reasons: tuple[tuple[str, int], ...]


def by_state(jobs: Iterable[JobReport]) -> JobCounts:
    """How many jobs are in each state."""
    states = Counter(job.state for job in jobs)
    return JobCounts(states["running"], states["admitted"], states["waiting"])


def waiting_jobs(jobs: Iterable[JobReport]) -> list[JobReport]:
    """The jobs that do not run, in the order they wait; behind them those that run and wait for more pods."""
    found = [job for job in jobs if job.state != "running" or job.waiting_for]
    return sorted(found, key=lambda job: (job.state == "running", job.place or len(found) + 1))


def wait_groups(jobs: Iterable[JobReport]) -> list[WaitGroup]:
    """What jobs wait for, word for word, most jobs first, ties in the order they wait."""
    groups: dict[tuple[str, str], dict[str, None]] = {}
    for job in jobs:
        for wait in job.waiting_for:
            groups.setdefault((wait.kind, wait.message), {})[job.job] = None
    found = [WaitGroup(kind, message, tuple(names)) for (kind, message), names in groups.items()]
    return sorted(found, key=lambda group: -len(group.jobs))


def eviction_groups(evictions: Iterable[Eviction]) -> list[EvictionGroup]:
    """The evictions by job and rule, in the order the jobs were met."""
    groups: dict[tuple[str, str], list[Eviction]] = {}
    for eviction in evictions:
        groups.setdefault((eviction.by, eviction.rule), []).append(eviction)
    return [EvictionGroup(by, rule, tuple(found), _reasons(found)) for (by, rule), found in groups.items()]


def _reasons(evictions: Iterable[Eviction]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(eviction.reason for eviction in evictions if eviction.reason).most_common())


def kinds_text(job: JobReport) -> str:
    """What a job waits for, each kind once: ``quota, resources``."""
    return ", ".join(dict.fromkeys(wait.kind for wait in job.waiting_for))


def reasons_text(job: JobReport) -> str:
    """Everything that holds a job, in one line."""
    return "; ".join(f"{wait.kind}: {wait.message}" for wait in job.waiting_for)


def start_text(job: JobReport) -> str:
    """When a job could start at the earliest: ``2026-01-31T09:00:00Z, in 4 min``; nothing when unknown."""
    parts = []
    if job.earliest_start is not None:
        parts.append(iso_time(job.earliest_start))
    if job.starts_in is not None:
        parts.append("now" if job.starts_in <= 0 else f"in {duration_text(job.starts_in)}")
    return ", ".join(parts)
