"""What containers used, summed up: the bridge from files of samples to money."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from yuheng.model.units import HOUR

__all__ = ["ContainerKey", "Requests", "UsageSums", "Window"]

Numbers = NDArray[np.float64]
Indices = NDArray[np.int64]


class Window(msgspec.Struct, frozen=True):
    """A time that is looked at, in stretches of equal length.

    Attributes:
        start, end: in seconds since the epoch; the end is later than the start.
        every: seconds of a stretch, which begins at a multiple of them since the epoch (a day: at midnight UTC; a
            week: on a Thursday, see ``offset``); 0 for one stretch, the whole window. The first and the last stretch
            are shorter where the window begins or ends within them.
        offset: seconds by which the stretches begin later than such a multiple.
    """

    start: float
    end: float
    every: float = 0.0
    offset: float = 0.0

    @property
    def hours(self) -> float:
        """Its length."""
        return (self.end - self.start) / HOUR

    @property
    def origin(self) -> float:
        """When the stretch began that the window begins in."""
        if not self.every:
            return self.start
        return (self.start - self.offset) // self.every * self.every + self.offset

    def edges(self) -> Numbers:
        """(P + 1,) when each stretch begins, and when the last one ends."""
        if not self.every:
            return np.array([self.start, self.end])
        count = int(np.ceil((self.end - self.origin) / self.every))
        edges = self.origin + self.every * np.arange(count + 1, dtype=np.float64)
        edges[0], edges[-1] = self.start, self.end
        return edges

    def overlaps(self, starts: Numbers) -> Numbers:
        """(N, P) hours of each stretch that are left from (N,) times on."""
        edges = self.edges()
        left: Numbers = np.clip(edges[1:] - np.maximum(edges[:-1], starts[:, None]), 0.0, None) / HOUR
        return left


class ContainerKey(msgspec.Struct, frozen=True, order=True):
    """A container by its names; ``container`` is empty for what is told of a pod as a whole."""

    namespace: str
    pod: str
    container: str = ""


class Requests(msgspec.Struct, frozen=True, kw_only=True):
    """What containers request, column by column.

    Attributes:
        keys: of N containers, each once.
        cpu: (N,) cores.
        memory: (N,) GiB.
        gpu: (N,) devices.
    """

    keys: tuple[ContainerKey, ...]
    cpu: Numbers
    memory: Numbers
    gpu: Numbers


class UsageSums(msgspec.Struct, frozen=True, kw_only=True):
    """What containers used and requested, summed over their samples within a window.

    A sample counts for the time until the container's next one, at most three times the usual step. All amounts are
    sums of amount times hours: core-hours, GiB-hours, device-hours.

    Attributes:
        keys: of K containers; one that ran on several nodes is there once for each of them.
        nodes: (K) where it ran, as the samples tell; empty where they do not.
        first, last: (K,) the time of its first and of its last sample, in seconds since the epoch.
        who: (M,) position in ``keys``; M rows, one for each container and stretch of the window that it has samples in.
        period: (M,) the stretch.
        hours: (M,) that its samples stand for.
        cpu, memory, gpu: (M,) of the greater of request and usage, sample by sample.
        cpu_used, memory_used, gpu_used: (M,) of usage.
        cpu_told, memory_told, gpu_told: (M,) of the greater of both, of samples that tell the usage.
        egress: (M,) bytes that left for the internet.
        step: seconds, the usual time between two samples of a container.
        start, end: of the samples within the window, in seconds since the epoch.
        samples: how many there are.
        notes: what had to be assumed.
    """

    keys: tuple[ContainerKey, ...]
    nodes: tuple[str, ...]
    first: Numbers
    last: Numbers
    who: Indices
    period: Indices
    hours: Numbers
    cpu: Numbers
    memory: Numbers
    gpu: Numbers
    cpu_used: Numbers
    memory_used: Numbers
    gpu_used: Numbers
    cpu_told: Numbers
    memory_told: Numbers
    gpu_told: Numbers
    egress: Numbers
    step: float
    start: float
    end: float
    samples: int
    notes: tuple[str, ...] = ()
