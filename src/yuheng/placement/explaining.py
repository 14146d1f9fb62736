"""Why a workload cannot go where it does not go, and what else it could have been."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np

from yuheng.model.fleet import FleetWorkload
from yuheng.model.fleet_plan import ForegoneChoice, RefusedCluster
from yuheng.model.objective import Terms
from yuheng.model.prices import MARKETS
from yuheng.placement.cases import Case, Tenure
from yuheng.placement.decided import Told
from yuheng.placement.propagation import Propagation

__all__ = ["Explaining"]

# Refusals are told of so many clusters at the most, workload by workload.
MOST_REFUSED: Final = 200
# Looks at a cluster to tell how much room it has left, over all workloads.
MOST_LOOKS: Final = 20_000


class Explaining:
    """Explains one decision."""

    def __init__(self, decision: Told) -> None:
        self.decision = decision
        self.assignment = decision.assignment
        self.terrain = decision.assignment.terrain
        self.homes = decision.homes

    def reason(self, workload: FleetWorkload, case: Case, found: Propagation | None, need: int) -> str:
        """Why a workload, or so many replicas of it, are unschedulable."""
        if found is not None:
            return found.reason or "its policy gives it no replicas"
        usable = case.usable(self.terrain)
        if not usable.any():
            reasons = Counter(case.quote.refused.values())
            told_reasons = "; ".join(f"{count} because {why}" for why, count in reasons.most_common(3))
            total = len(self.terrain.clusters)
            return f"0/{total} clusters will do: {told_reasons}" if total else "there are no clusters"
        room = {
            s: sum(
                self.assignment.room(case.pod(0, self.terrain.clusters[s].name), g, need) for g in self._usable(case, s)
            )
            for s in sorted(set(self.terrain.site[usable].tolist()))
        }
        waits = {s: why for s in room if room[s] >= need and (why := self.assignment.why_no_slot(case, s))}
        if waits:
            s, why = next(iter(waits.items()))
            return f"{self.terrain.clusters[s].name}: {why}"
        best = max(room, key=lambda s: (room[s], self.terrain.clusters[s].name))
        what = "1 replica finds" if need == 1 else f"{need} replicas{'' if workload.divisible else ' together'} find"
        told_best = f"{what} no room: {self.terrain.clusters[best].name} has room for {min(room[best], need)}"
        return (
            f"{told_best}, all {len(room)} clusters that will do for {sum(room.values())}"
            if len(room) > 1
            else told_best
        )

    def shortfall(self, workload: FleetWorkload, short: Mapping[int, int]) -> str:
        """Why pods find no node in clusters that a policy chose without looking at room; empty where all did."""
        told = []
        for s, count in sorted(short.items()):
            site = self.assignment.sites[s]
            pods = workload.variants.get(site.cluster.name, workload.pods)
            what = "1 replica finds" if count == 1 else f"{count} replicas find"
            told.append(f"{what} no node in {site.cluster.name}: {site.refusal(pods[0]).message}")
        return "; ".join(told)

    def _usable(self, case: Case, s: int) -> list[int]:
        usable = case.usable(self.terrain)
        return [g for g in self.terrain.groups_of(s) if usable[g]]

    def refused(self, case: Case, found: Propagation | None, replicas: Mapping[str, int]) -> tuple[RefusedCluster, ...]:
        """The clusters it cannot go to, by name."""
        reasons = dict.fromkeys(self.decision.lost, "it is lost")
        if found is not None:
            reasons |= dict(found.refused)
        else:
            reasons |= {self.terrain.clusters[s].name: why for s, why in case.quote.refused.items()}
            if case.sites is not None:
                home = ", ".join(self.terrain.clusters[s].name for s in sorted(case.sites))
                others = (name for name, s in self.homes.items() if s not in case.sites)
                reasons |= dict.fromkeys(others, f"its pods run together, and some run in {home}")
            reasons |= self._cramped(case, {*reasons, *replicas})
        told_of = sorted((name, why) for name, why in reasons.items() if name not in replicas)
        return tuple(RefusedCluster(name, why) for name, why in told_of[:MOST_REFUSED])

    def _cramped(self, case: Case, known: set[str]) -> dict[str, str]:
        """The clusters that have too little room left, in their scheduler's words."""
        need = sum(case.counts)
        found = {}
        if (
            need == 0
            or len(self.terrain.clusters) - len(known) > MOST_REFUSED
            or len(self.decision.cases) * len(self.homes) > MOST_LOOKS
        ):
            return {}
        for name, s in self.homes.items():
            if name in known:
                continue
            pod = case.pod(0, name)
            room = sum(self.assignment.room(pod, g, need) for g in self._usable(case, s))
            if (why := self.assignment.why_no_slot(case, s)) and room >= need:
                found[name] = why
            elif room < need:
                message = self.assignment.sites[s].refusal(pod).message if room == 0 else ""
                found[name] = f"room for {room} of {need}" + (f": {message}" if message else "")
        return found

    def runner_up(self, workload: FleetWorkload, case: Case, tenure: Tenure | None) -> ForegoneChoice | None:
        """The best without the machines that were chosen; another cluster, or others in the same one.

        Its dollars are what the bill of the whole fleet would grow by: nodes that others are on would stay.
        """
        if tenure is None or workload.identity in self.decision.propagations or workload.previous:
            return None
        other = self.assignment.best(self._elsewhere(case, tenure))
        if other is None:
            return None
        saved, rate_saved = self._saved(case, tenure)
        per_hour = other.per_hour - rate_saved
        names = sorted({self.terrain.clusters[part.site].name for part in other.parts})
        regions = sorted({self.terrain.clusters[part.site].region for part in other.parts})
        markets = sorted({self.terrain.market_of(part.group) for part in other.parts}, key=MARKETS.index)
        more = Terms(*(theirs - ours for theirs, ours in zip(other.terms, tenure.proposal.terms, strict=True)))
        more = more._replace(cost=more.cost - saved)
        total = more.cost if case.quote.ends else None
        machines = "+".join(sorted({self.terrain.groups[part.group].name for part in other.parts} - {""}))
        region = "+".join(filter(None, regions)) or "+".join(names)
        here = {part.site for part in tenure.proposal.parts} == {part.site for part in other.parts}
        place = _place(region, "+".join(names)) + (
            f" on {machines or 'its nodes'} ({'+'.join(markets)})" if here else ""
        )
        return ForegoneChoice(
            cluster="+".join(names),
            region="+".join(filter(None, regions)),
            machines=machines,
            market="+".join(markets),
            per_hour=per_hour,
            total=total,
            seconds=more.time,
            carbon_grams=more.carbon,
            text=_sentence(per_hour, total, place),
        )

    def _saved(self, case: Case, tenure: Tenure) -> tuple[float, float]:
        """US dollars of nodes that are bought, and US dollars per hour of all, that leaving its place would save."""
        dollars, per_hour = self.assignment.alone(tenure)
        own = (
            part.pods * float(case.quote.rate[part.template, part.group])
            for part in tenure.proposal.parts
            if not self.terrain.bought[part.group]
        )
        return dollars, per_hour + sum(own)

    def _elsewhere(self, case: Case, tenure: Tenure) -> Case:
        """The case without the groups that were chosen."""
        open_ = np.ones(len(case.quote.open), dtype=np.bool_)
        open_[[part.group for part in tenure.proposal.parts]] = False
        return case.limited(open_)


def _place(region: str, cluster: str) -> str:
    return region if region == cluster else f"{region} ({cluster})"


def _sentence(per_hour: float, total: float | None, place: str) -> str:
    hourly = f"{'+' if per_hour >= 0 else '-'}${abs(per_hour):,.2f}/h"
    if total is None:
        return f"would cost {hourly} in {place}"
    return f"would cost {hourly}, {'+' if total >= 0 else '-'}${abs(total):,.2f} in all, in {place}"
