"""What changes of requests save of what is set aside for their pods.

A pod sets aside the requests of its containers, or what an init container or the pod as a whole asks for where that is
more, and the overhead of its runtime class (see `yuheng.model.estate.PodEstate`). Where containers ask for less than
an init container does, a smaller request saves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from yuheng.model.rightsizing import Change
from yuheng.model.units import HOURS_A_MONTH

__all__ = ["paid"]


def paid(
    changes: Sequence[Change], replicas: tuple[float, float], rate: float, least: float = 0.0, overhead: float = 0.0
) -> list[Change]:
    """The changes of all containers of a workload for one resource, with US dollars that they save a month.

    A resource that is left is paid for by as many replicas as there are. What is set aside beyond containers counts
    for those that change, by what each would save without it.

    Args:
        changes: of the containers of a pod.
        replicas: how many are paid for before and after.
        rate: US dollars per hour of the unit of the changes.
        least: that a pod sets aside for its containers at least, in that unit.
        overhead: that it sets aside beside them.
    """
    before, after = replicas
    old = [float(change.old) for change in changes]
    new = [float(change.old if change.new is None else change.new) for change in changes]
    alone = [before * was - after * now for was, now in zip(old, new, strict=True)]
    together = before * (max(sum(old), least) + overhead) - after * (max(sum(new), least) + overhead)
    weights = [abs(saved) for saved in alone]
    beyond = (together - sum(alone)) / sum(weights) if any(weights) else 0.0
    return [
        msgspec.structs.replace(change, saved=(saved + beyond * weight) * rate * HOURS_A_MONTH)
        for change, saved, weight in zip(changes, alone, weights, strict=True)
    ]
