"""Where a pod's job and its queue stand, as an explanation tells it: what holds the job, and who has what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.model.words import count
from yuheng.reporting.queue_tree import marks, outcome, resources
from yuheng.reporting.tables.queues import AMOUNTS, amount_cells
from yuheng.reporting.tables.sheet import Column
from yuheng.reporting.waiting import start_text
from yuheng.reporting.wording import amounts_text, number_text, share_text

if TYPE_CHECKING:
    from yuheng.model.batch_plan import Eviction, JobReport, QueueReport
    from yuheng.model.plan import Explanation
    from yuheng.reporting.tables.sheet import Sheet

__all__ = ["write_eviction", "write_standing"]

_WAITS: Final = (Column("WAITS FOR"), Column("WHY"))
_BORROWERS: Final = (Column("QUEUE"), Column("BORROWS"))
_BORROWERS_SHOWN: Final = 10


def write_eviction(sheet: Sheet, eviction: Eviction, message: str) -> None:
    """Who takes a running pod's place, by which rule, and why where the message does not say so."""
    by = f" for {eviction.by}" if eviction.by else ""
    where = f" from {eviction.node}" if eviction.node else ""
    sheet.line("The plan ", ("evicts", "red"), f" it{where}{by} by the rule {eviction.rule}.")
    if eviction.reason and eviction.reason not in message:
        sheet.line(eviction.reason, label="reason  ")


def write_standing(sheet: Sheet, explanation: Explanation) -> None:
    """The job and the queue of an explanation, where it tells of them."""
    if explanation.job is not None:
        _write_job(sheet, explanation.job)
    if explanation.queue is not None:
        _write_queue(sheet, explanation.queue)
        _write_borrowers(sheet, explanation)


def _write_job(sheet: Sheet, job: JobReport) -> None:
    sheet.heading(f"Job {job.job}")
    needed = f"{job.ready:,} of {count(job.pods, 'pod')} ready, needs {job.min_available:,} to start"
    sheet.line(f"{job.state} in queue {job.queue}: {needed}.", label="state   ", indent=2)
    if job.place:
        sheet.line(f"number {job.place:,} of the jobs that wait", label="place   ", indent=2)
    start = start_text(job)
    if start:
        sheet.line(f"{start}, if nothing new arrives", label="starts  ", indent=2)
    if job.waiting_for:
        sheet.line()
        sheet.table(_WAITS, [(wait.kind, wait.message) for wait in job.waiting_for], indent=2)


def _write_queue(sheet: Sheet, queue: QueueReport) -> None:
    said = marks(queue)
    sheet.heading(f"Queue {queue.name}" + (f" ({', '.join(said)})" if said else ""))
    below = f", below {queue.parent}" if queue.parent else ""
    sheet.line(f"weight {number_text(queue.weight)}{below}, share {share_text(queue.share)}", indent=2)
    sheet.line(outcome(queue.jobs), indent=2)
    listed = resources([queue])
    if listed:
        sheet.line()
        rows = [(resource, *amount_cells(queue, resource)) for resource in listed]
        sheet.table((Column("RESOURCE"), *AMOUNTS), rows, indent=2)


def _write_borrowers(sheet: Sheet, explanation: Explanation) -> None:
    borrowers = explanation.borrowers
    if not borrowers:
        return
    sheet.heading("Who borrows")
    shown = borrowers if sheet.wide else borrowers[:_BORROWERS_SHOWN]
    sheet.table(_BORROWERS, [(name, amounts_text(amounts)) for name, amounts in shown], indent=2)
    sheet.more(len(borrowers) - len(shown), indent=2)
