"""The cheapest packing of a problem in arrays: column generation and local search in turns, held to a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from yuheng.finops.node_mix.generation import Generation
from yuheng.finops.node_mix.karpenter import karpenter
from yuheng.finops.node_mix.packing import Packing, downsized
from yuheng.finops.node_mix.problem import Problem
from yuheng.finops.node_mix.rounding import rounded
from yuheng.finops.node_mix.search import improved
from yuheng.finops.node_mix.uniform import uniform

__all__ = ["Packed", "packed"]

# Rounds of linear program and local search; knapsacks solved exactly in each.
ROUNDS: Final = 5
EXACT: Final = 15
# A packing this near to the bound is not worth another round.
NEAR: Final = 1e-3
# By how much a bound may be above a price, relative to it: what adding up floating-point numbers makes of the same sum.
ROUNDING: Final = 1e-6


class Packed(msgspec.Struct, frozen=True):
    """Answer to a problem in arrays.

    Attributes:
        packing: the cheapest that was found.
        baseline: Karpenter's.
        uniform: of a single type (and one for pods with GPUs); None when no type holds all.
        bound: no packing costs less, in US dollars per hour.
        patterns: how many patterns were looked at.
    """

    packing: Packing
    baseline: Packing
    uniform: Packing | None
    bound: float
    patterns: int


def packed(problem: Problem, progress: Callable[[int, int], None] | None = None) -> Packed:
    """The cheapest packing that was found, never dearer than Karpenter's.

    Args:
        problem: pods and machines; every kind is held by one machine at least.
        progress: called with the rounds that are done, and all of them.

    Raises:
        AssertionError: the bound is above the price of a packing, which no bound can be: a fault of ours.
    """
    baseline = Packing(*karpenter(problem))
    if not problem.kinds:
        return Packed(baseline, baseline, None, 0.0, 0)
    single = uniform(problem)
    known = [baseline] if single is None else [baseline, single]
    best = min((downsized(problem, one) for one in known), key=lambda one: one.price(problem))
    run = Generation(problem)
    bound = 0.0
    for one in known:
        for m, held in zip(one.machine.tolist(), one.held, strict=True):
            run.add(m, held)
    for done in range(ROUNDS):
        for m, held in zip(best.machine.tolist(), best.held, strict=True):
            run.add(m, held)
        found = run.go(EXACT)
        bound = max(bound, found.bound)
        tried = improved(problem, rounded(problem, found), found.prices.duals)
        before = best.price(problem)
        best = min((best, tried), key=lambda one: one.price(problem))
        if progress is not None:
            progress(done + 1, ROUNDS)
        price = best.price(problem)
        if price <= bound * (1 + NEAR) or (done and price > before * (1 - NEAR)):
            break
    return Packed(best, baseline, single, _below(bound, best.price(problem)), len(found.master))


def _below(bound: float, price: float) -> float:
    """The bound, without what rounding put on top of the price.

    Raises:
        AssertionError: it is further above the price than that.
    """
    if bound > price * (1 + ROUNDING):
        raise AssertionError(f"the bound of {bound!r} is above the price {price!r} of a packing that holds all pods")
    return min(bound, price)
