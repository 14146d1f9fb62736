"""The tables of a fleet: price books and egress prices, named by its settings or known by their header."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from yuheng.errors import InputError, NotFoundError
from yuheng.model.prices import PriceBook, Rates
from yuheng.readers.fleet.clusters import folder_of
from yuheng.readers.fleet.egress import EgressTable, is_egress_table, read_egress
from yuheng.readers.fleet.objects import parsed
from yuheng.readers.fleet.prices import is_price_table, read_prices
from yuheng.readers.fleet.rows import Rows
from yuheng.readers.fleet.settings_fields import EgressFileFields, FleetObject, FleetSpecFields, PriceBookFields
from yuheng.readers.traces.files import one_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from yuheng.readers.fleet.exchange import Exchange
    from yuheng.readers.fleet.regions import Atlas
    from yuheng.readers.sources.documents import Item
    from yuheng.readers.sources.files import Content

__all__ = ["Tables", "WrittenSettings"]


class WrittenSettings(NamedTuple):
    """The settings of the fleet, and the file they are in."""

    spec: FleetSpecFields
    source: str = ""
    subject: str = ""
    name: str = ""

    @classmethod
    def of(cls, items: Sequence[Item]) -> WrittenSettings:
        """The settings in these objects.

        Raises:
            InputError: there are several, or one is not what it should be.
        """
        if len(items) > 1:
            places = " and ".join(item.place() for item in items)
            raise InputError(f"{len(items)} objects of kind Fleet: {places}", "one, or none")
        if not items:
            return cls(FleetSpecFields())
        found = parsed(items[0], FleetObject)
        name = found.metadata.name
        return cls(found.spec, items[0].source, f"Fleet {name}", name)

    def files(self) -> list[Path]:
        """The files that they name."""
        named = [one.file for one in self.spec.price_books] + [one.file for one in self.spec.egress]
        return [folder_of(self.source) / file for file in named]

    def rates(self, exchange: Exchange) -> Rates | None:
        """What resources cost where no price is known; None when they do not say."""
        return exchange.rates_of(self.spec.rates, None) if self.spec.rates else None


class Tables:
    """The tables.

    Args:
        settings: name some of them.
        csv: the others.
        exchange: rates of currencies.

    Attributes:
        warnings: what had to be assumed.
    """

    def __init__(self, settings: WrittenSettings, csv: Iterable[Content], exchange: Exchange) -> None:
        self._settings = settings
        self._exchange = exchange
        self._books = [
            (self._rows(one.file, f"spec.priceBooks[{index}]"), one)
            for index, one in enumerate(settings.spec.price_books)
        ]
        self._egress = [
            (self._rows(one.file, f"spec.egress[{index}]"), one) for index, one in enumerate(settings.spec.egress)
        ]
        self.warnings: list[str] = []
        for content in csv:
            self._sort(Rows.of(content))

    def book(self) -> PriceBook:
        """All price books as one.

        Raises:
            InputError: a table is not what it should be.
        """
        tables = [read_prices(rows, fields, self._exchange) for rows, fields in self._books]
        self.warnings += [warning for table in tables for warning in table.warnings]
        return PriceBook(
            (price for table in tables for price in table.prices),
            (shape for table in tables for shape in table.shapes),
        )

    def egress(self, atlas: Atlas) -> list[EgressTable]:
        """The tables of egress prices.

        Raises:
            InputError: a table is not what it should be.
        """
        tables = [read_egress(rows, fields, self._exchange, atlas.names) for rows, fields in self._egress]
        self.warnings += [warning for table in tables for warning in table.warnings]
        return tables

    def _sort(self, rows: Rows) -> None:
        """Find out what a table is that nobody named."""
        if is_price_table(rows.header):
            self._books.append((rows, PriceBookFields(file=rows.source)))
        elif is_egress_table(rows.header):
            self._egress.append((rows, EgressFileFields(file=rows.source)))
        else:
            self.warnings.append(f"{rows.source} is neither a price book nor a table of egress prices: it is not used")

    def _rows(self, file: str, field: str) -> Rows:
        settings = self._settings
        try:
            return Rows.of(one_file(folder_of(settings.source) / file, "a table in CSV"))
        except NotFoundError as error:
            found = InputError(str(error), "a file", source=settings.source, subject=settings.subject, field=field)
            raise found from error
