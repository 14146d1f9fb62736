"""What Kubernetes' Vertical Pod Autoscaler would recommend from a history of usage.

Its recommender keeps one histogram per container and resource, for all pods of the workload together. The buckets grow
by 5 %, a sample loses half of its weight every 24 hours, and a percentile is the end of the bucket in which it falls;
on top comes a margin of 15 %. CPU counts every sample, memory the peak of every 24 hours of each pod. Around the target
lie two bounds that are wide while the history is short: a pod whose request is within them is left alone.

Source: kubernetes/autoscaler, vertical-pod-autoscaler/pkg/recommender (logic, model, util) at commit 55c37cd5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from yuheng.finops.rightsizing.samples import F64, Samples
from yuheng.model.units import DAY, MIB

__all__ = ["MIN_CPU", "MIN_MEMORY", "Recommendation", "after_oom", "cpu", "memory"]

GROWTH: Final = 1.05
HALF_LIFE: Final = DAY
MARGIN: Final = 1.15
LOWER, TARGET, UPPER = 0.5, 0.9, 0.95
PEAK_INTERVAL: Final = DAY
MIN_CPU: Final = 0.025
MIN_MEMORY: Final = 250.0 * MIB
OOM_BUMP: Final = 100.0 * MIB
OOM_RATIO: Final = 1.2


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A request and the bounds within which the updater leaves a pod alone; cores or bytes."""

    lower: float
    target: float
    upper: float


@dataclass(frozen=True, slots=True)
class _Buckets:
    """Buckets the first of which has a given size, each later one 5 % more than the one before."""

    first: float
    largest: float

    @property
    def count(self) -> int:
        return int(np.ceil(np.log(self.largest * (GROWTH - 1) / self.first + 1) / np.log(GROWTH))) + 1

    def index(self, values: F64) -> NDArray[np.int64]:
        grown = np.log(np.maximum(values, 0.0) * (GROWTH - 1) / self.first + 1) / np.log(GROWTH)
        return np.where(values < self.first, 0, np.minimum(grown.astype(np.int64), self.count - 1))

    def start(self, bucket: int) -> float:
        return float(self.first * (GROWTH**bucket - 1) / (GROWTH - 1))


_CPU: Final = _Buckets(first=0.01, largest=1000.0)
_MEMORY: Final = _Buckets(first=1e7, largest=1e12)


def cpu(pods: Sequence[Samples], minimum: float = MIN_CPU) -> Recommendation:
    """The recommendation for CPU.

    Args:
        pods: cores used, per pod; at least one sample in all.
        minimum: cores below which nothing is recommended (the recommender's default is 25 millicores a pod).
    """
    times = np.concatenate([pod.times for pod in pods])
    cores = np.concatenate([pod.values for pod in pods])
    return _recommendation(_CPU, cores, _decay(times), _confidence(times), minimum)


def memory(pods: Sequence[Samples], minimum: float = MIN_MEMORY) -> Recommendation:
    """The recommendation for memory, from the peaks of every 24 hours, counted from each pod's first sample.

    Args:
        pods: bytes used, per pod; at least one sample in all.
        minimum: bytes below which nothing is recommended (the recommender's default is 250 MiB a pod).
    """
    found = [_peaks(pod) for pod in pods if len(pod.times)]
    ends, peaks = (np.concatenate(part) for part in zip(*found, strict=True))
    times = np.concatenate([pod.times for pod in pods])
    return _recommendation(_MEMORY, peaks, _decay(ends), _confidence(times), minimum)


def after_oom(requested: float, peak: float) -> float:
    """The bytes that count as a peak after an OOM kill: max(+100 MiB, x 1.2) on the larger of request and peak."""
    used = max(requested, peak)
    return max(used + OOM_BUMP, used * OOM_RATIO)


def _peaks(pod: Samples) -> tuple[F64, F64]:
    """The ends of a pod's intervals of 24 hours, and the peak in each; intervals without a sample are left out."""
    window = ((pod.times - pod.times[0]) // PEAK_INTERVAL).astype(np.int64)
    firsts = np.flatnonzero(np.diff(window, prepend=-1))
    # A peak is dated to the end of its interval, whenever within it it was seen.
    return pod.times[0] + (window[firsts] + 1) * PEAK_INTERVAL, np.maximum.reduceat(pod.values, firsts)


def _decay(times: F64) -> F64:
    weights: F64 = np.exp2((times - times.max()) / HALF_LIFE)
    return weights


def _confidence(times: F64) -> float:
    """Days of history, or of samples at one a minute where these are fewer."""
    return max(min(float(times.max() - times.min()) / DAY, len(times) / 1440.0), 1e-9)


def _recommendation(buckets: _Buckets, values: F64, weights: F64, days: float, minimum: float) -> Recommendation:
    """Percentiles, each with its margin, the outer two widened by how little is known."""
    held = np.bincount(buckets.index(values), weights, buckets.count).astype(np.float64)
    lower, target, upper = (MARGIN * _percentile(buckets, held, share) for share in (LOWER, TARGET, UPPER))
    return Recommendation(
        lower=max(lower * (1 + 0.001 / days) ** -2, minimum),
        target=max(target, minimum),
        upper=max(upper * (1 + 1 / days), minimum),
    )


def _percentile(buckets: _Buckets, held: F64, share: float) -> float:
    """The end of the bucket that holds a percentile; of the last one, which has no end, its start."""
    # The recommender ignores buckets lighter than 0.0001, but weighs from the first sample on: none is in 100 days.
    last = int(np.flatnonzero(held)[-1])
    bucket = min(int(np.searchsorted(np.cumsum(held), share * held.sum())), last)
    return buckets.start(min(bucket + 1, buckets.count - 1))
