"""A CSV or Parquet file as columns.

The columns that are used are copied into a table in memory under the names ``c0``, ``c1``, ...; all questions are asked
of that copy. Rows keep the order of the file. Cells of CSV stay text until a column is asked for as something else, so
that an error can show what was written and where.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from yuheng.errors import InputError
from yuheng.readers.traces.columns import unknown_column
from yuheng.readers.traces.opening import connected, opened, own_words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from numpy.typing import NDArray

    from yuheng.model.workload import Seconds
    from yuheng.readers.traces.opening import Opened

__all__ = ["Coded", "Table"]

TEXT: Final = "VARCHAR"
_NUMBER: Final = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\)")
_INSTANT: Final = re.compile(r"DATE|TIMESTAMP.*")
_LONGEST_SHOWN: Final = 100


class Coded(NamedTuple):
    """Text as numbers.

    Attributes:
        codes: (J,) position in ``values``.
        values: every text there is, once, the empty one first.
    """

    codes: NDArray[np.int64]
    values: tuple[str, ...]


class Table:
    """The rows of a file; a context manager that gives its memory back.

    Args:
        path: the file: Parquet, or CSV, plain or compressed with gzip. The first row of CSV names the columns.
        used: the columns that are going to be asked for, by the field of the mapping that names them.

    Attributes:
        rows: how many rows there are.
        source: the path.

    Raises:
        InputError: it is no such file, has no rows, or not these columns.
        NotFoundError: there is no such file.
    """

    def __init__(self, path: str | Path, used: Mapping[str, str]) -> None:
        self.source = str(path)
        self._base = connected()
        try:
            file = opened(self._base, Path(path))
            self._columns = self._places(file, used)
            self.rows = self._load(file)
        except BaseException:
            self._base.close()
            raise
        if not self.rows:
            raise InputError("no rows", "a trace of jobs", source=self.source)

    def __enter__(self) -> Table:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._base.close()

    def numbers(self, column: str) -> Seconds:
        """(J,) the numbers of a column; NaN where it is empty, or says NaN.

        Raises:
            InputError: a cell holds something else; ``subject`` is the row.
        """
        name = self._name(column)
        found = self._fetch(f"TRY_CAST({name} AS DOUBLE) AS v, {name} IS NOT NULL AS there")
        values: Seconds = np.array(np.ma.filled(found["v"], np.inf), dtype=np.float64)
        is_wrong = np.isinf(values) & found["there"]
        if is_wrong.any():
            raise self.wrong(column, int(is_wrong.argmax()), "a number")
        values[~found["there"]] = np.nan
        return values

    def instants(self, column: str) -> Seconds:
        """(J,) the timestamps of a column in seconds since the epoch; NaN where it is empty.

        Raises:
            InputError: a cell holds something else; ``subject`` is the row.
        """
        name = self._name(column)
        found = self._fetch(f"epoch(TRY_CAST({name} AS TIMESTAMPTZ)) AS v, {name} IS NOT NULL AS there")
        values: Seconds = np.array(np.ma.filled(found["v"], np.nan), dtype=np.float64)
        is_wrong = np.isnan(values) & found["there"]
        if is_wrong.any():
            raise self.wrong(column, int(is_wrong.argmax()), "a timestamp such as 2026-01-31T12:00:00Z")
        return values

    def holds_instants(self, column: str) -> bool:
        """Whether a column holds timestamps rather than numbers: by its type, or by its first cell where it is text."""
        name, kind = self._columns[column]
        if kind != TEXT:
            return _INSTANT.fullmatch(kind) is not None
        first = f"SELECT TRY_CAST({name} AS DOUBLE) IS NULL FROM trace WHERE {name} IS NOT NULL LIMIT 1"  # noqa: S608
        found = self._base.execute(first).fetchone()
        return found is not None and bool(found[0])

    def texts(self, column: str) -> Coded:
        """The texts of a column of which there are few; empty where it is empty."""
        name = f"CAST({self._name(column)} AS VARCHAR)"
        distinct = f"SELECT DISTINCT {name} AS v FROM trace WHERE v IS NOT NULL ORDER BY v"  # noqa: S608
        values = [str(row[0]) for row in self._base.execute(distinct).fetchall()]
        if not values:
            return Coded(np.zeros(self.rows, dtype=np.int64), ("",))
        self._base.execute("DROP TYPE IF EXISTS few")
        self._base.execute(f"CREATE TYPE few AS ENUM ({distinct})")
        codes = self._fetch(f"CAST(enum_code(CAST({name} AS few)) AS BIGINT) AS v")["v"]
        return Coded(np.ma.filled(codes, -1) + np.int64(1), ("", *values))

    def strings(self, column: str) -> list[str]:
        """The text of every row.

        Raises:
            InputError: a cell is empty; ``subject`` is the row.
        """
        found = self._fetch(f"CAST({self._name(column)} AS VARCHAR) AS v")["v"]
        is_empty = np.ma.getmaskarray(found)
        if is_empty.any():
            raise self.wrong(column, int(is_empty.argmax()), "a name")
        texts: list[str] = np.ma.getdata(found).tolist()
        return texts

    def wrong(self, column: str, row: int, expected: str) -> InputError:
        """The error of a cell, with what is written in it.

        Args:
            column: its column.
            row: its row, from 0; people count from 1.
            expected: what should be there.
        """
        cell = f"SELECT CAST({self._name(column)} AS VARCHAR) FROM trace LIMIT 1 OFFSET ?"  # noqa: S608
        found = self._base.execute(cell, [row]).fetchone()
        shown = "nothing" if found is None or found[0] is None else repr(found[0][:_LONGEST_SHOWN])
        return InputError(shown, expected, source=self.source, subject=f"row {row + 1}", field=column)

    def _name(self, column: str) -> str:
        return self._columns[column][0]

    def _fetch(self, expressions: str) -> dict[str, Any]:
        """Columns of values; nothing but our own names is in the expressions."""
        return self._base.execute(f"SELECT {expressions} FROM trace").fetchnumpy()  # noqa: S608

    def _places(self, file: Opened, used: Mapping[str, str]) -> dict[str, tuple[str, str]]:
        """Our name and the type of each column that is used."""
        places = {}
        for field, column in used.items():
            if column not in file.names:
                raise unknown_column(column, file.names, field).at(source=self.source)
            index = file.names.index(column)
            kind = file.types[index].replace("UUID", TEXT)
            if kind != TEXT and not _NUMBER.fullmatch(kind) and not _INSTANT.fullmatch(kind):
                expected = "numbers, text or timestamps"
                raise InputError(f"a column of type {kind}", expected, source=self.source, field=column)
            places[column] = (f"c{index}", kind)
        return places

    def _load(self, file: Opened) -> int:
        """Copy what is used; the number of rows. Blanks around text are not part of it."""
        used = dict(self._columns.values())
        cells = (f"nullif(trim({n}::VARCHAR), '') AS {n}" if k == TEXT else n for n, k in sorted(used.items()))
        chosen = ", ".join(cells) or "1"
        with own_words(self.source):
            self._base.execute(f"CREATE TEMP TABLE trace AS SELECT {chosen} FROM {file.relation}", [file.path])  # noqa: S608
            found = self._base.execute("SELECT count(*) FROM trace").fetchone()
        return int(found[0]) if found else 0
