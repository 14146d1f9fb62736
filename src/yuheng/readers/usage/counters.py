"""Counters as rates: what counts up from a container's start, and begins anew when it restarts.

The increase from one sample to the next is their difference; where the next is less, the counter was reset, and the
increase is the next (as Prometheus's ``rate`` has it). A sample is told what increases until the next one, so that it
stands for the time that follows it as all samples do; the last one of a container tells nothing of it.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from yuheng.readers.usage.columns import AMOUNTS
from yuheng.readers.usage.words import own_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

__all__ = ["Counters"]

# Rows that are put in order at a time: they have to fit into memory.
AT_ONCE: Final = 2_000_000
_WHO: Final = "PARTITION BY namespace, pod, container, node ORDER BY ts"


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
        columns = ", ".join(_rate(field) if field in fields else field for field in AMOUNTS)
        with own_words(source):
            found = base.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608
            parts = 1 + (found[0] if found else 0) // AT_ONCE
            paths = [str(self.folder / f"{part}.parquet") for part in range(parts)]
            for part, path in enumerate(paths):
                base.execute(
                    f"COPY (SELECT ts, namespace, pod, container, node, {columns} FROM "  # noqa: S608
                    f"(SELECT DISTINCT ON (namespace, pod, container, node, ts) * FROM {table} "
                    f"WHERE ts IS NOT NULL AND hash(namespace, pod) % {parts} = {part})) "
                    f"TO '{path}' (FORMAT parquet)"
                )
        name = f"rates_{table}"
        base.execute(f"SET VARIABLE {name} = ?", [paths])
        self.relation = f"read_parquet(getvariable('{name}'))"

    def close(self) -> None:
        """Remove the files."""
        self._temporary.cleanup()


def _rate(field: str) -> str:
    following = f"lead({field}) OVER ({_WHO})"
    increase = f"CASE WHEN {following} >= {field} THEN {following} - {field} ELSE {following} END"
    if field == "egress":
        return f"{increase} AS egress"
    return f"({increase}) / (lead(ts) OVER ({_WHO}) - ts) AS {field}"
