"""All groups of all clusters side by side, as arrays: what a workload chooses between.

Letters for sizes: G groups of the fleet.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.model.fleet import Cluster, Fleet, Region
from yuheng.model.pod import Pod
from yuheng.model.prices import MARKETS, Market
from yuheng.model.series import Series
from yuheng.placement.energy import Shape, power_of
from yuheng.placement.machines import Group, Stock

__all__ = ["ASSUMED_CARBON", "Ask", "Terrain"]

F64 = NDArray[np.float64]
# Grams of CO2 equivalent per kWh where a region has no series: the world's mean of 2023 (Ember, Global Electricity
# Review 2024).
ASSUMED_CARBON: Final = 480.0
GIB: Final = 2**30
HOUR: Final = 3600.0


class Ask(NamedTuple):
    """What one pod asks for, as prices see it.

    Attributes:
        cpu: milli-cores.
        memory: bytes.
        gpus: of whole devices, or a part of one.
        slots: how many of it one GPU holds when it asks for a part of one; 0 otherwise.
        whole: how many whole GPUs it asks for.
    """

    cpu: int
    memory: int
    gpus: float
    slots: int
    whole: int

    @classmethod
    def of(cls, pod: Pod) -> Ask:
        """The ask of a pod."""
        requests, devices = pod.spec.requests, pod.spec.devices
        share = devices.is_share()
        gpus = devices.count * min(devices.milli, 1000) / 1000
        slots = 1000 // max(min(devices.milli, 1000), 1) if share else 0
        return cls(requests.get("cpu", 0), requests.get("memory", 0), gpus, slots, 0 if share else devices.count)


class Terrain:
    """The groups of all clusters.

    Attributes:
        clusters: sorted by name.
        groups: all of them, cluster by cluster.
        first: (clusters + 1,) the groups of each cluster, as a slice.
        site: (G,) the cluster of each group.
        regions: the keys of the regions, sorted.
        region: (G,) the region of each group.
        in_region: by region, its groups; ``by_region`` all of them, region by region.
        market: (G,) its place in `MARKETS`.
        machines: the instance types and GPU models there are.
        machine: (G,) which of them each group has.
        delay: (G,) seconds until a node is ready and a pod on it has started.
        startup: (G,) seconds of that for which the pod has its node already: they are paid like its work.
        exists: (G,) whether its nodes are there already.
        bought: (G,) whether its nodes are bought for whoever needs them, and paid whole.
        whole: (G,) US dollars per hour of such a node; 0 elsewhere.
        priced: (G,) whether it has the price of a machine, rather than rates.
    """

    def __init__(self, fleet: Fleet, stocks: Sequence[Stock], now: float) -> None:
        self.fleet = fleet
        self._now = now
        self.clusters: tuple[Cluster, ...] = fleet.clusters
        self.groups: list[Group] = [group for stock in stocks for group in stock.groups]
        counts = [len(stock.groups) for stock in stocks]
        self.first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self.site = np.repeat(np.arange(len(stocks)), counts)
        self.regions = sorted({cluster.region_key for cluster in fleet.clusters})
        numbers = {key: i for i, key in enumerate(self.regions)}
        self.region = np.array([numbers[self.clusters[s].region_key] for s in self.site.tolist()], dtype=np.int64)
        self.in_region = [np.flatnonzero(self.region == r) for r in range(len(self.regions))]
        self.by_region = np.argsort(self.region, kind="stable")
        self.market = np.array([MARKETS.index(group.market) for group in self.groups], dtype=np.int64)
        owners = [self.clusters[s] for s in self.site.tolist()]
        pairs = list(zip(owners, self.groups, strict=True))
        self.startup = np.array([owner.startup for owner in owners], dtype=np.float64)
        self.delay = np.array([group.delay + owner.startup for owner, group in pairs], dtype=np.float64)
        kinds = [(group.instance_type, group.gpu_model) for group in self.groups]
        self.machines = sorted(set(kinds))
        numbers_of = {kind: i for i, kind in enumerate(self.machines)}
        self.machine = np.array([numbers_of[kind] for kind in kinds], dtype=np.int64)
        self.speed = np.array([self._region(owner).speed for owner in owners], dtype=np.float64)
        self.exists = np.array([group.exists for group in self.groups], dtype=np.bool_)
        self.priced = np.array([group.price is not None for group in self.groups], dtype=np.bool_)
        self._rated = np.array([owner.rates is not None for owner in owners], dtype=np.bool_)
        self._shapes = _shapes(self.groups)
        self._rates = self._unit_rates(pairs)
        self.bought = ~self.exists & (self.priced | ~self._rated)
        prices = [self.whole_price(g) for g in range(len(self.groups))]
        self.whole = np.where(self.bought, np.array(prices, dtype=np.float64), 0.0)
        self._watts = np.array([_watts(group, fleet) for group in self.groups], dtype=np.float64).reshape(-1, 3)
        self._pue = np.array([self._region(owner).pue for owner in owners], dtype=np.float64)

    def _region(self, cluster: Cluster) -> Region:
        return self.fleet.regions.get(cluster.region_key) or Region(name=cluster.region, provider=cluster.provider)

    def region_of(self, r: int) -> Region:
        """A region by its place in `regions`."""
        key = self.regions[r]
        return self.fleet.regions.get(key) or Region(name=key.rpartition("/")[2], provider=key.rpartition("/")[0])

    def region_of_site(self, s: int) -> int:
        """The place of a cluster's region in `regions`."""
        return self.regions.index(self.clusters[s].region_key)

    def carbon(self, r: int) -> Series:
        """The carbon intensity of a region, or what is assumed."""
        return self.region_of(r).carbon or _ASSUMED

    @cached_property
    def changing_prices(self) -> dict[int, Series]:
        """The prices of nodes over time, of groups whose price is known to change."""
        found = {g: self.prices_ahead(g) for g in range(len(self.groups))}
        return {g: prices for g, prices in found.items() if prices is not None}

    def prices_ahead(self, g: int) -> Series | None:
        """The price of a node over time; None when no other price than today's is known to come."""
        group, cluster, now = self.groups[g], self.clusters[int(self.site[g])], self._now
        if group.price is None or cluster.price_factor == 0:
            return None
        book = self.fleet.prices
        found = book.find(
            group.instance_type,
            group.market,
            provider=cluster.provider,
            region=cluster.region,
            zone=group.zone,
            time=now,
        )
        rows = book.history(found) if found is not None else []
        if not any(row.since > now for row in rows):
            return None
        times = np.array([max(row.since, rows[-1].since - 10 * 365 * 86400.0) for row in rows])
        return Series(times, np.array([row.per_hour for row in rows]))

    def market_of(self, g: int) -> Market:
        """How a group is bought."""
        return MARKETS[int(self.market[g])]

    def groups_of(self, s: int) -> range:
        """The groups of a cluster."""
        return range(int(self.first[s]), int(self.first[s + 1]))

    def _unit_rates(self, pairs: Sequence[tuple[Cluster, Group]]) -> F64:
        """(G, 3) US dollars per hour of a core, a GiB and a GPU.

        A machine's price is split over its resources in the ratio of the default rates, so that all of them together
        cost what the machine costs.
        """
        default = self.fleet.rates
        base = np.array([default.cpu, default.memory, default.gpu])
        found = np.empty((len(pairs), 3))
        for i, (cluster, group) in enumerate(pairs):
            if group.price is None:
                own = cluster.rates or default
                scale = 1.0 if cluster.rates is not None else cluster.price_factor
                found[i] = np.array([own.cpu, own.memory, own.gpu]) * scale
            else:
                whole = float(base @ self._shapes[i, :3])
                found[i] = base * (group.price / whole if whole > 0 else 0.0)
        return found

    def whole_price(self, g: int) -> float:
        """US dollars per hour of a whole node of a group: its price, or the rates of all it has."""
        price = self.groups[g].price
        return float(self._rates[g] @ self._shapes[g, :3]) if price is None else price

    def cheapest(self, s: int) -> dict[str, float]:
        """By market, US dollars per hour of a cluster's cheapest core, its part of the machine's price."""
        found: dict[str, float] = {}
        for g in self.groups_of(s):
            market = self.market_of(g)
            found[market] = min(found.get(market, np.inf), float(self._rates[g, 0]))
        return found

    def missing(self, s: int) -> tuple[str, ...]:
        """What is not known of a cluster."""
        cluster = self.clusters[s]
        region = self.fleet.regions.get(cluster.region_key)
        unpriced = cluster.rates is None and any(self.groups[g].price is None for g in self.groups_of(s))
        told = (
            ("region", not cluster.region),
            ("nodes", not self.groups_of(s)),
            ("prices", unpriced),
            ("carbon", region is None or region.carbon is None),
            ("egress", region is None or not (region.links or region.internet)),
        )
        return tuple(word for word, lacking in told if lacking)

    def rate(self, ask: Ask) -> F64:
        """(G,) US dollars per hour of one pod.

        On nodes that exist it is the pod's part of the machine's price. A node that is bought is paid whole: here its
        price, or the rates of all it has, is divided by how many such pods it holds (see `held`).
        """
        return np.where(self.bought, self.whole / np.where(self.bought, self.held(ask), 1.0), self.part(ask))

    def part(self, ask: Ask) -> F64:
        """(G,) US dollars per hour of one pod's part of a machine, in the ratio of what it asks for at default rates.

        The parts of pods that fit on a machine together are never more than its price.
        """
        parts: F64 = self._rates @ np.array([ask.cpu / 1000, ask.memory / GIB, ask.gpus])
        return parts

    def dollars(self, g: int, begin: float, end: float) -> float:
        """US dollars of a whole node that is bought, from one moment to another (seconds since the epoch)."""
        found = float(self.whole[g]) * (end - begin) / HOUR
        prices = self.changing_prices.get(g)
        today = prices.at(self._now) if prices is not None else 0.0
        return found * prices.mean(begin, end) / today if prices is not None and today > 0 and end > begin else found

    def held(self, ask: Ask) -> F64:
        """(G,) how many of a pod an empty node holds, at least 1; infinite where no node is bought for it."""
        return np.where(self.bought, np.maximum(self._copies(ask), 1.0), np.inf)

    def _copies(self, ask: Ask) -> F64:
        """(G,) how many of a pod an empty node holds."""
        shapes = self._shapes
        found = shapes[:, 3].copy()
        for column, amount in ((0, ask.cpu / 1000), (1, ask.memory / GIB), (2, float(ask.whole))):
            if amount > 0:
                # A hair more, so that 0.1 + 0.2 cores fit into 0.3.
                found = np.minimum(found, np.floor(shapes[:, column] / amount + 1e-9))
        if ask.slots:
            found = np.minimum(found, shapes[:, 2] * ask.slots)
        return found

    def watts(self, ask: Ask) -> F64:
        """(G,) watts that one pod answers for, those of the data centre included."""
        parts = self._watts @ np.array([ask.cpu / 1000, ask.memory / GIB, ask.gpus])
        found: F64 = parts * self._pue
        return found


_ASSUMED: Final = Series.constant(ASSUMED_CARBON)


def _shapes(groups: Sequence[Group]) -> F64:
    """(G, 4) cores, GiB, GPUs and pods of one node."""
    rows = [
        (
            group.sample.allocatable.get("cpu", 0) / 1000,
            group.sample.allocatable.get("memory", 0) / GIB,
            float(group.sample.devices.count),
            float(group.sample.allocatable.get("pods", 0)),
        )
        for group in groups
    ]
    return np.array(rows, dtype=np.float64).reshape(-1, 4)


def _watts(group: Group, fleet: Fleet) -> tuple[float, float, float]:
    """Watts of a core, a GiB and a GPU of a machine: the power model is linear in what is asked for."""
    machine = Shape.of(group.sample)
    one = (Shape(1000, 0), Shape(0, GIB), Shape(0, 0, 1.0, machine.gpu_model))
    cpu, memory, gpu = (
        power_of(ask, instance_type=group.instance_type, machine=machine, models=fleet.power) for ask in one
    )
    return cpu, memory, gpu
