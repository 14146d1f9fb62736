"""Nodes on which a scheduler that is free to choose finds a place for every pod, without being told where.

A tight packing is one of few that work; a scheduler that spreads pods does not find it. So nodes are added for the pods
that it leaves pending, and it tries again from the start, until none is left. Nodes that stay empty are given back.
"""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

import numpy as np

from yuheng.finops.node_mix.demand import Demand
from yuheng.finops.node_mix.karpenter import karpenter
from yuheng.finops.node_mix.packing import Packing, downsized
from yuheng.finops.node_mix.problem import Flags
from yuheng.finops.node_mix.question import Asked
from yuheng.finops.node_mix.trial import Trial, placed_freely, trial_of
from yuheng.model.policy import Policy

__all__ = ["Settled", "settled"]

ROUNDS: Final = 12


class Settled(NamedTuple):
    """What the scheduler made of it.

    Attributes:
        packing: machines, and the pods where the scheduler put them.
        trial: the same with names.
        is_whole: whether every pod has a place.
    """

    packing: Packing
    trial: Trial
    is_whole: bool


def settled(demand: Demand, asked: Asked, packing: Packing, policy: str | Policy) -> Settled:
    """Add nodes until the scheduler places every pod.

    Args:
        demand: the pods.
        asked: the question.
        packing: holds all pods, placed one by one.
        policy: the scheduler.
    """
    for _ in range(ROUNDS):
        before, trial = packing, trial_of(demand, asked.kinds, asked.offers, packing)
        placed = placed_freely(demand, trial, policy)
        pending = Counter(i for pod, i in zip(trial.pods, trial.kind, strict=True) if pod.key not in placed)
        if not pending:
            return _as_placed(packing, trial, placed)
        counts = np.array([pending[i] for i in range(asked.problem.kinds)], dtype=np.int64)
        extra = downsized(asked.problem, Packing(*karpenter(asked.problem._replace(counts=counts))))
        # They bring room, not pods: which pods come to be there is for the scheduler to say.
        packing = packing.joined(Packing(extra.machine, np.zeros_like(extra.held)))
    return Settled(before, trial, is_whole=False)


def _as_placed(packing: Packing, trial: Trial, placed: dict[str, str]) -> Settled:
    """The pods where they were put, and nodes without any given back."""
    names = {node.name: b for b, node in enumerate(trial.nodes)}
    place = [names[placed[pod.key]] for pod in trial.pods]
    held = np.zeros_like(packing.held)
    np.add.at(held, (np.array(place, dtype=np.int64), np.array(trial.kind, dtype=np.int64)), 1)
    used: Flags = np.asarray(held.sum(axis=1) > 0, dtype=np.bool_)
    number = np.cumsum(used) - 1
    nodes = tuple(node for node, is_used in zip(trial.nodes, used.tolist(), strict=True) if is_used)
    kept = trial._replace(nodes=nodes, place=tuple(int(number[b]) for b in place))
    return Settled(Packing(packing.machine[used], held[used]), kept, is_whole=True)
