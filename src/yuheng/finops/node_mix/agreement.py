"""What to buy, and what other rules would buy, for the same pods and with the same consent of the engine.

The arrays do not know all rules of the scheduler, so that it may refuse what they allow. Every packing is therefore
tried by the engine, ours as well as those that it is compared with, and the cheapest that holds all pods afterwards is
taken. Where none does, pods are left out that have no place even on nodes of their own, and the question is asked again
of the others: the price, the bound and the baselines are always of the pods that are held.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from yuheng.finops.node_mix.cheapest import packed
from yuheng.finops.node_mix.demand import Demand
from yuheng.finops.node_mix.packing import Packing
from yuheng.finops.node_mix.question import Asked
from yuheng.finops.node_mix.settling import Settled, settled
from yuheng.finops.node_mix.tried import Tried, tried
from yuheng.model.node_mix import Unheld
from yuheng.model.plan import Refusal
from yuheng.model.policy import Policy

__all__ = ["KARPENTER", "UNIFORM", "Agreed", "agreed", "freed"]

KARPENTER: Final = "Karpenter's first-fit decreasing"
UNIFORM: Final = "First-fit decreasing on the cheapest single type"


class Agreed(NamedTuple):
    """Packings that the engine agrees with.

    Attributes:
        asked: the question, without the pods that were given up.
        best: the cheapest.
        baselines: what other rules would buy for the same pods, by rule; those that hold all of them.
        bound: no packing of these pods costs less, in US dollars per hour.
        patterns: how many patterns were looked at.
        warnings: which rules are not compared with, and why.
    """

    asked: Asked
    best: Tried | Settled
    baselines: dict[str, Packing]
    bound: float
    patterns: int
    warnings: tuple[str, ...] = ()


def agreed(demand: Demand, asked: Asked, progress: Callable[[int, int], None] | None = None) -> Agreed:
    """The cheapest packing that the engine agrees with.

    Args:
        demand: the pods.
        asked: the question.
        progress: called with the rounds that are done, and all of them.
    """
    left: Packing | None = None
    while True:
        found = packed(asked.problem, progress)
        rules = {KARPENTER: found.baseline} | ({} if found.uniform is None else {UNIFORM: found.uniform})
        ours = tried(demand, asked, found.packing)
        others = {rule: tried(demand, asked, packing) for rule, packing in rules.items()}
        ways = [ours, *others.values(), *([] if left is None else [tried(demand, asked, left)])]
        whole = [one for one in ways if one.is_whole]
        if whole:
            best = min(whole, key=lambda one: one.packing.price(asked.problem))
            kept = {rule: one.packing for rule, one in others.items() if one.is_whole}
            return Agreed(asked, best, kept, found.bound, found.patterns, _not_compared(others))
        # What was left of a packing holds all pods that are left: one of the ways is whole then.
        fewest = min(ways, key=lambda one: len(one.refused))
        asked, left = _given_up(asked, fewest)


def freed(demand: Demand, found: Agreed, policy: str | Policy) -> tuple[Agreed, bool]:
    """Let the scheduler choose on the packing and on the baselines, and take what is cheapest then.

    Returns:
        The packings with as many nodes as it takes, and whether the scheduler finds a place for every pod.
    """
    problem = found.asked.problem
    ours = settled(demand, found.asked, found.best.packing, policy)
    others = {rule: settled(demand, found.asked, packing, policy) for rule, packing in found.baselines.items()}
    best = min((ours, *others.values()), key=lambda one: (not one.is_whole, one.packing.price(problem)))
    kept = {rule: one.packing for rule, one in others.items() if one.is_whole}
    told = (f"{rule}: the scheduler does not find a place for all pods" for rule in others if rule not in kept)
    return found._replace(best=best, baselines=kept, warnings=(*found.warnings, *told)), best.is_whole


def _given_up(asked: Asked, found: Tried) -> tuple[Asked, Packing]:
    """The question without the pods that are refused, and the packing that is left of it."""
    pods = {one.pod for one in found.refused}
    kinds = [kind._replace(pods=tuple(pod for pod in kind.pods if pod.key not in pods)) for kind in asked.kinds]
    less, is_held = asked.with_pods(kinds)
    unheld = (*asked.unheld, *_reasons(found.refused))
    return less._replace(unheld=unheld), found.packing._replace(held=found.packing.held[:, is_held])


def _reasons(found: tuple[Refusal, ...]) -> list[Unheld]:
    """The pods that are given up, by reason."""
    reasons: dict[str, list[str]] = {}
    for refusal in found:
        reasons.setdefault(f"the engine refuses it on nodes of its own: {refusal.message}", []).append(refusal.pod)
    return [Unheld(pods=tuple(pods), reason=reason) for reason, pods in reasons.items()]


def _not_compared(others: dict[str, Tried]) -> tuple[str, ...]:
    return tuple(
        f"{rule} is not compared with: the scheduler refuses {len(one.refused)} pods on its nodes"
        for rule, one in others.items()
        if not one.is_whole
    )
