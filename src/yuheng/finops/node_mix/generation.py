"""Column generation: patterns are made up as they turn out to be worth more than their machine costs.

The master program prices pods; pricing looks for a pattern that is worth more than its machine at those prices. When
there is none, the master's value is the least that any mix costs, fractions of machines allowed. Before that, prices
scaled down by the largest ratio of worth to price are feasible for the dual, and so a bound (Farley, 1990): it holds
whenever the search stops.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.node_mix.flow import flow
from yuheng.finops.node_mix.master import Master, Prices
from yuheng.finops.node_mix.pricing import Knapsacks
from yuheng.finops.node_mix.problem import Amounts, Problem

__all__ = ["Generated", "Generation"]

ROUNDS: Final = 400
# A pattern has to be worth this much more than its machine, relative to it.
WORTHWHILE: Final = 1e-6
# The bound is good enough when it is this near to the master's value.
NEAR: Final = 2e-3
# How far prices follow the master's at each step; the rest stays with the best prices so far (Wentges, 1997).
FOLLOW: Final = 0.3


class Generated(NamedTuple):
    """What column generation found.

    Attributes:
        master: all patterns.
        prices: the last solution.
        bound: no mix costs less, in US dollars per hour.
    """

    master: Master
    prices: Prices
    bound: float


class Generation:
    """Column generation on one problem, to be gone on with when better patterns come to be known.

    Args:
        problem: pods and machines; every kind is held by one machine at least.
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        alone = np.minimum(problem.alone(), problem.counts[None, :])
        first = flow(problem, alone)
        self._knapsacks = Knapsacks(problem, alone, first.worth)
        self._master = Master(problem.counts)
        self._bound = first.bound
        self._center = first.duals
        self._exact = 0
        self._add_plain()

    def add(self, m: int, held: Amounts) -> bool:
        """Add a pattern of a machine; whether it is a new one."""
        return self._master.add(m, float(self._problem.prices[m]), held)

    def _add_plain(self) -> None:
        """For each kind the machine that holds it cheapest when it is filled with nothing else."""
        alone = self._knapsacks.alone
        each = np.where(alone > 0, self._problem.prices[:, None] / np.maximum(alone, 1), np.inf)
        for i, m in enumerate(each.argmin(axis=0).tolist()):
            held = np.zeros(self._problem.kinds, dtype=np.int64)
            held[i] = alone[m, i]
            self.add(m, held)

    def go(self, exact: int) -> Generated:
        """Make up patterns until none is missing, or enough was tried.

        Args:
            exact: how many knapsacks are solved exactly at most.
        """
        prices, most = self._master.solve(), self._exact + exact
        for _ in range(ROUNDS):
            if self._bound >= prices.value * (1 - NEAR):
                break
            duals = FOLLOW * prices.duals + (1 - FOLLOW) * self._center
            if not self._quick(duals) and not self._closely(duals, most):
                if self._exact >= most:
                    break
                continue
            prices = self._master.solve()
        return Generated(self._master, prices, self._bound)

    def _quick(self, duals: NDArray[np.float64]) -> int:
        """Add what is found quickly; how many patterns."""
        grown = 0
        for m, held, worth in self._knapsacks.quick(duals):
            if worth > self._problem.prices[m] * (1 + WORTHWHILE):
                grown += self.add(m, held)
        return grown

    def _closely(self, duals: NDArray[np.float64], most: int) -> int:
        """Look at every machine as closely as it needs; how many patterns were added. Betters the bound."""
        prices, grown, ratio = self._problem.prices, 0, 1.0
        for m, price in enumerate(prices.tolist()):
            enough = price * (1 + WORTHWHILE)
            found = self._knapsacks.best(m, duals, enough, exactly=self._exact < most)
            self._exact += found.bound > enough or found.value > 0
            if found.value > enough:
                grown += self.add(m, found.held)
            ratio = max(ratio, found.bound / price if price > 0 else 1.0)
        bound = float(duals @ self._problem.counts) / ratio
        if bound > self._bound:
            self._bound, self._center = bound, duals / ratio
        return grown
