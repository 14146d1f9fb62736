"""The steps as they are carried out: nodes cordoned, pods evicted, placed where the cluster's scheduler puts them.

All chosen nodes are cordoned before the first eviction, so that no pod is sent to a node that goes after it. Then they
are emptied one by one. A node whose pods find no place that way takes pods again. In the end whatever is left over is
tried once more, with the pods that came to it: what still finds no place is why a node stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from yuheng.finops.consolidation.ground import Ground
from yuheng.finops.consolidation.housing import Housing
from yuheng.finops.consolidation.obstacles import rounds
from yuheng.finops.consolidation.replacement import Machine, Replacements
from yuheng.finops.consolidation.worth import node_disruption
from yuheng.model.consolidation import Relocation, Stay, Step

__all__ = ["Execution"]

_ENOUGH: Final = "as many nodes go as were asked for"


class Execution:
    """Steps in the making.

    Attributes:
        steps: those that were taken.
        stays: by number of a node that was tried and stays, why.
        replaced: by pod on a machine that replaces its node, the name of that.
    """

    def __init__(self, ground: Ground, housing: Housing, most: int) -> None:
        """Begin.

        Args:
            ground: the cluster.
            housing: the same, compiled.
            most: how many steps may be taken.
        """
        self._ground = ground
        self._housing = housing
        self._most = most
        self.steps: list[Step] = []
        self.stays: dict[int, Stay] = {}
        self.replaced: dict[int, str] = {}

    def run(self, nodes: Sequence[int], others: Sequence[int]) -> None:
        """Empty nodes.

        Args:
            nodes: those that were chosen, in their order.
            others: all that may go; those that are left over are tried last.
        """
        self._housing.close(nodes)
        for n in nodes:
            if not self._empty(n):
                self._housing.open([n])
        for n in others:
            if self._housing.is_removed(n):
                continue
            if len(self.steps) >= self._most:
                self._stay(n, _ENOUGH)
                continue
            self._housing.close([n])
            if not self._empty(n):
                self._housing.open([n])

    def replace(self, nodes: Sequence[int], found: Replacements) -> None:
        """Replace nodes that stay by cheaper machines.

        Args:
            nodes: those that have no obstacle, in their order.
            found: finds machines.
        """
        for n in nodes:
            if len(self.steps) >= self._most:
                return
            if self._housing.is_removed(n):
                continue
            here = self.pods_on(n)
            machine = found.cheapest(n, here)
            disruption = node_disruption(self._ground.costs[i] for i in here)
            saved = float(self._ground.per_hour[n]) - machine.per_hour if machine is not None else 0.0
            if machine is None or not self._ground.worth(saved, disruption).is_approved:
                continue
            self.stays.pop(n, None)
            self.steps.append(self._step(n, here, disruption, machine))
            for i in here:
                self.replaced[i] = machine.node.name
            self._housing.vacate([*here, *self._ground.vanishing(n)])
            self._housing.remove([n])

    def _empty(self, n: int) -> bool:
        """Empty a node that is closed and take it away; whether that was possible, and worth it."""
        ground, housing = self._ground, self._housing
        here = self.pods_on(n)
        disruption = node_disruption(ground.costs[i] for i in here)
        worth = ground.worth(float(ground.per_hour[n]), disruption)
        if not worth.is_approved:
            self._stay(n, f"with the pods that came to it: {worth.refusal}")
            return False
        told = housing.rehouse(here)
        if told.refused is not None:
            pod = ground.snapshot.pods[told.refused.pod].key
            self._stay(n, f"{pod}: {told.refused.message}", pod)
            return False
        self.stays.pop(n, None)
        self.steps.append(self._step(n, told.placed, disruption))
        housing.vacate(ground.vanishing(n))
        housing.remove([n])
        return True

    def pods_on(self, n: int) -> list[int]:
        """The pods that are on a node by now and would have to move, in the order of their eviction."""
        here = np.flatnonzero(self._housing.home == n).tolist()
        own = {i: place for place, i in enumerate(self._ground.pods_on[n])}
        moving = [i for i in here if not self._ground.fates[i].vanishes]
        return sorted(moving, key=lambda i: (own.get(i, len(own)), i))

    def _stay(self, n: int, reason: str, pod: str = "") -> None:
        self.stays[n] = Stay(self._ground.snapshot.nodes[n].name, float(self._ground.per_hour[n]), reason, pod)

    def place_of(self, pod: int) -> str:
        """The name of the node that a pod is on by now."""
        return self.replaced.get(pod) or self._ground.snapshot.nodes[int(self._housing.home[pod])].name

    def _step(self, n: int, pods: Sequence[int], disruption: float, machine: Machine | None = None) -> Step:
        """The step that removes a node whose pods have just left it, or are to go to the machine in its place."""
        ground, housing = self._ground, self._housing
        price, name = ground.prices[n], machine.node.name if machine is not None else ""
        saved = price.per_hour - (machine.per_hour if machine is not None else 0.0)
        evicted = [i for i in pods if not ground.is_fresh(i)]
        turns = rounds([ground.fates[i] for i in evicted])
        return Step(
            node=ground.snapshot.nodes[n].name,
            instance_type=price.instance_type,
            market=price.market,
            replacement=machine.instance_type if machine is not None else "",
            replacement_node=name,
            per_hour=saved,
            disruption=disruption,
            score=ground.worth(saved, disruption).score,
            evictions=tuple(
                Relocation(ground.snapshot.pods[i].key, name or self.place_of(i), housing.devices(i), turn)
                for i, turn in zip(evicted, turns, strict=True)
            ),
            vanish=tuple(ground.snapshot.pods[i].key for i in ground.vanishing(n)),
        )
