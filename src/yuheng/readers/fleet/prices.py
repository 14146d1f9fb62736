"""Price books: tables of what machines cost, known by their header.

| header | whose |
| --- | --- |
| ``InstanceType, ..., vCPUs, MemoryGiB, Price, SpotPrice, Region[, AvailabilityZone]`` | SkyPilot's catalog |
| ``[cloud, ]region, instance_type[, vcpu, memory_mib, gpu], on_demand_usd_h[, spot_usd_h]`` | coroot's |
| ``cloud, region, instance_type, on_demand_usd_h_last, <dates>`` | coroot's history of spot prices, one column a day |
| ``instance_type, vcpu, memory_mib, gpu`` | what machines have, without prices |
| ``[provider, region, zone, ]instance_type[, market, currency], price_per_hour[, valid_from, ...]`` | ours |

The last optional columns of ours are ``vcpu``, ``memory_gib``, ``gpu_model`` and ``gpu_count``. Where two tables
price the same, the later one counts: those that the `Fleet` names come first, then those of the folder in the order
of their names. Empty cells are prices that are not known; so is 0 in all tables but ours.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from yuheng.errors import InputError
from yuheng.model.prices import MARKETS, Market, Price
from yuheng.model.units import GIB, MIB
from yuheng.readers.fleet.providers import provider_in, region_name
from yuheng.readers.fleet.rows import Rows
from yuheng.readers.fleet.settings_fields import BOOK_FIELDS, PriceBookFields
from yuheng.readers.fleet.values import parse_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from yuheng.readers.fleet.exchange import Exchange

__all__ = ["PriceTable", "is_price_table", "read_prices"]

ALWAYS: Final = float("-inf")
UNKNOWN: Final = float("nan")
# The prices of the catalog: how the machine is bought, the column, and its place among those that are read.
_CATALOG_PRICES: Final[tuple[tuple[Market, str, int], ...]] = (("on-demand", "price", 3), ("spot", "spotprice", 4))
# The machines of GCP that come with GPUs, and what their catalog calls those (Google Cloud, "GPU machine types").
_BUILT_IN: Final = (
    (re.compile(r"a2-(?:highgpu|megagpu)-(\d+)g"), "A100"),
    (re.compile(r"a2-ultragpu-(\d+)g"), "A100-80GB"),
    (re.compile(r"a3-(?:highgpu|edgegpu)-(\d+)g(?:-nolssd)?"), "H100"),
    (re.compile(r"a3-megagpu-(\d+)g"), "H100-MEGA"),
    (re.compile(r"a3-ultragpu-(\d+)g(?:-nolssd)?"), "H200"),
    (re.compile(r"a4-highgpu-(\d+)g"), "B200"),
)
_L4: Final = {"4": "1", "8": "1", "12": "1", "16": "1", "24": "2", "32": "1", "48": "4", "96": "8"}
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


class PriceTable:
    """What a price book says.

    Attributes:
        prices: of machines.
        shapes: what machines have of which the table knows no price (`Price.per_hour` is NaN).
        warnings: what had to be assumed.
    """

    def __init__(self) -> None:
        self.prices: list[Price] = []
        self.shapes: list[Price] = []
        self.warnings: list[str] = []


def is_price_table(header: tuple[str, ...]) -> bool:
    """Whether a header is that of a price book."""
    return _format({name.lower() for name in header}) is not None


def read_prices(rows: Rows, fields: PriceBookFields, exchange: Exchange) -> PriceTable:
    """The prices of a table, in US dollars.

    Args:
        rows: the table.
        fields: what it does not say itself.
        exchange: rates of currencies.

    Raises:
        InputError: its header is none of those that are known, a price is negative or no number, a market is unknown,
            or no rate of a currency is known.
    """
    names = set(rows.places())
    read = _own if fields.columns else _format(names)
    if read is None:
        expected = "the columns of a price book, or what they are called in columns of priceBooks"
        raise InputError(f"the columns {', '.join(rows.header)}", expected, source=rows.source)
    table = PriceTable()
    provider = fields.provider
    if not provider and not {"cloud", "provider"} & names and "provider" not in fields.columns:
        provider = provider_in(rows.source)
        told = f"taken to be of {provider}, as its name says" if provider else "counted for every provider"
        table.warnings.append(f"{rows.source} does not say whose prices it holds: they are {told}")
    try:
        book = _Book(table, provider, fields, exchange)
        read(rows, book)
    except InputError as error:
        raise error.at(source=rows.source) from error.__cause__
    if book.free:
        table.warnings.append(f"{rows.source}: {book.free} prices of 0 are not used: what they stand for is not known")
    return table


class _Book:
    """A price book on its way into the model.

    Attributes:
        has_free: whether 0 is a price; in tables that are collected from providers it is one that was not found.
        free: how many rows there were without that.
    """

    def __init__(self, table: PriceTable, provider: str, fields: PriceBookFields, exchange: Exchange) -> None:
        self.table = table
        self.provider = provider
        self.columns = {ours: fields.columns.get(name, "").lower() for name, ours in BOOK_FIELDS.items()}
        self.exchange = exchange
        self.currency = fields.currency
        self.has_free = False
        self.free = 0
        self._rate = exchange.rate(fields.currency)

    def add(
        self,
        machine: tuple[str, str, str],
        market: Market,
        per_hour: float | None,
        shape: tuple[int, int, int, str],
        *,
        provider: str = "",
        rate: float | None = None,
        since: float = ALWAYS,
    ) -> None:
        """Take a price in; none where none is written.

        Args:
            machine: instance type, region, zone.
            market: how it is bought.
            per_hour: its price.
            shape: cores in thousandths, bytes, GPUs and their model.
            provider: of the row; empty for that of the table.
            rate: of its currency; None for that of the table.
            since: from when on.
        """
        if per_hour is None:
            return
        if not per_hour and not self.has_free:
            self.free += 1
            return
        owner = provider or self.provider
        instance_type, region, zone = machine
        cpu, memory, gpus, model = shape
        self.table.prices.append(
            Price(
                provider=owner,
                region=region_name(owner, region),
                zone=zone,
                instance_type=instance_type,
                market=market,
                per_hour=per_hour * (self._rate if rate is None else rate),
                since=since,
                cpu_milli=cpu,
                memory=memory,
                gpus=gpus,
                gpu_model=model,
            )
        )


def _format(names: set[str]) -> Callable[[Rows, _Book], None] | None:
    """What reads a table of these columns."""
    known: tuple[tuple[set[str], Callable[[Rows, _Book], None]], ...] = (
        ({"instancetype", "price", "region"}, _catalog),
        ({"instance_type", "price_per_hour"}, _own),
        ({"instance_type", "region", "on_demand_usd_h_last"}, _history),
        ({"instance_type", "region", "on_demand_usd_h"}, _plain),
        ({"instance_type", "vcpu", "memory_mib"}, _shapes),
    )
    return next((read for needed, read in known if needed <= names), None)


def _catalog(rows: Rows, book: _Book) -> None:
    """SkyPilot's catalog; in that of GCP the GPUs of a machine stand in rows of their own, and are added to it."""
    columns = ("instancetype", "region", "availabilityzone", "price", "spotprice", "vcpus", "memorygib")
    gpus = ("acceleratorcount", "acceleratorname")
    table = list(rows.cells(columns + gpus))
    parts = {
        (cells[1], cells[2], cells[8], cells[7]): (line, cells) for line, cells in table if not cells[0] and cells[8]
    }
    used = set()
    for line, cells in table:
        name, region, zone, _, _, cpu, memory, count, model = cells
        if not name:
            continue
        own = () if model else built_in_gpus(name)
        part = parts.get((region, zone, *own)) if own else None
        if own:
            model, count = own
            used.add((region, zone, *own))
        shape = _shape(rows, line, (("vcpus", cpu), ("memorygib", memory), ("acceleratorcount", count)), GIB, model)
        for market, column, place in _CATALOG_PRICES:
            per_hour = rows.number(line, column, cells[place])
            more = rows.number(part[0], column, part[1][place]) if part is not None else None
            if part is not None and per_hour:
                # Without a price of its GPUs nothing is known of what the machine costs.
                per_hour = per_hour + more if more is not None else None
            book.add((name, region, zone), market, per_hour, shape)
    left = len(parts.keys() - used)
    if left:
        book.table.warnings.append(
            f"{rows.source}: {left} prices of accelerators that are sold beside machines are not used"
        )


