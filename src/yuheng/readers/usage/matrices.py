"""Usage as matrices: a row a container of a pod, a column a moment.

Read a stretch of time after the other, each with no more rows than fit into memory, in whatever order the rows have,
each value straight to its place: sorting or hashing forty million rows by container takes twice as long as all the
rest. A cell stands for the same length of time as any other, however often it was measured, so that shares of cells are
shares of time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from yuheng.model.units import DAY
from yuheng.model.usage_matrices import PodContainer, UsageMatrices

if TYPE_CHECKING:
    from yuheng.readers.usage.opening import Usage

__all__ = ["MOST_CELLS", "MOST_ROWS", "read_matrices"]

MOST_CELLS: Final = 64_000_000
"""Cells of a matrix: 256 MB. Finer samples than fit in share cells, of which the highest counts."""
MOST_ROWS: Final = 4_000_000
"""Rows that are read at a time: some 50 bytes each, with what is made of them on the way."""
_MINUTE: Final = 60.0
_LOOKED_AT: Final = 100
"""Containers by which the time between samples is told."""
_NEARLY: Final = 0.02
_CELLS: Final = """
    SELECT n.code, round((u.ts - ?) / ?)::INTEGER AS cell, u.cpu, u.memory
    FROM usage u JOIN usage_names n ON (u.namespace = n.namespace AND u.pod = n.pod AND u.container = n.container)
    WHERE u.ts >= ? AND u.ts < ?"""
_COUNTS: Final = """
    SELECT floor((ts - ?) / ?)::BIGINT AS minute, count(*) FROM usage WHERE ts >= ? GROUP BY minute ORDER BY minute"""
_NAMES: Final = """
    CREATE OR REPLACE TEMP TABLE usage_names AS
    SELECT *, (row_number() OVER (ORDER BY namespace, pod, container) - 1)::INTEGER AS code
    FROM (SELECT DISTINCT namespace, pod, container FROM usage WHERE ts >= ? AND container <> '')"""
_GAP: Final = """
    WITH gaps AS (
        SELECT ts - lag(ts) OVER (PARTITION BY n.code ORDER BY ts) AS gap
        FROM usage u JOIN usage_names n ON (u.namespace = n.namespace AND u.pod = n.pod AND u.container = n.container)
        WHERE ts >= ? AND n.code % ? = 0),
    usual AS (SELECT median(gap) AS gap FROM gaps WHERE gap > 0)
    SELECT avg(gaps.gap) FROM gaps, usual WHERE gaps.gap BETWEEN 0.5 * usual.gap AND 1.5 * usual.gap"""


def read_matrices(
    usage: Usage,
    history: float | None = None,
    most_cells: int = MOST_CELLS,
    most_rows: int = MOST_ROWS,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> UsageMatrices:
    """All usage of the last so many seconds, as matrices.

    Args:
        usage: opened files.
        history: seconds back from the last sample; None for all there is.
        most_cells: of a matrix.
        most_rows: that are read at a time; more only where a single minute has more.
        progress: is told how many of how many stretches of time are read.

    Raises:
        InputError: a file cannot be read to its end.
    """
    last = usage.last
    first = usage.start if history is None else max(usage.start, last - history)
    usage.fetch(_NAMES, [first])
    rows = usage.fetch("SELECT namespace, pod, container FROM usage_names ORDER BY code")
    names = tuple(PodContainer(*row) for row in rows)
    finest = _finest(usage, max(first, last - 2 * DAY), len(names))
    step = _step(finest, last - first, most_cells // max(len(names), 1))
    columns = round((last - first) / step) + 1
    cpu, memory = np.full((2, len(names) * columns), np.nan, np.float32)
    stretches = _stretches(usage, first, most_rows)
    for number, (start, end) in enumerate(stretches):
        found = usage.arrays(_CELLS, [first, step, start, end])
        place = found["code"].astype(np.int64) * columns + found["cell"]
        _put(cpu, place, found["cpu"])
        _put(memory, place, found["memory"])
        progress(number + 1, len(stretches))
    usage.fetch("DROP TABLE usage_names")
    shape = (len(names), columns)
    times = first + step * np.arange(columns, dtype=np.float64)
    return UsageMatrices(names, times, cpu.reshape(shape), memory.reshape(shape), step, finest)


def _stretches(usage: Usage, first: float, most: int) -> list[tuple[float, float]]:
    """Whole minutes from a time on, put together up to so many rows; the end of each is not within it."""
    found: list[tuple[float, float]] = []
    rows = 0
    for minute, count in usage.fetch(_COUNTS, [first, _MINUTE, first]):
        end = first + (minute + 1) * _MINUTE
        rows += count
        if found and rows <= most:
            found[-1] = (found[-1][0], end)
        else:
            # Without a gap between them: rounding may count a row in the minute before its own.
            found.append((found[-1][1] if found else first, end))
            rows = count
    return found


def _finest(usage: Usage, first: float, names: int) -> float:
    """Seconds between samples of a container, as they mostly are."""
    [(found,)] = usage.fetch(_GAP, [first, max(names // _LOOKED_AT, 1)])
    gap = float(found) if found else usage.step
    # Clocks jitter, the intervals that people choose are round.
    unit = 15.0 if gap > 20 else 1.0
    near = max(round(gap / unit), 1) * unit
    return near if abs(gap - near) <= _NEARLY * near else gap


def _step(finest: float, span: float, columns: int) -> float:
    """A whole multiple of the time between samples, so that a row has no more than so many cells."""
    return finest * max(1, int(np.ceil(span / finest / max(columns - 1, 1))))


def _put(matrix: NDArray[np.float32], place: NDArray[np.int64], values: Any) -> None:  # noqa: ANN401 -- masked or not
    """Put values in their places, the higher of two in one; what was not measured is nan."""
    amounts = np.ma.filled(values.astype(np.float32), np.nan)
    np.fmax.at(matrix, place, amounts)
