"""The engine tries a packing: pods that it refuses get machines of their own, as often as that may help."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np

from yuheng.finops.node_mix.demand import Demand
from yuheng.finops.node_mix.karpenter import karpenter
from yuheng.finops.node_mix.packing import Packing, downsized
from yuheng.finops.node_mix.question import Asked
from yuheng.finops.node_mix.trial import Trial, refused, trial_of
from yuheng.model.plan import Refusal

__all__ = ["Tried", "tried"]

# How often pods that the engine refuses get machines of their own.
REPAIRS: Final = 3


class Tried(NamedTuple):
    """What the engine makes of a packing.

    Attributes:
        packing: without the pods that are refused, and without machines that hold none.
        trial: the packing with names, those that are refused among them.
        refused: the refusals that are left when pods had machines of their own.
    """

    packing: Packing
    trial: Trial
    refused: tuple[Refusal, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the engine lets every pod on."""
        return not self.refused


def tried(demand: Demand, asked: Asked, packing: Packing) -> Tried:
    """Let the engine try a packing, and mend it until the engine agrees.

    Args:
        demand: the pods.
        asked: the question.
        packing: holds all pods.
    """
    repairs = 0
    while True:
        trial = trial_of(demand, asked.kinds, asked.offers, packing)
        found = refused(demand, trial)
        if not found:
            return Tried(packing, trial)
        left = _without(packing, trial, (place for place, _ in found))
        if repairs == REPAIRS:
            return Tried(left, trial, tuple(refusal for _, refusal in found))
        repairs += 1
        lacking = asked.problem._replace(counts=asked.problem.counts - left.held.sum(axis=0))
        packing = left.joined(downsized(lacking, Packing(*karpenter(lacking))))


def _without(packing: Packing, trial: Trial, places: Iterable[int]) -> Packing:
    """The packing without some pods, by their places in the trial, and without the machines that hold no others."""
    held = packing.held.copy()
    for place in places:
        held[trial.place[place], trial.kind[place]] -= 1
    used = np.flatnonzero(held.any(axis=1))
    return Packing(packing.machine[used], held[used])
