"""Rows as CSV, safe to open in a spreadsheet.

Names come from files that somebody else wrote. The csv module quotes them; a name that a spreadsheet would take for a
formula is written behind an apostrophe, and what cannot be seen in it as an escape, so that a row is one line.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from yuheng.reporting.wording import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["rows_csv"]

_FORMULA: Final = ("=", "+", "-", "@")


def rows_csv(titles: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV with a header.

    Args:
        titles: of the columns.
        rows: of text and numbers; whole numbers are written without a point, None as nothing.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(titles)
    writer.writerows(map(_cell, row) for row in rows)
    return file.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str):
        shown = printable(value)
        return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
    if isinstance(value, float):
        told = float(f"{value:.12g}")
        return int(told) if told.is_integer() else told
    return value
