"""When workloads would run on each group of machines, and for how long they would pay, wherever they may go.

Letters for sizes: G groups of the fleet, R regions.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.requirements import Requirements
from yuheng.model.series import Series, SeriesTable
from yuheng.placement.shifting.windows import openings
from yuheng.placement.terrain import HOUR, Terrain
from yuheng.placement.transfer import Moves, Network, moved

__all__ = ["DEADLINE_LEVEL", "JOULES_PER_KWH", "Times", "Timing"]

F64 = NDArray[np.float64]
# With a distribution of run times, a deadline has to be met by so many of the runs.
DEADLINE_LEVEL: Final = 0.95
JOULES_PER_KWH: Final = 3.6e6

_encode = msgspec.msgpack.Encoder(order="sorted").encode


class Times(NamedTuple):
    """When a workload would run on each group, and for what it pays, wherever it may go.

    Attributes:
        unknown: (G,) whether it is not known how long it runs there.
        longer: (G,) seconds that the slow runs take beyond the mean, nineteen of twenty taking no more.
        ready: (G,) seconds from its start until it works.
        data: (R,) US dollars for moving its data to each region; ``stored`` per hour for keeping it there.
        begin: (G,) when it begins to pay, in seconds since the epoch.
        hours: (G,) that are paid for.
        course: (G,) mean price over them, relative to that of the plan's time.
        intensity: (G,) grams of CO2 equivalent per watt over them.
        start, time, busy, moves, ends: see `Quote`.
    """

    unknown: NDArray[np.bool_]
    longer: F64
    ready: F64
    data: F64
    stored: F64
    begin: F64
    hours: F64
    course: F64
    intensity: F64
    start: F64
    time: F64
    busy: F64
    moves: tuple[Moves, ...]
    ends: bool


class Timing:
    """Tells when workloads would run, those that are alike once.

    Args:
        terrain: the groups.
        network: between regions.
        now: the plan's time, in seconds since the epoch.
        horizon: hours that services are counted for.
    """

    def __init__(self, terrain: Terrain, network: Network, now: float, horizon: float) -> None:
        self.terrain = terrain
        self.network = network
        self.now = now
        self.horizon = horizon
        self._carbon = SeriesTable([terrain.carbon(r) for r in range(len(terrain.regions))] or [Series.constant(0.0)])
        # Groups of one machine in one region, which mostly begin and end together.
        self._side_by_side = np.lexsort((terrain.startup, terrain.delay, terrain.machine, terrain.region))
        self._known: dict[tuple[bytes, float], Times] = {}
        self._stores: dict[bytes, tuple[F64, tuple[Moves, ...]]] = {}

    def earliest(self, needs: Requirements) -> Times:
        """When a workload would run if it started as early as it may; where it may go does not matter."""
        key = _encode((needs.run_time, needs.latency, needs.reads, needs.writes, needs.not_before, needs.windows))
        known = self._known.get((key, needs.latest_start))
        if known is None:
            known = self._known[key, needs.latest_start] = self.begun(*self._unbegun(needs))
        return known

    def _unbegun(self, needs: Requirements) -> tuple[Times, F64]:
        """What does not depend on when a workload starts; and when it could at the earliest."""
        terrain = self.terrain
        ends = bool(needs.run_time) and needs.latency is None
        unknown, run, slow = self._run_times(needs)
        data, moves = self._data(needs)
        ahead = np.array([item.ahead for item in moves])[terrain.region]
        behind = np.array([item.behind for item in moves])[terrain.region]
        ready = ahead + terrain.delay
        start = np.full(len(ready), self._first_start(needs))
        found = Times(
            unknown=unknown,
            longer=slow - run,
            ready=ready,
            data=data,
            stored=np.array([item.stored for item in moves]),
            begin=start,
            hours=(run + terrain.startup) / HOUR if ends else np.full(len(run), self.horizon),
            course=start,
            intensity=start,
            start=start,
            time=start,
            busy=ready + run + behind if ends else np.full(len(ready), np.inf),
            moves=moves,
            ends=ends,
        )
        return found, start

    def begun(self, times: Times, start: F64) -> Times:
        """The same for a start on each group."""
        # What is paid for begins when the pod has its node, which is before it works.
        paid = start + times.ready - self.terrain.startup
        # Services are all counted for the same month: those that share a node pay for one.
        begin = paid if times.ends else np.full(len(paid), self.now)
        return times._replace(
            begin=begin,
            course=self._course(begin, times.hours),
            intensity=self._intensity(paid, times.hours),
            start=start,
            time=start - self.now + (times.busy if times.ends else times.ready),
        )

    def _data(self, needs: Requirements) -> tuple[F64, tuple[Moves, ...]]:
        """(R,) what its data costs in each region, and what is moved."""
        key = _encode((needs.reads, needs.writes))
        if key not in self._stores:
            terrain = self.terrain
            regions = [terrain.region_of(r) for r in range(len(terrain.regions))]
            moves = tuple(
                moved(self.network, needs.reads, needs.writes, terrain.regions[r], region.storage or 0.0)
                for r, region in enumerate(regions)
            )
            self._stores[key] = (np.array([item.cost for item in moves]), moves)
        return self._stores[key]

    def _run_times(self, needs: Requirements) -> tuple[NDArray[np.bool_], F64, F64]:
        """(G,) where it is not known; mean seconds of running; and those that nineteen of twenty runs do not exceed."""
        terrain, size = self.terrain, len(self.terrain.groups)
        if not needs.run_time:
            return np.zeros(size, dtype=np.bool_), np.zeros(size), np.zeros(size)
        found = [needs.time_on(*machine) for machine in terrain.machines]
        unknown = np.array([item is None for item in found], dtype=np.bool_)
        mean = np.array([0.0 if item is None else item.mean for item in found], dtype=np.float64)
        slow = np.array([0.0 if item is None else max(item.quantile(DEADLINE_LEVEL), item.mean) for item in found])
        machine, speed = terrain.machine, terrain.speed
        return unknown[machine], mean[machine] / speed, slow[machine] / speed

    def _first_start(self, needs: Requirements) -> float:
        """When it could start if it were put off for nothing, in seconds since the epoch."""
        earliest = max(self.now, needs.not_before if needs.not_before is not None else self.now)
        stretches = openings(needs.windows, earliest, earliest + max(needs.latest_start, 2 * 86400.0))
        return float(stretches[0, 0]) if len(stretches) else earliest

    def _course(self, begin: F64, hours: F64) -> F64:
        """(G,) the mean price from a moment on, for so many hours, relative to today's."""
        found = np.ones(len(begin))
        for g, prices in self.terrain.changing_prices.items():
            start, today = float(begin[g]), prices.at(self.now)
            if today > 0:
                found[g] = prices.mean(start, start + HOUR * float(hours[g])) / today
        return found

    def _intensity(self, begin: F64, hours: F64) -> F64:
        """(G,) grams per watt over so many hours from a moment on."""
        stretches = np.stack([self.terrain.region, begin, hours])[:, self._side_by_side]
        changes = np.append(True, (stretches[:, 1:] != stretches[:, :-1]).any(axis=0))[: stretches.shape[1]]
        region, begin, hours = stretches[:, changes]
        integrals = self._carbon.integrals(region.astype(np.int64), begin, begin + HOUR * hours)
        found = np.empty(len(changes))
        found[self._side_by_side] = integrals[np.cumsum(changes) - 1] / JOULES_PER_KWH
        return found
