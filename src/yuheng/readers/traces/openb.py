"""The openb trace's tables of pods -> a workload, one job for each pod."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from yuheng.errors import InputError
from yuheng.model.workload import Workload
from yuheng.readers.openb import MIB, Row, device_request, pod_rows
from yuheng.readers.traces.columns import unknown_column
from yuheng.readers.traces.requests import Requests, templates_of
from yuheng.readers.traces.table import Coded
from yuheng.readers.traces.times import Times, told_of_unstarted, without_times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yuheng.readers.sources.files import Content
    from yuheng.readers.traces.requests import Rounding

__all__ = ["read_openb"]

CREATED: Final = "creation_time"
DELETED: Final = "deletion_time"
SCHEDULED: Final = "scheduled_time"
UNKNOWN: Final = float("nan")


class PodRow(NamedTuple):
    """A pod of the table; times in seconds, NaN where it has none."""

    name: str
    cpu: int
    memory: int
    gpu: int
    models: str
    qos: str
    queue: str
    created: float
    scheduled: float
    deleted: float


class _PodRows:
    """Reads rows, and refuses a pod that comes twice."""

    def __init__(self, queue_by: str, *, timed: bool) -> None:
        self._queue_by = queue_by
        self._timed = timed
        self._seen: dict[str, int] = {}

    def __call__(self, row: Row, number: int) -> PodRow:
        if number == 0:
            self._check_columns(row)
        name = row.name("name")
        first = self._seen.setdefault(name, number)
        if first != number:
            raise InputError(f"pod {name!r} a second time (the first: line {first + 2})", "each pod once", field="name")
        devices = device_request(row)
        created, scheduled, deleted = self._times(row)
        return PodRow(
            name=name,
            cpu=row.number("cpu_milli"),
            memory=row.number("memory_mib") * MIB,
            gpu=devices.count * devices.milli,
            models="|".join(devices.models),
            qos=row.text("qos"),
            queue=row.text(self._queue_by) if self._queue_by else "",
            created=created,
            scheduled=scheduled,
            deleted=deleted,
        )

    def _check_columns(self, row: Row) -> None:
        """Check that the table has what is asked of it.

        Raises:
            InputError: it does not.
        """
        needed = (CREATED, DELETED, SCHEDULED) if self._timed else ()
        missing = next((column for column in needed if not row.has(column)), None)
        if missing:
            found = f"no column {missing}: the table has no times"
            expected = "one that has, or an arrival sequence (workload.sequence, --inflate), which needs none"
            raise InputError(found, expected, subject="header")
        if self._queue_by and not row.has(self._queue_by):
            raise unknown_column(self._queue_by, row.columns(), "queueBy").at(subject="header")

    def _times(self, row: Row) -> tuple[float, float, float]:
        """Creation, scheduling and deletion.

        Raises:
            InputError: they are not in this order.
        """
        if not self._timed:
            return UNKNOWN, UNKNOWN, UNKNOWN
        created = row.number(CREATED)
        scheduled = row.number(SCHEDULED) if row.text(SCHEDULED) else None
        deleted = row.number(DELETED) if row.text(DELETED) else None
        if scheduled is not None and scheduled < created:
            raise InputError(repr(row.text(SCHEDULED)), f"a time not before {CREATED}", field=SCHEDULED)
        for before, column in ((created, CREATED), (scheduled, SCHEDULED)):
            if deleted is not None and before is not None and deleted < before:
                raise InputError(repr(row.text(DELETED)), f"a time not before {column}", field=DELETED)
        return created, UNKNOWN if scheduled is None else scheduled, UNKNOWN if deleted is None else deleted


def read_openb(content: Content, rounding: Rounding, queue_by: str, *, timed: bool) -> Workload:
    """The pods of a table as jobs.

    A pod runs from ``scheduled_time`` to ``deletion_time``, and one that was never scheduled as long as it was there. A
    pod without ``deletion_time`` never ends.

    Args:
        content: the table.
        rounding: what requests are rounded up to.
        queue_by: the column whose value is the name of a pod's queue; empty for none.
        timed: whether times are needed; without, pods come in the order of the file and never end.

    Raises:
        InputError: it is not such a table, has no rows or lacks a column; or a row does not fit, ``subject`` is its
            line.
    """
    try:
        rows = pod_rows(content, _PodRows(queue_by, timed=timed))
    except InputError as error:
        raise error.at(source=content.name) from error.__cause__
    if not rows:
        raise InputError("no rows", "a trace of pods", source=content.name)
    times = _times(rows) if timed else without_times(len(rows))
    templates, template = templates_of(_requests(rows), rounding)
    order = np.argsort(times.submit, kind="stable")
    ones = np.ones(len(rows), dtype=np.int32)
    return Workload(
        templates=templates,
        template=template[order],
        submit=times.submit[order],
        duration=times.duration[order],
        pods=ones,
        minimum=ones,
        estimate=np.full(len(rows), np.nan),
        names=[rows[row].name for row in order.tolist()],
        warnings=times.warnings,
    )


def _times(rows: Sequence[PodRow]) -> Times:
    created, scheduled, deleted = (
        np.array([getattr(row, field) for row in rows], dtype=np.float64)
        for field in ("created", "scheduled", "deleted")
    )
    never = np.isnan(scheduled)
    begin = np.where(never, created, scheduled)
    duration = np.where(np.isnan(deleted), np.inf, deleted - begin)
    warnings = (told_of_unstarted(int(never.sum()), len(rows), "pods"),) if never.any() else ()
    first = created.min()
    return Times(created - first, begin - first, duration, None, warnings)


def _requests(rows: Sequence[PodRow]) -> Requests:
    cpu, memory, gpu = (
        np.array([getattr(row, field) for row in rows], dtype=np.int64) for field in ("cpu", "memory", "gpu")
    )
    zeros = np.zeros(len(rows), dtype=np.int64)
    return Requests(
        cpu=cpu,
        memory=memory,
        gpu=gpu,
        models=_coded([row.models for row in rows]),
        queue=_coded([row.queue for row in rows]),
        namespace=Coded(zeros, ("default",)),
        priority=zeros,
        qos=_coded([row.qos for row in rows]),
    )


def _coded(texts: Sequence[str]) -> Coded:
    values = ("", *sorted(set(texts) - {""}))
    codes = {text: code for code, text in enumerate(values)}
    return Coded(np.array([codes[text] for text in texts], dtype=np.int64), values)
