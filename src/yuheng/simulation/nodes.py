"""Which nodes are there, why not, and who is on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from yuheng.simulation.record import NodeSpan, Record

__all__ = ["Nodes"]


class Nodes:
    """The nodes of a simulation by number.

    A node *exists* from when it was added until it is removed, or its market reclaims it; only then is it paid for. It
    *takes pods* while it exists and nothing closes it: a failure, a cordon. A node can be away or closed for several
    reasons at once; it is back when none is left.

    Attributes:
        pods: by node, the pods on it.
    """

    def __init__(self, count: int, absent: Iterable[int], record: Record) -> None:
        self.pods: list[set[int]] = [set() for _ in range(count)]
        self._record = record
        self._away: list[Counter[str]] = [Counter() for _ in range(count)]
        self._closed: list[Counter[str]] = [Counter() for _ in range(count)]
        self._since: list[float] = [0.0] * count
        for node in absent:
            self._away[node]["removed"] = 1

    def exists(self, node: int) -> bool:
        """Whether a node is there at all."""
        return not self._away[node]

    def takes_pods(self, node: int) -> bool:
        """Whether pods may be bound to a node."""
        return not self._away[node] and not self._closed[node]

    def to_be_had(self, node: int) -> bool:
        """Whether a node's market has capacity."""
        return "reclaimed" not in self._away[node]

    def vanish(self, node: int, cause: str, now: float) -> None:
        """A node is there no more: it was removed, or its market is gone."""
        if self.exists(node):
            self._record.spans.append(NodeSpan(node, self._since[node], now))
        self._away[node][cause] = 1

    def appear(self, node: int, cause: str, now: float) -> bool:
        """What kept a node away is over; whether it takes pods from now on, and did not before."""
        if cause not in self._away[node]:
            return False
        del self._away[node][cause]
        if self.exists(node):
            self._since[node] = now
        return self.takes_pods(node)

    def close(self, node: int, cause: str) -> None:
        """Nothing new may be bound to a node; of failures, each has to be repaired."""
        self._closed[node][cause] = self._closed[node][cause] + 1 if cause == "failed" else 1

    def reopen(self, node: int, cause: str) -> bool:
        """What kept a node closed is over; whether it takes pods from now on, and did not before."""
        closed = self._closed[node]
        if cause not in closed:
            return False
        closed[cause] -= 1
        if not closed[cause]:
            del closed[cause]
        return self.takes_pods(node)

    def finish(self, now: float) -> None:
        """Write down the nodes that exist to the end; nothing after it counts."""
        for node in range(len(self.pods)):
            if self.exists(node):
                self._record.spans.append(NodeSpan(node, self._since[node], now))
        spans = self._record.spans
        spans[:] = [NodeSpan(one.node, one.since, min(one.until, now)) for one in spans if one.since < now]
