"""Spread constraints: which of the candidates are selected.

Karmada knows two rules: by cluster, and by region and cluster. The second one is generalised here to providers, zones
and labels, alone and together: groups are chosen from providers to labels, the finer ones among the clusters that the
coarser ones left, and so that each chosen coarse group keeps one of them; then each group gives its best cluster, and
the best of the rest fill up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil
from typing import Final

from yuheng.model.propagation import Placement, SpreadConstraint
from yuheng.placement.propagation.candidates import Candidate, TooSmall, Unschedulable, in_order
from yuheng.placement.propagation.filters import group_names
from yuheng.placement.propagation.groups import Group, choose_groups

__all__ = ["is_spread", "select"]

# Above any score, so that how much fits comes before how good it is.
WEIGHT_UNIT: Final = 1000
COARSENESS: Final = ("provider", "region", "zone", "")


def is_spread(placement: Placement) -> bool:
    """Whether the spread constraints count: they do not beside static weights."""
    if not placement.spread_constraints:
        return False
    if placement.strategy != "StaticWeight" or placement.replica_scheduling is None:
        return True
    preference = placement.replica_scheduling.weight_preference
    return preference is not None and not preference.static_weight_list


def select(placement: Placement, candidates: Sequence[Candidate], replicas: int) -> list[Candidate]:
    """The candidates that a workload goes to, best first.

    Args:
        placement: whose spread constraints and strategy decide.
        candidates: in any order.
        replicas: of the workload.

    Raises:
        Unschedulable: no choice of candidates meets the constraints.
    """
    if not is_spread(placement):
        return in_order(candidates, needed=placement.strategy in ("DynamicWeight", "Aggregated"))
    by_cluster = next((each for each in placement.spread_constraints if _is_by_cluster(each)), None)
    by_group = sorted(
        (each for each in placement.spread_constraints if not _is_by_cluster(each)),
        key=lambda each: COARSENESS.index(each.spread_by_field),
    )
    if by_group:
        return _by_group(placement, by_group, by_cluster, in_order(candidates), replicas)
    if by_cluster is None:
        return in_order(candidates)
    return _by_cluster(by_cluster, candidates, None if placement.strategy == "Duplicated" else replicas)


def _is_by_cluster(constraint: SpreadConstraint) -> bool:
    return not constraint.spread_by_label and constraint.spread_by_field in ("", "cluster")


def _by_cluster(constraint: SpreadConstraint, candidates: Sequence[Candidate], replicas: int | None) -> list[Candidate]:
    """The best clusters; where replicas are divided, so many of the largest in their place that all replicas fit."""
    if len(candidates) < constraint.min_groups:
        raise _too_few("clusters", len(candidates), constraint.min_groups)
    count = min(len(candidates), constraint.max_groups or len(candidates))
    ordered = in_order(candidates, needed=replicas is not None or count < len(candidates))
    if replicas is None:
        return ordered[:count]
    chosen, rest = ordered[:count], ordered[count:]
    room = sum(found.available for found in chosen)
    for place in reversed(range(count)):
        if room >= replicas:
            break
        largest = max(range(len(rest)), key=lambda i: (rest[i].available, -i), default=None)
        if largest is not None and rest[largest].available > chosen[place].available:
            room += rest[largest].available - chosen[place].available
            chosen[place], rest[largest] = rest[largest], chosen[place]
    if room < replicas:
        raise TooSmall(f"no enough resource when selecting {count} clusters: room for {room} of {replicas} replicas")
    return chosen


Members = dict[str, list[Candidate]]


def _by_group(
    placement: Placement,
    constraints: Sequence[SpreadConstraint],
    by_cluster: SpreadConstraint | None,
    ordered: Sequence[Candidate],
    replicas: int,
) -> list[Candidate]:
    """The best cluster of each chosen group, then the best of the others in those groups."""
    least = by_cluster.min_groups if by_cluster is not None else 1
    chosen: list[Members] = []
    for depth, constraint in enumerate(constraints):
        members = _members(constraint, ordered)
        weights = {name: _weight(placement, constraint, found, least, replicas) for name, found in members.items()}
        must = _representatives(members, weights, chosen[-1]) if chosen else ()
        names = _choose(constraint, members, weights, constraints[depth + 1 :], least, must)
        chosen.append({name: members[name] for name in names})
        kept = {found.name for name in names for found in members[name]}
        ordered = [found for found in ordered if found.name in kept]
        chosen = [{name: _among(found, kept) for name, found in each.items()} for each in chosen]
    return _filled(chosen, ordered, by_cluster)


def _members(constraint: SpreadConstraint, ordered: Iterable[Candidate]) -> Members:
    """The clusters of each group, best first; a cluster with several zones is in several groups."""
    members: Members = {}
    for candidate in ordered:
        for name in group_names(constraint, candidate.cluster):
            members.setdefault(name, []).append(candidate)
    return members


def _choose(
    constraint: SpreadConstraint,
    members: Members,
    weights: dict[str, float],
    finer: Sequence[SpreadConstraint],
    least: int,
    must: Sequence[str],
) -> list[str]:
    """The names of the groups of one constraint, heaviest first; those that must be are among them."""
    what = constraint.spread_by_label or constraint.spread_by_field
    if len(members) < constraint.min_groups:
        raise _too_few(what, len(members), constraint.min_groups)
    groups = {
        name: Group(name, (len(found), *(len(_members(each, found)) for each in finer)), weights[name])
        for name, found in members.items()
    }
    maximum = constraint.max_groups or len(groups)
    targets = (least, *(each.min_groups for each in finer))
    if not must:
        names = [group.name for group in choose_groups(list(groups.values()), constraint.min_groups, maximum, targets)]
    else:
        names = _completed(groups, constraint.min_groups, maximum, targets, must)
    if not names:
        raise Unschedulable(
            "the number of clusters is less than the cluster spreadConstraint.MinGroups: "
            f"no {constraint.min_groups} to {maximum} groups by {what} hold {least} clusters"
        )
    return names


def _completed(
    groups: dict[str, Group], minimum: int, maximum: int, targets: tuple[int, ...], must: Sequence[str]
) -> list[str]:
    """Groups that must be, and the others that are needed beside them; none when they are too many or do not do."""
    held = [sum(groups[name].sizes[place] for name in must) for place in range(len(targets))]
    missing = tuple(max(want - have, 0) for want, have in zip(targets, held, strict=True))
    if len(must) >= minimum and not any(missing):
        return list(must) if len(must) <= maximum else []
    if len(must) >= maximum:
        return []
    others = [group for name, group in groups.items() if name not in must]
    added = choose_groups(others, max(minimum - len(must), 1), maximum - len(must), missing)
    return [*must, *(group.name for group in added)] if added else []


def _representatives(members: Members, weights: dict[str, float], coarser: Members) -> list[str]:
    """The heaviest group inside each of the coarser groups, so that none of those is left without one."""
    found: list[str] = []
    for clusters in coarser.values():
        inside = {each.name for each in clusters}
        names = [name for name, each in members.items() if any(cluster.name in inside for cluster in each)]
        if names and not any(name in found for name in names):
            found.append(min(names, key=lambda name: (-weights[name], name)))
    return found


def _filled(
    chosen: Sequence[Members], ordered: Sequence[Candidate], by_cluster: SpreadConstraint | None
) -> list[Candidate]:
    """The best cluster of each chosen group, finest first, then the best others up to the largest number allowed."""
    taken: dict[str, Candidate] = {}
    for level in reversed(chosen):
        for clusters in level.values():
            # The first constraint takes the best of each group; a coarser one only where it has none yet.
            if clusters and (level is chosen[-1] or not any(found.name in taken for found in clusters)):
                taken.setdefault(clusters[0].name, clusters[0])
    if by_cluster is not None and len(ordered) < by_cluster.min_groups:
        # Clusters with several zones were counted in each of them.
        raise _too_few("clusters", len(ordered), by_cluster.min_groups)
    most = by_cluster.max_groups if by_cluster is not None and by_cluster.max_groups else len(ordered)
    rest = [found for found in ordered if found.name not in taken]
    return [*taken.values(), *rest[: max(most - len(taken), 0)]]


def _among(clusters: Sequence[Candidate], names: set[str]) -> list[Candidate]:
    return [found for found in clusters if found.name in names]


def _weight(
    placement: Placement, constraint: SpreadConstraint, clusters: Sequence[Candidate], least: int, replicas: int
) -> float:
    """How good a group is: how much of the workload fits first, then the mean score of the clusters that take it.

    As in Karmada's ``calcGroupScore``: for Duplicated the number of clusters that hold all replicas; where replicas are
    divided the group's even part of them, as far as it fits.
    """
    if placement.strategy == "Duplicated":
        holding = [found.score for found in clusters if found.available >= replicas]
        return len(holding) * WEIGHT_UNIT + _mean(holding) if holding else 0
    part = ceil(replicas / constraint.min_groups)
    enough = max(least, constraint.min_groups)
    room, scores = 0, list[float]()
    for found in clusters:
        room += found.available
        scores.append(found.score)
        if len(scores) >= enough and room >= part:
            break
    return min(room, part) * WEIGHT_UNIT + _mean(scores)


def _too_few(what: str, found: int, wanted: int) -> Unschedulable:
    """In the words of Karmada, with the numbers."""
    return Unschedulable(f"the number of feasible {what} is less than spreadConstraint.MinGroups: {found} of {wanted}")


def _mean(scores: Sequence[float]) -> float:
    """The mean; of whole numbers the whole part, as Karmada has it."""
    total = sum(scores)
    return total // len(scores) if isinstance(total, int) else total / len(scores)
