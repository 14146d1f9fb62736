"""Which workloads are left alone for now, whatever the plan says of them, and what is told of it.

A workload that runs twice may do harm that no second dispatch mends; one that waits runs later. So what is not known
counts as not known, and never as not there: a cluster that does not answer, a kind that it does not let us list, a
group that does not say what it has. Of a workload on which some cluster tells the last decision that is no question,
since the decision names all clusters that have a share.

Two more wait: those that a cluster has under the name of another fleet (the fleet may have been renamed), and those
that have run to their end in a cluster that was given up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from yuheng.kubernetes.dispatching.notes import taken_already, waiting_for
from yuheng.kubernetes.dispatching.targets import Identity, identity_of

if TYPE_CHECKING:
    from yuheng.kubernetes.dispatching.decision import Decision
    from yuheng.kubernetes.dispatching.members import Reading
    from yuheng.kubernetes.dispatching.owned import Owned
    from yuheng.kubernetes.dispatching.runs import Runs
    from yuheng.model.fleet import FleetWorkload

__all__ = ["Holds", "ended", "in_doubt", "of_others"]


class Holds(NamedTuple):
    """Workloads that are left alone.

    Attributes:
        workloads: they.
        notes: why, a sentence each.
        failures: by cluster, what it does not tell, or has that is another's, in one line.
    """

    workloads: frozenset[Identity]
    notes: list[str]
    failures: dict[str, str]


def in_doubt(
    workloads: Iterable[FleetWorkload], known: Mapping[Identity, Decision], readings: Mapping[str, Reading | None]
) -> Holds:
    """The workloads that may run where nobody tells.

    Args:
        workloads: of the fleet.
        known: the last decisions that anybody tells.
        readings: what the clusters said that may have them; None for one that said nothing.
    """
    unread = {name for name, reading in readings.items() if reading is None}
    held: dict[Identity, set[str]] = {}
    failures: dict[str, str] = {}
    doubts: dict[tuple[str, str], dict[str, str]] = {}
    for workload in workloads:
        group = workload.api_version.rpartition("/")[0]
        what = group, workload.kind
        if what not in doubts:
            doubts[what] = {name: why for name, one in readings.items() if one and (why := one.unknown(*what))}
            for name, why in doubts[what].items():
                failures.setdefault(name, f"it is not known which {workload.kind}s it has: {why}")
        clusters = unread | doubts[what].keys()
        if clusters and identity_of(workload) not in known:
            held[identity_of(workload)] = clusters
    return Holds(frozenset(held), waiting_for(held, unread), failures)


def of_others(
    workloads: Iterable[FleetWorkload], known: Mapping[Identity, Decision], strangers: Mapping[str, Iterable[Owned]]
) -> Holds:
    """The workloads that a cluster has already, as those of another fleet.

    Args:
        workloads: of the fleet.
        known: the last decisions: of what the fleet has itself, another's is another.
        strangers: workloads of other fleets, by cluster.
    """
    wanted = {identity_of(workload) for workload in workloads} - known.keys()
    held: dict[Identity, str] = {}
    failures: dict[str, str] = {}
    for cluster, some in sorted(strangers.items()):
        for one in sorted((one for one in some if one.identity in wanted), key=lambda one: one.key):
            said = taken_already(*one.identity, one.fleet)
            failures.setdefault(cluster, said)
            held.setdefault(one.identity, f"{cluster}: {said}")
    return Holds(frozenset(held), list(held.values()), failures)


def ended(known: Mapping[Identity, Decision], lost: Iterable[str], runs: Runs) -> Holds:
    """The workloads that have run to their end in the clusters that were given up: they are not run again elsewhere.

    Args:
        known: the last decisions.
        lost: the clusters that are given up.
        runs: what has run to its end.
    """
    notes: dict[Identity, str] = {}
    given_up = frozenset(lost)
    for identity, decision in sorted(known.items()):
        shares = sorted(given_up & decision.replicas.keys())
        if shares and all(runs.is_over(name, identity) for name in shares):
            kind, key = identity
            notes[identity] = f"{kind} {key} ended in {', '.join(shares)} before that was given up: it is not run again"
    return Holds(frozenset(notes), list(notes.values()), {})
