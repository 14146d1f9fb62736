"""Regions: those that are written, those that only clusters and data sets name, and what lies between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from yuheng.errors import InputError, NotFoundError
from yuheng.model.fleet import Cluster, Link, Region
from yuheng.model.prices import Tier
from yuheng.readers.fleet.carbon import read_carbon
from yuheng.readers.fleet.clusters import folder_of
from yuheng.readers.fleet.egress import EgressTable, Names, read_matrix
from yuheng.readers.fleet.region_fields import RegionObject
from yuheng.readers.fleet.rows import Rows
from yuheng.readers.fleet.spot_traces import read_spot
from yuheng.readers.fleet.values import DEFAULT
from yuheng.readers.traces.files import one_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from yuheng.model.prices import PriceBook
    from yuheng.readers.fleet.exchange import Exchange

__all__ = ["Atlas", "WrittenRegion"]


class WrittenRegion(NamedTuple):
    """A Region as it is written, and the file it is in."""

    fields: RegionObject
    source: str

    @property
    def name(self) -> str:
        """Its name, without the provider that may stand before it."""
        return self.fields.metadata.name.rpartition("/")[2]

    @property
    def provider(self) -> str:
        """Its provider; empty when it does not say."""
        return self.fields.spec.provider or self.fields.metadata.name.rpartition("/")[0]

    @property
    def subject(self) -> str:
        """How errors call it."""
        return f"Region {self.fields.metadata.name}"

    def files(self) -> list[Path]:
        """The files that it names."""
        spec = self.fields.spec
        named = [spec.egress_matrix, spec.carbon.file if spec.carbon else None, *(one.trace for one in spec.spot)]
        return [folder_of(self.source) / name for name in named if name]


class Atlas:
    """All regions of a fleet, by their keys.

    Args:
        written: the Regions of the input.
        clusters: a cluster that names a region makes one where none is written.
        others: regions that something else speaks of, such as the home of a data set: names or ``provider/name``.
        book: has prices in regions that the fleet is not in, too.

    Raises:
        InputError: a region is written twice, or does not say which of several providers' it is.
    """

    def __init__(
        self, written: Sequence[WrittenRegion], clusters: Sequence[Cluster], others: Iterable[str], book: PriceBook
    ) -> None:
        self._book = book
        self._written: dict[str, WrittenRegion] = {}
        self._regions: dict[str, Region] = {}
        providers: dict[str, set[str]] = {}
        for cluster in clusters:
            if cluster.provider:
                providers.setdefault(cluster.region, set()).add(cluster.provider)
        for one in written:
            self._add_written(one, providers)
        self.implied: list[str] = []
        for cluster in clusters:
            if cluster.region and self.find(cluster.region, cluster.provider) is None:
                self._imply(Region(name=cluster.region, provider=cluster.provider))
        only = {cluster.provider for cluster in clusters}
        usual = only.pop() if len(only) == 1 else ""
        for name in sorted(set(others)):
            provider, _, short = name.rpartition("/")
            if self.find(name) is None:
                self._imply(Region(name=short, provider=provider or usual))

    def find(self, name: str, provider: str = "") -> str | None:
        """The key of a region.

        Args:
            name: its name, or its key.
            provider: whose it is; where none of this provider has the name, one without a provider will do. Empty for
                the only one of the name, whosever it is.
        """
        for key in (name, f"{provider}/{name}"):
            if key in self._regions:
                return key
        named = [key for key, region in self._regions.items() if region.name == name]
        fitting = [key for key in named if not provider or not self._regions[key].provider]
        return fitting[0] if len(fitting) == 1 else None

    def names(self, provider: str = "") -> Names:
        """The names of the regions of a provider; of all where none is given."""
        known = {one.name for one in self._regions.values() if not provider or one.provider in ("", provider)}
        return Names(known, lambda: {row.region for row in self._book if not provider or row.provider == provider})

    def placed(self, cluster: Cluster) -> Cluster:
        """A cluster with the provider that its region tells, so that its key is that of the region."""
        key = self.find(cluster.region, cluster.provider) if cluster.region else None
        if key is None or self._regions[key].provider == cluster.provider:
            return cluster
        return msgspec.structs.replace(cluster, provider=self._regions[key].provider)

    def regions(self, tables: Sequence[EgressTable], exchange: Exchange) -> dict[str, Region]:
        """The regions, with what they say of themselves and what tables say of them.

        Raises:
            InputError: a Region names one that is not there, or a file is not what it should be.
        """
        return {key: self._complete(key, tables, exchange) for key in sorted(self._regions)}

    def _add_written(self, one: WrittenRegion, providers: Mapping[str, set[str]]) -> None:
        used = sorted(providers.get(one.name, ()))
        if not one.provider and len(used) > 1:
            raise InputError(
                "nothing",
                f"one of {', '.join(used)}, which have clusters in a region of this name",
                source=one.source,
                subject=one.subject,
                field="spec.provider",
            )
        region = Region(name=one.name, provider=one.provider or "".join(used))
        if region.key in self._written:
            first = self._written[region.key]
            raise InputError(
                f"a second Region of this name (the first: {first.source})",
                "one region of a name and provider",
                source=one.source,
                subject=one.subject,
            )
        self._written[region.key] = one
        self._regions[region.key] = region

    def _imply(self, region: Region) -> None:
        if region.key not in self._regions:
            self._regions[region.key] = region
            self.implied.append(region.key)

    def _complete(self, key: str, tables: Sequence[EgressTable], exchange: Exchange) -> Region:
        region = self._regions[key]
        prices, internet = self._told(region, tables)
        written = self._written.get(key)
        if written is None:
            links = {other: Link(egress=tiers) for other, tiers in prices.items()}
            return msgspec.structs.replace(region, links=links, internet=internet)
        try:
            return self._described(region, written, prices, internet, exchange)
        except NotFoundError as error:
            found = InputError(str(error), "a file")
            raise found.at(source=written.source, subject=written.subject) from error
        except InputError as error:
            raise error.at(source=written.source, subject=written.subject) from error.__cause__

    def _described(
        self,
        region: Region,
        written: WrittenRegion,
        prices: dict[str, tuple[Tier, ...]],
        internet: tuple[Tier, ...],
        exchange: Exchange,
    ) -> Region:
        spec, folder = written.fields.spec, folder_of(written.source)
        egress = prices | self._own_matrix(region, written, exchange)
        for name, tiers in spec.egress.items():
            egress |= dict.fromkeys(self._meant(region, name, "egress", egress), exchange.tiers(tiers, spec.currency))
        latency: dict[str, float] = self._pairs(region, spec.latency, "latency")
        bandwidth: dict[str, float] = self._pairs(region, spec.bandwidth, "bandwidth")
        others = sorted({*egress, *latency, *bandwidth} - {region.key})
        own = spec.internet_egress
        return msgspec.structs.replace(
            region,
            links={
                other: Link(egress=egress.get(other, ()), latency=latency.get(other), bandwidth=bandwidth.get(other))
                for other in others
            },
            internet=exchange.tiers(own, spec.currency) if own is not None else internet,
            carbon=read_carbon(spec.carbon, folder) if spec.carbon else None,
            pue=spec.pue,
            concurrency=spec.concurrency,
            speed=spec.speed,
            storage=None
            if spec.storage_per_gb_month is None
            else spec.storage_per_gb_month * exchange.rate(spec.currency),
            spot=tuple(read_spot(one, folder) for one in spec.spot),
        )

    def _pairs(self, region: Region, written: Mapping[str, float], field: str) -> dict[str, float]:
        """Values by the key of the other region; those of all first, so that named ones replace them."""
        found: dict[str, float] = {}
        for name in sorted(written, key=lambda name: name != DEFAULT):
            found |= dict.fromkeys(self._meant(region, name, field, {}), written[name])
        return found

    def _meant(self, region: Region, name: str, field: str, known: Mapping[str, object]) -> list[str]:
        """The regions that a key of a map means: one, or all others of which nothing better is known."""
        if name == DEFAULT:
            return [key for key in self._regions if key != region.key and key not in known]
        key = self.find(name, region.provider) or self.find(name)
        if key is None:
            raise InputError(
                f"the unknown region {name!r}",
                f"a region of the fleet ({', '.join(sorted(self._regions))}), or {DEFAULT}",
                field=f"spec.{field}",
            )
        return [key]

    def _own_matrix(self, region: Region, written: WrittenRegion, exchange: Exchange) -> dict[str, tuple[Tier, ...]]:
        """Its row of the matrix that it names itself."""
        spec = written.fields.spec
        if not spec.egress_matrix:
            return {}
        rows = Rows.of(one_file(folder_of(written.source) / spec.egress_matrix, "a matrix in CSV"))
        rate = exchange.rate(spec.currency)
        try:
            found = read_matrix(rows, region.provider, rate, self.names(region.provider), extra=None)
        except InputError as error:
            raise error.at(source=rows.source) from error.__cause__
        if not any(start == region.name for start, _ in found):
            raise InputError(f"no row of {region.name}", "a row of the region", source=rows.source)
        return self._reached(region, lambda name: found.get((region.name, name)))

    def _reached(self, region: Region, price: Callable[[str], float | None]) -> dict[str, tuple[Tier, ...]]:
        """Prices to the other regions of the provider, by their keys."""
        others = (other for key, other in self._regions.items() if key != region.key)
        found = ((other.key, price(other.name)) for other in others if other.provider == region.provider)
        return {key: (Tier(0.0, cost),) for key, cost in found if cost is not None}

    def _told(
        self, region: Region, tables: Sequence[EgressTable]
    ) -> tuple[dict[str, tuple[Tier, ...]], tuple[Tier, ...]]:
        """What tables say of a region, the later ones first: to others of its provider, and to anywhere."""
        here = (region.provider, region.name)
        latest = list(reversed(tables))

        def price(other: str) -> float | None:
            # A price of the very pair counts before one that is put together.
            pairs = (table.between(*here, other) for table in latest)
            sums = (table.by_region(*here, other) for table in latest)
            return next((found for found in (*pairs, *sums) if found is not None), None)

        return self._reached(region, price), next(filter(None, (table.to_internet(*here) for table in latest)), ())
