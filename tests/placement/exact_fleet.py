"""The best plan there is for a small fleet: prices in plain Python, places by an exact integer program.

Nothing of the planner is used: neither its prices nor its room. Every pod is put on a node of its own choice, so that
what does not fit together on a node is not counted as fitting.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Collection, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

from yuheng.model.fleet import Cluster, Fleet, FleetWorkload, Region
from yuheng.model.fleet_plan import FleetPlan
from yuheng.model.labels import INSTANCE_TYPE
from yuheng.model.node import Node
from yuheng.model.objective import Terms, parse_objective
from yuheng.model.pod import Pod

GIB = 2**30
HOUR = 3600.0
HORIZON = 730.0
ASSUMED_CARBON = 480.0
# Watts of a core, a decimal gigabyte, and a V100 when idle and in full use.
CORE, MEMORY, V100 = (0.74, 3.5), 0.392, (35.0, 306.0)


class Machine(NamedTuple):
    """A node that exists, or could."""

    cluster: Cluster
    node: Node
    pool: str
    market: str
    delay: float
    price: float | None


class Offer(NamedTuple):
    """One pod of a workload on a machine: dollars in all, grams, and seconds until it is done.

    A machine that is bought is paid whole, by whoever is on it from ``begin`` to ``end``: ``price`` is dollars an hour,
    0 for others, and ``held`` how many pods like this one it holds.
    """

    money: float
    grams: float
    time: float
    price: float = 0.0
    held: int = 0
    begin: float = 0.0
    end: float = 0.0

    def bill(self, pods: int) -> float:
        """Dollars for so many pods on machines like this one, and nobody else there."""
        hours = (self.end - self.begin) / HOUR
        return -(-pods // self.held) * self.price * hours if self.held else pods * self.money


class Optimum(NamedTuple):
    """The best value, and what no plan can be better than: nearly the same unless the solver ran out of time."""

    value: float
    bound: float


def machines(fleet: Fleet) -> list[Machine]:
    """All nodes, those of pools as often as there can be."""
    found: list[Machine] = []
    for cluster in fleet.clusters:
        found += [
            Machine(cluster, node, "", "on-demand", 0.0, _price(fleet, cluster, node, "on-demand"))
            for node in cluster.snapshot.nodes
        ]
        for pool in cluster.pools:
            price = _price(fleet, cluster, pool.node, pool.market)
            found += [Machine(cluster, pool.node, pool.name, pool.market, pool.delay, price)] * pool.maximum
    return found


def _price(fleet: Fleet, cluster: Cluster, node: Node, market: str) -> float | None:
    """The row of the book for the cluster's region, times the cluster's factor."""
    if cluster.rates is not None:
        return None
    for row in fleet.prices:
        place = (row.provider, row.region, row.instance_type, row.market)
        if place == (cluster.provider, cluster.region, node.labels.get(INSTANCE_TYPE), market):
            return row.per_hour * cluster.price_factor
    return None


def _asked(pod: Pod) -> tuple[float, float, float]:
    """Cores, GiB and GPUs."""
    requests = pod.spec.requests
    return requests.get("cpu", 0) / 1000, requests.get("memory", 0) / GIB, float(pod.spec.devices.count)


def _offered(node: Node) -> tuple[float, float, float]:
    return node.allocatable["cpu"] / 1000, node.allocatable["memory"] / GIB, float(node.devices.count)


def _rate(fleet: Fleet, machine: Machine, pod: Pod) -> tuple[float, float]:
    """US dollars per hour of one pod's part of the machine, and of the machine if it is bought, else 0.

    Where the cluster has rates of its own, what is used is what is paid.
    """
    asked, offered = _asked(pod), _offered(machine.node)
    default = (fleet.rates.cpu, fleet.rates.memory, fleet.rates.gpu)
    rates, price = default, machine.price
    if price is None:
        own = machine.cluster.rates
        factor = 1.0 if own else machine.cluster.price_factor
        rates = (own.cpu, own.memory, own.gpu) if own else default
        price = factor * _sum(offered, rates)
    if _held(machine, pod):
        return 0.0, price
    return price * _sum(asked, rates) / _sum(offered, rates), 0.0


def _held(machine: Machine, pod: Pod) -> int:
    """How many pods a machine holds that is bought for them; 0 for one that is not."""
    if not machine.pool or machine.cluster.rates is not None:
        return 0
    asked, offered = _asked(pod), _offered(machine.node)
    copies = min(int(o / a + 1e-9) for a, o in zip(asked, offered, strict=True) if a)
    return max(min(copies, machine.node.allocatable["pods"]), 1)


def _sum(amounts: tuple[float, float, float], rates: tuple[float, float, float]) -> float:
    return sum(amount * rate for amount, rate in zip(amounts, rates, strict=True))


def _watts(fleet: Fleet, machine: Machine, pod: Pod) -> float:
    """Watts of one pod, its share of the idle machine included."""

    def parts(amounts: tuple[float, float, float], level: int) -> float:
        cores, gib, gpus = amounts
        return cores * CORE[level] + gib * GIB / 1e9 * MEMORY + gpus * V100[level]

    asked = _asked(pod)
    kind = machine.node.labels.get(INSTANCE_TYPE, "")
    for model in fleet.power:
        if kind.startswith(model.instance_type.rstrip("*")):
            share = parts(asked, 1) / parts(_offered(machine.node), 1)
            return share * (model.idle + model.utilisation * (model.full - model.idle))
    return (parts(asked, 0) + parts(asked, 1)) / 2


def _grams(region: Region, watts: float, start: float, seconds: float) -> float:
    """Grams, hour by hour of the series, which repeats itself day by day."""
    series = region.carbon
    total, moment, end = 0.0, start, start + seconds
    if series is None:
        return watts * region.pue * seconds / 3.6e6 * ASSUMED_CARBON
    first = float(series.times[0])
    while moment < end - 1e-6:
        within = (moment - first) % (24 * HOUR)
        i = max(bisect_right(series.times.tolist(), first + within) - 1, 0)
        step = min(end, moment + HOUR * (i + 1) - within) - moment
        total += step * float(series.values[i])
        moment += max(step, 1e-6)
    return watts * region.pue / 3.6e6 * total


class Data(NamedTuple):
    """What the data of a workload means in a region: dollars at once, seconds before and after, GB that are stored."""

    cost: float
    ahead: float
    behind: float
    stored: float


def _moved(fleet: Fleet, workload: FleetWorkload, here: str) -> Data:
    cost = ahead = behind = stored = 0.0
    for use in workload.requirements.reads:
        ways = [(*_link(fleet, _key(fleet, name, here), here, use.gigabytes), name) for name in use.regions]
        dollars, seconds, _ = min(ways)
        cost, ahead = cost + dollars, max(ahead, seconds)
        if use.copies and all(_key(fleet, name, here) != here for name in use.regions):
            stored += use.gigabytes
    for use in workload.requirements.writes:
        for name in use.regions:
            dollars, seconds = _link(fleet, here, _key(fleet, name, here), use.gigabytes)
            cost, behind = cost + dollars, max(behind, seconds)
    return Data(cost, ahead, behind, stored)


def _key(fleet: Fleet, name: str, near: str) -> str:
    """The region of a name: in the same cloud where there is one, else the first there is."""
    keys = [key for key in fleet.regions if key.partition("/")[2] == name]
    same = [key for key in keys if key.partition("/")[0] == near.partition("/")[0]]
    return (same or keys)[0]


def _guessed(fleet: Fleet, source: str, target: str) -> float:
    """The dearest dollars per gigabyte out of the source's cloud: into the same cloud, or else to anywhere."""
    cloud = source.partition("/")[0]
    own, all_ = [0.0], [0.0]
    for key, region in fleet.regions.items():
        if key.partition("/")[0] == cloud:
            all_ += [tier.per_gb for tier in region.internet]
            for to, link in region.links.items():
                all_ += [tier.per_gb for tier in link.egress]
                own += [tier.per_gb for tier in link.egress if to.partition("/")[0] == cloud]
    inside = target.partition("/")[0] == cloud and max(own) > 0
    return max(own if inside else all_)


