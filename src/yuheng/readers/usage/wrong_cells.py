"""Where the first cell is that does not say what its column should: as a person finds it, by line and column name."""

from __future__ import annotations

import csv
import gzip
import io
from typing import TYPE_CHECKING, Final

from yuheng.errors import InputError
from yuheng.readers.sources.compression import MAGIC
from yuheng.readers.traces.opening import is_parquet
from yuheng.readers.usage.columns import TEXTS, places_of
from yuheng.readers.usage.words import own_words

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from yuheng.readers.traces.opening import Opened
    from yuheng.readers.usage.expressions import Cells

__all__ = ["wrong_cell"]

_LONGEST: Final = 100
"""Characters of a cell that are shown."""


def wrong_cell(base: DuckDBPyConnection, path: Path, file: Opened, cells: Cells) -> InputError | None:
    """The error of the first such cell of a file; None where there is none.

    Args:
        base: the database.
        path: the file.
        file: the same, opened.
        cells: what its columns say.

    Raises:
        InputError: it cannot be read to its end.
    """
    statement = (
        f"SELECT * FROM (SELECT row_number() OVER () AS row, {cells.shown} FROM {file.relation}) "  # noqa: S608
        "WHERE wrong ORDER BY row LIMIT 1"
    )
    with own_words(str(path)):
        # Threads hand in rows as they come, unless they are told to keep their order.
        base.execute("SET preserve_insertion_order = true")
        found = base.execute(statement, [file.path]).fetchall()
        base.execute("SET preserve_insertion_order = false")
    if not found:
        return None
    [(row, _, field, text)] = found
    expected = "a time" if field == "ts" else "a name" if field in TEXTS else "a number"
    shown = "nothing" if text is None else repr(str(text)[:_LONGEST])
    written = file.names[places_of(file.names, str(path))[field].at]
    return InputError(shown, expected, source=str(path), subject=_place(path, int(row)), field=written)


def _place(path: Path, row: int) -> str:
    """``line 7`` of a text, where a row may have several lines and blank ones do not count; ``row 6`` of Parquet."""
    with path.open("rb") as stream:
        head = stream.read(len(MAGIC))
    if is_parquet(path, head):
        return f"row {row}"
    opener = gzip.open if head == MAGIC else open
    try:
        with opener(path, "rb") as binary, io.TextIOWrapper(binary, encoding="utf-8-sig", newline="") as text:
            reader = csv.reader(text)
            left = row + 1  # and the header
            for cells in reader:
                left -= bool(cells)
                if not left:
                    return f"line {reader.line_num}"
    except (csv.Error, UnicodeDecodeError, EOFError, OSError):
        pass
    return f"row {row}"
