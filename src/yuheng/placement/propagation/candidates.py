"""The clusters that may take a workload, with what decides between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from operator import attrgetter
from typing import Final

from yuheng.model.fleet import Cluster

__all__ = ["UNLIMITED", "Candidate", "TooSmall", "Unschedulable", "in_order"]

# Headroom from here on is no number: as many replicas fit as there are (Karmada's math.MaxInt32).
UNLIMITED: Final = 2**31 - 1
_name, _tier_and_score, _available = attrgetter("name"), attrgetter("tier", "score"), attrgetter("available")


class Unschedulable(Exception):  # noqa: N818 -- an answer, not an error: it ends as the reason of a `Propagation`
    """The candidates cannot take the workload; the message is the reason."""


class TooSmall(Unschedulable):
    """The candidates have too little room."""


class Candidate:
    """A cluster that may take a workload.

    Attributes:
        cluster: the cluster.
        name: of the cluster.
        score: the larger, the better.
        tier: 0 for the affinity itself, 1 and more for its overflow affinities.
        weight: the largest static weight that speaks of it; 0 when none does.
        previous: replicas that it runs already.
    """

    __slots__ = (
        "_allocatable",
        "_headroom",
        "_replicas",
        "cluster",
        "name",
        "previous",
        "score",
        "tier",
        "weight",
    )

    def __init__(
        self,
        cluster: Cluster,
        *,
        score: float,
        tier: int,
        weight: int,
        previous: int,
        replicas: int,
        headroom: Callable[[str], int],
    ) -> None:
        """Take a cluster in.

        Args:
            cluster: the cluster.
            score: the larger, the better.
            tier: of the affinity that it is in.
            weight: the largest static weight that speaks of it.
            previous: replicas that it runs already.
            replicas: of the whole workload.
            headroom: how many more replicas fit; asked when it matters, and once.
        """
        self.cluster = cluster
        self.name = cluster.name
        self.score = score
        self.tier = tier
        self.weight = weight
        self.previous = previous
        self._replicas = replicas
        self._headroom = headroom
        self._allocatable: int | None = None

    @property
    def allocatable(self) -> int:
        """How many replicas fit beside what runs."""
        if self._allocatable is None:
            found = self._headroom(self.name)
            self._allocatable = self._replicas if found >= UNLIMITED else max(found, 0)
        return self._allocatable

    @property
    def available(self) -> int:
        """How many replicas could be there: those that are, and those that fit beside them."""
        room = self._allocatable
        return (self.allocatable if room is None else room) + self.previous


def in_order(candidates: Iterable[Candidate], *, needed: bool = True) -> list[Candidate]:
    """The candidates, best first: by tier, score, availability, and name.

    Args:
        candidates: in any order.
        needed: whether more than the set of them matters; otherwise nobody is asked for headroom.
    """
    by_score = sorted(candidates, key=_name)
    if len(set(map(_tier_and_score, by_score))) > 1:
        by_score.sort(key=lambda found: (found.tier, -found.score))
    if not needed:
        return by_score
    ordered: list[Candidate] = []
    for _, group in groupby(by_score, key=_tier_and_score):
        equals = list(group)
        # Equals keep their order.
        ordered += equals if len(equals) == 1 else sorted(equals, key=_available, reverse=True)
    return ordered
