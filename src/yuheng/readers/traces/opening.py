"""Opening a trace with DuckDB: CSV or Parquet, and what can be wrong with the file.

The path goes to DuckDB as a parameter and is taken literally (no patterns, no ``key=value`` folders, no network);
nothing of the text of the file goes into a statement.
"""

from __future__ import annotations

import csv
import glob
import gzip
import io
import re
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from yuheng.errors import InputError
from yuheng.readers.sources.compression import MAGIC
from yuheng.readers.traces.files import beginning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from duckdb import DuckDBPyConnection

__all__ = ["EXPECTED", "Opened", "connected", "is_parquet", "opened", "own_words"]

EXPECTED: Final = "a trace in CSV or Parquet"
PARQUET_MAGIC: Final = b"PAR1"
PARQUET_SUFFIXES: Final = (".parquet", ".pq")
# No header is longer; what goes on without an end of line is no table.
_LONGEST_HEADER: Final = 2**20
_LINE: Final = re.compile(r"Error on Line: (\d+)")
_VALUES: Final = re.compile(r"Expected Number of Columns: (\d+) Found: (\d+)")
# Traces that decompress to more than the machine has must not fill the disk instead, a file must not make the reader
# look for code on the network, and nobody asked for a progress bar.
_SETTINGS: Final = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "temp_directory": "",
}


class Opened(NamedTuple):
    """A file that DuckDB can read.

    Attributes:
        relation: what stands behind FROM; its one parameter is ``path``, its columns are ``c0``, ``c1``, ...
        path: the file, as DuckDB has to be told.
        names: of the columns in the file.
        types: of the columns; in CSV all are text.
    """

    relation: str
    path: str
    names: tuple[str, ...]
    types: tuple[str, ...]


def connected() -> DuckDBPyConnection:
    """A database in memory that touches nothing but the file it is given."""
    import duckdb  # noqa: PLC0415 -- 0.2 s that other readers need not pay

    base = duckdb.connect(":memory:", config=dict(_SETTINGS))
    base.execute("SET enable_progress_bar = false")
    # Timestamps without a zone are UTC, wherever this runs.
    base.execute("SET TimeZone = 'UTC'")
    return base


def is_parquet(path: Path, head: bytes) -> bool:
    """Whether a file is Parquet, or its name says so."""
    return head.startswith(PARQUET_MAGIC) or path.name.lower().endswith(PARQUET_SUFFIXES)


def opened(base: DuckDBPyConnection, path: Path) -> Opened:
    """Look at the columns of a file.

    Raises:
        InputError: it is neither CSV nor Parquet, or has a column twice.
        NotFoundError: there is no such file.
    """
    source = str(path)
    head = beginning(path, EXPECTED)
    with own_words(source):
        found = _parquet(base, source, head) if is_parquet(path, head) else _csv(source, head)
    twice = next((name for name in found.names if found.names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"column {twice!r} twice", "each column once", source=source)
    return found


def _parquet(base: DuckDBPyConnection, source: str, head: bytes) -> Opened:
    if not head.startswith(PARQUET_MAGIC):
        raise InputError("a file that does not begin as Parquet does", "Parquet", source=source)
    path = glob.escape(source)
    function = "read_parquet(?, hive_partitioning=false, binary_as_string=true)"
    rows = base.execute(f"DESCRIBE SELECT * FROM {function}", [path]).fetchall()  # noqa: S608
    aliases = ", ".join(f"c{index}" for index in range(len(rows)))
    names, types = (tuple(str(row[item]) for row in rows) for item in (0, 1))
    return Opened(f"{function} AS t({aliases})", path, names, types)


def _csv(source: str, head: bytes) -> Opened:
    is_zipped = head.startswith(MAGIC)
    names = _header(source, is_zipped=is_zipped)
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(names)))
    relation = (
        "read_csv(?, auto_detect=false, header=true, delim=',', quote='\"', escape='\"', hive_partitioning=false, "
        f"compression='{'gzip' if is_zipped else 'none'}', columns={{{columns}}})"
    )
    return Opened(relation, glob.escape(source), names, ("VARCHAR",) * len(names))


def _header(source: str, *, is_zipped: bool) -> tuple[str, ...]:
    """The first row."""
    try:
        with gzip.open(source) if is_zipped else open(source, "rb") as stream:  # noqa: PTH123 -- two of a kind
            start = stream.read(_LONGEST_HEADER)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"a damaged gzip file ({error})", EXPECTED, source=source) from error
    try:
        # A character may be cut in two at the end.
        text = start.decode("utf-8-sig", "strict" if len(start) < _LONGEST_HEADER else "ignore")
        names = next(csv.reader(io.StringIO(text, newline=""), strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"what is not text in UTF-8 ({error})", EXPECTED, source=source) from error
    if not any(names):
        raise InputError("no header", EXPECTED, source=source)
    return tuple(name.strip() for name in names)


@contextmanager
def own_words(source: str) -> Iterator[None]:
    """What DuckDB says of a file, in one line."""
    import duckdb  # noqa: PLC0415

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise InputError("more than fits into memory", "a smaller trace", source=source) from error
    except duckdb.Error as error:
        raise _explained(str(error), source) from error


def _explained(message: str, source: str) -> InputError:
    line = _LINE.search(message)
    subject = f"line {line[1]}" if line else ""
    if values := _VALUES.search(message):
        return InputError(f"{values[2]} values", f"{values[1]}, as in the header", source=source, subject=subject)
    for hint, found in (("unterminated quote", "a quote that is not closed"), ("not utf-8", "text that is not UTF-8")):
        if hint in message:
            return InputError(found, EXPECTED, source=source, subject=subject)
    first = message.splitlines()[0].removeprefix("Invalid Input Error: ")
    return InputError(f"a damaged file ({first})", EXPECTED, source=source, subject=subject)
