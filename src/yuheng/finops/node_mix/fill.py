"""Put pods on many machines at once, one kind after the other, each machine in an order of its own.

All machines take their next step together, as array operations: a step is a kind, of which a machine takes as many as
fit. Letters for sizes: B machines, I kinds, R resources, G GPUs of the largest.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from yuheng.finops.node_mix.problem import DEVICE, Amounts, Flags, Problem

__all__ = ["Bins", "empty_bins", "fill", "put"]

# More than fits of anything.
_MOST: Final = np.iinfo(np.int64).max


class Bins(NamedTuple):
    """Machines that are being filled; changed in place.

    Attributes:
        machine: (B,) which machine each is.
        free: (B, R) what is left.
        devices: (B, G) thousandths left of each GPU, ascending; GPUs that a machine does not have are 0.
        held: (B, I) pods on it.
    """

    machine: Amounts
    free: Amounts
    devices: Amounts
    held: Amounts

    def some(self, chosen: Amounts | Flags) -> Bins:
        """Copies of some of them."""
        return Bins(self.machine[chosen], self.free[chosen], self.devices[chosen], self.held[chosen])


def empty_bins(problem: Problem, machine: Amounts) -> Bins:
    """Machines with nothing on them."""
    most = int(problem.gpus[machine].max(initial=0))
    place = np.arange(most)[::-1]
    devices = np.where(place[None, :] < problem.gpus[machine][:, None], DEVICE, 0).astype(np.int64)
    held = np.zeros((len(machine), problem.kinds), dtype=np.int64)
    return Bins(machine, problem.room[machine].copy(), devices, held)


def fill(problem: Problem, bins: Bins, order: Amounts, limit: Amounts) -> None:
    """Take of each kind as many as fit, in order.

    Args:
        problem: the pods.
        bins: the machines; changed.
        order: (B, K) the kinds that each machine is offered, first to last.
        limit: (B, I) how many of a kind a machine may take more.
    """
    rows = np.arange(len(bins.machine))
    for step in range(order.shape[1]):
        kind = order[:, step]
        wanted = limit[rows, kind]
        put(problem, bins, kind, wanted)


def put(problem: Problem, bins: Bins, kind: Amounts, wanted: Amounts) -> Amounts:
    """Put up to so many pods of one kind on each machine.

    Args:
        problem: the pods.
        bins: the machines; changed.
        kind: (B,) the kind for each machine.
        wanted: (B,) how many at most.

    Returns:
        (B,) how many were put there.
    """
    rows = np.arange(len(kind))
    held = bins.held[rows, kind]
    allowed = np.minimum(wanted, problem.most[kind] - held)
    allowed = np.where(problem.open[bins.machine, kind], allowed, 0)
    sizes = problem.sizes[kind]
    fits = np.where(sizes > 0, bins.free // np.maximum(sizes, 1), _MOST).min(axis=1)
    number: Amounts = np.maximum(np.minimum(allowed, fits), 0)
    if problem.clash.any():
        clashing = (problem.clash[kind] & (bins.held > 0)).any(axis=1)
        number = np.where(clashing, 0, number)
    if bins.devices.shape[1]:
        number = _on_devices(problem, bins, kind, number)
    else:
        number = np.where((problem.share[kind] > 0) | (problem.whole[kind] > 0), 0, number)
    bins.free[:] -= sizes * number[:, None]
    bins.held[rows, kind] += number
    return number


def _on_devices(problem: Problem, bins: Bins, kind: Amounts, number: Amounts) -> Amounts:
    """Take the GPUs that pods ask for; returns how many pods got theirs."""
    share, whole = problem.share[kind], problem.whole[kind]
    sharing = np.flatnonzero((share > 0) & (number > 0))
    if len(sharing):
        devices, size = bins.devices[sharing], share[sharing, None]
        fits = devices // size
        before = np.cumsum(fits, axis=1) - fits
        taken = np.clip(number[sharing, None] - before, 0, fits)
        number[sharing] = taken.sum(axis=1)
        bins.devices[sharing] = np.sort(devices - taken * size, axis=1)
    owning = np.flatnonzero((whole > 0) & (number > 0))
    if len(owning):
        devices = bins.devices[owning]
        unused = (devices == DEVICE).sum(axis=1)
        number[owning] = np.minimum(number[owning], unused // whole[owning])
        taken = (number[owning] * whole[owning])[:, None]
        first = devices.shape[1] - unused[:, None]
        place = np.arange(devices.shape[1])[None, :]
        left = np.where((place >= first) & (place < first + taken), 0, devices)
        bins.devices[owning] = np.sort(left, axis=1)
    return number
