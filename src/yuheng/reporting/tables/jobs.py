"""Jobs and evictions for the terminal: who waits for what, and who makes room for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.words import count
from yuheng.reporting.queue_tree import states_text
from yuheng.reporting.tables.sheet import Column
from yuheng.reporting.waiting import (
    by_state,
    eviction_groups,
    kinds_text,
    reasons_text,
    start_text,
    wait_groups,
    waiting_jobs,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yuheng.model.batch_plan import Eviction, JobReport
    from yuheng.reporting.tables.sheet import Sheet
    from yuheng.reporting.waiting import EvictionGroup

__all__ = ["ready_text", "write_evictions", "write_jobs"]

_JOBS: Final = (
    Column("JOB"),
    Column("QUEUE"),
    Column("PLACE", number=True),
    Column("STATE"),
    Column("READY", number=True),
    Column("EARLIEST START"),
    Column("WAITS FOR"),
)
_EVICTIONS: Final = (Column("POD"), Column("NODE"), Column("FOR"), Column("RULE"), Column("REASON"))
_ROWS_SHOWN: Final = 20
_GROUPS_SHOWN: Final = 10
_REASONS_SHOWN: Final = 3
_NAMES_SHOWN: Final = 3
_NONE: Final = "-"


def write_jobs(sheet: Sheet, jobs: Sequence[JobReport]) -> None:
    """How many jobs run, those that wait in their order, and what holds them; nothing without jobs."""
    if not jobs:
        return
    sheet.heading(f"Jobs: {states_text(by_state(jobs))}")
    if sheet.wide:
        columns = (*_JOBS[:-1], Column("REASONS"))
        sheet.table(columns, [(*_row(job), reasons_text(job)) for job in jobs], indent=2)
        return
    waiting = waiting_jobs(jobs)
    shown = waiting[:_ROWS_SHOWN]
    if shown:
        sheet.names(_JOBS, [(*_row(job), kinds_text(job) or _NONE) for job in shown], indent=2)
        sheet.more(len(waiting) - len(shown), indent=2)
        _write_reasons(sheet, waiting)


def _row(job: JobReport) -> tuple[str, ...]:
    place = f"{job.place:,}" if job.place else _NONE
    return (job.job, job.queue, place, job.state, ready_text(job), start_text(job) or _NONE)


def ready_text(job: JobReport) -> str:
    """How many pods are ready, of how many that have to be: ``2/8``."""
    return f"{job.ready:,}/{job.min_available:,}"


def _write_reasons(sheet: Sheet, waiting: Sequence[JobReport]) -> None:
    groups = wait_groups(waiting)
    shown = groups[:_GROUPS_SHOWN]
    if not shown:
        return
    sheet.heading("What jobs wait for")
    counts = [count(len(group.jobs), "job") for group in shown]
    width = max(map(len, counts))
    for number, group in zip(counts, shown, strict=True):
        sheet.line(f"{group.kind}: {group.message}", label=(f"{number:>{width}}  ", "yellow"), indent=2)
        sheet.line(_names(group.jobs), label="jobs  ", indent=width + 4)
    sheet.more(len(groups) - len(shown), indent=2)


def _names(names: Sequence[str]) -> str:
    hidden = len(names) - _NAMES_SHOWN
    named = ", ".join(names[:_NAMES_SHOWN])
    return f"{named} and {hidden:,} more" if hidden > 0 else named


def write_evictions(sheet: Sheet, evictions: Sequence[Eviction]) -> None:
    """The pods that have to go, by the job that takes their place; nothing where none has to."""
    if not evictions:
        return
    if sheet.wide:
        sheet.heading(f"Evicted: {count(len(evictions), 'pod')}")
        rows = [(e.pod, e.node or _NONE, e.by or _NONE, e.rule, e.reason) for e in evictions]
        sheet.table(_EVICTIONS, rows, indent=2)
        return
    groups = eviction_groups(evictions)
    jobs = len({group.by for group in groups if group.by})
    whom = f" for {count(jobs, 'job')}" if jobs else ""
    sheet.heading(f"Evicted: {count(len(evictions), 'pod')}{whom}")
    shown = groups[:_GROUPS_SHOWN]
    width = max(len(count(len(group.evictions), "pod")) for group in shown)
    for group in shown:
        _write_evicted(sheet, group, width)
    sheet.more(len(groups) - len(shown), indent=2)


def _write_evicted(sheet: Sheet, group: EvictionGroup, width: int) -> None:
    label = (f"{count(len(group.evictions), 'pod'):>{width}}  ", "yellow")
    sheet.line(f"{group.rule} for {group.by}" if group.by else group.rule, label=label, indent=2)
    indent = width + 4
    for reason, pods in group.reasons[:_REASONS_SHOWN]:
        whom = "" if pods == len(group.evictions) else f" (for {count(pods, 'pod')})"
        sheet.line(reason, (whom, "dim"), label="reason  ", indent=indent)
    sheet.more(len(group.reasons) - _REASONS_SHOWN, indent=indent + 8)
    places = [f"{e.pod} on {e.node}" if e.node else e.pod for e in group.evictions]
    sheet.line(_names(places), label="pods    ", indent=indent)
