"""The cells of a trace by what they mean, in the model's units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from yuheng.errors import InputError
from yuheng.readers.traces.columns import MOST, amount_of, factor_of
from yuheng.readers.traces.table import Coded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from yuheng.model.workload import Seconds
    from yuheng.readers.traces.columns import Columns
    from yuheng.readers.traces.table import Table

__all__ = ["Cells"]

WHOLE: Final = "a whole number"


class Cells:
    """Values of a trace by their field in a scenario's ``columns``.

    Args:
        table: the trace.
        columns: what its columns mean.
    """

    def __init__(self, table: Table, columns: Columns) -> None:
        self._table = table
        self._columns = columns.written()

    def __len__(self) -> int:
        return self._table.rows

    def __contains__(self, field: str) -> bool:
        return field in self._columns

    def is_instant(self, field: str) -> bool:
        """Whether a field is told as timestamps."""
        return self._table.holds_instants(self._columns[field].column)

    def instants(self, field: str) -> Seconds:
        """(J,) seconds since the epoch; NaN where nothing is said.

        Raises:
            InputError: a cell is no timestamp, or a unit is given, which timestamps do not have.
        """
        column = self._columns[field]
        if column.unit:
            raise InputError(f"timestamps in the unit {column.unit!r}", "no unit", field=f"columns.{field}.unit")
        return self._table.instants(column.column)

    def numbers(self, field: str, missing: float = np.nan) -> Seconds:
        """(J,) numbers in the model's unit.

        Args:
            field: may be absent.
            missing: what counts where nothing is said.

        Raises:
            InputError: a cell is no number, negative, or too large.
        """
        column = self._columns.get(field)
        if column is None:
            return np.full(len(self), missing)
        if not column.column:
            return np.full(len(self), amount_of(field, column))
        values = self._table.numbers(column.column) * factor_of(field, column)
        least = -MOST if field == "priority" else 0
        with np.errstate(invalid="ignore"):
            self.check((values < least) | (values > MOST), field, "a number" if least else "a number of 0 or more")
        return values if np.isnan(missing) else np.where(np.isnan(values), missing, values)

    def whole(self, field: str, missing: int, least: int, most: int) -> NDArray[np.int64]:
        """(J,) whole numbers within bounds.

        Raises:
            InputError: a number is none of these.
        """
        values = self.numbers(field, missing)
        self.check((values % 1 != 0) | (values < least) | (values > most), field, f"{WHOLE} from {least} to {most}")
        return values.astype(np.int64)

    def texts(self, field: str, missing: str = "") -> Coded:
        """(J,) words.

        Args:
            field: may be absent.
            missing: what counts where nothing is said.
        """
        column = self._columns.get(field)
        if column is None or not column.column:
            text = missing if column is None or column.value is None else str(column.value)
            return Coded(np.zeros(len(self), dtype=np.int64), (text,))
        found = self._table.texts(column.column)
        return Coded(found.codes, (missing, *found.values[1:]))

    def names(self) -> list[str]:
        """The name of every job; none where they have none.

        Raises:
            InputError: one is empty.
        """
        column = self._columns.get("name")
        return self._table.strings(column.column) if column else []

    def check(self, is_wrong: NDArray[np.bool_], field: str, expected: str) -> None:
        """Refuse the first row that is wrong.

        Raises:
            InputError: there is one; it shows the cell of the field.
        """
        if not is_wrong.any():
            return
        column, row = self._columns[field], int(is_wrong.argmax())
        if not column.column:
            place = f"columns.{field}.value"
            raise InputError(repr(column.value), expected, source=self._table.source, field=place)
        raise self._table.wrong(column.column, row, expected)
