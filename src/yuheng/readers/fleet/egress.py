"""Tables of what it costs to move data, known by their header.

| header | what |
| --- | --- |
| an empty cell, then regions; rows begin with regions | from the row to the column, within one provider |
| ``cloud, region, egress_usd_per_gb[, ingress_usd_per_gb]`` | out of a region, and into it, within one provider |
| ``cloud, region, from_gb_per_month, usd_per_gb`` | to the internet, by tiers: what is below the first is free |

A matrix of a provider names all its regions, and a fleet is in some of them: where most of the names are not in the
fleet, those are passed over, and so are always those that a price book has prices in. Another one is a slip of the pen,
and an error, unless ``extraRegions`` of the `Fleet` allows it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from yuheng.errors import InputError
from yuheng.model.prices import Tier
from yuheng.readers.fleet.providers import provider_in, region_name
from yuheng.readers.fleet.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yuheng.readers.fleet.exchange import Exchange
    from yuheng.readers.fleet.settings_fields import EgressFileFields

__all__ = ["EgressTable", "Names", "is_egress_table", "read_egress", "read_matrix"]

Tiers = tuple[Tier, ...]


class Names(NamedTuple):
    """Names of regions.

    Attributes:
        known: those of the fleet.
        sold: gives those that a price book has prices in.
    """

    known: Collection[str]
    sold: Callable[[], Collection[str]]


class EgressTable(NamedTuple):
    """Prices in US dollars per gigabyte; regions are ``(provider, name)``.

    Attributes:
        pairs: from one region to another.
        out, into: of leaving a region, and of entering it, for another one of its provider.
        internet: to anywhere else.
        warnings: what had to be assumed.
    """

    pairs: dict[tuple[tuple[str, str], tuple[str, str]], float]
    out: dict[tuple[str, str], float]
    into: dict[tuple[str, str], float]
    internet: dict[tuple[str, str], Tiers]
    warnings: list[str]

    def between(self, provider: str, start: str, end: str) -> float | None:
        """What a gigabyte from one region of a provider to another costs; None when the table does not say."""
        for owner in (provider, ""):
            if (price := self.pairs.get(((owner, start), (owner, end)))) is not None:
                return price
        return None

    def by_region(self, provider: str, start: str, end: str) -> float | None:
        """The same from what each of the two regions costs to leave, and to enter."""
        for owner in (provider, ""):
            if (price := self.out.get((owner, start))) is not None:
                return price + self.into.get((owner, end), 0.0)
        return None

    def to_internet(self, provider: str, start: str) -> Tiers:
        """What a gigabyte to anywhere else costs; empty when the table does not say."""
        return self.internet.get((provider, start)) or self.internet.get(("", start), ())

    @classmethod
    def empty(cls) -> EgressTable:
        """One that says nothing."""
        return cls({}, {}, {}, {}, [])


def is_egress_table(header: tuple[str, ...]) -> bool:
    """Whether a header is that of a table of egress prices; a matrix begins with an empty cell."""
    names = {name.lower() for name in header}
    return _is_matrix(header) or {"region", "egress_usd_per_gb"} <= names or {"region", "usd_per_gb"} <= names


def read_egress(
    rows: Rows, fields: EgressFileFields, exchange: Exchange, names_of: Callable[[str], Names]
) -> EgressTable:
    """The prices of a table.

    Args:
        rows: the table.
        fields: what it does not say itself.
        exchange: rates of currencies.
        names_of: names of the regions of a provider; of all where it is empty.

    Raises:
        InputError: the header is none of those that are known, a price is negative or no number, or a matrix names a
            region that is not known and was not meant to.
    """
    table = EgressTable.empty()
    names = set(rows.places())
    provider = fields.provider
    if not provider and "cloud" not in names:
        provider = provider_in(rows.source)
        told = f"taken to be of {provider}, as its name says" if provider else "counted for every provider"
        table.warnings.append(f"{rows.source} does not say whose prices it holds: they are {told}")
    try:
        rate = exchange.rate(fields.currency)
        if _is_matrix(rows.header):
            found = read_matrix(rows, provider, rate, names_of(provider), extra=fields.extra_regions)
            table.pairs.update({((provider, a), (provider, b)): price for (a, b), price in found.items()})
        elif {"region", "egress_usd_per_gb"} <= names:
            _by_region(rows, provider, rate, table)
        else:
            _check_header(rows)
            _to_internet(rows, provider, rate, table)
    except InputError as error:
        raise error.at(source=rows.source) from error.__cause__
    return table


def read_matrix(
    rows: Rows, provider: str, rate: float, names: Names, *, extra: bool | None
) -> dict[tuple[str, str], float]:
    """Prices from the region of a row to that of a column.

    Args:
        rows: the matrix.
        provider: whose regions they are.
        rate: US dollars for one unit of its prices.
        names: of the regions there are.
        extra: whether names that are not of the fleet are extra; None to go by what they are, and how many.

    Raises:
        InputError: a row or a column has a name that is not known and not extra, a row has none, or a price is negative
            or no number.
    """
    columns = [region_name(provider, name) for name in rows.header[1:]]
    starts = [region_name(provider, row[0].strip()) for _, row in rows.lines]
    _check_names([name for name in dict.fromkeys((*columns, *starts)) if name], names, extra=extra)
    found = {}
    for (line, row), start in zip(rows.lines, starts, strict=True):
        if not start:
            raise rows.wrong(line, rows.header[0], "", "a region")
        for name, cell in zip(columns, row[1:], strict=False):
            price = rows.number(line, name, cell.strip())
            if name and price is not None:
                found[start, name] = price * rate
    return found


def _check_names(found: list[str], names: Names, *, extra: bool | None) -> None:
    known = names.known
    unknown = [name for name in found if name not in known]
    if not unknown or extra or (extra is None and 2 * len(unknown) > len(found)):
        return
    if extra is None:
        # Part of a region's name, such as that of a local zone, is no slip either.
        places = {*known, *names.sold()}
        unknown = [name for name in unknown if not any(name == one or name.startswith(f"{one}-") for one in places)]
    if unknown:
        near = get_close_matches(unknown[0], known, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        expected = f"a region of the fleet ({', '.join(sorted(known))}); extraRegions lets a matrix name others"
        raise InputError(f"the unknown region {unknown[0]!r}{hint}", expected)


def _is_matrix(header: tuple[str, ...]) -> bool:
    return (
        len(header) > 1
        and header[0].lower() in ("", "from", "region", "from/to")
        and not {
            "usd_per_gb",
            "egress_usd_per_gb",
            "instance_type",
        }
        & {name.lower() for name in header}
    )


def _check_header(rows: Rows) -> None:
    if not is_egress_table(rows.header):
        expected = "a matrix of regions, or the columns region and egress_usd_per_gb or usd_per_gb"
        raise InputError(f"the columns {', '.join(rows.header)}", expected)


def _by_region(rows: Rows, provider: str, rate: float, table: EgressTable) -> None:
    for line, (cloud, name, into, out) in rows.cells(("cloud", "region", "ingress_usd_per_gb", "egress_usd_per_gb")):
        owner = cloud or provider
        key = (owner, region_name(owner, name))
        for column, cell, prices in (("ingress_usd_per_gb", into, table.into), ("egress_usd_per_gb", out, table.out)):
            price = rows.number(line, column, cell)
            if price is not None:
                prices[key] = price * rate


def _to_internet(rows: Rows, provider: str, rate: float, table: EgressTable) -> None:
    steps: dict[tuple[str, str], dict[float, float]] = {}
    for line, (cloud, name, start, cell) in rows.cells(("cloud", "region", "from_gb_per_month", "usd_per_gb")):
        owner = cloud or provider
        price = rows.number(line, "usd_per_gb", cell)
        if price is not None:
            above = rows.number(line, "from_gb_per_month", start) or 0.0
            steps.setdefault((owner, region_name(owner, name)), {})[above] = price * rate
    table.internet.update({key: _tiers(found) for key, found in steps.items()})


def _tiers(steps: Mapping[float, float]) -> Tiers:
    """Tiers in order; a table that begins above 0 gives what is below away."""
    return tuple(Tier(above, price) for above, price in sorted(({0.0: 0.0} | dict(steps)).items()))
