"""What a cluster costs, from files to rows: shared by all commands that answer in money that was spent."""

from __future__ import annotations

import re
import time as clock
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from yuheng.cli.meter import Meter
from yuheng.cli.money import amount_of
from yuheng.cli.usage_options import UsageOptions
from yuheng.cli.windows import MOST_STRETCHES, Every, WrittenWindow, chosen_window
from yuheng.errors import ConfigError

if TYPE_CHECKING:
    from yuheng.finops.allocation import Holding, Question
    from yuheng.model.cost import Costs
    from yuheng.model.prices import PriceBook
    from yuheng.model.usage import UsageSums, Window
    from yuheng.readers.estate import Estates
    from yuheng.readers.prices import WrittenPrices

__all__ = [
    "CostInputs",
    "Spending",
    "costed",
    "costs_of",
    "currency_of",
    "holdings_of",
    "in_currency",
    "parse_storage",
]

_CURRENCY: Final = re.compile(r"([A-Z]{3})(?:=(.+))?")


class CostInputs(NamedTuple):
    """Where costs are read from.

    Attributes:
        inputs: the state of a cluster or a fleet.
        prices: price books.
        usage: files, or a server.
        window: the time; None for what usage covers, else an hour.
        every: stretches of it; None for one.
        now: the time of the state, in seconds since the epoch; None for the one it tells.
        hourly: with usage, the stretches are hours instead where there are no more pods times hours than this, and no
            more hours than can be told.
    """

    inputs: Sequence[str]
    prices: Sequence[Path] = ()
    usage: UsageOptions = UsageOptions()
    window: WrittenWindow | None = None
    every: Every | None = None
    now: float | None = None
    hourly: int = 0


class Spending(NamedTuple):
    """What was read: clusters with their prices and usage, the window, and what is to be told of the reading."""

    holdings: tuple[Holding, ...]
    window: Window
    prices: WrittenPrices
    notes: tuple[str, ...]


def costed(asked: CostInputs, question: Question, currency: str | None = None) -> Costs:
    """Read, and divide the costs.

    Args:
        asked: where from.
        question: groups, filters, what is shared.
        currency: what the amounts are told in: ``EUR=0.92`` (euros for a dollar), or ``EUR`` where a Fleet among the
            price books has a rate; None for US dollars.

    Raises:
        ConfigError: options contradict each other, or there is no rate.
        InputError: something that is read is not what it should be.
    """
    if currency is not None:
        _currency(currency)
    return costs_of(holdings_of(asked), question, currency)


def costs_of(spending: Spending, question: Question, currency: str | None = None) -> Costs:
    """Divide the costs of what was read.

    Args:
        spending: what was read.
        question: groups, filters, what is shared.
        currency: as for `costed`.

    Raises:
        ConfigError: the currency is not like that, or a group cannot be made.
        InputError: there is no rate.
    """
    import msgspec

    from yuheng.finops.allocation import allocate

    with Meter("dividing costs"):
        found = allocate(spending.holdings, question, spending.window)
    told = msgspec.structs.replace(found, assumptions=(*found.assumptions, *spending.notes))
    return told if currency is None else in_currency(told, currency, spending.prices)


def holdings_of(asked: CostInputs) -> Spending:
    """Clusters with their prices and usage.

    Raises:
        ConfigError: options contradict each other.
        InputError: something that is read is not what it should be.
    """
    from yuheng.readers.estate import check_places, estates_of
    from yuheng.readers.prices import read_written_prices

    asked.usage.check()
    prices = read_written_prices(asked.prices)
    with Meter("reading"):
        estates = estates_of(*asked.inputs)
        check_places(estates)
    moment = _moment(estates, asked.now)
    if not asked.usage.is_given:
        window = chosen_window(asked.window, asked.every, known=None, time=moment)
        return _spending(estates, prices, window, [None] * len(estates.estates), ())
    from yuheng.cli.clusters_usage import ClustersUsage

    with Meter("reading usage"), ClustersUsage(asked.usage, estates.estates, _period(asked, moment)) as usage:
        window = chosen_window(asked.window, asked.every, known=usage.span, time=moment)
        pods = sum(len(estate.pods) for estate in estates.estates)
        if asked.hourly and pods * window.hours <= asked.hourly and window.hours <= MOST_STRETCHES:
            window = chosen_window(asked.window, Every.hour, known=usage.span, time=moment)
        sums = usage.sums(window)
        return _spending(estates, prices, window, sums, usage.notes)


