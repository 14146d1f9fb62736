"""What was in use over time, from a table: how many machines of which type, or cores of which family, where and when.

| column | |
| --- | --- |
| ``time`` | when, such as 2026-01-31T12:00:00Z |
| ``instance_type`` or ``family`` | what; a family needs ``vcpus`` |
| ``count`` or ``vcpus`` | machines, or virtual cores |
| ``region``, ``provider`` | where; may be missing |
| ``market`` | how it was bought; may be missing. Spot is left out: it cannot be reserved |

What a time tells holds until the next time in the table; the last holds as long as the one before it. What is not
there at a time was not in use. Times need not be even. But where they mostly are, as measurements are, a longer pause
is a gap: the sample before it holds as long as the others do, and of the rest nothing is known. It counts for nothing,
and that is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from yuheng.errors import InputError
from yuheng.model.commitments import DemandLine, DemandSeries
from yuheng.model.prices import MARKETS
from yuheng.model.units import HOUR
from yuheng.readers.fleet.rows import Rows
from yuheng.readers.fleet.values import parse_time
from yuheng.readers.traces.files import one_file

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_demand"]

EXPECTED: Final = "a table of machines in use: time, instance_type or family, count or vcpus"
BEAT: Final = 0.75
"""The share of times that follow one another after the usual time, from which on a table is one of measurements."""
NEARLY: Final = 0.1
"""By how much of the usual time these may differ from it: clocks jitter."""
LONGEST: Final = 3.0
"""Usual times after which a pause is a gap: a lost sample or two is none."""
_COLUMNS: Final = ("time", "instance_type", "family", "count", "vcpus", "region", "provider", "market")


def read_demand(path: Path) -> DemandSeries:
    """The demand that a table tells of.

    Raises:
        InputError: it lacks a column, or a cell is not what it should be; the message names the line.
        NotFoundError: there is no such file.
    """
    rows = Rows.of(one_file(path, EXPECTED))
    names = set(rows.places())
    if "time" not in names or not names & {"instance_type", "family"} or not names & {"count", "vcpus"}:
        raise InputError(f"the columns {', '.join(rows.header)}", EXPECTED, source=rows.source)
    found: dict[tuple[str, str, str, str, bool], dict[float, float]] = {}
    times: set[float] = set()
    spot = booked = 0
    for line, cells in rows.cells(_COLUMNS):
        time, amount, is_cores = _time(rows, line, cells[0]), *_amount(rows, line, cells[3], cells[4])
        _check(rows, line, cells, is_cores=is_cores)
        times.add(time)
        if cells[7] == "spot":
            spot += 1
            continue
        if cells[7] == "reserved":
            booked += 1
            continue
        key = (cells[6], cells[5], cells[1], cells[2], is_cores)
        at = found.setdefault(key, {})
        at[time] = at.get(time, 0.0) + amount
    if not found:
        raise InputError("no rows of machines that could be reserved", EXPECTED, source=rows.source)
    moments = sorted(times)
    hours, lost = _hours(moments)
    lines = tuple(
        DemandLine(
            provider=key[0],
            region=key[1],
            instance_type=key[2],
            family=key[3],
            is_cores=key[4],
            amounts=np.array([amounts.get(moment, 0.0) for moment in moments]),
        )
        for key, amounts in sorted(found.items())
    )
    told = [f"{rows.source}: {spot} rows of spot machines are left out, for spot cannot be reserved"] if spot else []
    told += [f"{rows.source}: {booked} rows of machines that are reserved already are left out"] if booked else []
    told += [f"{rows.source}: of {lost:,.0f} hours in gaps of the table nothing is known: they do not count"] * (
        lost > 0
    )
    return DemandSeries(hours=hours, lines=lines, source=rows.source, warnings=tuple(told))


def _time(rows: Rows, line: int, text: str) -> float:
    try:
        return parse_time(text)
    except InputError as error:
        raise error.at(source=rows.source, subject=f"line {line}", field="time") from None


def _amount(rows: Rows, line: int, count: str, cores: str) -> tuple[float, bool]:
    """Machines or cores, and whether it is cores."""
    machines = rows.number(line, "count", count)
    if machines is not None:
        return machines, False
    found = rows.number(line, "vcpus", cores)
    if found is None:
        raise rows.wrong(line, "count", count, "a number of machines, or of vcpus")
    return found, True


def _check(rows: Rows, line: int, cells: list[str], *, is_cores: bool) -> None:
    """Check that a row says what was in use.

    Raises:
        InputError: it does not.
    """
    if not cells[1] and not cells[2]:
        raise rows.wrong(line, "instance_type", "", "a machine, or a family of machines")
    if not cells[1] and not is_cores:
        raise rows.wrong(line, "vcpus", cells[4], "virtual cores: machines of a family differ in size")
    if cells[7] and cells[7] not in MARKETS:
        raise rows.wrong(line, "market", cells[7], f"one of {', '.join(MARKETS)}")


def _hours(moments: list[float]) -> tuple[NDArray[np.float64], float]:
    """How many hours each moment holds, a single one an hour; and how many are in gaps."""
    if len(moments) == 1:
        return np.ones(1), 0.0
    steps = np.diff(np.array(moments)) / HOUR
    usual = float(np.median(steps))
    is_measured = np.mean(np.abs(steps - usual) <= NEARLY * usual) >= BEAT
    held = np.where(is_measured & (steps > LONGEST * usual), usual, steps)
    return np.append(held, held[-1]), float((steps - held).sum())
