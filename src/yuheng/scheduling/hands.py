"""Classes that stay in hand for as long as a state lives, and the log that they follow it by."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from yuheng.scheduling.cycle import catch_up
from yuheng.scheduling.engine import Engine, Hand

__all__ = ["Hands"]


class Hands:
    """The classes in hand; the one that was not asked for longest makes way."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._hands: OrderedDict[int, Hand] = OrderedDict()
        self._random = np.random.Generator(np.random.PCG64([engine.seed, 1]))

    def prepare(self, numbers: Sequence[int]) -> None:
        """Take classes in hand ahead of their turn, as many as may be at once."""
        for number in dict.fromkeys(numbers):
            if len(self._hands) >= self._engine.window_size:
                break
            self.hand(number)

    def take(self, numbers: Sequence[int]) -> None:
        """Take classes in hand in one window; they are no more than may be at once."""
        self._hands.update(self._engine.take(numbers))

    def drop(self) -> None:
        """Put all classes down: they are compiled anew when they are asked for."""
        self._hands.clear()

    def hand(self, number: int) -> Hand:
        """A class in hand."""
        found = self._hands.get(number)
        if found is not None:
            self._hands.move_to_end(number)
            return found
        found = self._engine.take([number])[number]
        self._hands[number] = found
        if len(self._hands) > self._engine.window_size:
            self._hands.popitem(last=False)
        return found

    def make_room(self, lines: int) -> None:
        """Fold the log when it has no room for more lines."""
        engine, cluster = self._engine, self._engine.cluster
        if int(cluster.log_size[0]) + lines <= len(cluster.log_node):
            return
        for hand in self._hands.values():
            catch_up(cluster, hand.window, hand.counters, engine.rules, hand.row)
            hand.window.seen[hand.row] = 0
        engine.compiler.fold()
        cluster.log_devices[:] = 0
        cluster.log_size[0] = 0
        # Each line has a number of its own: those of the lines that were folded are used up.
        cluster.draws[:] = self._random.integers(0, 2**62, len(cluster.draws))
