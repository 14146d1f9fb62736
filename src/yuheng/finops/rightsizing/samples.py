"""What was measured of one pod's container: when, and how much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["F64", "Samples", "total_of", "worst_of"]

F64 = NDArray[np.float64]


class Samples(NamedTuple):
    """Usage of one pod's container, each sample standing for the same length of time.

    Attributes:
        times: (N,) seconds since the epoch, ascending.
        values: (N,) cores or bytes, not negative.
    """

    times: F64
    values: F64

    def before(self, time: float) -> Samples:
        """Those taken before a time."""
        end = int(np.searchsorted(self.times, time))
        return Samples(self.times[:end], self.values[:end])


def worst_of(pods: Sequence[Samples]) -> Samples:
    """At each moment at which any pod was measured, the usage of the pod that used most.

    A request is the same for all replicas: what holds the worst of them holds them all.
    """
    return _merged(pods, np.maximum)


def total_of(pods: Sequence[Samples]) -> Samples:
    """At each moment at which any pod was measured, the usage of all of them together."""
    return _merged(pods, np.add)


def _merged(pods: Sequence[Samples], into: np.ufunc) -> Samples:
    if len(pods) == 1:
        return pods[0]
    times, place = np.unique(np.concatenate([pod.times for pod in pods]), return_inverse=True)
    values = np.zeros(len(times))
    into.at(values, place, np.concatenate([pod.values for pod in pods]))
    return Samples(times, values)
