"""One node group: the cheapest single instance type, filled first-fit decreasing, as many clusters have it.

Pods with GPUs and pods without get a type each, for no sensible node group holds both.
"""

from __future__ import annotations

import numpy as np

from yuheng.finops.node_mix.fill import empty_bins, fill
from yuheng.finops.node_mix.packing import Packing
from yuheng.finops.node_mix.problem import Amounts, Flags, Problem

__all__ = ["uniform"]


def uniform(problem: Problem) -> Packing | None:
    """The cheapest packing with one type of machine for each of the two sorts of pods; None when no type holds one."""
    with_gpus = (problem.whole > 0) | (problem.share > 0)
    found = Packing(np.zeros(0, dtype=np.int64), np.zeros((0, problem.kinds), dtype=np.int64))
    for kinds in (with_gpus, ~with_gpus):
        if kinds.any():
            some = _of_one_type(problem, kinds)
            if some is None:
                return None
            found = found.joined(some)
    return found


def _of_one_type(problem: Problem, kinds: Flags) -> Packing | None:
    """All types side by side, a pattern at a time, each pattern as often as it can be repeated."""
    machines = np.flatnonzero((problem.alone()[:, kinds] > 0).all(axis=1))
    size = (problem.sizes[None, :, :] / np.maximum(problem.room[machines], 1)[:, None, :]).max(axis=2)
    order = np.argsort(-size, axis=1, kind="stable")
    left = np.repeat(np.where(kinds, problem.counts, 0)[None, :], len(machines), axis=0)
    price, rows = np.zeros(len(machines)), [list[tuple[Amounts, int]]() for _ in machines]
    while left.any() and len(machines):
        open_ = np.flatnonzero(left.any(axis=1))
        bins = empty_bins(problem, machines[open_])
        fill(problem, bins, order[open_], left[open_])
        taken = bins.held
        often = np.where(taken > 0, left[open_] // np.maximum(taken, 1), np.iinfo(np.int64).max).min(axis=1)
        for place, row in enumerate(open_.tolist()):
            rows[row].append((taken[place], int(often[place])))
        left[open_] -= taken * often[:, None]
        price[open_] += problem.prices[machines[open_]] * often
        # Who is dearer already than one that is done cannot win.
        done = ~left.any(axis=1)
        left[price > price[done].min(initial=np.inf)] = 0
        price[(price > price[done].min(initial=np.inf))] = np.inf
    if not len(machines):
        return None
    best = int(price.argmin())
    held = np.concatenate([np.repeat(pattern[None, :], often, axis=0) for pattern, often in rows[best]])
    return Packing(np.full(len(held), machines[best], dtype=np.int64), held)
