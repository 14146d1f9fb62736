"""From fractions of machines to whole ones.

Whole parts of the linear program's solution are bought. What is left, a part of a machine of each pattern in it, is a
small program with whole numbers over the patterns that are known; its search is cut off after some nodes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.node_mix.generation import Generated
from yuheng.finops.node_mix.packing import Packing, downsized, trimmed
from yuheng.finops.node_mix.problem import Amounts, Problem
from yuheng.placement.program import Program

__all__ = ["rounded"]

NODES: Final = 10
# Patterns of the small program: those whose reduced cost is least.
PATTERNS: Final = 400
# A fraction this near to a whole number is one.
WHOLE: Final = 1e-6
GAP: Final = 1e-2


def rounded(problem: Problem, generated: Generated) -> Packing:
    """Whole machines that hold all pods."""
    numbers = np.floor(generated.prices.numbers + WHOLE).astype(np.int64)
    bought = np.flatnonzero(numbers)
    packing = trimmed(problem, _repeated(generated, bought, numbers[bought]))
    left = problem.counts - packing.held.sum(axis=0)
    columns, times = _remainder(generated, np.maximum(left, 0))
    whole = packing.joined(_repeated(generated, columns, times))
    return downsized(problem, trimmed(problem, whole))


def _repeated(generated: Generated, columns: Amounts, times: Amounts) -> Packing:
    master = generated.master
    machine = np.array([master.machine[column] for column in columns.tolist()], dtype=np.int64)
    held = master.columns(columns.tolist())
    return Packing(np.repeat(machine, times), np.repeat(held, times, axis=0))


def _remainder(generated: Generated, left: Amounts) -> tuple[Amounts, Amounts]:
    """Patterns, and how often each is bought, for what is left."""
    if not left.any():
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    master, duals = generated.master, generated.prices.duals
    held = master.columns(range(len(master)))
    reduced = np.array(master.price) - held @ duals
    kinds = np.flatnonzero(left)
    useful = (held[:, kinds] > 0).any(axis=1)
    order = np.argsort(np.where(useful, reduced, np.inf), kind="stable")
    chosen = set(order[: min(PATTERNS, int(useful.sum()))].tolist())
    # Every kind has to be in one of them at least.
    for i in kinds.tolist():
        covering = np.flatnonzero(held[:, i] > 0)
        chosen.add(int(covering[np.argmin(reduced[covering])]))
    columns = np.array(sorted(chosen), dtype=np.int64)
    program = Program()
    for column in columns.tolist():
        program.column(master.price[column], whole=True)
    for i in kinds.tolist():
        terms = [(place, float(min(held[column, i], left[i]))) for place, column in enumerate(columns.tolist())]
        program.row(terms, lower=float(left[i]))
    found = program.solved(NODES, gap=GAP)
    if found.values:
        return columns, np.round(found.values).astype(np.int64)
    return columns, _covering(held[columns], reduced[columns], left)


def _covering(held: Amounts, reduced: NDArray[np.float64], left: Amounts) -> Amounts:
    """Patterns taken one after the other, the least reduced cost first, until all is held."""
    times = np.zeros(len(held), dtype=np.int64)
    open_ = left.copy()
    for place in np.argsort(reduced, kind="stable").tolist():
        useful = (held[place] > 0) & (open_ > 0)
        if useful.any():
            times[place] = int((-(-open_[useful] // held[place][useful])).max())
            open_ -= np.minimum(open_, times[place] * held[place])
    return times