def _link(fleet: Fleet, source: str, target: str, gigabytes: float) -> tuple[float, float]:
    """US dollars and seconds for moving so much."""
    if source == target:
        return 0.0, 0.0
    link = fleet.regions[source].links.get(target)
    tiers = (link.egress if link else ()) or fleet.regions[source].internet
    dollars = 0.0 if tiers else gigabytes * _guessed(fleet, source, target)
    for i, tier in enumerate(tiers):
        until = tiers[i + 1].above if i + 1 < len(tiers) else float("inf")
        dollars += max(min(gigabytes, until) - tier.above, 0.0) * tier.per_gb
    seconds = (link.latency or 0.0) if link else 0.0
    if link and link.bandwidth:
        seconds += gigabytes * 1e9 / link.bandwidth
    return dollars, seconds


def _offer(fleet: Fleet, workload: FleetWorkload, machine: Machine) -> Offer | None:
    """What a workload's pods cost on a machine; None where it may not go."""
    needs, cluster = workload.requirements, machine.cluster
    now = fleet.time or 0.0
    region = fleet.regions[cluster.region_key]
    if needs.regions and region.name not in needs.regions and region.key not in needs.regions:
        return None
    if needs.markets and machine.market not in needs.markets:
        return None
    if not needs.markets and not needs.interruptible and machine.pool and machine.market == "spot":
        return None
    pod = workload.pods[0]
    data = _moved(fleet, workload, region.key)
    ready = data.ahead + machine.delay + cluster.startup
    start = max(now, needs.not_before or now)
    (rate, price), watts, held = _rate(fleet, machine, pod), _watts(fleet, machine, pod), _held(machine, pod)
    there = start + ready - cluster.startup
    if not needs.run_time:
        grams = _grams(region, watts, there, HORIZON * HOUR)
        return Offer(rate * HORIZON, grams, start - now + ready, price, held, now, now + HORIZON * HOUR)
    kind = machine.node.labels.get(INSTANCE_TYPE, "")
    run = (needs.run_time.get(kind) or needs.run_time["*"]).mean / region.speed
    finish = start - now + ready + run + data.behind
    if needs.within is not None and finish > needs.within + 1e-6:
        return None
    if needs.within is not None and machine.market == "spot" and finish + 2 * needs.checkpoint > needs.within + 1e-6:
        return None
    paid = run + cluster.startup
    grams = _grams(region, watts, there, paid)
    return Offer(rate * paid / HOUR, grams, finish, price, held, there, there + paid)


