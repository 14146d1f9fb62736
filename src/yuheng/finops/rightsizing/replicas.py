"""Request and number of replicas, chosen together.

A horizontal autoscaler steers for a share of the request: a smaller request makes more replicas, and all of them
together ask for about the same. What a new request is worth is told only by doing what the autoscaler would do with it,
on the usage there was: its formula, its minimum and maximum, and five minutes for which it holds the highest number
(HorizontalPodAutoscaler v2: ``desired = ceil(usage / (utilization x request))``, ``stabilizationWindowSeconds: 300``).

Where nothing scales a workload of several replicas, hours may: replicas by the hour, of the size at which whole
replicas fit the hours best.

Both assume that work is shared out: all replicas together use the same, however many there are. How unevenly, the
history tells: the pod that used most against the mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from yuheng.finops.rightsizing.samples import F64, Samples, total_of, worst_of
from yuheng.finops.rightsizing.seasonal import Schedule

__all__ = ["Autoscaled", "Load", "Scaler", "hourly_replicas", "load_of", "request_for", "scale"]

STABILIZATION: Final = 300.0
"""Seconds for which an autoscaler does not go below the highest number it wanted (Kubernetes' default)."""
ROOM: Final = 0.8
"""Share of the maximum number of replicas that the highest usage seen may need: the rest is for what was not seen."""
SMALLEST: Final = 0.25
"""Of what one pod used at most: no replica asks for less, since one request of work cannot be divided."""
CANDIDATES: Final = 40


class Load(NamedTuple):
    """What a workload's pods used together.

    Attributes:
        total: cores of all pods.
        worst: cores of the pod that used most, at the same moments.
        skew: what the pod that used most used, against the mean of all; at least 1.
        replicas: the mean number of pods.
    """

    total: Samples
    worst: Samples
    skew: float
    replicas: float


class Scaler(NamedTuple):
    """A horizontal autoscaler that steers by cpu."""

    minimum: int
    maximum: int
    utilization: float


class Autoscaled(NamedTuple):
    """What an autoscaler makes of a request.

    Attributes:
        replicas: the mean number.
        most: the largest number.
        risk: the share of time in which the pod that used most was above its request.
    """

    replicas: float
    most: int
    risk: float


def load_of(pods: Sequence[Samples]) -> Load:
    """The load of a workload's pods; at least one sample in all."""
    total, worst = total_of(pods), worst_of(pods)
    at_once = total_of([Samples(pod.times, np.ones(len(pod.times))) for pod in pods]).values
    several = (at_once > 1) & (total.values > 0)
    ratio = worst.values[several] * at_once[several] / total.values[several]
    # Moments of little load are uneven and do not matter: weighed by what was used.
    weights = total.values[several]
    skew = float(np.average(ratio, weights=weights)) if several.any() else 1.0
    return Load(total, worst, max(skew, 1.0), float(at_once.mean()))


def scale(load: Load, scaler: Scaler, request: float) -> Autoscaled:
    """What an autoscaler would have made of a request on the usage there was.

    Args:
        load: of the pods.
        scaler: of the workload.
        request: cores of a replica, above 0.
    """
    wanted = load.total.values / (scaler.utilization * request)
    wanted = np.clip(np.ceil(wanted - 1e-9), scaler.minimum, scaler.maximum)
    number = _held(wanted, load.total.times)
    # It acts on what was measured: the next sample meets the number that this one asked for.
    number = np.concatenate((number[:1], number[:-1]))
    above = load.total.values * load.skew > number * request * (1 + 1e-9)
    return Autoscaled(float(number.mean()), int(number.max()), float(above.mean()))


def _held(wanted: F64, times: F64) -> F64:
    """The highest number wanted within the stabilization window."""
    step = float(np.median(np.diff(times))) if len(times) > 1 else STABILIZATION
    held = wanted.copy()
    for back in range(1, min(int(STABILIZATION // step), len(wanted) - 1) + 1):
        held[back:] = np.maximum(held[back:], wanted[:-back])
    return held


def request_for(load: Load, scaler: Scaler, price: float, beside: float) -> float:
    """The request in cores of a replica at which an autoscaler makes cores and minutes above cheapest.

    The least of ``replicas x (request + beside) / peak + price x share above``, over requests with which the highest
    usage seen needs between the minimum and four fifths of the maximum of replicas.

    Args:
        load: of the pods.
        scaler: of the workload.
        price: peaks' worth of request that a minute above request costs, as in `seasonal`.
        beside: what a replica costs beside its cpu (its memory), in cores of the same price.
    """
    peak = float(load.total.values.max())
    if peak <= 0.0:
        return 0.0
    most = max(scaler.minimum, math.floor(ROOM * scaler.maximum), 1)
    numbers = np.unique(np.round(np.geomspace(max(scaler.minimum, 1), most, CANDIDATES)))
    smallest = SMALLEST * float(load.worst.values.max())
    found: list[float] = [max(peak / (scaler.utilization * number), smallest) for number in numbers.tolist()]
    return min(found, key=lambda request: (_cost(load, scaler, request, price, beside), request))


def _cost(load: Load, scaler: Scaler, request: float, price: float, beside: float) -> float:
    done = scale(load, scaler, request)
    peak = float(load.total.values.max())
    cost: float = done.replicas * (request + beside) / peak + price * done.risk
    return cost


def hourly_replicas(schedule: Schedule, most: int, beside: float) -> tuple[float, tuple[tuple[int, ...], ...]]:
    """The cores of a replica, and how many of them run in each hour of a working day and of the weekend.

    Two at least, where several ran: one alone is none while it is moved.

    Args:
        schedule: what all replicas together have to ask for by the hour, in cores.
        most: replicas that run at most: as many as run now; at least 2.
        beside: what a replica costs beside its cpu, in cores of the same price.
    """
    top = float(schedule.requests.max())
    weights = np.array([[5.0], [2.0]]) / (7 * 24)
    best, least = (top / most, np.full((2, 24), most)), math.inf
    for number in range(max(most // 2, 2), most + 1):
        request = top / number
        counts = np.maximum(np.ceil(schedule.requests / max(request, 1e-12) - 1e-9), 2).astype(np.int64)
        cost = float((weights * counts).sum()) * (request + beside)
        if cost < least - 1e-12:
            best, least = (request, counts), cost
    return best[0], tuple(tuple(int(n) for n in row) for row in best[1])
