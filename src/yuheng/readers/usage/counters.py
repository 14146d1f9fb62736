"""Counters as rates: what counts up from a container's start, and begins anew when it restarts.

The increase from one sample to the next is their difference; where the next is less, the counter was reset, and the
increase is the next (as Prometheus's ``rate`` has it). A sample is told what increases until the next one, so that it
stands for the time that follows it as all samples do; the last one of a container tells nothing of it.

To tell what follows what, rows have to be put in order, and those of a pod have to be together. What does not fit into
memory is first divided by pods, in one pass over the files however large they are; each part is then put in order.
"""

from __future__ import annotations

import glob
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from yuheng.readers.usage.columns import AMOUNTS, TEXTS
from yuheng.readers.usage.words import own_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from duckdb import DuckDBPyConnection

__all__ = ["Counters"]

# Rows that are put in order at a time: they have to fit into memory.
AT_ONCE: Final = 2_000_000
_ROW: Final = ", ".join(("ts", *TEXTS, *AMOUNTS))
_NAMES: Final = ", ".join(TEXTS)
_WHO: Final = f"PARTITION BY {_NAMES} ORDER BY ts"


class Counters:
    """A table of usage whose counters are told as rates: it is written anew, to files of its own.

    Args:
        base: the database.
        table: the one that has counters.
        fields: the counters; those of bytes are told as bytes until the next sample, not by the second.
        source: the files, for error messages.

    Attributes:
        relation: what stands behind FROM.
        folder: where the files are.
    """

    def __init__(self, base: DuckDBPyConnection, table: str, fields: Sequence[str], source: str) -> None:
        self._temporary = TemporaryDirectory(prefix="yuheng-usage-")
        self.folder = Path(self._temporary.name)
        self._base = base
        self._columns = ", ".join(_rate(field) if field in fields else field for field in AMOUNTS)
        try:
            with own_words(source):
                self.relation = self._read(f"rates_{table}", self._written(table))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove the files."""
        self._temporary.cleanup()

    def _written(self, table: str) -> list[Path]:
        """The files that a table is written to, with rates for counters."""
        paths = []
        for number, relation in enumerate(self._parts(table)):
            paths.append(self.folder / f"{number}.parquet")
            self._write_rates(relation, paths[-1])
        return paths

    def _parts(self, table: str) -> Iterator[str]:
        """What stands behind FROM for each part of a table: all rows of a pod are in one of them."""
        [(rows,)] = self._base.execute(f"SELECT count(*) FROM {table}").fetchall()  # noqa: S608
        parts = 1 + int(rows) // AT_ONCE
        if parts == 1:
            yield table
            return
        divided = self.folder / "divided"
        self._base.sql(
            f"SELECT {_ROW}, hash(namespace, pod) % {parts} AS part FROM {table} WHERE ts IS NOT NULL"  # noqa: S608
        ).write_parquet(str(divided), partition_by=["part"])
        for folder in sorted(divided.iterdir()):
            yield self._read(f"part_{table}", sorted(folder.iterdir()))
            shutil.rmtree(folder)

    def _write_rates(self, relation: str, path: Path) -> None:
        self._base.sql(
            f"SELECT ts, {_NAMES}, {self._columns} FROM "  # noqa: S608
            f"(SELECT DISTINCT ON ({_NAMES}, ts) {_ROW} FROM {relation} WHERE ts IS NOT NULL)"
        ).write_parquet(str(path))

    def _read(self, variable: str, paths: Sequence[Path]) -> str:
        """What stands behind FROM for files, which are named by a variable."""
        self._base.execute(f"SET VARIABLE {variable} = ?", [[glob.escape(str(path)) for path in paths]])
        return f"read_parquet(getvariable('{variable}'), hive_partitioning=false)"


def _rate(field: str) -> str:
    following = f"lead({field}) OVER ({_WHO})"
    increase = f"CASE WHEN {following} >= {field} THEN {following} - {field} ELSE {following} END"
    if field == "egress":
        return f"{increase} AS egress"
    return f"({increase}) / (lead(ts) OVER ({_WHO}) - ts) AS {field}"