class Choice(NamedTuple):
    """A workload's offers, by machine, and US dollars for its data by region."""

    offers: dict[int, Offer]
    fixed: dict[str, float]


def _choice(fleet: Fleet, workload: FleetWorkload, nodes: list[Machine]) -> Choice:
    found = {n: _offer(fleet, workload, machine) for n, machine in enumerate(nodes)}
    offers = {n: offer for n, offer in found.items() if offer is not None}
    fixed = {}
    for key in {nodes[n].cluster.region_key for n in offers}:
        hours = _longest(fleet, workload, nodes, [n for n in offers if nodes[n].cluster.region_key == key])
        data = _moved(fleet, workload, key)
        fixed[key] = data.cost + data.stored * (fleet.regions[key].storage or 0.0) / HORIZON * hours
    return Choice(offers, fixed)


def _longest(fleet: Fleet, workload: FleetWorkload, nodes: list[Machine], offers: Collection[int]) -> float:
    """The hours that copies are stored in a region: those of the slowest machine it may go to there."""
    needs = workload.requirements
    if not needs.run_time:
        return HORIZON
    hours = 0.0
    for n in offers:
        cluster = nodes[n].cluster
        run = needs.run_time.get(nodes[n].node.labels.get(INSTANCE_TYPE, "")) or needs.run_time["*"]
        hours = max(hours, (run.mean / fleet.regions[cluster.region_key].speed + cluster.startup) / HOUR)
    return hours


