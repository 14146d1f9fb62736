"""The method of Webster and Sainte-Laguë: seats for parties by their votes, replicas for clusters by their weights."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

__all__ = ["webster"]


def webster(votes: Mapping[str, int], seats: int, *, last_wins: bool = False) -> dict[str, int]:
    """Divide seats: each next one goes to the party with the largest ``votes / (2 * seats + 1)``.

    Between equals the party with fewer seats comes first, then the one whose name does. Parties without votes get
    nothing. It takes time in proportion to the number of parties, however many seats there are.

    Args:
        votes: by party, 0 or more.
        seats: how many there are to divide.
        last_wins: between equals with the same number of seats, the name that comes last wins.

    Returns:
        Seats by party, for all parties, in the order of their names; no seats at all when nobody has votes.
    """
    taken = dict.fromkeys(sorted(votes, reverse=last_wins), 0)
    parties = {name: rank for rank, name in enumerate(taken) if votes[name] > 0}
    total = sum(votes[name] for name in parties)
    if not total:
        return dict(sorted(taken.items()))
    for name in parties:
        taken[name] = _sure(votes[name], total, seats, len(parties))
    heap = [(*_place(votes[name], taken[name]), rank, name) for name, rank in parties.items()]
    heapq.heapify(heap)
    for _ in range(seats - sum(taken.values())):
        _, _, rank, name = heap[0]
        taken[name] += 1
        heapq.heapreplace(heap, (*_place(votes[name], taken[name]), rank, name))
    return dict(sorted(taken.items()))


def _place(votes: int, seats: int) -> tuple[float, int]:
    """The key by which a party is served: the largest quotient first, then the fewest seats."""
    return -votes / (2 * seats + 1), seats


def _sure(votes: int, total: int, seats: int, parties: int) -> int:
    """Seats that a party gets before it has to be compared with others.

    Its seats whose quotient is above ``total / (2 * seats - parties)``. All parties' together are not more than there
    are (each has less than half a seat above its share of ``seats - parties / 2``), so they are the first ones taken.
    """
    above = votes * (2 * seats - parties) - total
    return max(-(-above // (2 * total)), 0)
