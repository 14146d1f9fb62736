"""Who pays for the nodes that a plan opens: the whole bill, told as the shares of the workloads on them.

Each hour of a node is paid by those who are on it in that hour, in the ratio of what they ask for at the default rates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.placement.opened import Span, Tenant, united
from yuheng.placement.sites import Site
from yuheng.placement.terrain import HOUR, Terrain

__all__ = ["Seat", "Share", "shares"]


class Seat(NamedTuple):
    """Pods of one template of a workload on their nodes.

    Attributes:
        tenant: whose they are, and when they are there.
        template: of the workload's quote.
        site: the cluster.
        nodes: (pods,) the node of each.
    """

    tenant: Tenant
    template: int
    site: int
    nodes: NDArray[np.int32]


class Share(NamedTuple):
    """What a workload pays of the nodes that it is on: US dollars in all; and per hour, while everybody is there."""

    dollars: float = 0.0
    per_hour: float = 0.0

    def plus(self, other: Share, times: int = 1) -> Share:
        """With so many of another."""
        return Share(self.dollars + times * other.dollars, self.per_hour + times * other.per_hour)


class _Claim(NamedTuple):
    """What one workload has on one node: when, how many pods, and dollars per hour of their part of the node."""

    key: str
    span: Span
    pods: int
    part: float


def shares(terrain: Terrain, sites: Sequence[Site], seats: Iterable[Seat]) -> dict[str, Share]:
    """By identity of a workload, what it pays of the nodes that are bought.

    Args:
        terrain: all groups.
        sites: the clusters.
        seats: of all workloads.
    """
    pods: dict[tuple[int, int], Counter[tuple[int, int]]] = {}
    tenants: list[Tenant] = []
    known: dict[tuple[str, float], int] = {}
    for seat in seats:
        number = known.setdefault((seat.tenant.key, seat.tenant.wait), len(tenants))
        if number == len(tenants):
            tenants.append(seat.tenant)
        for g, n, count in _bought(terrain, sites, seat):
            pods.setdefault((g, n), Counter())[number, seat.template] += count
    # Most nodes of a group have the same pods on them: they are looked at once.
    alike = Counter((g, tuple(sorted(mine.items()))) for (g, _), mine in pods.items())
    found: dict[str, Share] = {}
    for (g, mine), nodes in alike.items():
        for key, share in _split(terrain, g, _claims(tenants, g, mine)):
            found[key] = found.get(key, Share()).plus(share, nodes)
    return found


def _bought(terrain: Terrain, sites: Sequence[Site], seat: Seat) -> Iterator[tuple[int, int, int]]:
    """The nodes that are bought among those of a seat: their group, the node, and how many pods are on it."""
    first, group_of = int(terrain.first[seat.site]), sites[seat.site].group_of
    is_bought = terrain.bought[first + group_of[seat.nodes]]
    mine = seat.nodes[is_bought] if is_bought.any() else seat.nodes[:0]
    for n, count in zip(*(one.tolist() for one in np.unique(mine, return_counts=True)), strict=True):
        yield first + int(group_of[n]), n, count


def _claims(tenants: list[Tenant], g: int, mine: Iterable[tuple[tuple[int, int], int]]) -> list[_Claim]:
    found: dict[int, _Claim] = {}
    for (number, template), count in mine:
        tenant = tenants[number]
        part = count * float(tenant.quote.part[template, g])
        before = found.get(number, _Claim(tenant.key, tenant.span(g), 0, 0.0))
        found[number] = before._replace(pods=before.pods + count, part=before.part + part)
    return list(found.values())


def _split(terrain: Terrain, g: int, claims: list[_Claim]) -> Iterator[tuple[str, Share]]:
    """Divide the bill of one node."""
    spans = united(claim.span for claim in claims)
    hours = sum(span.end - span.begin for span in spans) / HOUR
    bill = sum(terrain.dollars(g, *span) for span in spans)
    per_hour = bill / hours if hours > 0 else float(terrain.whole[g])
    for claim, part in zip(claims, _parts(claims), strict=True):
        yield claim.key, Share(per_hour=part * per_hour)
    moments = sorted({moment for claim in claims for moment in claim.span})
    for begin, end in pairwise(moments):
        there = [claim for claim in claims if claim.span.begin <= begin and end <= claim.span.end]
        dollars = terrain.dollars(g, begin, end)
        for claim, part in zip(there, _parts(there), strict=True):
            yield claim.key, Share(dollars=part * dollars)


def _parts(claims: list[_Claim]) -> list[float]:
    """The part of each; by pods where nobody asks for anything that has a price."""
    amounts = [claim.part for claim in claims]
    whole = sum(amounts)
    if whole <= 0:
        amounts = [float(claim.pods) for claim in claims]
        whole = sum(amounts)
    return [amount / whole for amount in amounts]
