"""The columns of a file as SQL: which expression gives which column of the view of usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from yuheng.errors import InputError
from yuheng.readers.usage.columns import AMOUNTS, TEXTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from yuheng.readers.usage.columns import Place

__all__ = ["Cells"]

TEXT: Final = "VARCHAR"
# Seconds, milli-, micro- or nanoseconds since the epoch: nobody means a time after the year 5000.
_SCALED: Final = (
    "CASE WHEN abs({0}) >= 1e17 THEN {0} / 1e9 WHEN abs({0}) >= 1e14 THEN {0} / 1e6 "
    "WHEN abs({0}) >= 1e11 THEN {0} / 1e3 ELSE {0} END"
)


class Cells:
    """What to select from a file.

    Args:
        places: where it says what.
        types: of its columns, as DuckDB has them; ``TIMESTAMP AS TEXT`` and ``NUMBER AS TEXT`` for times in text.

    Attributes:
        select: the columns of the view, and two truths: whether a cell is no number (``wrong``), whether it is
            negative or not finite (``negative``). Counters are not told as rates yet.
        shown: ``wrong``, and the name of the field and the text of the first cell that is.
        counters: the fields that are counters.

    Raises:
        InputError: a column is of a type that cannot be a time or a number.
    """

    def __init__(self, places: Mapping[str, Place], types: Sequence[str]) -> None:
        self._places = places
        self._types = types
        self.counters = tuple(field for field in AMOUNTS if field in places and places[field].is_counter)
        instant = self._instant()
        columns = [f"{instant} AS ts", *(f"{self._text(field)} AS {field}" for field in TEXTS)]
        columns += [f"{self._amount(field)} AS {field}" for field in AMOUNTS]
        told = [field for field in AMOUNTS if field in places]
        wrong = {"ts": f"({instant}) IS NULL"}
        wrong |= {
            field: f"({self._raw(field)} IS NOT NULL AND {self._number(field)} IS NULL)"
            for field in told
            if self._is_text(field)
        }
        negative = (self._negative(field) for field in told)
        is_wrong, is_negative = (f"coalesce({' OR '.join(tests)}, false)" for tests in (wrong.values(), negative))
        self.select = ", ".join([*columns, f"{is_wrong} AS wrong", f"{is_negative} AS negative"])
        names = " ".join(f"WHEN {test} THEN '{field}'" for field, test in wrong.items())
        texts = " ".join(f"WHEN {test} THEN {self._raw(field)}::VARCHAR" for field, test in wrong.items())
        self.shown = f"{is_wrong} AS wrong, CASE {names} END AS field, CASE {texts} END AS cell"

    def _is_text(self, field: str) -> bool:
        return self._types[self._places[field].at] in (TEXT, "TIMESTAMP AS TEXT", "NUMBER AS TEXT")

    def _negative(self, field: str) -> str:
        number = self._number(field)
        return f"({number} < 0 OR {number} >= 'infinity'::DOUBLE)"

    def _raw(self, field: str) -> str:
        name = f"c{self._places[field].at}"
        # Names in Parquet are what some program wrote; blanks are typed by people.
        return f"nullif(trim({name}), '')" if self._is_text(field) and field not in TEXTS else name

    def _text(self, field: str) -> str:
        return f"coalesce({self._raw(field)}::VARCHAR, '')" if field in self._places else "''"

    def _number(self, field: str) -> str:
        return f"TRY_CAST({self._raw(field)} AS DOUBLE)"

    def _amount(self, field: str) -> str:
        """A column of numbers; NULL where there is none, or none that can be."""
        if field not in self._places:
            return "NULL::DOUBLE"
        kind = self._types[self._places[field].at]
        if kind.startswith(("DATE", "TIME", "STRUCT", "MAP", "BLOB")) or kind.endswith("[]"):
            raise InputError(f"a column {field} of type {kind}", "numbers")
        number, factor = self._number(field), self._places[field].factor
        scaled = number if factor == 1 else f"{number} * {factor!r}"
        # NaN is greater than everything to DuckDB, and so is infinity.
        return f"CASE WHEN {number} >= 0 AND {number} < 'infinity'::DOUBLE THEN {scaled} END"

    def _instant(self) -> str:
        raw, kind = self._raw("ts"), self._types[self._places["ts"].at]
        if kind == "TIMESTAMP AS TEXT":
            return f"epoch(TRY_CAST({raw} AS TIMESTAMPTZ))"
        if kind.startswith(("DATE", "TIMESTAMP")) and "TEXT" not in kind:
            return f"epoch({raw}::TIMESTAMPTZ)"
        return _SCALED.format(f"TRY_CAST({raw} AS DOUBLE)")
