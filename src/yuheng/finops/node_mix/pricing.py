"""Which pattern is worth more than its machine costs: the pricing problem of column generation.

Given what a pod of each kind is worth (the duals of the master program), the most valuable set of pods that a machine
holds is a knapsack with several resources and bounds. It is asked three times, each time better and dearer:

- *quickly*: pods in the order of worth by size, under several opinions on size, on all machines at once (`quick`)
- *bounded*: the linear relaxation, an upper bound on what any pattern of the machine is worth
- *exactly*: as a program with whole numbers (`best`): a pattern, and a bound that holds even when the search is cut off

GPUs that pods share are bins inside the bin. The programs hold them to sums that every packing of shares meets (see
`yuheng.finops.node_mix.flow`): a bound stays a bound, and a pattern found so is packed onto GPUs before it counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.node_mix.fill import empty_bins, fill, put
from yuheng.finops.node_mix.flow import ORDERS, parts_of
from yuheng.finops.node_mix.problem import DEVICE, Amounts, Problem
from yuheng.placement.program import Program

__all__ = ["Knapsacks", "Worth"]

Values = NDArray[np.float64]
# Nodes of the search tree of one knapsack, and how near its bound a pattern is good enough.
NODES: Final = 20
GAP: Final = 3e-3
ITERATIONS: Final = 100_000
# Kinds that a machine is begun with in turn, opinions on size under which it is, and patterns kept of each machine.
SEEDS: Final = 32
SEEDED: Final = 2
BEST: Final = 6
# A bound that comes from floating point is taken a little wider than it is told.
SAFETY: Final = 1e-7


class Worth(NamedTuple):
    """A machine's most valuable pattern.

    Attributes:
        bound: no pattern of the machine is worth more.
        held: (I,) the best pattern that was found.
        value: what it is worth.
    """

    bound: float
    held: Amounts
    value: float


class Knapsacks:
    """The pricing problems of all machines.

    Args:
        problem: pods and machines.
        worth: (M, D) what rows of `parts_of` are worth on each machine, as the flow found it.

    Attributes:
        alone: (M, I) how many pods of a kind an empty machine holds, of those there are.
    """

    def __init__(self, problem: Problem, alone: Amounts, worth: Values) -> None:
        self._problem = problem
        self.alone = alone
        self._worth = worth
        self._parts = np.stack([parts_of(problem, m) for m in range(problem.machines)])

    def quick(self, duals: Values) -> Iterator[tuple[int, Amounts, float]]:
        """Patterns of all machines, the best few of each, with their worth: (machine, pods, US dollars)."""
        useful = np.flatnonzero((duals > 0) & self._problem.open.any(axis=0))
        if not len(useful):
            return
        limit = np.where(duals > 0, self.alone, 0)
        found: list[tuple[Amounts, Amounts]] = []
        for opinion in self._opinions():
            size = np.maximum(np.einsum("mid,md->mi", self._parts[:, useful], opinion), 1e-12)
            order = useful[np.argsort(-(duals[None, useful] / size), axis=1, kind="stable")]
            found.append(self._filled(np.arange(self._problem.machines), order, limit, None))
            if len(found) <= SEEDED:
                found += [self._seeded(order, limit, most) for most in (1, None)]
        machine = np.concatenate([bins for bins, _ in found])
        held = np.concatenate([pods for _, pods in found])
        worth = held @ duals
        order = np.lexsort((-worth, machine))
        starts = np.flatnonzero(np.diff(machine[order], prepend=-1))
        rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
        for b in order[rank < BEST].tolist():
            yield int(machine[b]), held[b], float(worth[b])

    def _filled(
        self, machine: Amounts, order: Amounts, limit: Amounts, first: tuple[Amounts, Amounts] | None
    ) -> tuple[Amounts, Amounts]:
        bins = empty_bins(self._problem, machine)
        if first is not None:
            put(self._problem, bins, *first)
        fill(self._problem, bins, order, limit[machine] - bins.held)
        return machine, bins.held

    def _seeded(self, order: Amounts, limit: Amounts, most: int | None) -> tuple[Amounts, Amounts]:
        """Machines that begin with one kind of the best, each with another: what a greedy order alone passes over."""
        seeds = min(SEEDS, order.shape[1])
        machine = np.repeat(np.arange(self._problem.machines), seeds)
        kind = order[:, :seeds].reshape(-1)
        number = limit[machine, kind] if most is None else np.minimum(limit[machine, kind], most)
        return self._filled(machine, order[machine], limit, (kind, number))

    def _opinions(self) -> Iterator[Values]:
        """What a pod's size is: weights of the dimensions, by machine."""
        machines, _, dimensions = self._parts.shape
        yield self._worth + 1e-6
        yield np.ones((machines, dimensions))
        for r, name in enumerate(self._problem.names):
            if name != "pods":
                yield np.full((machines, dimensions), 0.02) + np.eye(dimensions)[r]
        if self._problem.share.any() or self._problem.whole.any():
            yield np.full((machines, dimensions), 0.02) + np.eye(dimensions)[-len(ORDERS) - 1]

    def best(self, m: int, duals: Values, price: float, *, exactly: bool) -> Worth:
        """The most valuable pattern of a machine that is worth more than its price, or that there is none.

        Kinds that could not be part of one, by their reduced cost in the relaxation, are left out of the search.

        Args:
            m: the machine.
            duals: (I,) what a pod of each kind is worth.
            price: what the pattern has to be worth at least.
            exactly: whether to search beyond the relaxation, where that does not settle it.
        """
        nothing = np.zeros(self._problem.kinds, dtype=np.int64)
        kinds = np.flatnonzero((self.alone[m] > 0) & (duals > 0))
        if not len(kinds):
            return Worth(0.0, nothing, 0.0)
        relaxed = self._program(m, kinds, duals, whole=False).relaxed(ITERATIONS)
        if not relaxed.is_proven:
            return Worth(float((self.alone[m] * duals).sum()), nothing, 0.0)
        bound = -relaxed.bound * (1 + SAFETY)
        if bound <= price or not exactly:
            return Worth(bound, nothing, 0.0)
        slack = np.array(relaxed.column_duals) if relaxed.column_duals else np.zeros(len(kinds))
        kept = kinds[bound - np.maximum(slack, 0.0) > price]
        found = self._program(m, kept, duals, whole=True).solved(NODES, gap=GAP)
        held = nothing.copy()
        if found.values:
            held[kept] = np.round(found.values[: len(kept)]).astype(np.int64)
        held = self._mended(m, held, duals)
        closer = max(-found.bound * (1 + SAFETY), price) if found.values or found.is_infeasible else bound
        return Worth(min(bound, closer), held, float(held @ duals))

    def _program(self, m: int, kinds: Amounts, duals: Values, *, whole: bool) -> Program:
        program = Program()
        columns = {i: program.column(-float(duals[i]), float(self.alone[m, i]), whole=whole) for i in kinds.tolist()}
        for parts in self._parts[m, kinds].T:
            if parts.any():
                program.row(zip(columns.values(), parts.tolist(), strict=True), upper=1.0)
        for i, column in columns.items():
            for j in np.flatnonzero(self._problem.clash[i, :i]).tolist():
                if j in columns:
                    program.row([(column, 1 / self.alone[m, i]), (columns[j], 1 / self.alone[m, j])], upper=1.0)
        return program

    def _mended(self, m: int, held: Amounts, duals: Values) -> Amounts:
        """A pattern packed for certain, GPU by GPU and without kinds that clash, and filled up with what else fits."""
        problem = self._problem
        bins = empty_bins(problem, np.array([m]))
        heavy = problem.share + DEVICE * problem.whole
        order = np.lexsort((np.arange(problem.kinds), -duals, -heavy))
        fill(problem, bins, order[None, held[order] > 0], held[None, :])
        rest = np.argsort(-duals, kind="stable")
        limit = np.where(duals > 0, self.alone[m] - bins.held[0], 0)
        fill(problem, bins, rest[None, limit[rest] > 0], limit[None, :])
        found: Amounts = bins.held[0]
        return found
