"""The cheapest mix of machines that holds a workload.

    pods ─┐                 ┌─> Karpenter's rule, a single type ───────┐
          ├─> Problem ──────┤                                          ├─> the engine tries each ─> the cheapest
    offers┘  (arrays)       └─> column generation <─> whole machines ──┘
                                 (bound)              local search

Column generation and local search take turns (`cheapest`): a packing that was improved tells the linear program of
patterns that it had not thought of, and the program puts patterns together as no local search would. What the engine
refuses is mended, in ours and in what it is compared with alike (`agreement`).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from yuheng.finops.node_mix.agreement import agreed, freed
from yuheng.finops.node_mix.demand import Demand, zones_asked
from yuheng.finops.node_mix.offers import Choice, offers_of
from yuheng.finops.node_mix.problem import without_dominated
from yuheng.finops.node_mix.question import asked_of
from yuheng.finops.node_mix.telling import allocation, baselines, bought
from yuheng.finops.node_mix.trial import placed_freely
from yuheng.model.node_mix import NodeMix
from yuheng.model.policy import Policy
from yuheng.model.prices import PriceBook

__all__ = ["node_mix"]


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
    found = agreed(demand, asked.on(without_dominated(asked.problem)), progress)
    warnings = (*demand.snapshot.warnings, *demand.warnings)
    if free and len(found.best.trial.pods):
        found, is_whole = freed(demand, found, policy)
        warnings += () if is_whole else ("the scheduler does not find a place for all pods, however many nodes it has",)
    asked, packing, trial = found.asked, found.best.packing, found.best.trial
    return NodeMix(
        nodes=bought(asked, packing),
        per_hour=packing.price(asked.problem),
        bound=found.bound,
        baselines=baselines(asked, found.baselines),
        allocation=allocation(asked.problem, packing),
        pods=len(trial.pods),
        placements=trial.placements(),
        unheld=asked.unheld,
        scheduler=(len(placed_freely(demand, trial, policy)), policy if isinstance(policy, str) else policy.name),
        offers=len(offers),
        patterns=found.patterns,
        seconds=time.perf_counter() - started,
        warnings=(*warnings, *found.warnings),
    )