def built_in_gpus(name: str) -> tuple[str, str] | tuple[()]:
    """Model and number of the GPUs that a machine of GCP comes with; empty for one that comes without."""
    for pattern, model in _BUILT_IN:
        if found := pattern.fullmatch(name):
            return model, found[1]
    family, _, cores = name.rpartition("-")
    return ("L4", _L4[cores]) if family == "g2-standard" and cores in _L4 else ()


def _plain(rows: Rows, book: _Book) -> None:
    columns = ("cloud", "region", "instance_type", "vcpu", "memory_mib", "gpu", "on_demand_usd_h", "spot_usd_h")
    for line, (cloud, region, name, cpu, memory, count, price, spot) in rows.cells(columns):
        _check_name(rows, line, name)
        shape = _shape(rows, line, (("vcpu", cpu), ("memory_mib", memory), ("gpu", count)), MIB, "")
        machine = (name, region, "")
        book.add(machine, "on-demand", rows.number(line, "on_demand_usd_h", price), shape, provider=cloud, rate=1.0)
        book.add(machine, "spot", rows.number(line, "spot_usd_h", spot), shape, provider=cloud, rate=1.0)


def _history(rows: Rows, book: _Book) -> None:
    days = [name for name in rows.header if _DATE.fullmatch(name)]
    since = [_since(rows, 1, day, day) for day in days]
    nothing = (0, 0, 0, "")
    for line, cells in rows.cells(("cloud", "region", "instance_type", "on_demand_usd_h_last", *days)):
        cloud, region, name, last = cells[:4]
        _check_name(rows, line, name)
        machine = (name, region, "")
        price = rows.number(line, "on_demand_usd_h_last", last)
        book.add(machine, "on-demand", price, nothing, provider=cloud, rate=1.0)
        for day, time, cell in zip(days, since, cells[4:], strict=True):
            spot = rows.number(line, day, cell)
            book.add(machine, "spot", spot, nothing, provider=cloud, rate=1.0, since=time)


