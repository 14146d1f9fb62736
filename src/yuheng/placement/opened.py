"""The nodes that a plan opens, and their bill: each hour of a node is paid once, whoever is on it in that hour.

A *tenant* is a workload on a node, with the time for which it would pay for the node if it were alone there. A node is
paid for the union of its tenants' times, so that who joins others pays for what is not paid yet. Nodes with the same
tenants are told by one number, lest thousands of them be looked at one by one.

Letters for sizes: G groups of the fleet.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.placement.leftover import Leftover
from yuheng.placement.quote import Quote
from yuheng.placement.sites import Site
from yuheng.placement.terrain import HOUR, Terrain

__all__ = ["Free", "Opened", "Span", "Tenant", "dollars_of", "united"]

I32 = NDArray[np.int32]
F64 = NDArray[np.float64]
# For so many times it is kept in mind what they would add to the nodes of a group.
MOST_SPANS: Final = 32


class Span(NamedTuple):
    """From one moment to another, in seconds since the epoch."""

    begin: float
    end: float


class Tenant(NamedTuple):
    """A workload on nodes.

    Attributes:
        key: its identity.
        quote: when it pays for what.
        wait: seconds by which that is put off.
        runs: whether its pods ran there before.
    """

    key: str
    quote: Quote
    wait: float = 0.0
    runs: bool = False

    def span(self, g: int) -> Span:
        """When it pays for a node of a group."""
        begin = float(self.quote.begin[g]) + self.wait
        return Span(begin, begin + HOUR * float(self.quote.hours[g]))


class Free(NamedTuple):
    """What is free on the nodes of a group (M nodes, R resources).

    Attributes:
        amounts: (M, R + 1) of each resource, and of pods.
        gpus: (M, devices) thousandths of each GPU.
        shut: (M,) whether nobody is there yet.
    """

    amounts: NDArray[np.int64]
    gpus: NDArray[np.int64]
    shut: NDArray[np.bool_]

    @classmethod
    def of(cls, site: Site, nodes: NDArray[np.int64], in_use: NDArray[np.bool_]) -> Free:
        """As the compiled cluster tells."""
        arrays = site.engine.cluster
        amounts = arrays.allocatable[nodes] - arrays.used[nodes]
        pods = np.where(arrays.absent[nodes] == 0, arrays.pod_limit[nodes] - arrays.pods[nodes], 0)
        gpus = np.maximum(arrays.device_free[nodes], 0).astype(np.int64)
        return cls(np.column_stack([amounts, pods]), gpus, ~in_use)


class Opened:
    """The nodes in use of all groups that are bought, and who is on them.

    Attributes:
        bill: US dollars for all of them.
        count: (G,) how many of each group are in use.
        leftover: the room that is left on them.
    """

    def __init__(self, terrain: Terrain, sites: Sequence[Site]) -> None:
        self.bill = 0.0
        self.count = np.zeros(len(terrain.groups), dtype=np.int64)
        self._terrain = terrain
        self._sites = sites
        bought = set(terrain.site[terrain.bought].tolist())
        self.leftover = Leftover(terrain, sites, bought)
        self._bought = {s: terrain.bought[terrain.first[s] : terrain.first[s + 1]] for s in bought}
        # By cluster, the number that stands for the tenants of each node; 0 for nobody.
        self._who: dict[int, I32] = {s: np.zeros(len(sites[s].group_of), dtype=np.int32) for s in bought}
        self._tenants: list[Tenant] = []
        self._number: dict[tuple[str, float, bool], int] = {}
        self._sets: list[frozenset[int]] = [frozenset()]
        self._set_number: dict[frozenset[int], int] = {frozenset(): 0}
        self._nodes: Counter[tuple[int, int]] = Counter()
        self._dollars: dict[tuple[int, int], float] = {}
        # What was told of a group, as long as nobody comes to its nodes or leaves them.
        self._version = np.zeros(len(terrain.groups), dtype=np.int64)
        self._more: dict[int, tuple[int, dict[Span, F64]]] = {}
        self._free: dict[int, tuple[int, Free | None]] = {}
        self._members: dict[int, NDArray[np.int64]] = {}

    def enter(self, tenant: Tenant, s: int, nodes: I32) -> None:
        """Take note that a workload is on nodes of a cluster; those that are not bought do not count."""
        self._change(tenant, s, nodes, leaves=False)

    def leave(self, tenant: Tenant, s: int, nodes: I32) -> None:
        """Take note that a workload has left nodes of a cluster, with all of its pods there."""
        self._change(tenant, s, nodes, leaves=True)

    def _change(self, tenant: Tenant, s: int, nodes: I32, *, leaves: bool) -> None:
        if s not in self._bought:
            return
        group_of, who = self._sites[s].group_of, self._who[s]
        is_bought = self._bought[s][group_of[nodes]]
        if not is_bought.any():
            return
        mine = np.unique(nodes[is_bought])
        number = self._number_of(tenant)
        before = who[mine]
        for old in np.unique(before).tolist():
            some = mine[before == old]
            tenants = self._sets[old]
            new = self._set_of(tenants - {number} if leaves else tenants | {number})
            who[some] = new
            for g, count in zip(*np.unique(group_of[some], return_counts=True), strict=True):
                self._replace(int(self._terrain.first[s]) + int(g), old, new, int(count))
        self._version[int(self._terrain.first[s]) + np.unique(group_of[mine])] += 1
        self.leftover.look(s, mine, who[mine] > 0)

    def _replace(self, g: int, old: int, new: int, count: int) -> None:
        """So many nodes of a group change hands."""
        if old == new:
            return
        self.bill += count * (self._cost(g, new) - self._cost(g, old))
        self.count[g] += count * ((old == 0) - (new == 0))
        for who, change in ((old, -count), (new, count)):
            self._nodes[g, who] += change
            if who == 0 or not self._nodes[g, who]:
                del self._nodes[g, who]

    def _number_of(self, tenant: Tenant) -> int:
        key = (tenant.key, tenant.wait, tenant.runs)
        if key not in self._number:
            self._number[key] = len(self._tenants)
            self._tenants.append(tenant)
        return self._number[key]

    def _set_of(self, tenants: frozenset[int]) -> int:
        if tenants not in self._set_number:
            self._set_number[tenants] = len(self._sets)
            self._sets.append(tenants)
        return self._set_number[tenants]

    def _cost(self, g: int, who: int) -> float:
        """US dollars of one node of a group with such tenants."""
        if who == 0:
            return 0.0
        if (g, who) not in self._dollars:
            self._dollars[g, who] = dollars_of(self._terrain, g, self._spans(g, who))
        return self._dollars[g, who]

    def _spans(self, g: int, who: int) -> list[Span]:
        return [self._tenants[number].span(g) for number in self._sets[who]]

    def members(self, g: int) -> NDArray[np.int64]:
        """The nodes of a group, by their number in the cluster."""
        if g not in self._members:
            s = int(self._terrain.site[g])
            self._members[g] = np.flatnonzero(self._sites[s].group_of == g - int(self._terrain.first[s]))
        return self._members[g]

    def more(self, g: int, span: Span) -> F64:
        """(members,) US dollars that the bill of each node of a group would grow by, if somebody came to it for a time.

        It is not to be changed.
        """
        version, known = self._more.get(g, (-1, {}))
        if version != self._version[g] or len(known) > MOST_SPANS:
            known = {}
            self._more[g] = (int(self._version[g]), known)
        if span not in known:
            kinds, which = np.unique(self._who[int(self._terrain.site[g])][self.members(g)], return_inverse=True)
            found = [
                dollars_of(self._terrain, g, [*self._spans(g, who), span]) - self._cost(g, who)
                for who in kinds.tolist()
            ]
            known[span] = np.array(found, dtype=np.float64)[which]
        return known[span]

    def free(self, g: int) -> Free:
        """What is free on the nodes of a group; not to be changed."""
        version, found = self._free.get(g, (-1, None))
        if found is None or version != self._version[g]:
            site = self._sites[int(self._terrain.site[g])]
            found = Free.of(site, self.members(g), self.in_use(g))
            self._free[g] = (int(self._version[g]), found)
        return found

    def in_use(self, g: int) -> NDArray[np.bool_]:
        """(members,) which nodes of a group are in use."""
        found: NDArray[np.bool_] = self._who[int(self._terrain.site[g])][self.members(g)] > 0
        return found

    def spans(self, g: int, node: int) -> list[Span]:
        """The times for which a node of a group is paid, one after the other."""
        return united(self._spans(g, int(self._who[int(self._terrain.site[g])][node])))

    def crowds(self, most: int) -> list[tuple[int, tuple[str, ...]]]:
        """The tenants of nodes, by name, that have no more than so many of them; those who pay most first.

        Nodes are left out on which somebody is who ran there before.
        """
        found: dict[tuple[int, tuple[str, ...]], float] = {}
        for (g, who), count in self._nodes.items():
            tenants = [self._tenants[number] for number in self._sets[who]]
            if len(tenants) <= most and not any(one.runs for one in tenants):
                crowd = (g, tuple(sorted(one.key for one in tenants)))
                found[crowd] = found.get(crowd, 0.0) + count * self._cost(g, who)
        return sorted(found, key=lambda crowd: (-found[crowd], crowd))

    def alone(self, tenant: Tenant, s: int, nodes: I32) -> tuple[float, float]:
        """What would be saved if a workload left nodes of a cluster.

        Returns:
            US dollars in all; and per hour of the workload.
        """
        dollars, per_hour = 0.0, 0.0
        if s not in self._bought:
            return dollars, per_hour
        group_of, number = self._sites[s].group_of, self._number_of(tenant)
        is_bought = self._bought[s][group_of[nodes]]
        if not is_bought.any():
            return dollars, per_hour
        mine = np.unique(nodes[is_bought])
        pairs, counts = np.unique(np.stack([group_of[mine], self._who[s][mine]]), axis=1, return_counts=True)
        for local, who, count in zip(*pairs.tolist(), counts.tolist(), strict=True):
            g, rest = int(self._terrain.first[s]) + local, self._sets[who] - {number}
            saved = count * (self._cost(g, who) - self._cost(g, self._set_of(rest)))
            dollars += saved
            per_hour += saved / float(tenant.quote.hours[g] or 1.0)
        return dollars, per_hour

    def without(self, keys: Collection[str]) -> dict[int, float]:
        """By group, US dollars of the bill if some workloads were not there; those that ran there before stay."""
        found: dict[int, list[float]] = {}
        for (g, who), count in sorted(self._nodes.items()):
            mine = (self._tenants[number] for number in self._sets[who])
            rest = [one.span(g) for one in mine if one.runs or one.key not in keys]
            found.setdefault(g, []).append(count * dollars_of(self._terrain, g, rest))
        return {g: math.fsum(amounts) for g, amounts in found.items()}


def united(spans: Iterable[Span]) -> list[Span]:
    """The union of times, as times that do not touch, in order."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.begin <= found[-1].end:
            found[-1] = Span(found[-1].begin, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def dollars_of(terrain: Terrain, g: int, spans: Iterable[Span]) -> float:
    """US dollars of one node of a group that is used at these times."""
    return math.fsum(terrain.dollars(g, *span) for span in united(spans))
