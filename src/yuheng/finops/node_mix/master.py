"""The linear program over patterns: so many machines of each pattern that all pods are held, at the least price.

It grows by columns and keeps its basis, so that solving it again takes a few steps of the simplex method.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import highspy
import numpy as np
from numpy.typing import NDArray

from yuheng.finops.node_mix.problem import Amounts

__all__ = ["Master", "Prices"]

_INFINITY: Final = highspy.kHighsInf


class Prices(NamedTuple):
    """A solution of the linear program.

    Attributes:
        value: US dollars per hour.
        duals: (I,) what one more pod of each kind would add to it; 0 or more.
        numbers: (columns,) how many machines of each pattern, fractions of them too.
    """

    value: float
    duals: NDArray[np.float64]
    numbers: NDArray[np.float64]


class Master:
    """Columns and their linear program.

    Args:
        counts: (I,) how many pods of each kind there are.

    Attributes:
        machine: of each column.
        price: of each column's machine.
        held: (I,) pods on one machine, of each column.
    """

    def __init__(self, counts: Amounts) -> None:
        self.machine: list[int] = []
        self.price: list[float] = []
        self.held: list[Amounts] = []
        self._known: set[tuple[int, bytes]] = set()
        self._counts = counts
        self._solver = _solver()
        for number in counts.tolist():
            self._solver.addRow(float(number), _INFINITY, 0, np.zeros(0, dtype=np.int32), np.zeros(0))

    def __len__(self) -> int:
        return len(self.machine)

    def add(self, machine: int, price: float, held: Amounts) -> bool:
        """Add a pattern; whether it is a new one."""
        key = (machine, held.tobytes())
        if key in self._known or not held.any():
            return False
        self._known.add(key)
        self.machine.append(machine)
        self.price.append(price)
        self.held.append(held.copy())
        rows = np.flatnonzero(held).astype(np.int32)
        self._solver.addCol(price, 0.0, _INFINITY, len(rows), rows, held[rows].astype(np.float64))
        return True

    def solve(self) -> Prices:
        """The optimum over the columns so far; every kind is in one of them."""
        self._solver.run()
        solution = self._solver.getSolution()
        duals = np.maximum(np.array(solution.row_dual), 0.0)
        return Prices(float(self._solver.getObjectiveValue()), duals, np.array(solution.col_value))

    def columns(self, chosen: Sequence[int]) -> Amounts:
        """(chosen, I) the patterns of some columns."""
        return np.array([self.held[column] for column in chosen], dtype=np.int64).reshape(-1, len(self._counts))


def _solver() -> highspy.Highs:
    solver = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy annotates in part
    options = (("output_flag", False), ("threads", 1), ("parallel", "off"), ("random_seed", 0), ("solver", "simplex"))
    for name, value in options:
        solver.setOptionValue(name, value)
    return solver