def _shapes(rows: Rows, book: _Book) -> None:
    for line, (name, cpu, memory, count) in rows.cells(("instance_type", "vcpu", "memory_mib", "gpu")):
        _check_name(rows, line, name)
        shape = _shape(rows, line, (("vcpu", cpu), ("memory_mib", memory), ("gpu", count)), MIB, "")
        cores, size, gpus, model = shape
        book.table.shapes.append(
            Price(
                provider=book.provider,
                instance_type=name,
                per_hour=UNKNOWN,
                cpu_milli=cores,
                memory=size,
                gpus=gpus,
                gpu_model=model,
            )
        )


def _own(rows: Rows, book: _Book) -> None:
    columns = [book.columns[name] or name for name in BOOK_FIELDS.values()]
    _check_columns(rows, book)
    book.has_free = True
    at = dict(zip(BOOK_FIELDS.values(), columns, strict=True))
    for line, cells in rows.cells(columns):
        provider, region, zone, name, market, currency, price, since, cpu, memory, model, count = cells
        _check_name(rows, line, name)
        per_hour = rows.number(line, at["price_per_hour"], price)
        if per_hour is None:
            raise rows.wrong(line, at["price_per_hour"], price, "a price of 0 or more")
        sizes = ((at["vcpu"], cpu), (at["memory_gib"], memory), (at["gpu_count"], count))
        book.add(
            (name, region, zone),
            _market(rows, line, at["market"], market),
            per_hour,
            _shape(rows, line, sizes, GIB, model),
            provider=provider,
            rate=_rate(rows, line, book, currency),
            since=_since(rows, line, at["valid_from"], since) if since else ALWAYS,
        )


def _check_columns(rows: Rows, book: _Book) -> None:
    """Every column that the settings name is there."""
    known = rows.places()
    for column in book.columns.values():
        if column and column not in known:
            expected = f"one of its columns: {', '.join(rows.header)}"
            raise InputError(f"the unknown column {column!r}", expected, source=rows.source)


def _rate(rows: Rows, line: int, book: _Book, currency: str) -> float | None:
    try:
        return book.exchange.rate(currency) if currency else None
    except InputError as error:
        raise error.at(source=rows.source, subject=f"line {line}", field="currency") from None


def _market(rows: Rows, line: int, column: str, text: str) -> Market:
    found = next((market for market in MARKETS if market == (text or "on-demand")), None)
    if found is None:
        raise rows.wrong(line, column, text, f"one of {', '.join(MARKETS)}")
    return found


def _since(rows: Rows, line: int, column: str, text: str) -> float:
    try:
        return parse_time(text)
    except InputError as error:
        raise error.at(source=rows.source, subject=f"line {line}", field=column) from None


def _check_name(rows: Rows, line: int, name: str) -> None:
    if not name:
        raise rows.wrong(line, "instance_type", name, "a machine")


def _shape(
    rows: Rows, line: int, sizes: tuple[tuple[str, str], ...], unit: int, model: str
) -> tuple[int, int, int, str]:
    """Cores in thousandths, bytes, GPUs and their model; 0 where nothing is written."""
    cpu, memory, gpus = (rows.number(line, column, text) or 0.0 for column, text in sizes)
    return round(cpu * 1000), round(memory * unit), round(gpus), model if gpus else ""
