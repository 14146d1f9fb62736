"""Opening usage files: one view of all of them, and what can be wrong with them.

Paths go to DuckDB as values of variables and are taken literally; of the text of a file nothing goes into a
statement, columns are named by their position. The database may take a gigabyte of memory: usage is summed up where
it lies, not loaded.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from yuheng.errors import InputError
from yuheng.model.units import DAY
from yuheng.readers.traces.opening import connected, opened
from yuheng.readers.usage.columns import AMOUNTS, TEXTS, places_of
from yuheng.readers.usage.counters import Counters
from yuheng.readers.usage.expressions import Cells
from yuheng.readers.usage.files import EXPECTED, usage_files
from yuheng.readers.usage.words import own_words
from yuheng.readers.usage.wrong_cells import wrong_cell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType

    from duckdb import DuckDBPyConnection

    from yuheng.readers.traces.opening import Opened

__all__ = ["Usage", "open_usage"]

MEMORY: Final = "1GB"
MOST_THREADS: Final = 4
# A sample that is told for a time so far from all others comes from a clock that was wrong.
LONELY: Final = 30
# Of so many containers the usual time between samples is measured.
LOOKED_AT: Final = 40
# Where nothing tells: what scrapers are told to do.
USUAL_STEP: Final = 60.0
_WHO: Final = ", ".join(TEXTS)
_STEP: Final = f"""
    WITH several AS (SELECT {_WHO} FROM usage WHERE ts >= ? AND ts < ? GROUP BY ALL HAVING count(*) > 1),
         few AS (SELECT * FROM several ORDER BY hash({_WHO}) LIMIT ?),
         times AS (SELECT DISTINCT {_WHO}, ts FROM usage SEMI JOIN few USING ({_WHO}) WHERE ts >= ? AND ts < ?),
         steps AS (SELECT ts - lag(ts) OVER (PARTITION BY {_WHO} ORDER BY ts) AS step FROM times)
    SELECT median(step) FROM steps WHERE step > 0"""  # noqa: S608 -- our own names
COLUMNS: Final = ("ts", *TEXTS, *AMOUNTS)


class _Kind(NamedTuple):
    """Files that look alike: they are read as one table."""

    relation: str
    cells: Cells
    paths: list[str]


class _Day(NamedTuple):
    """The samples of a day, which has a number since the epoch: how many, the first, the last."""

    number: int
    samples: int
    first: float
    last: float

    def with_(self, other: _Day | None) -> _Day:
        """Both together."""
        if other is None:
            return self
        first, last = min(self.first, other.first), max(self.last, other.last)
        return _Day(self.number, self.samples + other.samples, first, last)


class Usage:
    """Samples of what containers used, as the view ``usage`` of a database; a context manager that closes it.

    The columns of the view: ``ts`` (seconds since the epoch), ``namespace``, ``pod``, ``container`` (empty for a pod
    as a whole), ``cpu`` (cores), ``memory`` (bytes), ``gpu`` (devices), ``node`` and ``cluster`` (empty when they are
    not told), ``egress`` (bytes to the internet since the sample before). Amounts are NULL when they are not told; so
    are those that are negative or no number. A counter is told as its rate until the next sample, resets are seen.

    Attributes:
        connection: of DuckDB.
        files: that were opened.
        columns: which of the view's columns any file tells.
        notes: what had to be assumed.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.files = usage_files(paths)
        self.source = str(self.files[0]) + (f" and {len(self.files) - 1} more" if len(self.files) > 1 else "")
        self.notes: list[str] = []
        self.columns: set[str] = set()
        self._counters: list[Counters] = []
        self.connection = _database()
        try:
            kinds = self._kinds()
            self._create(kinds)
            self._check(kinds)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Usage:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give back the memory and what was written on the way."""
        self.connection.close()
        for counters in self._counters:
            counters.close()

    def fetch(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of an answer.

        Raises:
            InputError: a file cannot be read to its end.
        """
        with own_words(self.source):
            return self.connection.execute(statement, list(values)).fetchall()

    def arrays(self, statement: str, values: Sequence[Any] = ()) -> dict[str, Any]:
        """The columns of an answer, as arrays.

        Raises:
            InputError: a file cannot be read to its end.
        """
        with own_words(self.source):
            return self.connection.execute(statement, list(values)).fetchnumpy()

    def clusters(self, start: float, end: float) -> dict[str, int]:
        """How many samples of each cluster are within a time; all are of the nameless one where no file tells.

        Args:
            start: in seconds since the epoch.
            end: the same; samples of that very time are not within it.
        """
        statement = "SELECT cluster, count(*) FROM usage WHERE ts >= ? AND ts < ? GROUP BY cluster ORDER BY cluster"
        return dict(self.fetch(statement, [start, end]))

    @property
    def start(self) -> float:
        """The time of the first sample, in seconds since the epoch."""
        return self._span[0]

    @property
    def last(self) -> float:
        """The time of the last sample."""
        return self._span[1]

    @property
    def end(self) -> float:
        """The time that the last sample stands until."""
        return self.last + self.step

    @cached_property
    def step(self) -> float:
        """The usual time between two samples of a container, in seconds: the median; 60 when all have only one.

        It is looked for in the day that has most samples, and in all of them where that tells nothing.
        """
        busiest = self._busiest * DAY
        for start, end in ((busiest, busiest + DAY), (self.start, self.last + 1)):
            found = self.fetch(_STEP, [start, end, LOOKED_AT, start, end])
            if found and found[0][0]:
                return float(found[0][0])
        return USUAL_STEP

    def _kinds(self) -> list[_Kind]:
        """The files by how they look."""
        kinds: dict[tuple[Any, ...], _Kind] = {}
        for path in self.files:
            file = _opened(self.connection, path)
            places = places_of(file.names, str(path))
            self.columns.update(places)
            cells = Cells(places, self._types(file))
            key = (file.relation, cells.select)
            kinds.setdefault(key, _Kind(file.relation, cells, [])).paths.append(file.path)
        return list(kinds.values())

    def _types(self, file: Opened) -> tuple[str, ...]:
        """The types of a file's columns; of times in text, whether they are numbers or timestamps."""
        places = places_of(file.names, file.path)
        index = places["ts"].at
        if file.types[index] != "VARCHAR":
            return file.types
        first = f"SELECT TRY_CAST(c{index} AS DOUBLE) IS NULL FROM {file.relation} WHERE c{index} IS NOT NULL LIMIT 1"  # noqa: S608
        with own_words(str(file.path)):
            found = self.connection.execute(first, [file.path]).fetchone()
        kind = "TIMESTAMP AS TEXT" if found and found[0] else "NUMBER AS TEXT"
        return (*file.types[:index], kind, *file.types[index + 1 :])

    def _create(self, kinds: Sequence[_Kind]) -> None:
        """Create the view; counters are told as rates first."""
        parts = []
        for number, kind in enumerate(kinds):
            self.connection.execute(f"SET VARIABLE usage_{number} = ?", [kind.paths])
            relation = kind.relation.replace("?", f"getvariable('usage_{number}')", 1)
            with own_words(self.source):
                self.connection.execute(f"CREATE TEMP VIEW file_{number} AS SELECT {kind.cells.select} FROM {relation}")  # noqa: S608
            part = f"file_{number}"
            if kind.cells.counters:
                counters = Counters(self.connection, part, kind.cells.counters, self.source)
                self._counters.append(counters)
                part = counters.relation
            parts.append(f"SELECT {', '.join(COLUMNS)} FROM {part}")  # noqa: S608
        # The pause container of a pod is none of its own: it shows up as POD in what cAdvisor tells.
        union = f"SELECT * FROM ({' UNION ALL '.join(parts)}) WHERE ts IS NOT NULL AND container <> 'POD'"  # noqa: S608
        self.connection.execute(f"CREATE TEMP VIEW told AS {union}")
        self.connection.execute("CREATE TEMP VIEW usage AS SELECT * FROM told")

    def _check(self, kinds: Sequence[_Kind]) -> None:
        """Refuse what is no number, leave out what has the wrong time.

        Raises:
            InputError: there is such a cell, or no sample at all.
        """
        days: dict[int, _Day] = {}
        negative = 0
        for number, kind in enumerate(kinds):
            found = self.fetch(
                "SELECT CAST(floor(ts / ?) AS BIGINT) AS day, count(*), min(ts), max(ts), "  # noqa: S608
                f"count(*) FILTER (wrong), count(*) FILTER (negative) FROM file_{number} GROUP BY day",
                [DAY],
            )
            if any(row[4] for row in found):
                raise self._wrong(kind)
            negative += sum(row[5] for row in found)
            for row in found:
                days[row[0]] = _Day(*row[:4]).with_(days.get(row[0]))
        if negative:
            self.notes.append(f"{negative:,} samples of usage are negative or no number: they count as not measured")
        self._span = self._trusted([days[day] for day in sorted(days)])

    def _wrong(self, kind: _Kind) -> InputError:
        """The first cell that does not say what its column should."""
        for path in self.files:
            file = _opened(self.connection, path)
            if file.path in kind.paths and (error := wrong_cell(self.connection, path, file, kind.cells)):
                return error
        return InputError("what is no number", "a number", source=self.source)

    def _trusted(self, days: Sequence[_Day]) -> tuple[float, float]:
        """The first and the last time of samples; those of a wrong clock are left out of the view.

        Raises:
            InputError: there is no sample.
        """
        if not days:
            raise InputError("no samples", EXPECTED, source=self.source)
        crowds: list[list[_Day]] = [[days[0]]]
        for day in days[1:]:
            if day.number - crowds[-1][-1].number > LONELY:
                crowds.append([])
            crowds[-1].append(day)
        kept = max(crowds, key=lambda crowd: sum(day.samples for day in crowd))
        start, last = kept[0].first, kept[-1].last
        self._busiest = max(kept, key=lambda day: day.samples).number
        left_out = sum(day.samples for day in days) - sum(day.samples for day in kept)
        if left_out:
            self.notes.append(
                f"{left_out:,} samples are left out: their times are more than {LONELY} days from all others"
            )
            self.connection.execute("SET VARIABLE first_ts = ?", [start])
            self.connection.execute("SET VARIABLE last_ts = ?", [last])
            self.connection.execute(
                "CREATE OR REPLACE TEMP VIEW usage AS SELECT * FROM told "
                "WHERE ts BETWEEN getvariable('first_ts') AND getvariable('last_ts')"
            )
        return start, last


def open_usage(paths: Sequence[Path]) -> Usage:
    """Open usage files: Parquet, and CSV plain or compressed with gzip; folders and patterns as well.

    What columns are called is told in `yuheng.readers.usage.columns`.

    Args:
        paths: at least one.

    Raises:
        InputError: a file is damaged, lacks a column, has a cell that is no number or time, or there is no sample.
        NotFoundError: there is no such file.
    """
    return Usage(paths)


def _database() -> DuckDBPyConnection:
    base = connected()
    base.execute(f"SET memory_limit = '{MEMORY}'")
    base.execute(f"SET threads = {min(MOST_THREADS, os.cpu_count() or 1)}")
    base.execute("SET preserve_insertion_order = false")
    return base


def _opened(base: DuckDBPyConnection, path: Path) -> Opened:
    """The file; what is wrong with it is said of usage, not of a trace."""
    with own_words(str(path)):
        return opened(base, path)
