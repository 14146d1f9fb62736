"""Names of jobs: unique, and nobody twice at a time."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

from yuheng.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from yuheng.readers.traces.times import Times

__all__ = ["unique_names"]


def unique_names(names: Sequence[str], times: Times | None) -> tuple[list[str], int]:
    """The names, those that come again with a number behind them; and how many that are.

    A name that comes again is the same job run again, unless both run at a time: then one of the rows is wrong.

    Args:
        names: (J,) as the trace has them.
        times: of the jobs; None to take any two for one after the other.

    Raises:
        InputError: two jobs of one name run at a time; ``subject`` is the row of the later one.
    """
    if len(set(names)) == len(names):
        return list(names), 0
    rows: defaultdict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(names):
        rows[name].append(row)
    repeated = {name: places for name, places in rows.items() if len(places) > 1}
    if times is not None:
        for name, places in repeated.items():
            _check_apart(name, places, times)
    taken = set(rows)
    found = list(names)
    for name, places in repeated.items():
        number = 1
        for row in places[1:]:
            number += 1
            while f"{name}-{number}" in taken:
                number += 1
            found[row] = f"{name}-{number}"
            taken.add(found[row])
    return found, sum(len(places) - 1 for places in repeated.values())


def _check_apart(name: str, rows: Sequence[int], times: Times) -> None:
    """Check that the runs of a job do not overlap."""
    ordered = sorted(rows, key=lambda row: (times.begin[row], row))
    for before, after in pairwise(ordered):
        if times.begin[after] < times.begin[before] + times.duration[before]:
            found = f"job {name!r} a second time while it runs (the first: row {before + 1})"
            raise InputError(found, "times that do not overlap", subject=f"row {after + 1}")
