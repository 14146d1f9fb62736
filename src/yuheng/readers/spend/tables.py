"""Tables of costs, in CSV or Parquet: summed up by DuckDB to one row for each stretch of time and group.

Paths are values of the statement; of the text of a file nothing goes into it, columns are named by their position.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from yuheng.errors import InputError
from yuheng.readers.fleet.values import parse_time
from yuheng.readers.focus.columns import is_slip, slips_text
from yuheng.readers.spend.columns import LABEL, CostColumns, columns_of
from yuheng.readers.traces.opening import connected, opened, own_words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from yuheng.readers.fleet.exchange import Exchange
    from yuheng.readers.traces.opening import Opened

__all__ = ["CostRow", "cost_table"]

# What exports write where they know nothing.
_NOTHING: Final = ("", "NULL", "null", "None")
# Seconds since the epoch of the year 5138; what is larger counts thousandths.
_LATEST: Final = 1e11


class CostRow(NamedTuple):
    """Costs of a group in a stretch of time.

    Attributes:
        start: when it begins, in seconds since the epoch.
        end: when it ends; None where the table does not say.
        group: value by key.
        cost: US dollars.
    """

    start: float
    end: float | None
    group: tuple[tuple[str, str], ...]
    cost: float


def cost_table(path: Path, keys: Iterable[str], exchange: Exchange) -> tuple[list[CostRow], list[str]]:
    """The rows of a table, those of one group and time added up, and what had to be assumed.

    Args:
        path: CSV (also with gzip) or Parquet.
        keys: of groups that somebody asks for.
        exchange: rates of currencies.

    Raises:
        InputError: it is no table of costs, a cell is not what its column should be, or no rate of a currency is known.
        NotFoundError: there is no such file.
    """
    wanted = frozenset(keys)
    base = connected()
    try:
        file = opened(base, path)
        columns = columns_of(file.names, wanted, str(path))
        found = _summed(base, file, columns, str(path))
    finally:
        base.close()
    rows = [_row(cells[:-1], columns, wanted, exchange, str(path)) for cells in found]
    notes = [] if columns.currency is not None else [f"{path} does not say its currency: it is taken to be US dollars"]
    slips = sum(cells[-1] for cells in found)
    return rows, [*notes, f"{path}: {slips_text(slips)}"] if slips else notes


def _summed(base: DuckDBPyConnection, file: Opened, columns: CostColumns, source: str) -> list[tuple[Any, ...]]:
    """Start, end, currency, tags, groups as text, the sum, and how many charges of it were mended.

    Raises:
        InputError: a cost is no number.
    """
    places = (columns.start, columns.end, columns.currency, columns.tags, *columns.groups.values())
    texts = ", ".join(_text(place, file.types) for place in places)
    amount = _amount(columns.cost)
    written = f"coalesce(trim(c{columns.cost}::VARCHAR), '') NOT IN ('', 'NULL')"
    billed, charge = _amount(columns.billed), f"nullif({_text(columns.charge, file.types)}, '')"
    slip = f"coalesce({is_slip(charge, amount, billed)}, false)"
    with own_words(source):
        wrong = base.execute(
            f"SELECT row, cell FROM (SELECT row_number() OVER () AS row, c{columns.cost}::VARCHAR AS cell, "  # noqa: S608
            f"{written} AND NOT coalesce(isfinite({amount}), false) AS wrong FROM {file.relation}) WHERE wrong LIMIT 1",
            [file.path],
        ).fetchone()
        if wrong is not None:
            name = file.names[columns.cost]
            raise InputError(
                repr(str(wrong[1])[:60]), "an amount", source=source, subject=f"row {wrong[0]}", field=name
            )
        return base.execute(
            f"SELECT {texts}, sum(CASE WHEN {slip} THEN {billed} ELSE {amount} END), count(*) FILTER ({slip}) "  # noqa: S608
            f"FROM {file.relation} WHERE {written} OR {slip} GROUP BY ALL",
            [file.path],
        ).fetchall()


def _amount(place: int | None) -> str:
    return "NULL::DOUBLE" if place is None else f"TRY_CAST(trim(c{place}::VARCHAR) AS DOUBLE)"


def _text(place: int | None, types: tuple[str, ...]) -> str:
    if place is None:
        return "''"
    if types[place].startswith("TIMESTAMP WITH"):
        return f"epoch(c{place})::VARCHAR"
    return f"coalesce(trim(c{place}::VARCHAR), '')"


def _row(
    cells: tuple[Any, ...], columns: CostColumns, keys: frozenset[str], exchange: Exchange, source: str
) -> CostRow:
    start, end, currency, tags, *groups, amount = cells
    group = {key: "" if value in _NOTHING else value for key, value in zip(columns.groups, groups, strict=True)}
    tagged = _tags(tags) if keys - set(group) else {}
    group |= {key: tagged.get(key.removeprefix(LABEL), "") for key in keys if key not in group}
    try:
        rate = exchange.rate(None if currency in _NOTHING else currency)
    except InputError:
        expected = f"US dollars, or a rate of {currency} in exchangeRates of a Fleet (--prices)"
        raise InputError(f"costs in {currency}", expected, source=source) from None
    begins, ends = _time(start, source), None if end in _NOTHING else _time(end, source)
    if ends is not None and ends < begins:
        raise InputError(repr(end), f"a time that is not before {start}", source=source, field="the end")
    return CostRow(
        begins,
        ends,
        tuple(sorted(group.items())),
        amount * rate,
    )


def _tags(text: str) -> dict[str, str]:
    """The tags in a cell; none where it is no map of them."""
    if text in _NOTHING:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}


@lru_cache(maxsize=65536)
def _time(text: str, source: str) -> float:
    try:
        number = float(text)
    except ValueError:
        try:
            return parse_time(text.replace("/", "-"))
        except InputError as error:
            raise error.at(source=source, field="the time") from None
    return number / 1000 if number > _LATEST else number
