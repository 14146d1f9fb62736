"""How much to reserve, by family and region: a linear program over the demand there was.

Reserved capacity is paid whether it is used or not, the rest is bought on-demand. For one family in one region, with
D(t) units in use for w(t) hours, p the on-demand and r the reserved price of a unit and hour:

    minimise  sum over t of w(t) (r R + p o(t))   where   o(t) >= D(t) - R,   o(t) >= 0,   R >= 0

A unit is worth reserving when it is in use for more than the share r/p of the hours: its *break-even*. The optimum is
therefore the quantile of demand at the discount 1 - r/p, the newsvendor's answer (Arrow, Harris and Marschak, 1951):
reserve at 37% off what demand is above 63% of the time. Tests hold the program to that.

Units are virtual cores: providers let a reservation move between the sizes of a family in proportion to them (AWS,
"instance size flexibility" and EC2 Instance Savings Plans; Google Cloud, resource-based committed use discounts).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.errors import ConfigError
from yuheng.finops.node_mix.kinds import family
from yuheng.model.commitments import (
    Commitments,
    DemandLine,
    DemandSeries,
    Fall,
    ReservationPlan,
    Reserved,
    Term,
)
from yuheng.model.prices import Market, PriceBook
from yuheng.model.units import HOURS_A_MONTH
from yuheng.placement.program import Program

__all__ = ["DEFAULT_TERMS", "commitments", "newsvendor", "reserve"]

# What is sold without upfront payment, as it was told of general-purpose Linux machines: no provider has one discount
# for all. Whoever has an offer, or reserved prices in the book, states them.
# - AWS, Standard Reserved Instances and EC2 Instance Savings Plans: 37% and 58% (m5.xlarge in us-east-1, 2026:
#   xplorr.io/blog/aws-reserved-instances-vs-savings-plans).
# - Google Cloud, resource-based commitments: 37% and 55%; "up to 57%", 70% for memory-optimized ones, says
#   cloud.google.com/compute/docs/instances/signing-up-committed-use-discounts.
# - Azure, reservations: 37% and 57% (D2 v3, 2021: isjw.uk/post/azure/azure-reservations-vs-automated-power-down), 41%
#   and 62% (D2s v5, 2023: cloudecon.com/2023/09/vmreservations).
# The lowest of these are taken: what is worth it then, is worth it with the others, too.
DEFAULT_TERMS: Final = (
    Term(name="1y", discount=0.37, is_assumed=True),
    Term(name="3y", discount=0.55, is_assumed=True),
)
FALLS: Final = (0.1, 0.2)
ITERATIONS: Final = 1_000_000
Levels = NDArray[np.float64]


class _Group(NamedTuple):
    """What can be reserved together.

    Attributes:
        demand: (T,) units in use.
        on_demand: US dollars per unit and hour.
        booked: the same reserved, by the price book; None where it has no price.
    """

    provider: str
    region: str
    family: str
    unit: str
    demand: Levels
    on_demand: float
    booked: float | None


def commitments(
    series: DemandSeries, book: PriceBook, terms: Sequence[Term] = DEFAULT_TERMS, time: float = float("inf")
) -> Commitments:
    """What to reserve.

    Args:
        series: what was in use.
        book: on-demand prices, sizes, and reserved prices where it has them.
        terms: what can be committed to; where the book has reserved prices they are a term of their own, ``book``.
        time: when prices are looked up, in seconds since the epoch.

    Raises:
        ConfigError: nothing of what was in use has a price.
    """
    warnings = list(series.warnings)
    groups = _groups(series, book, time, warnings)
    if not groups:
        raise ConfigError(f"--prices: found no on-demand price of anything in {series.source}, expected one at least")
    booked = [Term(name="book", discount=0.0)] if any(group.booked is not None for group in groups) else []
    plans, reservations = [], []
    for term in (*booked, *terms):
        found = [(group, _reserved(group, series.hours, term)) for group in groups]
        reservations += sorted((one for _, one in found), key=lambda one: (one.after - one.before, one.family))
        plans.append(_plan(term, found, series.hours))
    hours = float(series.hours.sum())
    if any(term.is_assumed for term in terms):
        warnings.append(
            "the discounts are assumed: providers' differ by family, region and payment; --discount states yours"
        )
    warnings.append(f"the demand of these {hours:,.0f} hours is taken to go on for the whole term")
    warnings.append("what is reserved already is known only where it is marked: subtract what you hold besides")
    return Commitments(
        hours=hours, plans=tuple(plans), reservations=tuple(reservations), warnings=tuple(dict.fromkeys(warnings))
    )


def reserve(demand: Levels, hours: Levels, on_demand: float, reserved: float) -> float:
    """How many units to reserve, by the linear program; the least of several amounts that cost the same.

    Args:
        demand: (T,) units in use.
        hours: (T,) how long each sample holds.
        on_demand: the price of a unit and hour.
        reserved: the same, reserved.
    """
    levels, place = np.unique(demand, return_inverse=True)
    weights = np.bincount(place, weights=hours)
    scale = float(weights.sum()) * max(on_demand, 1e-12)
    if not len(levels) or scale <= 0 or reserved >= on_demand:
        return 0.0
    program = Program()
    # A hair above its price: of amounts that cost the same the least is taken.
    amount = program.column(float(weights.sum()) * reserved / scale * (1 + 1e-9), float(levels[-1]))
    for level, weight in zip(levels.tolist(), weights.tolist(), strict=True):
        bought = program.column(weight * on_demand / scale)
        program.row([(amount, 1.0), (bought, 1.0)], lower=level)
    found = program.relaxed(ITERATIONS)
    return max(found.values[amount], 0.0) if found.values else newsvendor(demand, hours, on_demand, reserved)


def newsvendor(demand: Levels, hours: Levels, on_demand: float, reserved: float) -> float:
    """The same in closed form: the least level that demand exceeds for no more than the break-even share of hours."""
    if reserved >= on_demand:
        return 0.0
    order = np.argsort(demand, kind="stable")
    above = hours.sum() - np.cumsum(hours[order])
    fits = above <= reserved / on_demand * hours.sum() * (1 + 1e-12)
    return float(demand[order][int(fits.argmax())])


def _groups(series: DemandSeries, book: PriceBook, time: float, warnings: list[str]) -> list[_Group]:
    """Lines put together by provider, region, family and unit."""
    together: defaultdict[tuple[str, str, str, str], list[tuple[Levels, float, float | None]]] = defaultdict(list)
    unpriced = []
    for line in series.lines:
        name = line.family or family(line.instance_type)
        on_demand = _unit_price(line, name, book, "on-demand", time)
        if on_demand is None:
            unpriced.append(f"{line.instance_type or name} in {line.region or 'any region'}")
            continue
        price, units, unit, provider = on_demand
        booked = _unit_price(line, name, book, "reserved", time)
        found = (line.amounts * units, price, booked[0] if booked is not None else None)
        together[line.provider or provider, line.region, name if unit == "vCPU" else line.instance_type, unit].append(
            found
        )
    if unpriced:
        warnings.append(f"not looked at, for they have no on-demand price: {', '.join(sorted(set(unpriced)))}")
    return [_group(key, parts, series.hours) for key, parts in sorted(together.items())]


def _group(
    key: tuple[str, str, str, str], parts: Sequence[tuple[Levels, float, float | None]], hours: Levels
) -> _Group:
    """Prices of a family are those of its sizes, weighed by how much of each is used."""
    demand = np.sum([amounts for amounts, _, _ in parts], axis=0)
    weights = np.array([float(amounts @ hours) for amounts, _, _ in parts])
    weights = weights / weights.sum() if weights.sum() else np.full(len(parts), 1 / len(parts))
    on_demand = float(weights @ np.array([price for _, price, _ in parts]))
    # A size without a reserved price is as dear as on-demand.
    booked = [price if reserved is None else reserved for _, price, reserved in parts]
    known = any(reserved is not None for _, _, reserved in parts)
    return _Group(*key, demand, on_demand, float(weights @ np.array(booked)) if known else None)


def _unit_price(
    line: DemandLine, name: str, book: PriceBook, market: Market, time: float
) -> tuple[float, float, str, str] | None:
    """US dollars per unit and hour, units of one of the line's amounts, the unit, and whose price it is."""
    if not line.instance_type:
        return _family_price(line, name, book, market, time)
    found = book.find(line.instance_type, market, provider=line.provider, region=line.region, time=time)
    if found is None:
        return None
    shape = found if found.cpu_milli else book.shape(line.instance_type)
    cores = shape.cpu_milli / 1000 if shape is not None else 0.0
    if not cores:
        return (found.per_hour, 1.0, "machine", found.provider) if not line.is_cores else None
    return found.per_hour / cores, 1.0 if line.is_cores else cores, "vCPU", found.provider


