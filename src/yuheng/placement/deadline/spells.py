"""What was seen of the markets: how long spells of capacity, and of its lack, last.

The chance that a spell ends depends on how long it has lasted (`arrays.AGES`). It is estimated as ends per second at
each age,
from what was seen and a prior that weighs as much as a few ends: the posterior mean of a constant hazard under a gamma
prior. The prior is the same for every market (`arrays.PRIOR`).
"""

from __future__ import annotations

import math

from yuheng.placement.deadline.arrays import Beliefs, Markets
from yuheng.scheduling.kernel import kernel

__all__ = ["age_of", "expected_stay", "observe"]


@kernel
def observe(beliefs: Beliefs, markets: Markets, column: int, gap: float) -> None:
    """Note what the markets offer now."""
    zones = markets.available.shape[0]
    somewhere = 1
    for z in range(zones):
        side = 0 if markets.available[z, column] > 0 else 1
        somewhere = min(somewhere, side)
        _note(beliefs, z, side, gap)
    _note(beliefs, zones, somewhere, gap)


@kernel
def _note(beliefs: Beliefs, z: int, side: int, gap: float) -> None:
    """Note that a spell went on for a gap, or ended with it."""
    before = beliefs.side[z]
    if before >= 0:
        age = age_of(beliefs, z)
        beliefs.time[z, before, age] += gap
        beliefs.age[z] += gap
        if before != side:
            beliefs.ends[z, before, age] += 1
            beliefs.age[z] = 0.0
    beliefs.side[z] = side


@kernel
def age_of(beliefs: Beliefs, z: int) -> int:
    """How old the present spell of a zone is."""
    for a in range(beliefs.bounds.shape[0]):
        if beliefs.age[z] < beliefs.bounds[a]:
            return a
    oldest: int = beliefs.bounds.shape[0]
    return oldest


@kernel
def expected_stay(beliefs: Beliefs, z: int) -> float:
    """Seconds that a zone's capacity is expected to last: the mean of a hazard that is constant at each age."""
    a = beliefs.bounds.shape[0]
    mean: float = beliefs.time[z, 0, a] / beliefs.ends[z, 0, a]
    while a > 0 and beliefs.age[z] < beliefs.bounds[a - 1]:
        a -= 1
        length = beliefs.bounds[a] - max(beliefs.age[z], beliefs.bounds[a - 1] if a > 0 else 0.0)
        each = beliefs.time[z, 0, a] / beliefs.ends[z, 0, a]
        mean = each + math.exp(-length / each) * (mean - each)
    return mean
