"""The mix with fractions of machines and of pods: a bound at once, and good prices to begin column generation with.

Pods flow to machines; a machine's room is as much as there are of it. What a single machine could never do beyond that
is forbidden, too: to hold more of a kind than it holds alone, and, by dual feasible functions (Fekete and Schepers,
2001) of cpu, memory and shares of GPUs, to hold sets of large pods that do not fit side by side. For k = 1, 2, 3 a
pod that takes the part x of a machine's resource counts floor((k+1)x)/k where (k+1)x is no whole number, else x.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.node_mix.problem import DEVICE, Amounts, Problem
from yuheng.placement.program import Program

__all__ = ["ORDERS", "Flow", "flow", "parts_of"]

Values = NDArray[np.float64]
ITERATIONS: Final = 1_000_000
SAFETY: Final = 1e-7
ORDERS: Final = (1, 2, 3)


class Flow(NamedTuple):
    """The solution.

    Attributes:
        bound: no mix costs less, in US dollars per hour; 0 where the program was not solved.
        duals: (I,) what one more pod of a kind adds.
        worth: (M, D) what a machine's rows of `parts_of` are worth: what a pod's size is best measured by.
    """

    bound: float
    duals: Values
    worth: Values


def flow(problem: Problem, alone: Amounts) -> Flow:
    """Solve it.

    Args:
        problem: pods and machines.
        alone: (M, I) how many pods of a kind an empty machine holds.
    """
    program, rows = Program(), list[tuple[int, int]]()
    numbers = [program.column(float(price)) for price in problem.prices]
    demand: list[list[tuple[int, float]]] = [[] for _ in range(problem.kinds)]
    for m, number in enumerate(numbers):
        kinds = np.flatnonzero(alone[m] > 0)
        columns = {i: program.column() for i in kinds.tolist()}
        for i, column in columns.items():
            demand[i].append((column, 1.0))
        rows += [(m, d) for d in _add_machine(program, number, columns, parts_of(problem, m), alone[m])]
    for i, terms in enumerate(demand):
        program.row(terms, lower=float(problem.counts[i]))
    found = program.relaxed(ITERATIONS)
    worth = np.zeros((problem.machines, parts_of(problem, 0).shape[1]))
    if not found.is_proven or not found.duals:
        return Flow(0.0, np.zeros(problem.kinds), worth)
    for (m, d), dual in zip(rows, found.duals, strict=False):
        if d >= 0:
            worth[m, d] = max(-dual, 0.0)
    duals = np.maximum(np.array(found.duals[len(rows) :]), 0.0)
    return Flow(found.bound * (1 - SAFETY), duals, worth)


def _add_machine(program: Program, number: int, columns: Mapping[int, int], parts: Values, alone: Amounts) -> list[int]:
    """Add the rows of a machine, scaled so that one machine is 1.

    Returns:
        For each row its dimension of `parts_of`; -1 for the rows that limit a single kind.
    """
    rows = []
    for d in range(parts.shape[1]):
        terms = [(column, float(parts[i, d])) for i, column in columns.items() if parts[i, d]]
        if terms:
            program.row([*terms, (number, -1.0)], upper=0.0)
            rows.append(d)
    for i, column in columns.items():
        if alone[i] < _fractional(parts[i]):
            program.row([(column, 1.0), (number, -float(alone[i]))], upper=0.0)
            rows.append(-1)
    return rows


def parts_of(problem: Problem, m: int) -> Values:
    """(I, D) what part of a machine a pod takes: of each resource, and by dual feasible functions."""
    room = np.maximum(problem.room[m], 1)
    plain = problem.sizes / room
    columns = [plain]
    large = [r for r, name in enumerate(problem.names) if name in ("cpu", "memory")]
    columns += [_dual_feasible(problem.sizes[:, large], room[large], k) for k in ORDERS]
    if problem.gpus.any() and (problem.share.any() or problem.whole.any()):
        gpus = max(int(problem.gpus[m]), 1)
        one = np.array([DEVICE])
        shares = [problem.share[:, None] / DEVICE, *(_dual_feasible(problem.share[:, None], one, k) for k in ORDERS)]
        columns += [(problem.whole[:, None] + share) / gpus for share in shares]
    return np.concatenate(columns, axis=1)


def _dual_feasible(sizes: Amounts, room: Amounts, k: int) -> Values:
    """Fekete and Schepers' u(k) of parts of a room."""
    product = (k + 1) * sizes
    return np.where(product % room == 0, sizes / room, (product // room) / k)


def _fractional(parts: Values) -> float:
    """How many of a pod a machine's rows allow, fractions of it too."""
    most = float(parts.max())
    return 1 / most if most > 0 else float("inf")
