"""Memory: no minute above request is for sale.

A minute of CPU above request is slow; a byte of memory above the limit is a kill. So memory has no hours and no price:
what was seen at most, and room to grow by what it was seen to grow by. Below what a container was killed at it never
goes, and a Java virtual machine keeps what its flags let it take.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from yuheng.finops.rightsizing.samples import Samples, worst_of
from yuheng.finops.rightsizing.vpa import after_oom
from yuheng.model.estate import Container
from yuheng.model.rightsizing import LimitPolicy
from yuheng.model.units import MIB

__all__ = ["Bounds", "bounds_of", "limit_for", "peak_and_growth"]

CUTS: Final = (0.5, 0.6, 0.7, 0.8, 0.9)
LEAST_GROWTH, MOST_GROWTH = 1.02, 1.3
_FEWEST: Final = 10
BESIDE_HEAP: Final = 256 * MIB
"""What a Java virtual machine takes beside its heap (metaspace, code cache, threads, buffers), at least ..."""
BESIDE_HEAP_SHARE: Final = 0.1
"""... and at least this share of the heap: a garbage collector's own tables grow with it."""


class Bounds(NamedTuple):
    """How low a request for memory may be.

    Attributes:
        floor: in bytes; 0 for none.
        why: what set the floor, in words.
        keeps: whether the memory limit has to stay, since the heap is a share of it.
        killed: whether it is what a container was killed at, with the room that VPA gives it then.
        left: why nothing may be recommended; empty where something may.
    """

    floor: float = 0.0
    why: str = ""
    keeps: bool = False
    killed: bool = False
    left: str = ""


def peak_and_growth(pods: Sequence[Samples]) -> float:
    """Bytes: the highest usage seen, times how much the maximum grew when the history was cut at 50 to 90 %.

    At least 2 % on top, at most 30 %: what a tenth to a half of the history did not foretell of the rest, the whole of
    it will not foretell of the future. With fewer than ten samples it is 30 %.

    Args:
        pods: bytes used, per pod; at least one sample in all.
    """
    values = worst_of(pods).values
    if len(values) < _FEWEST:
        return float(values.max()) * MOST_GROWTH
    parts = np.maximum.reduceat(values, [0, *(int(cut * len(values)) for cut in CUTS)])
    before, after = np.maximum.accumulate(parts)[:-1], np.maximum.accumulate(parts[::-1])[::-1][1:]
    growth = float((after / np.maximum(before, 1.0)).max())
    return float(parts.max()) * min(max(growth, LEAST_GROWTH), MOST_GROWTH)


def bounds_of(container: Container, peak: float) -> Bounds:
    """How low the memory request of a container may be.

    Args:
        container: with its flags, and whether it was killed for want of memory.
        peak: bytes used at most; 0 when unknown.
    """
    found = _heap(container)
    if container.out_of_memory is not None and not found.left:
        # The kernel kills at the limit; without one, a node's memory ran out, and what was used at most counts.
        had = _had(container)
        killed = after_oom(had, peak)
        if killed > found.floor:
            why = f"killed for want of memory at {_told(max(had, peak))}: never below {_told(killed)}"
            found = found._replace(floor=killed, why=why, killed=True)
    return found


def _had(container: Container) -> int:
    """Bytes that a container had when it was killed: those of the pod that was, not what is written by now."""
    if container.killed_at is None:
        return max(container.memory, container.memory_limit or 0)
    return max(container.killed_at, container.killed_limit or 0)


def _heap(container: Container) -> Bounds:
    """What a Java virtual machine may take by its flags."""
    if container.heap is not None:
        needed = container.heap + max(BESIDE_HEAP, BESIDE_HEAP_SHARE * container.heap)
        why = f"its Java heap may take {_told(container.heap)}: with what is beside it never below {_told(needed)}"
        return Bounds(needed, why)
    if container.heap_share is None:
        return Bounds()
    share = f"{container.heap_share:.0%}"
    if container.memory_limit is None:
        return Bounds(left=f"its Java heap may take {share} of the node's memory, as it has no limit: set one first")
    heap = container.heap_share * container.memory_limit
    needed = min(heap + max(BESIDE_HEAP, BESIDE_HEAP_SHARE * heap), container.memory_limit)
    return Bounds(needed, f"its Java heap is {share} of the memory limit, which therefore stays", keeps=True)


def limit_for(container: Container, request: int, policy: LimitPolicy, bounds: Bounds) -> int | None:
    """The memory limit that goes with a new request, in bytes; None for none.

    Args:
        container: as it is.
        request: new, in bytes.
        policy: ``ratio`` keeps limit : request as it was (and no limit where there was none); ``request`` makes them
            equal.
        bounds: of the request. Where these keep the limit, or the request is already what a container was killed at and
            more, the limit stays, or is raised to the request.
    """
    old = container.memory_limit
    if old is not None and bounds.keeps:
        return max(old, request)
    if policy == "request":
        return request
    if old is not None and bounds.killed and request <= bounds.floor + MIB:
        return max(old, request)
    if old is None:
        return None
    ratio = max(old / container.memory, 1.0) if container.memory else 1.0
    return max(request, -(-int(request * ratio) // MIB) * MIB, old if not container.memory else 0)


def _told(amount: float) -> str:
    return f"{amount / MIB:,.0f}Mi"
