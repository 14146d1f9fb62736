"""Carbon intensity over time: a number, points, or a column of a CSV file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from yuheng.errors import InputError
from yuheng.model.series import Series
from yuheng.readers.fleet.rows import Rows
from yuheng.readers.traces.files import one_file

if TYPE_CHECKING:
    from datetime import tzinfo

    from yuheng.readers.fleet.region_fields import CarbonFields

__all__ = ["read_carbon"]


def read_carbon(fields: CarbonFields, folder: Path) -> Series:
    """Grams of CO2 equivalent per kWh over time.

    Args:
        fields: what is written.
        folder: what paths are relative to.

    Raises:
        InputError: the file lacks a column, its times do not ascend, or a value is negative or no number.
        NotFoundError: there is no such file.
    """
    if fields.constant is not None:
        return Series.constant(fields.constant)
    if fields.file is None:
        points = fields.series
        return Series(np.array([point.at for point in points]), np.array([point.intensity for point in points]))
    rows = Rows.of(one_file(folder / fields.file, "a series in CSV"))
    time_column, column = _columns(rows, fields)
    times, values = _points(rows, time_column, column, _zone(fields.timezone))
    if not values:
        raise InputError("no value", "a series of one or more", source=rows.source, field=column)
    return Series(np.array(times), np.array(values))


def _columns(rows: Rows, fields: CarbonFields) -> tuple[str, str]:
    """The columns of the times and of the values."""
    time_column = fields.time_column or rows.header[0]
    others = [name for name in rows.header if name != time_column]
    for name in filter(None, (fields.time_column, fields.column)):
        if name not in rows.header:
            expected = f"one of its columns: {', '.join(rows.header)}"
            raise InputError(f"the unknown column {name!r}", expected, source=rows.source)
    if fields.column is None and len(others) != 1:
        raise InputError(f"{len(others)} columns of values", "column to say which", source=rows.source)
    return time_column, fields.column or others[0]


def _points(rows: Rows, time_column: str, column: str, zone: tzinfo) -> tuple[list[float], list[float]]:
    """Times and values; a time without a value keeps the one before."""
    times: list[float] = []
    values: list[float] = []
    for line, (moment, cell) in rows.cells((time_column.lower(), column.lower())):
        value = rows.number(line, column.lower(), cell)
        time = _time(rows, line, time_column, moment, zone, times[-1] if times else None)
        if value is not None:
            times.append(time)
            values.append(value)
    return times, values


def _time(rows: Rows, line: int, column: str, text: str, zone: tzinfo, before: float | None) -> float:
    """Seconds since the epoch; of an hour that comes twice in a night, the second when the first has passed."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise rows.wrong(line, column.lower(), text, "a time such as 2026-01-31T12:00:00Z") from None
    local = time if time.tzinfo else time.replace(tzinfo=zone)
    found = local.timestamp()
    if before is not None and found <= before:
        found = local.replace(fold=1).timestamp()
        if found <= before:
            raise rows.wrong(line, column.lower(), text, f"times that ascend (here in {zone})")
    return found


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(repr(name), "a time zone such as Europe/Berlin", field="spec.carbon.timezone") from None
