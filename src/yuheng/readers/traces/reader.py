"""`read_trace`: which kind of trace a file is, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.errors import InputError
from yuheng.readers.openb import is_pod_table
from yuheng.readers.traces.columns import Column
from yuheng.readers.traces.files import beginning, one_file
from yuheng.readers.traces.jobs import read_jobs
from yuheng.readers.traces.openb import read_openb
from yuheng.readers.traces.opening import EXPECTED, is_parquet
from yuheng.readers.traces.requests import Rounding

if TYPE_CHECKING:
    from yuheng.model.workload import Workload
    from yuheng.readers.traces.columns import Columns

__all__ = ["read_trace"]

NOT_ROUNDED: Final = Rounding()


def read_trace(
    path: str | Path,
    columns: Columns | None = None,
    *,
    rounding: Rounding = NOT_ROUNDED,
    queue_by: str = "",
    timed: bool = True,
) -> Workload:
    """The jobs of a trace, in the order they were submitted, the first at second 0.

    Args:
        path: CSV (plain or with gzip) or Parquet.
        columns: what its columns mean; None for a table of pods of the openb trace, which is known by its header.
        rounding: what requests are rounded up to multiples of.
        queue_by: the column whose value names the queue, in place of ``columns.queue``; empty for none.
        timed: whether times are needed. Without them jobs come one after the other and never end: submission is the
            number of the row, durations are infinite. That is for arrival sequences.

    Raises:
        InputError: a column is missing or unknown, or a cell is not what it should be; the message names the file, the
            row (from 1, without the header; of openb the line) and the column.
        NotFoundError: there is no such file.
    """
    if columns is not None:
        if queue_by and columns.queue is not None:
            raise InputError("queueBy beside columns.queue", "one of them", source=str(path), field="queueBy")
        if queue_by:
            columns = msgspec.structs.replace(columns, queue=Column(column=queue_by))
        return read_jobs(path, columns, rounding, timed=timed)
    if not is_parquet(Path(path), beginning(Path(path), EXPECTED)):
        content = one_file(path, EXPECTED)
        if is_pod_table(content):
            return read_openb(content, rounding, queue_by, timed=timed)
    raise InputError(
        "a trace that is not openb's, and no columns", "what its columns mean", source=str(path), field="columns"
    )
