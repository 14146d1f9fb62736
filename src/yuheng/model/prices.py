"""The price book: what an hour of a machine costs, by provider, region, zone, type and market."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final, Literal, get_args

import msgspec

from yuheng.model.units import GIB

__all__ = ["DEFAULT_RATES", "MARKETS", "Market", "Price", "PriceBook", "Rates", "Tier", "tiered"]

Market = Literal["on-demand", "spot", "reserved"]
MARKETS: Final[tuple[Market, ...]] = get_args(Market)


class Rates(msgspec.Struct, frozen=True):
    """What an hour of a resource costs where no price of a machine is known.

    Attributes:
        cpu: US dollars per core and hour.
        memory: US dollars per GiB and hour.
        gpu: US dollars per GPU and hour.
    """

    cpu: float = 0.031611
    memory: float = 0.004237
    gpu: float = 0.95

    def of(self, cpu_milli: float, memory: float, gpus: float) -> float:
        """US dollars per hour of so many milli-cores, bytes and GPUs."""
        return self.cpu * cpu_milli / 1000 + self.memory * memory / GIB + self.gpu * gpus

    def over(self, other: Rates) -> Rates:
        """These rates, as somebody gave them; another's where these are the defaults."""
        return other if self == DEFAULT_RATES else self


# The defaults of OpenCost (configs/default.json) for a cluster on premises.
DEFAULT_RATES: Final = Rates()


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What an hour of a machine costs.

    Attributes:
        provider: such as ``aws``; empty when the book does not say.
        region: empty for all regions.
        zone: empty for all zones of the region.
        instance_type: the machine.
        market: how it is bought.
        per_hour: US dollars per hour.
        since: from when the price holds, in seconds since the epoch; minus infinity for always.
        cpu_milli, memory, gpus, gpu_model: what the machine has, in milli-cores and bytes; 0 and empty when unknown.
    """

    provider: str = ""
    region: str = ""
    zone: str = ""
    instance_type: str
    market: Market = "on-demand"
    per_hour: float
    since: float = float("-inf")
    cpu_milli: int = 0
    memory: int = 0
    gpus: int = 0
    gpu_model: str = ""


class PriceBook:
    """Prices, found by what a node says of itself.

    Args:
        prices: the rows.
        shapes: rows that only tell what a machine has; their price does not count.
    """

    def __init__(self, prices: Iterable[Price] = (), shapes: Iterable[Price] = ()) -> None:
        self._rows: dict[tuple[str, str, str], list[Price]] = {}
        self._types: dict[str, Price] = {}
        for price in sorted(prices, key=_order):
            self._rows.setdefault((price.instance_type, price.region, price.market), []).append(price)
            if price.cpu_milli and price.instance_type not in self._types:
                self._types[price.instance_type] = price
        for shape in shapes:
            self._types.setdefault(shape.instance_type, shape)

    def __len__(self) -> int:
        return sum(map(len, self._rows.values()))

    def __iter__(self) -> Iterator[Price]:
        return (price for rows in self._rows.values() for price in rows)

    def over(self, other: PriceBook) -> PriceBook:
        """This book, and what another prices that this one does not.

        A row of the other counts where this one has no price at all: not one of a larger place, nor an older one.
        """
        kept = (
            row
            for row in other
            if self.find(
                row.instance_type, row.market, provider=row.provider, region=row.region, zone=row.zone, time=row.since
            )
            is None
        )
        return PriceBook((*self, *kept), (*self._types.values(), *other._types.values()))

    def find(
        self, instance_type: str, market: Market, *, provider: str = "", region: str = "", zone: str = "", time: float
    ) -> Price | None:
        """The price that holds at a time; None when the book has none.

        A price of the zone comes before one of the region, and that before one of everywhere. Where the zone is not
        known, or has no price of its own, the cheapest zone of the region counts.

        Args:
            instance_type: the machine.
            market: how it is bought.
            provider: prices of other providers do not count; empty for any.
            region: where it is.
            zone: where in the region.
            time: in seconds since the epoch.
        """
        for place in (region, "") if region else ("",):
            rows = [row for row in self._rows.get((instance_type, place, market), ()) if _sold_by(row, provider)]
            for wanted in ((zone,), ("",)) if zone else (("",),):
                found = _current([row for row in rows if row.zone in wanted], time)
                if found is not None:
                    return found
            zones = {row.zone for row in rows if row.zone}
            current = [_current([row for row in rows if row.zone == name], time) for name in sorted(zones)]
            known = [row for row in current if row is not None]
            if known:
                return min(known, key=lambda row: row.per_hour)
        return None

    def history(self, price: Price) -> list[Price]:
        """All prices of the same machine, place and market, oldest first."""
        rows = self._rows.get((price.instance_type, price.region, price.market), ())
        return [row for row in rows if (row.zone, row.provider) == (price.zone, price.provider)]

    def shape(self, instance_type: str) -> Price | None:
        """A row that tells what a machine has; None when none does."""
        return self._types.get(instance_type)


def _order(price: Price) -> tuple[str, str, str, str, str, float]:
    return (price.instance_type, price.region, price.market, price.zone, price.provider, price.since)


def _sold_by(price: Price, provider: str) -> bool:
    return not provider or not price.provider or price.provider == provider


def _current(rows: list[Price], time: float) -> Price | None:
    """The last price that holds at a time, or the first there will be; rows come oldest first."""
    if not rows:
        return None
    rows = sorted(rows, key=lambda row: row.since)
    return rows[max(bisect_right([row.since for row in rows], time) - 1, 0)]


class Tier(msgspec.Struct, frozen=True):
    """A price that holds from an amount on.

    Attributes:
        above: gigabytes a month from which on it holds.
        per_gb: US dollars per gigabyte.
    """

    above: float
    per_gb: float


def tiered(tiers: tuple[Tier, ...], gigabytes: float) -> float:
    """US dollars for an amount: each tier's price for the part of it that falls into the tier (ascending)."""
    ends = [tier.above for tier in tiers[1:]] + [float("inf")]
    return sum(
        tier.per_gb * (min(gigabytes, end) - tier.above)
        for tier, end in zip(tiers, ends, strict=True)
        if gigabytes > tier.above
    )
