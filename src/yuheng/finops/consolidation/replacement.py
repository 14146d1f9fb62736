"""Cheaper machines in the place of nodes that stay.

A node is replaced by a machine of its own family (its architecture, its disks and its network are alike) that holds all
pods which are on it by then, in its zone and its pool. Only pods that have no hard rules about other pods are moved
that way: for them nothing decides but what the new node is and has. Karpenter does the same with one node at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from yuheng.finops.consolidation.ground import Ground
from yuheng.finops.consolidation.housing import Housing
from yuheng.finops.machine import in_place_of
from yuheng.finops.node_mix.kinds import family
from yuheng.model.node import Node
from yuheng.model.prices import Price, PriceBook
from yuheng.scheduling.whatif import admits

__all__ = ["Machine", "Replacements"]


class Machine(NamedTuple):
    """A machine in a node's place.

    Attributes:
        node: the node that it would be.
        per_hour: US dollars per hour.
        instance_type: its type.
    """

    node: Node
    per_hour: float
    instance_type: str


class Replacements:
    """Finds machines for nodes.

    Args:
        ground: the cluster.
        housing: the same, compiled.
        book: the machines and their prices.
        time: when prices are looked up, in seconds since the epoch.
    """

    def __init__(self, ground: Ground, housing: Housing, book: PriceBook, time: float) -> None:
        self._ground = ground
        self._housing = housing
        self._book = book
        self._time = time
        self._types: dict[str, list[str]] = {}
        for kind in sorted({row.instance_type for row in book}):
            self._types.setdefault(family(kind), []).append(kind)

    def cheapest(self, n: int, pods: Sequence[int]) -> Machine | None:
        """The cheapest machine that could stand in a node's place and costs less; None where there is none.

        Args:
            n: the node.
            pods: those that it holds and that would move.
        """
        if any(self._housing.has_hard_rules(i) for i in pods):
            return None
        needs = self._needs(pods, self._ground.vanishing(n))
        for machine in sorted(self._offers(n), key=lambda one: (one.per_hour, one.instance_type)):
            holds = all(machine.node.allocatable.get(name, 0) >= amount for name, amount in needs.items())
            if holds and all(self._admits(i, machine.node) for i in pods):
                return machine
        return None

    def _needs(self, pods: Iterable[int], daemons: Iterable[int]) -> Counter[str]:
        """What all pods of the node ask for together, those that end with it and start again on the next included."""
        needs: Counter[str] = Counter()
        for i in (*pods, *daemons):
            pod = self._ground.snapshot.pods[i]
            if not pod.terminating:
                needs.update(pod.spec.requests)
                needs["pods"] += 1
        return needs

    def _offers(self, n: int) -> Iterable[Machine]:
        """The machines of the node's family that cost less and have the GPUs it has."""
        old, price = self._ground.snapshot.nodes[n], self._ground.prices[n]
        if price.price is None:
            return
        for kind in self._types.get(family(price.instance_type), ()):
            row = self._book.find(
                kind,
                price.market,
                provider=price.price.provider,
                region=price.region,
                zone=price.zone,
                time=self._time,
            )
            shape = self._book.shape(kind)
            if row is None or shape is None or row.per_hour >= price.per_hour or not _has_size(shape):
                continue
            if shape.gpus == old.devices.count:
                node = in_place_of(old, f"{old.name}-{kind}", shape, price.market)
                yield Machine(node, row.per_hour, kind)

    def _admits(self, pod: int, node: Node) -> bool:
        return admits(self._housing.engine, self._ground.snapshot.pods[pod], node)


def _has_size(shape: Price) -> bool:
    return shape.cpu_milli > 0 and shape.memory > 0
