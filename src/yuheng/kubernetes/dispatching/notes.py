"""What is told beside what was done: of workloads that wait, of clusters that are no more, of what a plan assumed.

What concerns prices, carbon and distances is told by ``yuheng plan``; here it would stand before what went wrong, at
each run, and nobody can mend it in a cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from yuheng.kubernetes.dispatching.decision import Decision
    from yuheng.kubernetes.dispatching.targets import Identity

__all__ = ["concerning", "left_behind", "waiting_for"]

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


def waiting_for(held: Iterable[Identity], unread: Iterable[str]) -> list[str]:
    """Why workloads wait of which nobody who answers knows anything.

    Args:
        held: the workloads.
        unread: the clusters that do not answer.
    """
    names = sorted(unread)
    they, asked = ("it", "it runs") if len(names) == 1 else ("one of them", "they run")
    without = " ".join(f"--without cluster={name}" for name in names)
    return [
        f"{kind} {key} waits: {', '.join(names)} cannot be read, and {they} may have it; {without} says that {asked} "
        "nothing of it"
        for kind, key in sorted(held)
    ]


def left_behind(known: Mapping[Identity, Decision], clusters: Iterable[str]) -> list[str]:
    """What stays in clusters that are in the fleet no more.

    Args:
        known: the last decision on each workload.
        clusters: of the fleet.
    """
    here = set(clusters)
    return [
        f"{kind} {key}: cluster {name} is not in the fleet any more: {count} replicas stay there, and count no longer"
        for (kind, key), decision in sorted(known.items())
        for name, count in decision.replicas.items()
        if name not in here
    ]
