"""Usage of many containers on one grid of time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["PodContainer", "UsageMatrices"]


class PodContainer(NamedTuple):
    """A container of a pod."""

    namespace: str
    pod: str
    container: str


class UsageMatrices(NamedTuple):
    """What containers used, each cell standing for the same length of time.

    Attributes:
        names: (N,) whose rows these are.
        times: (T,) seconds since the epoch, ``step`` apart: where a cell begins.
        cpu: (N, T) cores; nan where nothing was measured.
        memory: (N, T) bytes; nan where nothing was measured.
        step: seconds of a cell.
        finest: seconds between samples as they were measured; less than ``step`` where cells hold several, of which
            the highest counts.
    """

    names: tuple[PodContainer, ...]
    times: NDArray[np.float64]
    cpu: NDArray[np.float32]
    memory: NDArray[np.float32]
    step: float
    finest: float
