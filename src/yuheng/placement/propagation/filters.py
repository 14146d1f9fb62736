"""Why a cluster may not take a workload, apart from room: the filters of Karmada's scheduler.

What depends on the policy and the clusters alone is found once for both (`standings`); what depends on where the
workload runs already is looked at for each workload.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Final, NamedTuple

from yuheng.model.fleet import Cluster
from yuheng.model.node import Taint
from yuheng.model.propagation import ClusterAffinity, ClusterAffinityTerm, Placement, SpreadConstraint

__all__ = ["AFFINITY", "EVICTED", "FAILED", "Standing", "group_names", "refusal", "standings"]

NOT_READY: Final = "cluster.karmada.io/not-ready"
# A cluster that does not answer has both, whether or not its object says so.
NOT_READY_TAINTS: Final = (Taint(NOT_READY, "NoSchedule"), Taint(NOT_READY, "NoExecute"))
AFFINITY: Final = "did not match the placement cluster affinity constraint"
FAILED: Final = "has failed"
EVICTED: Final = "is in the process of eviction"


class Standing(NamedTuple):
    """How a cluster stands to a placement.

    Attributes:
        cluster: the cluster.
        tier: 0 in the affinity itself, 1 and more in its overflow affinities; None in none of them.
        property_missing: what the spread constraints group by and the cluster does not have; empty for nothing.
        taint: the taint that keeps newcomers away; empty for none.
        lost: the taint by which a cluster that does not answer loses what runs there; empty for none.
        weight: the largest static weight that speaks of it; 0 when none does.
    """

    cluster: Cluster
    tier: int | None
    property_missing: str = ""
    taint: str = ""
    lost: str = ""
    weight: int = 0


def standings(
    placement: Placement, term: ClusterAffinityTerm | None, clusters: Iterable[Cluster]
) -> tuple[Standing, ...]:
    """How the clusters stand to a placement.

    Args:
        placement: the placement.
        term: which of its affinities is tried; None where it has no list of them.
        clusters: of the fleet.
    """
    affinities = (term, *term.overflow_affinities) if term is not None else (placement.cluster_affinity,)
    return tuple(_standing(placement, affinities, cluster) for cluster in clusters)


def refusal(
    standing: Standing, previous: Mapping[str, int], failed: Set[str], leaving: Set[str], closed: Mapping[str, str]
) -> str:
    """Why a cluster may not take a workload; empty when it may.

    A taint does not keep away what runs on the cluster already.

    Args:
        standing: of the cluster.
        previous: the replicas that the workload runs already, by cluster.
        failed: see `Propagator.propagate`, as for the others.
        leaving: see there.
        closed: see there.
    """
    name = standing.cluster.name
    if name in failed:
        return FAILED
    if name in leaving:
        return EVICTED
    if name in closed:
        return closed[name]
    if standing.tier is None:
        return AFFINITY
    if standing.property_missing:
        return f"did not have {standing.property_missing} property"
    untolerated = standing.lost if previous.get(name) else standing.taint
    return f"had untolerated taint {{{untolerated}}}" if untolerated else ""


def group_names(constraint: SpreadConstraint, cluster: Cluster) -> tuple[str, ...]:
    """The groups of a spread constraint that a cluster belongs to; none when it has not what makes a group."""
    if constraint.spread_by_label:
        value = cluster.labels.get(constraint.spread_by_label)
        return () if value is None else (value,)
    if constraint.spread_by_field == "zone":
        return cluster.zones
    found = cluster.provider if constraint.spread_by_field == "provider" else cluster.region
    return (found,) if found else ()


def _standing(placement: Placement, affinities: Sequence[ClusterAffinity | None], cluster: Cluster) -> Standing:
    matching = (tier for tier, found in enumerate(affinities) if found is None or found.matches(cluster))
    tier = next(matching, None)
    if tier is None:
        return Standing(cluster, None)
    unready = NOT_READY_TAINTS if not cluster.ready else ()
    return Standing(
        cluster,
        tier,
        _property_missing(placement, cluster),
        _untolerated(placement, (*cluster.taints, *unready), for_ever=False),
        _untolerated(placement, unready[1:], for_ever=True),
        _static_weight(placement, cluster),
    )


def _property_missing(placement: Placement, cluster: Cluster) -> str:
    for constraint in placement.spread_constraints:
        by_cluster = constraint.spread_by_field in ("", "cluster") and not constraint.spread_by_label
        if not by_cluster and not group_names(constraint, cluster):
            return constraint.spread_by_label or constraint.spread_by_field
    return ""


def _static_weight(placement: Placement, cluster: Cluster) -> int:
    scheduling = placement.replica_scheduling
    preference = scheduling.weight_preference if scheduling is not None else None
    rules = preference.static_weight_list if preference is not None else ()
    return max((rule.weight for rule in rules if rule.target_cluster.matches(cluster)), default=0)


def _untolerated(placement: Placement, taints: Sequence[Taint], *, for_ever: bool) -> str:
    """The first taint that keeps away what has no toleration; one for some seconds does not count for ever."""
    tolerations = [
        toleration
        for toleration in placement.cluster_tolerations
        if not for_ever or toleration.toleration_seconds is None
    ]
    for taint in taints:
        if taint.effect != "PreferNoSchedule" and not any(found.tolerates(taint) for found in tolerations):
            return f"{taint.key}={taint.value}:{taint.effect}" if taint.value else f"{taint.key}:{taint.effect}"
    return ""