def _spending(
    estates: Estates,
    prices: WrittenPrices,
    window: Window,
    sums: Sequence[UsageSums | None],
    notes: Sequence[str],
) -> Spending:
    from yuheng.finops.allocation import Holding
    from yuheng.finops.pricing import price_cluster, price_nodes

    moment = (window.start + window.end) / 2
    holdings = []
    book = prices.book
    if estates.fleet is None:
        for estate, used in zip(estates.estates, sums, strict=True):
            told = price_nodes(
                estate.snapshot.nodes, prices.book, time=moment, rates=prices.rates, cluster=estate.cluster
            )
            holdings.append(Holding(estate, told, used))
    else:
        # What the command line prices counts, and what only the fleet prices is not lost.
        book, rates = book.over(estates.fleet.prices), prices.rates.over(estates.fleet.rates)
        clusters = {cluster.name: cluster for cluster in estates.fleet.clusters}
        for estate, used in zip(estates.estates, sums, strict=True):
            told = price_cluster(clusters[estate.cluster], book, time=moment, rates=rates)
            holdings.append(Holding(estate, told, used))
    warnings = (warning for estate in estates.estates for warning in estate.warnings)
    sayings = (*notes, *prices.warnings, *warnings, *_changes(holdings, window, book))
    return Spending(tuple(holdings), window, prices, sayings)


def _changes(holdings: Sequence[Holding], window: Window, book: PriceBook) -> list[str]:
    """That prices of nodes changed within the window, of which one counts for all of it."""
    used = {id(node.price): node.price for one in holdings for node in one.prices if node.price is not None}
    changed = [
        price for price in used.values() if any(window.start < row.since < window.end for row in book.history(price))
    ]
    if not changed:
        return []
    what = "1 price" if len(changed) == 1 else f"{len(changed)} prices"
    kinds = sorted({price.instance_type for price in changed})
    return [f"{what} changed within the window ({kinds[0]} first): the one of its middle counts for all of it"]


def _moment(estates: Estates, now: float | None) -> float:
    """The time of the state: as it was given, as the state tells, else now."""
    if now is not None:
        return now
    if estates.fleet is not None and estates.fleet.time is not None:
        return estates.fleet.time
    told = [estate.time for estate in estates.estates if estate.time is not None]
    return max(told) if told else clock.time()


def _period(asked: CostInputs, moment: float) -> tuple[float, float] | float | None:
    """What a server is asked for: the window, or as much of the last time."""
    written = asked.window
    if written is None:
        return None
    if written.seconds is not None:
        return written.seconds if asked.now is None else (moment - written.seconds, moment)
    if written.start is None:
        return None
    return written.start, written.end if written.end is not None else asked.now or clock.time()


def in_currency(found: Costs, text: str, prices: WrittenPrices) -> Costs:
    """Costs in another currency.

    Args:
        found: in US dollars.
        text: ``EUR=0.92`` or ``EUR``.
        prices: the rates of a Fleet among the price books.

    Raises:
        ConfigError: it is not like these.
        InputError: there is no rate.
    """
    return found.within(*currency_of(text, prices))


def currency_of(text: str, prices: WrittenPrices) -> tuple[str, float]:
    """The name of a currency, and what a US dollar is in it.

    Args:
        text: ``EUR=0.92`` or ``EUR``.
        prices: the rates of a Fleet among the price books.

    Raises:
        ConfigError: it is not like these.
        InputError: there is no rate.
    """
    name, rate = _currency(text)
    return name, 1 / prices.exchange.rate(name) if rate is None else rate


def _currency(text: str) -> tuple[str, float | None]:
    parts = _CURRENCY.fullmatch(text)
    rate = amount_of(parts[2]) if parts and parts[2] else None
    if parts is None or (parts[2] and not rate):
        raise ConfigError(f"--currency: found {text!r}, expected a currency and what a US dollar is in it: EUR=0.92")
    return parts[1], rate


def parse_storage(texts: Sequence[str], default: float) -> dict[str, float]:
    """Prices of storage by class; the empty class is that of all others.

    Args:
        texts: ``0.08`` or ``fast=0.17``, US dollars per GiB and month.
        default: for classes without a price.

    Raises:
        ConfigError: one of them is not like these.
    """
    found = {"": default}
    for text in texts:
        name, sign, amount = text.rpartition("=")
        price = amount_of(amount)
        if price is None or (sign and not name):
            raise ConfigError(f"--storage-price: found {text!r}, expected $ per GiB and month: 0.08 or CLASS=0.08")
        found[name] = price
    return found