class Exact:
    """A fleet as an integer program.

    Attributes:
        factors: what a dollar, a second and a gram weigh.
    """

    def __init__(self, fleet: Fleet, objective: str) -> None:
        self.fleet = fleet
        self.nodes = machines(fleet)
        self.choices = {one.key: _choice(fleet, one, self.nodes) for one in fleet.workloads}
        self.factors = parse_objective(objective).factors(self._reference())

    def _reference(self) -> Terms:
        total = Terms()
        for one in self.fleet.workloads:
            choice, pods = self.choices[one.key], len(one.pods)
            if choice.offers:
                fixed = [choice.fixed[self.nodes[n].cluster.region_key] for n in choice.offers]
                offers = list(choice.offers.values())
                total = total.plus(
                    Terms(
                        min(offer.bill(pods) + more for offer, more in zip(offers, fixed, strict=True)),
                        min(offer.time for offer in offers),
                        min(pods * offer.grams for offer in offers),
                    )
                )
        return total

    def most(self, seconds: float = 20.0) -> int:
        """How many workloads can be placed at the most."""
        return -round(self._solved(None, seconds).value)

    def best(self, placed: Collection[str], seconds: float = 20.0) -> Optimum:
        """The least value of a plan that places these workloads, each as a whole."""
        return self._solved(frozenset(placed), seconds)

    def bill(self, found: FleetPlan) -> float:
        """Dollars of a plan: what its pods cost on nodes that exist, their data, and each opened node once."""
        dollars: list[float] = []
        for key, mine in self._where(found).items():
            choice = self.choices[key]
            dollars += [choice.offers[n].money for n, _ in mine]
            dollars += [choice.fixed[region] for region in {self.nodes[n].cluster.region_key for n, _ in mine}]
        return math.fsum(dollars) + math.fsum(price * _hours(there) for price, there in self._opened(found))

    def per_hour(self, found: FleetPlan) -> float:
        """The same per hour of nodes, while everybody is there."""
        dollars = [price for price, _ in self._opened(found)]
        for key, mine in self._where(found).items():
            offers = [self.choices[key].offers[n] for n, _ in mine]
            dollars += [offer.money / (offer.end - offer.begin) * HOUR for offer in offers]
        return math.fsum(dollars)

    def _where(self, found: FleetPlan) -> dict[str, list[tuple[int, str]]]:
        """By workload, the machine of each pod and the name of its node."""
        key_of = {pod.key: one.key for one in self.fleet.workloads for pod in one.pods}
        where: dict[str, list[tuple[int, str]]] = {}
        for name, item in found.placements:
            kinds = (n for n, machine in enumerate(self.nodes) if machine.cluster.name == name)
            stem = item.node.rpartition("-")[0]
            n = next(n for n in kinds if (self.nodes[n].pool or self.nodes[n].node.name) in (item.node, stem))
            where.setdefault(key_of[item.pod], []).append((n, item.node))
        return where

    def _opened(self, found: FleetPlan) -> list[tuple[float, list[tuple[float, float]]]]:
        """The price of each node that is opened, and when somebody is on it."""
        there: dict[tuple[float, str, str], list[tuple[float, float]]] = {}
        for key, mine in self._where(found).items():
            for n, node in mine:
                offer = self.choices[key].offers[n]
                if offer.held:
                    place = (offer.price, self.nodes[n].cluster.name, node)
                    there.setdefault(place, []).append((offer.begin, offer.end))
        return [(price, spans) for (price, _, _), spans in sorted(there.items())]

    def _solved(self, placed: frozenset[str] | None, seconds: float) -> Optimum:
        program = Program()
        some = [one for one in self.fleet.workloads if placed is None or one.key in placed]
        copies = {one.key: self._add(program, one, whole=placed is not None) for one in some}
        self._limit(program, some, copies)
        if placed is not None:
            for n in range(len(self.nodes)):
                self._buy(program, n, {one.key: copies[one.key][n] for one in some if n in copies[one.key]})
        return program.solved(seconds)

    def _add(self, program: Program, one: FleetWorkload, *, whole: bool) -> dict[int, int]:
        """The variables of one workload: its pods on each machine."""
        choice, pods = self.choices[one.key], len(one.pods)
        cost, time, carbon = self.factors if whole else Terms()
        copies = {
            n: program.variable(cost * offer.money + carbon * offer.grams, pods)
            for n, offer in choice.offers.items()
            if self._free(n, one.pods[0]) > 0
        }
        placed = program.variable(0.0 if whole else -1.0, 1)
        program.row([*((v, 1.0) for v in copies.values()), (placed, -float(pods))], 0.0, 0.0)
        if whole:
            program.row([(placed, 1.0)], 1.0, 1.0)
        for key, fixed in choice.fixed.items():
            if cost * fixed > 0:
                here = [v for n, v in copies.items() if self.nodes[n].cluster.region_key == key]
                _used(program, here, cost * fixed, pods)
        if time > 0:
            self._late(program, one, copies, time)
        if not one.divisible:
            homes = [
                _used(program, [v for n, v in copies.items() if self.nodes[n].cluster is cluster], 0.0, pods)
                for cluster in self.fleet.clusters
            ]
            program.row([(home, 1.0) for home in homes], 0.0, 1.0)
        return copies

    def _buy(self, program: Program, n: int, pods: dict[str, int]) -> None:
        """A machine of a pool is paid for every hour in which anybody is on it: hour by hour it is open or not."""
        offers = {key: self.choices[key].offers[n] for key in pods}
        kinds = {one.key: one.pods for one in self.fleet.workloads}
        price = self.factors.cost * max((offer.price for offer in offers.values()), default=0.0)
        if price <= 0:
            return
        most = {key: min(len(kinds[key]), self._free(n, kinds[key][0])) for key in pods}
        here = {key: _used(program, [v], 0.0, most[key]) for key, v in pods.items()}
        moments = sorted({moment for offer in offers.values() for moment in (offer.begin, offer.end)})
        for begin, end in pairwise(moments):
            there = [key for key, offer in offers.items() if offer.begin <= begin and end <= offer.end]
            if not there:
                continue
            is_open = program.variable(price * (end - begin) / HOUR, 1)
            for key in there:
                program.row([(here[key], 1.0), (is_open, -1.0)], -np.inf, 0.0)
            for name in ("cpu", "memory"):
                amount = float(self.nodes[n].node.allocatable[name])
                used = [(pods[key], kinds[key][0].spec.requests.get(name, 0) / amount) for key in there]
                program.row([*used, (is_open, -1.0)], -np.inf, 0.0)

    def _late(self, program: Program, one: FleetWorkload, copies: dict[int, int], weight: float) -> None:
        """The time of a workload is that of its last replica: a ladder of the times there are."""
        offers = self.choices[one.key].offers
        times = sorted({offers[n].time for n in copies})
        program.offset += weight * times[0] if times else 0.0
        for before, moment in pairwise(times):
            late = [v for n, v in copies.items() if offers[n].time >= moment]
            _used(program, late, weight * (moment - before), len(one.pods))

    def _free(self, n: int, pod: Pod) -> int:
        """How many of a pod fit on a machine as it is."""
        free = self._room(n)
        asked = {**pod.spec.requests, "pods": 1}
        return min(free.get(name, 0) // amount for name, amount in asked.items() if amount)

    def _room(self, n: int) -> dict[str, int]:
        machine = self.nodes[n]
        free = dict(machine.node.allocatable)
        for pod in machine.cluster.snapshot.pods:
            if not machine.pool and pod.node == machine.node.name:
                for name, amount in {**pod.spec.requests, "pods": 1}.items():
                    free[name] = free.get(name, 0) - amount
        return free

    def _limit(self, program: Program, some: list[FleetWorkload], copies: dict[str, dict[int, int]]) -> None:
        """What is on a machine fits it; of pool nodes that are alike the fuller ones come first."""
        for n, machine in enumerate(self.nodes):
            for name, amount in self._room(n).items():
                asked = [
                    (copies[one.key][n], float({**one.pods[0].spec.requests, "pods": 1}.get(name, 0)))
                    for one in some
                    if n in copies[one.key]
                ]
                scale = 2.0**-24 if name == "memory" else 1.0
                program.row([(v, scale * a) for v, a in asked if a], -np.inf, scale * amount)
            if machine.pool and n and self.nodes[n - 1] is machine:
                pairs = [(copies[one.key][n - 1], copies[one.key][n]) for one in some if n in copies[one.key]]
                program.row([*((a, 1.0) for a, _ in pairs), *((b, -1.0) for _, b in pairs)], 0.0, np.inf)


def _used(program: Program, copies: list[int], cost: float, pods: int) -> int:
    """A variable that is 1 when any of these pods is there."""
    used = program.variable(cost, 1)
    program.row([*((v, 1.0) for v in copies), (used, -float(pods))], -np.inf, 0.0)
    for v in copies:
        program.row([(v, 1.0), (used, -float(pods))], -np.inf, 0.0)
    return used


def _hours(spans: list[tuple[float, float]]) -> float:
    """For how long at least one of them lasts."""
    moments = sorted({moment for span in spans for moment in span})
    return sum(
        (end - begin) / HOUR
        for begin, end in pairwise(moments)
        if any(first <= begin and end <= last for first, last in spans)
    )


class Program:
    """A linear program over integers, row by row.

    Attributes:
        offset: what is added to its value.
    """

    def __init__(self) -> None:
        self.offset = 0.0
        self._costs: list[float] = []
        self._upper: list[float] = []
        self._rows: list[tuple[list[tuple[int, float]], float, float]] = []

    def variable(self, cost: float, upper: float) -> int:
        """A whole number between 0 and a limit."""
        self._costs.append(cost)
        self._upper.append(upper)
        return len(self._costs) - 1

    def row(self, terms: list[tuple[int, float]], low: float, high: float) -> None:
        """A sum that has to lie between two amounts."""
        if terms:
            self._rows.append((terms, low, high))

    def _entries(self) -> Iterator[tuple[int, int, float]]:
        for i, (terms, _, _) in enumerate(self._rows):
            for variable, amount in terms:
                yield i, variable, amount

    def solved(self, seconds: float) -> Optimum:
        """The least value; infinite when there is none."""
        if not self._costs:
            return Optimum(self.offset, self.offset)
        rows, columns, amounts = zip(*self._entries(), strict=True)
        matrix = coo_array((amounts, (rows, columns)), shape=(len(self._rows), len(self._costs))).tocsr()
        # The solver stops at a millionth of whatever unit: the dearest variable is ten thousand of them.
        costs = np.array(self._costs)
        scale = float(np.abs(costs).max()) / 1e4 or 1.0
        found = milp(
            costs / scale,
            integrality=np.ones(len(self._costs)),
            bounds=Bounds(0, np.array(self._upper)),
            constraints=LinearConstraint(
                matrix, [low for _, low, _ in self._rows], [high for _, _, high in self._rows]
            ),
            options={"time_limit": seconds, "mip_rel_gap": 1e-9},
        )
        if found.x is None:
            return Optimum(np.inf, np.inf if found.status == 2 else -np.inf)
        value = self.offset + float(costs @ np.round(found.x))
        return Optimum(value, min(self.offset + scale * float(found.mip_dual_bound), value))
