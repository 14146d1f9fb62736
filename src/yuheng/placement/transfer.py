"""Moving data between regions: what it costs, how long it takes, and from where it is cheapest to have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from yuheng.model.fleet import Link, Region
from yuheng.model.fleet_plan import Transfer
from yuheng.model.prices import tiered
from yuheng.model.requirements import DataUse

__all__ = ["Moves", "Network", "is_among", "moved"]

GIGABYTE = 1e9
HOURS_A_MONTH = 730.0
NOTHING = Link()


class Moves(NamedTuple):
    """What has to be moved for a workload that runs in a region.

    Attributes:
        before: what is read, and moved before the start.
        after: what is written, and moved when it is done.
        stored: US dollars per hour for copies that are kept.
    """

    before: tuple[Transfer, ...] = ()
    after: tuple[Transfer, ...] = ()
    stored: float = 0.0

    @property
    def cost(self) -> float:
        """US dollars for all transfers."""
        return sum(item.cost for item in (*self.before, *self.after))

    @property
    def ahead(self) -> float:
        """Seconds before the start: data sets are read side by side."""
        return max((item.seconds for item in self.before), default=0.0)

    @property
    def behind(self) -> float:
        """Seconds after the end."""
        return max((item.seconds for item in self.after), default=0.0)


class Network:
    """The regions of a fleet, and what lies between them.

    Attributes:
        assumed: pairs of regions without a price of their own that data was moved between, and the US dollars per
            gigabyte that counted: the dearest that is known of the provider.
        unpriced: such pairs at no price, for want of any.
        unmeasured: pairs of regions between which nothing is known of the time it takes.
    """

    def __init__(self, regions: Mapping[str, Region]) -> None:
        self._regions = regions
        self._by_name: dict[str, list[str]] = {}
        for key, region in sorted(regions.items()):
            self._by_name.setdefault(region.name, []).append(key)
        self._dearest: dict[tuple[str, bool], float | None] = {}
        self.assumed: dict[tuple[str, str], float] = {}
        self.unpriced: set[tuple[str, str]] = set()
        self.unmeasured: set[tuple[str, str]] = set()

    def key_of(self, name: str, near: str = "") -> str:
        """The key of a region that is told by its name or its key; of several, the one of ``near``'s provider."""
        if name in self._regions:
            return name
        found = self._by_name.get(name, [])
        provider = near.rpartition("/")[0]
        same = [key for key in found if key.rpartition("/")[0] == provider]
        return (same or found or [name])[0]

    def cost(self, source: str, target: str, gigabytes: float) -> float:
        """US dollars for so many gigabytes from one region to another (keys); nothing within a region.

        A pair without a price costs what the internet does from there, else the dearest that is known of the provider
        (between its regions, where the pair is of one provider), else nothing.
        """
        if source == target or gigabytes <= 0:
            return 0.0
        region = self._regions.get(source)
        tiers = region.links.get(target, NOTHING).egress or region.internet if region is not None else ()
        return tiered(tiers, gigabytes) if tiers else self._assumed(source, target) * gigabytes

    def _assumed(self, source: str, target: str) -> float:
        """US dollars per gigabyte between two regions of which nobody says what it costs."""
        provider, other = (key.rpartition("/")[0] for key in (source, target))
        known = self._dearest_of(provider, inside=provider == other)
        if known is None:
            self.unpriced.add((source, target))
            return 0.0
        self.assumed[source, target] = known
        return known

    def _dearest_of(self, provider: str, *, inside: bool) -> float | None:
        """The dearest price per gigabyte out of any region of a provider; None where none is known.

        Args:
            provider: whose regions.
            inside: whether prices to its own regions count alone, where there are any.
        """
        key = provider, inside
        if key not in self._dearest:
            own = [region for region in self._regions.values() if region.provider == provider]
            near = {region.key for region in own}
            links = [item for region in own for item in region.links.items()]
            told = [link.egress for other, link in links if link.egress and (other in near or not inside)]
            told += [region.internet for region in own if region.internet and not inside]
            known = max((tier.per_gb for tiers in told for tier in tiers), default=None)
            self._dearest[key] = self._dearest_of(provider, inside=False) if inside and known is None else known
        return self._dearest[key]

    def seconds(self, source: str, target: str, gigabytes: float) -> float:
        """How long that takes: the latency of one way, and size by bandwidth; what is not known takes no time."""
        if source == target or gigabytes <= 0:
            return 0.0
        link = self._link(source, target)
        if link.bandwidth is None:
            self.unmeasured.add((source, target))
        sending = GIGABYTE * gigabytes / link.bandwidth if link.bandwidth else 0.0
        return (link.latency or 0.0) + sending

    def latency(self, source: str, target: str) -> float | None:
        """Seconds one way; None when nobody measured it, either way."""
        if source == target:
            return 0.0
        one = self._link(source, target).latency
        return one if one is not None else self._link(target, source).latency

    def _link(self, source: str, target: str) -> Link:
        region = self._regions.get(source)
        return region.links.get(target, NOTHING) if region is not None else NOTHING


def moved(network: Network, reads: Sequence[DataUse], writes: Sequence[DataUse], here: str, storage: float) -> Moves:
    """What has to be moved for a workload in a region.

    Args:
        network: between the regions.
        reads: the data it reads.
        writes: the data it writes.
        here: key of its region.
        storage: US dollars per gigabyte and month of copies in it.
    """
    before = [_fetched(network, use, here) for use in reads if use.regions and use.gigabytes > 0]
    after = [
        _transfer(network, use, here, network.key_of(name, here))
        for use in writes
        for name in use.regions
        if use.gigabytes > 0
    ]
    copies = sum(use.gigabytes for use in reads if use.copies and not _is_home(network, use, here))
    return Moves(
        tuple(item for item in before if item.source != here),
        tuple(item for item in after if item.destination != here),
        copies * storage / HOURS_A_MONTH,
    )


def _is_home(network: Network, use: DataUse, here: str) -> bool:
    return any(network.key_of(name, here) == here for name in use.regions)


def _fetched(network: Network, use: DataUse, here: str) -> Transfer:
    """The cheapest way to have a data set in a region; of equally cheap ones the fastest, then the first by name."""
    ways = [_transfer(network, use, network.key_of(name, here), here) for name in use.regions]
    return min(ways, key=lambda way: (way.cost, way.seconds, way.source))


def _transfer(network: Network, use: DataUse, source: str, target: str) -> Transfer:
    size = use.gigabytes
    cost, seconds = network.cost(source, target, size), network.seconds(source, target, size)
    return Transfer(use.name, size, source, target, cost, seconds)


def is_among(region: Region | None, key: str, patterns: Iterable[str]) -> bool:
    """Whether a region is one of those that patterns speak of: names, ``provider/region``, or shell patterns."""
    names = (key,) if region is None else (key, region.name)
    return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)
