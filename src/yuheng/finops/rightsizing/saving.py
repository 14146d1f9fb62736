"""What changes of requests save of what is set aside for their pods.

A pod sets aside the requests of its containers, or what an init container or the pod as a whole asks for where that is
more, and the overhead of its runtime class (see `yuheng.model.estate.PodEstate`). Where containers ask for less than
an init container does, a smaller request saves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from yuheng.model.rightsizing import Change, HourlyRequests
from yuheng.model.units import HOURS_A_MONTH

__all__ = ["paid", "paid_by_hour"]

# Of the hours of a week: working days, then Saturday and Sunday.
_DAYS = np.array([[5.0], [2.0]]) / (7 * 24)


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


def paid_by_hour(
    changes: Sequence[Change],
    hours: Sequence[HourlyRequests | None],
    replicas: float,
    rate: float,
    least: float = 0.0,
) -> list[HourlyRequests | None]:
    """The requests by the hour of all containers of a workload, with US dollars that they save a month.

    They add up with what the others save by requests that stay: in each hour a pod sets aside what its containers
    request in it, or the least where that is more.

    Args:
        changes: of the containers of a pod, as `paid` gives them.
        hours: the requests by the hour of each; None where it has none.
        replicas: how many there are.
        rate: US dollars per hour of a milli-core.
        least: milli-cores that a pod sets aside for its containers at least.
    """
    old = float(sum(change.old for change in changes))
    new = np.zeros((2, 24))
    for change, one in zip(changes, hours, strict=True):
        new += (change.old if change.new is None else change.new) if one is None else np.array(one.requests)
    less = max(old, least) - float((_DAYS * np.maximum(new, least)).sum())
    pairs = list(zip(changes, hours, strict=True))
    saved = replicas * less * rate * HOURS_A_MONTH - sum(change.saved for change, one in pairs if one is None)
    alone = [0.0 if one is None else replicas * (change.old - one.mean) * rate * HOURS_A_MONTH for change, one in pairs]
    weights = sum(map(abs, alone))
    beyond = (saved - sum(alone)) / weights if weights else 0.0
    return [
        None if one is None else msgspec.structs.replace(one, saved=own + beyond * abs(own))
        for one, own in zip(hours, alone, strict=True)
    ]
