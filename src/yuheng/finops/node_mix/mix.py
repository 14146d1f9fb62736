"""The cheapest mix of machines that holds a workload.

    pods ─┐                 ┌─> Karpenter's rule ──────────────────────┐
          ├─> Problem ──────┤                                          ├─> the cheapest ─> the engine tries it
    offers┘  (arrays)       └─> column generation <─> whole machines ──┘
                                 (bound)              local search

Column generation and local search take turns: a packing that was improved tells the linear program of patterns that it
had not thought of, and the program puts patterns together as no local search would.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec
import numpy as np

from yuheng.finops.node_mix.demand import Demand, zones_asked
from yuheng.finops.node_mix.generation import Generation
from yuheng.finops.node_mix.karpenter import karpenter
from yuheng.finops.node_mix.offers import Choice, Offer, offers_of
from yuheng.finops.node_mix.packing import Packing, downsized
from yuheng.finops.node_mix.problem import Problem, without_dominated
from yuheng.finops.node_mix.question import Asked, asked_of
from yuheng.finops.node_mix.rounding import rounded
from yuheng.finops.node_mix.search import improved
from yuheng.finops.node_mix.settling import Settled, settled
from yuheng.finops.node_mix.trial import Trial, placed_freely, refused, trial_of
from yuheng.finops.node_mix.uniform import uniform
from yuheng.model.node_mix import BaselineMix, BoughtNodes, NodeMix, Unheld
from yuheng.model.policy import Policy
from yuheng.model.prices import PriceBook

__all__ = ["KARPENTER", "Packed", "node_mix", "packed"]

KARPENTER: Final = "Karpenter's first-fit decreasing"
UNIFORM: Final = "First-fit decreasing on the cheapest single type"
# Rounds of linear program and local search; knapsacks solved exactly in each.
ROUNDS: Final = 5
EXACT: Final = 15
# A packing this near to the bound is not worth another round.
NEAR: Final = 1e-3
# How often pods that the engine refuses get machines of their own.
REPAIRS: Final = 3


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
    bound = min(bound, best.price(problem))
    return Packed(best, baseline, single, bound, len(found.master))


def node_mix(
    demand: Demand,
    book: PriceBook,
    choice: Choice,
    policy: str | Policy = "kubernetes",
    *,
    free: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> NodeMix:
    """What to buy for some pods.

    Args:
        demand: the pods.
        book: what machines cost.
        choice: which of them may be bought.
        policy: the scheduler that will place the pods, when it is free to choose.
        free: whether it has to find a place for all of them without being told where; that takes more nodes.
        progress: called with the rounds that are done, and all of them.

    Raises:
        ConfigError: nothing may be bought.
    """
    started = time.perf_counter()
    offers = offers_of(book, choice, zones_asked(demand))
    asked = asked_of(demand, offers)
    kept = without_dominated(asked.problem)
    problem = asked.problem.kept(kept)
    chosen = tuple(offer for offer, is_kept in zip(offers, kept.tolist(), strict=True) if is_kept)
    asked = asked._replace(problem=problem, offers=chosen)
    found = packed(problem, progress)
    packing, trial, unheld = _tried(demand, asked, found.packing)
    warnings = (*demand.snapshot.warnings, *demand.warnings)
    if free and len(trial.pods):
        found = msgspec.structs.replace(found, packing=packing)
        found, (packing, trial, is_whole) = _freed(demand, asked, found, policy)
        warnings += () if is_whole else ("the scheduler does not find a place for all pods, however many nodes it has",)
    return NodeMix(
        nodes=_bought(problem, chosen, packing),
        per_hour=packing.price(problem),
        bound=found.bound,
        baselines=_baselines(problem, chosen, found),
        allocation=_allocation(problem, packing),
        pods=len(trial.pods),
        placements=trial.placements(),
        unheld=(*asked.unheld, *unheld),
        scheduler=(len(placed_freely(demand, trial, policy)), policy if isinstance(policy, str) else policy.name),
        offers=len(offers),
        patterns=found.patterns,
        seconds=time.perf_counter() - started,
        warnings=warnings,
    )


def _tried(demand: Demand, asked: Asked, packing: Packing) -> tuple[Packing, Trial, tuple[Unheld, ...]]:
    """Let the engine try it; pods that it refuses get machines of their own, or are left out."""
    problem = asked.problem
    for _ in range(REPAIRS):
        trial = trial_of(demand, asked.kinds, asked.offers, packing)
        found = refused(demand, trial)
        if not found:
            return packing, trial, ()
        held = packing.held.copy()
        counts = np.zeros(problem.kinds, dtype=np.int64)
        for place, _ in found:
            held[trial.place[place], trial.kind[place]] -= 1
            counts[trial.kind[place]] += 1
        extra = Packing(*karpenter(problem._replace(counts=counts)))
        used = held.any(axis=1)
        packing = Packing(packing.machine[used], held[used]).joined(downsized(problem, extra))
    return _given_up(demand, asked, packing)


def _freed(demand: Demand, asked: Asked, found: Packed, policy: str | Policy) -> tuple[Packed, Settled]:
    """Let the scheduler choose on the packing and on the baselines, and take what is cheapest then."""
    ours = settled(demand, asked, found.packing, policy)
    karpenters = settled(demand, asked, found.baseline, policy)
    single = settled(demand, asked, found.uniform, policy) if found.uniform is not None else None
    ways = [one for one in (ours, karpenters, single) if one is not None]
    best = min(ways, key=lambda one: (not one.is_whole, one.packing.price(asked.problem)))
    changed: Packed = msgspec.structs.replace(
        found, packing=best.packing, baseline=karpenters.packing, uniform=single.packing if single is not None else None
    )
    return changed, best


def _given_up(demand: Demand, asked: Asked, packing: Packing) -> tuple[Packing, Trial, tuple[Unheld, ...]]:
    """Leave out what the engine refuses still."""
    trial = trial_of(demand, asked.kinds, asked.offers, packing)
    found = refused(demand, trial)
    held = packing.held.copy()
    for place, _ in found:
        held[trial.place[place], trial.kind[place]] -= 1
    out = {place for place, _ in found}
    reasons: dict[str, list[str]] = {}
    for _, refusal in found:
        reasons.setdefault(f"the engine refuses it on nodes of its own: {refusal.message}", []).append(refusal.pod)
    left = [place for place in range(len(trial.pods)) if place not in out]
    kept = trial._replace(
        pods=tuple(trial.pods[place] for place in left),
        place=tuple(trial.place[place] for place in left),
        kind=tuple(trial.kind[place] for place in left),
    )
    unheld = tuple(Unheld(pods=tuple(pods), reason=reason) for reason, pods in reasons.items())
    return Packing(packing.machine, held), kept, unheld


def _baselines(problem: Problem, offers: tuple[Offer, ...], found: Packed) -> tuple[BaselineMix, ...]:
    rules = ((KARPENTER, found.baseline), (UNIFORM, found.uniform))
    return tuple(_baseline(problem, offers, rule, packing) for rule, packing in rules if packing is not None)


def _baseline(problem: Problem, offers: tuple[Offer, ...], rule: str, packing: Packing) -> BaselineMix:
    types = Counter(offers[m].price.instance_type for m in packing.machine.tolist())
    return BaselineMix(
        rule=rule,
        per_hour=packing.price(problem),
        nodes=len(packing.machine),
        types=dict(sorted(types.items(), key=lambda item: (-item[1], item[0]))),
    )


def _bought(problem: Problem, offers: tuple[Offer, ...], packing: Packing) -> tuple[BoughtNodes, ...]:
    found = []
    for m in np.unique(packing.machine).tolist():
        rows = packing.machine == m
        price, node = offers[m].price, offers[m].node
        some = Packing(packing.machine[rows], packing.held[rows])
        found.append(
            BoughtNodes(
                instance_type=price.instance_type,
                provider=price.provider,
                region=price.region,
                zone=node.labels.get("topology.kubernetes.io/zone", ""),
                market=price.market,
                count=int(rows.sum()),
                each=price.per_hour,
                cpu=_room(problem, m, "cpu", node.allocatable["cpu"]),
                memory=_room(problem, m, "memory", node.allocatable["memory"]),
                gpus=int(problem.gpus[m]),
                gpu_model=node.devices.model,
                pods=int(some.held.sum()),
                allocation=_allocation(problem, some),
            )
        )
    return tuple(sorted(found, key=lambda one: (-one.each * one.count, one.instance_type, one.market, one.zone)))


def _room(problem: Problem, m: int, name: str, else_: int) -> int:
    return int(problem.room[m, problem.names.index(name)]) if name in problem.names else else_


def _allocation(problem: Problem, packing: Packing) -> dict[str, float]:
    """The share of each resource that pods ask for: cpu, memory, and GPUs where there are any."""
    asked = (packing.held @ problem.sizes).sum(axis=0)
    room = problem.room[packing.machine].sum(axis=0)
    found = {
        name: round(float(asked[r] / room[r]), 4)
        for r, name in enumerate(problem.names)
        if name in ("cpu", "memory") and room[r]
    }
    gpus = int(problem.gpus[packing.machine].sum())
    if gpus:
        used = float((packing.held @ (problem.whole + problem.share / 1000)).sum())
        found["gpu"] = round(used / gpus, 4)
    return found
