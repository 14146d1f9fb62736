"""The question as arrays: kinds of pods to hold, machines to hold them, and what keeps one from the other.

Letters for sizes: I kinds of pods, M machines, R resources, G GPUs of the machine that has most.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["DEVICE", "Amounts", "Flags", "Problem", "devices_needed", "pack_shares", "without_dominated"]

Amounts = NDArray[np.int64]
Flags = NDArray[np.bool_]
# A whole GPU, in thousandths.
DEVICE: Final = 1000
# Steps after which no more packings of shares onto GPUs are tried.
SEARCHED: Final = 2000


class Problem(NamedTuple):
    """Pods and machines.

    Attributes:
        names: (R) of the resources.
        sizes: (I, R) what a pod asks for.
        counts: (I,) how many pods there are of each kind.
        whole: (I,) whole GPUs that a pod asks for.
        share: (I,) thousandths of one GPU that a pod asks for; 0 for none.
        most: (I,) how many of a kind one machine may hold.
        clash: (I, I) whether two kinds must not be on one machine; the diagonal is False.
        prices: (M,) US dollars per hour.
        room: (M, R) what a machine has for pods.
        gpus: (M,) its GPUs.
        open: (M, I) whether a kind may be on it, room aside.
    """

    names: tuple[str, ...]
    sizes: Amounts
    counts: Amounts
    whole: Amounts
    share: Amounts
    most: Amounts
    clash: Flags
    prices: NDArray[np.float64]
    room: Amounts
    gpus: Amounts
    open: Flags

    @property
    def kinds(self) -> int:
        """How many kinds of pods there are."""
        return len(self.counts)

    @property
    def machines(self) -> int:
        """How many machines there are to choose from."""
        return len(self.prices)

    def alone(self) -> Amounts:
        """(M, I) how many pods of a kind an empty machine holds when there is nothing else on it."""
        with np.errstate(divide="ignore"):
            fits = np.where(self.sizes > 0, self.room[:, None, :] // np.maximum(self.sizes, 1), np.iinfo(np.int64).max)
        found = np.minimum(fits.min(axis=2), self.most)
        by_share = self.gpus[:, None] * (DEVICE // np.maximum(self.share, 1))
        by_whole = self.gpus[:, None] // np.maximum(self.whole, 1)
        found = np.where(self.share > 0, np.minimum(found, by_share), found)
        found = np.where(self.whole > 0, np.minimum(found, by_whole), found)
        return np.where(self.open, found, 0)

    def kept(self, machines: Flags) -> Problem:
        """The same with some of the machines only."""
        return self._replace(
            prices=self.prices[machines], room=self.room[machines], gpus=self.gpus[machines], open=self.open[machines]
        )

    def holding(self, kinds: Flags) -> Problem:
        """The same with some of the kinds only."""
        return self._replace(
            sizes=self.sizes[kinds],
            counts=self.counts[kinds],
            whole=self.whole[kinds],
            share=self.share[kinds],
            most=self.most[kinds],
            clash=self.clash[np.ix_(kinds, kinds)],
            open=self.open[:, kinds],
        )


def without_dominated(problem: Problem) -> Flags:
    """(M,) the machines that no other machine beats: as cheap, as large in everything, and open to as many kinds.

    Of machines that are alike in all of it the first is kept.
    """
    keep = np.ones(problem.machines, dtype=np.bool_)
    order = np.lexsort((np.arange(problem.machines), -problem.room.sum(axis=1), problem.prices))
    # A machine is as good as its room for what there is to hold: more is of no use.
    needed = (problem.sizes * problem.counts[:, None]).sum(axis=0)
    room = np.minimum(problem.room, needed)
    gpus = np.minimum(
        problem.gpus, int((problem.whole * problem.counts).sum() + problem.counts[problem.share > 0].sum())
    )
    for place, m in enumerate(order.tolist()):
        before = order[:place][keep[order[:place]]]
        beaten = (
            (room[before] >= room[m]).all(axis=1)
            & (gpus[before] >= gpus[m])
            & (problem.open[before] | ~problem.open[m]).all(axis=1)
        )
        keep[m] = not beaten.any()
    return keep


def devices_needed(whole: Amounts, share: Amounts, counts: Amounts) -> Amounts:
    """(B,) how many GPUs hold what is on each machine, shares packed the largest first into the tightest GPU.

    Args:
        whole: (I,) whole GPUs of a pod.
        share: (I,) thousandths of one GPU of a pod.
        counts: (B, I) pods on each machine.
    """
    total = counts @ whole
    kinds = np.flatnonzero((share > 0) & (counts > 0).any(axis=0))
    for b in np.flatnonzero(counts[:, kinds].any(axis=1)).tolist() if len(kinds) else []:
        total[b] += _bins(share[kinds], counts[b, kinds])
    return np.asarray(total, dtype=np.int64)


def _bins(sizes: Amounts, counts: Amounts) -> int:
    """How many bins of a whole GPU best-fit decreasing fills."""
    free: list[int] = []
    for i in np.argsort(-sizes, kind="stable").tolist():
        size = int(sizes[i])
        for _ in range(int(counts[i])):
            fitting = [(room, place) for place, room in enumerate(free) if room >= size]
            if fitting:
                free[min(fitting)[1]] -= size
            else:
                free.append(DEVICE - size)
    return len(free)


def pack_shares(sizes: list[int], devices: int) -> list[int] | None:
    """What is left of each GPU when shares are packed onto so many; None when no packing was found.

    Depth first, the largest share first, into GPUs of different room; given up after some steps.

    Args:
        sizes: thousandths of a GPU, descending.
        devices: GPUs.
    """
    free, steps = [DEVICE] * devices, 0

    def packed(place: int) -> bool:
        nonlocal steps
        if place == len(sizes):
            return True
        steps += 1
        if steps > SEARCHED or sum(free) < sum(sizes[place:]):
            return False
        tried = set()
        for d in sorted(range(devices), key=free.__getitem__):
            if free[d] >= sizes[place] and free[d] not in tried:
                tried.add(free[d])
                free[d] -= sizes[place]
                if packed(place + 1):
                    return True
                free[d] += sizes[place]
        return False

    return free if packed(0) else None
