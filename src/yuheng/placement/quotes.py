"""Quotes are made: what workloads would cost on each group of machines, and where they may not go.

Letters for sizes: T templates of a workload (pods that are alike), G groups of the fleet, R regions.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.fleet import Cluster, FleetWorkload
from yuheng.model.fleet_plan import told_instant
from yuheng.model.node import Taint
from yuheng.model.objective import Terms
from yuheng.model.pod import Pod
from yuheng.model.prices import MARKETS, Market
from yuheng.model.requirements import Requirements
from yuheng.model.series import Series
from yuheng.placement.quote import Quote, Refusals
from yuheng.placement.shifting.start import best_start
from yuheng.placement.shifting.windows import openings
from yuheng.placement.terrain import HOUR, Ask, Terrain
from yuheng.placement.timing import DEADLINE_LEVEL, JOULES_PER_KWH, Times, Timing
from yuheng.placement.transfer import Network, is_among
from yuheng.scheduling.filters import untolerated_taints

__all__ = ["HORIZON_HOURS", "Quotes"]

F64 = NDArray[np.float64]
# Services never end: a month of them is what their terms count.
HORIZON_HOURS: Final = 730.0

_spec_of = attrgetter("spec")
_encode = msgspec.msgpack.Encoder(order="sorted").encode


class _Frame(NamedTuple):
    """The parts of a `Quote` that do not depend on how much is asked for.

    Attributes:
        times: when it would run, and for what it pays.
        whole, open, fixed, refused: see `Quote`.
    """

    times: Times
    whole: F64
    open: NDArray[np.bool_]
    fixed: F64
    refused: Mapping[int, str]


# What a workload pays and draws: (T, G) US dollars per hour, (T, G) watts, and the templates.
_Drawn = tuple[F64, F64, tuple[tuple[Pod, int], ...]]
# The pods of a workload: its templates, what each asks for, and what they tolerate.
_Pods = tuple[tuple[tuple[Pod, int], ...], tuple[Ask, ...], bytes]
# What one pod pays alone, pays for its part of its node, and draws; and how many of it a bought node holds.
_Asked = tuple[F64, F64, F64, F64]


class Quotes:
    """Makes quotes, those of workloads that are alike once.

    Args:
        terrain: the groups.
        network: between regions.
        now: the plan's time, in seconds since the epoch.
        within: seconds within which everything that ends has to be finished; None for no such limit.
        horizon: hours that services are counted for.
    """

    def __init__(
        self, terrain: Terrain, network: Network, now: float, within: float | None, horizon: float = HORIZON_HOURS
    ) -> None:
        self.terrain = terrain
        self.network = network
        self.now = now
        self.within = within
        self.horizon = horizon
        self._known: dict[tuple[object, ...], Quote] = {}
        self._keys: dict[int, tuple[Requirements, bytes]] = {}
        self._timing = Timing(terrain, network, now, horizon)
        self._among: dict[str, NDArray[np.bool_]] = {}
        self._asks: dict[Ask, _Asked] = {}
        self._guarded = [(s, one) for s, one in enumerate(terrain.clusters) if one.taints or not one.ready]
        self._frames: dict[tuple[bytes, bytes, bytes], _Frame] = {}
        # What pods come to within a frame; frames are held on to, so that no other takes the identity of one.
        self._sums: dict[tuple[int, tuple[Ask, ...]], tuple[_Frame, F64, F64]] = {}
        self._told: dict[int, tuple[FleetWorkload, _Pods]] = {}

    def quote(self, workload: FleetWorkload, factors: Terms | None = None, *, by_policy: bool = False) -> Quote:
        """The quote of a workload.

        Args:
            workload: the workload.
            factors: what a dollar, a second and a gram weigh: its start is put off for them where it may be. None to
                start as early as it may.
            by_policy: whether a Karmada policy says which clusters' taints it tolerates, and what becomes of it where
                one is not ready.
        """
        needs = workload.requirements
        templates, asks, tolerated = self._pods(workload)
        shiftable = needs.latest_start > 0 and factors is not None
        key = (
            asks,
            tuple(count for _, count in templates),
            self._key(needs),
            tolerated,
            factors if shiftable else None,
            by_policy,
            id(workload) if workload.variants else 0,
        )
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._made(
                workload, templates, asks, factors if shiftable else None, by_policy=by_policy
            )
        return found if found.templates is templates else found._replace(templates=templates)

    def _pods(self, workload: FleetWorkload) -> _Pods:
        known = self._told.get(id(workload))
        if known is None:
            templates = _templates(workload.pods)
            tolerations = {id(pod.spec.tolerations): pod.spec.tolerations for pod, _ in templates}
            found = templates, tuple(Ask.of(pod) for pod, _ in templates), _encode(list(tolerations.values()))
            known = self._told[id(workload)] = (workload, found)
        return known[1]

    def _key(self, needs: Requirements) -> bytes:
        known = self._keys.get(id(needs))
        if known is None:
            known = self._keys[id(needs)] = (needs, _encode(msgspec.structs.replace(needs, policy="", objective="")))
        return known[1]

    def _made(
        self,
        workload: FleetWorkload,
        templates: tuple[tuple[Pod, int], ...],
        asks: tuple[Ask, ...],
        factors: Terms | None,
        *,
        by_policy: bool,
    ) -> Quote:
        needs = workload.requirements
        rate, part, watts, held = self._drawn(workload, templates, asks)
        if factors is None:
            tolerations = [pod.spec.tolerations for pod, _ in templates]
            key = (self._key(needs), _encode(tolerations), _encode((sorted(workload.previous), by_policy)))
            frame = self._frames.get(key)
            if frame is None:
                frame = self._frames[key] = self._framed(workload, None, None, by_policy=by_policy)
        else:
            frame = self._framed(workload, (rate, watts, templates), factors, by_policy=by_policy)
        times = frame.times
        money, grams = self._summed(frame, asks, rate, watts, shared=factors is None and not workload.variants)
        return Quote(
            templates=templates,
            rate=rate,
            part=part,
            held=held,
            whole=frame.whole,
            begin=times.begin,
            hours=times.hours,
            money=money,
            grams=grams,
            start=times.start,
            time=times.time,
            busy=times.busy,
            open=frame.open,
            fixed=frame.fixed,
            moves=times.moves,
            refused=frame.refused,
            ends=times.ends,
            limit=self._limit(needs) if times.ends else None,
        )

    def _summed(self, frame: _Frame, asks: tuple[Ask, ...], rate: F64, watts: F64, *, shared: bool) -> tuple[F64, F64]:
        """(T, G) US dollars and grams of one pod over the time it is paid for, for workloads that are alike once."""
        key = id(frame), asks
        known = self._sums.get(key) if shared else None
        if known is None:
            times = frame.times
            known = frame, rate * times.hours * times.course, watts * times.intensity
            if shared:
                self._sums[key] = known
        return known[1], known[2]

    def _drawn(self, workload: FleetWorkload, templates: tuple[tuple[Pod, int], ...], asks: tuple[Ask, ...]) -> _Asked:
        """(T, G) what `_ask` tells of each template, override policies applied."""
        terrain = self.terrain
        told = [self._ask(ask) for ask in asks]
        if len(told) == 1 and not workload.variants:
            rate, part, watts, held = (row[None, :] for row in told[0])
            return rate, part, watts, held
        rate, part, watts, held = (np.array([one[i] for one in told]).reshape(len(asks), -1) for i in range(4))
        first = {id(pod.spec): workload.pods.index(pod) for pod, _ in templates} if workload.variants else {}
        for s, cluster in enumerate(terrain.clusters) if workload.variants else ():
            pods = workload.variants.get(cluster.name, workload.pods)
            here = slice(int(terrain.first[s]), int(terrain.first[s + 1]))
            for t, (pod, _) in enumerate(templates):
                ask = Ask.of(pods[first[id(pod.spec)]])
                for row, values in zip((rate[t], part[t], watts[t], held[t]), self._ask(ask), strict=True):
                    row[here] = values[here]
        return rate, part, watts, held

    def _framed(
        self, workload: FleetWorkload, drawn: _Drawn | None, factors: Terms | None, *, by_policy: bool
    ) -> _Frame:
        """What does not depend on how much a workload asks for, unless its start is put off for it."""
        terrain, needs = self.terrain, workload.requirements
        closed = Refusals(len(terrain.groups))
        if not by_policy:
            self._refuse_guarded(closed, workload)
        self._refuse_places(closed, needs)
        times = self._timing.earliest(needs)
        closed.refuse(times.unknown, "how long it runs on its machines is not known")
        if factors is not None and drawn is not None:
            times = self._timing.begun(times, self._starts(closed, needs, drawn, times, factors))
        self._refuse_late(closed, needs, times.start + times.busy, times.longer, ends=times.ends)
        self._refuse_slow(closed, needs)
        stored = times.stored
        if stored.any():
            open_hours = np.where(closed.open, times.hours, 0.0)
            stored = stored * [float(np.max(open_hours[here], initial=0.0)) for here in terrain.in_region]
        return _Frame(
            times=times,
            whole=terrain.whole * times.hours * times.course,
            open=closed.open,
            fixed=times.data + stored,
            refused=closed.by_cluster(terrain),
        )

    def _ask(self, ask: Ask) -> _Asked:
        if ask not in self._asks:
            terrain = self.terrain
            self._asks[ask] = (terrain.rate(ask), terrain.part(ask), terrain.watts(ask), terrain.held(ask))
        return self._asks[ask]

    def _refuse_guarded(self, closed: Refusals, workload: FleetWorkload) -> None:
        """Close clusters that take nobody, or not this workload."""
        terrain = self.terrain
        for s, cluster in self._guarded:
            if not cluster.ready:
                closed.refuse(terrain.site == s, "the cluster is not ready")
            elif (taint := self._repelled(cluster, workload)) is not None:
                closed.refuse(terrain.site == s, f"the cluster has the untolerated taint {_told(taint)}")

    def _refuse_places(self, closed: Refusals, needs: Requirements) -> None:
        """Close what the workload may not use, whatever it costs."""
        terrain = self.terrain
        for patterns, why in _places(needs):
            inside = np.any([self._matching(pattern) for pattern in patterns], axis=0)
            closed.refuse(~inside[terrain.region], why)
        self._refuse_markets(closed, needs)

    def _matching(self, pattern: str) -> NDArray[np.bool_]:
        """(R,) the regions that a pattern speaks of."""
        if pattern not in self._among:
            regions = self.terrain.fleet.regions
            inside = [is_among(regions.get(key), key, (pattern,)) for key in self.terrain.regions]
            self._among[pattern] = np.array(inside, dtype=np.bool_)
        return self._among[pattern]

    def _refuse_markets(self, closed: Refusals, needs: Requirements) -> None:
        """Close machines that are bought in another way than the workload allows.

        A workload that does not say runs on every node that exists and that it tolerates; spot machines are bought for
        it only when it can be interrupted.
        """
        terrain = self.terrain
        allowed: tuple[Market, ...] = needs.markets or MARKETS
        if not needs.markets and not needs.interruptible:
            spot = (terrain.market == MARKETS.index("spot")) & ~terrain.exists
            closed.refuse(spot, "it could have spot machines only, and the workload is not interruptible")
        others = [market not in allowed for market in MARKETS]
        if any(others):
            outside = np.array(others, dtype=np.bool_)[terrain.market]
            closed.refuse(outside, f"it has no {' or '.join(allowed)} machines")

    def _repelled(self, cluster: Cluster, workload: FleetWorkload) -> Taint | None:
        """The first taint of a cluster that the workload does not tolerate."""
        if not cluster.taints or workload.previous.get(cluster.name):
            return None
        return next(iter(untolerated_taints(cluster.taints, workload.pods[0].spec.tolerations)), None)

    def _starts(self, closed: Refusals, needs: Requirements, drawn: _Drawn, times: Times, factors: Terms) -> F64:
        """(G,) when it starts, put off where that pays."""
        rate, watts, templates = drawn
        counts = np.array([count for _, count in templates], dtype=np.float64)
        dollars, power = counts @ rate, counts @ watts
        latest = max(self.now, needs.not_before if needs.not_before is not None else self.now) + needs.latest_start
        found = times.start.copy()
        for g in np.flatnonzero(closed.open).tolist():
            carbon = factors.carbon * power[g] / JOULES_PER_KWH
            cost = [(carbon, self.terrain.carbon(int(self.terrain.region[g])))]
            prices = self.terrain.prices_ahead(g)
            if prices is not None:
                cost.append((factors.cost * dollars[g] / prices.at(self.now) / HOUR, prices))
            ready, paid = float(times.ready[g]), float(times.hours[g]) * HOUR
            found[g] = self._put_off(cost, float(found[g]), ready, paid, latest, needs, factors)
        return found

    def _put_off(
        self,
        cost: list[tuple[float, Series]],
        earliest: float,
        ready: float,
        duration: float,
        latest: float,
        needs: Requirements,
        factors: Terms,
    ) -> float:
        """The best start, unless what is saved by it is worth less than the time that is lost."""
        limit = self._limit(needs)
        if limit is not None:
            latest = min(latest, limit - ready - duration)
        best = best_start(cost, duration, earliest + ready, max(latest, earliest) + ready, _moved(needs, ready))
        if best is None:
            return earliest
        now = sum(weight * series.integral(earliest + ready, earliest + ready + duration) for weight, series in cost)
        saved = now - best.value
        return best.start - ready if saved > factors.time * (best.start - ready - earliest) else earliest

    def _limit(self, needs: Requirements) -> float | None:
        """When it has to be finished, in seconds since the epoch."""
        within = self.within if needs.within is None else needs.within
        limits = [] if within is None else [self.now + within]
        if needs.deadline is not None:
            limits.append(needs.deadline)
        return min(limits, default=None)

    def _refuse_late(self, closed: Refusals, needs: Requirements, done: F64, longer: F64, *, ends: bool) -> None:
        """Close what would finish after the deadline, or could only start after the last moment it may.

        Args:
            closed: what is closed.
            needs: tell the deadline.
            done: (G,) when a mean run has finished.
            longer: (G,) how many seconds more the slow runs take for which the deadline has to hold, too.
            ends: whether it ends.
        """
        if needs.windows and not len(openings(needs.windows, self.now, self.now + 2 * 86400.0)):
            closed.refuse(closed.open.copy(), "no part of the day is one that it may start in")
        limit = self._limit(needs)
        if limit is None or not ends:
            return
        finish = done + longer
        spot = self.terrain.market == MARKETS.index("spot")
        # The safety net of every policy on the spot market: time for a start anew, and for another one.
        hasty = spot & (finish + 2 * needs.checkpoint > limit + 1e-6) & (finish <= limit + 1e-6)
        closed.refuse(hasty, "on spot machines no time is left for an interruption before its deadline")
        late = finish > limit + 1e-6
        for r in sorted(set(self.terrain.region[late & closed.open].tolist())):
            here = late & (self.terrain.region == r)
            g = min(np.flatnonzero(here & closed.open).tolist(), key=lambda g: float(finish[g]))
            when = f"{told_instant(float(finish[g]))} at the earliest, after its deadline {told_instant(limit)}"
            many = f"{100 * DEADLINE_LEVEL:g} of 100 runs would be done by" if longer[g] > 0 else "it would finish at"
            closed.refuse(here, f"{many} {when}")

    def _refuse_slow(self, closed: Refusals, needs: Requirements) -> None:
        """Close regions from which requests cannot be answered in time."""
        slo = needs.latency
        if slo is None:
            return
        terrain = self.terrain
        run = [needs.time_on(*machine) for machine in terrain.machines]
        work = np.array([0.0 if item is None else item.quantile(slo.quantile) for item in run])
        work = work[terrain.machine] / terrain.speed
        for r, key in enumerate(terrain.regions):
            trip = 2 * max(
                (self.network.latency(self.network.key_of(user, key), key) or 0.0 for user in slo.users), default=0.0
            )
            slow = (terrain.region == r) & (work + trip > slo.seconds + 1e-12)
            if (slow & closed.open).any():
                found = float((work + trip)[slow & closed.open].min())
                closed.refuse(
                    slow,
                    f"{slo.quantile:.4g} of its requests take up to {found:.3g} s there, more than {slo.seconds:.3g} s",
                )


def _templates(pods: tuple[Pod, ...]) -> tuple[tuple[Pod, int], ...]:
    """The pods that are alike: one of each, and how many there are, in order of appearance."""
    counts = Counter(map(id, map(_spec_of, pods)))
    if len(counts) == 1:
        return ((pods[0], len(pods)),)
    first: dict[int, Pod] = {}
    for pod in pods:
        first.setdefault(id(pod.spec), pod)
    return tuple((first[key], count) for key, count in counts.items())


def _places(needs: Requirements) -> list[tuple[tuple[str, ...], str]]:
    """The regions it is limited to, and the words for it; each of them has to agree."""
    found = [(needs.regions, f"its region is none of {', '.join(needs.regions)}")] if needs.regions else []
    confined = [use for use in (*needs.reads, *needs.writes) if use.may_live_in]
    return found + [
        (use.may_live_in, f"the data {use.name} may be in {', '.join(use.may_live_in)} only") for use in confined
    ]


def _moved(needs: Requirements, by: float) -> tuple[tuple[int, int], ...]:
    """The windows of its start as windows of the work that begins so much later (whole minutes)."""
    minutes = math.ceil(by / 60)
    return tuple(((opens + minutes) % 1440, (closes + minutes) % 1440) for opens, closes in needs.windows)


def _told(taint: Taint) -> str:
    return f"{taint.key}={taint.value}:{taint.effect}" if taint.value else f"{taint.key}:{taint.effect}"