def _family_price(
    line: DemandLine, name: str, book: PriceBook, market: Market, time: float
) -> tuple[float, float, str, str] | None:
    """The mean price of a core of a family: its sizes cost the same by the core, but for roundings."""
    sizes = sorted({row.instance_type for row in book if row.market == market and family(row.instance_type) == name})
    found = (book.find(size, market, provider=line.provider, region=line.region, time=time) for size in sizes)
    rows = [row for row in found if row is not None]
    prices = [row.per_hour / row.cpu_milli * 1000 for row in rows if row.cpu_milli]
    return (sum(prices) / len(prices), 1.0, "vCPU", rows[0].provider) if prices and line.is_cores else None


def _reserved(group: _Group, hours: Levels, term: Term) -> Reserved:
    price, source = _price_of(group, term)
    amount = reserve(group.demand, hours, group.on_demand, price)
    total = float(hours.sum())
    used = float(np.minimum(group.demand, amount) @ hours)
    asked = float(group.demand @ hours)
    month = HOURS_A_MONTH / total if total else 0.0
    return Reserved(
        provider=group.provider,
        region=group.region,
        family=group.family,
        term=term.name,
        unit=group.unit,
        amount=amount,
        on_demand=group.on_demand,
        reserved=price,
        coverage=used / asked if asked else 0.0,
        utilization=used / (amount * total) if amount else 1.0,
        lowest=float(group.demand.min(initial=np.inf)) if len(group.demand) else 0.0,
        average=asked / total if total else 0.0,
        highest=float(group.demand.max(initial=0.0)),
        before=asked * group.on_demand * month,
        after=(amount * total * price + (asked - used) * group.on_demand) * month,
        source=source,
    )


