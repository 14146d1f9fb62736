"""Local search on a packing: take some machines away, put their pods elsewhere, buy for the rest as cheaply as it goes.

The machines that are worth least of what they cost, by the prices of pods that column generation found, are taken away
first; then others, in an order drawn from a fixed seed. A step is kept when it is cheaper.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.node_mix.fill import Bins, empty_bins, fill, put
from yuheng.finops.node_mix.karpenter import karpenter
from yuheng.finops.node_mix.packing import Packing, bins_of, downsized
from yuheng.finops.node_mix.problem import DEVICE, Amounts, Problem

__all__ = ["improved"]

SEED: Final = 20240
STEPS: Final = 120
# Machines that are taken away at once, at most.
TAKEN: Final = 6
# A step has to save this share of the price to count.
WORTHWHILE: Final = 1e-9


def improved(problem: Problem, packing: Packing, duals: NDArray[np.float64]) -> Packing:
    """A packing that is as cheap or cheaper.

    Args:
        problem: pods and machines.
        packing: holds all pods.
        duals: (I,) what a pod of each kind is worth.
    """
    random = np.random.Generator(np.random.PCG64(SEED))
    best = downsized(problem, packing)
    price = best.price(problem)
    for step in range(STEPS):
        number = len(best.machine)
        if number < 2:
            break
        worth = best.held @ duals / np.maximum(problem.prices[best.machine], 1e-12)
        some = min(number, 1 + step % TAKEN)
        if step % 2:
            weights = np.maximum(1.2 - worth / max(float(worth.max()), 1e-12), 0.01)
            rows = random.choice(number, size=some, replace=False, p=weights / weights.sum())
        else:
            first = step // 2 % number
            rows = np.argsort(worth, kind="stable")[first : first + some]
        changed = _without(problem, best, rows, duals)
        cheaper = changed.price(problem)
        if cheaper < price * (1 - WORTHWHILE):
            best, price = changed, cheaper
    return best


def _without(problem: Problem, packing: Packing, rows: Amounts, duals: NDArray[np.float64]) -> Packing:
    """Take machines away and hold their pods otherwise."""
    left = packing.held[rows].sum(axis=0)
    kept = packing.without(rows)
    bins = bins_of(problem, kept)
    heavy = (
        (problem.sizes / np.maximum(problem.room.max(axis=0), 1)).max(axis=1) + problem.whole + problem.share / DEVICE
    )
    for i in np.argsort(-heavy, kind="stable").tolist():
        if left[i]:
            left[i] -= _spread(problem, bins, i, int(left[i]))
    rest = problem._replace(counts=left)
    ways = (downsized(problem, _bought(problem, left, duals)), downsized(problem, Packing(*karpenter(rest))))
    kept = downsized(problem, Packing(bins.machine, bins.held))
    return kept.joined(min(ways, key=lambda bought: bought.price(problem)))


def _spread(problem: Problem, bins: Bins, i: int, wanted: int) -> int:
    """Put pods of a kind on machines in use, the fullest first; returns how many were put there."""
    kind = np.full(len(bins.machine), i, dtype=np.int64)
    room = put(problem, bins.some(np.arange(len(kind))), kind, np.full(len(kind), wanted, dtype=np.int64))
    order = np.argsort((bins.free / np.maximum(problem.room[bins.machine], 1)).sum(axis=1), kind="stable")
    before = np.cumsum(room[order]) - room[order]
    taken = np.zeros_like(room)
    taken[order] = np.clip(wanted - before, 0, room[order])
    chosen = np.flatnonzero(taken)
    some = bins.some(chosen)
    put(problem, some, kind[chosen], taken[chosen])
    bins.free[chosen], bins.devices[chosen], bins.held[chosen] = some.free, some.devices, some.held
    return int(taken.sum())


def _bought(problem: Problem, left: Amounts, duals: NDArray[np.float64]) -> Packing:
    """Machines for what is left, one after the other, each the one that holds most worth for its price."""
    machines, rows = [], []
    alone = problem.alone()
    size = problem.sizes[None, :, :] / np.maximum(problem.room, 1)[:, None, :]
    weight = np.maximum(size.max(axis=2), 1e-12)
    order = np.argsort(-(np.maximum(duals, 1e-9)[None, :] / weight), axis=1, kind="stable")
    while left.any():
        wanted = np.minimum(alone, left[None, :])
        bins = empty_bins(problem, np.arange(problem.machines))
        useful = left[order] > 0
        width = int(useful.sum(axis=1).max())
        chosen = np.take_along_axis(order, np.argsort(~useful, axis=1, kind="stable"), axis=1)[:, :width]
        fill(problem, bins, chosen, wanted)
        worth = bins.held @ np.maximum(duals, 1e-9) / np.maximum(problem.prices, 1e-12)
        m = int(worth.argmax())
        machines.append(m)
        rows.append(bins.held[m])
        left = left - bins.held[m]
    return Packing(np.array(machines, dtype=np.int64), np.array(rows, dtype=np.int64).reshape(-1, problem.kinds))
