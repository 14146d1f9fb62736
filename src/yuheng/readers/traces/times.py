"""When jobs were submitted and how long they ran, from the columns that a trace has."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from yuheng.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yuheng.model.workload import Seconds
    from yuheng.readers.traces.cells import Cells

__all__ = ["Times", "read_times", "told_of_unstarted", "without_times"]

INSTANT_FIELDS = ("submit", "start", "finish")


class Times(NamedTuple):
    """Times of jobs, in the order of the file.

    Attributes:
        submit: (J,) seconds, the earliest 0.
        begin: (J,) when a job held its resources for the first time, as far as the trace says; on the same clock.
        duration: (J,) seconds that it ran; infinite when it never ended.
        epoch: what second 0 is in seconds since the epoch; None when the trace does not say.
        warnings: what had to be assumed.
    """

    submit: Seconds
    begin: Seconds
    duration: Seconds
    epoch: float | None = None
    warnings: tuple[str, ...] = ()


def without_times(jobs: int) -> Times:
    """Jobs one after the other that never end, for an arrival sequence."""
    submit = np.arange(jobs, dtype=np.float64)
    return Times(submit, submit, np.full(jobs, np.inf))


def read_times(cells: Cells) -> Times:
    """The times of jobs.

    Raises:
        InputError: a column is missing, or a row contradicts itself: it starts before it is submitted, or ends before
            it starts.
    """
    if "submit" not in cells:
        raise InputError("nothing", "the column of the times of submission", field="columns.submit")
    if "duration" not in cells and "finish" not in cells:
        raise InputError("neither duration nor finish", "one of them", field="columns")
    submit, start, finish, are_instants = _moments(cells)
    cells.check(np.isnan(submit), "submit", "a time")
    # What is not there is compared with nothing: NaN is neither less nor more.
    _check_order(cells, start < submit, "start", "submit")
    _check_order(cells, finish < submit, "finish", "submit")
    _check_order(cells, finish < start, "finish", "start")
    begin = np.where(np.isnan(start), submit, start)
    duration, warnings = _durations(cells, begin, start, finish)
    first = float(submit.min())
    return Times(submit - first, begin - first, duration, first if are_instants else None, warnings)


def _moments(cells: Cells) -> tuple[Seconds, Seconds, Seconds, bool]:
    """Submission, start and finish on one clock; and whether that is the clock on the wall."""
    given = [field for field in INSTANT_FIELDS if field in cells]
    kinds = {field: cells.is_instant(field) for field in given}
    are_instants = kinds["submit"]
    other = next((field for field in given if kinds[field] != are_instants), None)
    if other is not None:
        words = ("timestamps", "numbers") if are_instants else ("numbers", "timestamps")
        raise InputError(words[1], f"{words[0]}, as in submit", field=f"columns.{other}")
    nothing = np.full(len(cells), np.nan)
    read = cells.instants if are_instants else cells.numbers
    submit, start, finish = (read(field) if field in cells else nothing for field in INSTANT_FIELDS)
    return submit, start, finish, are_instants


def _check_order(cells: Cells, is_wrong: NDArray[np.bool_], field: str, before: str) -> None:
    cells.check(is_wrong, field, f"a time not before {before}")


def _durations(cells: Cells, begin: Seconds, start: Seconds, finish: Seconds) -> tuple[Seconds, tuple[str, ...]]:
    """Durations, and what had to be assumed for them."""
    if "duration" in cells:
        duration = cells.numbers("duration")
        if "finish" not in cells:
            cells.check(np.isnan(duration), "duration", "a duration")
            return duration, ()
        duration = np.where(np.isnan(duration), finish - begin, duration)
    else:
        duration = finish - begin
    endless = np.isnan(duration)
    warnings = []
    if endless.any():
        warnings.append(f"{endless.sum()} of {len(cells)} jobs have no time of finish: they never end")
    never = np.isnan(start) & ~np.isnan(finish)
    if "start" in cells and "duration" not in cells and never.any():
        warnings.append(told_of_unstarted(int(never.sum()), len(cells), "jobs"))
    return np.where(endless, np.inf, duration), tuple(warnings)


def told_of_unstarted(count: int, total: int, what: str) -> str:
    """The warning of jobs that ended without ever having run."""
    return f"{count} of {total} {what} never started: they are taken to run from their submission to their end"
