"""`read_price_book`: price tables that are named on the command line, as one book in US dollars.

Each file is a table in one of the formats of `yuheng.readers.fleet.prices`, known by its header; or YAML or JSON with
an object of kind ``Fleet``, whose ``currency``, ``exchangeRates``, ``rates`` and ``priceBooks`` then count: that is
where rates of currencies are written, and what the columns of somebody else's table mean.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from yuheng.errors import InputError
from yuheng.model.prices import DEFAULT_RATES, PriceBook, Rates
from yuheng.readers.fleet.clusters import folder_of
from yuheng.readers.fleet.exchange import Exchange
from yuheng.readers.fleet.kinds import OURS, group_of
from yuheng.readers.fleet.prices import PriceTable, is_price_table, read_prices
from yuheng.readers.fleet.rows import Rows
from yuheng.readers.fleet.settings_fields import PriceBookFields
from yuheng.readers.fleet.tables import WrittenSettings
from yuheng.readers.inventory import subject_of
from yuheng.readers.sources.documents import items_of
from yuheng.readers.sources.files import contents
from yuheng.readers.traces.files import one_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from yuheng.readers.sources.documents import Item
    from yuheng.readers.sources.files import Content

__all__ = ["WrittenPrices", "read_price_book", "read_written_prices"]

EXPECTED: Final = "a price book in CSV, or an object of kind Fleet"
_DOCUMENT: Final = re.compile(r".*\.(json|ya?ml)(\.gz)?", re.DOTALL | re.IGNORECASE)
# What makes a table one of ours, which may say its currency row by row.
_OURS: Final = {"instance_type", "price_per_hour"}


class WrittenPrices(NamedTuple):
    """What some files say of prices.

    Attributes:
        book: prices in US dollars.
        rates: of resources of nodes without a price, in US dollars.
        exchange: rates of currencies.
        warnings: what had to be assumed.
    """

    book: PriceBook = PriceBook()
    rates: Rates = DEFAULT_RATES
    exchange: Exchange = Exchange({})
    warnings: tuple[str, ...] = ()


def read_price_book(paths: Sequence[Path]) -> tuple[PriceBook, tuple[str, ...]]:
    """The price book of some files, and what had to be assumed.

    Args:
        paths: files, or folders of them; where two price the same, the later one counts.

    Raises:
        InputError: a file is no price book; a price is negative, no number, or in a currency without a rate; some rows
            of a table say their currency and others do not.
        NotFoundError: a path does not exist.
    """
    found = read_written_prices(paths)
    return found.book, found.warnings


def read_written_prices(paths: Sequence[Path]) -> WrittenPrices:
    """The same, with the rates of resources and of currencies that a ``Fleet`` among the files says.

    Args:
        paths: as for `read_price_book`.

    Raises:
        InputError: as for `read_price_book`.
        NotFoundError: a path does not exist.
    """
    files = [content for path in paths for content in contents(path)]
    settings = WrittenSettings.of([item for file in files if _is_document(file) for item in _settings_in(file)])
    exchange = Exchange(settings.spec.exchange_rates, settings.spec.currency)
    tables = []
    warnings: list[str] = []
    for rows, fields in (*_named(settings), *_given(files)):
        warnings += _of_currency(rows, fields, exchange)
        tables.append(read_prices(rows, fields, exchange))
    return WrittenPrices(
        _book(tables),
        settings.rates(exchange) or DEFAULT_RATES,
        exchange,
        (*warnings, *(warning for table in tables for warning in table.warnings)),
    )


def _is_document(file: Content) -> bool:
    return _DOCUMENT.fullmatch(file.name) is not None


def _settings_in(file: Content) -> Iterator[Item]:
    """The objects of kind ``Fleet`` in a file.

    Raises:
        InputError: another object is in it.
    """
    for item in items_of(file):
        if item.kind != "Fleet" or group_of(item) != OURS:
            raise InputError(subject_of(item), EXPECTED, source=file.name)
        yield item


def _named(settings: WrittenSettings) -> Iterator[tuple[Rows, PriceBookFields]]:
    """The tables that the settings name."""
    for fields in settings.spec.price_books:
        yield Rows.of(one_file(folder_of(settings.source) / fields.file, "a table in CSV")), fields


def _given(files: Iterable[Content]) -> Iterator[tuple[Rows, PriceBookFields]]:
    """The tables among the files.

    Raises:
        InputError: one is no price book, or has no price.
    """
    for file in files:
        if _is_document(file):
            continue
        rows = Rows.of(file)
        if not is_price_table(rows.header):
            raise InputError(f"the columns {', '.join(rows.header)}", EXPECTED, source=file.name)
        if not rows.lines:
            raise InputError("a header and no row", "a price at least", source=file.name)
        yield rows, PriceBookFields(file=file.name)


def _of_currency(rows: Rows, fields: PriceBookFields, exchange: Exchange) -> list[str]:
    """What is assumed of a table of ours that does not say its currency.

    Raises:
        InputError: some of its rows say theirs: what the others are in cannot be guessed then.
    """
    if fields.currency or not (fields.columns or {name.lower() for name in rows.header} >= _OURS):
        return []
    column = fields.columns.get("currency", "currency").lower()
    silent = [line for line, (currency,) in rows.cells((column,)) if not currency]
    if not silent:
        return []
    if len(silent) < len(rows.lines):
        raise rows.wrong(silent[0], column, "", "a currency's three letters, as other rows have them")
    return [f"{rows.source} does not say its currency: its prices are taken to be in {exchange.usual}"]


def _book(tables: Sequence[PriceTable]) -> PriceBook:
    return PriceBook(
        (price for table in tables for price in table.prices),
        (shape for table in tables for shape in table.shapes),
    )
