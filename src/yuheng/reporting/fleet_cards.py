"""Clusters as cards, region by region, for the pages of fleets."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

import msgspec

from yuheng.model.fleet_plan import ClusterReport
from yuheng.model.plan import Allocation
from yuheng.reporting.fleet_facts import (
    by_region,
    home,
    opened,
    placed_pods,
    replicas_by_cluster,
    shown_resources,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from yuheng.model.fleet_plan import FleetPlan

__all__ = ["Card", "Group", "Share", "cards", "planned_cards"]

_RESOURCES_SHOWN: Final = 4
# In the order people think of them.
MARKETS: Final = ("on-demand", "spot", "reserved")


class Share(msgspec.Struct, frozen=True):
    """One resource's share of a cluster, and its bar in percent: what stays, what is added, what goes away."""

    resource: str
    share: Allocation
    kept: float
    gained: float
    lost: float


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster.

    Attributes:
        replicas: it has after the plan.
        placed: pods that the plan starts.
        opened: nodes that the plan opens.
        prices: of the cheapest core, by market, in US dollars per hour.
    """

    cluster: ClusterReport
    shares: tuple[Share, ...]
    replicas: int = 0
    placed: int = 0
    opened: int = 0
    prices: tuple[tuple[str, float], ...] = ()


class Group(msgspec.Struct, frozen=True):
    """The clusters of a region; its key is empty where it is not known."""

    region: str
    cards: tuple[Card, ...]


def cards(clusters: Iterable[ClusterReport]) -> list[Group]:
    """The clusters of a fleet that nothing is planned for."""
    return _groups(clusters, {}, {}, {})


def planned_cards(plan: FleetPlan) -> list[Group]:
    """The clusters of a plan, with what goes there."""
    return _groups(plan.clusters, replicas_by_cluster(plan.workloads), placed_pods(plan), opened(plan))


def _groups(
    clusters: Iterable[ClusterReport],
    replicas: Mapping[str, int],
    placed: Mapping[str, int],
    nodes: Mapping[str, int],
) -> list[Group]:
    found = by_region(clusters)
    resources = shown_resources([cluster.allocation for cluster in found])[:_RESOURCES_SHOWN]
    made = (
        Card(
            cluster=cluster,
            shares=_shares(cluster, resources),
            replicas=replicas.get(cluster.cluster, 0),
            placed=placed.get(cluster.cluster, 0),
            opened=nodes.get(cluster.cluster, 0),
            prices=tuple((market, cluster.cheapest[market]) for market in MARKETS if market in cluster.cheapest),
        )
        for cluster in found
    )
    return [Group(region, tuple(some)) for region, some in groupby(made, key=lambda card: home(card.cluster))]


def _shares(cluster: ClusterReport, resources: Sequence[str]) -> tuple[Share, ...]:
    return tuple(
        _share(resource, cluster.allocation[resource]) for resource in resources if resource in cluster.allocation
    )


def _share(resource: str, share: Allocation) -> Share:
    before, after = (round(min(1.0, part) * 100, 2) for part in (share.before, share.after))
    kept = min(before, after)
    return Share(resource, share, kept, round(after - kept, 2), round(before - kept, 2))
