"""From a policy to the clusters of a workload: filter, select, assign; one affinity after another.

The pipeline is that of Karmada's scheduler (``pkg/scheduler/core``):

    clusters -> filters -> candidates -> select (spread constraints) -> assign (replica scheduling) -> Propagation
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Final, NamedTuple

import msgspec

from yuheng.model.fleet import Cluster, FleetWorkload
from yuheng.model.propagation import GRACE_PERIOD, ClusterAffinityTerm, PropagationPolicy
from yuheng.placement.propagation.assignment import assign, assign_by_tier, assign_whole
from yuheng.placement.propagation.candidates import Candidate, TooSmall, Unschedulable
from yuheng.placement.propagation.filters import AFFINITY, EVICTED, FAILED, Standing, refusal, standings
from yuheng.placement.propagation.result import Propagation
from yuheng.placement.propagation.spread import is_spread, select

__all__ = ["Propagator", "propagate"]

# What a cluster that runs a workload already scores, others 0 (Karmada's ClusterLocality).
LOCALITY: Final = 100


class Circumstances(NamedTuple):
    """What is asked for a workload besides its policy; see `Propagator.propagate`."""

    headroom: Callable[[str], int]
    failed: Set[str]
    leaving: Set[str]
    rebalance: bool
    score: Callable[[str], float] | None
    closed: Mapping[str, str]


class _Field(NamedTuple):
    """All clusters: those that may take a workload, and why the others may not."""

    standings: tuple[Standing, ...]
    passing: tuple[Standing, ...]
    refused: Mapping[str, str]


class Propagator:
    """Places workloads on one set of clusters; what depends on a policy and the clusters alone is found once."""

    def __init__(self, clusters: Sequence[Cluster]) -> None:
        """Take the clusters of the fleet.

        Args:
            clusters: each name once.
        """
        self._clusters = tuple(sorted(clusters, key=lambda cluster: cluster.name))
        self._fields: dict[tuple[str, str], tuple[PropagationPolicy, _Field]] = {}

    def propagate(
        self,
        workload: FleetWorkload,
        policy: PropagationPolicy,
        headroom: Callable[[str], int],
        *,
        failed: Set[str] = frozenset(),
        leaving: Set[str] = frozenset(),
        rebalance: bool = False,
        score: Callable[[str], float] | None = None,
        closed: Mapping[str, str] | None = None,
    ) -> Propagation:
        """Place a workload by its policy.

        Args:
            workload: with its previous replicas and the affinity it was placed by.
            policy: the one that is the workload's (`PolicyIndex`).
            headroom: how many more replicas fit on a cluster beside all that runs there, the workload's own previous
                replicas included; asked once a cluster, and only where the policy looks at room.
            failed: clusters that lose their replicas.
            leaving: clusters that the workload is being evicted from: they are no candidates until that is over.
            rebalance: whether to decide anew: from the first affinity on, without holding on to previous replicas.
            score: what decides between clusters, from 0 to 100, the larger, the better; None for Karmada's own score,
                which favours clusters that run the workload already.
            closed: clusters that are no candidates for other reasons than the policy's, and the reasons.
        """
        asked = Circumstances(headroom, failed, leaving, rebalance, score, closed or {})
        terms = _terms(workload, policy, rebalance=rebalance)
        attempts = [self._attempt(workload, policy, terms[0], asked)]
        for term in terms[1:]:
            if not attempts[-1].reason:
                break
            attempts.append(self._attempt(workload, policy, term, asked))
        # When no affinity will do, the first one says why; the workload stays bound to the one it was placed by.
        found = attempts[-1] if not attempts[-1].reason else attempts[0]
        refused = _told_together(found, attempts)
        return _completed(msgspec.structs.replace(found, refused=refused), workload, policy)

    def _attempt(
        self, workload: FleetWorkload, policy: PropagationPolicy, term: ClusterAffinityTerm | None, asked: Circumstances
    ) -> Propagation:
        """Place a workload by one affinity."""
        field = self._field(policy, term)
        if workload.previous or asked.failed or asked.leaving or asked.closed:
            field = _sorted_out(field.standings, workload, asked)
        refused = dict(field.refused)
        candidates = _candidates(field.passing, workload, asked)
        affinity = term.affinity_name if term is not None else ""
        try:
            selected, replicas = _placed(workload, policy, term, candidates, fresh=asked.rebalance)
        except Unschedulable as answer:
            reason = str(answer) if candidates else _nobody(refused, asked.closed)
            refused |= _insufficient(candidates, len(workload.pods), small=isinstance(answer, TooSmall))
            return Propagation(refused=tuple(sorted(refused.items())), affinity=workload.affinity, reason=reason)
        refused |= _left_out(policy, candidates, selected, replicas)
        return Propagation(
            replicas=dict(sorted(replicas.items())),
            selected=tuple(found.name for found in selected),
            refused=tuple(sorted(refused.items())),
            affinity=affinity,
        )

    def _field(self, policy: PropagationPolicy, term: ClusterAffinityTerm | None) -> _Field:
        """The clusters as a workload of a policy finds them that runs nowhere yet."""
        key = policy.key, term.affinity_name if term is not None else ""
        known = self._fields.get(key)
        if known is None or known[0] is not policy:
            known = policy, _sorted_out(standings(policy.placement, term, self._clusters), None, None)
            self._fields[key] = known
        return known[1]


def propagate(
    workload: FleetWorkload,
    policy: PropagationPolicy,
    clusters: Sequence[Cluster],
    headroom: Callable[[str], int],
    *,
    failed: Set[str] = frozenset(),
    leaving: Set[str] = frozenset(),
    rebalance: bool = False,
    score: Callable[[str], float] | None = None,
) -> Propagation:
    """Place one workload; see `Propagator.propagate`, which is the better choice for many."""
    return Propagator(clusters).propagate(
        workload, policy, headroom, failed=failed, leaving=leaving, rebalance=rebalance, score=score
    )


def _terms(
    workload: FleetWorkload, policy: PropagationPolicy, *, rebalance: bool
) -> Sequence[ClusterAffinityTerm | None]:
    """The affinities to try, in order: from the one on that placed the workload, from the first on to rebalance."""
    terms = policy.placement.cluster_affinities
    if policy.placement.cluster_affinity is not None or not terms:
        return (None,)
    names = [term.affinity_name for term in terms]
    start = names.index(workload.affinity) if workload.affinity in names and not rebalance else 0
    return terms[start:]


def _sorted_out(standings: tuple[Standing, ...], workload: FleetWorkload | None, asked: Circumstances | None) -> _Field:
    """The clusters that may take a workload, and why the others may not; None for one that runs nowhere yet."""
    refused = {}
    for standing in standings:
        if workload is None or asked is None:
            reason = refusal(standing, {}, frozenset(), frozenset(), {})
        else:
            reason = refusal(standing, workload.previous, asked.failed, asked.leaving, asked.closed)
        if reason:
            refused[standing.cluster.name] = reason
    passing = tuple(standing for standing in standings if standing.cluster.name not in refused)
    return _Field(standings, passing, refused)


def _candidates(standings: Sequence[Standing], workload: FleetWorkload, asked: Circumstances) -> list[Candidate]:
    previous, replicas, score, headroom = workload.previous, len(workload.pods), asked.score, asked.headroom
    found = []
    for cluster, tier, *_, weight in standings:
        running = previous.get(cluster.name, 0)
        locality = LOCALITY if running else 0
        found.append(
            Candidate(
                cluster,
                score=locality if score is None else score(cluster.name),
                tier=tier or 0,
                weight=weight,
                previous=running,
                replicas=replicas,
                headroom=headroom,
            )
        )
    return found


def _placed(
    workload: FleetWorkload,
    policy: PropagationPolicy,
    term: ClusterAffinityTerm | None,
    candidates: Sequence[Candidate],
    *,
    fresh: bool,
) -> tuple[Sequence[Candidate], dict[str, int]]:
    """The selected clusters and the replicas on them."""
    placement, replicas = policy.placement, len(workload.pods)
    if not candidates:
        raise Unschedulable
    if not workload.divisible and placement.strategy != "Duplicated":
        for constraint in placement.spread_constraints if is_spread(placement) else ():
            if constraint.min_groups > 1:
                raise Unschedulable("pods that run together cannot be spread over groups of clusters")
        whole = assign_whole(placement, candidates, replicas, fresh=fresh)
        return [found for found in candidates if found.name in whole], whole
    selected = select(placement, candidates, replicas)
    overflows = term is not None and bool(term.overflow_affinities)
    assigning = assign_by_tier if overflows and placement.strategy in ("DynamicWeight", "Aggregated") else assign
    return selected, assigning(placement, selected, replicas, fresh=fresh)


def _nobody(refused: dict[str, str], closed: Mapping[str, str]) -> str:
    """Why there is no candidate at all, as Karmada says it: each reason with how many clusters it holds for."""
    counts = Counter(f"because {why}" if closed.get(name) == why else why for name, why in refused.items())
    told = ", ".join(sorted(f"{count} cluster(s) {reason}" for reason, count in counts.items()))
    return f"0/{len(refused)} clusters are available: {told or 'no cluster exists'}"


def _insufficient(candidates: Sequence[Candidate], replicas: int, *, small: bool) -> dict[str, str]:
    """Why candidates are of no use that do not do together: they are too small, or too few for the constraints."""
    if not small:
        return {found.name: "would do, but there are too few like it" for found in candidates}
    return {
        found.name: f"has room for {found.available} of {replicas} replicas"
        if found.available < replicas
        else "got no share by its static weight"
        for found in candidates
    }


def _told_together(found: Propagation, attempts: Sequence[Propagation]) -> tuple[tuple[str, str], ...]:
    """The clusters without replicas; those outside of the affinity that counts, by the first affinity they are in."""
    if len(attempts) == 1:
        return found.refused
    reasons = dict(found.refused)
    for attempt in attempts:
        for name, why in attempt.refused:
            if reasons.get(name) == AFFINITY:
                reasons[name] = why
    return tuple(sorted(reasons.items()))


def _left_out(
    policy: PropagationPolicy,
    candidates: Sequence[Candidate],
    selected: Sequence[Candidate],
    replicas: dict[str, int],
) -> dict[str, str]:
    """Why candidates got no replica."""
    names = {found.name for found in selected}
    outside = f"was not among the {len(names)} selected clusters"
    unused = f"was not needed: {len(replicas)} cluster(s) hold all replicas"
    static = policy.placement.strategy == "StaticWeight"
    reasons: dict[str, str] = {}
    for found in candidates:
        if found.name not in names:
            reasons[found.name] = outside
        elif found.name not in replicas:
            if static:
                reasons[found.name] = "got no share by its static weight"
            else:
                reasons[found.name] = unused if found.allocatable else "has no room for a replica"
    return reasons


def _completed(found: Propagation, workload: FleetWorkload, policy: PropagationPolicy) -> Propagation:
    """A decision with what becomes of the previous replicas."""
    refused = dict(found.refused)
    moved = {
        name: count - found.replicas.get(name, 0)
        for name, count in sorted(workload.previous.items())
        if count > found.replicas.get(name, 0) and (not found.reason or _is_lost(refused.get(name, "")))
    }
    return Propagation(
        replicas=found.replicas,
        selected=found.selected,
        refused=found.refused,
        affinity=found.affinity,
        reason=found.reason,
        moved=moved,
        purge_mode=policy.purge_mode,
        grace_period=GRACE_PERIOD if policy.purge_mode == "Gracefully" else 0.0,
    )


def _is_lost(reason: str) -> bool:
    """Whether a cluster's replicas go even when there is no other place for them."""
    return reason in (FAILED, EVICTED) or reason.startswith("had untolerated taint")
