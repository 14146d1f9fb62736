"""The whole question: two versions, the clusters they are for, and what resources cost there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from yuheng.finops.change.fit import controller_of, daemon_counts, fits, owner_of
from yuheng.finops.change.growth import node_kinds
from yuheng.finops.change.rows import compare
from yuheng.finops.change.sides import Key, sides_of
from yuheng.model.cluster import Snapshot
from yuheng.model.cost_change import ChangeFit, ChangeRates, CostChange
from yuheng.model.estate import Estate
from yuheng.model.fleet import ClusterPool
from yuheng.model.node_price import NodePrice
from yuheng.model.policy import Policy

__all__ = ["Place", "Terms", "concerned", "study"]


class Terms(NamedTuple):
    """What is asked, beside the versions themselves.

    Attributes:
        names: where the two versions were read from.
        rates: what resources cost.
        nodes: how many nodes DaemonSets run on, where no cluster tells; None when unknown.
        budget: US dollars a month that the head may cost more; None for no limit.
        policy: what decides where pods go; None for the cluster's own, or else the default.
        seed: of everything random.
        assumptions: what reading had to assume.
    """

    names: tuple[str, str]
    rates: ChangeRates = ChangeRates()
    nodes: int | None = None
    budget: float | None = None
    policy: Policy | None = None
    seed: int = 0
    assumptions: tuple[str, ...] = ()


class Place(NamedTuple):
    """A cluster that the change is for.

    Attributes:
        name: of the cluster; empty when there is only one.
        snapshot: as it is.
        prices: of its nodes, by name.
        pools: nodes it could have, with US dollars per hour of one; None when unknown.
        base, head: the versions, read with the cluster's nodes: their pods are those that controllers would create.
    """

    name: str
    snapshot: Snapshot
    prices: Mapping[str, NodePrice]
    pools: Sequence[tuple[ClusterPool, float | None]]
    base: Estate
    head: Estate


def study(base: Estate, head: Estate, terms: Terms, places: Sequence[Place] = ()) -> CostChange:
    """What going from one version to another costs, and whether it fits.

    Args:
        base: what was.
        head: what is to be.
        terms: what is asked.
        places: clusters to try it on; empty for money alone.
    """
    told = list(terms.assumptions)
    largest = max(places, key=lambda place: len(place.snapshot.nodes), default=None)
    before = after = None
    if largest is not None:
        before, after = daemon_counts(largest.base), daemon_counts(largest.head)
        if (before or after) and len(places) > 1:
            told.append(f"pods of DaemonSets are counted on the nodes of cluster {largest.name}")
    found: list[ChangeFit] = []
    for place in places:
        kinds = node_kinds(place.snapshot.nodes, place.prices, place.pools)
        asked = place.name, terms.policy, terms.seed
        found += fits(place.snapshot, place.base, place.head, kinds, asked)
    told += _of_fits(found, places)
    return compare(
        sides_of(base, terms.rates, daemons=before, nodes=terms.nodes),
        sides_of(head, terms.rates, daemons=after, nodes=terms.nodes),
        terms.rates,
        names=terms.names,
        fits=tuple(found),
        budget=terms.budget,
        assumptions=told,
    )


def concerned(snapshots: Mapping[str, Snapshot], base: Estate, head: Estate) -> list[str]:
    """The clusters, by name, that run a pod of either version; all of them where none does."""
    written: set[Key] = set(map(owner_of, (*base.workloads, *head.workloads)))
    found = [
        name
        for name, snapshot in snapshots.items()
        if any(pod.node is not None and controller_of(pod) in written for pod in snapshot.pods)
    ]
    return found or list(snapshots)


def _of_fits(found: Sequence[ChangeFit], places: Sequence[Place]) -> list[str]:
    """What an answer on room rests on."""
    told = []
    if found:
        told.append("room is that after the rollout: the surge of a rolling update is not in it")
    if found and not any(fit.kept or fit.removed for fit in found):
        told.append("no pod of either version runs on the cluster: all of the head is placed anew (see --namespace)")
    waiting = sum(pod.node is None for place in places for pod in place.snapshot.pods)
    if waiting:
        told.append(f"{waiting} pods that wait on the cluster already are left out")
    if any(item.per_month is None for fit in found for item in fit.more):
        told.append("nodes without a price are not in the money of the nodes to add")
    return told
