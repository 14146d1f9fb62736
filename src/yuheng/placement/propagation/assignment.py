"""How many replicas each of the selected clusters gets."""

from __future__ import annotations

from collections.abc import Sequence

from yuheng.model.propagation import Placement
from yuheng.placement.propagation.apportion import webster
from yuheng.placement.propagation.candidates import Candidate, TooSmall

__all__ = ["assign", "assign_by_tier", "assign_whole"]


def assign(
    placement: Placement, selected: Sequence[Candidate], replicas: int, *, fresh: bool = False
) -> dict[str, int]:
    """Replicas by cluster, as the placement's strategy has it; clusters that get none are left out.

    Duplicated and static weights do not look at room, as in Karmada.

    Args:
        placement: the placement.
        selected: the clusters, best first.
        replicas: how many there are to assign; those that run already are among them.
        fresh: whether to assign all of them anew; otherwise those that run already stay where they can.

    Raises:
        TooSmall: there is not enough room.
    """
    if placement.strategy == "Duplicated":
        return {found.name: replicas for found in selected} if replicas else {}
    if placement.strategy == "StaticWeight":
        return _static(selected, replicas, fresh=fresh)
    running = {found.name: found.previous for found in selected if found.previous}
    total = sum(running.values())
    aggregated = placement.strategy == "Aggregated"
    if fresh:
        return _divided({found.name: found.available for found in selected}, replicas, {}, aggregated=aggregated)
    if total > replicas:
        return _divided(running, replicas, {}, aggregated=aggregated)
    room = {found.name: found.allocatable for found in selected}
    growth = _divided(room, replicas - total, running, aggregated=aggregated)
    return {
        found.name: count for found in selected if (count := running.get(found.name, 0) + growth.get(found.name, 0))
    }


def assign_by_tier(
    placement: Placement, selected: Sequence[Candidate], replicas: int, *, fresh: bool = False
) -> dict[str, int]:
    """The same by the tiers of overflow affinities: each takes what it has room for before the next one gets any.

    Raises:
        TooSmall: there is not enough room in all of them.
    """
    assigned: dict[str, int] = {}
    left = replicas
    for tier in sorted({found.tier for found in selected}):
        members = [found for found in selected if found.tier == tier]
        part = min(left, sum(found.available for found in members))
        if part:
            assigned |= assign(placement, members, part, fresh=fresh)
        left -= part
        if not left:
            return assigned
    raise _too_small(replicas - left, replicas)


def assign_whole(
    placement: Placement, selected: Sequence[Candidate], replicas: int, *, fresh: bool = False
) -> dict[str, int]:
    """All replicas on one cluster: those of a gang cannot be divided.

    It stays where it runs, unless it is to be assigned anew; else it goes to the lowest tier, then the largest static
    weight, then the best score, then the most room.

    Raises:
        TooSmall: no cluster has room for all.
    """
    weights = _weights(selected) if placement.strategy == "StaticWeight" else {}
    fitting = [found for found in selected if found.available >= replicas and (not weights or weights[found.name])]
    if not fitting:
        most = max((found.available for found in selected), default=0)
        raise TooSmall(f"no cluster has room for all {replicas} pods that run together, at most for {most}")
    best = min(
        fitting,
        key=lambda found: (
            -found.previous if not fresh else 0,
            found.tier,
            -weights.get(found.name, 0),
            -found.score,
            -found.available,
            found.name,
        ),
    )
    return {best.name: replicas}


def _static(selected: Sequence[Candidate], replicas: int, *, fresh: bool) -> dict[str, int]:
    weights = _weights(selected)
    assigned = _present(webster(weights, replicas))
    running = {found.name: found.previous for found in selected if found.previous}
    # Karmada breaks ties by descending names for half of the workloads (by their UID): such a division is kept.
    if fresh or running == assigned or sum(running.values()) != replicas:
        return assigned
    return running if running == _present(webster(weights, replicas, last_wins=True)) else assigned


def _weights(selected: Sequence[Candidate]) -> dict[str, int]:
    """The weight of each cluster; the same for all where there is none that speaks of a selected one."""
    weights = {found.name: found.weight for found in selected}
    return weights if any(weights.values()) else dict.fromkeys(weights, 1)


def _divided(room: dict[str, int], replicas: int, running: dict[str, int], *, aggregated: bool) -> dict[str, int]:
    """Replicas divided by room; when aggregated, among as few clusters as have enough, those in use first."""
    total = sum(room.values())
    if total < replicas:
        raise _too_small(total, replicas)
    if aggregated:
        ordered = sorted(room, key=lambda name: (name not in running, -room[name]))
        room = {name: room[name] for name in _covering(ordered, room, replicas)}
    return _present(webster(room, replicas))


def _covering(ordered: Sequence[str], room: dict[str, int], replicas: int) -> Sequence[str]:
    """The shortest beginning that has enough room."""
    held = 0
    for count, name in enumerate(ordered, start=1):
        held += room[name]
        if held >= replicas:
            return ordered[:count]
    return ordered


def _present(replicas: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in replicas.items() if count}


def _too_small(room: int, replicas: int) -> TooSmall:
    return TooSmall(f"Clusters available replicas {room} are not enough to schedule {replicas}")
