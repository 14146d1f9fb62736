"""What is remembered of a fleet: the last decision on each workload, from whoever tells it.

Clusters tell by what is written on their shares, and a process that stays remembers what they told before. Of several
decisions the last one counts. A fleet is planned as it was decided, so that nothing moves by being looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import msgspec

from yuheng.kubernetes.dispatching.decision import Decision, newest
from yuheng.kubernetes.dispatching.targets import Identity, identity_of

if TYPE_CHECKING:
    from yuheng.kubernetes.dispatching.members import Reading
    from yuheng.kubernetes.dispatching.owned import Owned
    from yuheng.model.fleet import Fleet, FleetWorkload

__all__ = ["known_of", "remembered"]


def known_of(
    fleet: Fleet, readings: Iterable[Reading], last: Mapping[Identity, Decision], *, force: bool
) -> dict[Identity, Decision]:
    """The last decision on each workload, of all that anybody knows.

    Args:
        fleet: whose workloads.
        readings: what clusters said, and say.
        last: what is remembered.
        force: whether decisions of other fleets count where there is none of this one.
    """
    said = list(readings)
    known = _latest(one for reading in said for one in reading.owned)
    for identity, decision in last.items():
        known[identity] = newest((decision, known[identity])) or decision if identity in known else decision
    if force:
        known = _latest(one for reading in said for one in reading.strangers) | known
    wanted = {identity_of(workload) for workload in fleet.workloads}
    return {one: decision for one, decision in known.items() if one in wanted}


def remembered(fleet: Fleet, known: Mapping[Identity, Decision], *, failback: bool) -> Fleet:
    """The fleet with its workloads where the last decisions put them, whatever runs where already.

    Args:
        fleet: as it was read.
        known: the last decisions.
        failback: whether those before clusters were given up count instead.
    """
    found: Fleet = msgspec.structs.replace(
        fleet, workloads=tuple(_as_decided(one, known.get(identity_of(one)), failback) for one in fleet.workloads)
    )
    return found


def _as_decided(workload: FleetWorkload, decision: Decision | None, failback: bool) -> FleetWorkload:
    if decision is None:
        return workload
    shares = decision.before if failback and decision.before else decision.replicas
    running = {name: keys for name, keys in workload.running.items() if name in shares}
    placed: FleetWorkload = msgspec.structs.replace(workload, previous=dict(shares), running=running)
    return placed


def _latest(found: Iterable[Owned]) -> dict[Identity, Decision]:
    """The last decision on each workload of which there is a share; what has no decision is none."""
    decisions: dict[Identity, list[Decision]] = {}
    for one in found:
        if one.decision is not None:
            decisions.setdefault(one.identity, []).append(one.decision)
    return {identity: last for identity, some in decisions.items() if (last := newest(some)) is not None}
