"""Charges that are on a bill twice: an export that was loaded again under another name, or appended to itself.

FOCUS has no column that tells charges apart, so two that agree in every column may both be meant: they count, and are
told with their sum.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.readers.focus.columns import PART
from yuheng.readers.traces.opening import own_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from duckdb import DuckDBPyConnection

    from yuheng.readers.focus.columns import BillFile


__all__ = ["repeated"]

# Charges are compared by 64 bits each: with so many, half a gigabyte, and two that differ are taken for equal in one
# bill of a million.
_MOST: Final = 5_000_000
_COPIES: Final = """
    SELECT currency, sum(copies - 1)::BIGINT, fsum(billed * (copies - 1))
    FROM (SELECT currency, any_value(billed) AS billed, count(*) AS copies FROM lines GROUP BY line, currency)
    WHERE copies > 1 GROUP BY currency
"""


def repeated(
    base: DuckDBPyConnection,
    files: Sequence[BillFile],
    window: tuple[float, float],
    charges: int,
    rate: Callable[[str], float],
) -> Iterator[str]:
    """A sentence on charges that repeat others in every column; none where there are none.

    Args:
        base: of DuckDB.
        files: of the bill; columns may come in another order in each.
        window: from and to, in seconds since the epoch: charges outside of it do not count.
        charges: how many there are in the window.
        rate: US dollars for one unit of a currency.

    Raises:
        InputError: a file cannot be read to its end.
    """
    if charges > _MOST:
        yield f"whether charges are on the bill twice was not looked for: there are more than {_MOST:,}"
        return
    base.execute("CREATE TEMP TABLE lines (line UBIGINT, currency VARCHAR, billed DOUBLE)")
    for file in files:
        values = {"path": file.found.path, "since": window[0], "until": window[1]}
        with own_words(file.source):
            base.execute(f"INSERT INTO lines {_lines(file)}", values)
    copies = base.execute(_COPIES).fetchall()
    count = sum(row[1] for row in copies)
    if count:
        amount = sum(rate(currency) * billed for currency, _, billed in copies)
        what = "1 charge repeats another" if count == 1 else f"{count:,} charges repeat others"
        yield (
            f"{what} in every column: {amount:,.2f} USD that may be billed once, and are counted as they are written"
        )


def _lines(file: BillFile) -> str:
    """The query for the charges of a file in the window: what tells each from others, currency and amount."""
    names = [name.strip().lower() for name in file.found.names]
    whole = ", ".join(f"c{place}::VARCHAR" for place in sorted(range(len(names)), key=names.__getitem__))
    fields = {
        "currency": file.cells.text("currency"),
        "billed": file.cells.number("billed"),
        "starts": file.cells.instant("starts"),
        "ends": file.cells.instant("ends"),
    }
    columns = ", ".join(f"{expression} AS {name}" for name, expression in fields.items())
    charges = f"SELECT hash({whole}) AS line, {columns} FROM {file.relation}"  # noqa: S608 -- columns by position
    return f"SELECT line, currency, billed * part FROM (SELECT *, {PART} AS part FROM ({charges})) WHERE part > 0"  # noqa: S608