def _price_of(group: _Group, term: Term) -> tuple[float, str]:
    if term.name == "book":
        if group.booked is None:
            return group.on_demand, "none in the price book"
        return group.booked, "the price book"
    source = f"{term.discount:.0%} off on-demand"
    return group.on_demand * (1 - term.discount), f"{source}, assumed" if term.is_assumed else source


def _plan(term: Term, found: Sequence[tuple[_Group, Reserved]], hours: Levels) -> ReservationPlan:
    before = sum(one.before for _, one in found)
    paid = sum(one.amount * one.reserved for _, one in found)
    used = sum(one.amount * one.reserved * one.utilization for _, one in found)
    return ReservationPlan(
        term=term.name,
        per_hour=paid,
        before=before,
        after=sum(one.after for _, one in found),
        coverage=sum(one.coverage * one.before for _, one in found) / before if before else 0.0,
        utilization=used / paid if paid else 1.0,
        falls=tuple(_fall(by, found, hours) for by in FALLS),
    )


def _fall(by: float, found: Sequence[tuple[_Group, Reserved]], hours: Levels) -> Fall:
    """The same reservations when there is less to do."""
    total = float(hours.sum())
    before = after = paid = used = 0.0
    for group, one in found:
        demand = group.demand * (1 - by)
        met = np.minimum(demand, one.amount) @ hours
        before += float(demand @ hours) * group.on_demand
        after += one.amount * total * one.reserved + float(demand @ hours - met) * group.on_demand
        paid += one.amount * total * one.reserved
        used += float(met) * one.reserved
    return Fall(by, 1 - after / before if before else 0.0, used / paid if paid else 1.0)
