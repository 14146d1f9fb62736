"""What is told beside what was done: of workloads that wait, of clusters that are no more, of what a plan assumed.

What concerns prices, carbon and distances is told by ``yuheng plan``; here it would stand before what went wrong, at
each run, and nobody can mend it in a cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Final

from yuheng.model.words import first_of

if TYPE_CHECKING:
    from yuheng.kubernetes.dispatching.decision import Decision
    from yuheng.kubernetes.dispatching.owned import Owned
    from yuheng.kubernetes.dispatching.targets import Identity

__all__ = ["concerning", "left_behind", "moved", "not_looked_through", "taken_already", "waiting_for"]

_OF_PLANS: Final = re.compile(
    r"no Region describes|no region is known of|no carbon intensity|the price book has no price|no nodes are known of"
    r"|only the sum of free|\d+ workloads? ha(s|ve) replicas in clusters that do not show them"
)


def concerning(warnings: Iterable[str]) -> list[str]:
    """The warnings of a plan that concern who carries it out.

    Args:
        warnings: all of them.
    """
    return [one for one in warnings if not _OF_PLANS.match(one)]


def not_looked_through(refused: Sequence[str], failed: Mapping[str, str], silent: Mapping[str, str]) -> list[str]:
    """What could not be looked through for what is no longer wanted.

    Args:
        refused: names of kinds that no role allows to list.
        failed: why others could not be listed, by their names.
        silent: why groups did not say what they have, by their names.
    """
    start = "not looked through for what is no longer wanted"
    notes = [f"{start}: {first_of(refused)}: no role allows to list them"] if refused else []
    notes += [f"{start}: {name}: {why}" for name, why in failed.items()]
    return [*notes, *(f"{start}: kinds of {name or 'the core'}: {why}" for name, why in silent.items())]


def waiting_for(held: Mapping[Identity, Iterable[str]], unread: Set[str]) -> list[str]:
    """Why workloads wait of which nobody who answers knows anything.

    Args:
        held: the workloads, and the clusters that may have them.
        unread: those of the clusters that do not answer at all.
    """
    notes = []
    for (kind, key), clusters in sorted(held.items()):
        names = sorted(clusters)
        they, asked = ("it", "it runs") if len(names) == 1 else ("one of them", "they run")
        without = " ".join(f"--without cluster={name}" for name in names)
        read = "cannot be read" if unread >= set(names) else f"cannot be looked through for {kind}s"
        notes.append(
            f"{kind} {key} waits: {', '.join(names)} {read}, and {they} may have it; {without} says that {asked} "
            "nothing of it"
        )
    return notes


def taken_already(kind: str, key: str, fleet: str) -> str:
    """Why a workload waits that a cluster has as one of another fleet.

    Args:
        kind: of the workload.
        key: ``namespace/name``.
        fleet: the name of the other fleet.
    """
    return (
        f"{kind} {key}: it belongs to the fleet {fleet!r}, and would run twice: --force-conflicts takes it over, "
        "--name with the old name goes on as before"
    )


def left_behind(
    known: Mapping[Identity, Decision], clusters: Iterable[str], shares: Mapping[str, Iterable[Owned]]
) -> list[str]:
    """What stays in clusters that are in the fleet no more.

    Args:
        known: the last decision on each workload.
        clusters: of the fleet.
        shares: what clusters have: one that has a share which was another's is that other, under a new name.
    """
    here = set(clusters)
    renamed = {
        (one.identity, name)
        for cluster, some in shares.items()
        for one in some
        if one.decision is not None and cluster not in one.decision.replicas
        for name in one.decision.replicas
    }
    return [
        f"{kind} {key}: cluster {name} is not in the fleet any more: {count} replicas stay there, and count no longer"
        for (kind, key), decision in sorted(known.items())
        for name, count in decision.replicas.items()
        if name not in here and ((kind, key), name) not in renamed
    ]


def moved(known: Mapping[Identity, Decision], now: Mapping[Identity, Decision]) -> Iterable[str]:
    """The workloads whose shares changed, each in words.

    Args:
        known: the decisions before.
        now: the decisions.
    """
    for (kind, key), decision in sorted(now.items()):
        before = known.get((kind, key))
        if before is not None and before.replicas != decision.replicas:
            yield f"{kind} {key}: {_in_words(before.replicas)} -> {_in_words(decision.replicas)}"


def _in_words(replicas: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in replicas.items()) or "nowhere"
