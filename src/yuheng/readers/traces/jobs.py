"""A trace of jobs in CSV or Parquet, with a mapping of its columns, -> a workload."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from yuheng.errors import InputError
from yuheng.model.workload import Workload
from yuheng.readers.traces.cells import Cells
from yuheng.readers.traces.names import unique_names
from yuheng.readers.traces.requests import MOST_GPUS, Requests, templates_of, whole_units
from yuheng.readers.traces.table import Coded, Table
from yuheng.readers.traces.times import read_times, without_times

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from yuheng.model.workload import Seconds
    from yuheng.readers.traces.columns import Columns
    from yuheng.readers.traces.requests import Rounding

__all__ = ["read_jobs"]

MOST_PODS: Final = 1_000_000
# From here on the engine spends more on telling classes of pods apart than on placing them.
MANY_TEMPLATES: Final = 10_000
# They are 32 bits in Kubernetes.
PRIORITIES: Final = (-(2**31), 2**31 - 1)
USAGES: Final = {"cpu": "cpuUsage", "memory": "memoryUsage", "gpu": "gpuUsage"}


def read_jobs(path: str | Path, columns: Columns, rounding: Rounding, *, timed: bool) -> Workload:
    """The jobs of a trace.

    Args:
        path: CSV (also with gzip) or Parquet.
        columns: what its columns mean.
        rounding: what requests are rounded up to.
        timed: whether times are needed; without, jobs come in the order of the file and never end.

    Raises:
        InputError: the file, a column, or a cell is not what it should be.
        NotFoundError: there is no such file.
    """
    written = columns.written()
    used = {f"columns.{field}": column.column for field, column in written.items() if column.column}
    with Table(path, used) as table:
        try:
            return _workload(Cells(table, columns), rounding, timed=timed)
        except InputError as error:
            raise error.at(source=table.source) from None


def _workload(cells: Cells, rounding: Rounding, *, timed: bool) -> Workload:
    times = read_times(cells) if timed else without_times(len(cells))
    names, again = unique_names(cells.names(), times if timed else None)
    pods = cells.whole("pods", 1, 1, MOST_PODS)
    templates, template = templates_of(_requests(cells), rounding)
    order = np.argsort(times.submit, kind="stable")
    warnings = [*times.warnings]
    if again:
        warnings.append(f"{again} jobs have the name of an earlier one: they get a number behind it")
    if len(templates) > MANY_TEMPLATES:
        warnings.append(
            f"the jobs ask for {len(templates)} different things, which takes time and memory; workload.round makes "
            "them fewer"
        )
    return Workload(
        templates=templates,
        template=template[order],
        submit=times.submit[order],
        duration=times.duration[order],
        pods=pods[order].astype(np.int32),
        minimum=_minimum(cells, pods)[order].astype(np.int32),
        estimate=cells.numbers("estimate")[order],
        names=[names[row] for row in order.tolist()] if names else (),
        usage=_usage(cells, order),
        epoch=times.epoch,
        warnings=tuple(warnings),
    )


def _minimum(cells: Cells, pods: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many pods start together: all of them, unless the trace says otherwise."""
    if "minimum" not in cells:
        return pods
    minimum = cells.numbers("minimum")
    minimum = np.where(np.isnan(minimum), pods, minimum)
    is_count = (minimum % 1 == 0) & (minimum >= 1)
    cells.check(~is_count, "minimum", "a whole number of 1 or more")
    cells.check(minimum > pods, "minimum", "no more than the job has pods")
    return minimum.astype(np.int64)


def _requests(cells: Cells) -> Requests:
    return Requests(
        cpu=whole_units(cells.numbers("cpu", 0)),
        memory=whole_units(cells.numbers("memory", 0)),
        gpu=_gpus(cells),
        models=cells.texts("gpuModel"),
        queue=cells.texts("queue"),
        namespace=cells.texts("namespace", "default"),
        priority=cells.whole("priority", 0, *PRIORITIES),
        qos=Coded(np.zeros(len(cells), dtype=np.int64), ("",)),
    )


def _gpus(cells: Cells) -> NDArray[np.int64]:
    gpu = whole_units(cells.numbers("gpu", 0))
    is_wrong = ((gpu > 1000) & (gpu % 1000 != 0)) | (gpu > 1000 * MOST_GPUS)
    cells.check(is_wrong, "gpu", f"a share of one GPU, or up to {MOST_GPUS} whole ones")
    return gpu


def _usage(cells: Cells, order: NDArray[np.intp]) -> dict[str, Seconds]:
    return {name: cells.numbers(field)[order] for name, field in USAGES.items() if field in cells}
